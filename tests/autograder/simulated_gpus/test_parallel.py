"""Several simulated devices: nn.DataParallel and its parts, and threads."""

import copy
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.nn.parallel import comm, gather, parallel_apply, replicate, scatter

from autograder.simulated_gpus import simulated

FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")


@pytest.fixture(autouse=True)
def four_devices() -> Iterator[None]:
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the nets are small: more threads would wait for each other
    with simulated(4):
        yield
    torch.set_num_threads(threads)


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 10))


def batch(size=8):
    return torch.randn(size, 3, 8, 8), torch.randint(0, 10, (size,))


class TestParts:
    def test_scatter_and_gather(self):
        x = torch.arange(10.0).reshape(10, 1)
        parts = scatter(x, [0, 1, 2, 3])
        assert [(part.get_device(), len(part)) for part in parts] == [(0, 3), (1, 3), (2, 3), (3, 1)]
        joined = gather(parts, 1)
        assert joined.device == SECOND
        assert torch.equal(joined.cpu(), x)
        assert gather(parts, "cpu").device.type == "cpu"

    def test_scatter_and_gather_are_differentiable(self):
        x = torch.arange(4.0, device=FIRST, requires_grad=True)
        gather([part * k for k, part in enumerate(scatter(x, [0, 1]), 2)], 0).sum().backward()
        assert x.grad.device == FIRST
        assert x.grad.tolist() == [2, 2, 3, 3]

    def test_scatter_of_nested_arguments(self):
        first, second = scatter({"x": torch.ones(4, 1), "scale": 2}, [0, 1])
        assert (first["x"].device, second["x"].device) == (FIRST, SECOND)
        assert (first["scale"], second["scale"]) == (2, 2)

    def test_replicate_and_apply(self):
        net, (images, _) = small_net().to(FIRST), batch()
        replicas = replicate(net, [0, 1])
        assert [replica[0].weight.get_device() for replica in replicas] == [0, 1]
        outputs = parallel_apply(replicas, scatter(images, [0, 1]))
        assert [output.get_device() for output in outputs] == [0, 1]
        assert torch.allclose(gather(outputs, 0), net(images.to(FIRST)), atol=1e-5)
        outputs[1].sum().backward()
        assert net[0].weight.grad.device == FIRST

    def test_communication_by_hand(self):
        x = torch.ones(2, device=FIRST)
        copies = comm.broadcast(x, [0, 1, 2])
        assert [c.get_device() for c in copies] == [0, 1, 2]
        assert copies[0] is x
        total = comm.reduce_add(copies, 1)
        assert (total.device, total.tolist()) == (SECOND, [3, 3])


class TestDataParallel:
    def test_every_device_gets_its_part(self):
        net, seen = small_net().to(FIRST), []
        net[0].register_forward_hook(lambda module, given, out: seen.append((out.get_device(), len(out))))
        out = nn.DataParallel(net)(batch(10)[0])
        assert sorted(seen) == [(0, 3), (1, 3), (2, 3), (3, 1)]
        assert out.device == FIRST

    def test_gradients_are_those_of_one_device(self):
        net, (images, labels) = small_net().to(FIRST), batch()
        F.cross_entropy(net(images.to(FIRST)), labels.to(FIRST)).backward()
        alone = [p.grad.clone() for p in net.parameters()]
        net.zero_grad()
        F.cross_entropy(nn.DataParallel(net, [0, 1])(images), labels.to(FIRST)).backward()
        for p, expected in zip(net.parameters(), alone, strict=True):
            assert p.grad.device == FIRST
            assert torch.allclose(p.grad, expected, atol=1e-5)

    def test_training(self):
        net, (images, labels), losses = small_net().to(FIRST), batch(), []
        parallel, optimizer = nn.DataParallel(net, [0, 1]), optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        for _ in range(10):
            optimizer.zero_grad()
            loss = F.cross_entropy(parallel(images), labels.to(FIRST))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0]

    def test_a_layer_that_is_not_used(self):
        class Unused(nn.Module):
            def __init__(self):
                super().__init__()
                self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

            def forward(self, x):
                return self.used(x)

        net = Unused().to(FIRST)
        nn.DataParallel(net, [0, 1])(torch.ones(4, 2)).sum().backward()
        assert net.unused.weight.grad.device == FIRST
        assert net.unused.weight.grad.abs().sum().item() == 0

    def test_a_mistake_in_a_replica_is_raised(self):
        class Careless(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight, self.shift = nn.Parameter(torch.ones(1, 1)), torch.ones(2, 1, device=FIRST)

            def forward(self, x):
                return x @ self.weight + self.shift

        with pytest.raises(RuntimeError, match=r"(?s)in replica 1 on device 1.*cuda:1 and cuda:0"):
            nn.DataParallel(Careless().to(FIRST), [0, 1])(torch.ones(4, 1))


class TestThreads:
    def test_threads_of_the_callers_own(self):
        net, (images, _) = small_net().to(FIRST), batch()
        replicas = [copy.deepcopy(net).to(k) for k in range(2)]
        outputs = [None, None]

        def work(k):
            outputs[k] = replicas[k](images.chunk(2)[k].to(k))

        threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [out.get_device() for out in outputs] == [0, 1]
        with pytest.raises(RuntimeError, match="same device"):
            torch.cat(outputs)
        assert torch.allclose(torch.cat([out.to(0) for out in outputs]), net(images.to(0)), atol=1e-5)

    def test_a_thread_refuses_mixed_devices_and_has_a_current_device_of_its_own(self):
        def work():
            torch.cuda.set_device(3)
            made = torch.zeros(1, device="cuda")
            with pytest.raises(RuntimeError, match="at least two devices"):
                made + torch.ones(2)
            return made.get_device()

        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(work).result() == 3
        assert torch.cuda.current_device() == 0
