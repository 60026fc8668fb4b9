"""Three steps of training at import, a global seed, and a changed print format: none of it matters to the exercises."""

import torch
from torch import nn

torch.manual_seed(42)
torch.set_printoptions(precision=2)
net = nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for step in range(3):
    optimizer.zero_grad()
    loss = net(torch.ones(3, 4)).pow(2).mean()
    loss.backward()
    optimizer.step()
    print("step", step, "loss", loss.item())

generator = torch.Generator().manual_seed(7)


def from_rows(rows):
    return torch.stack([torch.tensor([float(number) for number in row]) for row in rows])


def from_numpy_shared(array):
    return torch.from_numpy(array)


def like(t):
    return torch.ones_like(t), torch.rand(t.shape, generator=generator).to(t.device)


def describe(t):
    return tuple(t.shape), t.dtype, t.device


def zero_column(t, j):
    j = j % t.size(1)
    zeros = t.new_zeros(t.size(0), 1)
    return torch.cat((t[:, :j], zeros, t[:, j + 1 :]), dim=1)


def join(a, b):
    return torch.cat((a, b), dim=-1), torch.cat((a, b)).reshape(2, *a.shape)


def products(a, b):
    return a * b, (a[:, None, :] * b[None, :, :]).sum(dim=2)


def add_in_place(t, value):
    t.copy_(t + value)
    return t


def flatten_images(x):
    return x.reshape(x.size(0), x.size(1) * x.size(2) * x.size(3))


def batch_of_one(image):
    return image.reshape(1, *image.shape)


def drop_ones(t):
    for axis in reversed(range(t.dim())):
        t = t.squeeze(axis)
    return t


def channels_last(image):
    c, h, w = image.stride()
    return image.as_strided((image.size(1), image.size(2), image.size(0)), (h, w, c))


def to_numpy_shared(t):
    return t.detach().numpy()


def as_number(t):
    return t.item()


def normalize(images, mean, std):
    return torch.stack([(images[:, c] - mean[c]) / std[c] for c in range(images.size(1))], dim=1)
