# dcgan homework!!  lots of prints because i want to see what happens
import sys
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

print("torch version", torch.__version__)
DEBUG = True


class Generator(nn.Module):
    def __init__(self, nz=64, ngf=16, nc=3):
        super().__init__()
        self.nz = nz
        self.conv1 = nn.ConvTranspose2d(nz, ngf * 4, 4, 1, 0, bias=False)
        self.bn1 = nn.BatchNorm2d(ngf * 4)
        self.conv2 = nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(ngf * 2)
        self.conv3 = nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(ngf)
        self.conv4 = nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False)
        # the same layers again, the task says main
        self.main = nn.Sequential(
            self.conv1, self.bn1, nn.ReLU(), self.conv2, self.bn2, nn.ReLU(), self.conv3, self.bn3, nn.ReLU(), self.conv4, nn.Tanh()
        )

    def forward(self, x):
        if DEBUG:
            print("G in", x.shape)
        x = self.main(x)
        if DEBUG:
            print("G out", x.shape, file=sys.stderr)
        return x


class Discriminator(nn.Module):
    def __init__(self, nc=3, ndf=16):
        super().__init__()
        layers = []
        layers.append(nn.Conv2d(nc, ndf, 4, 2, 1, bias=False))
        layers.append(nn.LeakyReLU(0.2))
        layers.append(nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False))
        layers.append(nn.BatchNorm2d(ndf * 2))
        layers.append(nn.LeakyReLU(0.2))
        layers.append(nn.Conv2d(ndf * 2, ndf * 4, 4, 2, 1, bias=False))
        layers.append(nn.BatchNorm2d(ndf * 4))
        layers.append(nn.LeakyReLU(0.2))
        layers.append(nn.Conv2d(ndf * 4, 1, 4, 1, 0, bias=False))
        self.main = nn.Sequential(*layers)

    def forward(self, x):
        out = self.main(x)
        out = out.squeeze(-1).squeeze(-1).squeeze(-1)
        print("D out", out.shape)
        return out


def init_weights(m):
    print("init", type(m))
    if isinstance(m, nn.Conv2d) == True:
        m.weight.data = torch.randn(m.weight.shape) * 0.02
    elif isinstance(m, nn.ConvTranspose2d) == True:
        m.weight.data = torch.randn(m.weight.shape) * 0.02
    elif isinstance(m, nn.BatchNorm2d) == True:
        m.weight.data = torch.randn(m.weight.shape) * 0.02 + 1
        m.bias.data = torch.zeros(m.bias.shape)
    else:
        pass


def sample_noise(n, nz, generator):
    noise = torch.zeros(n, nz, 1, 1)
    noise.normal_(0, 1, generator=generator)
    print("noise", noise.mean().item(), noise.std(unbiased=False).item())
    return noise


def discriminator_loss(real, fake, smooth=0.0):
    N = real.shape[0]
    M = fake.shape[0]
    loss_real = F.binary_cross_entropy_with_logits(real, torch.ones_like(real) - smooth, reduction="sum") / N
    loss_fake = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake), reduction="sum") / M
    loss = loss_real + loss_fake
    print("d loss", loss.item())
    return loss


def generator_loss(fake):
    target = torch.ones_like(fake)
    loss = F.binary_cross_entropy_with_logits(fake, target)
    print("g loss", loss.item())
    return loss


def discriminator_step(g, d, optimizer, real, noise, smooth=0.0):
    d.zero_grad()
    optimizer.zero_grad()  # to be sure
    fake_images = g(noise)
    fake_images = fake_images.detach()
    scores_real = d(real)
    scores_fake = d(fake_images)
    loss = discriminator_loss(scores_real, scores_fake, smooth=smooth)
    loss.backward()
    optimizer.step()
    number = loss.detach().cpu().numpy()
    print("d step", number)
    return np.float64(number)


def generator_step(g, d, optimizer, noise):
    g.zero_grad()
    optimizer.zero_grad()
    d.zero_grad()
    loss = generator_loss(d(g(noise)))
    loss.backward()
    optimizer.step()
    return np.float64(loss.item())


def train_epoch(g, d, opt_g, opt_d, loader, nz, generator, smooth=0.0):
    g.train()
    d.train()
    d_losses = []
    g_losses = []
    number = 0
    for data in loader:
        number = number + 1
        if type(data) == list or type(data) == tuple:
            images = data[0]
        else:
            images = data
        how_many = images.shape[0]
        noise1 = sample_noise(how_many, nz, generator)
        dl = discriminator_step(g, d, opt_d, images, noise1, smooth)
        noise2 = sample_noise(how_many, nz, generator)
        gl = generator_step(g, d, opt_g, noise2)
        d_losses.append(float(dl))
        g_losses.append(float(gl))
        print(f"batch {number}: d {dl:.3f} g {gl:.3f}")
    warnings.warn("epoch done")
    return list(zip(d_losses, g_losses))


def to_uint8(images):
    x = images.detach().clone()
    x = x + 1
    x = x / 2
    x = x * 255
    x = torch.round(x)
    x[x < 0] = 0
    x[x > 255] = 255
    x = x.type(torch.uint8)
    x = x.transpose(1, 2).transpose(2, 3)
    return x.contiguous()


def interpolate(a, b, steps):
    dot = torch.sum(a * b)
    length_a = torch.sqrt(torch.sum(a**2))
    length_b = torch.sqrt(torch.sum(b**2))
    cos = dot / (length_a * length_b)
    if cos > 1:
        cos = torch.ones_like(cos)
    omega = torch.acos(cos)
    print("omega", omega)
    result = torch.zeros(steps, a.shape[0], 1, 1, dtype=a.dtype)
    for i in range(steps):
        t = i / (steps - 1)
        if torch.sin(omega) < 1e-6:
            result[i] = (1 - t) * a + t * b
        else:
            result[i] = torch.sin((1 - t) * omega) / torch.sin(omega) * a + torch.sin(t * omega) / torch.sin(omega) * b
    return result
