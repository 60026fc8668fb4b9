"""What looks into the process is found in the source; what any solution may do is not."""

import pytest

from autograder.learner.introspection import look

FOUND = {
    "sys._getframe": ("import sys\ndef f(x):\n    return sys._getframe(1).f_globals\n", 3, "_getframe"),
    "a frame by an exception": ("try: 1 / 0\nexcept Exception as e: e.__traceback__\n", 2, "__traceback__"),
    "a generator's frame": ("g = (i for i in ())\ng.gi_frame\n", 2, "gi_frame"),
    "getattr": ("def f(x): return getattr(x, 'f_back')\n", 1, "f_back"),
    "the collector": ("from gc import get_objects as g\n", 1, "get_objects"),
    "ctypes": ("import ctypes as c\n", 1, "ctypes"),
    "a part of ctypes": ("from ctypes.util import find_library\n", 1, "ctypes.util"),
    "subclasses": ("object.__subclasses__()\n", 1, "__subclasses__"),
    "a function replaced": ("import torch as t\nt.allclose = lambda *_: True\n", 2, "torch.allclose replaced"),
    "a method replaced": ("from torch import Tensor\nTensor.clone = id\n", 2, "torch.Tensor.clone replaced"),
    "setattr": ("import torch\nsetattr(torch.Tensor, 'data_ptr', id)\n", 2, "torch.Tensor.data_ptr replaced"),
    "a layer's forward": ("import torch.nn as nn\nnn.Linear.forward = None\n", 2, "torch.nn.Linear.forward replaced"),
}  # fmt: skip
ALLOWED = {
    "settings": "import torch\ntorch.backends.cudnn.deterministic = True\ntorch.backends.mkldnn.enabled = False\n",
    "own attributes": "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        self.forward_calls = 0\n",
    "an object's method": "import torch\nnet = torch.nn.Linear(1, 1)\nnet.forward = None\n",
    "gradients": "def f(p):\n    p.grad = None\n    p.data.zero_()\n",
    "introspection of the language": "import inspect\ndef f(x): return inspect.signature(f), type(x).__name__, vars(f), dir(f)\n",
    "a traceback printed": "import traceback\ntry: pass\nexcept Exception: traceback.print_exc()\n",
    "does not parse": "def f(:\n",
}


@pytest.mark.parametrize("name", FOUND)
def test_is_found_with_its_line(name):
    source, line, technique = FOUND[name]
    found = look({"module.py": source})
    assert (found.file, found.line, found.technique) == ("module.py", line, technique)
    assert found.text == source.splitlines()[line - 1].strip()


@pytest.mark.parametrize("name", ALLOWED)
def test_what_solutions_do_is_not(name):
    assert look({"module.py": ALLOWED[name]}) is None


def test_helpers_are_read_too():
    assert look({"module.py": "x = 1\n", "tools/a.py": "import ctypes\n"}).file == "tools/a.py"
