"""What Python and PyTorch mean by an exception of the learner's code, and what to do next, where that is known."""

from __future__ import annotations

import re

_IMPORTS = {
    "F": "import torch.nn.functional as F",
    "np": "import numpy as np",
    "nn": "from torch import nn",
    "optim": "from torch import optim",
    "math": "import math",
    "numpy": "import numpy",
    "transforms": "from torchvision import transforms",
}
_MEANINGS = (
    (re.compile(r"grad can be implicitly created only for scalar outputs"),
     "backward() alone is for one number: a tensor of several needs the gradient from above as well, in its own shape."),
    (re.compile(r"Boolean value of Tensor with more than one value is ambiguous"),
     "`if` takes one truth value, and a tensor has one an element: choose by a mask such as `x > 0`, or with torch.where."),
    (re.compile(r"only one element tensors can be converted to|a Tensor with \d+ elements cannot be converted to Scalar"),
     "float(), item() and the functions of math take one number: use what works element by element, as `x**2` and torch.exp do."),
    (re.compile(r"a (view of a )?leaf Variable that requires grad is being used in an in-place operation"),
     "Autograd is recording, and a leaf may not change meanwhile: make the change under `with torch.no_grad():`."),
    (re.compile(r"element \d+ of tensors does not require grad|One of the differentiated Tensors does not require grad"),
     "What it was computed from does not require grad: let a leaf of your own require it first, and use no detach() after that."),
    (re.compile(r"mat1 and mat2 shapes cannot be multiplied|inconsistent tensor size|size mismatch, got input"),
     "A @ B needs as many columns in A as B has rows, and a Linear layer is such a product: print the shape of what goes in."),
    (re.compile(r"Trying to backward through the graph a second time"),
     "Each backward uses up the graph that it goes through: compute the result anew before the next one."),
    (re.compile(r"'NoneType'"),
     "Something on that line is None, as .grad is where no gradient has arrived, and as what a function without `return` gives."),
    (re.compile(r"'tuple' object has no attribute|can only concatenate tuple|unsupported operand type\(s\) for .*'tuple'"),
     "Something on that line is a tuple, as torch.autograd.grad gives even for one tensor: take its item, as in `[0]`."),
    (re.compile(r"must have the same dtype|[Ee]xpected scalar type \w+ but found|should be the same$|the same dtype, but got"),
     "Both must have one dtype: make yours from the input's, as in `.to(x.dtype)`."),
    (re.compile(r"has been modified by an inplace operation"),
     "A value that backward still needs was changed in place: make a new tensor of it."),
    (re.compile(r"appears to not have been used in the graph"),
     "As far as autograd has seen, the result was not computed from that tensor: compute it from this very one, no copy."),
    (re.compile(r"The size of tensor a \(\d+\) must match the size of tensor b \(\d+\)"),
     "Element by element, two shapes must agree axis by axis from the last, or be 1 there: print both."),
    (re.compile(r"cannot assign (module|parameter)s? before Module\.__init__\(\) call"),
     "Write `super().__init__()` as the first line of your `__init__`."),
)  # fmt: skip
_NAME = re.compile(r"NameError: name '(\w+)' is not defined")


def meaning(message: str) -> str:
    """A sentence about an exception that `learner.explain` has put into words, or ""."""
    if (name := _NAME.search(message)) and name[1] in _IMPORTS:
        line = _IMPORTS[name[1]]
        return f"Write `{line}` at the top of your module."
    said = message.partition(" (line ")[0]
    return next((sentence for pattern, sentence in _MEANINGS if pattern.search(said)), "")
