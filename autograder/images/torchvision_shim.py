"""Imports torchvision where its wheel was built for another torch build.

Such a wheel (a CUDA wheel beside a CPU torch, say) cannot load its compiled operators, and importing it dies with
"operator torchvision::nms does not exist". With the schemas of two operators in place the import succeeds: datasets,
transforms and models work, only the compiled operators themselves do not.
"""

import importlib
import types

import torch.library

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_torchvision() -> types.ModuleType:
    """The torchvision module, healed if its wheel needs it. Any other failure of the import is raised as it is."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", SCHEMA)
    return importlib.import_module("torchvision")


def import_module(name: str) -> types.ModuleType:
    """The module of that name; torchvision as above."""
    return import_torchvision() if name == "torchvision" else importlib.import_module(name)


def operators_load() -> bool:
    """Whether torchvision's compiled operators (nms, roi_align, …) work here; imports torchvision."""
    import_torchvision()
    return bool(importlib.import_module("torchvision.extension")._has_ops())
