# Exported from a notebook, with its little trials between the cells.
# %%
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer


# %%
class Generator(nn.Module):
    """Images (N, nc, 32, 32) in [-1, 1] from noise (N, nz, 1, 1)."""

    def __init__(self, nz: int = 64, ngf: int = 16, nc: int = 3) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, 4 * ngf, 4, 1, 0, bias=False),
            nn.BatchNorm2d(4 * ngf),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * ngf, 2 * ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * ngf),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * ngf, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(),
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, noise: Tensor) -> Tensor:
        """The images of a batch of noise."""
        return self.main(noise)


# %%
g0 = Generator(8, 4)
g0(torch.randn(2, 8, 1, 1)).shape


# %%
class Discriminator(nn.Module):
    """Raw scores (N,) of images (N, nc, 32, 32)."""

    def __init__(self, nc: int = 3, ndf: int = 16) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(ndf, 2 * ndf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * ndf),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * ndf, 4 * ndf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4 * ndf),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * ndf, 1, 4, 1, 0, bias=False),
        )

    def forward(self, images: Tensor) -> Tensor:
        """One score for each image, also for one image."""
        return self.main(images).view(-1)


# %%
d0 = Discriminator(3, 4)
d0(torch.randn(2, 3, 32, 32))


# %%
def init_weights(module: nn.Module) -> None:
    """Draw the weights of one module anew, if it is a convolution or BatchNorm."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


# %%
g0.apply(init_weights)
d0.apply(init_weights)
sum(p.numel() for p in g0.parameters())


# %%
def sample_noise(n: int, nz: int, generator: torch.Generator) -> Tensor:
    """Standard normal noise (n, nz, 1, 1)."""
    return torch.randn(n, nz, 1, 1, generator=generator)


# %%
gen = torch.Generator().manual_seed(1)
sample_noise(3, 4, gen)[:, :, 0, 0]


# %%
def discriminator_loss(real: Tensor, fake: Tensor, smooth: float = 0.0) -> Tensor:
    """The cross entropy of the real scores with 1 - smooth, plus that of the others with 0."""
    real_loss = F.binary_cross_entropy_with_logits(real, torch.full_like(real, 1 - smooth))
    fake_loss = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return real_loss + fake_loss


# %%
discriminator_loss(torch.zeros(3), torch.zeros(4))


# %%
def generator_loss(fake: Tensor) -> Tensor:
    """The cross entropy of the scores with 1."""
    return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


# %%
generator_loss(torch.zeros(3))


# %%
def discriminator_step(
    g: nn.Module, d: nn.Module, optimizer: Optimizer, real: Tensor, noise: Tensor, smooth: float = 0.0
) -> float:
    """One step of d; the loss before it."""
    fake = g(noise).detach()
    optimizer.zero_grad()
    loss = discriminator_loss(d(real), d(fake), smooth)
    loss.backward()
    optimizer.step()
    return loss.item()


# %%
def generator_step(g: nn.Module, d: nn.Module, optimizer: Optimizer, noise: Tensor) -> float:
    """One step of g; the loss before it."""
    optimizer.zero_grad()
    loss = generator_loss(d(g(noise)))
    loss.backward()
    optimizer.step()
    return loss.item()


# %%
def train_epoch(
    g: nn.Module,
    d: nn.Module,
    opt_g: Optimizer,
    opt_d: Optimizer,
    loader: Iterable[Any],
    nz: int,
    generator: torch.Generator,
    smooth: float = 0.0,
) -> list[tuple[float, float]]:
    """A step of d and a step of g for each batch; the pairs of their losses."""
    g.train()
    d.train()
    losses = []
    for batch in loader:
        real = batch[0] if isinstance(batch, tuple | list) else batch
        d_loss = discriminator_step(g, d, opt_d, real, sample_noise(len(real), nz, generator), smooth)
        g_loss = generator_step(g, d, opt_g, sample_noise(len(real), nz, generator))
        losses.append((d_loss, g_loss))
    return losses


# %%
opt_g = torch.optim.SGD(g0.parameters(), lr=0.01)
opt_d = torch.optim.SGD(d0.parameters(), lr=0.01)
history = train_epoch(g0, d0, opt_g, opt_d, [torch.zeros(2, 3, 32, 32)], 8, gen)
history


# %%
def to_uint8(images: Tensor) -> Tensor:
    """(N, C, H, W) in [-1, 1] → uint8 (N, H, W, C)."""
    levels = ((images.detach() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous()


# %%
to_uint8(g0(sample_noise(2, 8, gen)))[0, 0, 0]


# %%
def interpolate(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """From a to b along a circle, in equal steps of the angle; straight where there is none."""
    cosine = (a * b).sum() / (a.norm() * b.norm())
    angle = cosine.clamp(-1, 1).acos()
    t = torch.linspace(0, 1, steps, dtype=a.dtype).view(-1, 1, 1, 1)
    if angle.sin() < 1e-6:
        return (1 - t) * a + t * b
    return ((1 - t) * angle).sin() / angle.sin() * a + (t * angle).sin() / angle.sin() * b
