"""Everything as small classes; the functions of the exercise only call them."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from PIL import Image
from torch import nn
from torchvision.transforms import functional as TF


@dataclass
class AverageMeter:
    total: float = field(default=0.0)
    samples: int = 0
    last: float = 0.0

    @property
    def val(self) -> float:
        return self.last

    @property
    def sum(self) -> float:
        return self.total

    @property
    def count(self) -> int:
        return self.samples

    @property
    def avg(self) -> float:
        return self.total / self.samples if self.samples else 0.0

    def update(self, val, n=1):
        self.last = val.detach().cpu().item() if isinstance(val, torch.Tensor) else float(val)
        self.total += self.last * n
        self.samples += n

    def reset(self):
        self.total, self.samples, self.last = 0.0, 0, 0.0


class TopK:
    def __init__(self, output, target):
        order = output.detach().argsort(dim=1, descending=True)
        self.place = (order == target.unsqueeze(1)).int().argmax(dim=1)

    def hits(self, k):
        return int(torch.count_nonzero(self.place < k))

    def percent(self, k):
        return 100.0 * self.hits(k) / self.place.numel()


def topk_accuracy(output, target, topk=(1,)):
    found = TopK(output, target)
    return [found.percent(k) for k in topk]


class EvalTransform:
    MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

    def __init__(self, resize: int, crop: int):
        self.resize, self.crop = resize, crop

    def __call__(self, image: Any) -> torch.Tensor:
        if not isinstance(image, Image.Image):
            image = Image.fromarray(image)
        image = TF.center_crop(TF.resize(image, self.resize), self.crop)
        return TF.normalize(TF.to_tensor(image), self.MEAN, self.STD)


def eval_transform(resize, crop):
    return EvalTransform(resize, crop)


class Decay:
    def __init__(self, model):
        self.parameters = [p for p in model.parameters() if p.requires_grad]

    def groups(self, rate):
        return [
            {"params": list(filter(self.decays, self.parameters)), "weight_decay": rate},
            {"params": [p for p in self.parameters if not self.decays(p)], "weight_decay": 0.0},
        ]

    @staticmethod
    def decays(p):
        return p.ndim > 1


def decay_groups(model, weight_decay):
    return Decay(model).groups(weight_decay)


class StepDecay:
    def __init__(self, base, step, gamma):
        self.base, self.step, self.gamma = base, step, gamma

    def __call__(self, epoch):
        return self.base * math.pow(self.gamma, math.floor(epoch / self.step))


def decayed_lr(base, epoch, step=30, gamma=0.1):
    return StepDecay(base, step, gamma)(epoch)


class WarmupCosine:
    def __init__(self, warmup, total, base, floor):
        self.warmup, self.total, self.base, self.floor = warmup, total, base, floor

    def __call__(self, step):
        if step < self.warmup:
            return (step + 1) * self.base / self.warmup
        progress = min(1.0, (step - self.warmup) / max(1, self.total - self.warmup)) if step < self.total else 1.0
        return self.floor + (self.base - self.floor) * 0.5 * (math.cos(progress * math.pi) + 1.0)


def warmup_cosine(step, warmup, total, base, floor=0.0):
    return WarmupCosine(warmup, total, base, floor)(step)


class Epoch:
    def __init__(self, model, criterion, device):
        self.model, self.criterion, self.device = model, criterion, device
        self.loss, self.acc1, self.acc5 = AverageMeter(), AverageMeter(), AverageMeter()

    def forward(self, x, y):
        x, y = x.to(self.device), y.to(self.device)
        scores = self.model(x)
        loss = self.criterion(scores, y)
        found = TopK(scores, y)
        self.loss.update(loss, len(y))
        self.acc1.update(found.percent(1), len(y))
        self.acc5.update(found.percent(5), len(y))
        return loss, len(y)

    def means(self):
        return {"loss": self.loss.avg, "acc1": self.acc1.avg, "acc5": self.acc5.avg}


class Accumulator:
    """Sums gradients by itself, so that .grad may hold whatever it likes."""

    def __init__(self, model, optimizer):
        self.parameters, self.optimizer = [p for p in model.parameters() if p.requires_grad], optimizer
        self.clear()

    def clear(self):
        self.sums, self.samples = [None] * len(self.parameters), 0

    def add(self, loss, n):
        grads = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        for i, g in enumerate(grads):
            if g is not None:
                self.sums[i] = n * g if self.sums[i] is None else self.sums[i] + n * g
        self.samples += n

    def step(self):
        if self.samples:
            for p, s in zip(self.parameters, self.sums):
                p.grad = None if s is None else s / self.samples
            self.optimizer.step()
            self.clear()


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    model.train()
    epoch, sums = Epoch(model, criterion, device), Accumulator(model, optimizer)
    for i, (x, y) in enumerate(loader):
        sums.add(*epoch.forward(x, y))
        if i % accumulate == accumulate - 1:
            sums.step()
    sums.step()
    return epoch.means()


class MixedStep:
    def __init__(self, model, optimizer, scaler):
        self.model, self.optimizer, self.scaler = model, optimizer, scaler

    def __call__(self, criterion, x, y, context, clip):
        self.model.zero_grad(set_to_none=True)
        with context:
            loss = criterion(self.model(x), y)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        self.clip(clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.detach()

    def clip(self, most):
        grads = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in grads]))
        if norm > most:
            for g in grads:
                g.mul_(most / norm)


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    return MixedStep(model, optimizer, scaler)(criterion, x, y, torch.autocast(device_type, dtype=dtype), clip)


class EvalMode:
    def __init__(self, model):
        self.model = model

    def __enter__(self):
        self.modes = [(m, m.training) for m in self.model.modules()]
        self.model.eval()

    def __exit__(self, *error):
        for module, mode in self.modes:
            module.training = mode


def validate(model, loader, criterion, device):
    epoch = Epoch(model, criterion, device)
    with EvalMode(model), torch.no_grad():
        for x, y in loader:
            epoch.forward(x, y)
    return epoch.means()


class Checkpoint:
    def __init__(self, path):
        self.path = Path(path)

    @staticmethod
    def inside(model):
        while isinstance(model, nn.DataParallel):
            model = model.module
        return model

    def write(self, content):
        partial = self.path.with_suffix(self.path.suffix + ".new")
        try:
            with open(partial, "wb") as file:
                torch.save(content, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, self.path)
        finally:
            partial.unlink(missing_ok=True)

    def read(self, device):
        with open(self.path, "rb") as file:
            return torch.load(file, map_location=torch.device(device), weights_only=True)


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    objects = {"model": Checkpoint.inside(model), "optimizer": optimizer, "scheduler": scheduler}
    content = {name: each.state_dict() for name, each in objects.items()}
    Checkpoint(path).write({**content, "progress": (epoch, best)})


def load_checkpoint(path, model, optimizer, scheduler, device):
    content = Checkpoint(path).read(device)
    for name, each in (("model", Checkpoint.inside(model)), ("optimizer", optimizer), ("scheduler", scheduler)):
        each.load_state_dict(content[name])
    return content["progress"]


class Group:
    @property
    def exists(self):
        return torch.distributed.is_available() and torch.distributed.is_initialized()

    def sum(self, value, device):
        t = torch.as_tensor(value, dtype=torch.float64).to(device)
        if self.exists:
            torch.distributed.all_reduce(t)
        return t.item()


def all_reduce_mean(total, count, device):
    total, count = Group().sum(total, device), Group().sum(count, device)
    return total / count if count != 0 else math.nan
