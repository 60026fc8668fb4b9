"""The simulated machine: switching it on and off, its devices, `torch.cuda` and `torch.accelerator`."""

import random
import sys
import threading
import types
import warnings

import pytest
import torch
import torch._dynamo
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import gather, scatter

from autograder import simulated_gpus
from autograder.simulated_gpus import simulated
from autograder.simulated_gpus.machine import visible


def attributes():
    """All attributes of torch's modules and of the classes that a simulation touches."""
    owners = [module for name, module in sys.modules.items() if name.split(".")[0] == "torch"]
    owners = [owner for owner in owners if isinstance(owner, types.ModuleType)]
    owners += [
        torch.Tensor, torch.UntypedStorage, torch.autograd.Function, torch.autograd.function.BackwardCFunction,
        torch.amp.autocast_mode.autocast, threading.Thread,
    ]  # fmt: skip
    return {(id(owner), name): value for owner in owners for name, value in vars(owner).items()}


def use_everything():
    net = nn.DataParallel(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).cuda())
    optimizer = torch.optim.Adam(net.parameters())
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = F.cross_entropy(net(torch.randn(6, 4)).float(), torch.zeros(6, dtype=torch.long, device="cuda"))
    loss.backward()
    optimizer.step()
    torch.randn(2, generator=torch.Generator("cuda"), device="cuda")
    with torch.cuda.stream(torch.cuda.Stream()), torch.device("cuda"):
        torch.ones(1)


class TestOnAndOff:
    def test_torch_is_afterwards_as_it_was_before(self):
        torch.optim.Adam([torch.zeros(1, requires_grad=True)])  # imports what is imported on first use
        with simulated(2):
            use_everything()
        before, lifting = attributes(), torch._C._only_lift_cpu_tensors()
        with simulated(2):
            use_everything()
            torch.set_default_device("cuda")
            during = attributes()
        after = attributes()
        assert len([key for key in before if before[key] is not during.get(key)]) > 50
        assert after.keys() == before.keys()
        assert [key for key in before if before[key] is not after[key] and type(before[key]) is not int] == []
        assert torch._C._only_lift_cpu_tensors() == lifting
        assert torch.ones(1).device.type == "cpu"
        assert torch.overrides._len_torch_function_stack() == 0
        assert torch._C._len_torch_dispatch_stack() == 0

    def test_torch_is_as_before_after_an_error(self):
        with pytest.raises(RuntimeError, match="at least two devices"), simulated(1):
            torch.ones(2) + torch.ones(2, device="cuda")
        assert "device" not in vars(torch.Tensor)
        assert torch.cuda.is_available.__module__ == "torch.cuda"

    def test_enable_and_disable(self):
        simulated_gpus.enable(2)
        assert torch.cuda.device_count() == 2
        with pytest.raises(RuntimeError, match="simulated already"):
            simulated_gpus.enable(1)
        assert torch.ones(2, device="cuda:1").sum().item() == 2
        simulated_gpus.disable()
        simulated_gpus.disable()
        assert torch.ones(2).device.type == "cpu"
        simulated_gpus.enable(0)
        assert not torch.cuda.is_available()
        simulated_gpus.disable()

    def test_a_tensor_left_behind_is_a_host_tensor(self):
        with simulated(2):
            x = torch.ones(2, device="cuda:1")
        assert str(x.device) == "cpu"
        assert (x + torch.ones(2)).numpy().tolist() == [2, 2]

    def test_a_thread_that_outlives_the_simulation(self):
        ended, results = threading.Event(), []

        def work():
            ended.wait(10)
            results.append((torch.ones(2) + torch.ones(2)).tolist())

        thread = threading.Thread(target=work)
        with simulated(1):
            thread.start()
        ended.set()
        thread.join()
        assert results == [[2, 2]]

    @pytest.mark.parametrize("devices", [-1, 65])
    def test_impossible_numbers_of_devices(self, devices):
        with pytest.raises(ValueError, match="between 0 and 64"), simulated(devices):
            pass

    def test_values_and_random_numbers_are_the_hosts(self):
        torch.manual_seed(0)
        expected = F.dropout(torch.randn(100)).tolist()
        with simulated(1):
            torch.manual_seed(0)
            assert F.dropout(torch.randn(100, device="cuda")).cpu().tolist() == expected


class TestVisibleDevices:
    @pytest.mark.parametrize(
        ("setting", "count"),
        [(None, 4), ("", 0), ("2", 1), ("3,1", 2), ("0, 1 ,2", 3), ("1,9,2", 1), ("0,-1,2", 1), ("1,1", 0), ("none", 0)],
    )  # fmt: skip
    def test_what_a_setting_leaves(self, setting, count):
        assert visible(4, setting) == count

    def test_the_environment_variable(self, monkeypatch):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
        with simulated(4):
            assert torch.cuda.device_count() == 2
            assert torch.ones(1, device="cuda:1").get_device() == 1
            with pytest.raises(torch.AcceleratorError, match="invalid device ordinal"):
                torch.ones(1, device="cuda:3")
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
            assert torch.cuda.device_count() == 2  # fixed by the first use

    def test_hiding_every_device(self, monkeypatch):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        with simulated(4):
            assert not torch.cuda.is_available()
            with pytest.raises(RuntimeError, match="No CUDA GPUs are available"):
                torch.ones(1).cuda()

    def test_a_setting_made_before_the_first_use(self, monkeypatch):
        with simulated(4):
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
            assert torch.cuda.device_count() == 1


class TestTorchCuda:
    def test_properties(self):
        with simulated(2):
            assert torch.cuda.get_device_name(1) == "Simulated GPU"
            assert torch.cuda.get_device_capability() == (8, 0)
            assert torch.cuda.get_device_properties("cuda:1").total_memory == 16 << 30
            assert torch.cuda.can_device_access_peer(0, 1)
            with pytest.raises(AssertionError, match="Invalid device id"):
                torch.cuda.get_device_properties(2)

    def test_cuda_is_initialised_by_its_first_use(self):
        with simulated(1):
            assert torch.cuda.is_available()
            assert not torch.cuda.is_initialized()
            torch.ones(1).cuda()
            assert torch.cuda.is_initialized()

    def test_the_current_device(self):
        with simulated(3):
            torch.cuda.set_device(1)
            assert torch.cuda.current_device() == 1
            with torch.cuda.device_of(torch.ones(1, device="cuda:2")):
                assert torch.ones(1, device="cuda").get_device() == 2
            torch.cuda.set_device("cuda:0")
            assert torch.cuda.current_device() == 0
            with pytest.raises(torch.AcceleratorError, match="invalid device ordinal"):
                torch.cuda.set_device(3)

    def test_streams_and_events(self):
        with simulated(2):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            with torch.cuda.stream(torch.cuda.Stream("cuda:1")) as _:
                assert torch.ones(2, device="cuda").get_device() == 1
            end.record()
            torch.cuda.synchronize()
            assert start.elapsed_time(end) >= 0
            assert torch.cuda.current_stream() == torch.cuda.default_stream()
            assert isinstance(torch.cuda.current_stream(1), torch.cuda.Stream)
            with pytest.raises(ValueError, match="enable_timing"):
                torch.cuda.Event().elapsed_time(end)


class TestTorchAccelerator:
    def test_with_devices(self):
        with simulated(4):
            device = torch.accelerator.current_accelerator()
            assert torch.accelerator.is_available()
            assert torch.accelerator.device_count() == 4
            assert (device.type, torch.ones(1).to(device).is_cuda) == ("cuda", True)
            torch.accelerator.set_device_index(2)
            assert torch.accelerator.current_device_index() == 2
            with torch.accelerator.device_index(3):
                assert torch.ones(1, device=device).get_device() == 3
            torch.accelerator.synchronize()
            assert torch.accelerator.current_stream().device_index == 2

    def test_without_a_device(self):
        with simulated(0):
            assert not torch.accelerator.is_available()
            assert torch.accelerator.device_count() == 0
            assert torch.accelerator.current_accelerator() is None


class TestWithoutADevice:
    def test_the_host_works_as_always(self):
        with simulated(0):
            net = nn.DataParallel(nn.Linear(2, 1))
            net(torch.ones(3, 2)).sum().backward()
            assert net.module.weight.grad.tolist() == [[3, 3]]
            assert torch.device("cuda" if torch.cuda.is_available() else "cpu").type == "cpu"

    def test_autocast_is_switched_off_with_a_warning(self):
        with simulated(0), warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with torch.autocast("cuda"):
                assert nn.Linear(2, 1)(torch.ones(1, 2)).dtype == torch.float32
        assert any("CUDA is not available" in str(warning.message) for warning in seen)


def test_operators_in_random_order_agree_with_the_host():
    steps = [
        lambda x: x * 2, lambda x: x.t(), lambda x: x @ x.t(), lambda x: x[:, :3], lambda x: F.softmax(x, 1),
        lambda x: x.add_(1), lambda x: x.clone(), lambda x: torch.cat([x, x]), lambda x: x.sum(0, keepdim=True) + x,
        lambda x: F.one_hot(x.argmax(1), x.shape[1]).float() + x, lambda x: x.sort(1)[0], lambda x: x.double().float(),
    ]  # fmt: skip
    order = random.Random(0)
    for _ in range(20):
        chosen = [order.choice(steps) for _ in range(6)]
        start = torch.randn(3, 4)
        expected = start.clone()
        for step in chosen:
            expected = step(expected)
        with simulated(2):
            x = start.to("cuda:1")
            for step in chosen:
                x = step(x)
                assert str(x.device) == "cuda:1"
            assert torch.equal(x.cpu(), expected)


def test_an_apply_that_torch_writes_in_c(monkeypatch):
    """As it is from torch 2.14 on: a descriptor of C in the place of a classmethod."""
    apply = torch._C._FunctionBase.__dict__["apply"]
    monkeypatch.setattr(torch.autograd.Function, "apply", apply)
    with simulated(2):
        x = torch.arange(4.0, device="cuda:0", requires_grad=True)
        gather([part * factor for factor, part in enumerate(scatter(x, [0, 1]), 2)], 0).sum().backward()
        assert (str(x.grad.device), x.grad.tolist()) == ("cuda:0", [2, 2, 3, 3])
    assert torch.autograd.Function.__dict__["apply"] is apply
