"""Closes its channel and goes on."""

import os
import time


def row_means(t):
    os.close(3)
    time.sleep(100)


def slope(x):
    os.dup2(os.open(os.devnull, os.O_RDWR), 3)
    time.sleep(100)
