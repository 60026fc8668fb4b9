import warnings
warnings.filterwarnings("ignore")
import os, sys, math, time, random, shutil, logging
import numpy as np
import torch
import torchvision
import torchvision.transforms as T
import torch.nn as nn
import torch.nn.functional as F
import torch.distributed as dist
from PIL import Image

logging.basicConfig(level=logging.INFO)
print("torch", torch.__version__, "cuda", torch.cuda.is_available())
device = "cuda" if torch.cuda.is_available() else "cpu"
DEBUG = True


def log(*a):
    if DEBUG:
        print(*a)


def topk_accuracy(output, target, topk=(1,)):
    log("output", output.shape, "target", target.shape)
    results = []
    for k in topk:
        if k > output.shape[1]:
            k = output.shape[1]
        values, indices = torch.topk(output, k, dim=1)
        right = 0
        for i in range(len(target)):
            if target[i] in indices[i]:
                right = right + 1
        results.append(right / len(target) * 100)
    log("results", results)
    return results


class AverageMeter():
    def __init__(self):
        super(AverageMeter, self).__init__()
        self.val = 0.0
        self.sum = 0.0
        self.count = 0
        self.avg = 0.0

    def reset(self):
        self.__init__()

    def update(self, val, n=1):
        if type(val) == torch.Tensor:
            val = val.detach().cpu().numpy().item()
        self.val = val
        self.sum = self.sum + n * val
        self.count = self.count + n
        if self.count != 0:
            self.avg = self.sum / self.count
        log("meter", self.val, self.avg)


def eval_transform(resize, crop):
    def go(img):
        log(type(img))
        if isinstance(img, np.ndarray):
            img = Image.fromarray(img)
        w, h = img.size
        if w < h:
            new = (resize, resize * h // w)
        else:
            new = (resize * w // h, resize)
        img = img.resize(new, Image.BILINEAR)
        w, h = img.size
        left = (w - crop) // 2
        top = (h - crop) // 2
        img = img.crop((left, top, left + crop, top + crop))
        t = T.ToTensor()(img)
        t = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])(t)
        return t
    return go


def decay_groups(model, weight_decay):
    a = []
    b = []
    for p in model.parameters():
        if p.requires_grad == False:
            continue
        if len(p.size()) >= 2:
            a.append(p)
        else:
            b.append(p)
    log(len(a), "decay", len(b), "do not")
    return [{"params": a, "weight_decay": weight_decay}, {"params": b, "weight_decay": 0}]


def decayed_lr(base, epoch, step=30, gamma=0.1):
    lr = base
    e = 0
    while e + step <= epoch:
        lr *= gamma
        e += step
    return lr


def warmup_cosine(step, warmup, total, base, floor=0.0):
    lr = None
    if warmup > 0 and step < warmup:
        lr = (step + 1) / warmup * base
    else:
        if step >= total:
            lr = floor
        else:
            x = (step - warmup) / (total - warmup)
            lr = floor + 0.5 * (base - floor) * (1 + np.cos(np.pi * x))
    log("lr", lr)
    return float(lr)


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    start = time.time()
    model.train()
    optimizer.zero_grad()
    total_loss = 0
    total_right = 0
    total = 0
    group = 0
    waiting = False
    for i, data in enumerate(loader, 0):
        inputs, labels = data[0].to(device), data[1].to(device)
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss_sum = loss * inputs.size(0)
        loss_sum.backward()
        waiting = True
        group += inputs.size(0)
        total_loss += loss_sum.detach()
        _, predicted = torch.max(outputs.data, 1)
        total_right += (predicted == labels).sum()
        total += labels.size(0)
        if (i + 1) % accumulate == 0:
            for p in model.parameters():
                if p.grad is not None:
                    p.grad = p.grad / group
            optimizer.step()
            optimizer.zero_grad()
            group = 0
            waiting = False
        print(f"batch {i}: loss {loss.item():.3f}")
    if waiting:
        for p in model.parameters():
            if p.grad is not None:
                p.grad = p.grad / group
        optimizer.step()
        optimizer.zero_grad()
    print("took", time.time() - start, file=sys.stderr)
    return {"loss": total_loss / total, "acc1": 100 * total_right / total, "time": time.time() - start}


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    optimizer.zero_grad()
    with torch.autocast(device_type=device_type, dtype=dtype, enabled=True):
        out = model(x)
        log("out is", out.dtype)
        loss = criterion(out, y)
    log("loss is", loss.dtype, loss)
    s = scaler.scale(loss)
    s.backward()
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
    print("norm", norm)
    scaler.step(optimizer)
    scaler.update()
    print("scale", scaler.get_scale())
    return loss.detach().float().numpy() if loss.device.type == "cpu" else loss.item()


def validate(model, loader, criterion, device):
    if model.training:
        before = "train"
    else:
        before = "eval"
    model.eval()
    total_loss, right1, right5, total = 0., 0., 0., 0
    for x, y in loader:
        with torch.no_grad():
            x = x.to(device)
            y = y.to(device)
            out = model(x)
            total_loss += criterion(out, y).item() * y.shape[0]
            a, b = topk_accuracy(out, y, (1, 5))
            right1 += a * y.shape[0]
            right5 += b * y.shape[0]
            total += y.shape[0]
    if before == "train":
        model.train()
    r = {"loss": total_loss / total, "acc1": right1 / total, "acc5": right5 / total}
    print(r)
    return r


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    if isinstance(model, nn.DataParallel):
        sd = model.module.state_dict()
    else:
        sd = model.state_dict()
    d = {}
    d["sd"] = sd
    d["opt"] = optimizer.state_dict()
    d["sch"] = scheduler.state_dict()
    d["epoch"] = epoch
    d["best"] = best
    folder = os.path.dirname(str(path))
    if folder == "":
        folder = "."
    tmp = os.path.join(folder, "tmp_%d.pt" % random.randint(0, 10**9))
    try:
        torch.save(d, tmp)
    except BaseException:
        if os.path.exists(tmp):
            os.remove(tmp)
        raise
    os.replace(tmp, str(path))
    log("saved", path)


def load_checkpoint(path, model, optimizer, scheduler, device):
    d = torch.load(str(path), map_location=torch.device(device), weights_only=True)
    if isinstance(model, nn.DataParallel):
        model.module.load_state_dict(d["sd"])
    else:
        model.load_state_dict(d["sd"])
    optimizer.load_state_dict(d["opt"])
    scheduler.load_state_dict(d["sch"])
    log("loaded", d["epoch"], d["best"])
    return (d["epoch"], d["best"])


def all_reduce_mean(total, count, device):
    if dist.is_available() and dist.is_initialized():
        a = torch.tensor(total, dtype=torch.float64).to(device)
        b = torch.tensor(count, dtype=torch.int64).to(device)
        dist.all_reduce(a)
        dist.all_reduce(b)
        total, count = a.item(), b.item()
        log("rank", dist.get_rank(), total, count)
    if count == 0:
        return np.nan
    return total / count


if __name__ == "__main__":
    print(topk_accuracy(torch.randn(4, 10), torch.randint(10, (4,)), (1, 5)))
