"""Whose an exception is, and what the learner reads about it. No line of a probe is ever called the learner's."""

import importlib.util
import types

import pytest
import torch
import torch.distributed

from autograder.learner.explain import SUITE, call_fault, import_fault
from autograder.learner.forbidden_trap import Forbidden
from autograder.results import PEER_LOST, Status


@pytest.fixture
def fault(tmp_path):
    """The fault of `call(module)`, where the module has this source; or of the code of a probe, given as text."""

    def run(source, call):
        path = tmp_path / "net.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location("net", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if isinstance(call, str):
            namespace = {"torch": torch, "nn": torch.nn}
            exec(compile(call, SUITE, "exec"), namespace)
            call = namespace["probe"]
        with pytest.raises(BaseException) as caught:  # noqa: PT011  whatever it is
            call(module)
        return call_fault(caught.value, tmp_path)

    return run


# what the learner's own line raises -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    ["raise NotImplementedError", "raise NotImplementedError('later')", "error = NotImplementedError()\n    raise error",
     "raise (\n        NotImplementedError\n    )", "assert x is not None\n    raise NotImplementedError"],
)  # fmt: skip
def test_a_task_that_is_not_done(fault, body):
    source = f"def f(x):\n    {body}\n"
    for call in (lambda module: module.f(1), "def probe(module):\n    return module.f(1)\n"):
        found = fault(source, call)
        assert (found.status, found.message) == (Status.MISSING, "Not done yet: it still raises NotImplementedError.")


def test_a_task_that_calls_one_that_is_not_done(fault):
    source = "class Net:\n    def __init__(self):\n        raise NotImplementedError\n\ndef helper():\n    return Net()\n\n"
    for call in (lambda module: module.f(1), "def probe(module):\n    return module.f(1)\n"):
        found = fault(source + "def f(x):\n    return helper()\n", call)
        assert (found.status, found.message) == (Status.MISSING, "It calls `Net`, which is not done yet: write that first.")
    assert fault(source, lambda module: module.Net()).message == "Not done yet: it still raises NotImplementedError."


def test_an_open_function_of_a_file_that_is_called_as_checks_are(fault, tmp_path):
    (tmp_path / "test_parts.py").write_text("def f(x):\n    raise NotImplementedError\n")
    load = "import importlib.util as u\ns = u.spec_from_file_location('parts', __file__.replace('net.py', 'test_parts.py'))\n"
    source = load + "m = u.module_from_spec(s)\ns.loader.exec_module(m)\nf = m.f\n"
    assert fault(source, lambda module: module.f(1)).message == "Not done yet: it still raises NotImplementedError."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("3 * a ^ 3", "`^` is no power in Python: write `**` (line 2 of net.py: `return 3 * a ^ 3`)."),
        ("2.0 ^ 3", "`^` is no power in Python: write `**` (line 2 of net.py: `return 2.0 ^ 3`)."),
        ("a & a", ("`&` joins truth values, and bits of whole numbers: compare first, in brackets, as in `(a > 0) & (b > 0)` "
                  "(line 2 of net.py: `return a & a`).")),
        ("a | a", ("`|` joins truth values, and bits of whole numbers: compare first, in brackets, as in `(a > 0) | (b > 0)` "
                  "(line 2 of net.py: `return a | a`).")),
        ("a << 1", ("Your code raised NotImplementedError: \"lshift_cpu\" not implemented for 'Float' "
                   "(line 2 of net.py: `return a << 1`).")),
        ("a.to('meta').tolist()", "Your code raised NotImplementedError: "),
        ("a + None", ("Your code raised TypeError: unsupported operand type(s) for +: 'Tensor' and 'NoneType' "
                     "(line 2 of net.py: `return a + None`).")),
    ],
)  # fmt: skip
def test_a_kernel_that_pytorch_does_not_have_is_no_task_that_is_not_done(fault, line, words):
    found = fault(f"def f(a):\n    return {line}\n", lambda module: module.f(torch.ones(2)))
    assert found.status is Status.ERROR
    assert found.message.startswith(words)


def test_pytorchs_own_stub_is_no_task_that_is_not_done(fault):
    found = fault("from torch import nn\n\nclass Net(nn.Module):\n    pass\n\ndef f():\n    return Net()(1)\n", lambda m: m.f())
    assert found.status is Status.ERROR
    assert 'Module [Net] is missing the required "forward" function (line 7 of net.py' in found.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return x.meen()", ("Your code raised AttributeError: 'Tensor' object has no attribute 'meen' "
                            "(line 2 of net.py: `return x.meen()`).")),
        ("return f(x)", "Your code calls itself without end (line 2 of net.py: `return f(x)`)."),
        ("raise SystemExit", "Your code ends the program (line 2 of net.py: `raise SystemExit`): remove sys.exit() or exit()."),
        ("raise MemoryError", "Your code needs more memory than it may use (line 2 of net.py: `raise MemoryError`)."),
        ("return int(input('How many? '))",
         "Your code asks for input() (line 2 of net.py: `return int(input('How many? '))`): nobody answers when it is checked."),
        ("return None()", "Your code raised TypeError: 'NoneType' object is not callable (line 2 of net.py: `return None()`)."),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_an_error_of_the_learners_is_told_with_its_line(fault, body, words):
    source = f"def f(x):\n    {body}\n"
    for call in (lambda module: module.f(torch.ones(2)), "def probe(module):\n    return module.f(torch.ones(2))()\n"):
        found = fault(source, call)
        assert (found.status, found.message) == (Status.ERROR, words)


def test_the_end_of_the_file_on_stdin_is_input_as_well(tmp_path):
    assert call_fault(EOFError("EOF when reading a line"), tmp_path).message.startswith("Your code raised EOFError")
    refused = OSError("pytest: reading from stdin while output is captured! Consider using `-s`.")
    assert call_fault(refused, tmp_path).message == "Your code asks for input(): nobody answers when it is checked."


def test_what_a_task_rules_out(fault):
    source = (
        "from autograder.learner.forbidden_trap import Forbidden\n\ndef f():\n    raise Forbidden('backward() is ruled out')\n"
    )
    found = fault(source, lambda module: module.f())
    assert issubclass(Forbidden, BaseException)
    assert found.status is Status.FORBIDDEN
    assert found.message.startswith("backward() is ruled out (line 4 of net.py")


# what the call itself, or a probe, raises -----------------------------------------------------------------------------


def test_a_name_that_is_not_there(fault):
    for call in (lambda module: module.f(), "def probe(module):\n    return module.f()\n"):
        found = fault("", call)
        assert (found.status, found.message) == (Status.MISSING, "`f` is not defined in your module.")


def test_arguments_that_the_function_does_not_take(fault):
    words = "It cannot be called as the exercise says: f() takes 0 positional arguments but 1 was given."
    for call in (lambda module: module.f(1), "def probe(module):\n    return module.f(1)\n"):
        assert fault("def f():\n    return 1\n", call).message == words


@pytest.mark.parametrize(
    ("source", "body", "words"),
    [
        ("def f():\n    pass\n", "module.f()(torch.ones(2))",
         "`f` returned None, which cannot be called: is a `return` missing?"),
        ("def f():\n    pass\n", "a, b = module.f()",
         "`f` returned None, where several values are needed: is a `return` missing?"),
        ("def f():\n    pass\n", "module.f()[0]",
         "`f` returned None, where several values are needed: is a `return` missing?"),
        ("def f():\n    pass\n", "list(module.f())",
         "`f` returned None, where several values are needed: is a `return` missing?"),
        ("def f():\n    pass\n", "module.f().step()",
         "`f` returned None, which has no attribute 'step': is a `return` missing?"),
        ("def f():\n    pass\n", "len(module.f())",
         "What `f` returned cannot do what the exercise asks of it: TypeError: object of type 'NoneType' has no len()."),
        ("from torch import nn\ndef f(net=nn.Linear(1, 1)):\n    return net.load_state_dict(net.state_dict())\n",
         "module.f()(torch.ones(2))", "`f` returned an _IncompatibleKeys, which cannot be called."),
        ("def f():\n    return 3\n", "module.f().step()", "`f` returned an int, which has no attribute 'step'."),
        ("def f():\n    return 3\n", "a, b = module.f()", "`f` returned an int, where several values are needed."),
        ("def f():\n    return 1, 2, 3\n", "a, b = module.f()",
         "What `f` returned has another number of items than the exercise says: too many values to unpack (expected 2)."),
        ("def f():\n    return {}\n", "module.f()['loss']",
         "What `f` returned cannot do what the exercise asks of it: KeyError: 'loss'."),
        ("from torch import nn\nfrom torch.nn import MSELoss\ndef f():\n    return MSELoss()\n",
         "module.f()(torch.ones(4, 10), torch.ones(4))",
         "What `f` returned cannot do what the exercise asks of it: MSELoss: The size of tensor a (10) must match"),
        ("from torch import nn\nclass Net(nn.Module):\n    pass\n", "module.Net().conv1",
         "`Net` makes an object that has no attribute 'conv1'."),
        ("def f():\n    pass\ndef g():\n    return 1\n", "module.f()(module.g())",
         "Your code returned None, which cannot be called: is a `return` missing?"),
        ("def f():\n    pass\n", "torch.relu(module.f())",
         "What `f` returned cannot do what the exercise asks of it: TypeError: relu()"),
        ("from torch import ones\ndef f():\n    pass\n", "module.f()(torch.ones(2))",
         "`f` returned None, which cannot be called: is a `return` missing?"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_what_a_probe_raises_is_what_the_returned_thing_cannot_do(fault, source, body, words):
    found = fault(source, f"def probe(module):\n    {body}\n")
    assert found.status is Status.ERROR
    assert found.message.startswith(words)
    assert "Your code raised" not in found.message


def test_a_helper_of_the_probe_is_the_probe_too(fault):
    probe = "def use(made):\n    return made(1)\n\ndef probe(module):\n    return use(module.f())\n"
    assert fault("def f():\n    pass\n", probe).message == "`f` returned None, which cannot be called: is a `return` missing?"


def test_the_suites_own_function_called_by_the_learner_fails_at_the_learners_line(fault):
    probe = "def probe(module):\n    def net(x):\n        return x @ x\n    return module.f(net)\n"
    found = fault("import torch\n\ndef f(net):\n    return net(torch.ones(2, 3))\n", probe)
    assert found.message.startswith("Your code raised RuntimeError: mat1 and mat2")
    assert found.message.endswith("(line 4 of net.py: `return net(torch.ones(2, 3))`).")


# while a module is imported -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(:\n", "net.py does not parse: invalid syntax, line 1: `def f(:`."),
        ("import sys\nsys.exit()\n", ("net.py ends the program while it is being imported (line 2 of net.py: `sys.exit()`): "
                                     "remove sys.exit() or exit().")),
        ("n = input()\n", ("net.py asks for input() while it is being imported (line 1 of net.py: `n = input()`): "
                          "nobody answers when it is graded.")),
        ("import torchvison\n", ("net.py imports 'torchvison', which is not installed here "
                                "(line 1 of net.py: `import torchvison`).")),
        ("import torch\nx = torch.ones(1).cuda()\n", (
            "net.py asks for a GPU while it is being imported (line 2 of net.py: `x = torch.ones(1).cuda()`): there is none in "
            "grading. Ask `torch.cuda.is_available()` first, and load files with `map_location=\"cpu\"`.")),
        ("import torch\ntorch.load('net.pt')\n", (
            "net.py opens a file that is not there while it is being imported (line 2 of net.py: `torch.load('net.pt')`): hand "
            "in net.pt too, with at most 1 MB, or open it below `if __name__ == \"__main__\":`.")),
        ("import socket\nsocket.create_connection(('localhost', 1), 0.1)\n", (
            "net.py asks for the network while it is being imported (line 2 of net.py: `socket.create_connection(('localhost', "
            "1), 0.1)`): there is none in grading. Put what downloads below `if __name__ == \"__main__\":`.")),
        ("raise RuntimeError('Dataset not found or corrupted. You can use download=True to download it')\n", (
            "net.py asks for a data set that is not there while it is being imported (line 1 of net.py: `raise "
            "RuntimeError('Dataset not found or corrupted. You can use download=True to download it')`). Put what uses it below "
            "`if __name__ == \"__main__\":`.")),
        ("assert 1 + 1 == 3\n", (
            "net.py fails at an assert of its own while it is being imported (line 1 of net.py: `assert 1 + 1 == 3`): put your "
            "own tests below `if __name__ == \"__main__\":`.")),
        ("1 / 0\n", "net.py cannot be imported: ZeroDivisionError: division by zero (line 1 of net.py: `1 / 0`)."),
    ],
)  # fmt: skip
def test_a_module_that_cannot_be_imported(tmp_path, source, words):
    path = tmp_path / "net.py"
    path.write_text(source)
    with pytest.raises(BaseException) as caught:  # noqa: PT011  whatever it is
        exec(compile(source, str(path), "exec"), vars(types.ModuleType("net")))
    assert import_fault(caught.value, tmp_path, "net.py").message == words


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError("[../gloo/pair.cc:525] Connection closed by peer [127.0.0.1]:4711"), True),
        (torch.distributed.DistNetworkError("The client socket has failed: Connection refused "), True),
        (ConnectionResetError("reset"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("Connection closed by peer"), False),
    ],
)
def test_who_only_lost_a_peer_is_told_apart_from_who_failed(error, lost, tmp_path):
    assert (call_fault(error, tmp_path).kind == PEER_LOST) is lost
