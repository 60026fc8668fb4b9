# 第五课：搬到 GPU 上
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from 搬运 import 搬到


def pick_device():
    # 有显卡就用第一块，没有就用 CPU
    return torch.device("cuda:0") if torch.cuda.is_available() else torch.device("cpu")


def move_batch(batch, device):
    return tuple(搬到(batch, device))


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    net.to(device)  # 先搬网络，再建优化器
    优化器 = make_optimizer(net.parameters())
    平均损失 = []
    for _ in range(epochs):
        总和 = torch.zeros((), device=device)
        for 批 in loader:
            x, y = 搬到(批, device)
            优化器.zero_grad(set_to_none=False)
            损失 = criterion(net(x), y)
            损失.backward()
            优化器.step()
            总和 += 损失.detach()
        平均损失.append(float(总和 / len(loader)))  # 最后才取回数字
    return 平均损失


def evaluate_on(net, loader, device):
    以前 = net.training
    net.eval()
    对, 总 = torch.zeros((), dtype=torch.long, device=device), 0
    with torch.inference_mode():
        for x, y in loader:
            对 += net(x.to(device)).argmax(1).eq(y.to(device)).sum()
            总 += y.numel()
    net.train(以前)
    return (对 / 总).item()


def parallelize(net):
    return nn.DataParallel(net) if torch.cuda.device_count() >= 2 else net


def split_sizes(batch, gpus):
    每份 = -(-batch // gpus)  # 向上取整
    完整, 剩余 = divmod(batch, 每份)
    return [每份] * 完整 + ([剩余] if 剩余 else [])


def data_parallel(net, x, devices):
    编号 = [torch.device(d).index for d in devices]
    return nn.DataParallel(net.to(devices[0]), device_ids=编号, output_device=编号[0])(x)


def save_portable(net, path):
    网络 = net.module if isinstance(net, nn.DataParallel) else net
    torch.save({名: 值.to("cpu") for 名, 值 in 网络.state_dict().items()}, path)


def load_on(net, path, device):
    net.to(device)
    net.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    return net


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    dist.init_process_group(backend="gloo", init_method=init_method, world_size=world_size, rank=rank)
    try:
        并行网络 = DistributedDataParallel(net)
        采样器 = DistributedSampler(dataset, world_size, rank, shuffle=True, seed=7)
        加载器 = DataLoader(dataset, batch_size, sampler=采样器)
        优化器 = torch.optim.SGD(并行网络.parameters(), lr=lr)
        for 轮 in range(epochs):
            采样器.set_epoch(轮)
            for x, y in 加载器:
                优化器.zero_grad()
                F.cross_entropy(并行网络(x), y).backward()
                优化器.step()
        结果 = {名: 值.detach().cpu().clone() for 名, 值 in 并行网络.module.state_dict().items()}
        del 并行网络
    finally:
        dist.destroy_process_group()
    return 结果
