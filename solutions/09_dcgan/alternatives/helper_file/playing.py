import torch
from losses import d_loss, g_loss


def sample_noise(n, nz, generator):
    return torch.randn([n, nz, 1, 1], generator=generator)


def discriminator_step(g, d, optimizer, real, noise, smooth=0.0):
    optimizer.zero_grad()
    loss = d_loss(d(real), d(g(noise).data), smooth)
    loss.backward()
    optimizer.step()
    return loss.item()


def generator_step(g, d, optimizer, noise):
    loss = g_loss(d(g(noise)))
    g.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train_epoch(g, d, opt_g, opt_d, loader, nz, generator, smooth=0.0):
    g.train()
    d.train()
    found = []
    for batch in loader:
        real, *_ = batch if isinstance(batch, (tuple, list)) else (batch,)
        found.append(
            (
                discriminator_step(g, d, opt_d, real, sample_noise(len(real), nz, generator), smooth),
                generator_step(g, d, opt_g, sample_noise(len(real), nz, generator)),
            )
        )
    return found
