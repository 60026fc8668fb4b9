#!/usr/bin/env python
# coding: utf-8

# # 11 ImageNet

# In[1]:


import copy
import math
import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torchvision.transforms import v2


# In[2]:


def topk_accuracy(output, target, topk=(1,)):
    best = output.detach().sort(dim=1, descending=True).indices
    return [(best[:, :k] == target.reshape(-1, 1)).any(dim=1).float().mean().mul(100).item() for k in topk]


topk_accuracy(torch.tensor([[1.0, 3.0, 2.0]]), torch.tensor([2]), (1, 2))


# Out[2]: [0.0, 100.0]

# In[3]:


class AverageMeter:
    val = sum = avg = 0.0
    count = 0

    def reset(self):
        self.val = self.sum = self.avg = 0.0
        self.count = 0

    def update(self, val, n=1):
        with torch.no_grad():
            self.val = float(val)
        self.sum, self.count = self.sum + self.val * n, self.count + n
        self.avg = self.sum / self.count


m = AverageMeter()
m.update(2.0)
m.update(5.0, n=3)
m.avg


# In[4]:


def eval_transform(resize, crop):
    return v2.Compose(
        [
            v2.ToImage(),
            v2.Resize(resize, antialias=True),
            v2.CenterCrop(crop),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
            v2.ToPureTensor(),
        ]
    )


# In[5]:


def decay_groups(model, weight_decay):
    params = {name: p for name, p in model.named_parameters() if p.requires_grad}
    decay = {name: p for name, p in params.items() if p.dim() > 1}
    rest = {name: p for name, p in params.items() if name not in decay}
    return [
        {"params": list(decay.values()), "weight_decay": weight_decay, "name": "decay"},
        {"params": list(rest.values()), "weight_decay": 0.0, "name": "rest"},
    ]


def decayed_lr(base, epoch, step=30, gamma=0.1):
    falls, _ = divmod(epoch, step)
    return base * gamma**falls


def warmup_cosine(step, warmup, total, base, floor=0.0):
    if step < warmup:
        return base * (step + 1) / warmup
    if step < total:
        t = torch.tensor((step - warmup) / (total - warmup), dtype=torch.float64)
        return (floor + (base - floor) * (1 + torch.cos(math.pi * t)) / 2).item()
    return floor


[warmup_cosine(i, 4, 8, 1.0) for i in range(9)]


# In[6]:


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    model.train()
    batches = list(loader)
    groups = [batches[i : i + accumulate] for i in range(0, len(batches), accumulate)]
    losses, hits = [], []
    for group in groups:
        optimizer.zero_grad()
        scores = [model(x.to(device)) for x, _ in group]
        labels = [y.to(device) for _, y in group]
        sums = [criterion(s, y) * len(y) for s, y in zip(scores, labels)]
        n = sum(map(len, labels))
        (torch.stack(sums).sum() / n).backward()
        optimizer.step()
        losses += [s.item() for s in sums]
        hits += [s.argmax(1).eq(y) for s, y in zip(scores, labels)]
    hits = torch.cat(hits)
    return {"loss": sum(losses) / len(hits), "acc1": 100 * hits.float().mean()}


# In[7]:


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    optimizer.zero_grad(set_to_none=True)

    @torch.autocast(device_type, dtype=dtype)
    def forward():
        return criterion(model(x), y)

    loss = forward()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grads_with_norm_(
        model.parameters(), clip, nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    )
    scaler.step(optimizer)
    scaler.update()
    return loss.detach()


# In[8]:


def validate(model, loader, criterion, device):
    mode = model.training
    model.eval()
    try:
        with torch.inference_mode():
            scores, labels, loss = [], [], 0.0
            for x, y in loader:
                scores.append(model(x.to(device)))
                labels.append(y.to(device))
                loss += criterion(scores[-1], labels[-1]).item() * len(y)
    finally:
        model.train(mode)
    scores, labels = torch.cat(scores), torch.cat(labels)
    acc1, acc5 = topk_accuracy(scores, labels, (1, 5))
    return {"loss": loss / len(labels), "acc1": acc1, "acc5": acc5, "samples": len(labels)}


# In[9]:


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    net = model.module if isinstance(model, nn.DataParallel) else model
    state = copy.deepcopy(
        {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "epoch": epoch, "best": best}
    )
    path = Path(path)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        torch.save(state, file)
    Path(file.name).replace(path)


def load_checkpoint(path, model, optimizer, scheduler, device):
    state = torch.load(path, map_location=lambda storage, place: storage, weights_only=True)
    net = model.module if isinstance(model, nn.DataParallel) else model
    net.load_state_dict(state["net"])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    return state["epoch"], state["best"]


# In[10]:


def all_reduce_mean(total, count, device):
    if dist.is_initialized():
        mine = torch.tensor([total, count], dtype=torch.float64, device=device)
        everyones = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
        dist.all_gather(everyones, mine)
        total, count = torch.stack(everyones).sum(0).tolist()
    return total / count if count else float("nan")
