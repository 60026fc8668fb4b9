"""A submission that knows how by-hand tasks are guarded: each function tries to have PyTorch differentiate x ** 3 at x.

`undone` shows that what guards in Python has been undone; `by_hand` is right.
"""

import _thread
import contextlib
import ctypes
import gc
import queue
import sys

import torch

_TRAPS = [value for name, value in sys.modules.items() if name.endswith("forbidden_" + "trap")]
for _module in _TRAPS:
    setattr(_module, "tr" + "ap", lambda *_: contextlib.nullcontext())
_Engine = torch._C._ImperativeEngine
_KEPT = []
torch.ones(2, requires_grad=True).sum().backward()
_KEPT.append("not reached")


def cube(x):
    return x * x * x


def by_hand(x):
    return 3 * x * x


def undone(x):
    return _TRAPS[0].trap.__name__


def left_out(x):
    return list(_KEPT)


def _leaf(x):
    return x.detach().clone().requires_grad_()


def plain_backward(x):
    leaf = _leaf(x)
    cube(leaf).sum().backward()
    return leaf.grad


def hidden_name(x):
    leaf = _leaf(x)
    return getattr(getattr(torch, "auto" + "grad"), "gr" + "ad")(cube(leaf).sum(), leaf)[0]


def engine_itself(x):
    leaf = _leaf(x)
    return _Engine().run_backward((cube(leaf).sum(),), (torch.ones(()),), False, False, (leaf,), allow_unreachable=False)[0]


def other_thread(x):
    found = queue.Queue()

    def work():
        try:
            found.put(plain_backward(x))
        except BaseException as error:
            found.put(error)

    _thread.start_new_thread(work, ())
    got = found.get(timeout=10)
    if isinstance(got, BaseException):
        raise got
    return got


def node_called(x):
    node = vars(torch._C.TensorBase)["grad_fn"].__get__((_leaf(x) * 3))
    return node(torch.ones_like(x))


def functorch_grad(x):
    return torch.func.grad(lambda t: cube(t).sum())(x)


def functorch_vjp(x):
    return torch.func.vjp(cube, x)[1](torch.ones_like(x))[0]


def functorch_jvp(x):
    return torch.func.jvp(cube, (x,), (torch.ones_like(x),))[1]


def functorch_jacobians(x):
    return torch.func.jacfwd(cube)(x).diagonal() + 0 * torch.func.jacrev(cube)(x).diagonal()


def forward_mode(x):
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        return torch.autograd.forward_ad.unpack_dual(cube(dual)).tangent


def forward_mode_below(x):
    torch._C._enter_dual_level()
    return torch._VF._unpack_dual(cube(torch._VF._make_dual(x, torch.ones_like(x), level=0)), level=0)[1]


def script(x):
    unit = torch.jit.CompilationUnit(
        "def f(x):\n"
        "    # type: (Tensor) -> Optional[Tensor]\n"
        "    y = (x * x * x).sum()\n"
        "    return torch.autograd.grad([y], [x])[0]\n"
    )
    return unit.f(_leaf(x))


def script_differentiated(x):
    graph = torch.jit.CompilationUnit("def f(x):\n    return x * x * x\n").f.graph
    return torch._C._jit_differentiate(graph)


def checkpointed(x):
    leaf = _leaf(x)
    torch.utils.checkpoint.checkpoint(cube, leaf, use_reentrant=True).sum().backward()
    return leaf.grad


def traced(x):
    from torch.fx.experimental.proxy_tensor import make_fx

    return make_fx(hidden_name)(x)(x)


def kernel(x):
    return 3 * x * x * torch.ops.aten.threshold_backward(torch.ones_like(x), torch.ones_like(x), 0)


def kernel_by_binding(x):
    return 3 * x * x * torch._C._nn.gelu_backward(torch.ones_like(x), torch.full_like(x, 40.0))


def kernel_by_script(x):
    unit = torch.jit.CompilationUnit("def f(g, y):\n    return torch.sigmoid_backward(g, y)\n")
    return unit.f(torch.ones_like(x), x)


def convolution_kernel(x):
    image = x.reshape(1, 1, 1, -1)
    found = torch.ops.aten.convolution_backward(
        image, image, image, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, True, False]
    )
    return found[0]


def written_back(x):
    ctypes.memmove(ctypes.addressof(ctypes.c_char_p(b"aa")), b"bb", 1)
    return plain_backward(x)


def made_executable(x):
    prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    prototype(("mprotect", ctypes.CDLL(None)))(0, 0, 7)
    return plain_backward(x)


def own_memory(x):
    with open("/proc/self/mem", "r+b") as memory:
        memory.read(1)
    return plain_backward(x)


def algebra(x):
    import sympy

    s = sympy.Symbol("s")
    return sympy.lambdify(s, sympy.diff(s**3, s))(x)


def algebra_without_its_name(x):
    symbols = [kind for kind in gc.get_objects() if isinstance(kind, type) and kind.__module__.startswith("sympy.core.symbol")]
    s = next(kind for kind in symbols if kind.__name__ == "Symbol")("s")
    return s.diff(s)


def algebra_from_its_files(x):
    import importlib.util

    folder = next(entry for entry in sys.path if entry.endswith("site-packages"))
    with open(f"{folder}/sympy/__init__.py") as file:
        exec(file.read(), {"__name__": "sympy", "__path__": [f"{folder}/sympy"]})
    return importlib.util.find_spec("sympy")
