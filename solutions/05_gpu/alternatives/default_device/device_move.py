import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
from collections import OrderedDict
from itertools import count
from statistics import fmean

def pick_device():
    return torch.device('cuda', 0) if torch.cuda.device_count() else torch.device('cpu')

def move_batch(batch, device):
    inputs, labels = batch
    with torch.device(device):
        x = torch.empty(inputs.shape, dtype=inputs.dtype)
        y = torch.zeros(labels.shape, dtype=labels.dtype)
    x.copy_(inputs); y.copy_(labels)
    assert x.device.type == torch.device(device).type
    return x, y

def train_on(net, loader, criterion, make_optimizer, device, epochs):
    for p in net.parameters():
        p.data = p.data.to(device)
    for m in net.modules():
        for k, b in m._buffers.items():
            if b is not None:
                m._buffers[k] = b.to(device)
    optimizer = make_optimizer(net.parameters())
    history = []
    for epoch in range(epochs):
        losses = []
        for data in loader:
            inputs, labels = data[0].to(device), data[1].to(device)
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss)
        history.append(torch.stack([l.detach() for l in losses]).mean().cpu().item())
    return history

def evaluate_on(net, loader, device):
    first = next(net.parameters()).device
    if first != torch.device(device):
        net.to(device)
    correct, total = 0, 0
    with torch.set_grad_enabled(False):
        for inputs, labels in loader:
            outputs = net(inputs.to(device))
            _, predicted = torch.max(outputs, 1)
            c = (predicted.cpu() == labels).squeeze()
            correct += c.sum()
            total += labels.size(0)
    return correct.item() / total

def parallelize(net):
    return {True: nn.DataParallel, False: lambda n: n}[torch.cuda.device_count() > 1](net)

def split_sizes(batch, gpus): return [len(range(batch)[i:i + -(-batch // gpus)]) for i in range(0, batch, -(-batch // gpus))]

def data_parallel(net, x, devices):
    return nn.DataParallel(net, device_ids=[torch.device(d).index for d in devices], output_device=devices[0])(x)

def save_portable(net, path):
    state = OrderedDict()
    for k, v in net.state_dict().items():
        state[k.removeprefix('module.') if type(net) is nn.DataParallel else k] = torch.from_numpy(v.detach().cpu().numpy().copy())
    torch.save(state, str(path))

def load_on(net, path, device):
    state = torch.load(str(path), map_location='cpu', mmap=True)
    with torch.no_grad():
        own = net.state_dict()
        for k in own: own[k].copy_(state[k])
    return net.to(torch.device(device))

def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    import torch.distributed as dist
    dist.init_process_group(backend="gloo", rank=rank, world_size=world_size, init_method=init_method)
    print(f"rank {dist.get_rank()} of {dist.get_world_size()}")
    model = nn.parallel.DistributedDataParallel(net)
    model.train()
    loader = DataLoader(dataset, batch_size=batch_size, sampler=DistributedSampler(dataset, drop_last=True))
    params = list(model.parameters())
    for epoch in range(epochs):
        loader.sampler.set_epoch(epoch)
        for x, y in loader:
            for p in params: p.grad = None
            F.cross_entropy(model(x), y).backward()
            with torch.no_grad():
                for p in params: p.add_(p.grad, alpha=-lr)
        total = torch.zeros(1); dist.all_reduce(total)
    state = {k.split("module.", 1)[1]: v.cpu() for k, v in model.state_dict().items()}
    del model
    dist.barrier(); dist.destroy_process_group()
    return state
