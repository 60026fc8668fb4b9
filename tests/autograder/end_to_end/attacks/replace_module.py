"""Puts something else in the place of its own module."""

import sys


class Everything:
    def __getattr__(self, name):
        return lambda *_, **__: Everything()

    def __call__(self, *_, **__):
        return Everything()


sys.modules[__name__] = sys.modules["mini"] = Everything()
globals().clear()
