"""Activations as functions, in a `main` of its own; losses from logsigmoid; gradients by torch.autograd.grad."""

import torch
import torch.nn.functional as F
from torch import nn


class UpPath(nn.Module):
    def __init__(self, nz, ngf, nc):
        super().__init__()
        self.c1 = nn.ConvTranspose2d(nz, 4 * ngf, 4, bias=False)
        self.b1 = nn.BatchNorm2d(4 * ngf)
        self.c2 = nn.ConvTranspose2d(4 * ngf, 2 * ngf, 4, stride=2, padding=1, bias=False)
        self.b2 = nn.BatchNorm2d(2 * ngf)
        self.c3 = nn.ConvTranspose2d(2 * ngf, ngf, 4, stride=2, padding=1, bias=False)
        self.b3 = nn.BatchNorm2d(ngf)
        self.c4 = nn.ConvTranspose2d(ngf, nc, 4, stride=2, padding=1, bias=False)

    def forward(self, x):
        x = F.relu(self.b1(self.c1(x)))
        x = F.relu(self.b2(self.c2(x)))
        x = F.relu(self.b3(self.c3(x)))
        return torch.tanh(self.c4(x))


class DownPath(nn.Module):
    def __init__(self, nc, ndf):
        super().__init__()
        self.convs = nn.ModuleList()
        for i, (a, b) in enumerate([(nc, ndf), (ndf, 2 * ndf), (2 * ndf, 4 * ndf)]):
            block = nn.ModuleList([nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False)])
            if i:
                block.append(nn.BatchNorm2d(b))
            self.convs.append(block)
        self.last = nn.Conv2d(4 * ndf, 1, 4, bias=False)

    def forward(self, x):
        for block in self.convs:
            for layer in block:
                x = layer(x)
            x = F.leaky_relu(x, 0.2)
        return self.last(x)


class Generator(nn.Module):
    def __init__(self, nz=64, ngf=16, nc=3):
        super().__init__()
        self.main = UpPath(nz, ngf, nc)

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self, nc=3, ndf=16):
        super().__init__()
        self.main = DownPath(nc, ndf)

    def forward(self, images):
        return self.main(images).reshape(images.shape[0])


INITS = {
    nn.Conv2d: lambda m: m.weight.copy_(torch.randn_like(m.weight) * 0.02),
    nn.ConvTranspose2d: lambda m: m.weight.copy_(torch.randn_like(m.weight) * 0.02),
    nn.BatchNorm2d: lambda m: (m.weight.copy_(1 + torch.randn_like(m.weight) * 0.02), m.bias.fill_(0.0)),
}


def init_weights(module):
    with torch.no_grad():
        INITS.get(type(module), lambda m: None)(module)


def sample_noise(n, nz, generator):
    return torch.randn((n, nz), generator=generator)[:, :, None, None]


def discriminator_loss(real, fake, smooth=0.0):
    on_real = -(1 - smooth) * F.logsigmoid(real) - smooth * F.logsigmoid(-real)
    return torch.mean(on_real) + torch.mean(-F.logsigmoid(-fake))


def generator_loss(fake):
    return -F.logsigmoid(fake).mean()


def _descend(net, optimizer, loss):
    params = [p for p in net.parameters() if p.requires_grad]
    for p, grad in zip(params, torch.autograd.grad(loss, params)):
        p.grad = grad
    optimizer.step()
    return loss.detach().numpy()


def discriminator_step(g, d, optimizer, real, noise, smooth=0.0):
    fake = g(noise).detach()
    return _descend(d, optimizer, discriminator_loss(d(real), d(fake), smooth))


def generator_step(g, d, optimizer, noise):
    return _descend(g, optimizer, generator_loss(d(g(noise))))


def train_epoch(g, d, opt_g, opt_d, loader, nz, generator, smooth=0.0):
    g.train(True)
    d.train(True)

    def play(images):
        first = discriminator_step(g, d, opt_d, images, sample_noise(images.size(0), nz, generator), smooth)
        return first.item(), generator_step(g, d, opt_g, sample_noise(images.size(0), nz, generator)).item()

    return list(map(play, (b if isinstance(b, torch.Tensor) else b[0] for b in loader)))


def to_uint8(images):
    with torch.no_grad():
        levels = torch.floor((images.clamp(-1, 1) + 1) / 2 * 255 + 0.5)
        return torch.einsum("nchw->nhwc", levels).to(torch.uint8, memory_format=torch.contiguous_format).contiguous()


def interpolate(a, b, steps):
    t = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device).reshape(steps, 1, 1, 1)
    u, v = a / torch.linalg.vector_norm(a), b / torch.linalg.vector_norm(b)
    angle = torch.acos((u * v).sum().clamp(max=1))
    sine = torch.sin(angle)
    straight = torch.lerp(a.expand(steps, *a.shape), b.expand(steps, *b.shape), t)
    if bool(sine < 1e-6):
        return straight
    return torch.sin((1 - t) * angle) / sine * a + torch.sin(t * angle) / sine * b
