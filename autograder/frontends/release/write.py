"""A student kit as a folder or as one zip file, written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from autograder.course import KIT_FILE
from autograder.errors import KitError
from autograder.files import written_whole, zipped
from autograder.frontends.release.contents import Kit


def as_folder(kit: Kit, folder: Path) -> str:
    """Make the folder, and say so.

    Raises:
        KitError: it is there already, with something in it, or it cannot be written. Nothing is written.
    """
    folder = folder.resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise KitError(f"{folder}: there is something already; give a folder that is new or empty, or --update")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            for path, content in {**kit.files, KIT_FILE: kit.manifest()}.items():
                (beside / path).parent.mkdir(parents=True, exist_ok=True)
                (beside / path).write_bytes(content)
            beside.chmod(0o755)
            if folder.exists():
                folder.rmdir()
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise KitError(f"{folder}: cannot be written: {error.strerror}") from None
    return f"wrote {folder}: {_topics(kit)}, {len(kit.files) + 1} files; its README.md says how to begin"


def as_zip(kit: Kit, place: Path) -> str:
    """Make `place`, a zip file with one folder of its name, and say so; `.zip` is added where it does not end so.

    Raises:
        KitError: it is there already, or it cannot be written. Nothing is written.
    """
    place = place.resolve()
    path = place if place.suffix == ".zip" else place.with_name(f"{place.name}.zip")
    if path.exists() or path.is_symlink():
        raise KitError(f"{path}: there is something already; give the name of a new file")
    files = sorted({**kit.files, KIT_FILE: kit.manifest()}.items())
    try:
        with written_whole(path) as file:
            file.write(zipped({f"{path.stem}/{name}": content for name, content in files}))
    except OSError as error:
        raise KitError(f"{path}: cannot be written: {error.strerror}") from None
    return f"wrote {path}: {_topics(kit)}, {len(files)} files, {path.stat().st_size / 1000:,.0f} kB"


def _topics(kit: Kit) -> str:
    return f"{len(kit.topics)} topic{'s' * (len(kit.topics) != 1)}"
