"""The package as `python -m build` makes it: a source archive, a wheel from that, and what they do without a course."""

import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import patient
import pytest

ROOT = Path(__file__).parents[2]
PROJECT = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "MANIFEST.in")
SHIPPED = (".py", ".mo", ".html", ".js", ".md", ".typed")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT / "autograder", folder / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    for name in PROJECT:
        shutil.copy(ROOT / name, folder)
    for name in ("exercises", "solutions", "tests"):  # such as a clone has beside the package
        (folder / name / "01_mini").mkdir(parents=True)
        (folder / name / "01_mini/test_mini.py").write_text("SECRET = 1\n")
    patient.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", "."], cwd=folder, check=True)
    return folder / "dist"


def test_wheel_and_source_archive_hold_the_package_and_no_course(built):
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "autograder").rglob("*") if path.suffix in SHIPPED}
    assert inside == package
    with tarfile.open(source) as archive:
        beside = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert beside == {"autograder", "blitz_autograder.egg-info", "setup.cfg", "PKG-INFO", *PROJECT}


def test_an_installed_wheel_without_a_course_says_so_in_one_line(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = patient.run([sys.executable, "-m", "autograder", "demo"], cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"autograder: no course.yaml in {tmp_path} or above it: "
        "run this inside a course or a student kit; the package alone has no exercises\n"
    )
