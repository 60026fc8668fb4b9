"""Checks of 05_gpu that you can follow with pencil and paper. Run them with `pytest exercises/05_gpu`.

You need no GPU: `@pytest.mark.devices(2)` runs a check on a machine with two simulated ones, 0 on one without any.
`student.call("f", ...)` calls f of your device_move.py. `student.run(probe, ...)` runs the function `probe(module, ...)`
of this file, where `module` is your device_move.py.
"""

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
import torch._dynamo  # simulated devices need it: loaded here, it costs no check its seconds
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import Student, expect, expect_close, expect_equal

devices = pytest.mark.devices


def line(weight: float, bias: float) -> nn.Linear:
    """The network weight · x + bias."""
    net = nn.Linear(1, 1)
    net.load_state_dict({"weight": torch.tensor([[weight]]), "bias": torch.tensor([bias])})
    return net


# --- pick_device ------------------------------------------------------------------------------------------------------


@devices(1)
def test_pick_device__finds_a_gpu(student: Student) -> None:
    """chooses cuda:0 on a machine with a GPU"""
    found = student.call("pick_device")
    expect(isinstance(found, torch.device), f"The result should be a torch.device, but it is of type {type(found).__name__}.")
    expect(str(found) in ("cuda", "cuda:0"), f"There is a GPU, but the device is {found}.")


@devices(0)
def test_pick_device__falls_back(student: Student) -> None:
    """chooses the CPU on a machine without a GPU"""
    found = student.call("pick_device")
    expect(found == torch.device("cpu"), f"There is no GPU, so the device should be cpu, but it is {found}.")


# --- move_batch -------------------------------------------------------------------------------------------------------


def move(module: Any, device: Any) -> dict[str, Any]:
    """Moves a batch of two samples; the devices of the new tensors, then of the old ones."""
    inputs, labels = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([0, 1])
    x, y = module.move_batch([inputs, labels], device)
    return {"values": [x, y], "devices": [str(t.device) for t in (x, y, inputs, labels)]}


@devices(2)
def test_move_batch__moves_both(student: Student) -> None:
    """gives inputs and labels on the second GPU and leaves the batch where it was"""
    found = student.run(move, "cuda:1")
    expected = (torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([0, 1]))
    expect_close(found["values"], expected, ("the inputs", "the labels"))
    x, y, *before = found["devices"]
    expect(x == "cuda:1", f"The inputs should be on cuda:1, but they are on {x}. to() returns a copy: assign it.")
    expect(y == "cuda:1", f"The labels should be on cuda:1, but they are on {y}. to() returns a copy: assign it.")
    expect_equal(before, ["cpu", "cpu"], "the list of devices of the given batch after the call")


@devices(0)
def test_move_batch__needs_no_gpu(student: Student) -> None:
    """works with the CPU, given as a torch.device"""
    found = student.run(move, torch.device("cpu"))
    expect_equal(found["devices"], ["cpu"] * 4, "the list of devices")


# --- train_on: the error of weight · x + bias is squared, so d/dweight = 2 · error · x and d/dbias = 2 · error --------


def train(module: Any, device: Any, epochs: int) -> dict[str, Any]:
    """Trains 1 · x + 0 on the batches x = 2 and x = 1, both with target 0."""
    net = nn.Sequential(line(1.0, 0.0))
    net.register_buffer("unused", torch.zeros(1))
    data = TensorDataset(torch.tensor([[2.0], [1.0]]), torch.tensor([[0.0], [0.0]]))
    losses = module.train_on(
        net, DataLoader(data, batch_size=1), nn.MSELoss(), lambda p: torch.optim.SGD(p, lr=0.05), device, epochs
    )
    tensors = (*net.parameters(), *net.buffers())
    return {
        "losses": losses,
        "the weight": net[0].weight.detach(),
        "the bias": net[0].bias.detach(),
        "devices": sorted({str(tensor.device) for tensor in tensors}),
    }


@devices(2)
def test_train_on__trains_on_the_gpu(student: Student) -> None:
    """moves network, inputs and labels to the GPU and takes one step a batch"""
    # first error 2: weight 1 - 0.05 · 8 = 0.6, bias 0 - 0.05 · 4 = -0.2; second error 0.6 - 0.2 = 0.4: both lose 0.04
    found = student.run(train, "cuda:1", 1)
    expect_close(found, {"the weight": torch.tensor([[0.56]]), "the bias": torch.tensor([-0.24])})
    places = ", ".join(found["devices"])
    expect(places == "cuda:1", f"After training the network should be on cuda:1, but it is on {places}.")


@devices(1)
def test_train_on__returns_the_mean_losses(student: Student) -> None:
    """returns the mean of the losses 4 and 0.16 for the first epoch, as a Python float"""
    losses = student.run(train, "cuda:0", 1)["losses"]
    expect_close(losses, [2.08], ["the mean loss of the only epoch"])
    expect(isinstance(losses[0], float), "The mean loss should be a Python float. Use item().")


@devices(0)
def test_train_on__needs_no_gpu(student: Student) -> None:
    """trains for two epochs on the CPU"""
    # errors of the second epoch: 0.56 · 2 - 0.24 = 0.88, then weight 0.384 and bias -0.328 give 0.056
    losses = student.run(train, torch.device("cpu"), 2)["losses"]
    expect_close(losses, [2.08, 0.388768], ["the mean loss of epoch 1", "the mean loss of epoch 2"])


# --- evaluate_on: the network gives [x, 1], so its class is 0 where x > 1 and 1 where x < 1 ---------------------------


def evaluate(module: Any, device: Any, size: int) -> Any:
    """The accuracy for four samples, the last of which gets the wrong class."""
    net = nn.Linear(1, 2)
    net.load_state_dict({"weight": torch.tensor([[1.0], [0.0]]), "bias": torch.tensor([0.0, 1.0])})
    data = TensorDataset(torch.tensor([[2.0], [3.0], [0.0], [5.0]]), torch.tensor([0, 0, 1, 1]))
    return module.evaluate_on(net.to(device), DataLoader(data, batch_size=size), device)


@devices(2)
def test_evaluate_on__counts_on_the_gpu(student: Student) -> None:
    """gives 3/4 where three of four samples are right, with labels that come on the host"""
    expect_close(student.run(evaluate, "cuda:1", 2), 0.75, "the accuracy")


@devices(0)
def test_evaluate_on__takes_uneven_batches(student: Student) -> None:
    """counts every sample once, also where the last batch is smaller"""
    expect_close(student.run(evaluate, "cpu", 3), 0.75, "the accuracy for batches of 3 and 1")


# --- parallelize ------------------------------------------------------------------------------------------------------


def wrap(module: Any) -> dict[str, Any]:
    """What comes back for a network: its type, and whether it is the network or holds it."""
    net = line(2.0, 1.0)
    result = module.parallelize(net)
    return {"kind": type(result).__name__, "itself": result is net, "inside": getattr(result, "module", None) is net}


@devices(2)
def test_parallelize__wraps_for_two_gpus(student: Student) -> None:
    """wraps the network in nn.DataParallel where two GPUs are visible"""
    found = student.run(wrap)
    expect_equal(found["kind"], "DataParallel", "the type of the result")
    expect(found["inside"], "The wrapper should hold the very network that was given.")


@devices(1)
def test_parallelize__leaves_it_for_one_gpu(student: Student) -> None:
    """returns the network itself where one GPU is visible"""
    found = student.run(wrap)
    expect(found["itself"], f"The result should be the network itself, but it is of type {found['kind']}.")


@devices(0)
def test_parallelize__leaves_it_without_gpus(student: Student) -> None:
    """returns the network itself where no GPU is visible"""
    found = student.run(wrap)
    expect(found["itself"], f"The result should be the network itself, but it is of type {found['kind']}.")


# --- split_sizes ------------------------------------------------------------------------------------------------------


def test_split_sizes__rounds_up(student: Student) -> None:
    """splits into parts of batch / gpus, rounded up; the last one is smaller"""
    expect_equal(student.call("split_sizes", 30, 4), [8, 8, 8, 6], "the list of sizes for split_sizes(30, 4)")
    expect_equal(student.call("split_sizes", 10, 4), [3, 3, 3, 1], "the list of sizes for split_sizes(10, 4)")


def test_split_sizes__leaves_gpus_idle(student: Student) -> None:
    """leaves out the GPUs that get nothing"""
    expect_equal(student.call("split_sizes", 2, 4), [1, 1], "the list of sizes for split_sizes(2, 4)")
    expect_equal(student.call("split_sizes", 5, 4), [2, 2, 1], "the list of sizes for split_sizes(5, 4)")


# --- data_parallel: the network is 2 · x + 1 --------------------------------------------------------------------------


class Noting(nn.Module):
    """The network 2 · x + 1; it notes the device of every part that it gets."""

    seen: list[str] = []  # noqa: RUF012  # of the class, so that replicas share it

    def __init__(self) -> None:
        super().__init__()
        self.inner = line(2.0, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """2 · x + 1 for x of shape (N, 1)."""
        self.seen.append(str(x.device))
        return self.inner(x)


def spread(module: Any, x: Tensor, places: list[Any]) -> dict[str, Any]:
    """The result, where it is, and which devices computed a part."""
    result = module.data_parallel(Noting().to(places[0]), x.to(places[0]), places)
    return {"the result": result, "device": str(getattr(result, "device", None)), "used": sorted(set(Noting.seen))}


@devices(2)
def test_data_parallel__equals_the_network(student: Student) -> None:
    """computes 2 · x + 1 for three samples on two GPUs and gathers on the first"""
    found = student.run(spread, torch.tensor([[1.0], [2.0], [3.0]]), ["cuda:0", "cuda:1"])
    expect_close(found, {"the result": torch.tensor([[3.0], [5.0], [7.0]])})
    expect(found["device"] == "cuda:0", f"The result should be on cuda:0, but it is on {found['device']}.")
    expect_equal(found["used"], ["cuda:0", "cuda:1"], "the list of devices that computed a part")


@devices(4)
def test_data_parallel__takes_few_samples(student: Student) -> None:
    """works with one sample for three GPUs, the first of which is cuda:2"""
    found = student.run(spread, torch.tensor([[4.0]]), [torch.device("cuda:2"), "cuda:0", "cuda:3"])
    expect_close(found, {"the result": torch.tensor([[9.0]])})
    expect(found["device"] == "cuda:2", f"The result should be on cuda:2, but it is on {found['device']}.")


# --- save_portable ----------------------------------------------------------------------------------------------------


def save(module: Any, wrapper: str) -> dict[str, Any]:
    """What the file of the network 2 · x + 1 on a GPU holds, and on which devices."""
    net: nn.Module = line(2.0, 1.0).to("cuda:0")
    content: Any = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        module.save_portable(nn.DataParallel(net) if wrapper else net, path)
        with contextlib.suppress(Exception):  # there is no file, or more than tensors in it
            content = torch.load(path, weights_only=True)
    return {"content": content, "devices": [str(t.device) for t in content.values()] if isinstance(content, dict) else []}


def expect_state_dict(content: Any) -> None:
    message = "torch.load(path, weights_only=True) finds no state_dict in the file. Save net.state_dict(), not net itself."
    expect(isinstance(content, dict), message)


@devices(1)
def test_save_portable__saves_cpu_tensors(student: Student) -> None:
    """saves a network on the GPU as a state_dict of CPU tensors"""
    found = student.run(save, "")
    expect_state_dict(found["content"])
    expect_close(found["content"], {"weight": torch.tensor([[2.0]]), "bias": torch.tensor([1.0])})
    expect_equal(found["devices"], ["cpu", "cpu"], "the list of devices in the file")


@devices(2)
def test_save_portable__unwraps(student: Student) -> None:
    """saves a network in nn.DataParallel under the names weight and bias"""
    found = student.run(save, "DataParallel")
    expect_state_dict(found["content"])
    expect_equal(sorted(found["content"]), ["bias", "weight"], "the list of names in the file")


# --- load_on ----------------------------------------------------------------------------------------------------------


def saved_on(place: str) -> Tensor:
    """The bytes of a file of the network 2 · x + 1 that says its tensors were saved on `place`."""
    buffer = io.BytesIO()
    with mock.patch.object(torch.serialization, "location_tag", return_value=place):
        torch.save(line(2.0, 1.0).state_dict(), buffer)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def load(module: Any, content: Tensor, device: Any) -> dict[str, Any]:
    """What is in the network 0 · x + 0 after it has loaded a file, and where it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        path.write_bytes(content.numpy().tobytes())
        net = module.load_on(line(0.0, 0.0), path, device)
    is_net = isinstance(net, nn.Module)
    return {
        "kind": "network" if is_net else type(net).__name__,
        "state": net.state_dict() if is_net else {},
        "devices": sorted({str(p.device) for p in net.parameters()}) if is_net else [],
    }


def expect_loaded(found: dict[str, Any]) -> None:
    expect(found["kind"] == "network", f"load_on should return the network, but it gave a value of type {found['kind']}.")
    expect_close(found["state"], {"weight": torch.tensor([[2.0]]), "bias": torch.tensor([1.0])})


@devices(2)
def test_load_on__loads_and_moves(student: Student) -> None:
    """loads weight 2 and bias 1 into the network and returns it on cuda:1"""
    found = student.run(load, saved_on("cpu"), "cuda:1")
    expect_loaded(found)
    expect_equal(found["devices"], ["cuda:1"], "the list of the network's devices")


@devices(0)
def test_load_on__needs_no_gpu(student: Student) -> None:
    """loads a file that was saved on cuda:3 on a machine without a GPU: torch.load needs map_location"""
    expect_loaded(student.run(load, saved_on("cuda:3"), "cpu"))


# --- ddp_train: one weight for each of two classes, both 0, so that the network gives both classes 1/2 ----------------


def work(module: Any, rank: int, world_size: int, init_method: str, x: Tensor, y: Tensor, size: int) -> dict[str, Any]:
    """One process: its trained weights, and whether its process group is still there."""
    net = nn.Linear(1, 2, bias=False)
    net.load_state_dict({"weight": torch.zeros(2, 1)})
    state = module.ddp_train(rank, world_size, init_method, net, TensorDataset(x, y), size, 1, 0.5)
    return {"state": state, "group": torch.distributed.is_initialized()}


def test_ddp_train__averages_over_processes(student: Student) -> None:
    """averages the gradients of two processes with one sample each: x = 2 and x = 4, both of class 0"""
    # gradient for class 0: (1/2 - 1) · x, so -1 in one process, -2 in the other; the mean is -1.5, a step of 0.75
    x, y = torch.tensor([[2.0], [4.0]]), torch.tensor([0, 0])
    for found in student.ranks(work, 2, x, y, 1):
        expect_close(found["state"], {"weight": torch.tensor([[0.75], [-0.75]])})
        expect(not found["group"], "The process group is still there. Call destroy_process_group().")


def test_ddp_train__works_alone(student: Student) -> None:
    """trains with a single process: the mean gradient of the batch x = 2, x = 4 is the same"""
    x, y = torch.tensor([[2.0], [4.0]]), torch.tensor([0, 0])
    (found,) = student.ranks(work, 1, x, y, 2)
    expect_close(found["state"], {"weight": torch.tensor([[0.75], [-0.75]])})
