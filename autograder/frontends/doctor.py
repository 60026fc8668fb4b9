"""What this machine offers for grading, in a table: versions, torch's build, devices, images, confinement."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterator, Sequence

import torch
from rich.markup import escape
from rich.table import Table

from autograder import versions
from autograder.images import readers, store, torchvision_shim
from autograder.sandbox.confinement import confine

_PACKAGES = ("blitz-autograder", "torch", "torchvision", "nbgrader", "pytest")


def table() -> Table:
    """One row a fact; what is missing, and what that means, is in yellow."""
    found = Table("part", "found", title="autograder doctor", title_justify="left")
    for part, text, good in _facts():
        found.add_row(escape(part), escape(text) if good else f"[yellow]{escape(text)}[/]")
    return found


def _facts() -> Iterator[tuple[str, str, bool]]:
    yield "Python", f"{platform.python_version()} on {platform.system()} {platform.release()}, {platform.machine()}", True
    for package in _PACKAGES:
        try:
            yield package, importlib.metadata.version(package), True
        except importlib.metadata.PackageNotFoundError:
            yield package, "not installed", False
    if untried := versions.untried():
        yield "versions", untried, False
    yield "torch's build", _build(), True
    yield "torchvision's state", *_torchvision()
    yield "processors", f"{os.cpu_count()}", True
    yield "accelerators", _accelerators(), True
    yield "images", _images(), True
    layers = [layer for layer in confine.layers() if layer.name != "user namespace" or os.geteuid()]  # root needs none
    for layer in layers:
        yield layer.name, layer.detail if layer.present else f"missing: {layer.detail}", layer.present
    yield "isolation", *_isolation(layers)


def _build() -> str:
    if torch.version.cuda:
        return f"CUDA {torch.version.cuda}"
    return f"ROCm {torch.version.hip}" if torch.version.hip else "CPU"


def _torchvision() -> tuple[str, bool]:
    try:
        if torchvision_shim.operators_load():
            return "works, its compiled operators too", True
    except Exception as error:  # noqa: BLE001  whatever an installation can raise is the finding
        return f"cannot be imported: {type(error).__name__}: {error}", False
    text = "built for another torch: the kit makes datasets, transforms and models work, nms and the like do not"
    return text, False


def _accelerators() -> str:
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("Apple's MPS")
    return ", ".join(names) or "none; GPU exercises use simulated devices, here as elsewhere"


def _images() -> str:
    cache = store.default_cache()
    if readers.has_official(cache) or (cache / "images-1-official.pt").is_file():
        return f"the official CIFAR-10 images in {cache}"
    beside = sorted(cache.glob("cifar10-images*"))
    if beside:
        return f"images of {beside[0]}"
    return f"the embedded images; nothing better in {cache}"


def _isolation(layers: Sequence[confine.Layer]) -> tuple[str, bool]:
    missing = [layer.name for layer in layers if not layer.present]
    if confine.tier(layers) == "full":
        return "full" + (f"; stronger still with: {', '.join(missing)}" if missing else ""), True
    return f"reduced: `grade` needs --isolation reduced; missing: {', '.join(missing)}", False
