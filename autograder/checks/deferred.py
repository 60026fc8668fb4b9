"""Stand-ins for modules of torch that are long to import and of which eager code needs a function or two.

An optimizer's step imports `torch._dynamo` to say where a compiler's graph is to break, which means nothing where nothing is
compiled (torch/optim/optimizer.py, `_use_grad_for_differentiable`; torch/_compile.py, `_disable_dynamo`), and
`backward(gradient)` imports `torch.fx.experimental.symbolic_shapes`, and with it sympy, to compare two shapes
(torch/autograd/__init__.py, `_make_grads`): together two thirds of the time that torch's own import takes. A stand-in has
these functions and no other. Whoever asks it for anything else, `torch.compile` for instance, has the real module, which takes
its place for good.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

_CACHED = "__dynamo_disable"  # where torch/_compile.py keeps what `disable` gave it


class StandIn(ModuleType):
    """A module with `functions`, until it is asked for another name: then the real one is imported in its place."""

    def __init__(self, name: str, functions: dict[str, Callable[..., Any]], undo: Callable[[], None] = lambda: None) -> None:
        super().__init__(name)
        package = sys.modules[name.rpartition(".")[0]]
        spec = PathFinder.find_spec(name, package.__path__)
        self.__file__ = spec.origin if spec else None  # what looks through `sys.modules` for a file must not import it
        vars(self).update(functions)
        self._package = bool(spec and spec.submodule_search_locations is not None)
        self._undo = undo

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and not (name == "__path__" and self._package):
            raise AttributeError(name)  # a look at it in passing; a package's path is asked for to import what is in it
        return getattr(self.real(), name)

    def real(self) -> ModuleType:
        """The module itself, in this one's place."""
        if self.withdraw():
            self._undo()
        return import_module(self.__name__)

    def install(self) -> None:
        """Stand where an import and an attribute of the package find it."""
        sys.modules[self.__name__] = self
        package, _, name = self.__name__.rpartition(".")
        vars(sys.modules[package])[name] = self

    def withdraw(self) -> bool:
        """Go away; False if the real module is there already."""
        if sys.modules.get(self.__name__) is not self:
            return False
        del sys.modules[self.__name__]
        package, _, name = self.__name__.rpartition(".")
        vars(sys.modules[package]).pop(name, None)
        return True


def _dynamo() -> StandIn:
    disabled: list[Callable[..., Any]] = []

    def disable(fn: Callable[..., Any], *_: object, **_how: object) -> Callable[..., Any]:
        disabled.append(fn)
        return fn

    def forget() -> None:
        for fn in disabled:
            vars(fn).pop(_CACHED, None)

    return StandIn("torch._dynamo", {"graph_break": lambda: None, "disable": disable}, forget)


def _symbolic_shapes() -> StandIn:
    return StandIn("torch.fx.experimental.symbolic_shapes", {"sym_eq": lambda x, y: x == y, "expect_true": bool})


_MAKE = {"torch._dynamo": _dynamo, "torch.fx.experimental.symbolic_shapes": _symbolic_shapes}
NAMES = frozenset(_MAKE)


@contextlib.contextmanager
def deferred(names: Collection[str]) -> Iterator[None]:
    """In the block, a stand-in is where one of these modules is wanted and has not been imported; others are as they were."""
    made = []
    for name, make in _MAKE.items():
        package = name.rpartition(".")[0]
        if name in names and name not in sys.modules and package in sys.modules:
            made.append(make())
            made[-1].install()
    try:
        yield
    finally:
        for stand_in in made:
            stand_in.withdraw()
