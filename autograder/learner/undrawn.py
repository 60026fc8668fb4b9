"""Stands in for packages that only show something, such as matplotlib and tqdm, where they are not installed: draws nothing."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

PACKAGES = frozenset({
    "matplotlib", "mpl_toolkits", "seaborn", "plotly", "bokeh", "altair", "tqdm", "tensorboard", "tensorboardX", "wandb",
    "visdom", "torchviz", "graphviz", "pydot", "torchsummary", "torchinfo", "colorama", "termcolor", "IPython", "ipywidgets",
    "google", "kaggle", "d2l", "livelossplot", "prettytable", "icecream", "loguru", "watermark",
})  # fmt: skip


class Nothing:
    """Whatever is asked of it, it is there, can be called, indexed, entered and iterated over, and nothing happens."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _SPECIAL.get(name, NOTHING)

    def __call__(self, *args: Any, **__: Any) -> Any:
        """As a decorator, such as `@interact`: the function below it."""
        return args[0] if len(args) == 1 and isinstance(args[0], types.FunctionType) else NOTHING

    def __setattr__(self, name: str, value: Any) -> None:
        pass

    def __getitem__(self, key: Any) -> Any:
        return NOTHING

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __enter__(self) -> Any:
        return NOTHING

    def __exit__(self, *_: object) -> None:
        pass

    def __mro_entries__(self, _: Any) -> tuple[type, ...]:
        return (Nothing,)


NOTHING = Nothing()


class Bar:
    """tqdm's bar: what it wraps comes through it unchanged."""

    def __init__(self, iterable: Iterable[Any] = (), *_: Any, **__: Any) -> None:
        self.iterable, self.n = iterable, 0.0

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __len__(self) -> int:
        return len(self.iterable)  # type: ignore[arg-type]  # as tqdm itself: of what has a length

    def __bool__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return NOTHING

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: float = 1) -> None:
        """Count."""
        self.n += n

    @staticmethod
    def write(*_: Any, **__: Any) -> None:
        """Say nothing."""


def _range(*args: int, **_: Any) -> Bar:
    return Bar(range(*args))


def _axes(nrows: int = 1, ncols: int = 1, *_: Any, squeeze: bool = True, **__: Any) -> Any:
    axes = np.full((nrows, ncols), NOTHING, object)
    return axes if not squeeze else NOTHING if axes.size == 1 else axes.squeeze()


def _subplots(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    return NOTHING, _axes(*args, **kwargs)


class _Pyplot(Nothing):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return attribute(name)


def _several(count: int) -> Callable[..., tuple[Any, ...]]:
    return lambda *_, **__: (NOTHING,) * count


_SPECIAL: dict[str, Any] = {
    "tqdm": Bar, "trange": _range, "tnrange": _range, "tqdm_notebook": Bar, "plot": _several(1), "hist": _several(3),
    "hist2d": _several(4), "pie": _several(3), "xticks": _several(2), "yticks": _several(2), "subplots": _axes,
    "pyplot": _Pyplot(),
}  # fmt: skip


def attribute(name: str) -> Any:
    """What a package of that kind has by that name."""
    return _subplots if name == "subplots" else _SPECIAL.get(name, NOTHING)
