import math, os, numpy as np, torch, torch.distributed as dist
from PIL import Image
from torch import nn
from torchvision import transforms as T

bare = lambda m: m.module if isinstance(m, nn.DataParallel) else m
rank_of = lambda s, y: (s > s.gather(1, y[:, None])).sum(1)
topk_accuracy = lambda output, target, topk=(1,): [100 * (rank_of(output, target) < k).double().mean().item() for k in topk]
decayed_lr = lambda base, epoch, step=30, gamma=0.1: base * gamma ** (epoch // step)


class AverageMeter:
    reset = lambda s: s.__dict__.update(val=0, sum=0, count=0)
    __init__ = reset
    avg = property(lambda s: s.sum / max(s.count, 1))
    update = lambda s, val, n=1: s.__dict__.update(val=float(val), sum=s.sum + float(val) * n, count=s.count + n)


def eval_transform(resize, crop):
    t = T.Compose([T.Resize(resize), T.CenterCrop(crop), T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    return lambda i: t(Image.fromarray(np.asarray(i)))


def decay_groups(model, weight_decay):
    ps = [p for p in model.parameters() if p.requires_grad]
    return [{"params": [p for p in ps if (p.dim() > 1) == d], "weight_decay": weight_decay * d} for d in (True, False)]


def warmup_cosine(step, warmup, total, base, floor=0.0):
    if step < warmup: return base * (step + 1) / warmup
    return floor if step >= total else floor + (base - floor) * math.cos(math.pi / 2 * (step - warmup) / (total - warmup)) ** 2


def train_epoch(model, loader, criterion, optimizer, device, accumulate=1):
    model.train(); optimizer.zero_grad()
    data, L, A, n = [(x.to(device), y.to(device)) for x, y in loader], 0, 0, 0
    for i in range(0, len(data), accumulate):
        group = data[i : i + accumulate]
        m = sum(len(y) for _, y in group)
        for x, y in group:
            s = model(x); l = criterion(s, y) * len(y) / m; l.backward()
            L += l.item() * m; A += (s.argmax(1) == y).sum().item(); n += len(y)
        optimizer.step(); optimizer.zero_grad()
    return dict(loss=L / n, acc1=100 * A / n)


def amp_step(model, criterion, optimizer, scaler, x, y, device_type, dtype, clip):
    with torch.autocast(device_type, dtype): loss = criterion(model(x), y)
    optimizer.zero_grad(); scaler.scale(loss).backward(); scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), clip); scaler.step(optimizer); scaler.update()
    return float(loss)


@torch.inference_mode()
def validate(model, loader, criterion, device):
    mode = model.training; model.eval()
    out = [(s := model(x.to(device)), y.to(device)) for x, y in loader]; model.train(mode)
    r = torch.cat([rank_of(s, y) for s, y in out])
    loss = sum(criterion(s, y).item() * len(y) for s, y in out) / len(r)
    return {"loss": loss, **{f"acc{k}": 100 * (r < k).double().mean().item() for k in (1, 5)}}


def save_checkpoint(path, model, optimizer, scheduler, epoch, best):
    torch.save([bare(model).state_dict(), optimizer.state_dict(), scheduler.state_dict(), epoch, best], f"{path}~"); os.replace(f"{path}~", path)


def load_checkpoint(path, model, optimizer, scheduler, device):
    *states, epoch, best = torch.load(path, map_location="cpu", weights_only=True)
    for o, s in zip((bare(model), optimizer, scheduler), states): o.load_state_dict(s)
    return epoch, best


def all_reduce_mean(total, count, device):
    t = torch.tensor([total, count], dtype=torch.double, device=device)
    dist.is_initialized() and dist.all_reduce(t)
    return (t[0] / t[1]).item()
