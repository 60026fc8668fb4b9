"""Hidden checks of 05_gpu.

Each check runs with a number of simulated CUDA devices. Values cross as host copies, so a probe tells where something
lived by the name of its device. Expected values come from the same networks in float64 on this side. Where a call may
raise CUDA's error for mixed devices, a first request only looks where everything was when the batches came: together
with the error that the second request raises it tells one mistake from another. A check of train_on asks for one rule
alone, so that its sentence names the rule that was broken: where things are, the steps, the epochs, the losses.
"""

import contextlib
import io
import itertools
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch._dynamo  # simulated devices and optimizers need it: loaded here, it costs no check its seconds
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import PerRank, Student, devices, expect, expect_close, expect_equal, expect_unchanged

Tensors = dict[str, torch.Tensor]  # a state_dict

FEATURES, CLASSES = 6, 3

NO_STATE_DICT = "torch.load(path, weights_only=True) finds no state_dict in the file. Save net.state_dict(), not net itself."


def normal(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=rng, dtype=dtype)


def labels_for(rng: torch.Generator, n: int) -> torch.Tensor:
    return torch.randint(CLASSES, (n,), generator=rng)


class Watched(nn.Module):
    """(N, 6) → (N, 3). It notes for each batch where it was, where the weights and the buffer were, and its size."""

    seen: list[Any] = []  # of the class: a copy of the network notes in the same list  # noqa: RUF012

    def __init__(self, *, norm: bool) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(6))
        self.first = nn.Linear(6, 5)
        self.norm = nn.BatchNorm1d(5) if norm else nn.Identity()
        self.last = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append([str(x.device), str(self.first.weight.device), str(self.scale.device), len(x)])
        return self.last(torch.tanh(self.norm(self.first(x * self.scale))))


class WatchedLoss(nn.CrossEntropyLoss):
    """The mean cross entropy. It notes where scores and labels were."""

    seen: list[Any] = []  # noqa: RUF012

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.seen.append([str(scores.device), str(labels.device)])
        return super().forward(scores, labels)


def build(state: Tensors) -> nn.Module:
    """A watched network with these parameters and buffers, in their dtype."""
    net = Watched(norm="norm.weight" in state)
    net.to(state["scale"].dtype)
    net.load_state_dict(state)
    return net


def where(value: Any) -> Any:
    """The device of each tensor in a result, or the type of what is no tensor."""
    if isinstance(value, torch.Tensor):
        return str(value.device)
    if isinstance(value, tuple | list):
        return [where(item) for item in value]
    if isinstance(value, dict):
        return {name: where(item) for name, item in value.items()}
    return type(value).__name__


def homes(net: nn.Module) -> list[str]:
    """The devices that a network's parameters and buffers live on."""
    return sorted({str(tensor.device) for tensor in (*net.parameters(), *net.buffers())})


def draw_state(rng: torch.Generator, *, norm: bool, dtype: torch.dtype = torch.float32) -> Tensors:
    """A state_dict of a watched network, its buffers drawn too."""
    state = {}
    for name, tensor in Watched(norm=norm).state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(int(torch.randint(1, 9, (), generator=rng)))
        elif name.endswith(("running_var", "scale")):
            state[name] = 0.5 + torch.rand(tensor.shape, generator=rng, dtype=dtype)
        else:
            state[name] = 0.6 * normal(rng, *tensor.shape, dtype=dtype)
    return state


def wide(state: Tensors) -> Tensors:
    return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def expect_state(found: Any, expected: Tensors, when: str, rtol: float = 1e-4, atol: float = 1e-5) -> None:
    """Fail unless a state_dict has these values; `when` completes the name of each tensor."""
    expect(isinstance(found, dict), f"The state_dict {when} should be a dict, but it is of type {type(found).__name__}.")
    named = {f"the tensor {name} {when}": tensor for name, tensor in found.items()}
    expect_close(named, {f"the tensor {name} {when}": t for name, t in expected.items()}, rtol=rtol, atol=atol)


def expect_home(found: Any, device: str, name: str, advice: str = "") -> None:
    """Fail unless a name of a device, as `where` gives it, is the one asked for."""
    known = isinstance(found, str) and (found == "cpu" or found.startswith("cuda"))
    text = f"is on {found}" if known else "is no tensor" if isinstance(found, str) else "is something else"
    expect(found == device, f"{name} should be on {device}, but it {text}. {advice}".strip())


# pick_device ---------------------------------------------------------------------------------------------------------


def expect_device(found: Any, type_: str) -> None:
    message = f"The result should be a torch.device, but it is of type {type(found).__name__}."
    expect(isinstance(found, torch.device), message)
    message = f"Here the device should be {'the first GPU' if type_ == 'cuda' else 'the CPU'}, but it is {found}."
    advice = " Ask torch.cuda.is_available() instead of writing cuda into the code." if type_ == "cpu" else ""
    expect(found.type == type_ and found.index in (None, 0), message + advice)


@devices(4)
def test_pick_device__takes_the_first_of_several(student: Student) -> None:
    """chooses cuda:0 on a machine with four GPUs"""
    expect_device(student.call("pick_device"), "cuda")


@devices(1)
def test_pick_device__finds_the_gpu(student: Student) -> None:
    """chooses cuda:0 on a machine with one GPU"""
    expect_device(student.call("pick_device"), "cuda")


@devices(0)
def test_pick_device__falls_back_to_the_cpu(student: Student) -> None:
    """chooses the CPU on a machine without a GPU"""
    expect_device(student.call("pick_device"), "cpu")


# move_batch ----------------------------------------------------------------------------------------------------------


def move(module: Any, inputs: torch.Tensor, labels: torch.Tensor, start: str, device: Any, kind: str) -> dict[str, Any]:
    """A batch that lies on `start` is moved."""
    x, y = inputs.to(start), labels.to(start)
    batch = [x, y] if kind == "list" else (x, y)
    result = module.move_batch(batch, device)
    return {"result": result, "where": where(result), "before": [where(x), where(y)], "batch": where(batch)}


def expect_moved(found: dict[str, Any], inputs: torch.Tensor, labels: torch.Tensor, device: str, start: str = "cpu") -> None:
    """The new batch has the values of the old one, on the device."""
    expect_close(found["result"], (inputs, labels), ("the inputs", "the labels"))
    for name, place in zip(("inputs", "labels"), found["where"], strict=True):
        advice = "Use the device that the function is given."
        if place == start == "cpu":  # no other device was used
            advice = "A tensor's to() returns a copy and leaves the tensor itself where it is: assign its result."
        expect_home(place, device, f"The tensor of {name}", advice)


@devices(2)
def test_move_batch__moves_both(student: Student, rng: torch.Generator) -> None:
    """gives inputs and labels on the GPU that it is told"""
    x, y = normal(rng, 5, 3), labels_for(rng, 5)
    expect_moved(student.run(move, x, y, "cpu", "cuda:1", "list"), x, y, "cuda:1")


@devices(2)
def test_move_batch__takes_device_objects(student: Student, rng: torch.Generator) -> None:
    """takes a torch.device as well as a string, and a tuple as well as a list"""
    x, y = normal(rng, 1, 3, 4, 4), labels_for(rng, 1)
    expect_moved(student.run(move, x, y, "cpu", torch.device("cuda:1"), "tuple"), x, y, "cuda:1")
    expect_moved(student.run(move, x, y, "cpu", torch.device("cuda:0"), "tuple"), x, y, "cuda:0")


@devices(2)
def test_move_batch__moves_from_a_gpu(student: Student, rng: torch.Generator) -> None:
    """moves from one GPU to another, and back to the host"""
    x, y = normal(rng, 4, 2), labels_for(rng, 4)
    expect_moved(student.run(move, x, y, "cuda:0", "cuda:1", "list"), x, y, "cuda:1", "cuda:0")
    expect_moved(student.run(move, x, y, "cuda:1", "cpu", "list"), x, y, "cpu", "cuda:1")
    expect_moved(student.run(move, x, y, "cuda:1", "cuda:1", "list"), x, y, "cuda:1", "cuda:1")


@devices(0)
def test_move_batch__needs_no_gpu(student: Student, rng: torch.Generator) -> None:
    """works on a machine without a GPU"""
    x, y = normal(rng, 3, 2), labels_for(rng, 3)
    expect_moved(student.run(move, x, y, "cpu", "cpu", "list"), x, y, "cpu")
    expect_moved(student.run(move, x, y, "cpu", torch.device("cpu"), "tuple"), x, y, "cpu")


@devices(1)
def test_move_batch__keeps_dtypes(student: Student, rng: torch.Generator) -> None:
    """keeps the dtypes of inputs and labels"""
    x, y = normal(rng, 3, 2, dtype=torch.float64), labels_for(rng, 3)
    result = student.run(move, x, y, "cpu", "cuda:0", "list")["result"]
    expect_close(result, (x, y), ("the inputs", "the labels"))
    expect_equal([str(t.dtype) for t in result], ["torch.float64", "torch.int64"], "the list of dtypes")


@devices(1)
def test_move_batch__leaves_the_batch(student: Student, rng: torch.Generator) -> None:
    """leaves the batch that it is given where it was"""
    x, y = normal(rng, 3, 2), labels_for(rng, 3)
    found = student.run(move, x, y, "cpu", "cuda:0", "list")
    for place in (*found["before"], *found["batch"]):
        expect_home(place, "cpu", "After the call each tensor of the given batch", "Return new ones instead.")


# train_on ------------------------------------------------------------------------------------------------------------


def make_optimizer(name: str) -> Callable[..., torch.optim.Optimizer]:
    if name == "Adagrad":  # makes its state at once, where the parameters are then
        return lambda parameters: torch.optim.Adagrad(parameters, lr=0.05)
    return lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


def train(
    module: Any, state: Tensors, x: torch.Tensor, y: torch.Tensor, size: int, optimizer: str, device: Any, epochs: int
) -> dict[str, Any]:
    """The losses, the trained state, and where everything was."""
    net = build(state)
    loader = DataLoader(TensorDataset(x, y), batch_size=size)
    losses = module.train_on(net, loader, WatchedLoss(), make_optimizer(optimizer), device, epochs)
    return {
        "losses": losses,
        "graph": isinstance(losses, tuple | list) and any(getattr(loss, "requires_grad", False) for loss in losses),
        "state": net.state_dict(),
        "homes": homes(net),
        "inputs": sorted({place for place, *_ in Watched.seen}),
        "labels": sorted({place for _, place in WatchedLoss.seen}),
    }


def look_at_training(
    module: Any, state: Tensors, x: torch.Tensor, y: torch.Tensor, size: int, optimizer: str, device: Any, epochs: int
) -> dict[str, Any]:
    """Where everything was when the first batch came; the error counts in the request that follows."""
    with contextlib.suppress(Exception):
        train(module, state, x, y, size, optimizer, device, epochs)
    return {"network": Watched.seen[:1], "loss": WatchedLoss.seen[:1], "batches": len(Watched.seen)}


def watched_training(student: Student, device: Any, *case: Any) -> dict[str, Any]:
    """What training gives; `case` is state, x, y, size, optimizer, epochs."""
    *inputs, epochs = case
    student.run(look_at_training, *inputs, device, epochs)
    found: dict[str, Any] = student.run(train, *inputs, device, epochs)
    return found


def trained(
    state: Tensors, x: torch.Tensor, y: torch.Tensor, size: int, optimizer: str, epochs: int
) -> tuple[Tensors, list[float], list[float]]:
    """The trained state, and each epoch's mean loss over the batches and over the samples, in float64."""
    net = build(wide(state))
    steps = make_optimizer(optimizer)(net.parameters())
    over_batches, over_samples = [], []
    for _ in range(epochs):
        losses, sizes = [], []
        for inputs, labels in zip(torch.split(x.double(), size), torch.split(y, size), strict=True):
            steps.zero_grad()
            loss = F.cross_entropy(net(inputs), labels)
            loss.backward()
            steps.step()
            losses.append(loss.item())
            sizes.append(len(labels))
        over_batches.append(sum(losses) / len(losses))
        over_samples.append(sum(a * b for a, b in zip(losses, sizes, strict=True)) / len(y))
    return net.state_dict(), over_batches, over_samples


def expect_everything_at(found: dict[str, Any], device: str) -> None:
    """Network, inputs and labels were there, and the network still is."""
    advice = "Move the network before the first batch, and each batch as it comes."
    expect(found["inputs"], "In training the network was not called with any batch of the loader.")
    expect_home(", ".join(found["inputs"]), device, "In training each batch of inputs", advice)
    if found["labels"]:  # a loss may be called by another name
        expect_home(", ".join(found["labels"]), device, "In training the labels of each batch", advice)
    expect_home(", ".join(found["homes"]), device, "After training the network, buffers included,")


def expect_floats(found: dict[str, Any], expected: Tensors, rtol: float = 1e-3, atol: float = 1e-4) -> None:
    floats = {name: tensor for name, tensor in expected.items() if tensor.is_floating_point()}
    expect_state(found["state"], floats, "after training", rtol=rtol, atol=atol)


def expect_losses(losses: Any, over_batches: list[float], over_samples: list[float]) -> None:
    """Either mean is right, but the same one in all epochs."""
    shaped = isinstance(losses, tuple | list) and len(losses) == len(over_samples)
    if shaped and all(isinstance(loss, int | float) or getattr(loss, "ndim", 1) == 0 for loss in losses):
        by_samples = [abs(float(a) - b) for a, b in zip(losses, over_samples, strict=True)]
        by_batches = [abs(float(a) - b) for a, b in zip(losses, over_batches, strict=True)]
        if max(by_samples) < max(by_batches):
            over_batches = over_samples
    names = [f"the mean loss of epoch {number + 1}" for number in range(len(over_batches))]
    expect_close(losses, over_batches, names, rtol=1e-3, atol=1e-4)


@devices(2)
def test_train_on__moves_everything(student: Student, rng: torch.Generator) -> None:
    """moves the network, and the inputs and labels of every batch, to the device that it is told"""
    state, x, y = draw_state(rng, norm=True), normal(rng, 11, FEATURES), labels_for(rng, 11)
    expect_everything_at(watched_training(student, "cuda:1", state, x, y, 4, "SGD", 2), "cuda:1")


@devices(0)
def test_train_on__needs_no_gpu(student: Student, rng: torch.Generator) -> None:
    """works on the CPU of a machine without a GPU"""
    state, x, y = draw_state(rng, norm=True), normal(rng, 10, FEATURES), labels_for(rng, 10)
    expect_everything_at(watched_training(student, torch.device("cpu"), state, x, y, 5, "SGD", 1), "cpu")


@devices(1)
def test_train_on__moves_before_the_optimizer(student: Student, rng: torch.Generator) -> None:
    """makes the optimizer from parameters that are on the GPU already: Adagrad keeps its state where they are then"""
    state, x, y = draw_state(rng, norm=False), normal(rng, 7, FEATURES), labels_for(rng, 7)
    expect_everything_at(watched_training(student, "cuda:0", state, x, y, 3, "Adagrad", 2), "cuda:0")


@devices(1)
def test_train_on__takes_every_step(student: Student, rng: torch.Generator) -> None:
    """takes one step for every batch, the smaller last one too, with the plain gradient of that batch alone"""
    state, x = draw_state(rng, norm=False), 10 * normal(rng, 11, FEATURES)
    state["first.weight"] /= 20
    with torch.no_grad():
        y = build(state)(x).argmin(1)  # wrong for all samples, so that gradients are large
    found = watched_training(student, torch.device("cuda:0"), state, x, y, 4, "SGD", 1)
    expect_floats(found, trained(state, x, y, 4, "SGD", 1)[0])


@devices(1)
def test_train_on__trains_for_epochs(student: Student, rng: torch.Generator) -> None:
    """trains for as many epochs as it is told, all with the same optimizer and with batch norm in train mode"""
    state, x, y = draw_state(rng, norm=True), normal(rng, 10, FEATURES), labels_for(rng, 10)
    found = watched_training(student, "cuda", state, x, y, 5, "SGD", 3)
    expect_floats(found, trained(state, x, y, 5, "SGD", 3)[0])


@devices(1)
def test_train_on__returns_the_mean_losses(student: Student, rng: torch.Generator) -> None:
    """returns the mean loss of each epoch, counted anew in every epoch and every call"""
    state, x, y = draw_state(rng, norm=False), normal(rng, 13, FEATURES), labels_for(rng, 13)
    found = watched_training(student, "cuda:0", state, x, y, 3, "SGD", 3)
    expect_losses(found["losses"], *trained(state, x, y, 3, "SGD", 3)[1:])


@devices(1)
def test_train_on__returns_floats(student: Student, rng: torch.Generator) -> None:
    """returns Python floats, not tensors, which keep memory on the GPU and may keep a whole graph"""
    state, x, y = draw_state(rng, norm=True), normal(rng, 8, FEATURES), labels_for(rng, 8)
    found = watched_training(student, "cuda:0", state, x, y, 4, "SGD", 2)
    losses, graph = found["losses"], " with a graph" if found["graph"] else ""
    message = f"The result should be a list, but it is of type {type(losses).__name__}."
    expect(isinstance(losses, tuple | list), message)
    for loss in losses:
        message = f"Each mean loss should be a float, but one is of type {type(loss).__name__}{graph}. Use item()."
        expect(isinstance(loss, float), message)


@devices(1)
def test_train_on__takes_one_sample(student: Student, rng: torch.Generator) -> None:
    """trains with a single sample, in a batch that has room for more"""
    state, x, y = draw_state(rng, norm=False), normal(rng, 1, FEATURES), labels_for(rng, 1)
    found = watched_training(student, "cuda:0", state, x, y, 4, "SGD", 1)
    expect_floats(found, trained(state, x, y, 4, "SGD", 1)[0])


@devices(1)
def test_train_on__works_in_float64(student: Student, rng: torch.Generator) -> None:
    """trains a network of float64 in float64"""
    state = draw_state(rng, norm=False, dtype=torch.float64)
    x, y = normal(rng, 9, FEATURES, dtype=torch.float64), labels_for(rng, 9)
    found = watched_training(student, "cuda", state, x, y, 9, "SGD", 1)
    expect_floats(found, trained(state, x, y, 9, "SGD", 1)[0], rtol=1e-9, atol=1e-11)


# evaluate_on ---------------------------------------------------------------------------------------------------------


def evaluate(module: Any, state: Tensors, x: torch.Tensor, y: torch.Tensor, size: int, start: str, device: Any) -> dict[str, Any]:
    """The accuracy of a network that is on `start`, where `device` is as well."""
    net = build(state).to(start)
    accuracy = module.evaluate_on(net, DataLoader(TensorDataset(x, y), batch_size=size), device)
    return {
        "accuracy": accuracy,
        "state": net.state_dict(),
        "grads": [name for name, p in net.named_parameters() if p.grad is not None],
        "inputs": sorted({place for place, *_ in Watched.seen}),
    }


def look_at_evaluation(
    module: Any, state: Tensors, x: torch.Tensor, y: torch.Tensor, size: int, start: str, device: Any
) -> list[Any]:
    with contextlib.suppress(Exception):
        evaluate(module, state, x, y, size, start, device)
    return [*Watched.seen[:1], len(Watched.seen)]


def draw_quiz(
    rng: torch.Generator, n: int, wrong: int, dtype: torch.dtype = torch.float32
) -> tuple[Tensors, torch.Tensor, torch.Tensor]:
    """A network, inputs, and labels of which the network misses the first `wrong`."""
    state, x = draw_state(rng, norm=False, dtype=dtype), normal(rng, n, FEATURES, dtype=dtype)
    with torch.no_grad():
        y = build(wide(state))(x.double()).argmax(1)
    y[:wrong] = (y[:wrong] + torch.randint(1, CLASSES, (wrong,), generator=rng)) % CLASSES
    return state, x, y


def check_accuracy(
    student: Student, quiz: tuple[Tensors, torch.Tensor, torch.Tensor], size: int, start: str, device: Any, right: int
) -> None:
    student.run(look_at_evaluation, *quiz, size, start, device)
    found = student.run(evaluate, *quiz, size, start, device)
    expect_close(found["accuracy"], right / len(quiz[2]), "the accuracy")
    expect(not getattr(found["accuracy"], "requires_grad", False), "The accuracy should be a number without a graph.")
    expect_home(", ".join(found["inputs"]), start, "Each batch of inputs")


@devices(2)
def test_evaluate_on__counts_on_the_gpu(student: Student, rng: torch.Generator) -> None:
    """gives the accuracy of a network on the GPU, over all samples, the smaller last batch included"""
    check_accuracy(student, draw_quiz(rng, 11, 3), 4, "cuda:1", "cuda:1", 8)


@devices(0)
def test_evaluate_on__needs_no_gpu(student: Student, rng: torch.Generator) -> None:
    """gives the accuracy on the CPU of a machine without a GPU"""
    check_accuracy(student, draw_quiz(rng, 10, 7), 3, "cpu", torch.device("cpu"), 3)


@devices(1)
def test_evaluate_on__takes_any_batch_size(student: Student, rng: torch.Generator) -> None:
    """gives the accuracy for batches of one sample, for one batch of all and for a single sample, and takes a torch.device"""
    check_accuracy(student, draw_quiz(rng, 5, 2), 1, "cuda:0", torch.device("cuda:0"), 3)
    check_accuracy(student, draw_quiz(rng, 6, 1), 8, "cuda:0", "cuda", 5)
    check_accuracy(student, draw_quiz(rng, 1, 0), 3, "cuda:0", "cuda:0", 1)


@devices(1)
def test_evaluate_on__takes_labels_of_one_class(student: Student, rng: torch.Generator) -> None:
    """gives the accuracy where all labels are of the same class"""
    state, x, y = draw_quiz(rng, 14, 0)
    label = int(y[0])
    check_accuracy(student, (state, x, torch.full_like(y, label)), 4, "cuda:0", "cuda:0", int((y == label).sum()))


@devices(1)
def test_evaluate_on__reaches_both_ends(student: Student, rng: torch.Generator) -> None:
    """gives 1 if every sample is classified correctly and 0 if none is, in float64 too"""
    check_accuracy(student, draw_quiz(rng, 6, 0, torch.float64), 4, "cuda:0", "cuda:0", 6)
    check_accuracy(student, draw_quiz(rng, 7, 7), 4, "cuda:0", "cuda:0", 0)


@devices(1)
def test_evaluate_on__leaves_the_network(student: Student, rng: torch.Generator) -> None:
    """leaves the network's weights as they were and adds no gradients"""
    state, x, y = draw_quiz(rng, 9, 4)
    student.run(look_at_evaluation, state, x, y, 4, "cuda:0", "cuda:0")
    found = student.run(evaluate, state, x, y, 4, "cuda:0", "cuda:0")
    expect_state(found["state"], state, "after the call")
    expect(not found["grads"], "After the call the parameters hold gradients. Evaluation needs no backward.")


# parallelize ---------------------------------------------------------------------------------------------------------


def wrap(module: Any, state: Tensors, x: torch.Tensor) -> dict[str, Any]:
    """What comes back for a network: its kind, what is inside it, and, with a GPU, what it gives for x."""
    net = build(state)
    result = module.parallelize(net)
    inner = getattr(result, "module", None) if isinstance(result, nn.DataParallel) else None
    found: dict[str, Any] = {
        "kinds": [kind.__name__ for kind in type(result).__mro__],
        "same": [result is net, inner is net],
        "state": net.state_dict(),
    }
    if isinstance(result, nn.DataParallel) and torch.cuda.is_available():
        found["output"] = result.to("cuda:0")(x.to("cuda:0"))
        found["used"] = sorted({place for place, *_ in Watched.seen})
    return found


def wrap_each(module: Any, states: list[Tensors], x: torch.Tensor) -> list[dict[str, Any]]:
    """The same for one network after the other."""
    return [wrap(module, state, x) for state in states]


def expect_wrapped(found: dict[str, Any], state: Tensors, x: torch.Tensor) -> None:
    message = f"With several GPUs the result should be an nn.DataParallel, but it is of type {found['kinds'][0]}."
    expect("DataParallel" in found["kinds"], message)
    expect(found["same"][1], "The nn.DataParallel should hold the very network that was given, not a copy.")
    with torch.no_grad():
        expect_close(found["output"], build(wide(state))(x.double()), "the output of the result")
    used = found["used"]
    message = f"A batch of {len(x)} should be spread over several GPUs, but it went to {', '.join(used)} alone."
    expect(len(used) > 1, message)


def expect_itself(found: dict[str, Any], gpus: str) -> None:
    message = f"With {gpus} the result should be the very network that was given, but it is of type"
    expect(found["same"][0], f"{message} {found['kinds'][0]}. Count with torch.cuda.device_count().")


@devices(4)
def test_parallelize__wraps_for_four(student: Student, rng: torch.Generator) -> None:
    """wraps the network in nn.DataParallel on a machine with four GPUs and leaves its weights as they were"""
    state, x = draw_state(rng, norm=False), normal(rng, 8, FEATURES)
    found = student.run(wrap, state, x)
    expect_wrapped(found, state, x)
    expect_state(found["state"], state, "after the call")


@devices(0)
def test_parallelize__leaves_it_without(student: Student, rng: torch.Generator) -> None:
    """returns the network itself on a machine without a GPU"""
    found = student.run(wrap, draw_state(rng, norm=False), normal(rng, 8, FEATURES))
    expect_itself(found, "no GPU")


@devices(1)
def test_parallelize__leaves_it_for_one(student: Student, rng: torch.Generator) -> None:
    """returns the network itself on a machine with one GPU"""
    found = student.run(wrap, draw_state(rng, norm=False), normal(rng, 8, FEATURES))
    expect_itself(found, "one GPU")


@devices(2)
def test_parallelize__wraps_for_two(student: Student, rng: torch.Generator) -> None:
    """wraps the network in nn.DataParallel on a machine with two GPUs"""
    states, x = [draw_state(rng, norm=False) for _ in range(2)], normal(rng, 8, FEATURES)
    for found, state in zip(student.run(wrap_each, states, x), states, strict=True):
        expect_wrapped(found, state, x)


# split_sizes ---------------------------------------------------------------------------------------------------------


def split_each(module: Any, cases: list[list[int]]) -> list[Any]:
    return [module.split_sizes(batch, gpus) for batch, gpus in cases]


def check_splits(student: Student, cases: list[list[int]]) -> None:
    for (batch, gpus), found in zip(cases, student.run(split_each, cases), strict=True):
        expected = [len(part) for part in torch.arange(batch).chunk(gpus)]
        expect_equal(found, expected, f"the list of sizes for split_sizes({batch}, {gpus})")


def test_split_sizes__matches_data_parallel(student: Student, rng: torch.Generator) -> None:
    """gives the sizes that nn.DataParallel gives, for any batch and number of GPUs"""
    drawn = [[int(torch.randint(20, 200, (), generator=rng)), gpus] for gpus in range(2, 9)]
    check_splits(student, [[30, 4], [10, 4], [2, 4], *drawn])


def test_split_sizes__may_leave_gpus_idle(student: Student, rng: torch.Generator) -> None:
    """leaves out GPUs that get nothing: parts are rounded up, so 5 samples fill 3 of 4 GPUs"""
    drawn = [[int(torch.randint(1, gpus + 4, (), generator=rng)), gpus] for gpus in range(2, 12)]
    check_splits(student, [[5, 4], [1, 8], [3, 8], [9, 8], *drawn])


def test_split_sizes__divides_evenly(student: Student, rng: torch.Generator) -> None:
    """gives equal parts where the batch can be divided, and one part for one GPU"""
    part = int(torch.randint(1, 9, (), generator=rng))
    check_splits(student, [[3 * part, 3], [8 * part, 8], [part, 1], [1, 1], [17, 17], [16, 17], [18, 17]])


def test_split_sizes__gives_whole_numbers(student: Student, rng: torch.Generator) -> None:
    """gives ints, which can be indices"""
    batch = int(torch.randint(5, 50, (), generator=rng))
    for size in student.call("split_sizes", batch, 4):
        found = size.item() if isinstance(size, torch.Tensor) and size.dim() == 0 else size
        expect(isinstance(found, int), f"Each size should be an int, but it is of type {type(found).__name__}.")


# data_parallel -------------------------------------------------------------------------------------------------------


def spread(module: Any, state: Tensors, x: torch.Tensor, places: list[Any]) -> dict[str, Any]:
    net = build(state).to(places[0])
    inputs = x.to(places[0])
    result = module.data_parallel(net, inputs, places)
    return {
        "result": result,
        "where": where(result),
        "used": sorted({place for place, *_ in Watched.seen}),
        "homes": homes(net),
        "state": net.state_dict(),
        "inputs": inputs,
    }


def look_at_replicas(module: Any, state: Tensors, x: torch.Tensor, places: list[Any]) -> list[Any]:
    """Where each part of the batch and each replica was."""
    with contextlib.suppress(Exception):
        spread(module, state, x, places)
    return sorted(Watched.seen)


def spread_images(module: Any, weight: torch.Tensor, scale: torch.Tensor, x: torch.Tensor, places: list[Any]) -> Any:
    """A convolution and a batch norm in eval mode, one inside the other."""
    net = nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()))
    net[0].weight.data.copy_(weight)
    net[1][0].running_var.copy_(scale)
    result = module.data_parallel(net.eval().to(places[0]), x.to(places[0]), places)
    return {"result": result, "where": where(result)}


def check_spread(student: Student, state: Tensors, x: torch.Tensor, places: list[Any], busy: int) -> dict[str, Any]:
    """Compare with net(x) in float64; at least `busy` devices must have computed."""
    student.run(look_at_replicas, state, x, places)
    found: dict[str, Any] = student.run(spread, state, x, places)
    with torch.no_grad():
        expect_close(found["result"], build(wide(state))(x.double()), "the result")
    expect_home(found["where"], str(places[0]), "The result", "Gather on the first of the devices.")
    used, allowed = found["used"], {str(place) for place in places}
    message = f"The parts should be computed on {', '.join(sorted(allowed))}, but they were on {', '.join(used)}."
    expect(len(used) >= busy and set(used) <= allowed, message)
    return found


@devices(4)
def test_data_parallel__equals_the_network(student: Student, rng: torch.Generator) -> None:
    """gives what the network gives for the whole batch, computed in parts on two GPUs, gathered on the first"""
    check_spread(student, draw_state(rng, norm=False), normal(rng, 7, FEATURES), ["cuda:0", "cuda:1"], 2)


@devices(4)
def test_data_parallel__takes_any_devices(student: Student, rng: torch.Generator) -> None:
    """works with any GPUs in any order: the first one is where the result is gathered"""
    state, x = draw_state(rng, norm=False), normal(rng, 9, FEATURES)
    check_spread(student, state, x, [torch.device("cuda:2"), torch.device("cuda:0"), torch.device("cuda:3")], 3)
    check_spread(student, state, x, ["cuda:3", "cuda:1"], 2)


@devices(4)
def test_data_parallel__takes_few_samples(student: Student, rng: torch.Generator) -> None:
    """works with fewer samples than GPUs: some of them have nothing to do"""
    state = draw_state(rng, norm=False)
    places = [f"cuda:{i}" for i in range(4)]
    check_spread(student, state, normal(rng, 2, FEATURES), places, 1)  # one device may do for so few
    check_spread(student, state, normal(rng, 1, FEATURES), places, 1)
    check_spread(student, state, normal(rng, 5, FEATURES), places, 2)


@devices(1)
def test_data_parallel__takes_one_device(student: Student, rng: torch.Generator) -> None:
    """works with a single GPU, in float64 too, and for a single sample"""
    state = draw_state(rng, norm=False, dtype=torch.float64)
    for n in (4, 1):
        check_spread(student, state, normal(rng, n, FEATURES, dtype=torch.float64), ["cuda:0"], 1)


@devices(2)
def test_data_parallel__takes_images(student: Student, rng: torch.Generator) -> None:
    """works for a convolutional network with buffers, in eval mode"""
    weight, scale = normal(rng, 3, 2, 3, 3), 0.5 + torch.rand(3, generator=rng)
    x = normal(rng, 3, 2, 5, 6)
    found = student.run(spread_images, weight, scale, x, ["cuda:1", "cuda:0"])
    maps = F.conv2d(x.double(), weight.double()) / (scale.double() + 1e-5).sqrt().view(3, 1, 1)
    expect_close(found["result"], maps.flatten(1), "the result")
    expect_home(found["where"], "cuda:1", "The result")


@devices(2)
def test_data_parallel__leaves_its_arguments(student: Student, rng: torch.Generator) -> None:
    """leaves the network on the first GPU, and weights and inputs as they were"""
    state, x = draw_state(rng, norm=False), normal(rng, 6, FEATURES)
    found = check_spread(student, state, x, ["cuda:0", "cuda:1"], 2)
    expect_home(", ".join(found["homes"]), "cuda:0", "After the call the network", "Send out replicas of it.")
    expect_state(found["state"], state, "after the call")
    expect_unchanged(found["inputs"], x, "the tensor of inputs")


# save_portable -------------------------------------------------------------------------------------------------------


def plain(state: Tensors) -> nn.Module:
    """A network of torch's own layers, which a learner may by mistake save as a whole."""
    layers = OrderedDict(first=nn.Linear(6, 5), norm=nn.BatchNorm1d(5), last=nn.Linear(5, 3))
    net = nn.Sequential(layers).to(state["first.weight"].dtype)
    net.load_state_dict(state)
    return net


def draw_plain_state(rng: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensors:
    return {name: tensor for name, tensor in draw_state(rng, norm=True, dtype=dtype).items() if name != "scale"}


def save(module: Any, state: Tensors, start: str, wrapper: str, path_kind: str) -> dict[str, Any]:
    """What the file of a network on `start` holds, where its tensors were saved, and where the network is then."""
    net = plain(state).to(start)
    content: Any = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        module.save_portable(nn.DataParallel(net) if wrapper else net, path if path_kind == "Path" else str(path))
        with contextlib.suppress(Exception):  # the file is not there, or holds more than tensors
            content = torch.load(path, weights_only=True)
    dtypes = {name: str(t.dtype) for name, t in content.items()} if isinstance(content, dict) else {}
    return {"content": content, "where": where(content), "dtypes": dtypes, "homes": homes(net), "state": net.state_dict()}


def nested(*, inner: bool = False) -> nn.Module:
    """Its names hold `module.` at the front, behind other letters and in the middle; those of an inner one only at the front."""
    layers: dict[str, nn.Module] = {"module": nn.Linear(2, 3)}
    if not inner:
        layers |= {
            "submodule": nn.BatchNorm1d(3),
            "medulla": nn.Sequential(OrderedDict(module=nn.Linear(3, 4, bias=False))),
        }
    return nn.Sequential(OrderedDict(layers))


def save_nested(module: Any, state: Tensors, wrapper: str) -> Any:
    """What the file of a network holds whose own layers are called module and submodule."""
    net = nested(inner=all(name.startswith("module.") for name in state)).to("cuda:0")
    net.load_state_dict(state)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nested.pt"
        module.save_portable(nn.DataParallel(net) if wrapper else net, path)
        with contextlib.suppress(Exception):  # as above: judged outside
            return torch.load(path, weights_only=True)


def check_file(found: dict[str, Any], state: Tensors) -> None:
    """The names, values, dtypes and devices in the file."""
    expect(isinstance(found["content"], dict), NO_STATE_DICT)
    prefixed = {f"module.{name}" for name in state} & found["content"].keys()
    message = "Names in the file begin with module., the name that nn.DataParallel gives to the network inside it."
    expect(not prefixed, message)
    expect_equal(sorted(found["content"]), sorted(state), "the list of names in the file")
    expect_state(found["content"], state, "in the file")
    expect_equal(found["dtypes"], {name: str(tensor.dtype) for name, tensor in state.items()}, "the dtype")
    for name, place in found["where"].items():
        expect_home(place, "cpu", f"In the file {name}", "Bring the tensors to the host before saving.")


@devices(1)
def test_save_portable__saves_from_a_gpu(student: Student, rng: torch.Generator) -> None:
    """saves the parameters and buffers of a network on the GPU as CPU tensors"""
    state = draw_plain_state(rng)
    check_file(student.run(save, state, "cuda:0", "", "str"), state)


@devices(2)
def test_save_portable__unwraps(student: Student, rng: torch.Generator) -> None:
    """saves a network in nn.DataParallel under the names of the network itself"""
    state = draw_plain_state(rng)
    check_file(student.run(save, state, "cuda:0", "DataParallel", "Path"), state)


@devices(0)
def test_save_portable__needs_no_gpu(student: Student, rng: torch.Generator) -> None:
    """works on a machine without a GPU, wrapped or not, in float64 too"""
    state = draw_plain_state(rng, torch.float64)
    check_file(student.run(save, state, "cpu", "", "Path"), state)
    check_file(student.run(save, state, "cpu", "DataParallel", "str"), state)


@devices(1)
def test_save_portable__keeps_other_names(student: Student, rng: torch.Generator) -> None:
    """takes nothing but the wrapper's prefix away: layers of the network that are called module or submodule keep their names"""
    for inner, wrapper in itertools.product((False, True), ("", "DataParallel")):
        state = {
            name: normal(rng, *tensor.shape).abs() if tensor.is_floating_point() else tensor
            for name, tensor in nested(inner=inner).state_dict().items()
        }
        found = student.run(save_nested, state, wrapper)
        expect(isinstance(found, dict), NO_STATE_DICT)
        given = "in nn.DataParallel" if wrapper else "that is not wrapped"
        expect_equal(sorted(found), sorted(state), f"the list of names in the file of a network {given}")
        expect_state(found, state, "in the file")


@devices(2)
def test_save_portable__leaves_the_network(student: Student, rng: torch.Generator) -> None:
    """leaves the network on its GPU with its weights, so that training can go on"""
    state = draw_plain_state(rng)
    for wrapper in ("", "DataParallel"):
        found = student.run(save, state, "cuda:0", wrapper, "str")
        advice = "Copy the tensors of the state_dict instead of moving the network."
        expect_home(", ".join(found["homes"]), "cuda:0", "After the call the network", advice)
        expect_state(found["state"], state, "after the call")


# load_on -------------------------------------------------------------------------------------------------------------


def file_of(state: Tensors, place: str) -> torch.Tensor:
    """The bytes of a state_dict's file that says its tensors were saved on `place`."""
    buffer = io.BytesIO()
    with mock.patch.object(torch.serialization, "location_tag", return_value=place):
        torch.save(state, buffer)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def load(module: Any, content: torch.Tensor, start: Tensors, device: Any, path_kind: str) -> dict[str, Any]:
    """A network with other weights loads a file with this content."""
    net = build(start)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        path.write_bytes(content.numpy().tobytes())
        result = module.load_on(net, path if path_kind == "Path" else str(path), device)
    found: dict[str, Any] = {"kind": type(result).__name__, "state": net.state_dict(), "homes": homes(net)}
    if isinstance(result, nn.Module):
        found |= {"result state": result.state_dict(), "result homes": homes(result)}
    return found


def check_loaded(student: Student, rng: torch.Generator, place: str, device: Any, path_kind: str, *, norm: bool = True) -> None:
    """Load a file whose tensors were saved on `place`."""
    state, start = draw_state(rng, norm=norm), draw_state(rng, norm=norm)
    found = student.run(load, file_of(state, place), start, device, path_kind)
    expect_state(found["state"], state, "of the network after the call")
    home = "cuda:0" if str(device) == "cuda" else str(device)
    expect_home(", ".join(found["homes"]), home, "After the call the network, buffers included,")
    message = f"The result should be the network, but it is of type {found['kind']}. Return net."
    expect("result state" in found, message)
    expect_state(found["result state"], state, "of the network that is returned")
    expect_home(", ".join(found["result homes"]), home, "The network that is returned")


@devices(2)
def test_load_on__loads_and_moves(student: Student, rng: torch.Generator) -> None:
    """loads a file of CPU tensors into the network and moves it to the GPU it is told"""
    check_loaded(student, rng, "cpu", "cuda:1", "str")


@devices(0)
def test_load_on__brings_gpu_weights_to_the_cpu(student: Student, rng: torch.Generator) -> None:
    """loads weights that were saved on a GPU on a machine without one: torch.load needs map_location"""
    check_loaded(student, rng, "cpu", "cpu", "str")
    check_loaded(student, rng, "cuda:0", "cpu", "str")


@devices(1)
def test_load_on__maps_a_gpu_that_is_lacking(student: Student, rng: torch.Generator) -> None:
    """loads weights that were saved on cuda:3 on a machine with one GPU: torch.load needs map_location"""
    check_loaded(student, rng, "cuda:3", "cuda:0", "Path")
    check_loaded(student, rng, "cuda:3", "cpu", "str")


@devices(2)
def test_load_on__takes_device_objects(student: Student, rng: torch.Generator) -> None:
    """takes a torch.device as well as a string, and a Path as well as a string"""
    check_loaded(student, rng, "cuda:0", torch.device("cuda:1"), "Path", norm=False)
    check_loaded(student, rng, "cuda:1", torch.device("cpu"), "str", norm=False)


# ddp_train -----------------------------------------------------------------------------------------------------------


class Noting(nn.Module):
    """(N, 6) → (N, 3), without buffers, as the task says. It keeps a copy of each batch that it is trained with."""

    batches: list[torch.Tensor] = []  # of the class: a copy of the network notes in the same list  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.last = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and torch.is_grad_enabled():
            self.batches.append(x.detach().cpu().clone())
        return self.last(torch.tanh(self.first(x)))


def train_together(
    module: Any,
    rank: int,
    world_size: int,
    init_method: str,
    state: Tensors,
    x: torch.Tensor,
    y: torch.Tensor,
    size: int,
    epochs: int,
    lr: float,
) -> dict[str, Any]:
    """One rank, with weights and samples of its own: what others train with, it can only be told by them."""
    net, called = Noting(), list[str]()
    net.load_state_dict(state)
    watch = nn.modules.module.register_module_forward_pre_hook(lambda layer, _: called.append(type(layer).__name__))
    found = module.ddp_train(rank, world_size, init_method, net, TensorDataset(x, y), size, epochs, lr)
    watch.remove()
    return {
        "state": found,
        "where": where(found),
        "batches": net.batches,
        "wrapped": called.count("DistributedDataParallel"),  # tells two ways apart in which nothing is averaged
        "initialized": torch.distributed.is_initialized(),
    }


def draw_rank_state(rng: torch.Generator) -> Tensors:
    return {name: 0.6 * normal(rng, *tensor.shape) for name, tensor in Noting().state_dict().items()}


def rows_of(batches: list[torch.Tensor], x: torch.Tensor) -> list[list[int]]:
    """Which samples a rank was trained with, batch by batch."""
    return [[int((x == row).all(1).float().argmax()) for row in batch] for batch in batches]


def expect_shares(shares: list[list[list[int]]], n: int, size: int, epochs: int) -> None:
    """Each rank takes its share of the samples in each epoch, in batches of `size`, and together they take all."""
    world = len(shares)
    counts = {-(-n // world), n // world}  # the sampler may fill up the last share or leave samples out
    for rank, batches in enumerate(shares):
        sizes = [len(batch) for batch in batches]
        expect(sizes, f"In process {rank} the network was never called in train mode with gradients on.")
        message = f"Process {rank} trained with all {n} samples in each epoch. DistributedSampler gives each its share."
        expect(world == 1 or sum(sizes) != n * epochs, message)
        message = (f"batch_size counts the samples of each process: batches of {size} were expected, but process {rank} "
                   f"took batches of up to {max(sizes)}.")  # fmt: skip
        expect(max(sizes) == size, message)
        expected = [[len(part) for part in torch.split(torch.arange(count), size)] * epochs for count in counts]
        message = (f"In {epochs} epoch(s) process {rank} should train with its share of the {n} samples in batches of "
                   f"{size}, the last one smaller, but its batches had the sizes {sizes[:12]}.")  # fmt: skip
        expect(sizes in expected, message)
    expect(len({len(batches) for batches in shares}) == 1, "The processes took different numbers of batches.")
    per_epoch = len(shares[0]) // epochs
    for epoch in range(epochs):
        chosen = [batches[epoch * per_epoch : (epoch + 1) * per_epoch] for batches in shares]
        taken = {row for batches in chosen for batch in batches for row in batch}
        message = (f"In one epoch the {world} processes together trained with {len(taken)} of the {n} samples only: "
                   "does the sampler know how many processes there are, and which one this is?")  # fmt: skip
        expect(len(taken) >= min(counts) * world, message)


def replay(state: Tensors, shares: list[list[list[int]]], xs: list[torch.Tensor], ys: list[torch.Tensor], lr: float) -> Tensors:
    """SGD of a single process in float64, with the mean of the gradients that the ranks' batches give, each of its samples."""
    net = Noting().double()
    net.load_state_dict(wide(state))
    for batches in zip(*shares, strict=True):
        net.zero_grad()
        losses = [F.cross_entropy(net(x[rows].double()), y[rows]) for x, y, rows in zip(xs, ys, batches, strict=True)]
        torch.stack(losses).mean().backward()
        with torch.no_grad():
            for p in net.parameters():
                p.sub_(lr * p.grad)
    return {name: tensor.detach() for name, tensor in net.state_dict().items()}


def check_training(
    student: Student, rng: torch.Generator, world: int, n: int, size: int, epochs: int, *, alike: bool = True
) -> None:
    """Train with `world` processes and compare with a single one that sees what all of them saw.

    Each has a data set of its own, though of the same length: nobody can compute what another's share would have given.
    """
    states = [draw_rank_state(rng) for _ in range(world)]
    if alike:
        states = [states[0]] * world
    xs, ys, lr = [normal(rng, n, FEATURES) for _ in range(world)], [labels_for(rng, n) for _ in range(world)], 0.3
    found = student.ranks(train_together, world, PerRank(states), PerRank(xs), PerRank(ys), size, epochs, lr)
    shares = [rows_of(rank["batches"], x) for rank, x in zip(found, xs, strict=True)]
    expect_shares(shares, n, size, epochs)
    trained = [plain_names(rank["state"]) for rank in found]
    for rank, state in enumerate(trained[1:], 1):
        same = all(torch.allclose(state[name], tensor, rtol=1e-5, atol=1e-6) for name, tensor in trained[0].items())
        if not alike:
            reason = "The wrapper gives every process the weights of process 0 when it is made."
        elif found[rank]["wrapped"]:
            reason = "The gradients were not averaged over the processes in every step."
        else:
            reason = "Only calls of a DistributedDataParallel wrapper average the gradients over the processes."
        expect(same, f"Processes 0 and {rank} ended with different weights. {reason}")
    expected = replay(states[0], shares, xs, ys, lr)
    expect_state(trained[0], expected, "after training", rtol=1e-3, atol=1e-4)


def plain_names(state: Any) -> Any:
    """A state_dict without the wrapper's prefix, which a check of its own asks about."""
    message = f"The result should be a state_dict, but it is of type {type(state).__name__}."
    expect(isinstance(state, dict), message)
    plain = {str(name).removeprefix("module."): value for name, value in state.items()}
    expected = {name: tuple(tensor.shape) for name, tensor in Noting().state_dict().items()}
    shapes = {name: tuple(value.shape) for name, value in plain.items() if isinstance(value, torch.Tensor)}
    expect_equal(shapes, expected, "the shape in the state_dict")
    return plain


def test_ddp_train__trains_as_one(student: Student, rng: torch.Generator) -> None:
    """trains two processes as one: each with its share of the samples, both with the averaged gradients"""
    check_training(student, rng, 2, 20, 4, 1)


def test_ddp_train__trains_for_epochs(student: Student, rng: torch.Generator) -> None:
    """trains for several epochs, each over all samples"""
    check_training(student, rng, 2, 12, 4, 3)


def test_ddp_train__starts_alike(student: Student, rng: torch.Generator) -> None:
    """starts every process from the weights of process 0, as DistributedDataParallel does"""
    check_training(student, rng, 2, 8, 4, 1, alike=False)


def test_ddp_train__takes_three_processes(student: Student, rng: torch.Generator) -> None:
    """works with three processes and a number of samples that three does not divide"""
    check_training(student, rng, 3, 10, 3, 1)


def test_ddp_train__takes_one_process(student: Student, rng: torch.Generator) -> None:
    """works with a single process, with labels of one class, and with a single sample"""
    for n, epochs in ((7, 2), (1, 1)):
        state, x, y = draw_rank_state(rng), normal(rng, n, FEATURES), torch.full((n,), CLASSES - 1)
        (found,) = student.ranks(train_together, 1, state, x, y, 3, epochs, 0.2)
        shares = [rows_of(found["batches"], x)]
        expect_shares(shares, n, min(n, 3), epochs)
        expected = replay(state, shares, [x], [y], 0.2)
        expect_state(plain_names(found["state"]), expected, "after training", rtol=1e-3, atol=1e-4)


def test_ddp_train__leaves_nothing_behind(student: Student, rng: torch.Generator) -> None:
    """gives CPU tensors under the network's own names, and destroys the process group"""
    state, x, y = draw_rank_state(rng), normal(rng, 5, FEATURES), labels_for(rng, 5)
    (found,) = student.ranks(train_together, 1, state, x, y, 4, 1, 0.1)
    plain_names(found["state"])
    message = "The names in the state_dict begin with module., the wrapper's name for the network inside it."
    expect(not any(str(name).startswith("module.") for name in found["state"]), f"{message} Return net.state_dict().")
    for name, place in found["where"].items():
        expect_home(place, "cpu", f"In the state_dict {name}")
    message = "After the call the process group is still there. Call torch.distributed.destroy_process_group()."
    expect(found["initialized"] is False, message)
