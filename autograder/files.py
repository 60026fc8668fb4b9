"""Files that are written whole or not at all: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from autograder.errors import KitError


@contextlib.contextmanager
def written_whole(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` once the block ends, and vanishes if the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write `text` to `path`, whole or not at all."""
    with written_whole(path, mode) as file:
        file.write(text.encode("utf-8"))


NOT_WRITTEN = "the results cannot be written"


@contextlib.contextmanager
def refusal(place: Path, what: str = "cannot be written") -> Iterator[None]:
    """An OSError in the block is a KitError: that this cannot be done at `place`, and the system's reason."""
    try:
        yield
    except OSError as error:
        raise KitError(f"{place}: {what} ({error.strerror or error})") from None


def zipped(files: Mapping[str, bytes], programs: Collection[str] = ()) -> bytes:
    """A zip archive in that order, without times or owners: the same bytes for the same files; `programs` can be run."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the first moment that a zip file can tell
            entry.create_system = 3  # a plain file, as Unix writes it
            entry.external_attr = (0o100755 if name in programs else 0o100644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return whole.getvalue()
