# in the manner of the script that trains on ImageNet
import os
import shutil
from enum import Enum

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.utils.data
import torchvision.transforms as transforms
from PIL import Image


class Summary(Enum):
    NONE = 0
    AVERAGE = 1


class AverageMeter(object):
    def __init__(self, name="meter", fmt=":f", summary_type=Summary.AVERAGE):
        self.name = name
        self.fmt = fmt
        self.summary_type = summary_type
        self.reset()

    def reset(self):
        self.val = 0
        self.avg = 0
        self.sum = 0
        self.count = 0

    def update(self, val, n=1):
        if torch.is_tensor(val):
            val = val.item()
        self.val = val
        self.sum += val * n
        self.count += n
        self.avg = self.sum / self.count

    def __str__(self):
        return f"{self.name} {self.val} ({self.avg})"


class ProgressMeter:
    def __init__(self, num_batches, meters):
        self.num_batches = num_batches
        self.meters = meters

    def display(self, batch):
        print("\t".join([f"[{batch}/{self.num_batches}]"] + [str(m) for m in self.meters]))


def topk_accuracy(output, target, topk=(1,)):
    with torch.no_grad():
        maxk = min(max(topk), output.size(1))
        batch_size = target.size(0)
        _, pred = output.topk(maxk, 1, True, True)
        pred = pred.t()
        correct = pred.eq(target.view(1, -1).expand_as(pred))
        res = []
        for k in topk:
            correct_k = correct[:k].reshape(-1).float().sum(0, keepdim=True)
            res.append(correct_k.mul_(100.0 / batch_size))
        return res


def eval_transform(resize, crop):
    normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    to_image = transforms.Lambda(lambda img: Image.fromarray(img) if not isinstance(img, Image.Image) else img)
    return transforms.Compose(
        [to_image, transforms.Resize(resize), transforms.CenterCrop(crop), transforms.ToTensor(), normalize]
    )


def decay_groups(model, weight_decay):
    decay, no_decay = [], []
    for name, param in model.named_parameters():
        if not param.requires_grad:
            continue
        if len(param.shape) <= 1:
            no_decay.append(param)
        else:
            decay.append(param)
    return [dict(params=decay, weight_decay=weight_decay), dict(params=no_decay, weight_decay=0.0)]


def decayed_lr(base, epoch, step=30, gamma=0.1):
    lr = base * (gamma ** (epoch // step))
    return lr


def warmup_cosine(step, warmup, total, base, floor=0.0):
    import math

    if step < warmup:
        lr = base * (step + 1) / warmup
    elif step < total:
        lr = floor + 0.5 * (base - floor) * (1.0 + math.cos(math.pi * (step - warmup) / (total - warmup)))
    else:
        lr = floor
    return lr


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    losses = AverageMeter("Loss", ":.4e")
    top1 = AverageMeter("Acc@1", ":6.2f")
    progress = ProgressMeter(len(loader), [losses, top1])

    model.train()
    optimizer.zero_grad()
    seen = 0
    for i, (images, target) in enumerate(loader):
        images = images.to(device, non_blocking=True)
        target = target.to(device, non_blocking=True)

        output = model(images)
        loss = criterion(output, target)

        (acc1,) = topk_accuracy(output, target)
        losses.update(loss.item(), images.size(0))
        top1.update(acc1[0], images.size(0))

        (loss * images.size(0)).backward()
        seen += images.size(0)
        if (i + 1) % accumulate == 0 or i + 1 == len(loader):
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.grad.div_(seen)
            optimizer.step()
            optimizer.zero_grad()
            seen = 0
        if i % 10 == 0:
            progress.display(i + 1)
    return {"loss": losses.avg, "acc1": top1.avg, "batches": len(loader)}


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    with torch.autocast(device_type=device_type, dtype=dtype):
        output = model(x)
        loss = criterion(output, y)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=clip)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad()  # set_to_none=True here can modestly improve performance
    return loss.item()


def validate(model, loader, criterion, device):
    losses, top1, top5 = AverageMeter("Loss"), AverageMeter("Acc@1"), AverageMeter("Acc@5")
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for images, target in loader:
            images, target = images.to(device), target.to(device)
            output = model(images)
            loss = criterion(output, target)
            acc1, acc5 = topk_accuracy(output, target, topk=(1, 5))
            losses.update(loss.item(), images.size(0))
            top1.update(acc1[0], images.size(0))
            top5.update(acc5[0], images.size(0))
    model.train(was_training)
    return {"loss": losses.avg, "acc1": top1.avg, "acc5": top5.avg}


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        model = model.module
    filename = os.fspath(path) + ".tmp"
    torch.save(
        {
            "epoch": epoch,
            "state_dict": model.state_dict(),
            "best_acc1": best,
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
        },
        filename,
    )
    shutil.move(filename, path)


def load_checkpoint(path, model, optimizer, scheduler, device):
    checkpoint = torch.load(path, map_location=device, weights_only=True)
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        model = model.module
    model.load_state_dict(checkpoint["state_dict"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    print("=> loaded checkpoint '{}' (epoch {})".format(path, checkpoint["epoch"]))
    return checkpoint["epoch"], checkpoint["best_acc1"]


def all_reduce_mean(total, count, device):
    if not (dist.is_available() and dist.is_initialized()):
        return total / count if count > 0 else float("nan")
    t = torch.tensor([total, count], dtype=torch.float32, device=device)
    dist.all_reduce(t, dist.ReduceOp.SUM, async_op=False)
    total, count = t.tolist()
    return total / count if count > 0 else float("nan")
