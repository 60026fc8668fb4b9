"""Hidden checks of 03_nn.

Weights, images and gradients are drawn on this side and go to networks that the probes build beside the learner's
module; expected values come from the same networks in float64 on this side. Only the checks of `Net` and
`num_flat_features` touch the learner's `Net`. Some inputs have the sizes of the public examples and other values, and
some stand on the edge of a rule: a ReLU at 0, equal pixels, one sample, one output, no layer, no step.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from autograder import Mismatch, Student, expect, expect_close, expect_equal, expect_unchanged

Tensors = dict[str, torch.Tensor]  # parameters or gradients by name
Batches = list[tuple[torch.Tensor, torch.Tensor]]


def normal(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Normally distributed values of this shape."""
    return torch.randn(*shape, generator=rng, dtype=dtype)


def integer(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def number(rng: torch.Generator, low: float, high: float) -> float:
    """A number between low and high."""
    return low + (high - low) * float(torch.rand((), generator=rng, dtype=torch.float64))


def build(kind: str, weights: Tensors) -> nn.Module:
    """A small network with these parameters, in their dtype, and a buffer."""
    if kind == "line":  # (N, 1) → (N, 1)
        net: nn.Module = nn.Linear(1, 1)
    elif kind == "fork":  # (N, 1) → (N, 2)
        net = nn.Linear(1, 2)
    elif kind == "pair":  # (N, 2) → (N, 1)
        net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    elif kind == "one":  # (N, 7) → (N, 1)
        net = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 1))
    elif kind == "mlp":  # (N, 7) → (N, 3)
        net = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 3))
    elif kind == "named":  # (N, 7) → (N, 4), dotted names
        body = nn.Sequential(OrderedDict(first=nn.Linear(7, 6), act=nn.Sigmoid(), second=nn.Linear(6, 5, bias=False)))
        net = nn.Sequential(OrderedDict(body=body, act=nn.Tanh(), head=nn.Linear(5, 4)))
    elif kind == "norm":  # (N, 7) → (N, 3), with buffers
        net = nn.Sequential(nn.Linear(7, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))
    else:  # (N, 2, 6, 6) → (N, 4)
        net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 4))
    net.register_buffer("calls", torch.zeros(3), persistent=False)
    net.to(next(iter(weights.values())).dtype if weights else torch.float32)
    net.load_state_dict(weights, strict=False)
    return net


def draw_weights(kind: str, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensors:
    """Random parameters, or gradients, of a network of this kind by name."""
    return {name: 0.6 * normal(rng, *p.shape, dtype=dtype) for name, p in build(kind, {}).named_parameters()}


def hold(net: nn.Module, grads: Tensors) -> None:
    """Give the parameters these gradients, as an earlier backward would have left them."""
    for name, p in net.named_parameters():
        p.grad = grads[name].clone() if name in grads else None


def held(net: nn.Module) -> Tensors:
    """Each parameter's gradient by name; zeros where there is none."""
    return {name: torch.zeros_like(p) if p.grad is None else p.grad.clone() for name, p in net.named_parameters()}


def values(net: nn.Module) -> Tensors:
    """A copy of each parameter by name."""
    return {name: p.detach().clone() for name, p in net.named_parameters()}


def wide(tensors: Tensors) -> Tensors:
    """The same in float64."""
    return {name: tensor.double() for name, tensor in tensors.items()}


def expect_inputs_kept(reply: Any, inputs: Tensors) -> None:
    """Fail unless the reply has these tensors under their names, with values and requires_grad as they were."""
    expect_close(reply, inputs, rtol=0.0, atol=0.0)
    for name, tensor in inputs.items():
        expect_unchanged(reply[name], tensor, name)


def expect_whole(found: Any, name: str) -> None:
    """Fail unless a number is a whole one by type: sizes are used to make layers and to reshape."""
    if isinstance(found, torch.Tensor) and found.dim() == 0:
        found = found.item()
    message = f"{name} should be an int, but it is of type {type(found).__name__}."
    expect(isinstance(found, int) and not isinstance(found, bool), message)


def expect_no_graph(found: Any, name: str) -> None:
    """Fail if a number, or one of several, is a tensor that holds a graph."""
    items = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list | tuple) else [found]
    attached = any(isinstance(item, torch.Tensor) and item.requires_grad for item in items)
    expect(not attached, f"{name} still holds its graph, and so all the memory of the step. Return its value alone.")


# Net -----------------------------------------------------------------------------------------------------------------

PARAMETERS = (
    ("conv1.weight", (6, 1, 3, 3)), ("conv1.bias", (6,)), ("conv2.weight", (16, 6, 3, 3)), ("conv2.bias", (16,)),
    ("fc1.weight", (120, 576)), ("fc1.bias", (120,)), ("fc2.weight", (84, 120)), ("fc2.bias", (84,)),
    ("fc3.weight", (10, 84)), ("fc3.bias", (10,)),
)  # fmt: skip


def net_weights(rng: torch.Generator) -> Tensors:
    """Random parameters of Net that keep the size of the values from layer to layer."""
    return {
        name: normal(rng, *shape) * (math.sqrt(2 / math.prod(shape[1:])) if len(shape) > 1 else 0.5) for name, shape in PARAMETERS
    }


def net_outputs(weights: Tensors, images: torch.Tensor) -> torch.Tensor:
    """Scores (N, 10) in float64."""
    w = wide(weights)
    x = images.double()
    for layer in ("conv1", "conv2"):
        x = F.max_pool2d(F.relu(F.conv2d(x, w[f"{layer}.weight"], w[f"{layer}.bias"])), 2)
    x = x.flatten(1)
    for layer in ("fc1", "fc2"):
        x = F.relu(F.linear(x, w[f"{layer}.weight"], w[f"{layer}.bias"]))
    return F.linear(x, w["fc3.weight"], w["fc3.bias"])


def parameter_shapes(module: Any) -> Any:
    """The shapes of what a new Net holds by name, or what Net() is if it is no network."""
    net = module.Net()
    return {name: tuple(t.shape) for name, t in net.state_dict().items()} if isinstance(net, nn.Module) else type(net).__name__


def parameter_count(module: Any) -> int:
    """How many numbers a new Net can learn."""
    return sum(p.numel() for p in module.Net().parameters())


def run_net(module: Any, weights: Tensors, batches: list[tuple[torch.Tensor, bool]]) -> list[torch.Tensor]:
    """Outputs of one Net with these parameters for batch after batch, each in train mode or not."""
    net = module.Net()
    net.load_state_dict(weights, strict=False)
    return [net.train(training)(x) for x, training in batches]


def run_two_nets(module: Any, first: Tensors, second: Tensors, x: torch.Tensor) -> list[torch.Tensor]:
    """Outputs of two networks that are alive at the same time."""
    nets = [module.Net(), module.Net()]
    nets[0].load_state_dict(first, strict=False)
    nets[1].load_state_dict(second, strict=False)
    return [net(x) for net in nets]


def images_after(module: Any, x: torch.Tensor) -> torch.Tensor:
    """The images as a forward leaves them."""
    module.Net()(x)
    return x


def reached(module: Any, weights: Tensors, x: torch.Tensor, grad: torch.Tensor) -> Any:
    """The sum of the sizes of each parameter's gradient after a backward from the scores; {} if they have no graph."""
    net = module.Net()
    net.load_state_dict(weights, strict=False)
    scores = net(x)
    if not isinstance(scores, torch.Tensor) or not scores.requires_grad:
        return {}
    scores.backward(grad)
    slopes = {name: net.get_parameter(name).grad for name in weights}  # a layer may have other names besides
    return {name: 0.0 if slope is None else float(slope.abs().sum()) for name, slope in slopes.items()}


def expect_layers(found: Any) -> None:
    """Fail unless the network has the five layers, with a word on the sizes that are most often wrong."""
    text = f"Net() gives something of type {found}, which is no network: derive the class from nn.Module."
    expect(not isinstance(found, str), text)
    shapes = {str(name): tuple(shape) for name, shape in found.items()} if isinstance(found, dict) else {}
    for name, shape in PARAMETERS:
        has = shapes.get(name)
        expect(has is not None, f"The network has no parameter {name}. It has {', '.join(shapes) or 'no parameters'}.")
        expect(has == shape, f"{name} has shape {has}: {advice(name, has or ())}.")


def advice(name: str, has: tuple[int, ...]) -> str:
    """What to look at where a parameter has the wrong shape."""
    layer = name.partition(".")[0]
    if layer.startswith("conv") and len(has) == 4 and has[2:] != (3, 3):
        five = ", as in PyTorch's own tutorial of today" if has[2:] == (5, 5) else ""
        return f"these are {has[2]}x{has[3]} kernels{five}, but here they are 3x3, which leaves 16·6·6 = 576 numbers for fc1"
    if name == "fc1.weight" and has[:1] == (120,):
        five = "; 16·5·5 = 400 belongs to 5x5 kernels" if has[1:] == (400,) else ""
        return f"two 3x3 convolutions, each with a pooling, leave 16·6·6 = 576 numbers for fc1{five}"
    return f"look at the sizes that {layer} is made with"


def expect_scores(student: Student, weights: Tensors, batches: list[tuple[torch.Tensor, bool]], names: list[str]) -> None:
    expected = [net_outputs(weights, x) for x, _ in batches]
    found = student.run(run_net, weights, batches)
    expect_close(found, expected, names, rtol=1e-3, atol=1e-4, dtype=torch.float32)


def test_Net__computes_the_scores(student: Student, rng: torch.Generator) -> None:
    """has the five layers by name, and computes from their parameters the scores of the network described"""
    expect_layers(student.run(parameter_shapes))
    expect_scores(student, net_weights(rng), [(normal(rng, 5, 1, 32, 32), True)], ["the network's output"])


def test_Net__takes_a_single_image(student: Student, rng: torch.Generator) -> None:
    """gives a batch of one image scores of shape (1, 10)"""
    expect_scores(student, net_weights(rng), [(normal(rng, 1, 1, 32, 32), True)], ["the output for one image"])


def test_Net__takes_batch_after_batch(student: Student, rng: torch.Generator) -> None:
    """takes batches of any size one after another, and keeps nothing from one call to the next"""
    a, b, c = normal(rng, 3, 1, 32, 32), normal(rng, 3, 1, 32, 32), 2 * normal(rng, 8, 1, 32, 32) + 1
    batches = [a, b, c, a[:2], a]
    names = [f"the output for batch {i + 1} of several" for i in range(len(batches))]
    expect_scores(student, net_weights(rng), [(x, True) for x in batches], names)


def test_Net__does_the_same_in_both_modes(student: Student, rng: torch.Generator) -> None:
    """computes the same in eval mode and in train mode"""
    x = normal(rng, 4, 1, 32, 32)
    names = ["the output in eval mode", "the output in train mode", "the output in eval mode again"]
    expect_scores(student, net_weights(rng), [(x, False), (x, True), (x, False)], names)


def test_Net__has_no_other_parameters(student: Student) -> None:
    """has 81,194 parameters and no others"""
    count = student.run(parameter_count)
    expect_equal(count, sum(math.prod(shape) for _, shape in PARAMETERS), "the number of parameters")


def test_Net__leaves_the_images_alone(student: Student, rng: torch.Generator) -> None:
    """leaves the images as they are"""
    images = normal(rng, 3, 1, 32, 32)
    expect_unchanged(student.run(images_after, images), images, "the batch of images")


def test_Net__stands_on_the_edges(student: Student, rng: torch.Generator) -> None:
    """gives the right scores where values before a ReLU are exactly 0 and pixels of one pooling window are equal"""
    weights = {name: torch.randint(-1, 2, shape, generator=rng).float() for name, shape in PARAMETERS}
    images = torch.randint(-1, 2, (2, 1, 32, 32), generator=rng).float()
    flat = torch.full((1, 1, 32, 32), 2.0)
    names = ["the output for images of -1, 0 and 1", "the output for an image of equal pixels", "the output for a black image"]
    expect_scores(student, weights, [(images, True), (flat, True), (0 * flat, True)], names)


def test_Net__can_learn(student: Student, rng: torch.Generator) -> None:
    """gives scores from which backward reaches every parameter"""
    found = student.run(reached, net_weights(rng), normal(rng, 6, 1, 32, 32), normal(rng, 6, 10))
    text = "The scores hold no graph, so that the network cannot learn: detach(), data, item() and no_grad cut it off."
    expect(isinstance(found, dict) and found, text)
    for name, _ in PARAMETERS:
        expect(isinstance(found.get(name), float) and found[name] > 0, f"Backward from the scores does not reach {name}.")


def test_Net__is_not_shared(student: Student, rng: torch.Generator) -> None:
    """gives each network that is made its own parameters"""
    first, second, images = net_weights(rng), net_weights(rng), normal(rng, 2, 1, 32, 32)
    expected = [net_outputs(first, images), net_outputs(second, images)]
    names = ["the first network's output", "the second network's output"]
    expect_close(student.run(run_two_nets, first, second, images), expected, names, rtol=1e-3, atol=1e-4)


# num_flat_features ---------------------------------------------------------------------------------------------------


def flat_features(module: Any, batches: list[torch.Tensor]) -> list[Any]:
    """The method's results, also on a Net whose layers are not made yet: this task does not need them."""
    cls = module.Net
    try:
        net = cls()
    except Exception:  # noqa: BLE001  whatever is wrong with the layers is another task's
        net = cls.__new__(cls)
        nn.Module.__init__(net)
    return [net.num_flat_features(x) for x in batches]


def expect_features(student: Student, shapes: list[tuple[int, ...]]) -> None:
    found = student.run(flat_features, [torch.zeros(shape) for shape in shapes])
    names = [f"the number of features of a batch of shape {shape}" for shape in shapes]
    expect_equal(found, [math.prod(shape[1:]) for shape in shapes], names)


def draw_shape(rng: torch.Generator, axes: int) -> tuple[int, ...]:
    """A batch of 9 to 12 samples with this many axes, of different sizes from 2 to 7."""
    return (integer(rng, 9, 12), *(2 + int(i) for i in torch.randperm(6, generator=rng)[:axes]))


def test_num_flat_features__multiplies_the_sizes(student: Student, rng: torch.Generator) -> None:
    """multiplies all sizes of a batch of images but the batch's own"""
    expect_features(student, [draw_shape(rng, 3) for _ in range(3)])


def test_num_flat_features__takes_any_rank(student: Student, rng: torch.Generator) -> None:
    """works for batches of rows, of sequences and of volumes as well"""
    expect_features(student, [draw_shape(rng, axes) for axes in (1, 2, 4)])


def test_num_flat_features__leaves_out_a_batch_of_one(student: Student, rng: torch.Generator) -> None:
    """leaves out the batch's size, and only that, where sizes are 1"""
    _, c, h, w = draw_shape(rng, 3)
    expect_features(student, [(1, c, h, w), (1, c), (4, 1, h, w), (3, 1), (1, 1, 1, w)])


def test_num_flat_features__returns_an_int(student: Student, rng: torch.Generator) -> None:
    """returns an int, which `view` can use"""
    c, h, w = (integer(rng, 2, 9) for _ in range(3))
    found = student.run(flat_features, [torch.zeros(2, c, h, w)])
    expect_equal(found, [c * h * w], "the number of features")
    expect_whole(found[0], "The number of features")


def test_num_flat_features__sees_only_the_shape(student: Student, rng: torch.Generator) -> None:
    """gives the same for other values, another dtype, a batch that requires grad and a second call"""
    c, w = integer(rng, 2, 9), integer(rng, 2, 9)
    plain = normal(rng, 5, c, 3, w)
    batches = [plain, plain.double(), normal(rng, 5, c, 3, w).requires_grad_(), plain]
    expect_equal(student.run(flat_features, batches), [c * 3 * w] * 4, "the number of features")


# feature_sizes -------------------------------------------------------------------------------------------------------


def sizes_by_layers(size: int, kernels: list[int], pool: int) -> list[int]:
    """The sizes that PyTorch's own layers give."""
    x = torch.zeros(1, 1, size)
    sizes = []
    for kernel in kernels:
        x = F.conv1d(x, torch.zeros(1, 1, kernel))
        sizes.append(x.shape[2])
        x = F.max_pool1d(x, pool)
        sizes.append(x.shape[2])
    return sizes


def draw_image(rng: torch.Generator, kernels: list[int], pool: int, rest: int) -> int:
    """A size that every layer can work on, and of which each pooling leaves out `rest` pixels."""
    size = integer(rng, 1, 5)
    for kernel in reversed(kernels):
        size = size * pool + rest + kernel - 1
    return size


def expect_sizes(student: Student, size: int, kernels: list[int], pool: int) -> None:
    found = student.call("feature_sizes", size, kernels, pool)
    name = f"the list of sizes for feature_sizes({size}, {kernels}, {pool})"
    expect_equal(found, sizes_by_layers(size, kernels, pool), name)


def test_feature_sizes__follows_each_layer(student: Student, rng: torch.Generator) -> None:
    """gives the size after each convolution and each pooling"""
    for pool, rest in ((3, 1), (3, 2), (2, 1), (2, 0)):
        kernels = [integer(rng, 2, 6), 2 * integer(rng, 1, 3), 2 * integer(rng, 1, 3) + 1]
        expect_sizes(student, draw_image(rng, kernels, pool, rest), kernels, pool)


def test_feature_sizes__takes_any_number_of_layers(student: Student, rng: torch.Generator) -> None:
    """takes one kernel as well as five"""
    for layers in (1, 2, 4, 5):
        kernels = [integer(rng, 1, 5) for _ in range(layers)]
        expect_sizes(student, draw_image(rng, kernels, 2, layers % 2), kernels, 2)


def test_feature_sizes__takes_a_pool_of_one(student: Student, rng: torch.Generator) -> None:
    """leaves the size as it is where the pool is 1 or the kernel is 1"""
    kernels = [integer(rng, 2, 5), 1]
    expect_sizes(student, draw_image(rng, kernels, 1, 0), kernels, 1)


def test_feature_sizes__takes_a_large_pool(student: Student, rng: torch.Generator) -> None:
    """rounds down for larger pools as well"""
    for pool in (4, 5):
        kernels = [integer(rng, 1, 7), 3]
        expect_sizes(student, draw_image(rng, kernels, pool, integer(rng, 1, pool - 1)), kernels, pool)


def test_feature_sizes__stands_on_the_edges(student: Student, rng: torch.Generator) -> None:
    """gives 1 where a kernel or a pool is as large as the map, and no sizes where there are no kernels"""
    pool, kernel = integer(rng, 3, 6), integer(rng, 2, 5)
    expect_sizes(student, pool + kernel - 1, [kernel], pool)  # one window, with nothing left
    expect_sizes(student, 2 * pool + kernel - 2, [kernel], pool)  # one window; a pixel more would make two
    expect_sizes(student, kernel, [kernel, 1], 1)
    expect_sizes(student, integer(rng, 5, 9), [], 2)


def test_feature_sizes__returns_whole_numbers(student: Student, rng: torch.Generator) -> None:
    """returns ints, which layers can be made with"""
    size = 2 * integer(rng, 5, 20)
    found = student.call("feature_sizes", size, [3], 2)
    expect_equal(found, sizes_by_layers(size, [3], 2), "the list of sizes")
    for item in found:
        expect_whole(item, "Each size")


def test_feature_sizes__leaves_the_kernels_alone(student: Student, rng: torch.Generator) -> None:
    """leaves the list of kernels as it is, and gives the same again"""
    kernels = [3, integer(rng, 2, 4), 5]
    size = draw_image(rng, kernels, 2, 1)
    _, after = student.observe("feature_sizes", size, kernels, 2)
    expect_unchanged(after[1], kernels, "the list of kernels")
    expect_sizes(student, size, kernels, 2)


# parameter_table -----------------------------------------------------------------------------------------------------


def sized(kind: str, sizes: list[int], frozen: list[str]) -> nn.Module:
    """A network whose parameters have these sizes, some of them frozen."""
    a, b, c = sizes
    if kind == "plain":
        net: nn.Module = nn.Sequential(nn.Conv2d(a, b, 3), nn.ReLU(), nn.Flatten(), nn.Linear(c, a))
    elif kind == "norm":
        net = nn.Sequential(nn.Conv2d(a, b, (2, 3), bias=False), nn.BatchNorm2d(b), nn.ReLU(), nn.Conv2d(b, c, 1))
    elif kind == "deep":
        inner = nn.Sequential(OrderedDict(up=nn.Linear(a, b), down=nn.Linear(b, a)))
        net = nn.Sequential(OrderedDict(stem=nn.Linear(c, a), block=nn.Sequential(inner, nn.Linear(a, c))))
    elif kind == "bare":
        net = nn.Linear(a, b)
    elif kind == "none":
        net = nn.Sequential(nn.Flatten(), nn.Sequential(nn.ReLU()))
    else:
        net = nn.Module()
        net.register_parameter("scale", nn.Parameter(torch.tensor(2.0)))
        net.add_module("layer", nn.Linear(a, b))
        net.register_parameter("offset", nn.Parameter(torch.zeros(1, c, 1)))
        net.register_buffer("mean", torch.zeros(c))
    net.register_buffer("calls", torch.zeros(c), persistent=False)
    for name, p in net.named_parameters():
        p.requires_grad_(name not in frozen)
    return net


def table(module: Any, kind: str, sizes: list[int], frozen: list[str]) -> Any:
    """The learner's table of such a network."""
    return module.parameter_table(sized(kind, sizes, frozen))


def state_after_table(module: Any, weights: Tensors, frozen: str) -> dict[str, Any]:
    """Two tables of a network, and what they leave in it."""
    net = build("norm", weights)
    net.get_parameter(frozen).requires_grad_(False)
    return {
        "the tables": [module.parameter_table(net), module.parameter_table(net)],
        "after the call, the value": values(net),
        "after the call, requires_grad": {name: p.requires_grad for name, p in net.named_parameters()},
    }


def rows(kind: str, sizes: list[int], frozen: list[str]) -> list[tuple[str, tuple[int, ...], int]]:
    """The expected table."""
    return [(name, tuple(p.shape), math.prod(p.shape)) for name, p in sized(kind, sizes, frozen).named_parameters()]


def draw_sizes(rng: torch.Generator) -> list[int]:
    """Three sizes from 2 to 9, all different."""
    return [2 + int(i) for i in torch.randperm(8, generator=rng)[:3]]


def expect_table(found: Any, expected: list[tuple[str, tuple[int, ...], int]]) -> None:
    """Fail unless the table has these rows."""
    if not isinstance(found, list | tuple) or len(found) != len(expected):
        expect_equal(found, expected, "the table")
    expect_equal(found, expected, [f"row {i + 1} of the table" for i in range(len(expected))])


def test_parameter_table__lists_every_parameter(student: Student, rng: torch.Generator) -> None:
    """lists name, shape and element count of every parameter, in the order of the network"""
    sizes = draw_sizes(rng)
    expect_table(student.run(table, "plain", sizes, []), rows("plain", sizes, []))


def test_parameter_table__includes_frozen_parameters(student: Student, rng: torch.Generator) -> None:
    """includes the parameters that do not require grad"""
    sizes, frozen = draw_sizes(rng), ["0.weight", "3.bias"]
    expect_table(student.run(table, "plain", sizes, frozen), rows("plain", sizes, frozen))


def test_parameter_table__leaves_out_buffers(student: Student, rng: torch.Generator) -> None:
    """leaves out buffers such as the running mean of a batch norm: they are not parameters"""
    sizes = draw_sizes(rng)
    expect_table(student.run(table, "norm", sizes, []), rows("norm", sizes, []))


def test_parameter_table__goes_into_nested_modules(student: Student, rng: torch.Generator) -> None:
    """gives parameters of nested modules their full dotted names"""
    sizes, frozen = draw_sizes(rng), ["block.0.up.weight"]
    expect_table(student.run(table, "deep", sizes, frozen), rows("deep", sizes, frozen))


def test_parameter_table__sees_parameters_of_any_rank(student: Student, rng: torch.Generator) -> None:
    """counts parameters that the network itself holds, a single number of shape () included"""
    sizes = draw_sizes(rng)
    expect_table(student.run(table, "own", sizes, []), rows("own", sizes, []))


def test_parameter_table__takes_small_networks(student: Student, rng: torch.Generator) -> None:
    """lists a single layer, also a frozen one, and gives an empty list for a network without parameters"""
    sizes = draw_sizes(rng)
    expect_table(student.run(table, "bare", sizes, []), rows("bare", sizes, []))
    expect_table(student.run(table, "bare", sizes, ["weight", "bias"]), rows("bare", sizes, ["weight", "bias"]))
    expect_equal(student.run(table, "none", sizes, []), [], "the table of a network without parameters")


def test_parameter_table__leaves_the_network_alone(student: Student, rng: torch.Generator) -> None:
    """gives the same at a second call, and leaves the parameters and their requires_grad as they are"""
    weights = draw_weights("norm", rng)
    expected = [(name, tuple(weight.shape), weight.numel()) for name, weight in weights.items()]
    found = student.run(state_after_table, weights, "0.bias")
    expect_equal(found, {"the tables": [expected, expected]})
    expect_close(found, {"after the call, the value": weights})
    expect_equal(found, {"after the call, requires_grad": {name: name != "0.bias" for name in weights}})


# random_backward -----------------------------------------------------------------------------------------------------


def backward(module: Any, kind: str, weights: Tensors, old: Tensors, x: torch.Tensor, grad: torch.Tensor) -> dict[str, Any]:
    """The result, and what the call leaves in a network that held the gradients `old`."""
    net = build(kind, weights)
    hold(net, old)
    return {
        "the gradient": module.random_backward(net, x, grad),
        "the input x": x,
        "the output's gradient": grad,
        "after the call, the value": values(net),
        "after the call, the .grad": held(net),
    }


def backward_then_spoil(module: Any, kind: str, weights: Tensors, x: torch.Tensor, grad: torch.Tensor) -> Any:
    """The result as it comes, and after the network's own gradients have been changed in place."""
    net = build(kind, weights)
    found = module.random_backward(net, x, grad)
    at_once = {name: copy.deepcopy(slope) for name, slope in found.items()} if isinstance(found, dict) else found
    for p in net.parameters():
        if p.grad is not None:
            p.grad.detach().add_(7.0)
    return {"the gradient": at_once, "later": found}


def backward_in_a_row(module: Any, kind: str, weights: Tensors, batches: Batches) -> list[Any]:
    """The results of several calls on one network."""
    net = build(kind, weights)
    return [module.random_backward(net, x, grad) for x, grad in batches]


def gradients(kind: str, weights: Tensors, x: torch.Tensor, grad: torch.Tensor) -> Tensors:
    """The expected gradients by name, in float64."""
    net = build(kind, wide(weights))
    found = torch.autograd.grad(net(x.double()), list(net.parameters()), grad.double())
    return dict(zip(weights, found, strict=True))


def expect_gradients(student: Student, kind: str, weights: Tensors, old: Tensors, x: torch.Tensor, grad: torch.Tensor) -> None:
    found = student.run(backward, kind, weights, old, x, grad)
    expect_close(found, {"the gradient": gradients(kind, weights, x, grad)}, dtype=x.dtype)


def test_random_backward__returns_the_gradients(student: Student, rng: torch.Generator) -> None:
    """returns each parameter's gradient for the given output gradient, whatever gradients were there before"""
    weights, old = draw_weights("mlp", rng), draw_weights("mlp", rng)
    expect_gradients(student, "mlp", weights, old, normal(rng, 4, 7), normal(rng, 4, 3))


def test_random_backward__starts_without_gradients(student: Student, rng: torch.Generator) -> None:
    """works on a network that has no gradients yet, with one sample and with several"""
    for n in (1, 6):
        expect_gradients(student, "conv", draw_weights("conv", rng), {}, normal(rng, n, 2, 6, 6), normal(rng, n, 4))


def test_random_backward__works_in_float64(student: Student, rng: torch.Generator) -> None:
    """works for a float64 network with nested modules and keeps the dtype"""
    weights, old = wide(draw_weights("named", rng)), wide(draw_weights("named", rng))
    expect_gradients(student, "named", weights, old, normal(rng, 3, 7).double(), normal(rng, 3, 4).double())


def test_random_backward__works_with_batch_norm(student: Student, rng: torch.Generator) -> None:
    """works for a network with a batch norm, on inputs that are not contiguous"""
    weights, old = draw_weights("norm", rng), draw_weights("norm", rng)
    expect_gradients(student, "norm", weights, old, normal(rng, 7, 5).t(), normal(rng, 5, 6)[:, ::2])


def test_random_backward__returns_copies(student: Student, rng: torch.Generator) -> None:
    """returns copies, which stay as they are when the network's .grad changes"""
    weights, x, grad = draw_weights("mlp", rng), normal(rng, 4, 7), normal(rng, 4, 3)
    found = student.run(backward_then_spoil, "mlp", weights, x, grad)
    expected = gradients("mlp", weights, x, grad)
    expect_close(found, {"the gradient": expected})
    try:
        expect_close(found, {"later": expected})
    except Mismatch:
        text = "The returned gradients change when the network's .grad does: they share its memory. Return a clone() of each."
        raise Mismatch(text) from None


def test_random_backward__changes_only_gradients(student: Student, rng: torch.Generator) -> None:
    """leaves the parameters and the inputs as they are, and no gradient from before in the network"""
    weights, old = draw_weights("mlp", rng), draw_weights("mlp", rng)
    x, grad = normal(rng, 4, 7), normal(rng, 4, 3)
    found = student.run(backward, "mlp", weights, old, x, grad)
    expect_inputs_kept(found, {"the input x": x, "the output's gradient": grad})
    expect_close(found, {"after the call, the value": weights})
    new = gradients("mlp", weights, x, grad)
    cleared = {name: torch.zeros_like(slope) for name, slope in new.items()}
    try:  # cleared once more at the end is as good
        expect_close(found, {"after the call, the .grad": cleared})
    except Mismatch:
        expect_close(found, {"after the call, the .grad": new})


def test_random_backward__takes_small_networks(student: Student, rng: torch.Generator) -> None:
    """works for networks with one output, for one sample and two, and where the output's gradient is zero"""
    weights, old = draw_weights("line", rng), draw_weights("line", rng)
    for n in (1, 2):
        expect_gradients(student, "line", weights, old, normal(rng, n, 1), normal(rng, n, 1))
    expect_gradients(student, "one", draw_weights("one", rng), {}, normal(rng, 3, 7), normal(rng, 3, 1))
    expect_gradients(student, "line", weights, old, normal(rng, 3, 1), torch.zeros(3, 1))


def test_random_backward__keeps_calls_apart(student: Student, rng: torch.Generator) -> None:
    """gives each of several calls on one network its own gradients"""
    weights = draw_weights("named", rng)
    batches = [(normal(rng, n, 7), normal(rng, n, 4)) for n in (3, 5, 1)]
    found = student.run(backward_in_a_row, "named", weights, batches)
    expected = [gradients("named", weights, x, grad) for x, grad in batches]
    expect_close(found, expected, [f"the gradient of call {i}" for i in (1, 2, 3)])


# mse_loss ------------------------------------------------------------------------------------------------------------


def losses(module: Any, kind: str, weights: Tensors, batches: Batches) -> list[Any]:
    """The losses of one network for batch after batch."""
    net = build(kind, weights)
    return [module.mse_loss(net, x, target) for x, target in batches]


def loss_gradients(module: Any, kind: str, weights: Tensors, x: torch.Tensor, target: torch.Tensor) -> dict[str, Any]:
    """The loss, what its backward leaves in the network, and why backward cannot run if it cannot."""
    net = build(kind, weights)
    loss = module.mse_loss(net, x, target)
    hold(net, {})
    trouble = ""
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        trouble = "The loss has no graph: item(), data, detach() and no_grad cut it off. Return the tensor itself."
    elif loss.dim() == 0:
        try:
            loss.backward()
        except RuntimeError:
            trouble = "Backward of the returned loss cannot run: its graph is used up or cut. Leave backward to the caller."
    return {"the loss": loss, "after backward of the loss, the gradient": held(net), "trouble": trouble}


def state_after_loss(module: Any, weights: Tensors, old: Tensors, x: torch.Tensor, target: torch.Tensor) -> dict[str, Any]:
    """The inputs and the network after the call."""
    net = build("mlp", weights)
    hold(net, old)
    module.mse_loss(net, x, target)
    return {
        "the input x": x,
        "the target": target,
        "after the call, the value": values(net),
        "after the call, the .grad": held(net),
    }


def squared_error(kind: str, weights: Tensors, x: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, Tensors]:
    """The loss and its gradients by name, in float64."""
    net = build(kind, wide(weights))
    output = net(x.double())
    loss = (output - target.double().reshape(output.shape)).square().mean()
    found = torch.autograd.grad(loss, list(net.parameters()))
    return loss.detach(), dict(zip(weights, found, strict=True))


def expect_losses(
    student: Student, kind: str, weights: Tensors, batches: Batches, name: str = "the loss", rtol: float = 1e-4
) -> None:
    expected = [squared_error(kind, weights, x, target)[0] for x, target in batches]
    names = [f"{name} of call {i + 1}" if len(batches) > 1 else name for i in range(len(batches))]
    expect_close(student.run(losses, kind, weights, batches), expected, names, rtol=rtol, dtype=batches[0][0].dtype)


def test_mse_loss__averages_squared_errors(student: Student, rng: torch.Generator) -> None:
    """is the mean of the squared errors over all N·K outputs"""
    expect_losses(student, "mlp", draw_weights("mlp", rng), [(normal(rng, 4, 7), 2 * normal(rng, 4, 3))])


def test_mse_loss__stays_attached(student: Student, rng: torch.Generator) -> None:
    """is still attached to the graph, so that backward reaches every parameter"""
    weights, x, target = draw_weights("mlp", rng), normal(rng, 5, 7), normal(rng, 5, 3)
    found = student.run(loss_gradients, "mlp", weights, x, target)
    loss, slopes = squared_error("mlp", weights, x, target)
    expect_close(found, {"the loss": loss})
    expect(found["trouble"] == "", str(found["trouble"]))
    expect_close(found, {"after backward of the loss, the gradient": slopes})


def test_mse_loss__takes_one_sample(student: Student, rng: torch.Generator) -> None:
    """takes a target of shape (1, K) or (K,) where the batch has one sample"""
    weights, x, target = draw_weights("named", rng), normal(rng, 1, 7), normal(rng, 1, 4)
    for shaped in (target, target[0]):
        expect_losses(student, "named", weights, [(x, shaped)], f"the loss for a target of shape {tuple(shaped.shape)}")


def test_mse_loss__takes_one_output(student: Student, rng: torch.Generator) -> None:
    """works for a network with one output: output and target stay side by side, N of each"""
    weights = draw_weights("one", rng)
    for n in (1, 5):
        expect_losses(student, "one", weights, [(normal(rng, n, 7), normal(rng, n, 1))])


def test_mse_loss__takes_small_and_square_batches(student: Student, rng: torch.Generator) -> None:
    """works for one number against one, for as many samples as outputs, and where every output is right already"""
    weights = draw_weights("fork", rng)
    for target in (normal(rng, 1, 2), normal(rng, 2)):
        expect_losses(student, "fork", weights, [(normal(rng, 1, 1), target)], f"the loss for {tuple(target.shape)} targets")
    expect_losses(student, "fork", weights, [(normal(rng, 2, 1), normal(rng, 2, 2))], "the loss for N = K = 2")
    expect_losses(student, "mlp", draw_weights("mlp", rng), [(normal(rng, 3, 7), normal(rng, 3, 3))], "the loss for N = K = 3")
    expect_losses(student, "one", draw_weights("one", rng), [(normal(rng, 1, 7), normal(rng, 1))], "the loss for N = K = 1")
    exact = {"weight": torch.tensor([[2.0], [-1.0]]), "bias": torch.tensor([0.5, 4.0])}
    x = torch.tensor([[1.0], [3.0], [-2.0]])
    expect_losses(student, "fork", exact, [(x, x * exact["weight"].t() + exact["bias"])], "the loss of outputs without error")


def test_mse_loss__works_in_float64(student: Student, rng: torch.Generator) -> None:
    """works for a convolutional float64 network and keeps the dtype"""
    batch = normal(rng, 3, 2, 6, 6).double(), normal(rng, 3, 4).double()
    expect_losses(student, "conv", wide(draw_weights("conv", rng)), [batch], rtol=1e-8)


def test_mse_loss__takes_any_memory_layout(student: Student, rng: torch.Generator) -> None:
    """works for inputs and targets that are not contiguous"""
    expect_losses(student, "mlp", draw_weights("mlp", rng), [(normal(rng, 7, 6).t(), normal(rng, 6, 6)[:, ::2])])


def test_mse_loss__keeps_calls_apart(student: Student, rng: torch.Generator) -> None:
    """gives each of several batches its own loss"""
    batches = [(normal(rng, n, 7), normal(rng, n, 3)) for n in (6, 2, 6)]
    expect_losses(student, "mlp", draw_weights("mlp", rng), [*batches, batches[0]])


def test_mse_loss__changes_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves inputs, parameters and their gradients as they are: backward is the caller's"""
    weights, old, x, target = draw_weights("mlp", rng), draw_weights("mlp", rng), normal(rng, 4, 7), normal(rng, 4, 3)
    found = student.run(state_after_loss, weights, old, x, target)
    expect_inputs_kept(found, {"the input x": x, "the target": target})
    expect_close(found, {"after the call, the value": weights, "after the call, the .grad": old})


# graph_walk ----------------------------------------------------------------------------------------------------------


def make_loss(kind: str, operations: list[str]) -> torch.Tensor:
    """A scalar with a graph: a chain of operations on a leaf, or the loss of a network."""
    x = torch.linspace(-1, 1, 12).reshape(4, 3)
    if kind == "chain":
        result = x.clone().requires_grad_()
        for operation in operations:
            result = getattr(torch, operation)(result)
        return result.sum()
    if kind == "branches":  # the first of two branches is the longer one
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        return (getattr(torch, operations[0])(getattr(torch, operations[1])(a)) * b - a).mean()
    net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    if kind == "mse":
        return F.mse_loss(net(x), torch.zeros(4, 2))
    if kind == "cross entropy":
        return F.cross_entropy(net(x), torch.zeros(4, dtype=torch.long))
    weight = torch.ones(2, 3, requires_grad=True)  # no bias: the walk goes through every layer to the input
    return F.mse_loss(torch.relu(x.clone().requires_grad_() @ weight.t()) @ torch.ones(2, 2), torch.zeros(4, 2))


def walk(module: Any, kind: str, operations: list[str], steps: list[int]) -> list[Any]:
    """The learner's walks from one loss."""
    loss = make_loss(kind, operations)
    return [module.graph_walk(loss, count) for count in steps]


def gradient_after_walk(module: Any, steps: int) -> Tensors:
    """What the walk and then a backward of the caller leave in a leaf."""
    leaf = torch.linspace(-1, 1, 5).requires_grad_()
    loss = leaf.exp().sum()
    module.graph_walk(loss, steps)
    before = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad.clone()
    leaf.grad = None
    loss.backward()
    return {"the leaf's gradient after the walk": before, "the leaf's gradient after backward": leaf.grad}


def names_of(loss: torch.Tensor, steps: int) -> list[str]:
    """The expected walk."""
    node: Any = loss.grad_fn
    names = [type(node).__name__]
    while node.next_functions:
        node = node.next_functions[0][0]
        names.append(type(node).__name__)
    return names[:steps]


def without_namespace(found: Any) -> Any:
    """The walks with plain class names: `node.name()` gives `torch::autograd::AccumulateGrad`, which is as right."""
    if isinstance(found, list | tuple):
        return [without_namespace(item) for item in found]
    if not isinstance(found, str):
        raise Mismatch(f"The walk should hold names, which are text, but it holds {described(found)}.")
    return found.rpartition("::")[2]


def described(item: Any) -> str:
    """What an item of a walk is that is no text."""
    kind = getattr(item, "type_name", type(item).__name__)
    node = str(kind).endswith(("Backward0", "Backward1", "AccumulateGrad"))
    return f"the node {kind} itself: take the name of its class" if node else f"something of type {kind}"


def draw_operations(rng: torch.Generator, count: int) -> list[str]:
    """Different element-wise functions by name."""
    known = ("exp", "sin", "cos", "tanh", "sigmoid", "atan", "square", "sinh", "erf")
    return [known[int(i)] for i in torch.randperm(len(known), generator=rng)[:count]]


def expect_walk(student: Student, kind: str, operations: list[str], steps: list[int]) -> None:
    loss = make_loss(kind, operations)
    expected = [names_of(loss, count) for count in steps]
    names = [f"the walk of at most {count} steps from {loss.grad_fn.__class__.__name__}" for count in steps]
    for found, wanted, name in zip(student.run(walk, kind, operations, steps), expected, names, strict=True):
        expect_equal(without_namespace(found) if isinstance(found, list | tuple) else found, wanted, name)


def test_graph_walk__names_the_first_nodes(student: Student, rng: torch.Generator) -> None:
    """names the loss's grad_fn, then first next function after first next function, at most `steps` of them"""
    expect_walk(student, "mse", [], [9])
    expect_walk(student, "chain", draw_operations(rng, 5), [4, 9])


def test_graph_walk__ends_at_the_leaf(student: Student, rng: torch.Generator) -> None:
    """ends with AccumulateGrad, also where more steps are allowed than there are nodes"""
    count = integer(rng, 2, 5)
    operations = draw_operations(rng, count)
    expect_walk(student, "chain", operations, [count + 2, count + 3, 100])


def test_graph_walk__stops_after_the_steps(student: Student, rng: torch.Generator) -> None:
    """stops after one step, two steps, or just before the leaf"""
    expect_walk(student, "chain", draw_operations(rng, 4), [1, 2, 3, 5])
    expect_walk(student, "mse", [], [1, 2])


def test_graph_walk__takes_the_first_branch(student: Student, rng: torch.Generator) -> None:
    """takes the first of several next functions at each node"""
    expect_walk(student, "branches", draw_operations(rng, 2), [3, 20])


def test_graph_walk__walks_through_networks(student: Student) -> None:
    """walks through other losses and networks as well"""
    expect_walk(student, "cross entropy", [], [20])
    expect_walk(student, "no bias", [], [20, 3])


def test_graph_walk__leaves_the_graph_alone(student: Student, rng: torch.Generator) -> None:
    """only looks: no gradient appears, and backward still works afterwards"""
    slope = torch.linspace(-1, 1, 5).double().exp()
    expected = {"the leaf's gradient after the walk": torch.zeros(5), "the leaf's gradient after backward": slope}
    expect_close(student.run(gradient_after_walk, integer(rng, 2, 5)), expected)


# sgd_update ----------------------------------------------------------------------------------------------------------


def update(module: Any, kind: str, weights: Tensors, grads: Tensors, lr: float) -> dict[str, Any]:
    """What one update leaves in a network with these gradients."""
    net = build(kind, weights)
    hold(net, grads)
    before = dict(net.named_parameters())
    module.sgd_update(net, lr)
    return {
        "the new value": values(net),
        "for an optimizer that held the parameter before, the new value": {n: p.detach() for n, p in before.items()},
        "after the update, the .grad": held(net),
        "after the update, requires_grad": {name: p.requires_grad for name, p in net.named_parameters()},
        "after the update, is_leaf": {name: p.is_leaf for name, p in net.named_parameters()},
    }


def update_and_go_on(module: Any, kind: str, weights: Tensors, batches: Batches, lr: float) -> Tensors:
    """Parameters after several rounds of backward and update."""
    net = build(kind, weights)
    for x, grad in batches:
        net.zero_grad()
        net(x).backward(grad)
        module.sgd_update(net, lr)
    return values(net)


def updated(weights: Tensors, grads: Tensors, lr: float) -> Tensors:
    """The expected parameters, in float64."""
    return {name: weight.double() - lr * grads[name].double() for name, weight in weights.items()}


def rate_of(reply: Any, weights: Tensors, grads: Tensors) -> float | None:
    """The number r for which every parameter moved by -r times its gradient, None if there is none."""
    try:
        moved = torch.cat([(w - reply["the new value"][name]).double().flatten() for name, w in weights.items()])
    except (KeyError, RuntimeError):
        return None  # the parameters have other names or shapes
    grad = torch.cat([grads[name].double().flatten() for name in weights])
    rate = float(moved @ grad / (grad @ grad))
    return rate if torch.allclose(moved, rate * grad, rtol=1e-3, atol=1e-6) else None


def test_sgd_update__subtracts_lr_times_gradient(student: Student, rng: torch.Generator) -> None:
    """subtracts lr times the gradient from every parameter of the network"""
    cases = [(draw_weights(kind, rng), draw_weights(kind, rng), number(rng, low, low + 0.2))
             for kind, low in (("mlp", 0.1), ("pair", 0.4))]  # fmt: skip
    found = [student.run(update, kind, *case) for kind, case in zip(("mlp", "pair"), cases, strict=True)]
    rates = [rate_of(reply, weights, grads) for reply, (weights, grads, _) in zip(found, cases, strict=True)]
    if rates[0] and rates[1] and abs(rates[0] - rates[1]) < 1e-3 * abs(rates[0]):
        raise Mismatch(f"Each parameter moves by {rates[0]:.3g} times its gradient whatever lr is: use lr, not a fixed rate.")
    for reply, (weights, grads, lr) in zip(found, cases, strict=True):
        expect_close(reply, {"the new value": updated(weights, grads, lr)})


def test_sgd_update__updates_in_place(student: Student, rng: torch.Generator) -> None:
    """changes the parameters themselves: an optimizer that holds them sees the new values"""
    weights, grads, lr = draw_weights("named", rng), draw_weights("named", rng), number(rng, 0.1, 0.5)
    expected = {"for an optimizer that held the parameter before, the new value": updated(weights, grads, lr)}
    expect_close(student.run(update, "named", weights, grads, lr), expected)


def test_sgd_update__keeps_the_gradients(student: Student, rng: torch.Generator) -> None:
    """leaves the gradients as they are"""
    weights, grads, lr = draw_weights("mlp", rng), draw_weights("mlp", rng), number(rng, 0.1, 0.5)
    expect_close(student.run(update, "mlp", weights, grads, lr), {"after the update, the .grad": grads})


def test_sgd_update__is_not_recorded(student: Student, rng: torch.Generator) -> None:
    """leaves leaf parameters that require grad, without a graph of the update"""
    weights, grads, lr = draw_weights("mlp", rng), draw_weights("mlp", rng), number(rng, 0.1, 0.5)
    yes = dict.fromkeys(weights, True)
    expected = {"after the update, requires_grad": yes, "after the update, is_leaf": yes}
    expect_equal(student.run(update, "mlp", weights, grads, lr), expected)


def test_sgd_update__can_be_repeated(student: Student, rng: torch.Generator) -> None:
    """lets training go on: further rounds of backward and update work"""
    weights, lr = draw_weights("norm", rng), number(rng, 0.05, 0.2)
    batches = [(normal(rng, n, 7), normal(rng, n, 3)) for n in (4, 6, 5)]
    expected = wide(weights)
    for x, grad in batches:
        expected = updated(expected, gradients("norm", expected, x, grad), lr)
    found = student.run(update_and_go_on, "norm", weights, batches, lr)
    expect_close(found, expected, "after three updates, the value", rtol=1e-3, atol=1e-4)


def test_sgd_update__works_for_other_networks(student: Student, rng: torch.Generator) -> None:
    """works for convolutions and batch norms, in float64, and with other learning rates"""
    for kind, dtype, lr in (("conv", torch.float64, 1.0), ("conv", torch.float32, 0.001), ("norm", torch.float32, 3.0)):
        weights, grads = draw_weights(kind, rng, dtype), draw_weights(kind, rng, dtype)
        expected = {"the new value": updated(weights, grads, lr)}
        expect_close(student.run(update, kind, weights, grads, lr), expected, atol=1e-6, dtype=dtype)


def test_sgd_update__stands_on_the_edges(student: Student, rng: torch.Generator) -> None:
    """works for a single neuron, for gradients of zero and large ones, and changes nothing where lr is 0"""
    weights = draw_weights("line", rng)
    small, large = draw_weights("line", rng), {name: 50 * grad for name, grad in draw_weights("line", rng).items()}
    none = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for grads, lr in ((small, 0.1), (large, 0.5), (none, 0.5), (small, 0.0)):
        expect_close(student.run(update, "line", weights, grads, lr), {"the new value": updated(weights, grads, lr)})


# train_step ----------------------------------------------------------------------------------------------------------


def make_optimizer(kind: str, parameters: list[Any], lr: float) -> torch.optim.Optimizer:
    """An optimizer of this kind for parameters or parameter groups."""
    if kind == "momentum":
        return torch.optim.SGD(parameters, lr=lr, momentum=0.9)
    if kind == "decay":
        return torch.optim.SGD(parameters, lr=lr, weight_decay=0.1)
    if kind == "adam":
        return torch.optim.Adam(parameters, lr=lr, eps=1e-3)  # with the usual one it makes whole steps of rounding noise
    return torch.optim.SGD(parameters, lr=lr)


def make_criterion(kind: str) -> Any:
    """A loss as a module or as a function."""
    if kind == "cross entropy":
        return nn.CrossEntropyLoss()
    return F.l1_loss if kind == "absolute error" else nn.MSELoss()


def train(module: Any, plan: dict[str, Any], weights: Tensors, old: Tensors, batches: Batches) -> dict[str, Any]:
    """One step of training on each batch; the optimizer does not get the parameters of plan["outside"]."""
    net = build(plan["net"], weights)
    hold(net, old)
    for name in plan["frozen"]:
        net.get_parameter(name).requires_grad_(False)
    inside = [p for name, p in net.named_parameters() if name not in plan["frozen"] + plan["outside"]]
    optimizer = make_optimizer(plan["optimizer"], inside, plan["lr"])
    criterion = make_criterion(plan["criterion"])
    return {
        "the loss": {
            step: module.train_step(net, criterion, optimizer, x, target)
            for step, (x, target) in zip(plan["steps"], batches, strict=True)
        },
        "after the last step, the value": values(net),
        "after the last step, the .grad": held(net),
        "the input x": batches[0][0],
        "the target": batches[0][1],
    }


def one_step(
    net: nn.Module, criterion: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, target: torch.Tensor
) -> float:
    """The right step."""
    optimizer.zero_grad()
    loss = criterion(net(x), target)
    loss.backward()
    optimizer.step()
    return loss.item()


def expect_training(student: Student, plan: dict[str, Any], weights: Tensors, old: Tensors, batches: Batches) -> Any:
    """Fail unless the losses and the trained parameters are right; the reply otherwise."""
    steps = [f"step {i + 1}" for i in range(len(batches))]
    plan = {"frozen": [], "outside": [], "criterion": "mean squared error", "optimizer": "sgd", "steps": steps, **plan}
    found = student.run(train, plan, weights, old, batches)
    exact = [(x.double(), target.double() if target.is_floating_point() else target) for x, target in batches]
    expected = train(SimpleNamespace(train_step=one_step), plan, wide(weights), {}, exact)
    expect_close(found, {key: expected[key] for key in ("the loss", "after the last step, the value")})
    return found


def test_train_step__trains_step_by_step(student: Student, rng: torch.Generator) -> None:
    """returns each step's loss and moves the weights as the optimizer does, whatever gradients were there before"""
    plan = {"net": "mlp", "optimizer": "momentum", "lr": number(rng, 0.1, 0.2)}
    batches = [(normal(rng, 5, 7), normal(rng, 5, 3)) for _ in range(3)]
    expect_training(student, plan, draw_weights("mlp", rng), draw_weights("mlp", rng), batches)


def test_train_step__works_for_one_sample(student: Student, rng: torch.Generator) -> None:
    """works for a single sample on a network that has no gradients yet"""
    plan = {"net": "conv", "lr": number(rng, 0.1, 0.2)}
    expect_training(student, plan, draw_weights("conv", rng), {}, [(normal(rng, 1, 2, 6, 6), normal(rng, 1, 4))])


def test_train_step__works_with_adam(student: Student, rng: torch.Generator) -> None:
    """works with cross entropy and Adam"""
    plan = {"net": "named", "optimizer": "adam", "lr": number(rng, 0.01, 0.1), "criterion": "cross entropy"}
    batches = [(normal(rng, n, 7).double(), torch.randint(0, 4, (n,), generator=rng)) for n in (4, 6, 5)]
    expect_training(student, plan, wide(draw_weights("named", rng)), wide(draw_weights("named", rng)), batches)


def test_train_step__works_with_batch_norm(student: Student, rng: torch.Generator) -> None:
    """works with weight decay, a batch norm and inputs that are not contiguous"""
    plan = {"net": "norm", "optimizer": "decay", "lr": number(rng, 0.1, 0.2)}
    batches = [(normal(rng, 7, n).t(), normal(rng, n, 6)[:, ::2]) for n in (4, 6)]
    expect_training(student, plan, draw_weights("norm", rng), draw_weights("norm", rng), batches)


def test_train_step__moves_only_what_the_optimizer_holds(student: Student, rng: torch.Generator) -> None:
    """leaves frozen parameters, and those that the optimizer does not hold, as they are"""
    plan = {"net": "mlp", "lr": number(rng, 0.1, 0.2), "frozen": ["0.weight"], "outside": ["2.bias"]}
    batches = [(normal(rng, n, 7), normal(rng, n, 3)) for n in (4, 6)]
    expect_training(student, plan, draw_weights("mlp", rng), {}, batches)


def test_train_step__returns_a_detached_loss(student: Student, rng: torch.Generator) -> None:
    """returns the loss without its graph, as a float or a detached tensor"""
    plan = {"net": "mlp", "lr": number(rng, 0.1, 0.2)}
    batches = [(normal(rng, n, 7), normal(rng, n, 3)) for n in (3, 1, 2)]
    found = expect_training(student, plan, draw_weights("mlp", rng), {}, batches)
    expect_no_graph(found["the loss"], "The loss")
    plan |= {"criterion": "cross entropy", "optimizer": "adam", "lr": 0.01}
    batches = [(normal(rng, 4, 7), torch.randint(0, 3, (4,), generator=rng)) for _ in range(2)]
    found = expect_training(student, plan, draw_weights("mlp", rng), draw_weights("mlp", rng), batches)
    expect_no_graph(found["the loss"], "The loss")


def test_train_step__takes_any_criterion(student: Student, rng: torch.Generator) -> None:
    """works with a criterion that is a plain function, and on the smallest network"""
    plan = {"net": "mlp", "lr": number(rng, 0.1, 0.2), "criterion": "absolute error"}
    batches = [(normal(rng, n, 7), normal(rng, n, 3)) for n in (4, 6)]
    expect_training(student, plan, draw_weights("mlp", rng), {}, batches)
    for optimizer, steps in (("sgd", 1), ("momentum", 2)):
        plan = {"net": "line", "lr": 0.05, "optimizer": optimizer}
        batches = [(normal(rng, n, 1), normal(rng, n, 1)) for n in (2, 1)[:steps]]
        expect_training(student, plan, draw_weights("line", rng), draw_weights("line", rng), batches)


def test_train_step__uses_large_gradients_as_they_are(student: Student, rng: torch.Generator) -> None:
    """steps along the whole gradient, also where it is large, and stays where the loss is 0"""
    plan = {"net": "mlp", "lr": 0.01}
    batches = [(normal(rng, 4, 7), 300 * normal(rng, 4, 3)), (normal(rng, 5, 7), 300 * normal(rng, 5, 3))]
    expect_training(student, plan, draw_weights("mlp", rng), {}, batches)
    exact = {"weight": torch.tensor([[2.0]]), "bias": torch.tensor([0.5])}
    x = torch.tensor([[1.0], [3.0], [-2.0]])
    expect_training(student, {"net": "line", "lr": 0.5}, exact, draw_weights("line", rng), [(x, 2 * x + 0.5)])


def test_train_step__leaves_the_batch_alone(student: Student, rng: torch.Generator) -> None:
    """leaves the inputs and the targets as they are"""
    x, target = normal(rng, 3, 7), normal(rng, 3, 3)
    found = expect_training(student, {"net": "mlp", "lr": 0.1}, draw_weights("mlp", rng), {}, [(x, target)])
    expect_inputs_kept(found, {"the input x": x, "the target": target})


# stale_grads ---------------------------------------------------------------------------------------------------------


def stale(module: Any, plan: dict[str, Any], weights: Tensors, grads: Tensors) -> dict[str, Any]:
    """What two calls give and leave; the optimizer holds the parameters named in plan["inside"], one a group."""
    net = build(plan["net"], weights)
    hold(net, grads)
    for name in plan["frozen"]:
        net.get_parameter(name).requires_grad_(False)
    parameters = [net.get_parameter(name) for name in plan["inside"]] or [nn.Parameter(torch.ones(2))]  # another network's
    optimizer = make_optimizer(plan["optimizer"], [{"params": [p]} for p in parameters], 0.1)
    return {
        "the list of names": module.stale_grads(net, optimizer),
        "the list of names at a second call": module.stale_grads(net, optimizer),
        "after the call, the value": values(net),
        "after the call, the .grad": held(net),
    }


def expect_stale(
    student: Student, rng: torch.Generator, grads: Tensors, inside: list[str],
    *, kind: str = "sgd", frozen: tuple[str, ...] = (), net: str = "named",
) -> None:  # fmt: skip
    """Fail unless both calls name what the optimizer does not hold and is not zero."""
    expected = sorted(name for name, grad in grads.items() if name not in inside and bool(grad.any()))
    plan = {"net": net, "optimizer": kind, "inside": inside, "frozen": list(frozen)}
    found = in_order(student.run(stale, plan, draw_weights(net, rng), grads))
    expect_equal(found, {"the list of names": expected, "the list of names at a second call": expected})


def in_order(reply: Any) -> Any:
    """The reply with its lists of names sorted: any order is right."""
    if not isinstance(reply, dict):
        return reply
    return {
        key: sorted(value) if isinstance(value, tuple | list) and all(isinstance(n, str) for n in value) else value
        for key, value in reply.items()
    }


def test_stale_grads__names_what_the_optimizer_does_not_hold(student: Student, rng: torch.Generator) -> None:
    """names the parameters that the optimizer does not hold and whose gradient is not zero"""
    grads = {name: grad.abs() for name, grad in draw_weights("named", rng).items()}
    grads["head.bias"] = torch.zeros(4)
    del grads["body.second.weight"]
    expect_stale(student, rng, grads, ["body.first.weight"])


def test_stale_grads__finds_nothing_where_all_are_held(student: Student, rng: torch.Generator) -> None:
    """gives an empty list where the optimizer holds every parameter, and where there are no gradients or only zeros"""
    grads = draw_weights("named", rng)
    expect_stale(student, rng, grads, list(grads))
    expect_stale(student, rng, {}, ["head.weight"])
    expect_stale(student, rng, {name: -torch.zeros_like(grad) for name, grad in grads.items()}, ["head.weight"])


def test_stale_grads__names_all_where_none_is_held(student: Student, rng: torch.Generator) -> None:
    """names every parameter with a gradient where the optimizer belongs to another network, or holds one of a pair"""
    expect_stale(student, rng, draw_weights("named", rng), [])
    expect_stale(student, rng, draw_weights("pair", rng), ["1.weight"], net="pair")
    expect_stale(student, rng, draw_weights("pair", rng), ["0.weight", "0.bias"], net="pair")


def test_stale_grads__sees_any_nonzero_gradient(student: Student, rng: torch.Generator) -> None:
    """counts a gradient as not zero where its entries cancel, are negative, or only one of them is not zero"""
    grads = draw_weights("named", rng)
    size = number(rng, 0.5, 2.0)
    grads["body.first.bias"] = torch.tensor([size, -size, 0, 0, 0, 0])
    grads["head.weight"] = -grads["head.weight"].abs()
    grads["head.weight"][0, 0] = 0
    grads["head.bias"] = torch.tensor([0, 0, 0, 1e-3])
    expect_stale(student, rng, grads, ["body.second.weight"])


def test_stale_grads__works_with_any_optimizer(student: Student, rng: torch.Generator) -> None:
    """works with other optimizers and with several parameter groups"""
    grads = draw_weights("named", rng)
    expect_stale(student, rng, grads, ["head.bias", "body.first.weight"], kind="adam")
    expect_stale(student, rng, grads, ["body.first.bias", "head.weight"], kind="momentum")


def test_stale_grads__sees_frozen_parameters(student: Student, rng: torch.Generator) -> None:
    """names a parameter that was frozen after its backward and still holds the old gradient"""
    expect_stale(student, rng, draw_weights("named", rng), ["head.weight"], frozen=("body.first.weight",))


def test_stale_grads__clears_what_the_optimizer_holds(student: Student, rng: torch.Generator) -> None:
    """clears the gradients that the optimizer holds, and leaves the others and all parameters as they are"""
    weights, grads, inside = draw_weights("named", rng), draw_weights("named", rng), ["body.first.bias", "head.weight"]
    left = {name: torch.zeros_like(grad) if name in inside else grad for name, grad in grads.items()}
    plan = {"net": "named", "optimizer": "sgd", "inside": inside, "frozen": []}
    found = student.run(stale, plan, weights, grads)
    expect_close(found, {"after the call, the value": weights, "after the call, the .grad": left})


# exponential_lrs -----------------------------------------------------------------------------------------------------


def rates(module: Any, kind: str, lr: float, gamma: float, epochs: int) -> Any:
    """The rates for a new optimizer."""
    return module.exponential_lrs(make_optimizer(kind, [nn.Parameter(torch.ones(3))], lr), gamma, epochs)


def rates_twice(module: Any, lr: float, gamma: float, epochs: int) -> list[Any]:
    """The rates of two calls, each with an optimizer of its own."""
    optimizers = [make_optimizer("sgd", [nn.Parameter(torch.ones(3))], lr) for _ in range(2)]
    return [module.exponential_lrs(optimizer, gamma, epochs) for optimizer in optimizers]


def rates_after_decay(module: Any, lr: float, gamma: float, epochs: int) -> Any:
    """The rates for an optimizer that was made with four times the rate it has now."""
    optimizer = make_optimizer("sgd", [nn.Parameter(torch.ones(3))], 4 * lr)
    optimizer.param_groups[0]["lr"] = lr
    return module.exponential_lrs(optimizer, gamma, epochs)


def parameter_after_rates(module: Any, start: torch.Tensor) -> torch.Tensor:
    """A parameter after a call with its optimizer."""
    parameter = nn.Parameter(start.clone())
    module.exponential_lrs(make_optimizer("momentum", [parameter], 0.5), 0.9, 4)
    return parameter.detach()


def expect_rates(found: Any, lr: float, gamma: float, epochs: int) -> None:
    """Fail unless there is one rate an epoch, each a number, from lr on."""
    expected = [lr * gamma**epoch for epoch in range(epochs)]
    whole = f"the list of rates for {epochs} epoch{'s' * (epochs != 1)}"
    if not isinstance(found, list | tuple) or len(found) != epochs:
        expect_close(found, expected, whole)
    expect_close(found, expected, [f"the rate of epoch {epoch + 1}" for epoch in range(epochs)], rtol=1e-5, atol=1e-12)
    expect_no_graph(found, "A rate")


def expect_own_rates(student: Student, kind: str, lr: float, gamma: float, epochs: int) -> None:
    """Fail unless the rates for a new optimizer of this kind are right."""
    expect_rates(student.run(rates, kind, lr, gamma, epochs), lr, gamma, epochs)


def test_exponential_lrs__decays_after_each_epoch(student: Student, rng: torch.Generator) -> None:
    """starts with the optimizer's own rate and multiplies it by gamma after every epoch"""
    expect_own_rates(student, "sgd", number(rng, 0.2, 0.9), number(rng, 0.6, 0.9), integer(rng, 4, 7))


def test_exponential_lrs__gives_one_rate_an_epoch(student: Student, rng: torch.Generator) -> None:
    """gives exactly one rate for one epoch, thirty for thirty, and none for none"""
    for epochs in (1, 30, 2, 0, 3):
        expect_own_rates(student, "sgd", number(rng, 0.01, 0.1), number(rng, 0.5, 0.9), epochs)


def test_exponential_lrs__works_with_any_optimizer(student: Student, rng: torch.Generator) -> None:
    """works with momentum and with Adam"""
    expect_own_rates(student, "adam", number(rng, 0.001, 0.01), number(rng, 0.9, 0.99), 5)
    expect_own_rates(student, "momentum", number(rng, 0.1, 2.0), number(rng, 0.1, 0.3), 4)


def test_exponential_lrs__takes_any_gamma(student: Student, rng: torch.Generator) -> None:
    """keeps the rate where gamma is 1 and raises it where gamma is larger"""
    expect_own_rates(student, "sgd", number(rng, 0.1, 0.5), 1.0, 3)
    expect_own_rates(student, "sgd", number(rng, 0.1, 0.5), number(rng, 1.1, 1.5), 4)


def test_exponential_lrs__starts_with_the_present_rate(student: Student, rng: torch.Generator) -> None:
    """starts with the rate that the optimizer has now, also where that was lowered since it was made"""
    lr, gamma = number(rng, 0.1, 0.5), number(rng, 0.6, 0.9)
    for epochs in (3, 1):
        expect_rates(student.run(rates_after_decay, lr, gamma, epochs), lr, gamma, epochs)


def test_exponential_lrs__keeps_calls_apart(student: Student, rng: torch.Generator) -> None:
    """gives each optimizer its own rates and leaves parameters as they are"""
    lr, gamma = number(rng, 0.1, 0.5), number(rng, 0.6, 0.9)
    expected = [lr * gamma**epoch for epoch in range(4)]
    names = ["the list of rates of the first optimizer", "the list of rates of the second optimizer"]
    expect_close(student.run(rates_twice, lr, gamma, 4), [expected, expected], names, rtol=1e-5, atol=1e-12)
    start = normal(rng, 3)
    expect_unchanged(student.run(parameter_after_rates, start), start, "the optimizer's parameter")
