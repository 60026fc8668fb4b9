import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
gpus = torch.cuda.device_count()


def pick_device():
    return device


def move_batch(batch, device):
    data, target = batch
    data, target = data.to(device), target.to(device)
    return data, target


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    net.to(device)
    optimizer = make_optimizer(net.parameters())
    losses = []
    for epoch in range(epochs):  # loop over the dataset multiple times
        running_loss = 0.0
        for i, data in enumerate(loader, 0):
            inputs, labels = data[0].to(device), data[1].to(device)
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        losses.append(running_loss / (i + 1))
    return losses


def evaluate_on(net, loader, device):
    correct = 0
    total = 0
    with torch.no_grad():
        for data in loader:
            images, labels = data
            images, labels = images.to(device), labels.to(device)
            outputs = net(images)
            _, predicted = torch.max(outputs.data, 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
    return correct / total


def parallelize(net):
    if gpus > 1:
        print("Let's use", gpus, "GPUs!")
        net = nn.DataParallel(net)
    return net


def split_sizes(batch, gpus):
    return [len(part) for part in torch.chunk(torch.zeros(batch), gpus)]


def data_parallel(net, x, devices):
    replicas = nn.parallel.replicate(net, devices)
    inputs = nn.parallel.scatter(x, devices)
    replicas = replicas[:len(inputs)]
    outputs = nn.parallel.parallel_apply(replicas, inputs)
    return nn.parallel.gather(outputs, devices[0])


def save_portable(net, path):
    where = next(net.parameters()).device
    if isinstance(net, nn.DataParallel):
        net = net.module
    net.cpu()
    torch.save(net.state_dict(), path)
    net.to(where)


def load_on(net, path, device):
    state = torch.load(path, map_location=torch.device("cpu"))
    net.load_state_dict(state)
    net.to(device)
    return net


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    backend = "nccl" if torch.cuda.device_count() >= world_size else "gloo"
    dist.init_process_group(backend, init_method=init_method, rank=rank, world_size=world_size)
    if backend == "nccl":
        torch.cuda.set_device(rank)
        net = net.to(rank)
        model = DDP(net, device_ids=[rank])
    else:
        model = DDP(net)
    where = next(model.parameters()).device
    sampler = DistributedSampler(dataset)
    loader = DataLoader(dataset, batch_size=batch_size, sampler=sampler, num_workers=0)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for data, target in loader:
            data, target = data.to(where), target.to(where)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(data), target)
            loss.backward()
            optimizer.step()
    state = {k: v.cpu() for k, v in model.module.state_dict().items()}
    del model, optimizer, loss
    dist.destroy_process_group()
    return state
