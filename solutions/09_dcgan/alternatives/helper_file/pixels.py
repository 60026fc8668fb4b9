import torch


def to_uint8(images):
    return torch.clamp(torch.round(127.5 * (images.detach() + 1)), 0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def interpolate(a, b, steps):
    angle = ((a * b).sum() / a.norm() / b.norm()).clamp(-1, 1).acos()
    t = torch.linspace(0, 1, steps, dtype=a.dtype)[:, None, None, None]
    if angle.sin() < 1e-6:
        return a + t * (b - a)
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)
