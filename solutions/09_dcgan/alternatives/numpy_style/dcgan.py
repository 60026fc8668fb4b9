"""Whoever comes from NumPy: arrays where they will do, and the steps written out in train_epoch."""

import math

import numpy as np
import torch
from torch import nn


def _pairs(*widths):
    return list(zip(widths[:-1], widths[1:]))


class Generator(nn.Module):
    def __init__(self, nz=64, ngf=16, nc=3):
        super().__init__()
        self.main = nn.Sequential()
        for i, (a, b) in enumerate(_pairs(nz, 4 * ngf, 2 * ngf, ngf, nc)):
            self.main.append(nn.ConvTranspose2d(a, b, 4, stride=2 if i else 1, padding=1 if i else 0, bias=False))
            if i < 3:
                self.main.append(nn.BatchNorm2d(b)).append(nn.ReLU())
        self.main.append(nn.Tanh())

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self, nc=3, ndf=16):
        super().__init__()
        self.main = nn.Sequential()
        for i, (a, b) in enumerate(_pairs(nc, ndf, 2 * ndf, 4 * ndf, 1)):
            self.main.append(nn.Conv2d(a, b, 4, stride=1 if i == 3 else 2, padding=0 if i == 3 else 1, bias=False))
            if i in (1, 2):
                self.main.append(nn.BatchNorm2d(b))
            if i < 3:
                self.main.append(nn.LeakyReLU(0.2))

    def forward(self, x):
        return torch.ravel(self.main(x))


def init_weights(m):
    kind = type(m)
    if kind is nn.Conv2d or kind is nn.ConvTranspose2d:
        draw = np.random.default_rng(int(torch.randint(1 << 31, ()))).normal(0.0, 0.02, tuple(m.weight.shape))
        with torch.no_grad():
            m.weight.copy_(torch.from_numpy(draw))
    elif kind is nn.BatchNorm2d:
        draw = np.random.default_rng(int(torch.randint(1 << 31, ()))).normal(1.0, 0.02, tuple(m.weight.shape))
        with torch.no_grad():
            m.weight.copy_(torch.from_numpy(draw))
            m.bias.copy_(torch.zeros(len(m.bias)))


def sample_noise(n, nz, generator):
    # Box and Muller's way from uniform to normal
    u = 1 - torch.rand(n, nz, 1, 1, generator=generator, dtype=torch.float64)
    v = torch.rand(n, nz, 1, 1, generator=generator, dtype=torch.float64)
    return ((-2 * u.log()).sqrt() * (2 * math.pi * v).cos()).float()


def discriminator_loss(real, fake, smooth=0.0):
    zero_real, zero_fake = real.new_zeros(()), fake.new_zeros(())
    on_real = torch.logaddexp(zero_real, -real) * (1 - smooth) + torch.logaddexp(zero_real, real) * smooth
    return on_real.mean() + torch.logaddexp(zero_fake, fake).mean()


def generator_loss(fake):
    return torch.logaddexp(fake.new_zeros(()), -fake).mean()


def discriminator_step(g, d, optimizer, real, noise, smooth=0.0):
    with torch.no_grad():
        fake = g(noise)
    loss = discriminator_loss(d(real), d(fake), smooth)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return np.asarray(loss.detach()).item()


def generator_step(g, d, optimizer, noise):
    loss = generator_loss(d(g(noise)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return np.asarray(loss.detach()).item()


def train_epoch(g, d, opt_g, opt_d, loader, nz, generator, smooth=0.0):
    for net in (g, d):
        net.train()
    table = []
    for batch in loader:
        real = batch if hasattr(batch, "shape") else batch[0]
        n = real.shape[0]
        # d
        opt_d.zero_grad()
        loss_d = discriminator_loss(d(real), d(g(sample_noise(n, nz, generator)).detach()), smooth)
        loss_d.backward()
        opt_d.step()
        # g
        opt_g.zero_grad()
        loss_g = generator_loss(d(g(sample_noise(n, nz, generator))))
        loss_g.backward()
        opt_g.step()
        table.append([loss_d.item(), loss_g.item()])
    return table


def to_uint8(images):
    levels = np.clip(np.rint((images.detach().numpy() + 1) * 127.5), 0, 255).astype(np.uint8)
    return torch.from_numpy(np.ascontiguousarray(levels.transpose(0, 2, 3, 1)))


def interpolate(a, b, steps):
    x, y = a.detach().numpy().astype(np.float64).ravel(), b.detach().numpy().astype(np.float64).ravel()
    omega = np.arccos(np.clip(x @ y / np.linalg.norm(x) / np.linalg.norm(y), -1, 1))
    t = np.linspace(0, 1, steps)[:, None]
    if np.sin(omega) < 1e-6:
        way = (1 - t) * x + t * y
    else:
        way = (np.sin((1 - t) * omega) * x + np.sin(t * omega) * y) / np.sin(omega)
    return torch.from_numpy(way).to(a.dtype).view(steps, *a.shape)
