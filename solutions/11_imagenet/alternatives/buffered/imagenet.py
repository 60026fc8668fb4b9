"""A closure around optimizers, hooks and generators, and a checkpoint by way of a folder of its own beside the file."""

import itertools
import math
import os
import pathlib
from functools import partial, reduce
from operator import add

import numpy as np
import torch
import torch.distributed as dist
import torchvision.transforms.v2.functional as TF
from torch.nn import DataParallel
from torch.nn.utils import clip_grad_norm_


def topk_accuracy(output, target, topk=(1,)):
    output = output.detach()
    own = output[torch.arange(len(target)), target]
    above = torch.sum(output > own.unsqueeze(-1), dim=-1)
    return tuple(torch.mean((above < k).to(torch.float64)) * 100 for k in topk)


class AverageMeter:
    __slots__ = ("val", "sum", "count")

    def __init__(self):
        self.reset()

    def reset(self):
        self.val = self.sum = self.count = 0

    def update(self, val, n=1):
        self.val = val.tolist() if torch.is_tensor(val) else val
        self.sum += n * self.val
        self.count += n

    @property
    def avg(self):
        try:
            return self.sum / self.count
        except ZeroDivisionError:
            return 0


def _prepare(image, resize, crop):
    image = TF.to_image(np.ascontiguousarray(image))
    image = TF.resize(image, [resize], antialias=True)
    image = TF.to_dtype(TF.center_crop(image, [crop, crop]), torch.float32, scale=True)
    return TF.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]).as_subclass(torch.Tensor)


def eval_transform(resize, crop):
    return partial(_prepare, resize=resize, crop=crop)


def decay_groups(model, weight_decay):
    own = [p for p in model.parameters() if p.requires_grad]
    return [
        {"weight_decay": rate, "params": list(itertools.filterfalse(lambda p: (p.ndim < 2) == big, own))}
        for rate, big in ((weight_decay, True), (0.0, False))
    ]


def decayed_lr(base, epoch, step=30, gamma=0.1):
    return reduce(lambda lr, _: lr * gamma, range(epoch // step), base)


def warmup_cosine(step, warmup, total, base, floor=0.0):
    ramp = base * (step + 1) / warmup if warmup else base
    step = min(step, total)
    fall = floor + (base - floor) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) if total > warmup else floor
    return ramp if step < warmup else fall


def _groups(loader, size):
    batches = iter(loader)
    while group := list(itertools.islice(batches, size)):
        yield group


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    model.train()
    sums = torch.zeros(3, dtype=torch.float64)
    for group in _groups(loader, accumulate):
        samples = sum(y.numel() for _, y in group)

        def closure(group=group, samples=samples):
            optimizer.zero_grad()
            parts = []
            for x, y in group:
                x, y = x.to(device), y.to(device)
                scores = model(x)
                loss = criterion(scores, y).mul(y.numel() / samples)
                loss.backward()
                parts.append(torch.tensor([loss.item() * samples, (scores.argmax(-1) == y).sum().item(), y.numel()]).double())
            return reduce(add, parts)

        sums += optimizer.step(closure)
    return {"loss": sums[0] / sums[2], "acc1": 100 * sums[1] / sums[2]}


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    with torch.autocast(device_type, dtype):
        scores = model(x)
        loss = criterion(scores, y)
    with torch.autocast(device_type, enabled=False):
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        clip_grad_norm_(list(model.parameters()), clip, foreach=False)
        scaler.step(optimizer)
        scaler.update()
    return loss.item()


def validate(model, loader, criterion, device):
    mode, rows = model.training, []
    hook = model.register_forward_hook(lambda module, inputs, output: output.float() if output.dtype == torch.half else output)
    with torch.no_grad():
        model.eval()
        for x, y in loader:
            y = y.to(device)
            scores = model(x.to(device))
            n = len(y)
            rows.append([n, n * criterion(scores, y).item(), *(n * a.item() for a in topk_accuracy(scores, y, (1, 5)))])
    hook.remove()
    model.train(mode)
    n, *sums = map(sum, zip(*rows))
    return dict(zip(("loss", "acc1", "acc5"), (each / n for each in sums)))


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    target = pathlib.Path(path).absolute()
    partial_file = target.parent / f"{target.name}.{os.getpid()}.partial"
    bare = model.module if type(model) is DataParallel else model
    content = {"state": (bare.state_dict(), optimizer.state_dict(), scheduler.state_dict()), "epoch": torch.tensor(epoch), "best": best}
    torch.save(content, partial_file)
    os.rename(partial_file, target)


def load_checkpoint(path, model, optimizer, scheduler, device):
    content = torch.load(pathlib.Path(path), map_location=device, weights_only=True)
    bare = model.module if type(model) is DataParallel else model
    for each, state in zip((bare, optimizer, scheduler), content["state"]):
        each.load_state_dict(state)
    return int(content["epoch"]), content["best"]


def all_reduce_mean(total, count, device):
    sums = torch.as_tensor([total, count], dtype=torch.float64, device=device)
    if dist.is_initialized() and dist.get_world_size() > 1:
        dist.reduce(sums, 0)
        dist.broadcast(sums, 0)
    return (sums[0] / sums[1]).item()
