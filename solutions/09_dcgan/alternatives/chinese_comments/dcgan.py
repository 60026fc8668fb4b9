"""主题 09：深度卷积生成对抗网络"""
import torch
from torch import nn
import torch.nn.functional as F


class Generator(nn.Module):
    """生成器：噪声 -> 图像"""

    def __init__(self, nz=64, ngf=16, nc=3):
        super().__init__()
        层 = []
        # 1x1 -> 4x4
        层 += [nn.ConvTranspose2d(nz, ngf * 4, 4, 1, 0, bias=False), nn.BatchNorm2d(ngf * 4), nn.ReLU()]
        # 4x4 -> 8x8 -> 16x16
        for 倍数 in (4, 2):
            层 += [nn.ConvTranspose2d(ngf * 倍数, ngf * 倍数 // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf * 倍数 // 2), nn.ReLU()]
        # 16x16 -> 32x32，最后一层没有批归一化
        层 += [nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*层)

    def forward(self, 噪声):
        return self.main(噪声)


class Discriminator(nn.Module):
    """判别器：图像 -> 得分（没有 sigmoid）"""

    def __init__(self, nc=3, ndf=16):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(ndf * 2, ndf * 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 4),
            nn.LeakyReLU(0.2),
            nn.Conv2d(ndf * 4, 1, 4, 1, 0, bias=False),
            nn.Flatten(),
        )

    def forward(self, 图像):
        return self.main(图像).squeeze(1)  # 只去掉第 1 轴，批次轴要留着


def init_weights(模块):
    # 用 isinstance 判断类，而不是看名字
    if isinstance(模块, nn.Conv2d) or isinstance(模块, nn.ConvTranspose2d):
        nn.init.normal_(模块.weight, mean=0.0, std=0.02)
    if isinstance(模块, nn.BatchNorm2d):
        nn.init.normal_(模块.weight, mean=1.0, std=0.02)
        nn.init.constant_(模块.bias, 0)


def sample_noise(n, nz, generator):
    噪声 = torch.randn(n * nz, generator=generator)
    return 噪声.reshape(n, nz, 1, 1)


def discriminator_loss(real, fake, smooth=0.0):
    真标签 = torch.empty_like(real).fill_(1 - smooth)
    假标签 = torch.zeros_like(fake)
    return F.binary_cross_entropy_with_logits(real, 真标签) + F.binary_cross_entropy_with_logits(fake, 假标签)


def generator_loss(fake):
    return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def discriminator_step(g, d, optimizer, real, noise, smooth=0.0):
    假图 = g(noise)
    optimizer.zero_grad()
    损失 = discriminator_loss(d(real), d(假图.detach()), smooth)  # 梯度不能流回生成器
    损失.backward()
    optimizer.step()
    return 损失.item()


def generator_step(g, d, optimizer, noise):
    optimizer.zero_grad()
    损失 = generator_loss(d(g(noise)))
    损失.backward()
    optimizer.step()
    d.zero_grad()  # 顺手清掉判别器的梯度
    return 损失.item()


def train_epoch(g, d, opt_g, opt_d, loader, nz, generator, smooth=0.0):
    g.train()
    d.train()
    记录 = []
    for 批次 in loader:
        if isinstance(批次, (tuple, list)):
            批次 = 批次[0]
        数量 = len(批次)
        d_loss = discriminator_step(g, d, opt_d, 批次, sample_noise(数量, nz, generator), smooth)
        g_loss = generator_step(g, d, opt_g, sample_noise(数量, nz, generator))
        记录.append((d_loss, g_loss))
    return 记录


def to_uint8(images):
    像素 = (images.detach() + 1) / 2 * 255
    像素 = 像素.round().clamp(0, 255)
    return 像素.to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def interpolate(a, b, steps):
    余弦 = (a.flatten() @ b.flatten()) / a.norm() / b.norm()
    角 = torch.acos(torch.clamp(余弦, -1, 1))
    结果 = []
    for i in range(steps):
        t = i / (steps - 1)
        if torch.sin(角) < 1e-6:
            结果.append((1 - t) * a + t * b)  # 几乎同方向：走直线
        else:
            结果.append(torch.sin((1 - t) * 角) / torch.sin(角) * a + torch.sin(t * 角) / torch.sin(角) * b)
    return torch.stack(结果)
