"""Which tier of confinement a grading has on this machine."""

from __future__ import annotations

from autograder.errors import KitError
from autograder.sandbox.confinement import confine


def here(asked: str, device: str = "simulated") -> str:
    """The tier of this machine, "full" or "reduced"; KitError if it is reduced and that was not asked for.

    On a real GPU it is reduced: see confine.
    """
    if device == "cuda":
        if asked != "reduced":
            raise KitError("--device cuda: a GPU's driver does not work in full confinement: give --isolation reduced too")
        return "reduced"
    layers = confine.layers()
    tier = confine.tier(layers)
    if tier != "full" and asked != "reduced":
        missing = ", ".join(layer.name for layer in layers if not layer.present)
        raise KitError(f"this machine cannot confine submissions fully (missing: {missing}): "
                       "see `autograder doctor`, or give --isolation reduced")  # fmt: skip
    return "reduced" if asked == "reduced" and tier != "full" else tier
