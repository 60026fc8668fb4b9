"""The images of a grading: found and checked once, kept in a cache as one file of tensors, held in memory to be shared.

The sources are the official CIFAR-10 archive, a folder of images, and the images that the kit draws itself.
"""

import functools
import hashlib
import io
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from autograder.errors import KitError
from autograder.files import written_whole
from autograder.images import drawings, readers
from autograder.images.readers import Images, Say

EMBEDDED_COUNTS = {"train": 10_000, "test": 2_000}


@dataclass(frozen=True)
class Source:
    """Images that were checked: their name for reports, and the file of their tensors ("" for the embedded images)."""

    name: str
    path: str = ""


EMBEDDED = Source("embedded images")


def say_on_stderr(text: str) -> None:
    """Tell a person at the terminal what takes long."""
    print(text, file=sys.stderr)  # noqa: T201  that is the way to tell


def default_cache() -> Path:
    """$AUTOGRADER_CACHE, or autograder in the user's cache folder."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("AUTOGRADER_CACHE") or Path(caches) / "autograder")


def find(wanted: str = "auto", cache: Path | None = None, *, allow_download: bool = False, say: Say = say_on_stderr) -> Source:
    """The source that `wanted` names, read and checked; KitError says in one line what is wrong and how to mend it.

    `wanted` is "official", "embedded", or a path: a folder with train/CLASS and test/CLASS, a tar file of one, or a
    folder that holds the official archive. With "auto" the cache folder is searched for the official archive, then for
    cifar10-images or cifar10-images.tar.xz; if there is neither, the embedded images are used.
    """
    cache = (cache or default_cache()).expanduser().resolve()
    if wanted == "embedded":
        return EMBEDDED
    if wanted == "official":
        return _official(cache, cache, say, allow_download=allow_download)
    if wanted == "auto":
        if allow_download or _prepared(cache, "official").exists() or readers.has_official(cache):
            return _official(cache, cache, say, allow_download=allow_download)
        beside = sorted(cache.glob("cifar10-images*"))
        return _folder(beside[0], cache, say) if beside else EMBEDDED
    path = Path(wanted).expanduser().resolve()
    if not path.exists():
        raise KitError(f"{wanted}: no such file or folder; use auto, official, embedded, or the path of images")
    if path.is_dir() and readers.has_official(path):
        return _official(path, cache, say, allow_download=allow_download)
    return _folder(path, cache, say)


def load(source: Source, split: str, count: int | None = None, seed: int = 0) -> Images:
    """The first `count` images of a split, "train" or "test" (default: all), in an order that mixes the classes.

    Of the embedded images any multiple of ten can be had, others for each `seed`. KitError if a file holds fewer.
    """
    if not source.path:
        return Images(*drawings.make(count or EMBEDDED_COUNTS[split], 2 * seed + (split == "test")))
    try:
        images, labels = torch.load(source.path, weights_only=True, mmap=True)[split]
    except Exception:  # noqa: BLE001  a damaged file can make torch raise anything
        raise KitError(f"{source.path}: this file of the cache is damaged: delete it and run again") from None
    if count is not None and count > len(images):
        raise KitError(f"{source.name}: the budget needs {count} {split} images, but there are {len(images)}")
    return Images(images[:count].clone(), labels[:count].clone())


def packed(source: Source, counts: Mapping[str, int]) -> bytes:
    """So many images of each split, as the content of a Source's file; nothing for the embedded images."""
    if not source.path:
        return b""
    file = io.BytesIO()
    found = {split: load(source, split, count) for split, count in counts.items()}
    torch.save({split: (images.images, images.labels) for split, images in found.items()}, file)
    return file.getvalue()


def resident_name(source: Source, split: str, count: int, seed: int = 0) -> str:
    """The name under which a process holds what `load` gives for the same arguments."""
    return f"{split}:{count}:{seed}:{source.path}"


@functools.cache
def resident(name: str) -> tuple[Tensor, Tensor]:
    """The images of that name, float32 (N, 3, 32, 32) in [-1, 1] as the tutorial wants them, and labels, int64 (N,).

    They are loaded once a process, and shared with every child that is forked from it afterwards.
    """
    split, count, seed, path = name.split(":", 3)
    found = load(Source(path, path), split, int(count), int(seed))
    return found.images.to(torch.float32).div_(127.5).sub_(1), found.labels


def _prepared(cache: Path, key: str) -> Path:
    return cache / f"images-1-{key}.pt"  # 1: the layout of the file


def _official(root: Path, cache: Path, say: Say, *, allow_download: bool) -> Source:
    def read() -> dict[str, Images]:
        return readers.read_official(root, readers.cifar10(), say, allow_download=allow_download)

    return _kept("the official CIFAR-10 archive", _prepared(cache, "official"), read)


def _folder(path: Path, cache: Path, say: Say) -> Source:
    key = hashlib.sha256(readers.stamp(path).encode()).hexdigest()[:16]
    return _kept(f"images of {path}", _prepared(cache, key), lambda: readers.read_folder(path, say))


def _kept(name: str, path: Path, read: Callable[[], dict[str, Images]]) -> Source:
    """The source whose tensors are in the file `path`, which is written whole or not at all if it is not there yet."""
    if not path.exists():
        mixed = {split: _mixed(found) for split, found in read().items()}
        with written_whole(path) as file:
            torch.save(mixed, file)
    return Source(name, str(path))


def _mixed(found: Images) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(found.labels), generator=torch.Generator().manual_seed(0))
    return found.images[order].contiguous(), found.labels[order]
