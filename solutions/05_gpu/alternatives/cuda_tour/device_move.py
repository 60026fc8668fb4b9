"""everything of torch.cuda that tutorials touch"""
import copy, os, time
import torch
from torch import nn
import torch.distributed as dist
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler
from torch.nn.parallel import DistributedDataParallel as DDP

torch.backends.cudnn.benchmark = True
torch.manual_seed(0)
if torch.cuda.is_available():
    torch.cuda.manual_seed_all(0)
    print(torch.cuda.device_count(), torch.cuda.get_device_name(0), torch.cuda.current_device())
    print(torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated())
    torch.cuda.empty_cache()


def pick_device():
    use_cuda = torch.cuda.is_available()
    return torch.device(f"cuda:{torch.cuda.current_device()}") if use_cuda else torch.device("cpu")


def move_batch(batch, device):
    return tuple(t.to(device, non_blocking=True) for t in batch)


def train_on(net, loader, criterion, make_optimizer, device, epochs):
    device = torch.device(device)
    if device.type == "cuda":
        net.cuda(device)
        torch.cuda.synchronize()
    else:
        net.cpu()
    optimizer = make_optimizer(net.parameters())
    history = []
    net.train()
    for epoch in range(epochs):
        total = torch.zeros((), device=device)
        n = 0
        for x, y in loader:
            if device.type == "cuda":
                x, y = x.cuda(device, non_blocking=True), y.cuda(device)
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.detach() * y.size(0)
            n += y.size(0)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        history.append((total / n).item())
        print(f"epoch {epoch}: {history[-1]:.3f}")
    return history


@torch.no_grad()
def evaluate_on(net, loader, device):
    net = net.to(device).eval()
    correct = torch.tensor(0, device=device)
    count = 0
    for x, y in loader:
        correct += net(x.to(device)).argmax(dim=1).eq(y.to(device)).sum()
        count += len(y)
    return float(correct) / count


def parallelize(net):
    if torch.cuda.device_count() > 1:
        print("Let's use", torch.cuda.device_count(), "GPUs!")
        net = nn.DataParallel(net, device_ids=list(range(torch.cuda.device_count())))
    return net


def split_sizes(batch, gpus):
    return [len(c) for c in torch.arange(batch).chunk(gpus)]


def data_parallel(net, x, devices):
    ids = [torch.device(d) for d in devices]
    return nn.parallel.data_parallel(net, x, device_ids=ids, output_device=ids[0])


def save_portable(net, path):
    net = net.module if isinstance(net, (nn.DataParallel, DDP)) else net
    torch.save(copy.deepcopy(net).cpu().state_dict(), path)


def load_on(net, path, device):
    net.load_state_dict(torch.load(path, map_location=torch.device("cpu")))
    net.to(device)
    return net


def ddp_train(rank, world_size, init_method, net, dataset, batch_size, epochs, lr):
    backend = "nccl" if torch.cuda.is_available() and torch.cuda.device_count() >= world_size else "gloo"
    dist.init_process_group(backend=backend, init_method=init_method, rank=rank, world_size=world_size)
    model = copy.deepcopy(net)
    if backend == "nccl":
        torch.cuda.set_device(rank)
        model = model.cuda(rank)
    model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    ddp = DDP(model, device_ids=[rank] if backend == "nccl" else None)
    sampler = DistributedSampler(dataset, shuffle=True, seed=5)
    loader = DataLoader(dataset, batch_size, shuffle=False, sampler=sampler, num_workers=2, pin_memory=True)
    opt = torch.optim.SGD(ddp.parameters(), lr)
    crit = nn.CrossEntropyLoss()
    for e in range(epochs):
        loader.sampler.set_epoch(e)
        for x, y in loader:
            if backend == "nccl":
                x, y = x.cuda(rank), y.cuda(rank)
            opt.zero_grad()
            crit(ddp(x), y).backward()
            opt.step()
        dist.barrier()
    state = {k: v.cpu() for k, v in ddp.module.state_dict().items()}
    dist.destroy_process_group()
    return state
