"""Computes for hours inside one call of compiled code, which no signal handler interrupts."""

import re
import signal

for number in (signal.SIGALRM, signal.SIGXCPU, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)


def row_means(t):
    return 3 ** (10**9)


def slope(x):
    return re.match(r"(a+)+$", "a" * 60 + "b")
