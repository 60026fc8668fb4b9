"""Checks of 05_gpu that you can follow with pencil and paper. Run them with `pytest exercises/05_gpu`.

You need no GPU: `@devices(2)` runs a check on a machine with two simulated ones, 0 on one without any.
`student.call("f", ...)` calls f of your device_move.py. `student.run(probe, ...)` runs the function `probe(module, ...)`
of this file, where `module` is your device_move.py.
"""

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch._dynamo  # simulated devices need it: loaded here, it costs no check its seconds
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import Student, devices, expect, expect_close, expect_equal


def linear(weight: list[list[float]], bias: list[float]) -> nn.Linear:
    """The network x · weightᵀ + bias. Its buffer `mark` changes nothing, but belongs to it as the parameters do."""
    net = nn.Linear(len(weight[0]), len(weight))
    net.register_buffer("mark", torch.ones(1))
    net.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias), "mark": torch.tensor([7.0])})
    return net


def places(net: nn.Module) -> list[str]:
    """The devices of a network's parameters and buffers."""
    return sorted({str(tensor.device) for tensor in (*net.parameters(), *net.buffers())})


# pick_device ---------------------------------------------------------------------------------------------------------


@devices(1)
def test_pick_device__finds_a_gpu(student: Student) -> None:
    """chooses cuda:0 on a machine with a GPU"""
    found = student.call("pick_device")
    expect(isinstance(found, torch.device), f"The result should be a torch.device, but it is of type {type(found).__name__}.")
    expect(str(found) in ("cuda", "cuda:0"), f"There is a GPU, but the device is {found}.")


@devices(3)
def test_pick_device__takes_the_first_of_three(student: Student) -> None:
    """chooses cuda:0 on a machine with three GPUs"""
    found = student.call("pick_device")
    expect(str(found) in ("cuda", "cuda:0"), f"The first GPU is cuda:0, but the device is {found}.")


@devices(0)
def test_pick_device__falls_back(student: Student) -> None:
    """chooses the CPU on a machine without a GPU"""
    found = student.call("pick_device")
    expect(found == torch.device("cpu"), f"There is no GPU, so the device should be cpu, but it is {found}.")


# move_batch ----------------------------------------------------------------------------------------------------------


def move(module: Any, device: Any) -> dict[str, Any]:
    """Moves a batch of two samples; the devices of the new tensors, then of the old ones."""
    inputs, labels = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64), torch.tensor([0, 1])
    x, y = module.move_batch([inputs, labels], device)
    return {"values": [x, y], "devices": [str(t.device) for t in (x, y, inputs, labels)], "dtypes": [str(x.dtype), str(y.dtype)]}


@devices(2)
def test_move_batch__moves_both(student: Student) -> None:
    """gives inputs and labels on the second GPU and leaves the batch where it was"""
    found = student.run(move, "cuda:1")
    expected = (torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([0, 1]))
    expect_close(found["values"], expected, ("the inputs", "the labels"))
    for name, place in zip(("inputs", "labels"), found["devices"], strict=False):
        advice = "to() returns a copy: assign it." if place == "cpu" else "Use the device that the function is given."
        expect(place == "cuda:1", f"The {name} should be on cuda:1, but they are on {place}. {advice}")
    expect_equal(found["devices"][2:], ["cpu", "cpu"], "the list of devices of the given batch after the call")


@devices(0)
def test_move_batch__needs_no_gpu(student: Student) -> None:
    """works with the CPU, given as a torch.device, and keeps the dtypes"""
    found = student.run(move, torch.device("cpu"))
    expect_equal(found["devices"], ["cpu"] * 4, "the list of devices")
    expect_equal(found["dtypes"], ["torch.float64", "torch.int64"], "the list of dtypes")


# train_on ------------------------------------------------------------------------------------------------------------
# The error of weight · x + bias is squared, so d/dweight = 2 · error · x and d/dbias = 2 · error.


class Watched(nn.Module):
    """The network weight · x + bias; it notes the mode and the device of every batch."""

    seen: list[tuple[bool, str]] = []  # noqa: RUF012  # of the class, so that copies share it

    def __init__(self) -> None:
        super().__init__()
        self.inner = linear([[1.0]], [0.0])

    def forward(self, x: Tensor) -> Tensor:
        """Weight · x + bias for x of shape (N, 1)."""
        self.seen.append((self.training, str(x.device)))
        return self.inner(x)


def train(module: Any, device: Any, epochs: int, kind: str = "SGD") -> dict[str, Any]:
    """Trains 1 · x + 0 on the batches x = (2, 2) and x = 1, all with target 0."""
    net, made = Watched(), []

    def make_optimizer(parameters: Any) -> torch.optim.Optimizer:
        made.append(getattr(torch.optim, kind)(parameters, lr=0.05))
        return made[-1]

    loader = DataLoader(TensorDataset(torch.tensor([[2.0], [2.0], [1.0]]), torch.zeros(3, 1)), batch_size=2)
    losses = module.train_on(net, loader, nn.MSELoss(), make_optimizer, device, epochs)
    return {
        "losses": losses,
        "the weight": net.inner.weight.detach(),
        "the bias": net.inner.bias.detach(),
        "devices": places(net),
        "batches": sorted({place for _, place in Watched.seen}),
        "modes": [training for training, _ in Watched.seen],
        "optimizers": len(made),
    }


@devices(2)
def test_train_on__moves_everything(student: Student) -> None:
    """moves the network, and the inputs and labels of every batch, to the second GPU"""
    found = student.run(train, "cuda:1", 1)
    expect_equal(found["batches"], ["cuda:1"], "the list of devices that batches were on in training")
    expect_equal(found["devices"], ["cuda:1"], "the list of devices that the network is on after training")


@devices(1)
def test_train_on__moves_before_the_optimizer(student: Student) -> None:
    """makes the optimizer from parameters that are on the GPU: Adagrad keeps its state where they are then"""
    expect_equal(student.run(train, "cuda:0", 1, "Adagrad")["devices"], ["cuda:0"], "the list of the network's devices")


@devices(1)
def test_train_on__takes_a_step_a_batch(student: Student) -> None:
    """takes one step for every batch, with the gradient of that batch alone"""
    # first error 2: weight 1 - 0.05 · 8 = 0.6, bias 0 - 0.05 · 4 = -0.2; second error 0.6 - 0.2 = 0.4: both lose 0.04
    kept = "The gradients of an earlier batch are still in it: clear them before backward, with zero_grad()."
    slips = {kept: {"the weight": torch.tensor([[0.16]]), "the bias": torch.tensor([-0.44])}}
    found = student.run(train, "cuda:0", 1)
    expect_close(found, {"the weight": torch.tensor([[0.56]]), "the bias": torch.tensor([-0.24])}, slips=slips)


@devices(1)
def test_train_on__returns_the_mean_losses(student: Student) -> None:
    """returns 2.08 for losses of 4 and 0.16, or 2.72 if the first counts twice for its two samples, as a Python float"""
    losses = student.run(train, "cuda:0", 1)["losses"]
    expect_close(losses, [2.72 if over_samples(losses) else 2.08], ["the mean loss of the only epoch"])
    expect(isinstance(losses[0], float), "The mean loss should be a Python float. Use item().")


def over_samples(losses: Any) -> bool:
    """Whether the first loss is 2.72, the mean over the samples, and not that over the batches: both are right."""
    return isinstance(losses, tuple | list) and len(losses) > 0 and abs(float(losses[0]) - 2.72) < 0.01


@devices(0)
def test_train_on__trains_for_two_epochs(student: Student) -> None:
    """trains for two epochs on the CPU, in train mode, with one optimizer, and gives each epoch a mean loss of its own"""
    # errors of the second epoch: 0.56 · 2 - 0.24 = 0.88, then weight 0.384 and bias -0.328 give 0.056
    found = student.run(train, torch.device("cpu"), 2)
    expect_equal(found["modes"], [True] * 4, "the list of the network's modes, batch by batch (training is True)")
    expect(found["optimizers"] == 1, f"All epochs should use one optimizer, but {found['optimizers']} were made.")
    means = [2.72, 0.517312] if over_samples(found["losses"]) else [2.08, 0.388768]
    expect_close(found["losses"], means, ["the mean loss of epoch 1", "the mean loss of epoch 2"])


# evaluate_on ---------------------------------------------------------------------------------------------------------
# The network gives [x, 1], so its class is 0 where x > 1 and 1 where x < 1.


def evaluate(module: Any, device: Any, size: int) -> dict[str, Any]:
    """The accuracy for four samples, the last of which gets the wrong class."""
    net = linear([[1.0], [0.0]], [0.0, 1.0]).to(device)
    data = TensorDataset(torch.tensor([[2.0], [3.0], [0.0], [5.0]]), torch.tensor([0, 0, 1, 1]))
    accuracy = module.evaluate_on(net, DataLoader(data, batch_size=size), device)
    return {"the accuracy": accuracy, "grads": [p.grad is not None for p in net.parameters()], "devices": places(net)}


@devices(2)
def test_evaluate_on__counts_on_the_gpu(student: Student) -> None:
    """gives 3/4 where three of four samples are right, with labels that come on the host"""
    found = student.run(evaluate, "cuda:1", 2)
    expect_close(found, {"the accuracy": 0.75})
    expect_equal(found["devices"], ["cuda:1"], "the list of devices that the network is on after the call")


@devices(0)
def test_evaluate_on__takes_uneven_batches(student: Student) -> None:
    """counts every sample once, also where the last batch is smaller, and computes no gradients"""
    found = student.run(evaluate, "cpu", 3)
    expect_close(found["the accuracy"], 0.75, "the accuracy for batches of 3 and 1")
    expect_equal(found["grads"], [False, False], "the list that says which parameters have a gradient after the call")


# parallelize ---------------------------------------------------------------------------------------------------------


def wrap(module: Any) -> dict[str, Any]:
    """What comes back for a network: its type, and whether it is the network or holds it."""
    net = linear([[2.0]], [1.0])
    result = module.parallelize(net)
    return {"kind": type(result).__name__, "itself": result is net, "inside": getattr(result, "module", None) is net,
            "gpus": list(getattr(result, "device_ids", []))}  # fmt: skip


@devices(2)
def test_parallelize__wraps_for_two_gpus(student: Student) -> None:
    """wraps the network in nn.DataParallel where two GPUs are visible"""
    found = student.run(wrap)
    expect_equal(found["kind"], "DataParallel", "the type of the result")
    expect(found["inside"], "The wrapper should hold the very network that was given.")
    expect_equal(found["gpus"], [0, 1], "the list of GPUs that the wrapper uses")


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


# split_sizes ---------------------------------------------------------------------------------------------------------


def test_split_sizes__rounds_up(student: Student) -> None:
    """splits into parts of batch / gpus, rounded up; the last one is smaller"""
    expect_equal(student.call("split_sizes", 30, 4), [8, 8, 8, 6], "the list of sizes for split_sizes(30, 4)")
    expect_equal(student.call("split_sizes", 10, 4), [3, 3, 3, 1], "the list of sizes for split_sizes(10, 4)")
    sizes = student.call("split_sizes", 8, 2)
    expect_equal(sizes, [4, 4], "the list of sizes for split_sizes(8, 2)")
    expect(isinstance(sizes[0], int), f"Each size should be an int, but it is of type {type(sizes[0]).__name__}.")


def test_split_sizes__leaves_gpus_idle(student: Student) -> None:
    """leaves out the GPUs that get nothing"""
    expect_equal(student.call("split_sizes", 2, 4), [1, 1], "the list of sizes for split_sizes(2, 4)")
    expect_equal(student.call("split_sizes", 5, 4), [2, 2, 1], "the list of sizes for split_sizes(5, 4)")


# data_parallel -------------------------------------------------------------------------------------------------------
# The network is 2 · x + 1.


class Noting(nn.Module):
    """The network 2 · x + 1; it notes the device of every part that it gets."""

    seen: list[str] = []  # noqa: RUF012  # of the class, so that replicas share it

    def __init__(self) -> None:
        super().__init__()
        self.inner = linear([[2.0]], [1.0])

    def forward(self, x: Tensor) -> Tensor:
        """2 · x + 1 for x of shape (N, 1)."""
        self.seen.append(str(x.device))
        return self.inner(x)


def spread(module: Any, x: Tensor, devices: list[Any]) -> dict[str, Any]:
    """The result, where it is, which devices computed a part, and where the network is then."""
    net = Noting().to(devices[0])
    result = module.data_parallel(net, x.to(devices[0]), devices)
    device = str(getattr(result, "device", None))
    return {"the result": result, "device": device, "used": sorted(set(Noting.seen)), "network": places(net)}


@devices(2)
def test_data_parallel__equals_the_network(student: Student) -> None:
    """computes 2 · x + 1 for three samples on two GPUs and gathers on the first"""
    found = student.run(spread, torch.tensor([[1.0], [2.0], [3.0]]), ["cuda:0", "cuda:1"])
    expect_close(found, {"the result": torch.tensor([[3.0], [5.0], [7.0]])})
    expect(found["device"] == "cuda:0", f"The result should be on cuda:0, but it is on {found['device']}.")
    expect_equal(found["used"], ["cuda:0", "cuda:1"], "the list of devices that computed a part")
    expect_equal(found["network"], ["cuda:0"], "the list of devices that the network is on after the call")


@devices(4)
def test_data_parallel__takes_few_samples(student: Student) -> None:
    """works with one sample for three GPUs, the first of which is cuda:2"""
    found = student.run(spread, torch.tensor([[4.0]]), [torch.device("cuda:2"), "cuda:0", "cuda:3"])
    expect_close(found, {"the result": torch.tensor([[9.0]])})
    expect(found["device"] == "cuda:2", f"The result should be on cuda:2, but it is on {found['device']}.")


# save_portable -------------------------------------------------------------------------------------------------------
# The network is 2 · x + 1.


class Layered(nn.Module):
    """The network 2 · x + 1, from a layer that is called module."""

    def __init__(self) -> None:
        super().__init__()
        self.module = linear([[2.0]], [1.0])

    def forward(self, x: Tensor) -> Tensor:
        """2 · x + 1 for x of shape (N, 1)."""
        return self.module(x)


def save(module: Any, kind: str, wrapper: str) -> dict[str, Any]:
    """What the file of a network on a GPU holds, and on which devices; then where the network is."""
    net = (Layered() if kind == "layered" else linear([[2.0]], [1.0])).to("cuda:0")
    content: Any = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        module.save_portable(nn.DataParallel(net) if wrapper else net, path)
        with contextlib.suppress(Exception):  # there is no file, or more than tensors in it
            content = torch.load(path, weights_only=True)
    tensors = [t for t in content.values() if isinstance(t, Tensor)] if isinstance(content, dict) else []
    return {"content": content, "devices": [str(t.device) for t in tensors], "network": places(net)}


def expect_state_dict(content: Any) -> None:
    message = "torch.load(path, weights_only=True) finds no state_dict in the file. Save net.state_dict(), not net itself."
    expect(isinstance(content, dict), message)


@devices(1)
def test_save_portable__saves_cpu_tensors(student: Student) -> None:
    """saves parameters and buffer of a network on the GPU as CPU tensors, and leaves the network where it is"""
    found = student.run(save, "linear", "")
    expect_state_dict(found["content"])
    expect_close(
        found["content"], {"weight": torch.tensor([[2.0]]), "bias": torch.tensor([1.0]), "mark": torch.tensor([7.0])},
        dtype=torch.float32,
    )  # fmt: skip
    expect_equal(found["devices"], ["cpu"] * 3, "the list of devices in the file")
    expect_equal(found["network"], ["cuda:0"], "the list of devices that the network is on after the call")


@devices(2)
def test_save_portable__unwraps(student: Student) -> None:
    """saves a network in nn.DataParallel under the names weight, bias and mark"""
    found = student.run(save, "linear", "DataParallel")
    expect_state_dict(found["content"])
    expect_equal(sorted(found["content"]), ["bias", "mark", "weight"], "the list of names in the file")


@devices(1)
def test_save_portable__keeps_the_networks_own_names(student: Student) -> None:
    """takes away the wrapper's prefix alone: a layer of the network may be called module, too"""
    for wrapper in ("", "DataParallel"):
        found = student.run(save, "layered", wrapper)
        expect_state_dict(found["content"])
        name = "the list of names in the file of the network" + f" in {wrapper}" * bool(wrapper)
        expect_equal(sorted(found["content"]), ["module.bias", "module.mark", "module.weight"], name)


# load_on -------------------------------------------------------------------------------------------------------------


def saved_on(place: str) -> Tensor:
    """The bytes of a file of the network 2 · x + 1 that says its tensors were saved on `place`."""
    buffer = io.BytesIO()
    with mock.patch.object(torch.serialization, "location_tag", return_value=place):
        torch.save(linear([[2.0]], [1.0]).state_dict(), buffer)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def load(module: Any, content: Tensor, device: Any) -> dict[str, Any]:
    """What is in the network 0 · x + 0 after it has loaded a file, and where it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        path.write_bytes(content.numpy().tobytes())
        empty = linear([[0.0]], [0.0])
        empty.mark.zero_()
        net = module.load_on(empty, path, device)
    is_net = isinstance(net, nn.Module)
    return {
        "kind": "network" if is_net else type(net).__name__,
        "state": net.state_dict() if is_net else {},
        "devices": places(net) if is_net else [],
    }


def expect_loaded(found: dict[str, Any]) -> None:
    expect(found["kind"] == "network", f"load_on should return the network, but it gave a value of type {found['kind']}.")
    expected = {"weight": torch.tensor([[2.0]]), "bias": torch.tensor([1.0]), "mark": torch.tensor([7.0])}
    expect_close(found["state"], expected)


@devices(2)
def test_load_on__loads_and_moves(student: Student) -> None:
    """loads weight 2, bias 1 and buffer 7 into the network and returns it on cuda:1"""
    found = student.run(load, saved_on("cpu"), "cuda:1")
    expect_loaded(found)
    expect_equal(found["devices"], ["cuda:1"], "the list of the network's devices")


@devices(1)
def test_load_on__maps_a_gpu_that_is_lacking(student: Student) -> None:
    """loads a file that was saved on cuda:3 on a machine with one GPU"""
    expect_loaded(student.run(load, saved_on("cuda:3"), "cuda:0"))


@devices(0)
def test_load_on__needs_no_gpu(student: Student) -> None:
    """loads a file that was saved on cuda:3 on a machine without a GPU: torch.load needs map_location"""
    expect_loaded(student.run(load, saved_on("cuda:3"), "cpu"))


# ddp_train -----------------------------------------------------------------------------------------------------------
# Two weights for each of two classes, all 0, so that the network gives both classes 1/2.


class Counted(nn.Linear):
    """The network without bias and without buffers, as the task says; it notes the size of every batch."""

    sizes: list[int] = []  # noqa: RUF012  # of the class, so that copies share it

    def forward(self, x: Tensor) -> Tensor:
        """x · weightᵀ for x of shape (N, 2)."""
        self.sizes.append(len(x))
        return super().forward(x)


def work(
    module: Any, rank: int, world_size: int, init_method: str, x: Tensor, y: Tensor, size: int, epochs: int
) -> dict[str, Any]:
    """One process: its trained weights, the sizes of its batches, and whether its process group is still there."""
    net = Counted(2, 2, bias=False)
    net.load_state_dict({"weight": torch.full((2, 2), float(rank))})  # those of process 0 count
    state = module.ddp_train(rank, world_size, init_method, net, TensorDataset(x, y), size, epochs, 0.5)
    return {"state": state, "sizes": net.sizes, "group": torch.distributed.is_initialized()}


def weight_of(found: dict[str, Any]) -> Any:
    """The trained weight from the state_dict of one process."""
    names = list(found["state"]) if isinstance(found["state"], dict) else f"a {type(found['state']).__name__}"
    expect(names == ["weight"], f"The result should be a state_dict with the name weight, but it has {names}.")
    return found["state"]["weight"]


def test_ddp_train__averages_over_processes(student: Student) -> None:
    """averages the gradients of two processes with two samples each, and starts both from the weights of process 0"""
    # Gradient for class 0: (1/2 - 1) · x, and the mean of the four x is (2, 4), whoever gets which of them: a mean gradient
    # of (-1, -2) and a step of (1/2, 1). No two of the four have that mean alone.
    x, y = torch.tensor([[2.0, 0.0], [0.0, 4.0], [6.0, 0.0], [0.0, 12.0]]), torch.zeros(4, dtype=torch.long)
    ranks = student.ranks(work, 2, x, y, 2, 1)
    for rank, found in enumerate(ranks):
        message = f"Process {rank} should train with one batch of two samples, but it took batches of the sizes {found['sizes']}."
        expect(found["sizes"] == [2], f"{message} DistributedSampler gives each process its share; batch_size is that of one.")
    first, second = map(weight_of, ranks)
    message = "The processes ended with different weights. Only calls of a DistributedDataParallel wrapper average the gradients."
    expect(torch.allclose(first, second), message)
    expect_close(first, torch.tensor([[0.5, 1.0], [-0.5, -1.0]]), "the trained weight")
    for found in ranks:
        expect(not found["group"], "The process group is still there. Call destroy_process_group().")


def test_ddp_train__goes_through_the_data(student: Student) -> None:
    """takes batches of 2 and 1 of the three samples of each process, in each of two epochs"""
    x, y = torch.ones(6, 2), torch.tensor([0, 1] * 3)
    for rank, found in enumerate(student.ranks(work, 2, x, y, 2, 2)):
        message = f"The batches of process {rank} should have the sizes 2, 1, 2 and 1, but they had {found['sizes']}."
        expect(found["sizes"] == [2, 1, 2, 1], message)


def test_ddp_train__works_alone(student: Student) -> None:
    """trains with a single process, in two plain steps of one sample each: x = (2, 0) and x = (0, 4), both of class 0"""
    # Each step changes the column of its own sample, so the other sample still gets 1/2 for both classes.
    (found,) = student.ranks(work, 1, torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([0, 0]), 1, 1)
    expect_close(weight_of(found), torch.tensor([[0.5, 1.0], [-0.5, -1.0]]), "the trained weight")
