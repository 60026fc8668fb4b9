# In the manner of PyTorch's own DCGAN example: two backward passes for netD, labels that are filled, criterion and all.
import torch
import torch.nn as nn

criterion = nn.BCEWithLogitsLoss()
real_label = 1.0
fake_label = 0.0


class Generator(nn.Module):
    def __init__(self, nz=64, ngf=16, nc=3):
        super(Generator, self).__init__()
        self.main = nn.Sequential(
            # input is Z, going into a convolution
            nn.ConvTranspose2d(nz, ngf * 4, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 4),
            nn.ReLU(True),
            # state size. (ngf*4) x 4 x 4
            nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            # state size. (ngf*2) x 8 x 8
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            # state size. (ngf) x 16 x 16
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
            # state size. (nc) x 32 x 32
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self, nc=3, ndf=16):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, ndf * 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 4),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 4, 1, 4, 1, 0, bias=False),
        )

    def forward(self, input):
        return self.main(input).view(-1, 1).squeeze(1)


def init_weights(m):
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
        torch.nn.init.normal_(m.weight, 0.0, 0.02)
    elif isinstance(m, nn.BatchNorm2d):
        torch.nn.init.normal_(m.weight, 1.0, 0.02)
        torch.nn.init.zeros_(m.bias)


def sample_noise(n, nz, generator):
    return torch.randn(n, nz, 1, 1, generator=generator)


def discriminator_loss(real, fake, smooth=0.0):
    label = torch.full((real.size(0),), real_label - smooth, dtype=real.dtype, device=real.device)
    errD_real = criterion(real, label)
    label = torch.full((fake.size(0),), fake_label, dtype=fake.dtype, device=fake.device)
    errD_fake = criterion(fake, label)
    return errD_real + errD_fake


def generator_loss(fake):
    label = torch.full((fake.size(0),), real_label, dtype=fake.dtype, device=fake.device)
    return criterion(fake, label)


def discriminator_step(netG, netD, optimizerD, real, noise, smooth=0.0):
    netD.zero_grad()
    batch_size = real.size(0)
    label = torch.full((batch_size,), real_label - smooth, dtype=real.dtype, device=real.device)
    output = netD(real)
    errD_real = criterion(output, label)
    errD_real.backward()

    # train with fake
    fake = netG(noise)
    label.fill_(fake_label)
    output = netD(fake.detach())
    errD_fake = criterion(output, label)
    errD_fake.backward()
    errD = errD_real + errD_fake
    optimizerD.step()
    return errD.item()


def generator_step(netG, netD, optimizerG, noise):
    netG.zero_grad()
    output = netD(netG(noise))
    errG = criterion(output, torch.full_like(output, real_label))
    errG.backward()
    optimizerG.step()
    return errG.item()


def train_epoch(netG, netD, optimizerG, optimizerD, dataloader, nz, generator, smooth=0.0):
    netG.train()
    netD.train()
    losses = []
    for i, data in enumerate(dataloader, 0):
        real = data if torch.is_tensor(data) else data[0]
        batch_size = real.size(0)
        noise = torch.randn(batch_size, nz, 1, 1, generator=generator)
        errD = discriminator_step(netG, netD, optimizerD, real, noise, smooth)
        noise = torch.randn(batch_size, nz, 1, 1, generator=generator)
        errG = generator_step(netG, netD, optimizerG, noise)
        losses.append((errD, errG))
    return losses


def to_uint8(images):
    images = images.detach().clone()
    return images.mul_(127.5).add_(127.5).round_().clamp_(0, 255).permute(0, 2, 3, 1).contiguous().to(torch.uint8)


def interpolate(a, b, steps):
    low, high = a.flatten(), b.flatten()
    omega = torch.acos(torch.clamp(torch.dot(low / low.norm(), high / high.norm()), -1.0, 1.0))
    so = torch.sin(omega)
    rows = []
    for i in range(steps):
        val = i / (steps - 1)
        if so < 1e-6:
            rows.append((1.0 - val) * a + val * b)
        else:
            rows.append(torch.sin((1.0 - val) * omega) / so * a + torch.sin(val * omega) / so * b)
    return torch.stack(rows)
