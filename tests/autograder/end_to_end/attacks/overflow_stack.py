"""Recurses in Python without a limit, and in C."""

import sys

sys.setrecursionlimit(1 << 30)


def row_means(t):
    return row_means(t)


def slope(x):
    value = []
    for _ in range(1 << 20):
        value = [value]
    return repr(value)
