# 第十一课：训练脚本里循环以外的东西
import math
import os

import torch
import torch.distributed as dist
from PIL import Image
from torch import nn
from torchvision import transforms

from 工具 import 去掉外壳, 搬

均值, 标准差 = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@torch.no_grad()
def topk_accuracy(output, target, topk=(1,)):
    最大 = min(max(topk), output.size(1))
    预测 = output.topk(最大, dim=1)[1].T  # (k, N)
    对 = 预测 == target.expand_as(预测)
    结果 = []
    for k in topk:
        结果.append(对[:k].float().sum() * 100 / target.size(0))
    return 结果


class AverageMeter:
    """加权平均"""

    def __init__(self):
        self.reset()

    def reset(self):
        self.val, self.sum, self.count, self.avg = 0, 0, 0, 0

    def update(self, val, n=1):
        val = val.item() if hasattr(val, "item") else val  # 张量要先变成数
        self.val = val
        self.sum = self.sum + val * n
        self.count = self.count + n
        self.avg = self.sum / self.count


def eval_transform(resize, crop):
    步骤 = transforms.Compose([
        transforms.Resize(resize),
        transforms.CenterCrop(crop),
        transforms.ToTensor(),
        transforms.Normalize(均值, 标准差),
    ])

    def 变换(图):
        if isinstance(图, Image.Image):
            return 步骤(图)
        return 步骤(transforms.ToPILImage()(图))  # 数组先变成图

    return 变换


def decay_groups(model, weight_decay):
    衰减, 不衰减 = [], []
    for 参数 in model.parameters():
        if 参数.requires_grad:
            (衰减 if 参数.dim() >= 2 else 不衰减).append(参数)
    return [{"params": 衰减, "weight_decay": weight_decay}, {"params": 不衰减, "weight_decay": 0.}]


def decayed_lr(base, epoch, step=30, gamma=0.1):
    次数 = int(epoch / step)
    return base * gamma ** 次数


def warmup_cosine(step, warmup, total, base, floor=0.0):
    if step < warmup:
        return base * (step + 1) / warmup  # 第 0 步也要学
    if step >= total:
        return floor
    进度 = (step - warmup) / (total - warmup)
    return floor + (base - floor) * (1 + math.cos(math.pi * 进度)) / 2


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    model.train()
    损失表, 精度表 = AverageMeter(), AverageMeter()
    一组 = []
    optimizer.zero_grad(set_to_none=False)

    def 走一步():
        样本数 = sum(len(y) for _, y in 一组)
        for x, y in 一组:
            分数 = model(x)
            损失 = criterion(分数, y)
            (损失 * (len(y) / 样本数)).backward()  # 每个样本一样重
            损失表.update(损失.item(), len(y))
            精度表.update(topk_accuracy(分数, y)[0], len(y))
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        一组.clear()

    for 批次 in loader:
        一组.append(搬(批次, device))
        if len(一组) == accumulate:
            走一步()
    if 一组:  # 剩下的
        走一步()
    return {"loss": 损失表.avg, "acc1": 精度表.avg}


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    optimizer.zero_grad()
    with torch.amp.autocast(device_type=device_type, dtype=dtype):
        分数 = model(x)
        损失 = criterion(分数, y)
    scaler.scale(损失).backward()  # 在 autocast 外面
    scaler.unscale_(optimizer)  # 先还原，再裁剪
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    scaler.step(optimizer)
    scaler.update()
    return 损失.item()


def validate(model, loader, criterion, device):
    以前 = model.training
    model.eval()
    损失表, 一, 五 = AverageMeter(), AverageMeter(), AverageMeter()
    with torch.inference_mode():
        for 批次 in loader:
            x, y = 搬(批次, device)
            分数 = model(x)
            损失表.update(criterion(分数, y), len(y))
            a, b = topk_accuracy(分数, y, (1, 5))
            一.update(a, len(y))
            五.update(b, len(y))
    model.train(以前)
    return {"loss": 损失表.avg, "acc1": 一.avg, "acc5": 五.avg}


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    path = str(path)
    临时 = path + ".tmp"
    torch.save({
        "模型": 去掉外壳(model).state_dict(),
        "优化器": optimizer.state_dict(),
        "调度器": scheduler.state_dict(),
        "轮": epoch,
        "最好": best,
    }, 临时)
    os.replace(临时, path)  # 一步完成


def load_checkpoint(path, model, optimizer, scheduler, device):
    存档 = torch.load(path, map_location=device, weights_only=True)
    去掉外壳(model).load_state_dict(存档["模型"])
    optimizer.load_state_dict(存档["优化器"])
    scheduler.load_state_dict(存档["调度器"])
    return 存档["轮"], 存档["最好"]


def all_reduce_mean(total, count, device):
    和 = torch.tensor([float(total), float(count)], device=device)
    if dist.is_initialized():
        dist.all_reduce(和, op=dist.ReduceOp.SUM)
    if 和[1] == 0:
        return float("nan")
    return (和[0] / 和[1]).item()
