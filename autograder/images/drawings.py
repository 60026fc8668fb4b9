"""The embedded images: CIFAR-10's ten classes as drawings, made from a seed, so that a course runs without a download.

A class is a silhouette of ellipses and polygons. Every image places it anew (position, size, proportions, tilt,
mirror), colours it and its background at random, covers a patch and adds noise: only shape gives the class away,
neither a colour nor a single pixel does.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIZE = 32


@dataclass(frozen=True)
class Ellipse:
    """A filled ellipse: centre and radii in units of half an image, y pointing down."""

    shade: int
    x: float
    y: float
    rx: float
    ry: float


@dataclass(frozen=True)
class Polygon:
    """A filled convex polygon: corners in clockwise order as seen, in units of half an image, y pointing down."""

    shade: int
    corners: tuple[tuple[float, float], ...]


def _box(shade: int, left: float, top: float, right: float, bottom: float) -> Polygon:
    return Polygon(shade, ((left, top), (right, top), (right, bottom), (left, bottom)))


# Shade 0 is the colour of the animal or vehicle itself; -1 and 1 are its dark and light details.
DRAWINGS: dict[str, tuple[Ellipse | Polygon, ...]] = {
    "airplane": (
        Ellipse(0, 0, 0, 0.85, 0.14),
        Polygon(0, ((-0.1, -0.7), (0.1, -0.7), (0.3, 0), (-0.2, 0))),
        Polygon(0, ((-0.2, 0), (0.3, 0), (0.1, 0.7), (-0.1, 0.7))),
        Polygon(0, ((-0.8, -0.35), (-0.65, -0.35), (-0.5, 0), (-0.8, 0))),
    ),
    "automobile": (
        _box(0, -0.85, -0.05, 0.85, 0.3),
        Polygon(0, ((-0.35, -0.4), (0.3, -0.4), (0.55, 0), (-0.6, 0))),
        Polygon(1, ((-0.25, -0.3), (0.2, -0.3), (0.35, -0.05), (-0.4, -0.05))),
        Ellipse(-1, -0.48, 0.32, 0.2, 0.2),
        Ellipse(-1, 0.48, 0.32, 0.2, 0.2),
    ),
    "bird": (
        Ellipse(0, -0.05, 0.1, 0.5, 0.3),
        Ellipse(0, 0.45, -0.25, 0.22, 0.22),
        Polygon(1, ((0.62, -0.35), (0.95, -0.22), (0.62, -0.12))),
        Polygon(0, ((-0.9, -0.15), (-0.4, 0), (-0.4, 0.25))),
        Polygon(-1, ((-0.3, -0.1), (0.2, -0.05), (-0.25, 0.3))),
    ),
    "cat": (
        Ellipse(0, 0, 0.15, 0.6, 0.5),
        Polygon(0, ((-0.55, -0.75), (-0.1, -0.3), (-0.58, 0))),
        Polygon(0, ((0.55, -0.75), (0.58, 0), (0.1, -0.3))),
        Ellipse(1, -0.25, 0.05, 0.12, 0.12),
        Ellipse(1, 0.25, 0.05, 0.12, 0.12),
        Polygon(-1, ((-0.1, 0.28), (0.1, 0.28), (0, 0.4))),
    ),
    "deer": (
        Ellipse(0, -0.1, 0.15, 0.45, 0.2),
        _box(0, -0.48, 0.15, -0.38, 0.8),
        _box(0, 0.18, 0.15, 0.28, 0.8),
        Polygon(0, ((0.4, -0.35), (0.55, -0.3), (0.3, 0.25), (0.1, 0.1))),
        Ellipse(0, 0.55, -0.35, 0.2, 0.12),
        Polygon(-1, ((0.1, -0.9), (0.2, -0.9), (0.48, -0.4), (0.4, -0.4))),
        Polygon(-1, ((0.75, -0.9), (0.85, -0.9), (0.58, -0.4), (0.5, -0.4))),
    ),
    "dog": (
        Ellipse(0, 0, 0, 0.5, 0.55),
        Ellipse(-1, -0.55, 0.1, 0.16, 0.45),
        Ellipse(-1, 0.55, 0.1, 0.16, 0.45),
        Ellipse(1, 0, 0.35, 0.28, 0.24),
        Ellipse(-1, 0, 0.25, 0.12, 0.09),
    ),
    "frog": (
        Ellipse(0, 0, 0.2, 0.75, 0.4),
        Ellipse(0, -0.4, -0.25, 0.22, 0.22),
        Ellipse(0, 0.4, -0.25, 0.22, 0.22),
        Ellipse(-1, -0.4, -0.25, 0.1, 0.1),
        Ellipse(-1, 0.4, -0.25, 0.1, 0.1),
        _box(-1, -0.45, 0.25, 0.45, 0.33),
    ),
    "horse": (
        Ellipse(0, -0.1, 0.05, 0.55, 0.26),
        _box(0, -0.58, 0.1, -0.44, 0.8),
        _box(0, 0.22, 0.1, 0.36, 0.8),
        Polygon(0, ((0.35, -0.6), (0.6, -0.55), (0.4, 0.1), (0.1, 0.0))),
        Ellipse(0, 0.62, -0.5, 0.25, 0.13),
        Polygon(-1, ((-0.75, -0.05), (-0.6, -0.1), (-0.7, 0.55), (-0.85, 0.5))),
    ),
    "ship": (
        Polygon(0, ((-0.85, 0.25), (0.9, 0.25), (0.6, 0.65), (-0.65, 0.65))),
        _box(1, -0.45, -0.05, 0.3, 0.25),
        _box(-1, -0.3, -0.6, -0.12, -0.05),
        _box(-1, 0.0, -0.5, 0.18, -0.05),
    ),
    "truck": (
        _box(0, -0.9, -0.55, 0.3, 0.35),
        _box(1, 0.35, -0.2, 0.85, 0.35),
        _box(-1, 0.5, -0.1, 0.78, 0.08),
        Ellipse(-1, -0.6, 0.42, 0.18, 0.18),
        Ellipse(-1, -0.1, 0.42, 0.18, 0.18),
        Ellipse(-1, 0.6, 0.42, 0.18, 0.18),
    ),
}


def make(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """`count` images, equally many of each class, in mixed order: uint8 (count, 3, 32, 32), and labels int64 (count,).

    The same call gives the same images. `count` must be a multiple of ten.
    """
    generator = torch.Generator().manual_seed(seed)
    each = count // len(CLASSES)
    images = torch.cat([_draw(DRAWINGS[name], each, generator) for name in CLASSES])
    order = torch.randperm(len(images), generator=generator)
    return images[order], torch.arange(len(CLASSES)).repeat_interleave(each)[order]


def _draw(drawing: tuple[Ellipse | Polygon, ...], n: int, generator: torch.Generator) -> Tensor:
    """The drawing n times, each time in another pose and other colours: uint8 (n, 3, 32, 32)."""

    def random(low: float, high: float, channels: int | None = None) -> Tensor:
        shape = (n, 1, 1) if channels is None else (n, channels, 1, 1)
        return torch.rand(shape, generator=generator) * (high - low) + low

    axis = (torch.arange(SIZE) + 0.5) * 2 / SIZE - 1
    down, right = axis[:, None], axis[None, :]
    clouds = torch.rand((n, 3, 4, 4), generator=generator) - 0.5
    clouds = interpolate(clouds, size=(SIZE, SIZE), mode="bilinear", align_corners=True)
    background = random(0, 1, 3)
    apart = random(0, 1, 3) - background
    distance = apart.norm(dim=1, keepdim=True).clamp_min(1e-3)
    colour = background + apart * (distance.clamp_min(0.35) / distance)  # never invisible

    tilt, scale = random(-0.25, 0.25), random(0.6, 1.0)
    mirror = random(-1, 1).sign()
    dx, dy = right - random(-0.25, 0.25), down - random(-0.25, 0.25)
    x = (dx * tilt.cos() + dy * tilt.sin()) / (scale * random(0.85, 1.15)) * mirror
    y = (dy * tilt.cos() - dx * tilt.sin()) / scale

    image = background + clouds * 0.5
    for part in drawing:
        inside = (0.5 - _distance(part, x, y) * (SIZE / 2)).clamp_(0, 1)[:, None]
        image += (colour + 0.3 * part.shade - image) * inside
    covered = torch.maximum((right - random(-1, 1)).abs(), (down - random(-1, 1)).abs()) < random(0.1, 0.3)
    image = torch.where(covered[:, None], random(0, 1, 3), image)
    image += torch.randn(image.shape, generator=generator) * 0.08
    return image.clamp_(0, 1).mul_(255).to(torch.uint8)


def _distance(part: Ellipse | Polygon, x: Tensor, y: Tensor) -> Tensor:
    """About how far outside the part each point lies; negative inside."""
    if isinstance(part, Ellipse):
        radius = ((x - part.x) / part.rx).square_().add_(((y - part.y) / part.ry).square_()).sqrt_()
        return radius.sub_(1).mul_(min(part.rx, part.ry))
    farthest = torch.full_like(x, -2.0)
    for (x0, y0), (x1, y1) in zip(part.corners, part.corners[1:] + part.corners[:1], strict=True):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        nx, ny = (y1 - y0) / length, (x0 - x1) / length
        torch.maximum(farthest, (x * nx).add_(y, alpha=ny).sub_(nx * x0 + ny * y0), out=farthest)
    return farthest
