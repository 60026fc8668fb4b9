"""The package as a wheel, made from its own files: no build tool, no network, the same bytes from the same files."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

import autograder
from autograder.errors import KitError
from autograder.files import zipped

DISTRIBUTION = "blitz-autograder"
KINDS = (".py", ".typed", ".html", ".js", ".md", ".mo")
LEFT_OUT = ("samples", "__pycache__")  # the demo's submissions, of which one is all right
LICENSE = "licenses/LICENSE"  # below a wheel's metadata


@dataclass(frozen=True)
class Wheel:
    """A wheel: its version, the name of its file, and the file's content."""

    version: str
    name: str
    content: bytes


def build(package: Path = Path(autograder.__file__).parent) -> Wheel:
    """The wheel of the package in that folder.

    Its version tells its content: pip installs a wheel again only if the version is another one.

    Raises:
        KitError: the package is not installed here, so that nothing says what it needs.
    """
    try:
        installed = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise KitError(f"{DISTRIBUTION} is not installed here: `pip install -e .` in its folder") from None
    project = _project(package.parent)
    needs = _needs(project, installed)
    files = _files(package)
    essence = hashlib.sha256("\n".join([*needs, *(f"{name} {_digest(files[name])}" for name in sorted(files))]).encode())
    version = f"{installed.version}+k{essence.hexdigest()[:12]}"
    name = f"{DISTRIBUTION.replace('-', '_')}-{version}"
    licence = (package.parent / "LICENSE").read_text(encoding="utf-8") if project else installed.read_text(LICENSE)
    told = {"Metadata-Version": "2.4", "Name": DISTRIBUTION, "Version": version,
            "Summary": installed.metadata["Summary"], "Requires-Python": installed.metadata["Requires-Python"],
            "License-Expression": project.get("license") or installed.metadata["License-Expression"] if licence else "",
            "License-File": Path(LICENSE).name if licence else ""}  # fmt: skip
    metadata = [*(f"{key}: {value}" for key, value in told.items() if value), *(f"Requires-Dist: {need}" for need in needs)]
    folder = f"{name}.dist-info"
    files[f"{folder}/METADATA"] = _text(*metadata)
    files[f"{folder}/WHEEL"] = _text("Wheel-Version: 1.0", f"Generator: {DISTRIBUTION}", "Root-Is-Purelib: true",
                                     "Tag: py3-none-any")  # fmt: skip
    files[f"{folder}/entry_points.txt"] = (installed.read_text("entry_points.txt") or "").encode()
    files[f"{folder}/top_level.txt"] = _text("autograder")
    if licence:
        files[f"{folder}/{LICENSE}"] = licence.encode()
    record = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    files[f"{folder}/RECORD"] = _text(*record, f"{folder}/RECORD,,")
    return Wheel(version, f"{name}-py3-none-any.whl", zipped(files))


def _project(root: Path) -> Mapping[str, Any]:
    """What a clone says of the package now, which may be more than when it was installed; nothing outside a clone."""
    path = root / "pyproject.toml"
    known = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}) if path.is_file() else {}
    return known if known.get("name") == DISTRIBUTION else {}


def _needs(project: Mapping[str, Any], installed: importlib.metadata.Distribution) -> list[str]:
    found = project.get("dependencies") or [line for line in installed.requires or () if "extra ==" not in line]
    return [str(Requirement(need)) for need in found]  # in one form: a build backend turns parts of it round


def _files(package: Path) -> dict[str, bytes]:
    paths = sorted(path for path in package.rglob("*") if path.suffix in KINDS and path.is_file())
    names = {path.relative_to(package): path for path in paths}
    return {f"autograder/{name.as_posix()}": path.read_bytes() for name, path in names.items()
            if not any(part in LEFT_OUT or part.startswith(".") for part in name.parts)}  # fmt: skip


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _text(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()
