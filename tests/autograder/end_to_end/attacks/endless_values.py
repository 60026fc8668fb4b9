"""Returns lists and dicts that never end."""


class Endless(list):
    def __iter__(self):
        while True:
            yield self

    def __len__(self):
        return 1 << 60


class Pairs(dict):
    def items(self):
        while True:
            yield "x", 1


def row_means(t):
    return Endless()


def slope(x):
    return Pairs()
