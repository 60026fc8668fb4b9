import torch
from torch import nn
from torch.nn.functional import softplus


def up(i, o, *how): return nn.ConvTranspose2d(i, o, 4, *how, bias=False)
def down(i, o, *how): return nn.Conv2d(i, o, 4, *how, bias=False)


class Generator(nn.Module):
    def __init__(self, nz=64, ngf=16, nc=3):
        super().__init__()
        w = [4 * ngf, 2 * ngf, ngf]
        body = [m for i, o, how in zip([nz, *w], w, [(1, 0), (2, 1), (2, 1)]) for m in (up(i, o, *how), nn.BatchNorm2d(o), nn.ReLU())]
        self.main = nn.Sequential(*body, up(ngf, nc, 2, 1), nn.Tanh())
        self.forward = self.main.forward


class Discriminator(nn.Module):
    def __init__(self, nc=3, ndf=16):
        super().__init__()
        body = [m for i in (1, 2) for m in (down(i * ndf, 2 * i * ndf, 2, 1), nn.BatchNorm2d(2 * i * ndf), nn.LeakyReLU(.2))]
        self.main = nn.Sequential(down(nc, ndf, 2, 1), nn.LeakyReLU(.2), *body, down(4 * ndf, 1, 1, 0), nn.Flatten(0))

    def forward(self, x): return self.main(x)


@torch.no_grad()
def init_weights(m):
    if type(m) in (nn.Conv2d, nn.ConvTranspose2d): m.weight.normal_(0, .02)
    if type(m) is nn.BatchNorm2d: m.weight.normal_(1, .02), m.bias.zero_()


def sample_noise(n, nz, generator): return torch.empty(n, nz, 1, 1).normal_(generator=generator)
def discriminator_loss(real, fake, smooth=0.): return (softplus(-real) + smooth * real).mean() + softplus(fake).mean()
def generator_loss(fake): return softplus(-fake).mean()


def step(optimizer, loss):
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    return float(loss.detach())


def discriminator_step(g, d, optimizer, real, noise, smooth=0.):
    with torch.no_grad(): fake = g(noise)
    return step(optimizer, discriminator_loss(d(real), d(fake), smooth))


def generator_step(g, d, optimizer, noise): return step(optimizer, generator_loss(d(g(noise))))


def train_epoch(g, d, opt_g, opt_d, loader, nz, generator, smooth=0.):
    g.train(), d.train()
    return [(discriminator_step(g, d, opt_d, x, sample_noise(len(x), nz, generator), smooth),
             generator_step(g, d, opt_g, sample_noise(len(x), nz, generator)))
            for x in (b if torch.is_tensor(b) else b[0] for b in loader)]


def to_uint8(images): return (images.detach() * 127.5 + 127.5).round().clamp(0, 255).byte().movedim(1, -1).contiguous()


def interpolate(a, b, steps):
    o, t = torch.cosine_similarity(a.flatten(), b.flatten(), 0).clamp(-1, 1).acos(), torch.linspace(0, 1, steps, dtype=a.dtype)[:, None, None, None]
    u, v = ((1 - t, t) if o.sin() < 1e-6 else (((1 - t) * o).sin() / o.sin(), (t * o).sin() / o.sin()))
    return u * a + v * b
