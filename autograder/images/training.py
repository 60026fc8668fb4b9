"""How long a submission may train, on which images, to which accuracy: from a topic's settings in course.yaml."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from autograder.errors import KitError
from autograder.images import store
from autograder.images.readers import Say
from autograder.images.store import Source


@dataclass(frozen=True)
class Budget:
    """One run of training. `minimum` is a fraction of the test images, `seconds` the longest the check may take."""

    images: int
    test_images: int
    batch: int
    epochs: int
    lr: float
    momentum: float
    minimum: float
    seconds: float


@dataclass(frozen=True)
class Training:
    """The images and the budget of one grading."""

    source: Source
    budget: Budget

    @property
    def resident(self) -> str:
        """The name of the training images, for `wire.Resident` and `store.resident`."""
        return store.resident_name(self.source, "train", self.budget.images)

    def test_images(self, seed: int) -> tuple[Tensor, Tensor]:
        """Images that no submission has seen, float32 (N, 3, 32, 32) in [-1, 1], and their labels, int64 (N,).

        Of the embedded images each `seed` gives others.
        """
        return store.resident(store.resident_name(self.source, "test", self.budget.test_images, seed))


def choose(
    settings: Mapping[str, Any],
    *,
    source: str = "",
    budget: str = "",
    cache: Path | None = None,
    allow_download: bool = False,
    say: Say = store.say_on_stderr,
) -> Training:
    """The training that a topic's `settings` describe; `source` and `budget` take the place of what they name.

    KitError if they are not as they should be, or if the images cannot be had (see `store.find`).
    """
    names = settings.get("budgets")
    name = budget or settings.get("budget")
    if not isinstance(names, Mapping) or name not in names:
        known = ", ".join(names) if isinstance(names, Mapping) else "none"
        raise KitError(f"course.yaml: there is no budget {name!r}; known: {known}")
    found = store.find(source or settings.get("data", "auto"), cache, allow_download=allow_download, say=say)
    return Training(found, _budget(str(name), names[name], "photographs" if found.path else "embedded"))


def _budget(name: str, values: Any, images: str) -> Budget:
    """The budget of that name with the minimum for these images."""
    fields = {field.name: field.type for field in dataclasses.fields(Budget)}
    if not isinstance(values, Mapping) or values.keys() != fields.keys():
        raise KitError(f"course.yaml: budget {name!r} needs exactly: {', '.join(fields)}")
    minimum = values["minimum"]
    if not isinstance(minimum, Mapping) or images not in minimum:
        raise KitError(f"course.yaml: budget {name!r}: minimum needs a number for photographs and one for embedded")
    chosen = {**values, "minimum": minimum[images]}
    for key, value in chosen.items():
        if isinstance(value, bool) or not isinstance(value, int if fields[key] is int else int | float):
            kind = "a whole number" if fields[key] is int else "a number"
            raise KitError(f"course.yaml: budget {name!r}: {key} must be {kind}")
        if not math.isfinite(value) or value < 0:
            raise KitError(f"course.yaml: budget {name!r}: {key} must not be negative")
    return Budget(**chosen)
