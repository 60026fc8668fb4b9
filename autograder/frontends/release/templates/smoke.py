"""Does this kit work on this machine? Run `python smoke.py` after the setup in README.md; it takes some seconds.

It looks at the kit's files and the installed package, and runs all checks in a temporary folder: on one task that is right,
and on every module as you received it, which is not done yet. Your own work is not looked at.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

HERE = Path(__file__).resolve().parent
SETUP = "run the setup in README.md, `pip install -r requirements.txt`, in this folder"
RIGHT = "98_smoke"
ENTRY = f"  {RIGHT}:\n    title: Smoke\n    tasks: {{double: {{points: 1, hint: Two times.}}}}\n"
MODULE = "import torch\n\n\ndef double(x: torch.Tensor) -> torch.Tensor:\n    return 2 * x\n"
CHECK = '''
import torch

from autograder import expect_close


def test_double__of_some(student, rng):
    """doubles"""
    x = torch.randn(3, generator=rng)
    expect_close(student.call("double", x), 2 * x)
'''


def main() -> str:
    """What is wrong, as one sentence, or ""."""
    kit = json.loads((HERE / "kit.json").read_text(encoding="utf-8"))
    if sentence := _installed(kit["version"]) or _gone(kit):
        return sentence
    with tempfile.TemporaryDirectory() as folder:
        return _checked(kit, Path(folder))


def _installed(version: str) -> str:
    try:
        found = importlib.metadata.version("blitz-autograder")
    except importlib.metadata.PackageNotFoundError:
        return f"the package is not installed in {sys.prefix}: {SETUP}"
    return "" if found == version else f"the package is version {found}, and this kit needs {version}: {SETUP}"


def _gone(kit: dict[str, dict[str, str]]) -> str:
    given = {path: value for path, value in kit["files"].items() if path not in kit["work"]}
    gone = [path for path in given if not (HERE / path).is_file()]
    if gone:
        return f"{gone[0]} is not there: unpack the kit once more"
    changed = [path for path, value in given.items() if hashlib.sha256((HERE / path).read_bytes()).hexdigest() != value]
    for path in changed:
        print(f"changed since it was released: {path}")
    return ""


def _checked(kit: dict[str, list[str]], folder: Path) -> str:
    shutil.copy(HERE / "pytest.ini", folder)
    (folder / "course.yaml").write_text((HERE / "course.yaml").read_text(encoding="utf-8") + ENTRY, encoding="utf-8")
    for name in kit["topics"]:
        shutil.copytree(HERE / "originals/exercises" / name, folder / "exercises" / name)
        for path in (HERE / "exercises" / name).glob("test_*.py"):
            shutil.copy(path, folder / "exercises" / name)
    right = folder / "exercises" / RIGHT
    right.mkdir()
    (right / "smoke.py").write_text(MODULE, encoding="utf-8")
    (right / "test_smoke.py").write_text(CHECK, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=found.xml"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if not (folder / "found.xml").is_file():
        return f"the checks do not run:\n{done.stdout}{done.stderr}"
    cases = list(ET.parse(folder / "found.xml").iter("testcase"))
    for name in (*kit["topics"], RIGHT):
        own = [case for case in cases if name in str(case.get("classname")).split(".")]
        broken = [case.get("name") for case in own if case.find("error") is not None]
        failed = any(case.find("failure") is not None for case in own)
        if not own or broken or failed != (name != RIGHT):
            return f"the checks of {name} do not work here:\n{done.stdout}{done.stderr}"
        if name != RIGHT:
            print(f"{name}: {len(own)} checks run")
    return ""


if __name__ == "__main__":
    problem = main()
    print(problem or "This kit works here.")
    sys.exit(1 if problem else 0)
