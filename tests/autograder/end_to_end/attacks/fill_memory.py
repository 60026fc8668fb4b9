"""Takes memory by many small tensors, by a few large ones, and by Python's own objects."""


def row_means(t):
    kept = []
    while True:
        kept.append(torch.ones(1000))


def slope(x):
    kept = []
    while True:
        kept.append(bytearray(8 << 20))


class Scale(nn.Module):
    def __new__(cls, factor):
        return torch.zeros(1).expand(1 << 20, 1 << 20)
