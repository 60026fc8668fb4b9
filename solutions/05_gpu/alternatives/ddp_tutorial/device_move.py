# Processes are set up and cleaned up as in PyTorch's tutorials: the wrapper is still alive when its group is destroyed.
import os

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.optim as optim
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler


def pick_device():
    use_cuda = torch.cuda.is_available()
    return torch.device("cuda" if use_cuda else "cpu")


def move_batch(batch, device):
    x, y = batch[0].to(device, non_blocking=True), batch[1].to(device, non_blocking=True)
    return x, y


def train_one_epoch(model, loader, criterion, optimizer, device):
    total_loss, seen = 0.0, 0
    for images, targets in loader:
        images, targets = move_batch((images, targets), device)
        loss = criterion(model(images), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * images.size(0)
        seen += images.size(0)
    return total_loss / seen


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    model = net.to(device)
    optimizer = make_optimizer(model.parameters())
    history = []
    for epoch in range(1, epochs + 1):
        model.train()
        history.append(train_one_epoch(model, loader, criterion, optimizer, device))
        print(f"epoch {epoch}: {history[-1]:.4f}")
    return history


@torch.inference_mode()
def evaluate_on(net, loader, device):
    net.eval()
    hits = torch.zeros((), dtype=torch.long, device=device)
    for images, targets in loader:
        images, targets = move_batch((images, targets), device)
        hits += net(images).max(dim=1).indices.eq(targets).sum()
    return hits.item() / len(loader.dataset)


def parallelize(net):
    return nn.DataParallel(net) if torch.cuda.device_count() >= 2 else net


def split_sizes(batch, gpus):
    per_gpu, sizes = -(-batch // gpus), []
    while batch > 0:
        sizes.append(min(per_gpu, batch))
        batch -= per_gpu
    return sizes


def data_parallel(net, x, devices):
    return nn.parallel.data_parallel(net, x, device_ids=devices, output_device=devices[0])


def save_portable(net, path):
    model_to_save = net.module if isinstance(net, (nn.DataParallel, DDP)) else net
    torch.save({k: v.to("cpu") for k, v in model_to_save.state_dict().items()}, path)


def load_on(net, path, device):
    checkpoint = torch.load(path, map_location=device, weights_only=True)
    net.load_state_dict(checkpoint)
    return net.to(device)


def setup(rank, world_size, init_method):
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)


def cleanup():
    dist.destroy_process_group()


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    print(f"Running DDP on rank {rank}.")
    setup(rank, world_size, init_method)

    ddp_model = DDP(net)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = optim.SGD(ddp_model.parameters(), lr=lr)
    sampler = DistributedSampler(dataset)
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=False, sampler=sampler)

    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for inputs, labels in loader:
            optimizer.zero_grad()
            outputs = ddp_model(inputs)
            loss_fn(outputs, labels).backward()
            optimizer.step()

    cleanup()
    print(f"Finished running DDP on rank {rank}.")
    return ddp_model.module.state_dict()
