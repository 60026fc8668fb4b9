"""Checks of topic 04 that you can follow on paper: `pytest exercises/04_cifar10`, or one task: add `-k accuracy`.

`student.run` runs a small function of this file next to your module: it builds networks and loaders, hands them to
your functions and returns what came of it.
"""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import Student, expect, expect_close, expect_equal, expect_shape

# make_transform


def transform_array(module: Any, array: Any) -> Any:
    """Your transform of a uint8 array."""
    return module.make_transform()(array)


def transform_picture(module: Any, array: Any) -> Any:
    """Your transform of a PIL image."""
    return module.make_transform()(Image.fromarray(array))


# One row of two pixels: the first is red, the second white.
PIXELS = np.array([[[255, 0, 0], [255, 255, 255]]], dtype=np.uint8)
# For each channel its one row: red is bright in both pixels, green and blue only in the second.
SCALED = torch.tensor([[[1.0, 1.0]], [[-1.0, 1.0]], [[-1.0, 1.0]]])


def test_make_transform__array(student: Student) -> None:
    """turns a red and a white pixel into three channels with values -1 and 1, in float32"""
    expect_close(student.run(transform_array, PIXELS), SCALED, dtype=torch.float32)


def test_make_transform__picture(student: Student) -> None:
    """does the same with a PIL image"""
    expect_close(student.run(transform_picture, PIXELS), SCALED, dtype=torch.float32)


def test_make_transform__between(student: Student) -> None:
    """maps 51, a fifth of 255, to -0.6, and 204 to 0.6"""
    found = student.run(transform_array, np.array([[[51, 204, 51]]], dtype=np.uint8))
    expect_close(found, torch.tensor([[[-0.6]], [[0.6]], [[-0.6]]]))


# make_loaders


def epochs_of_each(module: Any, count: int, batch_size: int) -> list[Any] | None:
    """The samples of two epochs of each loader, as lists of batches; sample i has the value i. None if these are not two."""
    loaders = module.make_loaders(TensorDataset(torch.arange(count)), TensorDataset(torch.arange(100, 110)), batch_size)
    if not isinstance(loaders, tuple | list) or len(loaders) != 2:
        return None
    return [[[batch[0].tolist() for batch in loader] for _ in range(2)] for loader in loaders]


def two_loaders(student: Student, count: int, batch_size: int) -> list[Any]:
    found = student.run(epochs_of_each, count, batch_size)
    expect(found is not None, "Return two loaders, first for training, then for testing.")
    return found


def test_make_loaders__test(student: Student) -> None:
    """gives the 10 test samples in order, in batches of 4, 4 and 2"""
    expected = [[100, 101, 102, 103], [104, 105, 106, 107], [108, 109]]
    _, epochs = two_loaders(student, 10, 4)
    expect_equal(epochs, [expected, expected], "the test batches of two epochs")


def test_make_loaders__train(student: Student) -> None:
    """gives each of 50 training samples once an epoch, in an order that is new each epoch"""
    epochs, _ = two_loaders(student, 50, 4)
    first, second = [[sample for batch in epoch for sample in batch] for epoch in epochs]
    expect_equal(sorted(first), list(range(50)), "the sorted samples of an epoch")
    expect_equal(sorted(second), list(range(50)), "the sorted samples of the next epoch")
    expect(first != sorted(first) and first != second, "The order should be random, and another one in the next epoch.")


# Net


def describe_net(module: Any) -> list[Any]:
    """Name and shape of each parameter of your network."""
    return [[name, tuple(p.shape)] for name, p in module.Net().named_parameters()]


def averaging_scores(module: Any, images: Any) -> Any:
    """Scores where every layer averages what it sees: its weights are equal and add up to 1, its biases are 0."""
    net = module.Net()
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(1.0 / p[0].numel() if p.dim() > 1 else 0.0)
        return net(images)


def last_biases(module: Any) -> Any:
    """Scores of an image where every parameter is 0, but the biases of fc3 are 0, -1, -2, …, -9."""
    net = module.Net()
    with torch.no_grad():
        for p in net.parameters():
            p.zero_()
        net.fc3.bias.copy_(-torch.arange(10.0))
        return net(torch.ones(1, 3, 32, 32))


def pool_of(module: Any, rows: Any) -> Any:
    """What `pool` of your network makes of an image."""
    return module.Net().pool(rows)


def test_Net__parameters(student: Student) -> None:
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


def test_Net__batches(student: Student) -> None:
    """gives scores of 1 for images of ones through layers that average, 10 for each image, also for one image"""
    for count in (4, 1):
        found = student.run(averaging_scores, torch.ones(count, 3, 32, 32))
        expect_close(found, torch.ones(count, 10), f"the scores of {count} image{'s' * (count > 1)} of ones")


def test_Net__relu(student: Student) -> None:
    """applies ReLU inside: layers that average turn an image of -1 into scores of 0"""
    expect_close(student.run(averaging_scores, torch.full((1, 3, 32, 32), -1.0)), torch.zeros(1, 10), "the tensor of scores")


def test_Net__raw_scores(student: Student) -> None:
    """returns what fc3 gives, without softmax or ReLU"""
    expect_close(student.run(last_biases), -torch.arange(10.0)[None], "the tensor of scores")


def test_Net__pool(student: Student) -> None:
    """has a pool that keeps the largest of each 2x2 pixels"""
    image = torch.tensor([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 0.0, 0.0]]]])
    expect_close(student.run(pool_of, image), torch.tensor([[[[4.0, 5.0]]]]), "what pool gives")


# make_training


def loss_of_even_scores(module: Any) -> Any:
    """The loss of two samples whose four classes have the same score."""
    criterion, _ = module.make_training(nn.Linear(2, 2))
    return criterion(torch.zeros(2, 4), torch.tensor([1, 3]))


def two_steps(module: Any) -> list[float]:
    """A parameter that starts at 1, after each of two steps with gradient 1."""
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(1.0)
    _, optimizer = module.make_training(net)
    found = []
    for _ in range(2):
        net.weight.grad = torch.ones(1, 1)
        optimizer.step()
        found.append(net.weight.item())
    return found


def test_make_training__steps(student: Student) -> None:
    """makes steps of 0.001, and with momentum 0.9 the second one is 0.001 + 0.9 · 0.001"""
    names = ("the parameter after the first step", "the parameter after the second step")
    expect_close(student.run(two_steps), [0.999, 0.9971], names, atol=1e-6)


def test_make_training__loss(student: Student) -> None:
    """has a loss that is log 4 where four classes have the same score"""
    expect_close(student.run(loss_of_even_scores), 1.3862944, "the loss")


# train


def train_on_five(module: Any, log_every: int) -> dict[str, Any]:
    """Train y = w·x, where w starts at 0, on the pairs (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), for two epochs.

    Loss (w·x - y)², learning rate 0.5: a step sets w to the y of its batch, so each loss is a squared difference.
    """
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(0.0)
    net.eval()
    targets = torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0]])
    loader = DataLoader(TensorDataset(torch.ones(5, 1), targets), batch_size=1)
    losses = module.train(net, loader, nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.5), 2, log_every)
    return {"w": net.weight.item(), "losses": losses, "train mode": net.training}


def test_train__steps(student: Student) -> None:
    """makes one step for each batch: the last one of two epochs sets w to 5"""
    expect_close(student.run(train_on_five, 2)["w"], 5.0, "w")


def test_train__windows(student: Student) -> None:
    """returns means of 2 batches: of the losses 1 1 | 1 1 | 1 in the first epoch, and 16 1 | 1 1 | 1 in the second"""
    expect_close(student.run(train_on_five, 2)["losses"], [1.0, 1.0, 8.5, 1.0], "the list of window losses")


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


def test_trained_accuracy__halves(student: Student) -> None:
    """trains your Net to tell images that are bright above from images that are bright below"""
    guesses, labels = student.run(learn_halves)
    right = int((guesses == labels).sum())
    expect(right == 10, f"After training, {right} of 10 labels are right. Do the checks of Net and train pass?")


# save_weights and load_weights


def save_and_look(module: Any) -> Any:
    """What torch.load finds in the file that you wrote."""
    net = nn.Linear(2, 1)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[1.0, 2.0]]))
        net.bias.copy_(torch.tensor([3.0]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        module.save_weights(net, path)
        with contextlib.suppress(Exception):  # there is no file, or more than tensors in it
            return torch.load(path, weights_only=True)
    return None


def load_and_compare(module: Any) -> list[Any]:
    """Scores of your Net, and of the network that you load from its file."""
    net, images = module.Net(), torch.randn(2, 3, 32, 32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        torch.save(net.state_dict(), path)
        loaded = module.load_weights(path)
    return [loaded(images), net(images)]


def test_save_weights__file(student: Student) -> None:
    """writes a file in which torch.load finds the weight [[1, 2]] and the bias [3]"""
    found, expected = student.run(save_and_look), {"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([3.0])}
    message = "torch.load(path, weights_only=True) finds no state_dict in the file. Save net.state_dict(), not net itself."
    expect(isinstance(found, dict), message)
    expect_close(found, expected, "in the file, the value")


def test_load_weights__scores(student: Student) -> None:
    """returns a Net that gives the same scores as the one that was saved"""
    actual, expected = student.run(load_and_compare)
    expect_close(actual, expected, "the tensor of scores")


# predict


class FirstPixels(nn.Module):
    """Takes the first pixels of an image for its scores."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The first three numbers of each image, (N, 3)."""
        return x.flatten(1)[:, :3]


def with_scores(rows: Any) -> torch.Tensor:
    """Images (N, 3, 32, 32) whose first pixels are these scores."""
    images = torch.zeros(len(rows), 3, 32, 32)
    images[:, 0, 0, :3] = torch.tensor(rows)
    return images


def predict_rows(module: Any, rows: list[list[float]]) -> Any:
    """Your labels for images with these scores."""
    return module.predict(FirstPixels(), with_scores(rows))


def test_predict__labels(student: Student) -> None:
    """gives the labels 1 and 0 for the scores [0.1, 2, -1] and [3, 0, 1]"""
    expect_equal(student.run(predict_rows, [[0.1, 2.0, -1.0], [3.0, 0.0, 1.0]]), torch.tensor([1, 0]), "the tensor of labels")


def test_predict__one_image(student: Student) -> None:
    """gives a tensor of shape (1,) for one image"""
    expect_shape(student.run(predict_rows, [[0.0, 0.0, 1.0]]), (1,), "the tensor of labels")


# accuracy and per_class_accuracy

# Five images in batches of 2, 2 and 1: the highest scores are at 0, 1, 2, 0 and 1.
SCORES = ((5.0, 0.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.0, 5.0), (5.0, 0.0, 0.0), (0.0, 5.0, 0.0))


def measure(module: Any, labels: list[int]) -> list[Any]:
    """Your accuracy of FirstPixels in train mode on the five images, and whether it is in train mode afterwards."""
    net = FirstPixels()
    value = module.accuracy(net, DataLoader(TensorDataset(with_scores(SCORES), torch.tensor(labels)), batch_size=2))
    return [value, net.training]


def measure_classes(module: Any, labels: list[int]) -> Any:
    """Your accuracy of FirstPixels by class on the five images."""
    loader = DataLoader(TensorDataset(with_scores(SCORES), torch.tensor(labels)), batch_size=2)
    return module.per_class_accuracy(FirstPixels(), loader, ["cat", "dog", "ship"])


def test_accuracy__fraction(student: Student) -> None:
    """gives 0.8 where 4 of 5 labels are right, in batches of 2, 2 and 1"""
    expect_close(student.run(measure, [0, 1, 2, 0, 2])[0], 0.8, "the accuracy")


def test_accuracy__mode(student: Student) -> None:
    """leaves a network in train mode that came in train mode"""
    in_train_mode = student.run(measure, [0, 1, 2, 0, 1])[1]
    expect(in_train_mode, "The network should be in train mode afterwards, but it is in eval mode.")


def test_per_class_accuracy__fractions(student: Student) -> None:
    """gives 1 for the cats, both right, 2/3 for the dogs, two of three right, and nan for ships, as there is none"""
    expected = {"cat": 1.0, "dog": 2 / 3, "ship": float("nan")}
    expect_close(student.run(measure_classes, [0, 1, 1, 0, 1]), expected, "the accuracy")
