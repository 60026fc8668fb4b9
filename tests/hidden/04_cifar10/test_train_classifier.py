"""Hidden checks of 04_cifar10. The oracle is the same network in float64, trained and run on this side.

Images, labels and weights are drawn here; probes build networks and loaders from them beside the learner's module. Only
the checks of `Net`, `load_weights` and `trained_accuracy` touch the learner's `Net`. What a probe cannot use it names by
its type, so that a learner hears about the result and never about a line of the probe. A request asks about one thing,
so that of several mistakes each is seen by itself.
"""

import base64
import io
import math
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import (
    CLASSES,
    Mismatch,
    Resident,
    Student,
    Training,
    expect,
    expect_close,
    expect_dtype,
    expect_equal,
    expect_shape,
    expect_unchanged,
)

Tensors = dict[str, torch.Tensor]  # parameters and buffers by name
Samples = tuple[torch.Tensor, torch.Tensor]  # images and labels


def normal(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=rng, dtype=dtype)


def integer(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def labels(rng: torch.Generator, count: int, classes: int = 10) -> torch.Tensor:
    return torch.randint(classes, (count,), generator=rng)


def samples_of(rng: torch.Generator, count: int) -> Samples:
    """Images and labels; the images are coarse, so that a small network sees something in them."""
    return F.interpolate(normal(rng, count, 3, 4, 4), scale_factor=8.0), labels(rng, count)


def came(kind: str) -> str:
    """What came in place of something usable, from the name of its type."""
    return "None, as a function without `return` does" if kind == "NoneType" else f"something of type {kind}"


def expect_usable(found: Any, wanted: str) -> None:
    """Fail if the probe answered with the name of a type, that of a result which it could not use."""
    if isinstance(found, str):
        raise Mismatch(f"{wanted}, but it returned {came(found)}.")


# networks that the suite builds, here and in the probes: each has a parameter and a buffer, but for the topic's own


class Centre(nn.Module):
    """Subtracts a number, which is a buffer, and counts the batches that it sees in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("middle", torch.tensor(0.25))
        self.register_buffer("seen", torch.tensor(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += int(self.training)
        return x - self.middle


class Line(nn.Module):
    """Gives w·x, and counts the batches that it sees in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1, 1))
        self.register_buffer("seen", torch.tensor(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += int(self.training)
        return x @ self.w


class Moody(nn.Module):
    """Takes the first numbers of an image for its scores, and their negatives in train mode."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("shift", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = x.flatten(1)[:, : self.classes] * self.scale + self.shift
        return -scores if self.training else scores


def pictured(scores: torch.Tensor) -> torch.Tensor:
    """Images (N, 3, 32, 32) that a Moody network gives these scores (N, K)."""
    images = torch.zeros(len(scores), 3 * 32 * 32)
    images[:, : scores.shape[1]] = scores
    return images.view(-1, 3, 32, 32)


def build(kind: str) -> nn.Module:
    """A small network for images of 3x32x32 (scores of "plain" and "norm" are (N, 10)), or one of a few numbers."""
    if kind == "line":
        return Line()
    if kind == "linear":  # torch's own classes alone: whoever saves the whole network can do so
        net = nn.Linear(2, 1, bias=False)
        net.register_buffer("seen", torch.tensor(5))
        return net
    if kind == "four":
        return nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))
    if kind == "plain":
        layers = OrderedDict(centre=Centre(), shrink=nn.AvgPool2d(8), flatten=nn.Flatten(), fc1=nn.Linear(48, 12),
                             act=nn.Tanh(), fc2=nn.Linear(12, 10))  # fmt: skip
    elif kind == "norm":
        layers = OrderedDict(shrink=nn.AvgPool2d(8), flatten=nn.Flatten(), norm=nn.BatchNorm1d(48),
                             fc=nn.Linear(48, 10))  # fmt: skip
    else:  # the network of this topic
        layers = OrderedDict(conv1=nn.Conv2d(3, 6, 5), act1=nn.ReLU(), pool1=nn.MaxPool2d(2, 2),
                             conv2=nn.Conv2d(6, 16, 5), act2=nn.ReLU(), pool2=nn.MaxPool2d(2, 2), flatten=nn.Flatten(),
                             fc1=nn.Linear(400, 120), act3=nn.ReLU(), fc2=nn.Linear(120, 84), act4=nn.ReLU(),
                             fc3=nn.Linear(84, 10))  # fmt: skip
    return nn.Sequential(layers)


def make(kind: str, weights: Tensors) -> nn.Module:
    """The network with these parameters and buffers, in their dtype."""
    net = build(kind)
    net.to(next(iter(weights.values())).dtype)
    net.load_state_dict(weights)
    return net


def draw_weights(kind: str, rng: torch.Generator) -> Tensors:
    """Random parameters in a sensible range, and the buffers of a new network."""
    net = build(kind)
    drawn = {name: normal(rng, *p.shape) / math.sqrt(p[0].numel()) for name, p in net.named_parameters()}
    return {**net.state_dict(), **drawn}


def wide(tensors: Tensors) -> Tensors:
    return {name: t.double() if t.is_floating_point() else t for name, t in tensors.items()}


def values(net: nn.Module) -> Tensors:
    return {name: t.detach().clone() for name, t in net.state_dict().items()}


# make_transform ------------------------------------------------------------------------------------------------------


def transformed(module: Any, arrays: list[Any], kind: str) -> Any:
    """What the learner's transform makes of each array, handed over as an "array" or as a "picture"."""
    transform = module.make_transform()
    if not callable(transform):
        return type(transform).__name__
    return [transform(array if kind == "array" else Image.fromarray(array)) for array in arrays]


def array_after(module: Any, array: Any) -> Any:
    module.make_transform()(array)
    return array


def pixels(rng: torch.Generator, height: int, width: int) -> Any:
    return torch.randint(256, (height, width, 3), generator=rng, dtype=torch.uint8).numpy()


def expect_transformed(student: Student, arrays: list[Any], kind: str) -> None:
    found = student.run(transformed, arrays, kind)
    expect_usable(found, "make_transform should return a function that takes an image")
    expected = [torch.from_numpy(array).permute(2, 0, 1).double() / 127.5 - 1 for array in arrays]
    expect_close(found, expected, [f"the image of {a.shape[0]}x{a.shape[1]}" for a in arrays], dtype=torch.float32)


def test_make_transform__scales_arrays(student: Student, rng: torch.Generator) -> None:
    """turns a uint8 array (H, W, 3) into a float32 tensor (3, H, W) between -1 and 1"""
    expect_transformed(student, [pixels(rng, 32, 32), pixels(rng, integer(rng, 2, 9), integer(rng, 10, 20))], "array")


def test_make_transform__takes_pictures(student: Student, rng: torch.Generator) -> None:
    """turns a PIL image into the same tensor as an array"""
    some = [pixels(rng, 2, 3) for _ in range(16)]  # so many that a transform with chance in it shows
    expect_transformed(student, [pixels(rng, 32, 32), pixels(rng, integer(rng, 10, 20), integer(rng, 2, 9)), *some], "picture")


def test_make_transform__reaches_both_ends(student: Student, rng: torch.Generator) -> None:
    """maps 0 to -1 and 255 to 1, also in an image of one value"""
    for kind in ("array", "picture"):
        expect_transformed(student, [np.full((4, 3, 3), value, np.uint8) for value in (0, 255, 1)], kind)


def test_make_transform__takes_tiny_images(student: Student, rng: torch.Generator) -> None:
    """works for images of one, two and four pixels"""
    for kind in ("array", "picture"):
        expect_transformed(student, [pixels(rng, *size) for size in ((1, 1), (1, 2), (2, 2))], kind)


def test_make_transform__leaves_the_image_alone(student: Student, rng: torch.Generator) -> None:
    """does not change the array that it is given"""
    array = pixels(rng, 8, 8)
    expect_unchanged(student.run(array_after, array), array, "the array")


# make_loaders --------------------------------------------------------------------------------------------------------


def seen(module: Any, train: Any, test: Any, batch_size: int, epochs: int, which: int) -> Any:
    """The samples that one of the two loaders gives: for each epoch a list of batches."""
    loaders = module.make_loaders(TensorDataset(*train), TensorDataset(*test), batch_size)
    if not isinstance(loaders, tuple | list):
        return type(loaders).__name__
    if len(loaders) != 2:
        return f"{type(loaders).__name__} with {len(loaders)} items"
    if not hasattr(loaders[which], "__iter__"):
        return f"{type(loaders).__name__} that holds {type(loaders[which]).__name__}"
    return [[list(batch) for batch in loaders[which]] for _ in range(epochs)]


def seen_by(student: Student, train: Samples, test: Samples, batch_size: int, epochs: int, which: int) -> Any:
    found = student.run(seen, train, test, batch_size, epochs, which)
    expect_usable(found, "make_loaders should return two loaders, first for training, then for testing")
    return found


def numbered(rng: torch.Generator, count: int, start: int) -> Samples:
    """Images that all differ, and labels."""
    return (torch.arange(count) + start)[:, None, None, None] + torch.zeros(count, 3, 2, 2), labels(rng, count)


def numbers(epoch: Any) -> torch.Tensor:
    """Which samples an epoch's batches held, in order."""
    return torch.cat([images[:, 0, 0, 0] for images, _ in epoch])


def expect_samples(epochs: Any, samples: Samples, name: str) -> None:
    """Every sample once an epoch, with its own label."""
    images, targets = samples
    for epoch in epochs:
        order = numbers(epoch)
        amount = f"A {name} epoch gave {len(order)} samples of {len(images)}: every sample belongs in it, once."
        expect(len(order) == len(images), amount)
        once = len(order.unique())
        amount = f"A {name} epoch gave only {once} of {len(images)} samples, some of them more than once."
        expect(once == len(images), amount)
        expect_close(order.sort().values, images[:, 0, 0, 0], f"the set of images of a {name} epoch")
        expect_equal(torch.cat([y for _, y in epoch])[order.argsort()], targets, f"the labels of a {name} epoch")


def expect_loaders(student: Student, train: Samples, test: Samples, batch_size: int, epochs: int) -> Any:
    """What the training loader gives: every sample once an epoch, as the test loader does too, and that in order."""
    shuffled = seen_by(student, train, test, batch_size, epochs, 0)
    expect_samples(shuffled, train, "training")
    ordered = seen_by(student, train, test, batch_size, epochs, 1)
    expect_samples(ordered, test, "test")
    for epoch in ordered:
        expect_close(numbers(epoch), test[0][:, 0, 0, 0], "the order of the test images")
    return shuffled


def test_make_loaders__gives_every_sample(student: Student, rng: torch.Generator) -> None:
    """gives every sample of its own data set once an epoch, and the test set in order"""
    train, test = numbered(rng, integer(rng, 40, 60), 0), numbered(rng, integer(rng, 20, 30), 1000)
    expect_loaders(student, train, test, 7, 1)


def test_make_loaders__shuffles_the_training_set(student: Student, rng: torch.Generator) -> None:
    """gives the training samples in a new random order each epoch, and the test samples in the same order"""
    train, test = numbered(rng, 64, 0), numbered(rng, 40, 1000)
    orders = [numbers(epoch) for epoch in expect_loaders(student, train, test, 8, 3)]
    in_order = any(torch.equal(order, train[0][:, 0, 0, 0]) for order in orders)
    expect(not in_order, "The training samples came in the data set's order: shuffle them.")
    fresh = not torch.equal(orders[0], orders[1]) and not torch.equal(orders[1], orders[2])
    expect(fresh, "Two epochs had the training samples in the same order: shuffle them afresh each epoch.")
    inside = any(not torch.equal(order[:8].sort().values, order[:8]) for order in orders)
    expect(inside, "The samples of a batch stand in the data set's order: shuffle samples, not whole batches.")


def test_make_loaders__makes_full_batches(student: Student, rng: torch.Generator) -> None:
    """gives batches of batch_size, and a smaller last one"""
    size = integer(rng, 5, 8)
    train, test = numbered(rng, 4 * size + 2, 0), numbered(rng, 2 * size + 1, 100)
    for which, name, expected in ((0, "training", [size] * 4 + [2]), (1, "test", [size] * 2 + [1])):
        sizes = [len(y) for _, y in seen_by(student, train, test, size, 1, which)[0]]
        expect_equal(sizes, expected, f"the list of the {name} batches' sizes")


def test_make_loaders__takes_small_sets(student: Student, rng: torch.Generator) -> None:
    """works for a data set of one sample, for batches of one, and for a batch size above the data set's"""
    for train, test, size in ((1, 2, 4), (5, 6, 1), (3, 4, 64), (10, 10, 4), (50, 10, 7)):
        expect_loaders(student, numbered(rng, train, 0), numbered(rng, test, 100), size, 2)


def test_make_loaders__keeps_the_samples(student: Student, rng: torch.Generator) -> None:
    """gives images and labels as the data set holds them, in their dtype and shape"""
    train, test = (normal(rng, 5, 3, 4, 4), labels(rng, 5)), (normal(rng, 4, 3, 4, 4), labels(rng, 4))
    images, targets = seen_by(student, train, test, 4, 1, 1)[0][0]
    expect_close(images, test[0], "the first test batch's images", rtol=0, atol=0, dtype=torch.float32)
    expect_equal(targets, test[1], "the first test batch's labels")
    expect_dtype(targets, torch.int64, "the first test batch's labels")


# Net -----------------------------------------------------------------------------------------------------------------


def parameter_shapes(module: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(p.shape) for name, p in module.Net().named_parameters()}


def scores(module: Any, weights: Tensors, batches: list[Any]) -> list[Any]:
    net = module.Net()
    net.load_state_dict(weights, strict=False)
    return [net(batch) for batch in batches]


def scores_in_modes(module: Any, weights: Tensors, images: Any) -> list[Any]:
    net = module.Net()
    net.load_state_dict(weights, strict=False)
    return [net.train()(images), net.eval()(images)]


def scores_of_two(module: Any, first: Tensors, second: Tensors, images: Any) -> list[Any]:
    one, two = module.Net(), module.Net()
    one.load_state_dict(first, strict=False)
    two.load_state_dict(second, strict=False)
    return [one(images), two(images)]


def gradients(module: Any, weights: Tensors, images: Any, grad: Any) -> Any:
    """The gradient of each parameter, or the scores where they have no graph to go back along."""
    net = module.Net()
    net.load_state_dict(weights, strict=False)
    found = net(images)
    if not found.requires_grad:
        return found
    found.backward(grad)
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in net.named_parameters()}


def pooled(module: Any, batches: list[Any]) -> Any:
    pool = getattr(module.Net(), "pool", None)
    return [pool(images) for images in batches] if callable(pool) else None


def images_after_forward(module: Any, images: Any) -> Any:
    module.Net()(images)
    return images


def expect_scores(student: Student, rng: torch.Generator, counts: list[int]) -> None:
    weights = draw_weights("cifar", rng)
    batches = [normal(rng, count, 3, 32, 32) for count in counts]
    expected = [make("cifar", wide(weights))(batch.double()) for batch in batches]
    names = [f"the tensor of scores of a batch of {count}" for count in counts]
    expect_close(student.run(scores, weights, batches), expected, names, rtol=1e-3, atol=1e-4)


def test_Net__computes_the_scores(student: Student, rng: torch.Generator) -> None:
    """has the layers of the contract, by their names, and computes the scores with them"""
    shapes = {name: tuple(p.shape) for name, p in build("cifar").named_parameters()}
    expect_equal(student.run(parameter_shapes), shapes, "the shape")
    expect_scores(student, rng, [4])


def test_Net__has_62006_parameters(student: Student, rng: torch.Generator) -> None:
    """has 62,006 parameters and no further ones"""
    found = student.run(parameter_shapes)
    count = sum(math.prod(shape) for shape in found.values())
    expect(count == 62006, f"The network has {count:,} parameters, not 62,006.")


def test_Net__takes_any_batch(student: Student, rng: torch.Generator) -> None:
    """takes a batch of one image, and batches of different sizes in a row"""
    expect_scores(student, rng, [1, integer(rng, 2, 5), integer(rng, 6, 9), 1])


def test_Net__has_a_pool(student: Student, rng: torch.Generator) -> None:
    """has a layer `pool` that takes the maximum of each 2x2 square"""
    batches = [normal(rng, 2, 3, 7, 6), normal(rng, 1, 1, 3, 4)]
    found = student.run(pooled, batches)
    expect(found is not None, "The network has no layer of the name pool.")
    names = ("what pool gives for images of 7x6", "what pool gives for an image of 3x4")
    expect_close(found, [F.max_pool2d(images, 2) for images in batches], names)


def test_Net__can_be_trained(student: Student, rng: torch.Generator) -> None:
    """passes gradients back to every parameter"""
    weights, images, grad = draw_weights("cifar", rng), normal(rng, 3, 3, 32, 32), normal(rng, 3, 10)
    net = make("cifar", wide(weights))
    net(images.double()).backward(grad.double())
    expected = {name: p.grad for name, p in net.named_parameters()}
    found = student.run(gradients, weights, images, grad)
    cut = "The scores have no graph, so nothing can be learned: is there no_grad or detach() in forward?"
    expect(not isinstance(found, torch.Tensor), cut)
    expect_close(found, expected, "the gradient", rtol=1e-2, atol=1e-3)


def test_Net__does_the_same_in_both_modes(student: Student, rng: torch.Generator) -> None:
    """gives the same scores in train and in eval mode: it has no dropout"""
    weights, images = draw_weights("cifar", rng), normal(rng, 2, 3, 32, 32)
    expected = make("cifar", wide(weights))(images.double())
    names = ("the tensor of scores in train mode", "the tensor of scores in eval mode")
    expect_close(student.run(scores_in_modes, weights, images), [expected] * 2, names, rtol=1e-3, atol=1e-4)


def test_Net__is_not_shared(student: Student, rng: torch.Generator) -> None:
    """makes parameters of its own for every network"""
    first, second, images = draw_weights("cifar", rng), draw_weights("cifar", rng), normal(rng, 2, 3, 32, 32)
    expected = [make("cifar", wide(weights))(images.double()) for weights in (first, second)]
    names = ("the tensor of scores of the first network", "the tensor of scores of the second network")
    expect_close(student.run(scores_of_two, first, second, images), expected, names, rtol=1e-3, atol=1e-4)


def test_Net__leaves_the_images_alone(student: Student, rng: torch.Generator) -> None:
    """does not change the images"""
    images = normal(rng, 2, 3, 32, 32)
    expect_unchanged(student.run(images_after_forward, images), images, "the batch of images")


# make_training -------------------------------------------------------------------------------------------------------

BOTH = "make_training should return two things, first the loss function, then the optimizer"


def made(module: Any, net: nn.Module) -> Any:
    """The learner's loss function and optimizer, or the names of what came in their places."""
    found = module.make_training(net)
    if not isinstance(found, tuple | list):
        return type(found).__name__
    usable = len(found) == 2 and callable(found[0]) and isinstance(found[1], torch.optim.Optimizer)
    return found if usable else f"{type(found).__name__} ({', '.join(type(item).__name__ for item in found)})"


def step_by_step(module: Any, kind: str, weights: Tensors, grads: list[Tensors]) -> Any:
    """The parameters and buffers after each step with these gradients."""
    net = make(kind, weights)
    both = made(module, net)
    if isinstance(both, str):
        return both
    found = []
    for step in grads:
        for name, p in net.named_parameters():
            p.grad = step[name].clone()
        both[1].step()
        found.append(values(net))
    return found


def losses_of(module: Any, weights: Tensors, batches: list[Any]) -> Any:
    """The loss of each batch, or None and the name of the loss function if it takes no scores and labels."""
    both = made(module, make("plain", weights))
    if isinstance(both, str):
        return both
    try:
        return [both[0](logits, targets) for logits, targets in batches]
    except (RuntimeError, TypeError, ValueError, IndexError):
        return [None, type(both[0]).__name__]


def loss_gradient(module: Any, weights: Tensors, logits: Any, targets: Any) -> Any:
    """The gradient of the scores, None if the loss has no graph."""
    both = made(module, make("plain", weights))
    if isinstance(both, str):
        return both
    logits.requires_grad_()
    loss = both[0](logits, targets)
    if loss.requires_grad:
        loss.backward()
    return logits.grad


def kinds(module: Any, weights: Tensors) -> Any:
    both = made(module, make("plain", weights))
    return both if isinstance(both, str) else isinstance(both[0], nn.Module)


def step_two_networks(module: Any, weights: Tensors, grads: list[Tensors]) -> list[Tensors]:
    """The parameters of two networks after one step of the second one's optimizer, both holding gradients."""
    nets = [make("plain", weights), make("plain", weights)]
    optimizers = [module.make_training(net)[1] for net in nets]
    for net, step in zip(nets, grads, strict=True):
        for name, p in net.named_parameters():
            p.grad = step[name].clone()
    optimizers[1].step()
    return [values(net) for net in nets]


def values_after(module: Any, weights: Tensors) -> Tensors:
    net = make("plain", weights)
    module.make_training(net)
    return values(net)


def big_gradients(kind: str, rng: torch.Generator) -> Tensors:
    """Gradients that move a parameter visibly at a learning rate of 0.001."""
    return {name: 100 * normal(rng, *p.shape) for name, p in build(kind).named_parameters()}


def with_momentum(weights: Tensors, grads: list[Tensors]) -> list[Tensors]:
    """The parameters and buffers after each step of SGD(lr=0.001, momentum=0.9)."""
    now, speed = wide(weights), {name: torch.zeros_like(g, dtype=torch.float64) for name, g in grads[0].items()}
    found = []
    for step in grads:
        speed = {name: 0.9 * speed[name] + step[name].double() for name in speed}
        now = {**now, **{name: now[name] - 0.001 * speed[name] for name in speed}}
        found.append(now)
    return found


def multiple(change: Tensors, unit: Tensors) -> float | None:
    """The number m for which change = m · unit, for all parameters; None if there is none."""
    a, b = (torch.cat([t[name].double().flatten() for name in unit]) for t in (change, unit))
    m = float(a @ b / (b @ b))
    return m if torch.allclose(a, m * b, rtol=1e-2, atol=1e-4) else None


def expect_steps(student: Student, rng: torch.Generator, kind: str) -> None:
    """The first step shows the learning rate, the second one the momentum."""
    weights = draw_weights(kind, rng)
    grads = [big_gradients(kind, rng) for _ in range(4)]
    expected = with_momentum(weights, grads)
    first = student.run(step_by_step, kind, weights, grads[:1])
    expect_usable(first, BOTH)
    expect(isinstance(first, list) and len(first) == 1, "make_training's optimizer made no step.")
    rate = multiple({name: weights[name] - first[0][name] for name in grads[0]}, grads[0])
    if rate is not None:
        expect(abs(rate - 0.001) < 1e-5, f"The first step is {rate:.3g} times the gradient; it should be 0.001 times.")
    expect_close(first[0], expected[0], "after step 1, the value", rtol=1e-4, atol=1e-5)
    found = student.run(step_by_step, kind, weights, grads)
    kept = {name: expected[0][name] - found[1][name] - 0.001 * grads[1][name].double() for name in grads[0]}
    share = multiple(kept, {name: 0.001 * g for name, g in grads[0].items()})
    if share is not None:
        text = f"The second step holds {share:.2g} times the first one beside its own gradient; it should be 0.9 times."
        expect(abs(share - 0.9) < 1e-2, text)
    for i in range(1, 4):
        expect_close(found[i], expected[i], f"after step {i + 1}, the value", rtol=1e-4, atol=1e-5)


def test_make_training__makes_the_optimizer(student: Student, rng: torch.Generator) -> None:
    """makes an optimizer whose steps are those of SGD with learning rate 0.001 and momentum 0.9, for every parameter"""
    expect_steps(student, rng, "plain")


def test_make_training__takes_any_network(student: Student, rng: torch.Generator) -> None:
    """makes an optimizer for a network of one parameter, and for one with batch norm"""
    expect_steps(student, rng, "line")
    expect_steps(student, rng, "four")


def test_make_training__adds_nothing_of_its_own(student: Student, rng: torch.Generator) -> None:
    """makes an optimizer that leaves every parameter as it is where all gradients are zero: no weight decay"""
    weights = wide(draw_weights("plain", rng))
    none = {name: torch.zeros_like(p, dtype=torch.float64) for name, p in build("plain").named_parameters()}
    found = student.run(step_by_step, "plain", weights, [none] * 2)
    expect_close(found[1], weights, "after two steps with zero gradients, the value", rtol=0, atol=0)


def test_make_training__makes_the_loss(student: Student, rng: torch.Generator) -> None:
    """makes a loss function that is the cross entropy of the scores, averaged over the batch"""
    batches = [(3 * normal(rng, n, 10), labels(rng, n)) for n in (4, 1, integer(rng, 5, 9))]
    batches.append((3 * normal(rng, 2, 3), labels(rng, 2, 3)))
    batches.append((3 * normal(rng, 6, 10), torch.full((6,), integer(rng, 0, 9))))
    batches.append((torch.tensor([[1000.0, -1000.0, 0.0]]), torch.tensor([1])))
    batches.append((torch.zeros(3, 7), labels(rng, 3, 7)))
    expected = [F.cross_entropy(logits.double(), targets) for logits, targets in batches]
    names = [f"the loss of a batch of {len(targets)}" for _, targets in batches]
    found = student.run(losses_of, draw_weights("plain", rng), batches)
    expect_usable(found, BOTH)
    if isinstance(found, list) and len(found) == 2 and found[0] is None:
        raise Mismatch(f"{found[1]} does not take scores (N, 10) with labels (N,), whole numbers. Which loss of torch.nn does?")
    expect_close(found, expected, names)


def test_make_training__has_a_loss_to_learn_from(student: Student, rng: torch.Generator) -> None:
    """makes a loss function whose backward reaches the scores"""
    logits, targets = normal(rng, 5, 10), labels(rng, 5)
    wanted = logits.double().requires_grad_()
    F.cross_entropy(wanted, targets).backward()
    found = student.run(loss_gradient, draw_weights("plain", rng), logits, targets)
    expect(found is not None, "The loss has no graph, so nothing can be learned from it.")
    expect_close(found, wanted.grad, "the gradient of the loss")


def test_make_training__returns_both(student: Student, rng: torch.Generator) -> None:
    """returns an nn.Module and an Optimizer, in this order"""
    found = student.run(kinds, draw_weights("plain", rng))
    expect_usable(found, BOTH)
    expect(found is True, "The first of the two should be an nn.Module, such as torch.nn has for each loss function.")


def test_make_training__keeps_networks_apart(student: Student, rng: torch.Generator) -> None:
    """makes an optimizer for the network it is given and for no other"""
    weights = draw_weights("plain", rng)
    grads = [big_gradients("plain", rng) for _ in range(2)]
    found = student.run(step_two_networks, weights, grads)
    expect_close(found[0], wide(weights), "in the other network, the value")
    expect_close(found[1], with_momentum(weights, grads[1:])[0], "the value")


def test_make_training__changes_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves the network's parameters as they are"""
    weights = draw_weights("plain", rng)
    expect_close(student.run(values_after, weights), wide(weights), "the value", rtol=0, atol=0)


# train ---------------------------------------------------------------------------------------------------------------


def plan_of(**changes: Any) -> dict[str, Any]:
    plan = {"batch": 4, "epochs": 2, "log_every": 2, "calls": 1, "training": True, "course": "usual"}
    return {**plan, **changes}


def course_of(net: nn.Module, plan: dict[str, Any]) -> Any:
    """The loss function and the optimizer that the plan names."""
    if plan["course"] == "squares":
        return nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.5)
    if plan["course"] == "unusual":
        # With the usual eps, Adam makes a whole step of a gradient that is nothing but rounding.
        adam = torch.optim.Adam(net.parameters(), lr=0.02, weight_decay=0.1, eps=1e-3)
        return nn.CrossEntropyLoss(label_smoothing=0.2), adam
    return nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)


def trained(module: Any, kind: str, weights: Tensors, samples: Any, plan: dict[str, Any]) -> tuple[nn.Module, Any, list[bool]]:
    """A network of the suite's once it is trained, what `train` returned at each call, the mode at each step."""
    net = make(kind, weights)
    net.train(plan["training"])
    loader = DataLoader(TensorDataset(*samples), batch_size=plan["batch"])
    criterion, optimizer = course_of(net, plan)
    modes: list[bool] = []
    optimizer.register_step_pre_hook(lambda *_: modes.append(net.training))
    more = {} if plan["log_every"] is None else {"log_every": plan["log_every"]}
    returned = [module.train(net, loader, criterion, optimizer, plan["epochs"], **more) for _ in range(plan["calls"])]
    return net, returned, modes


def state_and_modes(module: Any, kind: str, weights: Tensors, samples: Any, plan: dict[str, Any]) -> list[Any]:
    net, _, modes = trained(module, kind, weights, samples, plan)
    return [values(net), modes]


def losses_from(module: Any, kind: str, weights: Tensors, samples: Any, plan: dict[str, Any]) -> Any:
    return trained(module, kind, weights, samples, plan)[1]


def samples_after(module: Any, weights: Tensors, samples: Any) -> list[Any]:
    trained(module, "plain", weights, samples, plan_of())
    return list(samples)


def oracle(kind: str, weights: Tensors, samples: Samples, plan: dict[str, Any]) -> tuple[Tensors, list[list[float]]]:
    """The state that training must leave and what each call must return, in float64."""
    net = make(kind, wide(weights)).train()
    criterion, optimizer = course_of(net, plan)
    log_every, returned = plan["log_every"] or 2000, []
    targets = samples[1].double() if samples[1].is_floating_point() else samples[1]
    for _ in range(plan["calls"]):
        means: list[float] = []
        for _ in range(plan["epochs"]):
            losses = []
            for x, y in zip(samples[0].split(plan["batch"]), targets.split(plan["batch"]), strict=True):
                optimizer.zero_grad()
                loss = criterion(net(x.double()), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            full = len(losses) // log_every
            means += [math.fsum(losses[i * log_every : (i + 1) * log_every]) / log_every for i in range(full)]
        returned.append(means)
    return values(net), returned


def on_a_line(rng: torch.Generator) -> Samples:
    """Nine values x = 1 and what w·x should be there."""
    return torch.ones(9, 1), normal(rng, 9, 1)


def expect_trained(student: Student, rng: torch.Generator, samples: Samples, plan: dict[str, Any], kind: str = "plain") -> None:
    weights = draw_weights(kind, rng)
    expected = {name: t for name, t in oracle(kind, weights, samples, plan)[0].items() if "seen" not in name}
    state, modes = student.run(state_and_modes, kind, weights, samples, plan)
    moved = any(not torch.equal(state[name], weights[name]) for name in expected)
    made_steps = f"although the optimizer made {len(modes)} steps: were the gradients there at each step?"
    why = made_steps if modes else "and the optimizer that train was given made no step."
    expect(moved, f"After training, the network is as it was before, {why}")
    batches = plan["calls"] * plan["epochs"] * math.ceil(len(samples[0]) / plan["batch"])
    try:
        expect_close(state, expected, "after training, the value", rtol=1e-3, atol=1e-4)
    except Mismatch:
        expect(modes, "The weights have changed, but the optimizer that train was given made no step: use that one, "
               "not another optimizer or an update of your own.")  # fmt: skip
        expect(len(modes) == batches, f"The optimizer made {len(modes)} steps for {batches} batches: take one after each batch.")
        raise


def expect_losses(student: Student, rng: torch.Generator, samples: Samples, plan: dict[str, Any], kind: str = "plain") -> None:
    weights = draw_weights(kind, rng)
    found = student.run(losses_from, kind, weights, samples, plan)
    for returned, means in zip(found, oracle(kind, weights, samples, plan)[1], strict=True):
        expect_list(returned, len(means))
        name = "the list of window losses" if not means else [f"the loss of window {k + 1}" for k in range(len(means))]
        expect_close(returned, means, name, rtol=1e-3, atol=1e-4)


def expect_list(found: Any, count: int) -> None:
    text = f"train should return the list of window losses, but it returned {came(type(found).__name__)}."
    expect(isinstance(found, tuple | list), text)
    expect(len(found) == count, f"train should return {count} window losses, but it returned {len(found)}: one for "
                                "each full window of log_every batches, and each epoch starts a new one.")  # fmt: skip


def test_train__learns_from_every_batch(student: Student, rng: torch.Generator) -> None:
    """leaves in the network the values that a step after each batch of two epochs leaves"""
    expect_trained(student, rng, samples_of(rng, 16), plan_of())
    expect_trained(student, rng, samples_of(rng, 18), plan_of())


def test_train__returns_the_window_losses(student: Student, rng: torch.Generator) -> None:
    """returns the mean loss of each full window of log_every batches, and starts a new window each epoch"""
    expect_losses(student, rng, samples_of(rng, 4 * 9), plan_of(log_every=3))
    expect_losses(student, rng, samples_of(rng, 4 * 8), plan_of(log_every=3, epochs=3))
    expect_losses(student, rng, samples_of(rng, 4 * 7 + 3), plan_of(log_every=4, epochs=1))


def test_train__returns_numbers(student: Student, rng: torch.Generator) -> None:
    """returns numbers: no window loss holds on to the graph of its batches"""
    found = student.run(losses_from, "plain", draw_weights("plain", rng), samples_of(rng, 10), plan_of())[0]
    expect_list(found, 2)
    graphs = sum(isinstance(loss, torch.Tensor) and loss.requires_grad for loss in found)
    expect(graphs == 0, f"{graphs} of the {len(found)} window losses still have a graph, which keeps every batch in memory: "
                        "add up loss.item(), a number.")  # fmt: skip


def test_train__leaves_the_samples_alone(student: Student, rng: torch.Generator) -> None:
    """does not change the loader's images and labels"""
    samples = samples_of(rng, 10)
    after = student.run(samples_after, draw_weights("plain", rng), samples)
    for before, now, name in zip(samples, after, ("the tensor of the loader's images", "the tensor of its labels"), strict=True):
        expect_unchanged(now, before, name)


def test_train__uses_what_it_is_given(student: Student, rng: torch.Generator) -> None:
    """uses the loss function and the optimizer that it is given"""
    expect_trained(student, rng, samples_of(rng, 14), plan_of(course="unusual"))
    expect_trained(student, rng, on_a_line(rng), plan_of(course="squares", batch=2), "line")
    expect_losses(student, rng, on_a_line(rng), plan_of(course="squares", batch=2), "line")


def test_train__switches_to_train_mode(student: Student, rng: torch.Generator) -> None:
    """trains in train mode, also a network that comes in eval mode: its batch norm collects statistics"""
    for training in (True, False):
        weights, samples, plan = draw_weights("norm", rng), samples_of(rng, 14), plan_of(training=training)
        state, modes = student.run(state_and_modes, "norm", weights, samples, plan)
        try:
            expect_close(state, oracle("norm", weights, samples, plan)[0], "after training, the value", rtol=1e-2, atol=1e-3)
        except Mismatch:
            text = f"In {modes.count(False)} of {len(modes)} steps the network was in eval mode. Call net.train() before them."
            expect(False not in modes, text)
            raise


def test_train__leaves_out_short_windows(student: Student, rng: torch.Generator) -> None:
    """returns an empty list where no window of batches is full, as with the default of 2000"""
    expect_losses(student, rng, samples_of(rng, 9), plan_of(log_every=4))
    expect_losses(student, rng, samples_of(rng, 6), plan_of(log_every=None))


def test_train__takes_any_number_of_samples(student: Student, rng: torch.Generator) -> None:
    """trains on a single sample, on batches of one, and where the last batch has one or the only one is not full"""
    for count, batch, epochs in ((1, 4, 1), (3, 1, 3), (9, 4, 2), (5, 64, 2)):
        plan = plan_of(batch=batch, epochs=epochs, log_every=1)
        expect_trained(student, rng, samples_of(rng, count), plan)
        expect_losses(student, rng, samples_of(rng, count), plan)


def test_train__takes_images_of_one_class(student: Student, rng: torch.Generator) -> None:
    """trains on images that all have the same label"""
    images, _ = samples_of(rng, 10)
    expect_trained(student, rng, (images, torch.full((10,), integer(rng, 0, 9))), plan_of())


def test_train__continues(student: Student, rng: torch.Generator) -> None:
    """goes on from where an earlier call left the network, with a list and a window of its own"""
    expect_trained(student, rng, samples_of(rng, 10), plan_of(calls=2, epochs=1))
    expect_losses(student, rng, samples_of(rng, 18), plan_of(calls=2, epochs=1))


# save_weights --------------------------------------------------------------------------------------------------------


def read_back(module: Any, kind: str, weights: Tensors, times: int) -> dict[str, Any]:
    """What torch.load finds in the file, or of which type it is where that is refused; and the network's values afterwards."""
    net = make(kind, weights)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        for i in range(times):
            if i:
                with torch.no_grad():
                    next(net.parameters()).sin_()
            module.save_weights(net, path if i % 2 == 0 else str(path))
        if not path.is_file():
            return {"problem": "no file"}
        try:
            found = torch.load(path, weights_only=True)
        except Exception:  # noqa: BLE001  whatever torch raises for what it does not read
            return {"problem": "refused", "holds": whole_content(path)}
        return {"problem": "", "found": found, "size": path.stat().st_size, "after": values(net)}


def whole_content(path: Path) -> str:
    """The name of the type that a file holds, "" if torch did not write it."""
    try:
        return type(torch.load(path, weights_only=False)).__name__
    except Exception:  # noqa: BLE001  whatever torch raises for what it does not read
        return ""


def expect_file(found: Any, expected: Tensors) -> None:
    problem = found["problem"]
    expect(problem != "no file", "After save_weights(net, path) there is no file at path.")
    if problem:
        holds = f"it holds something of type {found['holds']}" if found["holds"] else "torch.save did not write it"
        raise Mismatch(f"torch.load(path, weights_only=True) refuses the file: {holds}. Save net.state_dict() with torch.save.")
    kind = type(found["found"]).__name__
    expect(isinstance(found["found"], dict), f"The file should hold net.state_dict(), a dict of tensors, but it holds a {kind}.")
    extra = sorted(str(key) for key in found["found"].keys() - expected.keys())
    expect(not extra, f"The file should hold just what net.state_dict() holds; it also has {', '.join(extra[:5])}.")
    expect_close(found["found"], expected, "in the file, the value", rtol=1e-6, atol=1e-7)


def test_save_weights__writes_a_state_dict(student: Student, rng: torch.Generator) -> None:
    """writes a file in which torch.load(path, weights_only=True) finds every parameter"""
    weights = draw_weights("cifar", rng)
    expect_file(student.run(read_back, "cifar", weights, 1), weights)


def test_save_weights__keeps_buffers(student: Student, rng: torch.Generator) -> None:
    """saves buffers too, such as the statistics of batch norm, in their dtype"""
    weights = draw_weights("norm", rng)
    weights["norm.running_mean"], weights["norm.num_batches_tracked"] = normal(rng, 48), torch.tensor(7)
    found = student.run(read_back, "norm", weights, 1)
    expect_file(found, weights)
    expect_dtype(found["found"]["norm.num_batches_tracked"], torch.int64, "norm.num_batches_tracked in the file")


def test_save_weights__takes_any_network(student: Student, rng: torch.Generator) -> None:
    """saves the weights of the network that it is given, also of one with two weights"""
    for kind in ("linear", "plain", "linear"):
        weights = draw_weights(kind, rng)
        expect_file(student.run(read_back, kind, weights, 1), weights)


def test_save_weights__overwrites(student: Student, rng: torch.Generator) -> None:
    """replaces an older file, given as a Path or as a str"""
    weights = draw_weights("norm", rng)
    first = next(name for name, _ in build("norm").named_parameters())
    found = student.run(read_back, "norm", weights, 2)
    expect_file(found, {**weights, first: weights[first].sin()})


def test_save_weights__writes_only_weights(student: Student, rng: torch.Generator) -> None:
    """writes a file that is about as large as the weights"""
    found = student.run(read_back, "cifar", draw_weights("cifar", rng), 1)
    expect(not found["problem"], "There is no file with a state_dict at path.")
    expect(found["size"] < 1 << 20, f"The file has {found['size']:,} bytes; 62,006 float32 weights take about 250,000.")


def test_save_weights__leaves_the_network_alone(student: Student, rng: torch.Generator) -> None:
    """does not change the network"""
    weights = draw_weights("plain", rng)
    found = student.run(read_back, "plain", weights, 1)
    expect(not found["problem"], "There is no file with a state_dict at path.")
    expect_close(found["after"], weights, "after saving, the value", rtol=0, atol=0)


# load_weights --------------------------------------------------------------------------------------------------------

A_NET = "load_weights should return a Net"


def shift(net: nn.Module, amount: float) -> None:
    with torch.no_grad():
        for p in net.parameters():
            p.add_(amount)


def saved_and_loaded(module: Any, amounts: list[float], images: Any, kind: str) -> Any:
    """Scores of the learner's networks, and of what load_weights makes of their files, given as "text" or "path"."""
    nets, loaded = [], []
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"net{i}.pth" for i in range(len(amounts))]
        for amount, path in zip(amounts, paths, strict=True):
            nets.append(module.Net().eval())
            shift(nets[-1], amount)
            torch.save(nets[-1].state_dict(), path)
        loaded = [module.load_weights(str(path) if kind == "text" else path) for path in paths]
    for net in loaded:
        if not isinstance(net, nn.Module):
            return type(net).__name__
    return [[net(images) for net in nets], [net.eval()(images) for net in loaded]]


def expect_loaded(student: Student, rng: torch.Generator, count: int, images: torch.Tensor, kind: str) -> None:
    found = student.run(saved_and_loaded, amounts_of(rng, count), images, kind)
    expect_usable(found, A_NET)
    names = [f"the tensor of scores of loaded network {i + 1}" for i in range(count)]
    expect_close(found[1], found[0], names if count > 1 else ["the tensor of scores of the loaded network"])


def loaded_twice(module: Any, amount: float, images: Any) -> Any:
    """Scores of the second of two networks loaded from one file, before and after the first is changed."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/net.pth"
        torch.save(module.Net().state_dict(), path)
        one, two = module.load_weights(path), module.load_weights(path)
    if not isinstance(two, nn.Module):
        return type(two).__name__
    before = two.eval()(images)
    shift(one, amount)
    return [before, two(images)]


def what_is_loaded(module: Any) -> dict[str, Any]:
    """The kind of what is loaded, which of its parameters can be trained, and whether the file is as it was."""
    net = module.Net()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.pth"
        torch.save(net.state_dict(), path)
        before = path.read_bytes()
        loaded = module.load_weights(str(path))
        same = path.read_bytes() == before
    trainable = [p.requires_grad for p in loaded.parameters()] if isinstance(loaded, nn.Module) else []
    return {"kind": type(loaded).__name__, "wanted": type(net).__name__, "trainable": trainable, "same": same}


def amounts_of(rng: torch.Generator, count: int) -> list[float]:
    return [0.01 * (i + 1) + 0.005 * float(torch.rand((), generator=rng)) for i in range(count)]


def test_load_weights__gives_the_same_network(student: Student, rng: torch.Generator) -> None:
    """returns a network that gives the scores of the one whose weights are in the file"""
    expect_loaded(student, rng, 1, normal(rng, 3, 3, 32, 32), "text")


def test_load_weights__reads_the_file_it_is_given(student: Student, rng: torch.Generator) -> None:
    """reads each file that it is given, and also takes a Path"""
    expect_loaded(student, rng, 3, normal(rng, 2, 3, 32, 32), "path")


def test_load_weights__makes_a_new_network(student: Student, rng: torch.Generator) -> None:
    """returns a new network at each call: to change one leaves the other as it is"""
    found = student.run(loaded_twice, amounts_of(rng, 1)[0], normal(rng, 2, 3, 32, 32))
    expect_usable(found, A_NET)
    expect_close(found[1], found[0], "the tensor of scores of the other network")


def test_load_weights__returns_a_Net(student: Student, rng: torch.Generator) -> None:
    """returns a Net whose parameters can be trained, and leaves the file as it is"""
    found = student.run(what_is_loaded)
    expect(found["kind"] == found["wanted"], f"{A_NET}, but it returned {came(found['kind'])}.")
    expect(all(found["trainable"]), "Some parameters of the loaded network do not require grad.")
    expect(found["same"], "load_weights changed the file.")


# predict -------------------------------------------------------------------------------------------------------------


def predicted(module: Any, kind: str, weights: Tensors, batches: list[Any]) -> list[Any]:
    net = make(kind, weights).eval()
    return [module.predict(net, batch) for batch in batches]


def predicted_from(module: Any, scores_of_images: Any) -> Any:
    """The labels of images that have these scores."""
    return module.predict(Moody(scores_of_images.shape[1]).eval(), pictured(scores_of_images))


def state_after_predict(module: Any, kind: str, weights: Tensors, images: Any) -> list[Any]:
    net = make(kind, weights).eval()
    module.predict(net, images)
    return [values(net), images, [p.grad is None for p in net.parameters()]]


def expect_labels(found: Any, count: int) -> None:
    """A tensor of `count` labels, int64, without a graph."""
    name = f"the tensor of labels of {count} image{'s' * (count > 1)}"
    expect_shape(found, (count,), name)
    expect_dtype(found, torch.int64, name)
    expect(not found.requires_grad, "The labels still have a graph.")


def expect_predicted(student: Student, rng: torch.Generator, kind: str, counts: list[int], dtype: torch.dtype) -> None:
    weights = {name: w.to(dtype) for name, w in draw_weights(kind, rng).items()}
    batches = [normal(rng, count, 3, 32, 32, dtype=dtype) for count in counts]
    found = student.run(predicted, kind, weights, batches)
    for labels_found, batch in zip(found, batches, strict=True):
        expect_labels(labels_found, len(batch))
        expect_equal(labels_found, make(kind, wide(weights))(batch.double()).argmax(1), "the tensor of labels")


def expect_best(student: Student, rows: torch.Tensor) -> None:
    """A label with the highest score for each row; where several have it, any of them."""
    found = student.run(predicted_from, rows)
    expect_labels(found, len(rows))
    best = rows == rows.max(1, keepdim=True).values
    outside = bool(((found < 0) | (found >= rows.shape[1])).any())
    wrong = len(rows) if outside else int((~best.gather(1, found[:, None])).sum())
    expect(wrong == 0, f"{wrong} of {len(rows)} labels are not of a highest score.")


def test_predict__gives_the_best_labels(student: Student, rng: torch.Generator) -> None:
    """gives the label with the highest score for each image, as an int64 tensor (N,) without a graph"""
    expect_predicted(student, rng, "plain", [integer(rng, 20, 30)], torch.float32)


def test_predict__uses_the_network(student: Student, rng: torch.Generator) -> None:
    """uses the network that it is given, for any number of images"""
    expect_predicted(student, rng, "cifar", [3, integer(rng, 4, 8), 11], torch.float32)


def test_predict__takes_one_image(student: Student, rng: torch.Generator) -> None:
    """gives a tensor of one label for a batch of one image"""
    expect_predicted(student, rng, "plain", [1, 1, 1], torch.float32)


def test_predict__takes_any_scores(student: Student, rng: torch.Generator) -> None:
    """gives one label for each image where scores are large, or all negative, and any number of classes"""
    for count, classes in ((2, 3), (1, 3), (4, 1), (5, 12)):
        rows = torch.stack([torch.randperm(classes, generator=rng) for _ in range(count)]).float()
        for low, step in ((0.0, 40.0), (-900.0, 30.0), (-20.0, 0.5)):
            expect_best(student, low + step * rows)


def test_predict__takes_equal_scores(student: Student, rng: torch.Generator) -> None:
    """gives one label for each image, also where several scores are the highest"""
    rows = torch.tensor([[2.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-3.0, -1.0, -1.0], [4.0, 5.0, 4.0]])
    expect_best(student, rows[torch.randperm(4, generator=rng)])


def test_predict__works_in_float64(student: Student, rng: torch.Generator) -> None:
    """works for a network and images in float64"""
    expect_predicted(student, rng, "plain", [12], torch.float64)


def test_predict__changes_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves parameters, gradients and images as they are"""
    weights, images = draw_weights("plain", rng), normal(rng, 4, 3, 32, 32)
    state, after, without = student.run(state_after_predict, "plain", weights, images)
    expect_close(state, weights, "after predict, the value", rtol=0, atol=0)
    expect_unchanged(after, images, "the images")
    expect(all(without), "predict left gradients in the network.")


# accuracy ------------------------------------------------------------------------------------------------------------


def measured(module: Any, samples: Any, batch: int, mode: bool) -> Any:
    """The accuracy of a network that comes in this mode, on images with these scores."""
    net = Moody(samples[0].shape[1]).train(mode)
    return module.accuracy(net, DataLoader(TensorDataset(pictured(samples[0]), samples[1]), batch_size=batch))


def modes_after(module: Any, samples: Any, modes: list[bool]) -> list[bool]:
    """The mode in which each network is afterwards."""
    found = []
    for mode in modes:
        net = Moody(samples[0].shape[1]).train(mode)
        module.accuracy(net, DataLoader(TensorDataset(pictured(samples[0]), samples[1]), batch_size=4))
        found.append(net.training)
    return found


def measured_with_norm(module: Any, weights: Tensors, samples: Any) -> list[Any]:
    net = make("norm", weights).train()
    value = module.accuracy(net, DataLoader(TensorDataset(*samples), batch_size=4))
    return [value, values(net)]


def graded(rng: torch.Generator, count: int, right: int, classes: int = 10) -> Samples:
    """Scores (count, classes) and labels of which exactly `right` are right, in random order."""
    logits = normal(rng, count, classes)
    best = logits.argmax(1)
    wrong = (best + torch.randint(1, max(classes, 2), (count,), generator=rng)) % classes
    hit = (torch.arange(count) < right)[torch.randperm(count, generator=rng)]
    return logits, torch.where(hit, best, wrong)


def uneven(rng: torch.Generator) -> Samples:
    """13 scores and labels: 4 right in the first batch of 5, 1 in the second, all 3 in the last."""
    parts = [graded(rng, count, right) for count, right in ((5, 4), (5, 1), (3, 3))]
    return torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])


def expect_fraction(found: Any, fraction: float, name: str) -> None:
    """A number without a graph."""
    graph = isinstance(found, torch.Tensor) and found.requires_grad
    expect(not graph, f"{name[:1].upper()}{name[1:]} still has a graph: count with numbers.")
    expect_close(found, fraction, name, rtol=0, atol=1e-5)


def test_accuracy__counts_the_right_labels(student: Student, rng: torch.Generator) -> None:
    """gives the fraction of all images that are labelled correctly, with a smaller last batch, in eval mode"""
    expect_fraction(student.run(measured, uneven(rng), 5, False), 8 / 13, "the accuracy")


def test_accuracy__is_in_eval_mode(student: Student, rng: torch.Generator) -> None:
    """puts a network that is in train mode into eval mode while it works"""
    expect_fraction(student.run(measured, uneven(rng), 5, True), 8 / 13, "the accuracy of a network that came in train mode")


def test_accuracy__restores_the_mode(student: Student, rng: torch.Generator) -> None:
    """leaves the network in the mode it came in, train or eval"""
    before = [True, False, True]
    for came_in, after in zip(before, student.run(modes_after, graded(rng, 9, 5), before), strict=True):
        mode = "train" if came_in else "eval"
        expect(after is came_in, f"A network that came in {mode} mode should be in {mode} mode afterwards.")


def test_accuracy__takes_any_loader(student: Student, rng: torch.Generator) -> None:
    """works for batches of one, for one large batch, for a last batch of one, and where all labels or none are right"""
    for count, right, batch in ((6, 4, 1), (7, 3, 100), (9, 6, 4), (8, 8, 3), (8, 0, 3), (1, 1, 4), (1, 0, 1)):
        found = student.run(measured, graded(rng, count, right), batch, False)
        expect_fraction(found, right / count, f"the accuracy with {count} image{'s' * (count > 1)} in batches of {batch}")


def test_accuracy__takes_any_classes(student: Student, rng: torch.Generator) -> None:
    """works for three classes and for one, where all labels are the same, and where wrong classes have equal scores"""
    expect_fraction(student.run(measured, graded(rng, 5, 2, 3), 2, False), 0.4, "the accuracy with three classes")
    expect_fraction(student.run(measured, graded(rng, 4, 4, 1), 3, False), 1.0, "the accuracy with one class")
    same = (normal(rng, 7, 4), torch.full((7,), 2))
    right = (same[0].argmax(1) == 2).double().mean().item()
    expect_fraction(student.run(measured, same, 3, False), right, "the accuracy where all labels are the same")
    ties = torch.tensor([[5.0, 5.0, 1.0], [0.0, 1.0, 0.0], [-1.0, -1.0, -2.0], [3.0, 2.0, 3.0], [2.0, 0.0, 0.0]])
    found = student.run(measured, (ties, torch.tensor([2, 1, 2, 1, 0])), 2, False)
    expect_fraction(found, 0.4, "the accuracy where wrong classes have equal scores")


def test_accuracy__starts_afresh(student: Student, rng: torch.Generator) -> None:
    """counts anew at every call"""
    for count, right in ((10, 9), (5, 1), (8, 4)):
        expect_fraction(student.run(measured, graded(rng, count, right), 3, False), right / count, "the accuracy")


def test_accuracy__changes_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves parameters and the statistics of batch norm as they are"""
    weights, samples = draw_weights("norm", rng), samples_of(rng, 10)
    value, state = student.run(measured_with_norm, weights, samples)
    right = make("norm", wide(weights)).eval()(samples[0].double()).argmax(1) == samples[1]
    expect_fraction(value, right.double().mean().item(), "the accuracy")
    expect_close(state, weights, "after accuracy, the value", rtol=0, atol=0)


# per_class_accuracy --------------------------------------------------------------------------------------------------


def measured_by_class(module: Any, samples: Any, batch: int, classes: Any) -> Any:
    loader = DataLoader(TensorDataset(pictured(samples[0]), samples[1]), batch_size=batch)
    return module.per_class_accuracy(Moody(samples[0].shape[1]).eval(), loader, classes)


def state_after_measuring(module: Any, weights: Tensors, samples: Any, classes: Any) -> list[Any]:
    net = make("plain", weights).eval()
    module.per_class_accuracy(net, DataLoader(TensorDataset(*samples), batch_size=4), classes)
    return [values(net), list(classes)]


def by_class(samples: Samples, classes: Any) -> dict[str, float]:
    right = samples[0].argmax(1) == samples[1]
    return {name: right[samples[1] == i].double().mean().item() for i, name in enumerate(classes)}


def expect_by_class(student: Student, samples: Samples, batch: int, classes: Any) -> None:
    found = student.run(measured_by_class, samples, batch, classes)
    text = f"per_class_accuracy should return a dict from class name to accuracy, but it returned {came(type(found).__name__)}."
    expect(isinstance(found, dict), text)
    extra = [str(key) for key in found if key not in classes]
    expect(not extra, f"The dict should have one key for each class; it also has {', '.join(extra[:5])}.")
    missing = [name for name in classes if name not in found]
    expect(not missing, f"The dict should have one key for each class; it lacks {', '.join(missing[:5])}.")
    for name, fraction in by_class(samples, classes).items():
        expect_fraction(found[name], fraction, f"the accuracy of {name}")


def mixed(rng: torch.Generator, count: int, classes: int) -> Samples:
    """Scores and labels, about half of them right, with every class among the labels."""
    logits = normal(rng, count, classes)
    targets = torch.arange(count) % classes
    half = torch.randperm(count, generator=rng) < count // 2
    logits[half, targets[half]] += 10.0
    order = torch.randperm(count, generator=rng)
    return logits[order], targets[order]


def test_per_class_accuracy__counts_each_class(student: Student, rng: torch.Generator) -> None:
    """gives for each class the fraction of its images that are labelled correctly"""
    classes = [CLASSES[i] for i in (8, 3, 0, 6, 9, 1, 5, 2, 7, 4)]
    expect_by_class(student, mixed(rng, 47, 10), 5, classes)


def test_per_class_accuracy__knows_empty_classes(student: Student, rng: torch.Generator) -> None:
    """gives nan for a class without images, also where the network names that class"""
    logits, targets = mixed(rng, 20, 4)
    targets[targets == 2] = 1
    logits[:3, 2] += 50.0
    expect_by_class(student, (logits, targets), 6, ("cat", "dog", "frog", "ship"))
    expect_by_class(student, (logits, torch.full((20,), 3)), 6, ("cat", "dog", "frog", "ship"))


def test_per_class_accuracy__takes_other_classes(student: Student, rng: torch.Generator) -> None:
    """works for other classes, in their order, as a list or a tuple"""
    expect_by_class(student, mixed(rng, 12, 3), 4, ["zebra", "ant", "mole"])
    expect_by_class(student, mixed(rng, 9, 2), 2, ("yes", "no"))
    expect_by_class(student, mixed(rng, 4, 1), 3, ["all"])
    expect_by_class(student, mixed(rng, 5, 3), 2, ["ship", "cat", "dog"])


def test_per_class_accuracy__takes_any_batch(student: Student, rng: torch.Generator) -> None:
    """works for batches of one, for one large batch, for a last batch of one, and for a single image"""
    expect_by_class(student, mixed(rng, 11, 3), 1, ("a", "b", "c"))
    expect_by_class(student, mixed(rng, 11, 3), 50, ("a", "b", "c"))
    expect_by_class(student, mixed(rng, 9, 3), 4, ("a", "b", "c"))
    expect_by_class(student, mixed(rng, 1, 3), 4, ("a", "b", "c"))


def test_per_class_accuracy__starts_afresh(student: Student, rng: torch.Generator) -> None:
    """counts anew at every call"""
    for _ in range(3):
        expect_by_class(student, mixed(rng, 8, 2), 3, ("day", "night"))


def test_per_class_accuracy__changes_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves the network's parameters and the class names as they are"""
    weights, samples = draw_weights("plain", rng), samples_of(rng, 6)
    state, classes = student.run(state_after_measuring, weights, samples, list(CLASSES))
    expect_close(state, weights, "after measuring, the value", rtol=0, atol=0)
    expect_equal(classes, list(CLASSES), "the list of classes")


# trained_accuracy ----------------------------------------------------------------------------------------------------


ALIKE = 0.3  # the cosine of the layers that move least; 0.58 and more after training, 0.02 and less for others


def initial(seed: int) -> Tensors:
    """The weights of a new network, as PyTorch draws them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return values(build("cifar"))


def train_on_images(module: Any, samples: Any, seed: int, weights: Tensors, numbers: Any, plan: dict[str, Any]) -> dict[str, Any]:
    """Train the learner's Net with the learner's `train`: the weights, the window losses, and the mode at each step.

    The network starts from `weights`, as far as it has them, and `numbers` are the labels that stand for the classes.
    """
    torch.manual_seed(seed)
    net = module.Net()
    for name, own in net.state_dict().items():
        if name in weights and weights[name].shape == own.shape:
            own.copy_(weights[name])
    order = torch.Generator().manual_seed(seed)
    images, labels_of = samples
    loader = DataLoader(TensorDataset(images, numbers[labels_of]), batch_size=plan["batch"], shuffle=True, generator=order)
    optimizer = torch.optim.SGD(net.parameters(), lr=plan["lr"], momentum=plan["momentum"])
    modes: list[bool] = []
    optimizer.register_step_pre_hook(lambda *_: modes.append(net.training))
    losses = module.train(net, loader, nn.CrossEntropyLoss(), optimizer, plan["epochs"], plan["log_every"])
    return {"weights": values(net), "losses": losses, "eval_steps": modes.count(False)}


def pictures(images: torch.Tensor) -> list[str]:
    """Each image, float (N, 3, 32, 32) in [-1, 1], as a PNG file in base64."""
    files = []
    for pixels_of in (images.add(1).mul(127.5).round().to(torch.uint8).permute(0, 2, 3, 1)).numpy():
        file = io.BytesIO()
        Image.fromarray(pixels_of).save(file, "PNG")
        files.append(base64.b64encode(file.getvalue()).decode())
    return files


def plain_numbers(losses: Any) -> list[float]:
    """The finite ones of what should be a list of losses, numbers or 0-dim tensors."""
    kept = losses if isinstance(losses, list | tuple) else []
    scalars = [x for x in kept if isinstance(x, int | float) or (isinstance(x, torch.Tensor) and x.numel() == 1)]
    return [float(x) for x in scalars if math.isfinite(x)]


def expect_fits(weights: Any) -> None:
    """The weights fit the grader's own network."""
    for name, wanted in build("cifar").state_dict().items():
        expect(name in weights, f"The trained network has no parameter {name}: see the task Net.")
        expect_shape(weights[name], wanted.shape, f"after training, {name}")
        text = f"After training, {name} has dtype {weights[name].dtype}: leave the network in float32."
        expect(weights[name].dtype == wanted.dtype, text)
        text = f"After training, {name} contains nan or inf: the training diverged. Are old gradients cleared each time?"
        expect(bool(torch.isfinite(weights[name]).all()), text)


def expect_continues(weights: Tensors, start: Tensors) -> None:
    """The trained weights come from the ones that the network was given: large layers keep much of where they started."""
    for name in ("fc1.weight", "fc2.weight"):
        alike = F.cosine_similarity(weights[name].flatten(), start[name].flatten(), dim=0).item()
        text = f"After training, {name} has nothing to do with what it was before: train the network from the weights it has."
        expect(alike >= ALIKE, text)


def test_trained_accuracy__reaches_the_minimum(
    student: Student, rng: torch.Generator, training: Training, attach: Callable[[str, Any], None]
) -> None:
    """trains this topic's network to the minimum accuracy on test images that it has not seen"""
    budget = training.budget
    seed, test_seed = integer(rng, 0, 1 << 30), integer(rng, 1, 1 << 30)
    batches = budget.images // budget.batch
    plan = {"batch": budget.batch, "lr": budget.lr, "momentum": budget.momentum, "epochs": budget.epochs,
            "log_every": max(batches // 15, 1)}  # fmt: skip
    # Weights made elsewhere know neither where this network starts nor which label stands for which class.
    start, numbers = initial(integer(rng, 0, 1 << 30)), torch.randperm(len(CLASSES), generator=rng)
    found = student.run(train_on_images, Resident(training.resident), seed, start, numbers, plan)
    expect_fits(found["weights"])
    expect_continues(found["weights"], start)
    net = build("cifar")
    net.load_state_dict({name: found["weights"][name] for name in net.state_dict()})
    images, targets = training.test_images(test_seed)
    with torch.no_grad():
        guesses = numbers.argsort()[torch.cat([net(part).argmax(1) for part in images.split(500)])]
    reached = (guesses == targets).double().mean().item()
    counts = torch.bincount(targets * len(CLASSES) + guesses, minlength=len(CLASSES) ** 2).view(len(CLASSES), -1)
    attach("losses", plain_numbers(found["losses"]))
    attach("accuracy", {"reached": reached, "minimum": budget.minimum, "images": training.source.name})
    attach("confusion", {"classes": list(CLASSES), "counts": counts.tolist()})
    shown = zip(pictures(images[:24]), targets[:24].tolist(), guesses[:24].tolist(), strict=True)
    attach("samples", [{"png": png, "label": CLASSES[y], "predicted": CLASSES[guess]} for png, y, guess in shown])
    expect(reached >= budget.minimum, f"The trained network labels {reached:.1%} of {len(targets)} test images right; "
                                      f"the minimum is {budget.minimum:.0%} ({training.source.name}). It was trained by your "
                                      "train: if that task lost points, mend it first.")  # fmt: skip
    expect(found["eval_steps"] == 0, "The network was in eval mode while it was trained: call net.train() first.")
