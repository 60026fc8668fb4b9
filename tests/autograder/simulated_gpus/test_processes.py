"""Devices simulated in processes that were forked from a warm one, as in grading: no privileges, no helpers."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim

WARM = """
import datetime, os, sys, torch
import torch._dynamo, torch.distributed as dist, torch.nn.functional as F
from torch import nn
from autograder import simulated_gpus

FOLDER = sys.argv[1]
torch.set_num_threads(1)

def step(device):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 10)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    labels = torch.zeros(8, dtype=torch.long, device=device)
    F.cross_entropy(net(torch.randn(8, 3, 8, 8, device=device)), labels).backward()
    optimizer.step()
    return net[0].weight.grad.device

def refuse(event, args):
    if event.startswith(("subprocess", "socket", "os.fork", "os.posix_spawn", "os.exec", "os.system", "ctypes")):
        print("refused", event, flush=True)
        os._exit(3)

def grade():
    sys.addaudithook(refuse)
    simulated_gpus.enable(2)
    module = {}
    exec("import torch; device = torch.device('cuda:1' if torch.cuda.device_count() > 1 else 'cpu')", module)
    print(module["device"], step(module["device"]), nn.DataParallel(nn.Linear(2, 1).cuda())(torch.ones(4, 2)).device)
    simulated_gpus.disable()
    print(torch.ones(1).device, flush=True)

def rank(number):
    simulated_gpus.enable(2)
    deadline = datetime.timedelta(seconds=20)
    dist.init_process_group("nccl", init_method=f"file://{FOLDER}/store", rank=number, world_size=2, timeout=deadline)
    torch.cuda.set_device(number)
    torch.manual_seed(0)
    net = nn.parallel.DistributedDataParallel(nn.Linear(6, 3).to(number), device_ids=[number])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    images, labels = torch.load(f"{FOLDER}/data.pt")
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(net(images[number::2].to(number)), labels[number::2].to(number)).backward()
        optimizer.step()
    torch.save(net.module.state_dict(), f"{FOLDER}/{number}.pt")

def forked(work, *args):
    child = os.fork()
    if child == 0:
        try:
            work(*args)
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    return child

step("cpu")
for children in ([forked(grade)], [forked(rank, 0), forked(rank, 1)]):
    print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children], flush=True)
"""


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    torch.manual_seed(7)
    torch.save((torch.randn(16, 6), torch.randint(0, 3, (16,))), folder / "data.pt")
    command = [sys.executable, "-W", "ignore", "-c", WARM, str(folder)]
    done = subprocess.run(command, timeout=60, capture_output=True, text=True, check=False)
    return folder, done.stdout.splitlines(), done.stderr


def test_a_child_that_may_start_no_process_and_open_no_socket(warm):
    _, lines, errors = warm
    assert lines[:3] == ["cuda:1 cuda:1 cuda:0", "cpu", "[0]"], errors


def test_distributed_data_parallel_over_gloo(warm):
    folder, lines, errors = warm
    assert lines[3:] == ["[0, 0]"], errors
    first, second = (torch.load(folder / f"{rank}.pt", map_location="cpu") for rank in range(2))
    images, labels = torch.load(folder / "data.pt")
    torch.manual_seed(0)
    net = nn.Linear(6, 3)
    optimizer = optim.SGD(net.parameters(), lr=0.5)
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        optimizer.step()
    for name, expected in net.state_dict().items():
        assert torch.equal(first[name], second[name])
        assert torch.allclose(first[name], expected, atol=1e-6)
