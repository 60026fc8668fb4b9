"""Techniques that a task rules out: a trap while the task's code runs. `source_look` is the look at its source.

The first layer holds process-wide, whatever name the learner's code saved at import: the autograd engine refuses to work,
and so does the node that `Function.apply` makes. The second, a dispatch mode, sees every operator of this thread and of
threads started meanwhile: it refuses PyTorch's own backward kernels, forward mode, complex numbers, and whatever the engine
runs all the same. Neither is a wall: where a score depends on it, `sandbox.no_autograd` is.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode

Refuse = Callable[[str], NoReturn]

COMPLEX = "complex numbers (a step along the imaginary axis is a difference quotient)"
_ENGINE = "PyTorch's autograd (backward, torch.autograd or torch.func)"


class Forbidden(BaseException):
    """The code used what the task rules out. A BaseException, so that `except Exception` does not hide it."""


def sentence(used: str) -> str:
    """What the learner reads about a technique, without the final period."""
    return f"This task is to be done by hand, but your code uses {used}: write the derivative out yourself"


@contextlib.contextmanager
def trap(technique: str, folder: Path) -> Iterator[None]:
    """While the block runs, using `technique` raises Forbidden; "" rules out nothing.

    "autograd" rules out differentiating with PyTorch in every way; recording a graph as a side effect is no use of it.
    The block ends with Forbidden even if the code of the learner, whose modules are in `folder`, has caught it.
    """
    if not technique:
        yield
        return
    caught: list[Forbidden] = []
    over = threading.Event()

    def refuse(used: str) -> NoReturn:
        caught.append(Forbidden(sentence(used)))
        raise caught[-1]

    try:
        with contextlib.ExitStack() as stack:
            for owner, name, value in _replacements(refuse, folder, over):
                stack.enter_context(_replaced(owner, name, value))
            # The engine asks this hook first, in every thread, also where it is called by a saved reference.
            set_hook = torch._C._dynamo.compiled_autograd.set_autograd_compiler
            stack.callback(set_hook, *set_hook(lambda *_: refuse(_ENGINE), False))  # noqa: FBT003  its own signature
            stack.enter_context(_Watch(refuse, over))
            yield
    finally:
        over.set()
        if caught:
            raise caught[0]


def uses_autograd(call: Callable[[], object]) -> bool:
    """Whether `call` is stopped where autograd is ruled out: for a probe that asks whether autograd had a part in a result.

    def through_autograd(module, x):
        return uses_autograd(lambda: module.slope(x))
    """
    try:
        with trap("autograd", Path()):
            call()
    except Forbidden:
        return True
    return False


def _replacements(refuse: Refuse, folder: Path, over: threading.Event) -> Iterator[tuple[type, str, Any]]:
    def make_node(node: Any) -> NoReturn:
        cls = type(node)._forward_cls
        refuse(f"a custom autograd Function, {cls.__name__}")

    def bootstrap(thread: threading.Thread) -> None:
        with _Watch(refuse, over):
            start(thread)

    start = threading.Thread._bootstrap_inner  # type: ignore[attr-defined]
    yield torch.autograd.Variable, "_execution_engine", _Engine(refuse)
    yield torch.autograd.function.BackwardCFunction, "__init__", make_node
    yield torch.Tensor, "grad_fn", property(lambda tensor: _node(tensor, refuse, folder))
    yield threading.Thread, "_bootstrap_inner", bootstrap


@contextlib.contextmanager
def _replaced(owner: type, name: str, value: Any) -> Iterator[None]:
    kept = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if kept is None:  # inherited until now
            delattr(owner, name)
        else:
            setattr(owner, name, kept)


class _Engine:
    """Stands for PyTorch's engine, which backward, grad and torch.func all end in."""

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse

    def __getattr__(self, name: str) -> NoReturn:
        self._refuse(_ENGINE)


class _Node:
    """What a learner's code sees as `grad_fn`: it can be printed, but calling it would run PyTorch's own derivative."""

    def __init__(self, node: object, refuse: Refuse) -> None:
        self._shown, self._refuse = repr(node), refuse

    def __repr__(self) -> str:
        return self._shown

    def __call__(self, *_: object) -> NoReturn:
        self._refuse("the derivative that a tensor's grad_fn computes")

    def __getattr__(self, name: str) -> NoReturn:
        self._refuse(f"the graph behind a tensor's grad_fn (.{name})")


def _node(tensor: torch.Tensor, refuse: Refuse, folder: Path) -> object:
    node = vars(torch._C.TensorBase)["grad_fn"].__get__(tensor)
    # PyTorch itself reads grad_fn too, to print a tensor: only the learner's own code gets the stand-in.
    caller = sys._getframe(2).f_code.co_filename
    return node if node is None or Path(caller).parent != folder else _Node(node, refuse)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator that runs in this thread, below autograd."""

    def __init__(self, refuse: Refuse, over: threading.Event) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._refuse, self._over = refuse, over

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the class alone costs an import of torch._dynamo, two seconds

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.partition("::")[2]
        if not self._over.is_set():  # a learner's thread may live on, into tasks that allow autograd
            if "_backward" in name:
                self._refuse(f"PyTorch's own backward kernel {name}")
            if forward_ad._current_level != -1:
                self._refuse("forward-mode differentiation")
            if torch._C._current_graph_task_id() != -1:
                self._refuse(_ENGINE)
        result = func(*args, **(kwargs or {}))
        if not self._over.is_set() and isinstance(result, torch.Tensor) and result.is_complex():
            self._refuse(COMPLEX)
        return result
