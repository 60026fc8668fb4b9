"""Everything spelled out: no nn.DataParallel, no DistributedSampler where a loop will do."""

import copy
import math

import torch
import torch.distributed as dist
from torch import nn


def pick_device():
    if torch.cuda.device_count() >= 1:
        return torch.device("cuda", 0)
    return torch.device("cpu")


def move_batch(batch, device):
    inputs = batch[0]
    labels = batch[1]
    inputs = inputs.to(device)
    labels = labels.to(device)
    return inputs, labels


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    net.train()
    net = net.to(device)
    optimizer = make_optimizer(net.parameters())
    result = []
    for epoch in range(epochs):
        running, samples = 0.0, 0
        for batch in loader:
            x, y = move_batch(batch, device)
            output = net(x)
            loss = criterion(output, y)
            net.zero_grad()
            loss.backward()
            optimizer.step()
            running += float(loss.detach().cpu()) * len(y)
            samples += len(y)
        result.append(running / samples)
    return result


def evaluate_on(net, loader, device):
    net.to(device)
    right, n = 0, 0
    for x, y in loader:
        scores = net(x.to(device)).detach().cpu().numpy()
        for row, label in zip(scores, y.numpy()):
            right += int(row.argmax() == label)
            n += 1
    return right / n


def parallelize(net):
    gpus = torch.cuda.device_count()
    if gpus <= 1:
        return net
    return nn.DataParallel(net, device_ids=list(range(gpus)))


def split_sizes(batch, gpus):
    sizes = []
    size = math.ceil(batch / gpus)
    while batch > 0:
        sizes.append(min(size, batch))
        batch -= size
    return sizes


def data_parallel(net, x, devices):
    outputs = []
    start = 0
    for size, device in zip(split_sizes(x.shape[0], len(devices)), devices):
        replica = copy.deepcopy(net).to(device)
        outputs.append(replica(x[start:start + size].to(device)).to(devices[0]))
        start += size
    return torch.cat(outputs, dim=0)


def save_portable(net, path):
    state = {}
    for name, tensor in net.state_dict().items():
        if isinstance(net, nn.DataParallel) and name.startswith("module."):
            name = name[len("module."):]
        state[name] = tensor.detach().clone().to("cpu")
    with open(path, "wb") as file:
        torch.save(state, file)


def load_on(net, path, device):
    with open(path, "rb") as file:
        state = torch.load(file, map_location=lambda storage, location: storage, weights_only=True)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            tensor.copy_(state[name])
    net.to(device)
    return net


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)

    def run():
        wrapper = nn.parallel.DistributedDataParallel(net)
        count = math.ceil(len(dataset) / world_size)
        for epoch in range(epochs):
            g = torch.Generator().manual_seed(epoch)
            order = torch.randperm(len(dataset), generator=g).tolist()
            order = (order + order)[:count * world_size][rank::world_size]
            for start in range(0, count, batch_size):
                rows = [dataset[i] for i in order[start:start + batch_size]]
                x = torch.stack([r[0] for r in rows])
                y = torch.stack([torch.as_tensor(r[1]) for r in rows])
                loss = nn.CrossEntropyLoss()(wrapper(x), y)
                for p in net.parameters():
                    p.grad = None
                loss.backward()
                with torch.no_grad():
                    for p in net.parameters():
                        p -= lr * p.grad

    run()
    dist.barrier()
    dist.destroy_process_group()
    return {k: v.clone() for k, v in net.state_dict().items()}
