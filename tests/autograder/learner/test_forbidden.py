"""What a by-hand task rules out is refused however it is spelled, and right code is never called forbidden."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad

from autograder.learner.explain import call_fault
from autograder.learner.forbidden_scan import compiled, look
from autograder.learner.forbidden_trap import Forbidden, trap
from autograder.learner.loading import load
from autograder.results import Status

pytestmark = pytest.mark.filterwarnings("ignore")  # forward mode warns of what PyTorch itself does

HERE = Path(__file__).parent
SAVED_GRAD = torch.autograd.grad
SAVED_ENGINE = torch.autograd.Variable._execution_engine


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * ctx.saved_tensors[0] * grad


SAVED_APPLY = Square.apply


def leaf() -> Tensor:
    return torch.tensor([1.0, 2.0, 3.0], requires_grad=True)


def squares(x: Tensor) -> Tensor:
    return (x * x).sum()


def run_engine(x: Tensor) -> object:
    one = torch.tensor(1.0)
    return SAVED_ENGINE.run_backward((squares(x),), (one,), False, False, (x,), True, False)


def dual(x: Tensor) -> object:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(forward_ad.make_dual(x, torch.ones(3)) ** 2)


WAYS: dict[str, Callable[[Tensor], object]] = {
    "backward": lambda x: squares(x).backward(),
    "autograd.backward": lambda x: torch.autograd.backward(squares(x)),
    "autograd.grad": lambda x: torch.autograd.grad(squares(x), x),
    "a grad saved at import": lambda x: SAVED_GRAD(squares(x), x),
    "an engine saved at import": run_engine,
    "functional.jacobian": lambda x: torch.autograd.functional.jacobian(squares, x),
    "functional.vjp": lambda x: torch.autograd.functional.vjp(squares, x),
    "custom Function": Square.apply,
    "an apply saved at import": SAVED_APPLY,
    "func.grad": lambda x: torch.func.grad(squares)(x.detach()),
    "func.vjp": lambda x: torch.func.vjp(squares, x)[1](torch.tensor(1.0)),
    "func.jvp": lambda x: torch.func.jvp(squares, (x,), (torch.ones(3),)),
    "func.jacrev": torch.func.jacrev(squares),
    "func.jacfwd": lambda x: torch.func.jacfwd(lambda t: t * t)(x.detach()),
    "func.hessian": torch.func.hessian(squares),
    "func.linearize": lambda x: torch.func.linearize(squares, x)[1](torch.ones(3)),
    "forward_ad": dual,
    "nn.grad": lambda x: torch.nn.grad.conv1d_input((1, 1, 3), x.view(1, 1, 3), torch.ones(1, 1, 1)),
    "backward kernel": lambda x: torch.ops.aten.threshold_backward(torch.ones(3), x, 0),
    "overload of a kernel": lambda x: torch.ops.aten.tanh_backward.default(torch.ones(3), x),
    "imaginary step": lambda x: torch.complex(x.detach(), torch.full((3,), 1e-20)),
    "grad_fn called": lambda x: squares(x).grad_fn(torch.tensor(1.0)),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_trap_refuses(way: str) -> None:
    x = leaf()
    with pytest.raises(Forbidden, match="by hand"), trap("autograd", HERE):
        WAYS[way](x)
    assert x.grad is None


@pytest.mark.parametrize("way", WAYS)
def test_everything_works_again_after_the_trap(way: str) -> None:
    with pytest.raises(Forbidden), trap("autograd", HERE):
        WAYS[way](leaf())
    with trap("", HERE):
        WAYS[way](leaf())  # raises nothing


def test_recording_a_graph_is_no_use_of_autograd() -> None:
    x, weight = torch.ones(2, 3, 5, 4, requires_grad=True), torch.ones(4, 3, 2, 2, requires_grad=True)
    with trap("autograd", HERE):
        y = F.conv2d(x, weight)
        shown = f"{y.grad_fn} {y}"
        F.conv_transpose2d(y, weight)
        F.cross_entropy(y.flatten(1), torch.tensor([0, 1]))
        F.fold(F.unfold(x, 2), (5, 4), 2)
        torch.func.vmap(torch.sum)(x)
        with torch.no_grad():
            array = y.numpy().sum()
    assert "ConvolutionBackward" in shown
    assert array == y.sum().item()
    assert y.requires_grad


def test_catching_the_refusal_does_not_help() -> None:
    def stubborn() -> Tensor:
        x = leaf()
        try:
            return SAVED_GRAD(squares(x), x)[0]
        except BaseException:  # noqa: BLE001
            return 2 * x

    with pytest.raises(Forbidden), trap("autograd", HERE):
        stubborn()


@pytest.mark.parametrize("way", ["autograd.grad", "an engine saved at import", "backward kernel"])
def test_a_thread_does_not_help(way: str) -> None:
    def from_a_thread() -> None:
        thread = threading.Thread(target=WAYS[way], args=(leaf(),))
        thread.start()
        thread.join()

    with pytest.raises(Forbidden), trap("autograd", HERE):
        from_a_thread()


def test_a_thread_from_before_the_trap_does_not_help() -> None:
    go, outcomes = threading.Event(), []

    def wait_and_run() -> None:
        go.wait(10)
        try:
            outcomes.append(run_engine(leaf()))
        except BaseException as error:  # noqa: BLE001
            outcomes.append(error)

    def ask_the_thread() -> None:
        go.set()
        thread.join()

    thread = threading.Thread(target=wait_and_run)
    thread.start()
    with pytest.raises(Forbidden), trap("autograd", HERE):
        ask_the_thread()
    assert isinstance(outcomes[0], Forbidden)


def test_a_thread_that_outlives_the_trap_may_differentiate_then() -> None:
    go, gradients = threading.Event(), []

    def late() -> None:
        go.wait(10)
        x = leaf()
        squares(x).backward()
        gradients.append(x.grad.tolist())

    with trap("autograd", HERE):
        thread = threading.Thread(target=late)
        thread.start()
    go.set()
    thread.join()
    assert gradients == [[2.0, 4.0, 6.0]]


def test_traps_nest() -> None:
    with trap("autograd", HERE), pytest.raises(Forbidden), trap("autograd", HERE):
        squares(leaf()).backward()


def test_an_inner_trap_leaves_the_outer_one_working() -> None:
    def inner_then_backward() -> None:
        with trap("autograd", HERE):
            assert (2 * leaf()).requires_grad
        squares(leaf()).backward()

    with pytest.raises(Forbidden), trap("autograd", HERE):
        inner_then_backward()


def test_an_error_of_the_learners_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), trap("autograd", HERE):
        1 / 0  # noqa: B018


def test_the_refusal_names_the_learners_line(tmp_path: Path) -> None:
    path = tmp_path / "by_hand.py"
    path.write_text("import torch\n\ndef double(x):\n    y = (x * x).sum()\n    return torch.autograd.grad(y, x)[0]\n")
    loaded = load(path)
    with pytest.raises(Forbidden) as caught, trap("autograd", tmp_path):
        loaded.module.double(leaf())
    fault = call_fault(caught.value, tmp_path)
    assert fault.status is Status.FORBIDDEN
    assert "(line 5 of by_hand.py: `return torch.autograd.grad(y, x)[0]`)" in fault.message


def test_the_trap_does_not_import_dynamo() -> None:
    code = """
        import sys, torch
        from pathlib import Path
        from autograder.learner.forbidden_trap import trap
        with trap("autograd", Path()):
            torch.ones(2, requires_grad=True) * 2
        print("torch._dynamo" in sys.modules)
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


FORBIDDEN = {
    "attribute": "import torch\ndef task(x):\n    return torch.autograd.grad(x, x)",
    "alias of torch": "import torch as t\ndef task(x):\n    return t.autograd.grad(x, x)",
    "imported function": "from torch.autograd import grad as g\ndef task(x):\n    return g(x, x)",
    "import inside": "def task(x):\n    import torch.autograd as ag\n    return ag.grad(x, x)",
    "module-level alias": "import torch\ndef task(x):\n    return D(x, x)\nD = torch.autograd.grad",
    "default argument": "import torch\n\ndef task(x, g=torch.autograd.grad):\n    return g(x)",
    "getattr": "import torch\ndef task(x):\n    return getattr(torch.autograd, 'grad')(x, x)",
    "import_module": "import importlib as i\ndef task(x): return i.import_module('torch.func').vjp(x)",
    "method": "def task(x):\n    y = (x * x).sum()\n    y.backward()\n    return x.grad",
    "helper": "import torch\ndef task(x): return helper(x)\ndef helper(x): return torch.func.grad(sum)(x)",
    "method of a class": "import torch\nclass A:\n    def go(self, x): return torch.autograd.grad(x, x)\n"
    "a = A()\ndef task(x): return a.go(x)",
    "lambda": "import torch\n\ntask = lambda x: torch.autograd.grad(x, x)",
    "Function": "import torch\nclass Sq(torch.autograd.Function): ...\ndef task(x): return Sq.apply(x)",
    "saved apply": "from torch.autograd import Function as Fn\nclass A(Fn): ...\na = A.apply\ndef task(x): a(x)",
    "backward of a Function": "import torch\nclass Sq(torch.autograd.Function):\n    @staticmethod\n"
    "    def backward(ctx, g): return 2 * ctx.x * g\ndef task(x): return Sq.backward(x, x)",
    "saved backward": "from torch.autograd import Function\nclass A(Function): ...\ngo = A.backward\ndef task(x): return go(x)",
    "backward by getattr": "import torch\nclass A(torch.autograd.Function): ...\ndef task(x): return getattr(A, 'backward')(x)",
    "backward of an object": "import torch\nclass A(torch.autograd.Function):\n    def backward(self, g): return g\n"
    "a = A()\ndef task(x): return a.backward(x)",
    "backward of a Function's child": "import torch\nclass A(torch.autograd.Function): ...\nclass B(A): ...\n"
    "def task(x): return B.backward(x, x)",
    "forward of a Function": "import torch\nclass A(torch.autograd.Function): ...\ndef task(x): return A.forward(x, x)",
    "InplaceFunction": "from torch.autograd.function import InplaceFunction\nclass A(InplaceFunction): ...\n"
    "def task(x): return A.backward(x, x)",
    "nn.grad": "from torch import nn\n\ndef task(x): return nn.grad.conv2d_input((1,), x, x)",
    "kernel": "import torch\n\ndef task(x): return torch.ops.aten.threshold_backward.default(x, x, 0)",
    "grad_fn": "import torch\n\ndef task(x): return (x * x).grad_fn(x)",
    "engine, out of reach": "import torch\nE = torch.autograd.Variable._execution_engine\ndef task(x): return x",
    "an imaginary step": "def task(x): return ((x + 1e-20j) ** 2).imag * 1e20",
    "a complex dtype": "import torch\ndef task(x): return helper(x.to(torch.complex128))\ndef helper(z): return z",
    "exec": "def task(x):\n    exec('y = 1')\n    return x",
    "eval": "def task(x): return eval('x')",
    "compile in a helper": "def task(x): return helper(x)\ndef helper(x): return compile('x', '', 'eval')",
    "ctypes": "import ctypes\ndef task(x): return ctypes.CDLL(None)",
    "sympy": "from sympy import diff\ndef task(x): return diff(x)",
    "trap undone": "import sys\nsys.modules['autograder.learner.forbidden_trap'].trap = None\ndef task(x): return x",
}

ALLOWED = {
    "comment and text": "def task(x):\n    '''not x.backward()'''\n    return x  # torch.autograd.grad(x, x)",
    "variable named backward": "def task(x):\n    backward = 2 * x\n    return backward",
    "function named backward": "def backward(x): return 2 * x\ndef task(x): return backward(x)",
    "own Function": "class Function:\n    @staticmethod\n    def backward(ctx, g): return g\n"
    "class Sq(Function): ...\ndef task(x): return Sq.backward(x, x), Sq().backward(x, x), Sq.apply(x)",
    "Function for a demo": "import torch\nclass Sq(torch.autograd.Function):\n    @staticmethod\n"
    "    def backward(ctx, g): return g\ndef demo(x): return Sq.apply(x)\ndef task(x): return x",
    "own layers": "class Layer:\n    def backward(self, g): return g\ndef task(x):\n    layer = Layer()\n"
    "    return layer.backward(x)",
    "named tuple": "from collections import namedtuple\nLayer = namedtuple('Layer', 'forward backward')\n"
    "def task(x): return Layer(1, x).backward(x)",
    "unused import": "import torch\nfrom torch.autograd import grad\ndef task(x):\n    grad = 2 * x\n    return grad",
    "own eval": "def eval(x): return 2 * x\ndef task(x): return eval(x)",
    "eval mode": "def task(net): return net.eval()",
    "algebra elsewhere": "import sympy\nprint(sympy.diff('x'))\ndef task(x): return x",
    "no_grad": "import torch\n@torch.autograd.no_grad()\ndef task(x): return torch.autograd.Variable(x)",
    "demo elsewhere": "import torch\ndef demo(x): return torch.autograd.grad(x, x)\ndef task(x):\n    demo = x\n    return demo",
    "demo method": "import torch\nclass M:\n    def back(self, x): return x\n"
    "    def check(self, x): return torch.autograd.grad(x, x)\ndef task(x): return M().back(x)",
    "another task": "import torch\ndef task(x): return x\ndef other(x): return torch.autograd.grad(x, x)",
    "first try replaced": "import torch\ndef task(x): return torch.autograd.grad(x, x)\ndef task(x): return x",
    "script part": "import torch\ndef task(x): return x\nif __name__ == '__main__':\n    torch.ones(1).backward()",
    "circular names": "a = b\nb = a\ndef task(x):\n    x = x.y\n    return a.b(x)",
    "not defined": "import torch\n",
    "does not parse": "def task(x:\n",
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_the_look_finds(name: str) -> None:
    found = look({"by_hand.py": FORBIDDEN[name]}, "by_hand.py", ["task"])
    assert found["task"].file == "by_hand.py"
    assert found["task"].text == FORBIDDEN[name].splitlines()[found["task"].line - 1].strip()


@pytest.mark.parametrize("name", ALLOWED)
def test_the_look_lets_pass(name: str) -> None:
    assert look({"by_hand.py": ALLOWED[name]}, "by_hand.py", ["task"]) == {}


@pytest.mark.parametrize("use", ["from tools.vjp import pull", "import tools.vjp as v\npull = v.pull"])
def test_the_look_follows_helper_modules(use: str) -> None:
    helper = "import torch\n\ndef pull(x):\n    return torch.autograd.grad(x, x)\n"
    sources = {"tools/vjp.py": helper, "by_hand.py": f"{use}\ndef task(x):\n    return pull(x)\n"}
    found = look(sources, "by_hand.py", ["task"])
    assert (found["task"].file, found["task"].line) == ("tools/vjp.py", 4)


def test_compiled_files_are_found() -> None:
    found = compiled(["manual_backward.py", "tools/helper.pyc", "notes.txt"])
    assert found is not None
    assert (found.file, found.technique) == ("tools/helper.pyc", "a compiled file, which cannot be read")
    assert compiled(["manual_backward.py"]) is None


def test_the_look_names_the_technique() -> None:
    found = look({"m.py": FORBIDDEN["alias of torch"]}, "m.py", ["task", "another"])
    assert {task: use.technique for task, use in found.items()} == {"task": "torch.autograd.grad"}
