"""Hidden checks of 04_cifar10.

Images, labels and weights are drawn on this side. Probes build networks and loaders from them beside the learner's
module; expected values come from the same networks, trained or run on this side in float64. Only the checks of `Net`,
`load_weights` and `trained_accuracy` touch the learner's `Net`.
"""

from __future__ import annotations

import base64
import io
import math
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import (
    CLASSES,
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

if TYPE_CHECKING:
    from collections.abc import Callable


Tensors = dict[str, torch.Tensor]  # parameters and buffers by name


def normal(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=rng, dtype=dtype)


def integer(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def labels(rng: torch.Generator, count: int, classes: int = 10) -> torch.Tensor:
    return torch.randint(classes, (count,), generator=rng)


# --- networks that the suite builds, here and in the probes -----------------------------------------------------------


class Moody(nn.Module):
    """Gives its input as the scores, and its negative in train mode."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -x.flatten(1) if self.training else x.flatten(1)


def build(kind: str) -> nn.Module:
    """A small network for images of 3x32x32 (scores of "plain" and "norm" are (N, 10))."""
    if kind == "plain":
        layers = OrderedDict(shrink=nn.AvgPool2d(8), flatten=nn.Flatten(), fc1=nn.Linear(48, 12), act=nn.Tanh(),
                             fc2=nn.Linear(12, 10))  # fmt: skip
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


# --- make_transform ---------------------------------------------------------------------------------------------------


def transform_arrays(module: Any, arrays: list[Any]) -> list[Any]:
    transform = module.make_transform()
    return [transform(array) for array in arrays]


def transform_pictures(module: Any, arrays: list[Any]) -> list[Any]:
    transform = module.make_transform()
    return [transform(Image.fromarray(array)) for array in arrays]


def array_after(module: Any, array: Any) -> Any:
    module.make_transform()(array)
    return array


def pixels(rng: torch.Generator, height: int, width: int) -> Any:
    return torch.randint(256, (height, width, 3), generator=rng, dtype=torch.uint8).numpy()


def expect_transformed(found: Any, arrays: list[Any]) -> None:
    expected = [torch.from_numpy(array).permute(2, 0, 1).double() / 127.5 - 1 for array in arrays]
    expect_close(found, expected, [f"the image of {a.shape[0]}x{a.shape[1]}" for a in arrays], dtype=torch.float32)


def test_make_transform__scales_arrays(student: Student, rng: torch.Generator) -> None:
    """turns a uint8 array (H, W, 3) into a float32 tensor (3, H, W) between -1 and 1"""
    arrays = [pixels(rng, 32, 32), pixels(rng, integer(rng, 2, 9), integer(rng, 10, 20))]
    expect_transformed(student.run(transform_arrays, arrays), arrays)


def test_make_transform__takes_pictures(student: Student, rng: torch.Generator) -> None:
    """turns a PIL image into the same tensor as an array"""
    arrays = [pixels(rng, 32, 32), pixels(rng, integer(rng, 10, 20), integer(rng, 2, 9))]
    expect_transformed(student.run(transform_pictures, arrays), arrays)


def test_make_transform__reaches_both_ends(student: Student) -> None:
    """maps 0 to -1 and 255 to 1, also in an image of one pixel or of one value"""
    arrays = [np.zeros((1, 1, 3), np.uint8), np.full((4, 3, 3), 255, np.uint8), np.ones((2, 2, 3), np.uint8)]
    expect_transformed(student.run(transform_arrays, arrays), arrays)


def test_make_transform__leaves_the_image_alone(student: Student, rng: torch.Generator) -> None:
    """does not change the array that it is given"""
    array = pixels(rng, 8, 8)
    expect_unchanged(student.run(array_after, array), array, "the array")


# --- make_loaders -----------------------------------------------------------------------------------------------------


def seen(module: Any, train: Any, test: Any, batch_size: int, epochs: int) -> list[Any]:
    """The samples that each loader gives, a list of batches an epoch."""
    loaders = module.make_loaders(TensorDataset(*train), TensorDataset(*test), batch_size)
    if not isinstance(loaders, tuple | list):
        return []
    return [[[list(batch) for batch in loader] for _ in range(epochs)] for loader in loaders]


def numbered(rng: torch.Generator, count: int, start: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images that all differ, and labels."""
    return (torch.arange(count) + start)[:, None, None, None] + torch.zeros(count, 3, 2, 2), labels(rng, count)


def numbers(epoch: Any) -> torch.Tensor:
    """Which samples an epoch's batches held, in order."""
    return torch.cat([images[:, 0, 0, 0] for images, _ in epoch])


def expect_loaders(found: Any, train: Any, test: Any) -> None:
    """Every sample once an epoch, with its own label; the test set in order."""
    expect(len(found) == 2, "make_loaders should return two loaders: first the training loader, then the test loader.")
    for epochs, (images, targets), name in zip(found, (train, test), ("training", "test"), strict=True):
        for epoch in epochs:
            order = numbers(epoch)
            dropped = f"A {name} epoch gave {len(order)} samples of {len(images)}: every sample belongs in it, once."
            expect(len(order) == len(images), dropped)
            expect_close(order.sort().values, images[:, 0, 0, 0], f"the set of images of a {name} epoch")
            expect_equal(torch.cat([y for _, y in epoch])[order.argsort()], targets, f"the labels of a {name} epoch")
    for epoch in found[1]:
        expect_close(numbers(epoch), test[0][:, 0, 0, 0], "the order of the test images")


def test_make_loaders__gives_every_sample(student: Student, rng: torch.Generator) -> None:
    """gives every sample of its own data set once an epoch, and the test set in order"""
    train, test = numbered(rng, integer(rng, 40, 60), 0), numbered(rng, integer(rng, 20, 30), 1000)
    expect_loaders(student.run(seen, train, test, 7, 1), train, test)


def test_make_loaders__shuffles_the_training_set(student: Student, rng: torch.Generator) -> None:
    """gives the training samples in a new random order each epoch, and the test samples in the same order"""
    train, test = numbered(rng, 64, 0), numbered(rng, 40, 1000)
    found = student.run(seen, train, test, 8, 3)
    expect_loaders(found, train, test)
    orders = [numbers(epoch) for epoch in found[0]]
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
    found = student.run(seen, train, test, size, 1)
    sizes = [[[len(y) for _, y in epoch] for epoch in epochs] for epochs in found]
    names = ("the list of the training batches' sizes", "the list of the test batches' sizes")
    expect_equal(sizes, [[[size] * 4 + [2]], [[size] * 2 + [1]]], names)


def test_make_loaders__takes_small_sets(student: Student, rng: torch.Generator) -> None:
    """works for a data set of one sample, for batches of one, and for a batch size above the data set's"""
    for count, size in ((1, 4), (5, 1), (3, 64)):
        train, test = numbered(rng, count, 0), numbered(rng, count + 1, 100)
        expect_loaders(student.run(seen, train, test, size, 2), train, test)


def test_make_loaders__keeps_the_samples(student: Student, rng: torch.Generator) -> None:
    """gives images and labels as the data set holds them, in their dtype and shape"""
    train, test = (normal(rng, 5, 3, 4, 4), labels(rng, 5)), (normal(rng, 4, 3, 4, 4), labels(rng, 4))
    images, targets = student.run(seen, train, test, 4, 1)[1][0][0]
    expect_close(images, test[0], "the first test batch's images", rtol=0, atol=0, dtype=torch.float32)
    expect_equal(targets, test[1], "the first test batch's labels")
    expect_dtype(targets, torch.int64, "the first test batch's labels")


# --- Net --------------------------------------------------------------------------------------------------------------


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
    net = module.Net()
    net.load_state_dict(weights, strict=False)
    net(images).backward(grad)
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in net.named_parameters()}


def pooled(module: Any, images: Any) -> Any:
    return module.Net().pool(images)


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


def test_Net__has_62006_parameters(student: Student) -> None:
    """has 62,006 parameters and no further ones"""
    found = student.run(parameter_shapes)
    count = sum(math.prod(shape) for shape in found.values())
    expect(count == 62006, f"The network has {count:,} parameters, not 62,006.")


def test_Net__takes_any_batch(student: Student, rng: torch.Generator) -> None:
    """takes a batch of one image, and batches of different sizes in a row"""
    expect_scores(student, rng, [1, integer(rng, 2, 5), integer(rng, 6, 9), 1])


def test_Net__has_a_pool(student: Student, rng: torch.Generator) -> None:
    """has a layer `pool` that takes the maximum of each 2x2 square"""
    images = normal(rng, 2, 3, 7, 6)
    expect_close(student.run(pooled, images), F.max_pool2d(images, 2), "what pool gives")


def test_Net__can_be_trained(student: Student, rng: torch.Generator) -> None:
    """passes gradients back to every parameter"""
    weights, images, grad = draw_weights("cifar", rng), normal(rng, 3, 3, 32, 32), normal(rng, 3, 10)
    net = make("cifar", wide(weights))
    net(images.double()).backward(grad.double())
    expected = {name: p.grad for name, p in net.named_parameters()}
    expect_close(student.run(gradients, weights, images, grad), expected, "the gradient", rtol=1e-2, atol=1e-3)


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


# --- make_training ----------------------------------------------------------------------------------------------------


def step_by_step(module: Any, weights: Tensors, grads: list[Tensors]) -> list[Tensors]:
    """The parameters after each step with these gradients."""
    net = make("plain", weights)
    _, optimizer = module.make_training(net)
    found = []
    for step in grads:
        for name, p in net.named_parameters():
            p.grad = step[name].clone()
        optimizer.step()
        found.append(values(net))
    return found


def losses_of(module: Any, weights: Tensors, batches: list[Any]) -> list[Any]:
    criterion, _ = module.make_training(make("plain", weights))
    return [criterion(logits, targets) for logits, targets in batches]


def loss_gradient(module: Any, weights: Tensors, logits: Any, targets: Any) -> Any:
    criterion, _ = module.make_training(make("plain", weights))
    logits.requires_grad_()
    criterion(logits, targets).backward()
    return logits.grad


def kinds(module: Any, weights: Tensors) -> list[bool]:
    criterion, optimizer = module.make_training(make("plain", weights))
    return [isinstance(criterion, nn.Module), isinstance(optimizer, torch.optim.Optimizer)]


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


def big_gradients(weights: Tensors, rng: torch.Generator) -> Tensors:
    """Gradients that move a parameter visibly at a learning rate of 0.001."""
    return {name: 100 * normal(rng, *p.shape) for name, p in weights.items()}


def with_momentum(weights: Tensors, grads: list[Tensors]) -> list[Tensors]:
    """The parameters after each step of SGD(lr=0.001, momentum=0.9)."""
    now, speed = wide(weights), {name: torch.zeros_like(p, dtype=torch.float64) for name, p in weights.items()}
    found = []
    for step in grads:
        speed = {name: 0.9 * speed[name] + step[name].double() for name in now}
        now = {name: now[name] - 0.001 * speed[name] for name in now}
        found.append(now)
    return found


def test_make_training__makes_the_optimizer(student: Student, rng: torch.Generator) -> None:
    """makes an optimizer whose steps are those of SGD with learning rate 0.001 and momentum 0.9, for every parameter"""
    weights = draw_weights("plain", rng)
    grads = [big_gradients(weights, rng) for _ in range(4)]
    found = student.run(step_by_step, weights, grads)
    for i, expected in enumerate(with_momentum(weights, grads)):
        expect_close(found[i], expected, f"after step {i + 1}, the value", rtol=1e-4, atol=1e-5)


def test_make_training__adds_nothing_of_its_own(student: Student, rng: torch.Generator) -> None:
    """makes an optimizer that leaves every parameter as it is where all gradients are zero: no weight decay"""
    weights = wide(draw_weights("plain", rng))
    found = student.run(step_by_step, weights, [{name: torch.zeros_like(p) for name, p in weights.items()}] * 2)
    expect_close(found[1], weights, "after two steps with zero gradients, the value", rtol=0, atol=0)


def test_make_training__makes_the_loss(student: Student, rng: torch.Generator) -> None:
    """makes a loss function that is the cross entropy of the scores, averaged over the batch"""
    batches = [(3 * normal(rng, n, 10), labels(rng, n)) for n in (4, 1, integer(rng, 5, 9))]
    batches.append((torch.tensor([[1000.0, -1000.0, 0.0]]), torch.tensor([1])))
    expected = [F.cross_entropy(logits.double(), targets) for logits, targets in batches]
    names = [f"the loss of a batch of {len(targets)}" for _, targets in batches]
    expect_close(student.run(losses_of, draw_weights("plain", rng), batches), expected, names)


def test_make_training__has_a_loss_to_learn_from(student: Student, rng: torch.Generator) -> None:
    """makes a loss function whose backward reaches the scores"""
    logits, targets = normal(rng, 5, 10), labels(rng, 5)
    wanted = logits.double().requires_grad_()
    F.cross_entropy(wanted, targets).backward()
    found = student.run(loss_gradient, draw_weights("plain", rng), logits, targets)
    expect_close(found, wanted.grad, "the gradient of the loss")


def test_make_training__returns_both(student: Student, rng: torch.Generator) -> None:
    """returns an nn.Module and an Optimizer, in this order"""
    found = student.run(kinds, draw_weights("plain", rng))
    expect(found[0] is True, "The first of the two should be an nn.Module, such as torch.nn has for each loss function.")
    expect(found[1] is True, "The second of the two should be an optimizer of torch.optim.")


def test_make_training__keeps_networks_apart(student: Student, rng: torch.Generator) -> None:
    """makes an optimizer for the network it is given and for no other"""
    weights = draw_weights("plain", rng)
    grads = [big_gradients(weights, rng) for _ in range(2)]
    found = student.run(step_two_networks, weights, grads)
    expect_close(found[0], wide(weights), "in the other network, the value")
    expect_close(found[1], with_momentum(weights, grads[1:])[0], "the value")


def test_make_training__changes_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves the network's parameters as they are"""
    weights = draw_weights("plain", rng)
    expect_close(student.run(values_after, weights), wide(weights), "the value", rtol=0, atol=0)


# --- train ------------------------------------------------------------------------------------------------------------


def trained(module: Any, kind: str, weights: Tensors, samples: Any, plan: dict[str, Any]) -> dict[str, Any]:
    """Train a network of the suite's: its state, what `train` returned, the samples as they are now, steps taken."""
    net = make(kind, weights)
    net.train(plan["training"])
    loader = DataLoader(TensorDataset(*samples), batch_size=plan["batch"])
    criterion, optimizer = course_of(net, plan)
    steps: list[int] = []
    optimizer.register_step_pre_hook(lambda *_: steps.append(1))
    more = {} if plan["log_every"] is None else {"log_every": plan["log_every"]}
    returned = [module.train(net, loader, criterion, optimizer, plan["epochs"], **more) for _ in range(plan["calls"])]
    return {"state": values(net), "losses": returned, "samples": list(samples), "steps": len(steps)}


def course_of(net: nn.Module, plan: dict[str, Any]) -> Any:
    """The loss function and the optimizer that the plan names."""
    if plan["unusual"]:
        return nn.CrossEntropyLoss(label_smoothing=0.2), torch.optim.Adam(net.parameters(), lr=0.02, weight_decay=0.1)
    return nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)


def plan_of(**changes: Any) -> dict[str, Any]:
    plan = {"batch": 4, "epochs": 2, "log_every": 2, "calls": 1, "training": True, "unusual": False}
    return {**plan, **changes}


def oracle(kind: str, weights: Tensors, samples: Any, plan: dict[str, Any]) -> dict[str, Any]:
    """What `trained` must find, in float64."""
    net = make(kind, wide(weights)).train()
    criterion, optimizer = course_of(net, plan)
    log_every, returned = plan["log_every"] or 2000, []
    for _ in range(plan["calls"]):
        means: list[float] = []
        for _ in range(plan["epochs"]):
            losses = []
            for x, y in zip(samples[0].split(plan["batch"]), samples[1].split(plan["batch"]), strict=True):
                optimizer.zero_grad()
                loss = criterion(net(x.double()), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            full = len(losses) // log_every
            means += [math.fsum(losses[i * log_every : (i + 1) * log_every]) / log_every for i in range(full)]
        returned.append(means)
    return {"state": values(net), "losses": returned}


def samples_of(rng: torch.Generator, count: int) -> Any:
    """Images and labels; the images are coarse, so that a small network sees something in them."""
    return F.interpolate(normal(rng, count, 3, 4, 4), scale_factor=8.0), labels(rng, count)


def expect_trained(student: Student, rng: torch.Generator, kind: str, count: int, plan: dict[str, Any]) -> None:
    weights, samples = draw_weights(kind, rng), samples_of(rng, count)
    found = student.run(trained, kind, weights, samples, plan)
    expected = oracle(kind, weights, samples, plan)
    expect_close(found["state"], expected["state"], "after training, the value", rtol=1e-3, atol=1e-4)


def expect_losses(student: Student, rng: torch.Generator, count: int, plan: dict[str, Any]) -> None:
    weights, samples = draw_weights("plain", rng), samples_of(rng, count)
    found = student.run(trained, "plain", weights, samples, plan)
    expected = oracle("plain", weights, samples, plan)["losses"]
    for i, means in enumerate(expected):
        name = "the list of window losses" if not means else [f"the loss of window {k + 1}" for k in range(len(means))]
        expect_list(found["losses"][i], len(means))
        expect_close(found["losses"][i], means, name, rtol=1e-3, atol=1e-4)


def expect_list(found: Any, count: int) -> None:
    what = "None, as a function without `return` does" if found is None else f"something of type {type(found).__name__}"
    expect(isinstance(found, tuple | list), f"train should return the list of window losses, but it returned {what}.")
    expect(len(found) == count, f"train should return {count} window losses, but it returned {len(found)}: one for "
                                "each full window of log_every batches, and each epoch starts a new one.")  # fmt: skip


def test_train__learns_from_every_batch(student: Student, rng: torch.Generator) -> None:
    """leaves in the network the values that a step after each batch of two epochs leaves"""
    expect_trained(student, rng, "plain", 16, plan_of())
    expect_trained(student, rng, "plain", 18, plan_of())


def test_train__returns_the_window_losses(student: Student, rng: torch.Generator) -> None:
    """returns the mean loss of each full window of log_every batches, and starts a new window each epoch"""
    expect_losses(student, rng, 4 * 8 + 3, plan_of(log_every=3))
    expect_losses(student, rng, 4 * 5 + 1, plan_of(log_every=1, epochs=1, batch=7))


def test_train__leaves_the_samples_alone(student: Student, rng: torch.Generator) -> None:
    """does not change the loader's images and labels"""
    weights, samples = draw_weights("plain", rng), samples_of(rng, 10)
    after = student.run(trained, "plain", weights, samples, plan_of())["samples"]
    for before, now, name in zip(samples, after, ("the tensor of the loader's images", "the tensor of its labels"), strict=True):
        expect_unchanged(now, before, name)


def test_train__uses_what_it_is_given(student: Student, rng: torch.Generator) -> None:
    """uses the loss function and the optimizer that it is given"""
    expect_trained(student, rng, "plain", 14, plan_of(unusual=True))


def test_train__switches_to_train_mode(student: Student, rng: torch.Generator) -> None:
    """trains in train mode, also a network that comes in eval mode: its batch norm collects statistics"""
    for training in (True, False):
        weights, samples, plan = draw_weights("norm", rng), samples_of(rng, 14), plan_of(training=training)
        state = student.run(trained, "norm", weights, samples, plan)["state"]
        still = torch.equal(state["norm.running_mean"], weights["norm.running_mean"])
        expect(not still, "Batch norm collected no statistics: the network was in eval mode. Call net.train() first.")
        expected = oracle("norm", weights, samples, plan)["state"]
        expect_close(state, expected, "after training, the value", rtol=1e-2, atol=1e-3)


def test_train__leaves_out_short_windows(student: Student, rng: torch.Generator) -> None:
    """returns an empty list where no window of batches is full, as with the default of 2000"""
    expect_losses(student, rng, 9, plan_of(log_every=4))
    expect_losses(student, rng, 6, plan_of(log_every=None))


def test_train__takes_one_sample(student: Student, rng: torch.Generator) -> None:
    """trains on a single sample, and for a single epoch"""
    expect_trained(student, rng, "plain", 1, plan_of(epochs=1))
    expect_trained(student, rng, "plain", 3, plan_of(epochs=3, batch=1))


def test_train__continues(student: Student, rng: torch.Generator) -> None:
    """goes on from where an earlier call left the network"""
    expect_trained(student, rng, "plain", 10, plan_of(calls=2, epochs=1))
    expect_losses(student, rng, 16, plan_of(calls=2, epochs=1))


# --- save_weights -----------------------------------------------------------------------------------------------------


def read_back(module: Any, kind: str, weights: Tensors, times: int) -> dict[str, Any]:
    """What torch.load finds in the file, or why it refuses it; and the network's values afterwards."""
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
        except Exception as error:  # noqa: BLE001  whatever torch raises for what it does not read
            return {"problem": type(error).__name__}
        return {"found": found, "size": path.stat().st_size, "after": values(net), "problem": ""}


def expect_file(found: Any, expected: Tensors) -> None:
    problem = found["problem"]
    expect(problem != "no file", "After save_weights(net, path) there is no file at path.")
    expect(not problem, f"torch.load(path, weights_only=True) refuses the file ({problem}): "
                        "save net.state_dict(), not the network.")  # fmt: skip
    expect(isinstance(found["found"], dict), "The file should hold net.state_dict(), a dict of tensors.")
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


def test_save_weights__overwrites(student: Student, rng: torch.Generator) -> None:
    """replaces an older file, given as a Path or as a str"""
    weights = draw_weights("plain", rng)
    first = next(iter(weights))
    found = student.run(read_back, "plain", weights, 2)
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


# --- load_weights -----------------------------------------------------------------------------------------------------


def shift(net: nn.Module, amount: float) -> None:
    with torch.no_grad():
        for p in net.parameters():
            p.add_(amount)


def saved_and_loaded(module: Any, amounts: list[float], images: Any, *, as_text: bool) -> list[Any]:
    """Scores of the learner's networks, and of what load_weights makes of their files (None if that is no network)."""
    nets, loaded = [], []
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"net{i}.pth" for i in range(len(amounts))]
        for amount, path in zip(amounts, paths, strict=True):
            nets.append(module.Net().eval())
            shift(nets[-1], amount)
            torch.save(nets[-1].state_dict(), path)
        loaded = [module.load_weights(str(path) if as_text else path) for path in paths]
    after = [net.eval()(images) if isinstance(net, nn.Module) else None for net in loaded]
    return [[net(images) for net in nets], after, [type(net).__name__ for net in loaded]]


def text_paths(module: Any, amounts: list[float], images: Any) -> list[Any]:
    return saved_and_loaded(module, amounts, images, as_text=True)


def path_objects(module: Any, amounts: list[float], images: Any) -> list[Any]:
    return saved_and_loaded(module, amounts, images, as_text=False)


def expect_loaded(found: Any) -> None:
    before, after, kinds_found = found
    for i, kind in enumerate(kinds_found):
        expect(after[i] is not None, f"load_weights should return a Net, but what it returned is of type {kind}.")
        name = (
            "the tensor of scores of the loaded network"
            if len(before) == 1
            else f"the tensor of scores of loaded network {i + 1}"
        )
        expect_close(after[i], before[i], name)


def loaded_twice(module: Any, amount: float, images: Any) -> list[Any]:
    """Scores of the second of two networks loaded from one file, before and after the first is changed."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/net.pth"
        torch.save(module.Net().state_dict(), path)
        one, two = module.load_weights(path), module.load_weights(path).eval()
    before = two(images)
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
    expect_loaded(student.run(text_paths, amounts_of(rng, 1), normal(rng, 3, 3, 32, 32)))


def test_load_weights__reads_the_file_it_is_given(student: Student, rng: torch.Generator) -> None:
    """reads each file that it is given, and also takes a Path"""
    expect_loaded(student.run(path_objects, amounts_of(rng, 3), normal(rng, 2, 3, 32, 32)))


def test_load_weights__makes_a_new_network(student: Student, rng: torch.Generator) -> None:
    """returns a new network at each call: to change one leaves the other as it is"""
    before, after = student.run(loaded_twice, amounts_of(rng, 1)[0], normal(rng, 2, 3, 32, 32))
    expect_close(after, before, "the tensor of scores of the other network")


def test_load_weights__returns_a_Net(student: Student) -> None:
    """returns a Net whose parameters can be trained, and leaves the file as it is"""
    found = student.run(what_is_loaded)
    message = f"load_weights should return a Net, but what it returned is of type {found['kind']}."
    expect(found["kind"] == found["wanted"], message)
    expect(all(found["trainable"]), "Some parameters of the loaded network do not require grad.")
    expect(found["same"], "load_weights changed the file.")


# --- predict ----------------------------------------------------------------------------------------------------------


def predicted(module: Any, kind: str, weights: Tensors, batches: list[Any]) -> list[Any]:
    net = make(kind, weights).eval()
    return [module.predict(net, batch) for batch in batches]


def state_after_predict(module: Any, kind: str, weights: Tensors, images: Any) -> list[Any]:
    net = make(kind, weights)
    module.predict(net, images)
    return [values(net), images, [p.grad is None for p in net.parameters()]]


def expect_predicted(student: Student, rng: torch.Generator, kind: str, counts: list[int], dtype: torch.dtype) -> None:
    weights = {name: w.to(dtype) for name, w in draw_weights(kind, rng).items()}
    batches = [normal(rng, count, 3, 32, 32, dtype=dtype) for count in counts]
    expected = [make(kind, wide(weights))(batch.double()).argmax(1) for batch in batches]
    found = student.run(predicted, kind, weights, batches)
    for labels_found, wanted in zip(found, expected, strict=True):
        name = f"the tensor of labels of {len(wanted)} image{'s' * (len(wanted) > 1)}"
        expect_shape(labels_found, wanted.shape, name)
        expect_dtype(labels_found, torch.int64, name)
        expect(not labels_found.requires_grad, f"{name[:1].upper()}{name[1:]} still has a graph.")
        expect_equal(labels_found, wanted, name)


def test_predict__gives_the_best_labels(student: Student, rng: torch.Generator) -> None:
    """gives the label with the highest score for each image, as an int64 tensor (N,) without a graph"""
    expect_predicted(student, rng, "plain", [integer(rng, 20, 30)], torch.float32)


def test_predict__uses_the_network(student: Student, rng: torch.Generator) -> None:
    """uses the network that it is given, for any number of images"""
    expect_predicted(student, rng, "cifar", [3, integer(rng, 4, 8), 11], torch.float32)


def test_predict__takes_one_image(student: Student, rng: torch.Generator) -> None:
    """gives a tensor of one label for a batch of one image"""
    expect_predicted(student, rng, "plain", [1, 1, 1], torch.float32)


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


# --- accuracy ---------------------------------------------------------------------------------------------------------


def measured(module: Any, samples: Any, batch: int, modes: list[bool]) -> list[Any]:
    """For each mode the accuracy of a network whose scores are its input, and the mode afterwards."""
    found = []
    for training in modes:
        net = Moody().train(training)
        value = module.accuracy(net, DataLoader(TensorDataset(*samples), batch_size=batch))
        found.append([value, net.training])
    return found


def measured_in_turn(module: Any, sets: list[Any]) -> list[Any]:
    return [module.accuracy(Moody(), DataLoader(TensorDataset(*samples), batch_size=3)) for samples in sets]


def measured_with_norm(module: Any, weights: Tensors, samples: Any) -> list[Any]:
    net = make("norm", weights).train()
    value = module.accuracy(net, DataLoader(TensorDataset(*samples), batch_size=4))
    return [value, values(net)]


def graded(rng: torch.Generator, count: int, right: int, classes: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores (count, classes) and labels of which exactly `right` are right, in random order."""
    logits = normal(rng, count, classes)
    best = logits.argmax(1)
    wrong = (best + torch.randint(1, classes, (count,), generator=rng)) % classes
    hit = (torch.arange(count) < right)[torch.randperm(count, generator=rng)]
    return logits, torch.where(hit, best, wrong)


def uneven(rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """13 scores and labels: 4 right in the first batch of 5, 1 in the second, all 3 in the last."""
    parts = [graded(rng, count, right) for count, right in ((5, 4), (5, 1), (3, 3))]
    return torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])


def test_accuracy__counts_the_right_labels(student: Student, rng: torch.Generator) -> None:
    """gives the fraction of all images that are labelled correctly, with a smaller last batch, in eval mode"""
    found = student.run(measured, uneven(rng), 5, [False])
    expect_close(found[0][0], 8 / 13, "the accuracy", rtol=0, atol=1e-5)


def test_accuracy__is_in_eval_mode(student: Student, rng: torch.Generator) -> None:
    """puts a network that is in train mode into eval mode while it works"""
    found = student.run(measured, uneven(rng), 5, [True])
    expect_close(found[0][0], 8 / 13, "the accuracy of a network that came in train mode", rtol=0, atol=1e-5)


def test_accuracy__restores_the_mode(student: Student, rng: torch.Generator) -> None:
    """leaves the network in the mode it came in, train or eval"""
    found = student.run(measured, graded(rng, 9, 5), 4, [True, False, True])
    for (_, after), before in zip(found, (True, False, True), strict=True):
        mode = "train" if before else "eval"
        expect(after is before, f"A network that came in {mode} mode should be in {mode} mode afterwards.")


def test_accuracy__takes_any_loader(student: Student, rng: torch.Generator) -> None:
    """works for batches of one, for one large batch, and where all labels or none are right"""
    for count, right, batch in ((6, 4, 1), (7, 3, 100), (8, 8, 3), (8, 0, 3), (1, 1, 4)):
        found = student.run(measured, graded(rng, count, right), batch, [False])
        name = f"the accuracy with {count} image{'s' * (count > 1)} in batches of {batch}"
        expect_close(found[0][0], right / count, name, rtol=0, atol=1e-5)


def test_accuracy__starts_afresh(student: Student, rng: torch.Generator) -> None:
    """counts anew at every call"""
    found = student.run(measured_in_turn, [graded(rng, 10, 9), graded(rng, 5, 1), graded(rng, 8, 4)])
    names = ("the first loader's accuracy", "the second loader's accuracy", "the third loader's accuracy")
    expect_close(found, (0.9, 0.2, 0.5), names, rtol=0, atol=1e-5)


def test_accuracy__changes_nothing(student: Student, rng: torch.Generator) -> None:
    """leaves parameters and the statistics of batch norm as they are"""
    weights, samples = draw_weights("norm", rng), samples_of(rng, 10)
    value, state = student.run(measured_with_norm, weights, samples)
    right = make("norm", wide(weights)).eval()(samples[0].double()).argmax(1) == samples[1]
    expect_close(value, right.double().mean(), "the accuracy", rtol=0, atol=1e-5)
    expect_close(state, weights, "after accuracy, the value", rtol=0, atol=0)


# --- per_class_accuracy -----------------------------------------------------------------------------------------------


def measured_by_class(module: Any, samples: Any, batch: int, classes: Any) -> Any:
    return module.per_class_accuracy(Moody().eval(), DataLoader(TensorDataset(*samples), batch_size=batch), classes)


def state_after_measuring(module: Any, weights: Tensors, samples: Any, classes: Any) -> list[Any]:
    net = make("plain", weights)
    module.per_class_accuracy(net, DataLoader(TensorDataset(*samples), batch_size=4), classes)
    return [values(net), list(classes)]


def by_class(samples: Any, classes: Any) -> dict[str, float]:
    right = samples[0].argmax(1) == samples[1]
    return {name: right[samples[1] == i].double().mean().item() for i, name in enumerate(classes)}


def expect_by_class(student: Student, samples: Any, batch: int, classes: Any) -> None:
    found = student.run(measured_by_class, samples, batch, classes)
    expect(isinstance(found, dict), "per_class_accuracy should return a dict from class name to accuracy.")
    extra = [str(key) for key in found if key not in classes]
    expect(not extra, f"The dict should have one key for each class; it also has {', '.join(extra[:5])}.")
    expect_close(found, by_class(samples, classes), "the accuracy", rtol=0, atol=1e-5)


def mixed(rng: torch.Generator, count: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores and labels, about half of them right, with every class among the labels."""
    logits = normal(rng, count, classes)
    targets = torch.arange(count) % classes
    half = torch.randperm(count, generator=rng) < count // 2
    logits[half, targets[half]] += 10.0
    order = torch.randperm(count, generator=rng)
    return logits[order], targets[order]


def test_per_class_accuracy__counts_each_class(student: Student, rng: torch.Generator) -> None:
    """gives for each class the fraction of its images that are labelled correctly"""
    expect_by_class(student, mixed(rng, 47, 10), 5, CLASSES)


def test_per_class_accuracy__knows_empty_classes(student: Student, rng: torch.Generator) -> None:
    """gives nan for a class without images, also where the network names that class"""
    logits, targets = mixed(rng, 20, 4)
    targets[targets == 2] = 1
    logits[:3, 2] += 50.0
    expect_by_class(student, (logits, targets), 6, ("cat", "dog", "frog", "ship"))


def test_per_class_accuracy__takes_other_classes(student: Student, rng: torch.Generator) -> None:
    """works for other classes, in their order, as a list or a tuple"""
    expect_by_class(student, mixed(rng, 12, 3), 4, ["zebra", "ant", "mole"])
    expect_by_class(student, mixed(rng, 9, 2), 2, ("yes", "no"))


def test_per_class_accuracy__takes_any_batch(student: Student, rng: torch.Generator) -> None:
    """works for batches of one, for one large batch, and for a single image"""
    expect_by_class(student, mixed(rng, 11, 3), 1, ("a", "b", "c"))
    expect_by_class(student, mixed(rng, 11, 3), 50, ("a", "b", "c"))
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


# --- trained_accuracy -------------------------------------------------------------------------------------------------


def train_on_images(module: Any, samples: Any, seed: int, plan: dict[str, Any]) -> dict[str, Any]:
    """Train the learner's Net with the learner's `train`: the weights, the window losses, and the mode at each step."""
    torch.manual_seed(seed)
    net = module.Net()
    order = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(*samples), batch_size=plan["batch"], shuffle=True, generator=order)
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


def expect_usable(weights: Any) -> None:
    """The weights fit the grader's own network."""
    for name, wanted in build("cifar").state_dict().items():
        expect(name in weights, f"The trained network has no parameter {name}: see the task Net.")
        expect_shape(weights[name], wanted.shape, f"after training, {name}")
        text = f"After training, {name} has dtype {weights[name].dtype}: leave the network in float32."
        expect(weights[name].dtype == wanted.dtype, text)
        text = f"After training, {name} contains nan or inf: the training diverged. Are old gradients cleared each time?"
        expect(bool(torch.isfinite(weights[name]).all()), text)


def test_trained_accuracy__reaches_the_minimum(
    student: Student, rng: torch.Generator, training: Training, attach: Callable[[str, Any], None]
) -> None:
    """trains this topic's network to the minimum accuracy on test images that it has not seen"""
    budget = training.budget
    seed, test_seed = integer(rng, 0, 1 << 30), integer(rng, 1, 1 << 30)
    batches = budget.images // budget.batch
    plan = {"batch": budget.batch, "lr": budget.lr, "momentum": budget.momentum, "epochs": budget.epochs,
            "log_every": max(batches // 15, 1)}  # fmt: skip
    found = student.run(train_on_images, Resident(training.resident), seed, plan)
    expect_usable(found["weights"])
    net = build("cifar")
    net.load_state_dict({name: found["weights"][name] for name in net.state_dict()})
    images, targets = training.test_images(test_seed)
    with torch.no_grad():
        guesses = torch.cat([net(part).argmax(1) for part in images.split(500)])
    reached = (guesses == targets).double().mean().item()
    counts = torch.bincount(targets * len(CLASSES) + guesses, minlength=len(CLASSES) ** 2).view(len(CLASSES), -1)
    attach("losses", plain_numbers(found["losses"]))
    attach("accuracy", {"reached": reached, "minimum": budget.minimum, "images": training.source.name})
    attach("confusion", {"classes": list(CLASSES), "counts": counts.tolist()})
    shown = zip(pictures(images[:24]), targets[:24].tolist(), guesses[:24].tolist(), strict=True)
    attach("samples", [{"png": png, "label": CLASSES[y], "predicted": CLASSES[guess]} for png, y, guess in shown])
    expect(reached >= budget.minimum, f"The trained network labels {reached:.1%} of {len(targets)} test images right; "
                                      f"the minimum is {budget.minimum:.0%} ({training.source.name}).")  # fmt: skip
    expect(found["eval_steps"] == 0, "The network was in eval mode while it was trained: call net.train() first.")
