"""Writes into the interpreter's own memory."""

import ctypes


def row_means(t):
    ctypes.memset(id(None), 0, 64)
    ctypes.memset(id(type(t)), 0xFF, 200)
    return t.mean(0)


def slope(x):
    ctypes.string_at(8)
