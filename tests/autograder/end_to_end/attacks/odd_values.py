"""Returns what trips a comparison: complex, empty, of no axes, of another device or layout, of other types."""


def row_means(t):
    return torch.zeros(t.shape[0] + 1, dtype=torch.complex64)


def slope(x):
    return torch.zeros(0, 1 << 40)


class Scale(nn.Module):
    def __new__(cls, factor):
        return lambda x: x.to_sparse()
