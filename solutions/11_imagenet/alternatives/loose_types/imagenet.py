# NumPy numbers, tensors without axes and tuples where numbers and lists would do
import os
from typing import Iterable

import numpy as np
import torch
import torch.distributed as dist
from PIL import Image
from torch import nn, optim
from torchvision import transforms


def topk_accuracy(output, target, topk=(1,)):
    k = min(max(topk), output.shape[-1])
    found = output.detach().topk(k).indices.numpy() == target.numpy()[:, np.newaxis]
    return tuple(100 * found[:, :k].any(1).mean() for k in topk)


class AverageMeter:
    def __init__(self, *_):
        self.reset()

    def reset(self):
        self.val, self.sum, self.count, self.avg = 0.0, 0.0, 0, 0.0

    def update(self, val, n=1):
        self.val = float(torch.as_tensor(val).detach())
        self.sum += self.val * int(n)
        self.count += int(n)
        self.avg = self.sum / self.count


def eval_transform(resize, crop):
    steps = [
        transforms.Lambda(lambda image: image if hasattr(image, "size") and not isinstance(image, np.ndarray) else Image.fromarray(image)),
        transforms.Resize(resize, interpolation=transforms.InterpolationMode.BILINEAR),
        transforms.CenterCrop((crop, crop)),
        transforms.PILToTensor(),
        transforms.ConvertImageDtype(torch.float32),
        transforms.Normalize(np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])),
    ]
    return transforms.Compose(steps)


def decay_groups(model: nn.Module, weight_decay: float):
    def chosen(condition) -> Iterable:
        return [p for p in model.parameters() if p.requires_grad and condition(p.ndim)]

    return ({"params": chosen(lambda n: n >= 2), "weight_decay": np.float64(weight_decay)},
            {"params": chosen(lambda n: n < 2), "weight_decay": 0})


def decayed_lr(base, epoch, step=30, gamma=0.1):
    return np.float64(base) * np.power(gamma, np.floor_divide(epoch, step))


def warmup_cosine(step, warmup, total, base, floor=0.0):
    if step < warmup:
        return torch.tensor(base, dtype=torch.float64) * (step + 1) / warmup
    if step >= total:
        return torch.tensor(floor, dtype=torch.float64)
    return np.float64(floor + (base - floor) * (1 + np.cos(np.pi * (step - warmup) / (total - warmup))) / 2)


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    model = model.train()
    model.zero_grad()
    loss_sum = torch.zeros((), device=device)
    right = torch.zeros((), device=device)
    count = since = 0
    batches = len(loader)
    for index, batch in enumerate(loader):
        x, y = (t.to(device) for t in batch)
        scores = model(x)
        loss = criterion(scores, y)
        torch.autograd.backward([loss], [torch.tensor(float(len(y)), device=loss.device, dtype=loss.dtype)])
        since += len(y)
        loss_sum += loss.detach() * len(y)
        right += (scores.detach().max(1).indices == y).sum()
        count += len(y)
        if (index + 1) % accumulate and index + 1 < batches:
            continue
        with torch.no_grad():
            for p in filter(lambda p: p.grad is not None, model.parameters()):
                p.grad.copy_(p.grad / since)
        optimizer.step()
        model.zero_grad()
        since = 0
    return {"loss": loss_sum / count, "acc1": 100 * right / count}


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    model.zero_grad()
    with torch.autocast(device_type, dtype=dtype):
        loss = criterion(model(x), y)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], float(clip), norm_type=2)
    scaler.step(optimizer)
    scaler.update()
    return np.float32(loss.item())


def validate(model, loader, criterion, device):
    training = model.training
    loss = top1 = top5 = count = np.float64(0)
    for x, y in loader:
        with torch.inference_mode():
            scores = model.eval()(x.to(device))
            y = y.to(device)
            places = scores.argsort(1, descending=True).argsort(1).gather(1, y[:, None])
            loss += criterion(scores, y).item() * len(y)
            top1 += (places < 1).sum().item()
            top5 += (places < 5).sum().item()
            count += len(y)
    model.train(training)
    return {"loss": loss / count, "acc1": 100 * top1 / count, "acc5": 100 * top5 / count}


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    parts = [model.module if isinstance(model, nn.DataParallel) else model, optimizer, scheduler]
    torch.save(tuple(part.state_dict() for part in parts) + (epoch, torch.tensor(best, dtype=torch.float64)), str(path) + ".new")
    os.replace(str(path) + ".new", str(path))


def load_checkpoint(path, model, optimizer: optim.Optimizer, scheduler, device):
    net, opt, sched, epoch, best = torch.load(str(path), map_location=device, weights_only=True)
    (model.module if isinstance(model, nn.DataParallel) else model).load_state_dict(net)
    optimizer.load_state_dict(opt)
    scheduler.load_state_dict(sched)
    return [int(epoch), float(best)]


def all_reduce_mean(total, count, device):
    values = torch.tensor([total, count], dtype=torch.float32, device=device)
    if dist.is_initialized():
        dist.all_reduce(values)
    return np.float32(values[0].item()) / np.float32(values[1].item()) if values[1] else np.float32("nan")
