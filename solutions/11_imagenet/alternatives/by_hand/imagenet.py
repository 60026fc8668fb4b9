# as little of PyTorch's ready-made parts as possible
import io
import math
import os

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn


def topk_accuracy(output, target, topk=(1,)):
    scores, labels = output.detach().cpu().numpy(), target.cpu().numpy()
    order = np.argsort(-scores, axis=1)
    return [float(np.mean([label in row[:k] for row, label in zip(order, labels)])) * 100 for k in topk]


class AverageMeter:
    def __init__(self):
        self.values = []

    def reset(self):
        self.values.clear()

    def update(self, val, n=1):
        self.values.append((float(val), n))

    @property
    def val(self):
        return self.values[-1][0] if self.values else 0

    @property
    def sum(self):
        return math.fsum(v * n for v, n in self.values)

    @property
    def count(self):
        return sum(n for _, n in self.values)

    @property
    def avg(self):
        return self.sum / self.count if self.values else 0


def eval_transform(resize, crop):
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]

    def f(image):
        t = torch.tensor(np.array(image)).permute(2, 0, 1).float() / 255
        _, h, w = t.shape
        scale = resize / min(h, w)
        size = (round(h * scale), round(w * scale))
        t = F.interpolate(t[None], size, mode="bilinear", antialias=True, align_corners=False)[0]
        top, left = (size[0] - crop) // 2, (size[1] - crop) // 2
        return (t[:, top : top + crop, left : left + crop] - mean) / std

    return f


def decay_groups(model, weight_decay):
    groups = [{"params": [], "weight_decay": weight_decay}, {"params": [], "weight_decay": 0.0}]
    for p in model.parameters():
        if p.requires_grad:
            groups[0 if p.dim() >= 2 else 1]["params"].append(p)
    return groups


def decayed_lr(base, epoch, step=30, gamma=0.1):
    for _ in range(step, epoch + 1, step):
        base = base * gamma
    return base


def warmup_cosine(step, warmup, total, base, floor=0.0):
    if step >= total and step >= warmup:
        return floor
    if step < warmup:
        return base / warmup * (step + 1)
    angle = math.pi * (step - warmup) / (total - warmup)
    return (base + floor) / 2 + (base - floor) / 2 * math.cos(angle)


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    model.train()
    for p in model.parameters():
        p.grad = None
    lines, group = [], 0
    batches = iter(loader)
    batch = next(batches, None)
    i = 0
    while batch is not None:
        following = next(batches, None)
        x, y = batch[0].to(device), batch[1].to(device)
        n = y.shape[0]
        # running mean of the gradient: g = (g * group + n * new) / (group + n)
        before = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
        for p in model.parameters():
            p.grad = None
        scores = model(x)
        loss = criterion(scores, y)
        loss.backward()
        for p, old in zip(model.parameters(), before):
            if old is not None:
                p.grad = (old * group + (0 if p.grad is None else p.grad) * n) / (group + n)
        group += n
        lines.append((loss.item() * n, (scores.argmax(1) == y).sum().item(), n))
        i += 1
        if i % accumulate == 0 or following is None:
            optimizer.step()
            for p in model.parameters():
                p.grad = None
            group = 0
        batch = following
    loss, hits, n = np.array(lines).sum(0)
    return {"loss": float(loss / n), "acc1": float(hits / n * 100)}


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    for p in model.parameters():
        p.grad = None
    context = torch.amp.autocast(device_type, dtype=dtype)
    context.__enter__()
    loss = criterion(model(x), y)
    context.__exit__(None, None, None)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    squares = sum((p.grad.double() ** 2).sum() for p in model.parameters() if p.grad is not None)
    factor = clip / (math.sqrt(squares) + 1e-6)
    if factor < 1:
        for p in model.parameters():
            if p.grad is not None:
                p.grad = p.grad * factor
    scaler.step(optimizer)
    scaler.update()
    return loss.item()


def validate(model, loader, criterion, device):
    mode = model.training
    model.eval()
    rows = []
    for x, y in loader:
        with torch.no_grad():
            scores = model(x.to(device))
            y = y.to(device)
            rows.append([criterion(scores, y).item() * len(y), *[p / 100 * len(y) for p in topk_accuracy(scores, y, (1, 5))], len(y)])
    model.train(mode)
    loss, one, five, n = np.sum(rows, axis=0)
    return {"loss": loss / n, "acc1": 100 * one / n, "acc5": 100 * five / n}


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    if isinstance(model, nn.DataParallel):
        model = model.module
    buffer = io.BytesIO()
    state = {f"model/{k}": v.cpu() for k, v in model.state_dict().items()}
    state.update({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "numbers": [epoch, best]})
    torch.save(state, buffer)
    folder, name = os.path.split(os.path.abspath(path))
    hidden = os.path.join(folder, "." + name)
    with open(hidden, "wb") as f:
        f.write(buffer.getvalue())
    os.rename(hidden, path)


def load_checkpoint(path, model, optimizer, scheduler, device):
    state = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(model, nn.DataParallel):
        model = model.module
    tensors = model.state_dict()
    with torch.no_grad():
        for name in tensors:
            tensors[name].copy_(state["model/" + name])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    epoch, best = state["numbers"]
    return epoch, best


def all_reduce_mean(total, count, device):
    pairs = [(total, count)]
    if dist.is_available() and dist.is_initialized():
        pairs = [None] * dist.get_world_size()
        dist.all_gather_object(pairs, (total, count))
    n = sum(c for _, c in pairs)
    return sum(t for t, _ in pairs) / n if n else float("nan")
