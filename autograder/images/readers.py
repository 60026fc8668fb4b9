"""Reads the CIFAR-10 images from the official archive, a folder or a tar file: whole and checked, or not at all."""

import io
import os
import tarfile
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from autograder.errors import KitError
from autograder.images.drawings import CLASSES, SIZE
from autograder.images.torchvision_shim import import_torchvision

SPLITS = ("train", "test")
SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".webp")
MAX_IMAGE_BYTES = 1 << 20

Say = Callable[[str], object]


@dataclass(frozen=True)
class Images:
    """One split: images uint8 (N, 3, 32, 32), labels int64 (N,) that index CLASSES."""

    images: Tensor
    labels: Tensor


def cifar10() -> Any:
    """torchvision's CIFAR10 class, which knows the archive's address, names and checksums."""
    return import_torchvision().datasets.CIFAR10


def has_official(root: Path) -> bool:
    """Whether there is an official archive under `root`, packed or unpacked, be it whole or not."""
    return any((root / name).exists() for name in (cifar10().base_folder, cifar10().filename))


def read_official(root: Path, dataset: Any, say: Say, *, allow_download: bool = False) -> dict[str, Images]:
    """Both splits of `dataset`, which is `cifar10()`, from `root`; downloaded to it first if allowed and needed.

    KitError if it is not there, or if a checksum is wrong.
    """
    archive = root / dataset.filename
    if not archive.exists() and not (root / dataset.base_folder).exists():
        if not allow_download:
            raise KitError(f"{root}: the official CIFAR-10 archive is not here: allow the download with --download")
        say(f"Downloading {dataset.url} to {root}")
    utils = import_torchvision().datasets.utils
    try:
        # download=True on an intact archive only unpacks it.
        download = allow_download or utils.check_integrity(archive, dataset.tgz_md5)
        splits = {split: dataset(root, train=split == "train", download=download) for split in SPLITS}
    except (urllib.error.URLError, OSError, EOFError) as error:
        raise KitError(f"{root}: the official CIFAR-10 archive could not be downloaded ({error}): try again later, "
                       "or use a folder of images or --data embedded") from None  # fmt: skip
    except RuntimeError:  # how torchvision reports a wrong checksum
        raise KitError(f"{root}: the official CIFAR-10 archive is damaged or only a part of it (wrong checksum): "
                       "allow the download with --download, and it will be fetched again") from None  # fmt: skip
    return {
        split: Images(torch.from_numpy(found.data).permute(0, 3, 1, 2), torch.tensor(found.targets))
        for split, found in splits.items()
    }


def read_folder(path: Path, say: Say) -> dict[str, Images]:
    """Both splits of a folder in torchvision's ImageFolder layout (train/CLASS/*.jpg, test/CLASS/*.jpg) or a tar file.

    Nothing is unpacked to disk. KitError if an image cannot be read, or if a class is missing or smaller than others.
    """
    say(f"Reading the images of {path}, this once")
    pixels: dict[str, dict[tuple[int, str], np.ndarray[Any, Any]]] = {split: {} for split in SPLITS}
    for split, name, file, content in _from_folder(path) if path.is_dir() else _from_tar(path):
        pixels[split][CLASSES.index(name), file] = _decode(content, f"{split}/{name}/{file} of {path}")
    for split, found in pixels.items():
        _expect_whole(path, split, Counter(label for label, _ in found))
    return {
        split: Images(
            torch.from_numpy(np.stack([found[key] for key in sorted(found)])).permute(0, 3, 1, 2),
            torch.tensor([label for label, _ in sorted(found)]),
        )
        for split, found in pixels.items()
    }


def _from_folder(path: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """(split, class, file name, content) of every image."""
    for split in SPLITS:
        for name in CLASSES:
            folder = path / split / name
            for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
                if _is_image(entry.name):
                    yield split, name, entry.name, entry.read_bytes()


def _from_tar(path: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """The same from a tar file, compressed or not: only regular files of the right names are looked at, in memory."""
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                parts = PurePosixPath(member.name).parts[-3:]
                if len(parts) == 3 and parts[0] in SPLITS and parts[1] in CLASSES and _is_image(parts[2]):
                    small = member.isfile() and member.size <= MAX_IMAGE_BYTES
                    content = archive.extractfile(member) if small else None
                    if content is None:
                        raise KitError(f"{path}: {member.name} is not a small image file")
                    yield parts[0], parts[1], parts[2], content.read()
    except (tarfile.TarError, LZMAError, EOFError, OSError) as error:
        raise KitError(f"{path}: the file is damaged or only a part of it ({error}): copy it again") from None


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _decode(content: bytes, name: str) -> np.ndarray[Any, Any]:
    """The pixels, uint8 (32, 32, 3)."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.size != (SIZE, SIZE):
                raise KitError(f"{name} has {image.size[0]}x{image.size[1]} pixels, not {SIZE}x{SIZE}")
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise KitError(f"{name} cannot be read ({error}): the copy is damaged or incomplete, copy it again") from None


def _expect_whole(path: Path, split: str, counts: Counter[int]) -> None:
    """An interrupted copy shows as a class that is missing or smaller than the others."""
    most = max(counts.values(), default=0)
    for label, name in enumerate(CLASSES):
        if not counts[label]:
            raise KitError(f"{path}: there are no images in {split}/{name}: expected train/CLASS and test/CLASS "
                           f"with the classes {', '.join(CLASSES)}")  # fmt: skip
        if counts[label] < most:
            raise KitError(f"{path}: {split}/{name} holds {counts[label]} images, other classes {most}: "
                           "a copy was interrupted, copy the images again")  # fmt: skip


def stamp(path: Path) -> str:
    """A text that changes when the file `path`, or an image below the folder `path`, does: names, sizes and times."""
    if path.is_file():
        status = path.stat()
        return f"{path} {status.st_size} {status.st_mtime_ns}"
    lines = [str(path)]
    for folder in (path / split / name for split in SPLITS for name in CLASSES):
        if folder.is_dir():
            with os.scandir(folder) as entries:
                lines += sorted(f"{e.path} {e.stat().st_size} {e.stat().st_mtime_ns}" for e in entries)
    return "\n".join(lines)
