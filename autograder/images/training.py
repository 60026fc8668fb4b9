"""How long a submission may train, on which images if any, and what it has to reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from autograder.images import store
from autograder.images.readers import Say
from autograder.images.store import Source

NO_IMAGES = Source("")  # of a topic that trains on none


@dataclass(frozen=True)
class Budget:
    """One run of training. `minimum` is a fraction of the test images, `seconds` the longest the check may take.

    Where there are no images, there are `episodes`, and `minimum` is a score; see course.yaml.
    """

    minimum: float
    seconds: float
    images: int = 0
    test_images: int = 0
    batch: int = 0
    epochs: int = 0
    lr: float = 0.0
    momentum: float = 0.0
    episodes: int = 0


@dataclass(frozen=True)
class Training:
    """The images, where there are any, and the budget of one grading."""

    source: Source
    budget: Budget

    @property
    def resident(self) -> str:
        """The name of the training images, for `wire.Resident` and `store.resident`; "" where there are none."""
        if not self.budget.images:
            return ""
        return store.resident_name(self.source, "train", self.budget.images)

    def test_images(self, seed: int) -> tuple[Tensor, Tensor]:
        """Images that no submission has seen, float32 (N, 3, 32, 32) in [-1, 1], and their labels, int64 (N,).

        Of the embedded images each `seed` gives others.
        """
        return store.resident(store.resident_name(self.source, "test", self.budget.test_images, seed))

    def packed(self) -> bytes:
        """The images of this budget, for another machine; nothing for those that the kit draws itself."""
        return store.packed(self.source, {"train": self.budget.images, "test": self.budget.test_images})

    def unpacked(self, images: bytes, path: Path) -> "Training":
        """The same training on a machine that has only got what was `packed`, which is written to `path`."""
        if not images:
            return self
        path.write_bytes(images)
        return Training(Source(self.source.name, str(path)), self.budget)


def choose(
    data: str,
    budget: Mapping[str, Any],
    *,
    cache: Path | None = None,
    allow_download: bool = False,
    say: Say = store.say_on_stderr,
) -> Training:
    """Training on the images that `data` names, with that budget; KitError if the images cannot be had (see `store.find`).

    `budget` has the fields of Budget, and in the place of one minimum {"photographs": …, "embedded": …}, of which the one
    for these images is taken: course.yaml's own, by `course.TrainingSettings.chosen`.
    """
    if "images" not in budget:
        return Training(NO_IMAGES, Budget(**budget))
    source = store.find(data, cache, allow_download=allow_download, say=say)
    minimum = budget["minimum"]["photographs" if source.path else "embedded"]
    return Training(source, Budget(**{**budget, "minimum": minimum}))
