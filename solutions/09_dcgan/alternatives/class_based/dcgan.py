"""Blocks as classes, losses as objects, one trainer that both steps share."""

import torch
from torch import nn


class UpBlock(nn.Sequential):
    def __init__(self, inputs, outputs, first=False):
        stride, padding = (1, 0) if first else (2, 1)
        super().__init__()
        self.add_module("conv", nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=stride, padding=padding, bias=False))
        self.add_module("norm", nn.BatchNorm2d(outputs))
        self.add_module("act", nn.ReLU())


class DownBlock(nn.Module):
    def __init__(self, inputs, outputs, norm=True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1), bias=False)
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        self.act = nn.LeakyReLU(negative_slope=0.2)

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class Generator(nn.Module):
    def __init__(self, nz=64, ngf=16, nc=3):
        super().__init__()
        self.main = nn.Sequential(
            UpBlock(nz, 4 * ngf, first=True),
            UpBlock(4 * ngf, 2 * ngf),
            UpBlock(2 * ngf, ngf),
            nn.Sequential(nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False), nn.Tanh()),
        )
        self.apply(init_weights)

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self, nc=3, ndf=16):
        super().__init__()
        self.main = nn.Sequential(
            DownBlock(nc, ndf, norm=False), DownBlock(ndf, 2 * ndf), DownBlock(2 * ndf, 4 * ndf), nn.Conv2d(4 * ndf, 1, 4, bias=False)
        )

    def forward(self, images):
        return self.main(images)[:, 0, 0, 0]


def init_weights(module):
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            module.weight.data.normal_(0.0, 0.02)
        case nn.BatchNorm2d():
            module.weight.data.normal_(1.0, 0.02)
            module.bias.data.fill_(0)


def sample_noise(n, nz, generator):
    return torch.normal(0.0, 1.0, (n, nz, 1, 1), generator=generator)


class LabelLoss:
    def __init__(self, label):
        self.label, self.criterion = label, nn.BCEWithLogitsLoss(reduction="mean")

    def __call__(self, scores):
        return self.criterion(scores, torch.ones_like(scores) * self.label)


def discriminator_loss(real, fake, smooth=0.0):
    return LabelLoss(1 - smooth)(real) + LabelLoss(0.0)(fake)


def generator_loss(fake):
    return LabelLoss(1.0)(fake)


class Game:
    def __init__(self, g, d):
        self.g, self.d = g, d

    def minimise(self, optimizer, loss):
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def d_step(self, optimizer, real, noise, smooth):
        with torch.no_grad():
            fake = self.g(noise)
        fake_scores = self.d(fake)  # the drawn ones first
        return self.minimise(optimizer, discriminator_loss(self.d(real), fake_scores, smooth))

    def g_step(self, optimizer, noise):
        before = [p.requires_grad for p in self.d.parameters()]
        self.d.requires_grad_(False)
        try:
            return self.minimise(optimizer, generator_loss(self.d(self.g(noise))))
        finally:
            for p, flag in zip(self.d.parameters(), before):
                p.requires_grad_(flag)


def discriminator_step(g, d, optimizer, real, noise, smooth=0.0):
    return Game(g, d).d_step(optimizer, real, noise, smooth)


def generator_step(g, d, optimizer, noise):
    return Game(g, d).g_step(optimizer, noise)


def train_epoch(g, d, opt_g, opt_d, loader, nz, generator, smooth=0.0):
    game, losses = Game(g.train(), d.train()), []
    for batch in loader:
        images = batch[0] if isinstance(batch, (list, tuple)) else batch
        n = images.shape[0]
        losses.append([
            game.d_step(opt_d, images, sample_noise(n, nz, generator), smooth),
            game.g_step(opt_g, sample_noise(n, nz, generator)),
        ])
    return losses


class Levels:
    """From -1 … 1 to 0 … 255."""

    scale, offset = 255 / 2, 255 / 2

    def __call__(self, images):
        images = images.detach().clamp(-1, 1)
        return torch.round(images * self.scale + self.offset).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def to_uint8(images):
    return Levels()(images)


class Arc:
    def __init__(self, a, b):
        self.a, self.b = a, b
        cosine = torch.sum(a * b) / torch.sqrt(torch.sum(a * a) * torch.sum(b * b))
        self.angle = torch.arccos(torch.clamp(cosine, min=-1.0, max=1.0))

    def at(self, t):
        sine = torch.sin(self.angle)
        if float(sine.detach()) < 1e-6:
            return torch.lerp(self.a, self.b, t)
        return (torch.sin((1 - t) * self.angle) * self.a + torch.sin(t * self.angle) * self.b) / sine


def interpolate(a, b, steps):
    arc = Arc(a, b)
    return torch.stack([arc.at(k / (steps - 1)) for k in range(steps)], dim=0)
