"""Checks of topic 04 that you can follow on paper: `pytest exercises/04_cifar10`, or one task: add `-k accuracy`.

`student.run` runs a small function of this file next to your module: it builds networks and loaders, hands them to
your functions and returns what came of it. Each network here has a weight and a buffer, a tensor that is not trained.
"""

import contextlib
import itertools
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import Student, expect, expect_close, expect_dtype, expect_equal, expect_shape


class Line(nn.Module):
    """Gives w·x, where w starts at 2, and counts in `seen` the batches that it sees in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.full((1, 1), 2.0))
        self.register_buffer("seen", torch.tensor(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The products (N, 1) for x (N, 1)."""
        self.seen += int(self.training)
        return x @ self.w


class FirstPixels(nn.Module):
    """Takes the first pixels of an image for its scores, and their negatives in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("shift", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The first three numbers of each image, (N, 3)."""
        scores = x.flatten(1)[:, :3] * self.scale + self.shift
        return -scores if self.training else scores


def with_scores(rows: Any) -> torch.Tensor:
    """Images (N, 3, 32, 32) whose first pixels are these scores."""
    images = torch.zeros(len(rows), 3, 32, 32)
    images[:, 0, 0, :3] = torch.tensor(rows)
    return images


# make_transform ------------------------------------------------------------------------------------------------------


def transform_array(module: Any, array: Any) -> Any:
    """Your transform of a uint8 array, None if you return nothing that can be called."""
    transform = module.make_transform()
    return transform(array) if callable(transform) else None


def transform_picture(module: Any, array: Any) -> Any:
    """Your transform of a PIL image, None if you return nothing that can be called."""
    transform = module.make_transform()
    return transform(Image.fromarray(array)) if callable(transform) else None


def expect_transformed(found: Any, expected: torch.Tensor) -> None:
    """The image as a float32 tensor."""
    expect(found is not None, "make_transform should return a function: a Compose, for example. Is there a `return`?")
    expect_close(found, expected, "the transformed image", dtype=torch.float32)


# One row of two pixels: the first is red, the second white.
PIXELS = np.array([[[255, 0, 0], [255, 255, 255]]], dtype=np.uint8)
# For each channel its one row: red is bright in both pixels, green and blue only in the second.
SCALED = torch.tensor([[[1.0, 1.0]], [[-1.0, 1.0]], [[-1.0, 1.0]]])


def test_make_transform__array(student: Student, rng: torch.Generator) -> None:
    """turns a red and a white pixel into three channels with values -1 and 1, in float32"""
    expect_transformed(student.run(transform_array, PIXELS), SCALED)


def test_make_transform__picture(student: Student, rng: torch.Generator) -> None:
    """does the same with a PIL image"""
    expect_transformed(student.run(transform_picture, PIXELS), SCALED)


def test_make_transform__between(student: Student, rng: torch.Generator) -> None:
    """maps 51, a fifth of 255, to -0.6, and 204 to 0.6"""
    found = student.run(transform_array, np.array([[[51, 204, 51]]], dtype=np.uint8))
    expect_transformed(found, torch.tensor([[[-0.6]], [[0.6]], [[-0.6]]]))


# make_loaders --------------------------------------------------------------------------------------------------------


def epochs_of_each(module: Any, count: int, batch_size: int) -> list[Any] | None:
    """The samples of two epochs of each loader, as lists of batches; sample i has the value i. None if these are not two."""
    loaders = module.make_loaders(TensorDataset(torch.arange(count)), TensorDataset(torch.arange(100, 110)), batch_size)
    if not isinstance(loaders, tuple | list) or len(loaders) != 2 or not all(hasattr(loader, "__iter__") for loader in loaders):
        return None
    return [[[batch[0].tolist() for batch in loader] for _ in range(2)] for loader in loaders]


def two_loaders(student: Student, count: int, batch_size: int) -> list[Any]:
    """What the two loaders give."""
    found = student.run(epochs_of_each, count, batch_size)
    expect(found is not None, "Return two loaders, first for training, then for testing.")
    return found


def expect_sizes(epoch: list[list[int]], sizes: list[int], name: str) -> None:
    """An epoch's batches have these sizes."""
    found = [len(batch) for batch in epoch]
    expect(found == sizes, f"The batches of the {name} loader have the sizes {found}; they should be {sizes}.")


def flat(epoch: list[list[int]]) -> list[int]:
    """The samples of an epoch, one after the other."""
    return [sample for batch in epoch for sample in batch]


def test_make_loaders__test(student: Student, rng: torch.Generator) -> None:
    """gives the 10 test samples in order, in batches of 4, 4 and 2"""
    for epoch in two_loaders(student, 10, 4)[1]:
        expect_sizes(epoch, [4, 4, 2], "test")
        expect(flat(epoch) == list(range(100, 110)), f"The test loader gave {flat(epoch)}; it should give 100 to 109, in order.")


def test_make_loaders__train(student: Student, rng: torch.Generator) -> None:
    """gives each of 50 training samples once an epoch, in batches of 7 and a last one of 1, in an order that is new each epoch"""
    epochs = two_loaders(student, 50, 7)[0]
    for epoch in epochs:
        expect_sizes(epoch, [7] * 7 + [1], "training")
        expect(sorted(flat(epoch)) == list(range(50)), "The training loader should give each of the samples 0 to 49 once.")
    first, second = map(flat, epochs)
    expect(first != sorted(first), "The training samples came in the data set's order: shuffle them.")
    expect(first != second, "The training samples came in the same order twice: shuffle them afresh each epoch.")


# Net -----------------------------------------------------------------------------------------------------------------


def describe_net(module: Any) -> list[Any]:
    """Name and shape of each parameter of your network."""
    return [[name, tuple(p.shape)] for name, p in module.Net().named_parameters()]


def averaging_scores(module: Any, images: Any, biases: dict[str, float]) -> Any:
    """Scores where every layer averages what it sees: its weights are equal and add up to 1, its biases are 0.

    The biases of fc3 are 0, -1, -2, …, -9, so that the scores differ; to these, `biases` are added.
    """
    net = module.Net()
    with torch.no_grad():
        for name, p in net.named_parameters():
            p.fill_(1.0 / p[0].numel() if p.dim() > 1 else biases.get(name, 0.0))
        net.fc3.bias -= torch.arange(10.0)
    return net(images)


def without_gradient(module: Any) -> list[str] | None:
    """The parameters that get no gradient from the scores, None if the scores have no graph."""
    net = module.Net()
    found = net(torch.ones(2, 3, 32, 32))
    if not found.requires_grad:
        return None
    found.sum().backward()
    return [name for name, p in net.named_parameters() if p.grad is None]


def pool_of(module: Any, rows: Any) -> Any:
    """What `pool` of your network makes of an image."""
    return module.Net().pool(rows)


def test_Net__parameters(student: Student, rng: torch.Generator) -> None:
    """has the parameters of the five layers, by these names and in this order"""
    layers = [
        ("conv1", (6, 3, 5, 5)),
        ("conv2", (16, 6, 5, 5)),
        ("fc1", (120, 400)),
        ("fc2", (84, 120)),
        ("fc3", (10, 84)),
    ]
    expected = [pair for name, shape in layers for pair in ([f"{name}.weight", shape], [f"{name}.bias", shape[:1]])]
    expect_equal(student.run(describe_net), expected, "the list of parameters")


def test_Net__scores(student: Student, rng: torch.Generator) -> None:
    """gives the scores 1, 0, -1, …, -8 for images of ones through layers that average, for 4 images and for one"""
    for count in (4, 1):
        found = student.run(averaging_scores, torch.ones(count, 3, 32, 32), {})
        expect_close(found, (1.0 - torch.arange(10.0)).expand(count, 10), f"the tensor of scores for {count} of these images")


def test_Net__relu(student: Student, rng: torch.Generator) -> None:
    """applies ReLU after conv1, conv2, fc1 and fc2: a bias of -2 makes -1 of 1 there, ReLU makes 0 of it, and the next bias 1"""
    layers = ("conv1", "conv2", "fc1", "fc2", "fc3")
    for layer, following in itertools.pairwise(layers):
        found = student.run(averaging_scores, torch.ones(1, 3, 32, 32), {f"{layer}.bias": -2.0, f"{following}.bias": 1.0})
        expect_close(found, 1.0 - torch.arange(10.0)[None], f"the tensor of scores where {layer} gives -1")


def test_Net__gradients(student: Student, rng: torch.Generator) -> None:
    """passes gradients back to every parameter"""
    found = student.run(without_gradient)
    expect(found is not None, "The scores have no graph: is there no_grad or detach() in forward?")
    expect(not found, f"No gradient reaches {', '.join(found or ())}: is there detach() on the way?")


def test_Net__pool(student: Student, rng: torch.Generator) -> None:
    """has a pool that keeps the largest of each 2x2 pixels, and leaves out a row that is left over"""
    image = torch.tensor([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 0.0, 0.0], [9.0, 9.0, 9.0, 9.0]]]])
    expect_close(student.run(pool_of, image), torch.tensor([[[[4.0, 5.0]]]]), "what pool gives")


# make_training -------------------------------------------------------------------------------------------------------


def made(module: Any, net: nn.Module) -> Any:
    """Your loss function and optimizer, None if you return something else."""
    found = module.make_training(net)
    both = isinstance(found, tuple | list) and len(found) == 2 and isinstance(found[1], torch.optim.Optimizer)
    return found if both else None


def small_net() -> nn.Module:
    """A network of four parameters, which start at 1."""
    net = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(1.0)
    return net


def steps(module: Any, grads: list[float], count: int) -> Any:
    """The four parameters of the small network after each of `count` steps with these gradients."""
    net = small_net()
    both = made(module, net)
    if both is None:
        return None
    found = []
    for _ in range(count):
        for p, grad in zip(net.parameters(), grads, strict=True):
            p.grad = torch.full_like(p, grad)
        both[1].step()
        found.append([p.item() for p in net.parameters()])
    return found


def loss_of_two(module: Any) -> Any:
    """The loss of two samples with scores [0, log 3, 0] and label 1, or the name of a loss that takes no labels."""
    both = made(module, small_net())
    if both is None:
        return None
    try:
        return both[0](torch.tensor([[0.0, math.log(3), 0.0]] * 2), torch.tensor([1, 1]))
    except (RuntimeError, TypeError, ValueError):
        return type(both[0]).__name__


def expect_both(found: Any) -> None:
    """There was a loss function and an optimizer."""
    expect(found is not None, "make_training should return two things, the loss function and then the optimizer.")


def test_make_training__steps(student: Student, rng: torch.Generator) -> None:
    """makes steps of 0.001 times the gradients 1, -2, 3 and -4, and with momentum 0.9 the second one is 1.9 times as large"""
    found = student.run(steps, [1.0, -2.0, 3.0, -4.0], 2)
    expect_both(found)
    for i, expected in enumerate(([0.999, 1.002, 0.997, 1.004], [0.9971, 1.0058, 0.9913, 1.0116])):
        names = [f"parameter {k + 1} of 4 after step {i + 1}" for k in range(4)]
        expect_close(found[i], expected, names, rtol=0, atol=2e-6)


def test_make_training__rest(student: Student, rng: torch.Generator) -> None:
    """leaves parameters alone whose gradients are 0"""
    found = student.run(steps, [0.0] * 4, 1)
    expect_both(found)
    moved = [value for value in found[0] if value != 1.0]
    expect(not moved, f"A parameter of 1 with gradient 0 became {moved[0] if moved else 1:.7f}: there should be no weight decay.")


def test_make_training__loss(student: Student, rng: torch.Generator) -> None:
    """has a loss that is -log 0.6 = 0.5108 where the right class has three fifths of the softmax"""
    found = student.run(loss_of_two)
    expect_both(found)
    expect(not isinstance(found, str), f"{found} does not take scores (N, 10) with labels (N,). Which loss of torch.nn does?")
    expect_close(found, -math.log(0.6), "the loss")


# train ---------------------------------------------------------------------------------------------------------------


def train_on_five(module: Any) -> tuple[nn.Module, Any]:
    """Train w·x, where x is 1 and w starts at 2, for two epochs of the targets 1 1 | 4 4 | 6 6 | 3 3 | 5, log_every=2.

    Loss (w·x - y)², learning rate 0.5: a step sets w to the y of its batch, so each loss is a squared difference.
    The network comes in eval mode. Gives it back together with what your function returns.
    """
    net = Line().eval()
    targets = torch.tensor([1.0, 1.0, 4.0, 4.0, 6.0, 6.0, 3.0, 3.0, 5.0])[:, None]
    loader = DataLoader(TensorDataset(torch.ones(9, 1), targets), batch_size=2)
    return net, module.train(net, loader, nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.5), 2, 2)


def w_after(module: Any) -> Any:
    """The weight after training."""
    return train_on_five(module)[0].w.item()


def batches_in_train_mode(module: Any) -> Any:
    """How many batches the network saw in train mode."""
    return train_on_five(module)[0].seen


def window_losses(module: Any) -> Any:
    """What your train returns."""
    return train_on_five(module)[1]


def test_train__steps(student: Student, rng: torch.Generator) -> None:
    """makes one step for each batch: the last one of two epochs sets w to 5"""
    slips = {"The gradients of an earlier batch are still in it: clear them before backward, with zero_grad().": 11.0}
    expect_close(student.run(w_after), 5.0, "w", slips=slips)


def four_losses(student: Student) -> Any:
    """The window losses, if there are as many as there should be."""
    found = student.run(window_losses)
    expect(isinstance(found, tuple | list), "train should return the list of window losses. Is there a `return`?")
    expect(len(found) == 4, f"train should return 4 window losses, two of each epoch, but it returned {len(found)}.")
    return found


def test_train__windows(student: Student, rng: torch.Generator) -> None:
    """returns means of 2 batches: of the losses 1 9 | 4 9 | 4 in the first epoch, and 16 9 | 4 9 | 4 in the second"""
    expect_close(four_losses(student), [5.0, 6.5, 12.5, 6.5], [f"the loss of window {i + 1}" for i in range(4)])


def test_train__numbers(student: Student, rng: torch.Generator) -> None:
    """returns numbers, or tensors without a graph"""
    graphs = [isinstance(loss, torch.Tensor) and loss.requires_grad for loss in four_losses(student)]
    expect(not any(graphs), "The window losses still have a graph, which keeps every batch in memory: use loss.item().")


def test_train__mode(student: Student, rng: torch.Generator) -> None:
    """puts the network into train mode, for all 10 batches"""
    seen = int(student.run(batches_in_train_mode))
    expect(seen >= 10, f"The network was in train mode for {seen} of 10 batches. Call net.train() before them.")


# save_weights --------------------------------------------------------------------------------------------------------


def save_and_look(module: Any) -> Any:
    """What torch.load finds in the file that you wrote, or the name of the type of what it refuses to read."""
    net = nn.Linear(2, 1, bias=False)
    net.register_buffer("seen", torch.tensor(3))
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[0.1, 0.7]]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        path.write_text("an older file")
        module.save_weights(net, path)
        for only in (True, False):
            with contextlib.suppress(Exception):  # there is no new file, or more than tensors in it
                found = torch.load(path, weights_only=only)
                return found if only else type(found).__name__
    return None


def test_save_weights__file(student: Student, rng: torch.Generator) -> None:
    """writes a file in which torch.load finds the weight [[0.1, 0.7]] and the buffer seen, 3"""
    found = student.run(save_and_look)
    expect(found is not None, "torch.load reads no file at path: write it with torch.save, in the place of an older file.")
    message = "The file should hold net.state_dict(), a dict of tensors"
    expect(isinstance(found, dict), f"{message}, but it holds something of type {found if isinstance(found, str) else 'list'}.")
    expect_close(found, {"weight": torch.tensor([[0.1, 0.7]]), "seen": torch.tensor(3)}, "in the file, the value")
    expect_dtype(found["weight"], torch.float32, "in the file, the weight")


# load_weights --------------------------------------------------------------------------------------------------------


def load_and_compare(module: Any) -> Any:
    """Scores of your Net, and of the network that you load from its file; None if you return no network."""
    net, images = module.Net(), torch.randn(2, 3, 32, 32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        torch.save(net.state_dict(), path)
        loaded = module.load_weights(path)
    return [loaded(images), net(images)] if isinstance(loaded, nn.Module) else None


def test_load_weights__scores(student: Student, rng: torch.Generator) -> None:
    """returns a Net that gives the same scores as the one that was saved"""
    found = student.run(load_and_compare)
    message = "load_weights should return the Net. What torch.load and load_state_dict return is no network. Is there a `return`?"
    expect(found is not None, message)
    expect_close(found[0], found[1], "the tensor of scores")


# predict -------------------------------------------------------------------------------------------------------------


def predict_rows(module: Any, rows: list[list[float]]) -> Any:
    """Your labels for images with these scores."""
    return module.predict(FirstPixels().eval(), with_scores(rows))


def test_predict__labels(student: Student, rng: torch.Generator) -> None:
    """gives the labels 1 and 2 for the scores [0.1, 0.9, -1] and [200, 0, 300]"""
    found = student.run(predict_rows, [[0.1, 0.9, -1.0], [200.0, 0.0, 300.0]])
    expect_equal(found, torch.tensor([1, 2]), "the tensor of labels")


def test_predict__one_image(student: Student, rng: torch.Generator) -> None:
    """gives a tensor of shape (1,) for one image"""
    expect_shape(student.run(predict_rows, [[0.0, 0.0, 1.0]]), (1,), "the tensor of labels")


# accuracy ------------------------------------------------------------------------------------------------------------

# Five images in batches of 2, 2 and 1: the highest scores are at 0, 1, 2, 0 and 1.
SCORES = ((5.0, 0.0, -5.0), (0.0, 5.0, -5.0), (-5.0, 0.0, 5.0), (5.0, 0.0, -5.0), (0.0, 5.0, -5.0))


def measure(module: Any, labels: list[int], mode: str) -> list[Any]:
    """Your accuracy on the five images of FirstPixels, which comes in "train" or "eval" mode, and its mode afterwards."""
    net = FirstPixels().train(mode == "train")
    value = module.accuracy(net, DataLoader(TensorDataset(with_scores(SCORES), torch.tensor(labels)), batch_size=2))
    return [value, "train" if net.training else "eval"]


def test_accuracy__fraction(student: Student, rng: torch.Generator) -> None:
    """gives 0.8 where 4 of 5 labels are right, in batches of 2, 2 and 1"""
    slips = {"It is the mean over batches, in which the last one, with one sample, counts as much as the first.": 2 / 3}
    expect_close(student.run(measure, [0, 1, 2, 0, 2], "eval")[0], 0.8, "the accuracy", slips=slips)


def test_accuracy__eval_mode(student: Student, rng: torch.Generator) -> None:
    """puts a network that came in train mode into eval mode while it works"""
    expect_close(student.run(measure, [0, 1, 2, 0, 2], "train")[0], 0.8, "the accuracy of a network that came in train mode")


def test_accuracy__mode(student: Student, rng: torch.Generator) -> None:
    """leaves a network in the mode that it came in"""
    for mode in ("train", "eval"):
        after = student.run(measure, [0, 1, 2, 0, 1], mode)[1]
        expect(after == mode, f"A network that came in {mode} mode should be in it afterwards, but it is in {after} mode.")


# per_class_accuracy --------------------------------------------------------------------------------------------------


def measure_classes(module: Any, labels: list[int]) -> Any:
    """Your accuracy of FirstPixels by class on the five images."""
    loader = DataLoader(TensorDataset(with_scores(SCORES), torch.tensor(labels)), batch_size=2)
    return module.per_class_accuracy(FirstPixels().eval(), loader, ["ship", "dog", "cat"])


def test_per_class_accuracy__fractions(student: Student, rng: torch.Generator) -> None:
    """gives 1/2 for the ships, one of two right, 1/3 for the dogs, one of three right, and nan for cats, as there is none"""
    expected = {"ship": 1 / 2, "dog": 1 / 3, "cat": float("nan")}
    expect_close(student.run(measure_classes, [1, 1, 1, 0, 0]), expected, "the accuracy")


# trained_accuracy ----------------------------------------------------------------------------------------------------


def learn_halves(module: Any) -> list[Any]:
    """Train your Net on 60 dark images whose upper half (label 0) or lower half (label 1) is bright; its labels for 10."""
    labels = torch.arange(60) % 2
    images = torch.full((60, 3, 32, 32), -1.0)
    images[labels == 0, :, :16] = 1.0
    images[labels == 1, :, 16:] = 1.0
    net = module.Net()
    loader = DataLoader(TensorDataset(images, labels), batch_size=6, shuffle=True)
    module.train(net, loader, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9), 6)
    with torch.no_grad():
        return [net(images[:10]).argmax(1), labels[:10]]


def test_trained_accuracy__halves(student: Student, rng: torch.Generator) -> None:
    """trains your Net to tell images that are bright above from images that are bright below"""
    guesses, labels = student.run(learn_halves)
    right = int((guesses == labels).sum())
    expect(right == 10, f"After training, {right} of 10 labels are right. Do the checks of Net and train pass?")
