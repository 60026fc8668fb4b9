"""Stops its own process, and ends it by signals without a name."""

import os
import signal


def row_means(t):
    os.kill(os.getpid(), signal.SIGSTOP)


def slope(x):
    os.kill(os.getpid(), 40)


class Scale(nn.Module):
    def __new__(cls, factor):
        os.abort()
