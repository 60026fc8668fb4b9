import torch


def unbroadcast(g, shape):
    missing = g.dim() - len(shape)
    axes = [i for i in range(g.dim()) if i < missing or (shape[i - missing] == 1 and g.size(i) > 1)]
    for axis in reversed(axes):
        g = g.sum(axis)
    return g.reshape(shape)


def numeric_grad(f, x, eps=1e-4):
    point = torch.empty(x.shape, dtype=torch.float64).copy_(x.detach())
    flat, slopes = point.view(-1), []
    for i in range(len(flat)):
        middle = flat[i].clone()
        values = []
        for sign in (1, -1):
            flat[i] = middle + sign * eps
            values.append(float(f(point)))
        flat[i] = middle
        slopes.append((values[0] - values[1]) / (2 * eps))
    return torch.tensor(slopes, dtype=torch.float64).reshape(x.shape)
