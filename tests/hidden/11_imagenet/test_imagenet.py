"""Hidden checks of 11_imagenet.

Expected values come from the same networks in float64 on this side; what runs in mixed precision, and what goes on after a
checkpoint, is run here as it should be run there. A request asks about one rule, so that of several mistakes each is seen
by itself. GPUs are simulated; several processes are real ones, whose group stays alive until all have replied.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import torch._dynamo  # simulated devices and optimizers need it: loaded here, it costs no check its seconds
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, TensorDataset

from autograder import PerRank, Student, conduct, devices, expect, expect_close, expect_equal, expect_unchanged

Tensors = dict[str, Tensor]  # a state_dict
Samples = tuple[Tensor, Tensor]  # inputs and labels
Told = dict[str, Any]  # what a probe brings back

FEATURES, MEAN, STD = 6, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

GRAPH = "{} still has a graph, which keeps all of the batch in memory. Use item()."


def randn(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=dtype)


def whole(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def real(rng: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=rng, dtype=torch.float64))


def as_number(value: Any) -> Any:
    """A tensor of one element as one without axes."""
    return value.reshape(()) if isinstance(value, Tensor) and value.numel() == 1 else value


def expect_no_graph(value: Any, name: str) -> None:
    expect(not getattr(value, "requires_grad", False), GRAPH.format(name))


# topk_accuracy -------------------------------------------------------------------------------------------------------


def scores_of(rng: torch.Generator, n: int, classes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Scores (n, classes) that differ within each row, half of them negative."""
    order = torch.stack([torch.randperm(classes, generator=rng) for _ in range(n)])
    return (order.to(dtype) - classes / 2 + 0.3) / 4


def targets_at(rng: torch.Generator, output: Tensor, places: Sequence[int]) -> Tensor:
    """For each row the class that stands at this place, counted from 0 at the highest score; in mixed order."""
    mixed = torch.tensor(places)[torch.randperm(len(places), generator=rng)]
    return output.argsort(1, descending=True).gather(1, mixed[:, None])[:, 0]


def percentages(output: Tensor, target: Tensor, topk: Sequence[int]) -> list[float]:
    place = (output > output.gather(1, target[:, None])).sum(1)
    return [100 * (place < k).double().mean().item() for k in topk]


def expect_percentages(found: Any, output: Tensor, target: Tensor, topk: Sequence[int]) -> None:
    expect(
        isinstance(found, list | tuple),
        f"The result should be a list of {len(topk)} numbers, but it is of type {type(found).__name__}.",
    )
    expect_close(
        [as_number(each) for each in found],
        percentages(output, target, topk),
        [f"the percentage for k = {k}" for k in topk],
    )


def check_topk(student: Student, output: Tensor, target: Tensor, topk: Any) -> None:
    expect_percentages(student.call("topk_accuracy", output, target, topk), output, target, topk)


def accuracies(module: Any, cases: list[Any]) -> list[Any]:
    return [module.topk_accuracy(*case) for case in cases]


def test_topk_accuracy__counts_hits(student: Student, rng: torch.Generator) -> None:
    """gives the percentage of samples whose target is among the k highest scores"""
    for n, classes, places in ((4, 3, [0, 1, 1, 2]), (7, 9, [0, 0, 1, 2, 4, 7, 8])):
        output = scores_of(rng, n, classes)
        check_topk(student, output, targets_at(rng, output, places), (1, 2, 3))


def test_topk_accuracy__takes_several_k(student: Student, rng: torch.Generator) -> None:
    """gives a percentage for each k in the order given, which need not rise; k may come as a list, and twice"""
    output = scores_of(rng, 11, 8)
    target = targets_at(rng, output, [0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 7])
    check_topk(student, output, target, (5, 1, 3))
    check_topk(student, output, target, [2, 7, 2])


def test_topk_accuracy__has_top1_by_default(student: Student, rng: torch.Generator) -> None:
    """gives the top-1 accuracy alone without a topk"""
    output = scores_of(rng, 6, 5)
    target = targets_at(rng, output, [0, 0, 0, 0, 1, 3])
    expect_percentages(student.call("topk_accuracy", output, target), output, target, (1,))


def test_topk_accuracy__takes_one_k(student: Student, rng: torch.Generator) -> None:
    """counts the k highest for a single k above 1"""
    output = scores_of(rng, 9, 10)
    check_topk(student, output, targets_at(rng, output, [0, 1, 2, 3, 3, 4, 5, 6, 9]), (4,))


def test_topk_accuracy__takes_as_many_samples_as_k(student: Student, rng: torch.Generator) -> None:
    """is right where N equals k, where a comparison of (k, N) with (N,) raises nothing and means nothing"""
    for n, classes in ((3, 7), (5, 5)):
        output = scores_of(rng, n, classes)
        check_topk(student, output, targets_at(rng, output, ([0, 2, 3] if n == 3 else [0, 1, 2, 3, 4])), (1, n))


def test_topk_accuracy__takes_one_sample(student: Student, rng: torch.Generator) -> None:
    """works for a single sample: 0 or 100"""
    for place in (0, 2):
        output = scores_of(rng, 1, 6)
        check_topk(student, output, targets_at(rng, output, [place]), (1, 2, 3))


def test_topk_accuracy__takes_k_above_the_classes(student: Student, rng: torch.Generator) -> None:
    """gives 100 where k exceeds the number of classes, also if there is one class"""
    output = scores_of(rng, 6, 3)
    check_topk(student, output, targets_at(rng, output, [0, 0, 1, 1, 1, 2]), (1, 5))
    one = randn(rng, 4, 1)
    check_topk(student, one, torch.zeros(4, dtype=torch.int64), (1, 5))


def test_topk_accuracy__leaves_no_graph(student: Student, rng: torch.Generator) -> None:
    """gives numbers without a graph for scores that have one, and leaves these as they were"""
    output = scores_of(rng, 5, 4).requires_grad_()
    target = targets_at(rng, output.detach(), [0, 1, 1, 2, 3])
    found, after = student.observe("topk_accuracy", output, target, (1, 2))
    expect_percentages(found, output.detach(), target, (1, 2))
    for each, k in zip(found, (1, 2), strict=True):
        expect_no_graph(each, f"The percentage for k = {k}")
    expect_unchanged(after[0], output, "the tensor of scores")
    expect_unchanged(after[1], target, "the tensor of targets")


def test_topk_accuracy__takes_other_layouts(student: Student, rng: torch.Generator) -> None:
    """works in float64 and for scores that are not contiguous"""
    double = scores_of(rng, 8, 6, torch.float64)
    check_topk(student, double, targets_at(rng, double, [0, 0, 1, 2, 2, 3, 4, 5]), (1, 3))
    turned = scores_of(rng, 10, 7).t().contiguous().t()
    check_topk(student, turned, targets_at(rng, turned, [0, 0, 0, 1, 2, 3, 4, 5, 6, 6]), (2, 4))


def test_topk_accuracy__called_twice(student: Student, rng: torch.Generator) -> None:
    """gives each call an answer of its own"""
    cases = []
    for places in ([0, 1, 2, 3, 3], [0, 0, 0, 1, 4]):
        output = scores_of(rng, 5, 6)
        cases.append([output, targets_at(rng, output, places), (1, 2)])
    for found, case in zip(student.run(accuracies, cases), cases, strict=True):
        expect_percentages(found, *case)


# AverageMeter --------------------------------------------------------------------------------------------------------

PARTS = ("val", "sum", "count", "avg")


def read(meter: Any) -> list[Any]:
    return [meter.val, meter.sum, meter.count, meter.avg]


def metered(module: Any, updates: list[Any]) -> list[list[Any]]:
    """What a meter says when it is new and after each update, given as its arguments; None is a reset."""
    meter = module.AverageMeter()
    found = [read(meter)]
    for each in updates:
        if each is None:
            meter.reset()
        else:
            meter.update(*each)
        found.append(read(meter))
    return found


def two_meters(module: Any, mine: list[Any], other: list[Any]) -> list[list[Any]]:
    """What two meters say that are updated by turns."""
    first, second = module.AverageMeter(), module.AverageMeter()
    for a, b in zip(mine, other):  # noqa: B905  as long as each other
        first.update(*a)
        second.update(*b)
    return [read(first), read(second)]


def meter_of(updates: Sequence[Any]) -> list[float]:
    """Val, sum, count and avg after these updates."""
    pairs = [(float(each[0]), each[1] if len(each) > 1 else 1) for each in updates]
    total, count = math.fsum(value * n for value, n in pairs), sum(n for _, n in pairs)
    return [pairs[-1][0], total, count, total / count]


def expect_meter(found: Any, expected: Sequence[float], when: str) -> None:
    expect_close(found, list(expected), [f"{part} {when}" for part in PARTS], rtol=1e-5, atol=1e-6)


def test_AverageMeter__weights_by_n(student: Student, rng: torch.Generator) -> None:
    """gives the mean of the values, each weighted by its n, and the last value, the sum and the count"""
    updates = [(real(rng, -3, 5), whole(rng, 2, 9)) for _ in range(5)]
    found = student.run(metered, [list(each) for each in updates])
    for number in range(1, 6):
        expect_meter(found[number], meter_of(updates[:number]), f"after {number} update(s)")


def test_AverageMeter__counts_one_by_default(student: Student, rng: torch.Generator) -> None:
    """counts a value once without an n"""
    updates = [(real(rng, 1, 4),), (real(rng, 1, 4), 3), (real(rng, 1, 4),)]
    found = student.run(metered, [list(each) for each in updates])
    expect_meter(found[3], meter_of(updates), "after three updates")


def test_AverageMeter__begins_with_zeros(student: Student, rng: torch.Generator) -> None:
    """is 0 in all four parts before the first update"""
    expect_meter(student.run(metered, [[real(rng, 1, 2), 2]])[0], [0, 0, 0, 0], "before the first update")


def test_AverageMeter__resets(student: Student, rng: torch.Generator) -> None:
    """is 0 in all four parts after reset(), and begins anew"""
    updates = [(real(rng, 1, 4), whole(rng, 2, 5)) for _ in range(4)]
    sent = [list(updates[0]), list(updates[1]), None, list(updates[2]), list(updates[3])]
    found = student.run(metered, sent)
    expect_meter(found[3], [0, 0, 0, 0], "after reset()")
    expect_meter(found[5], meter_of(updates[2:]), "after two updates that follow a reset()")


def test_AverageMeter__keeps_no_tensors(student: Student, rng: torch.Generator) -> None:
    """turns tensors into Python numbers, also those with a graph: kept, they would keep the graph of every batch"""
    updates = [[torch.tensor(real(rng, 1, 3), requires_grad=True), 2], [torch.tensor(real(rng, 1, 3)), 3]]
    found = student.run(metered, updates)
    for values, number in ((found[1], 1), (found[2], 2)):
        expect_meter(values, meter_of([(u[0].item(), u[1]) for u in updates[:number]]), f"after {number} update(s) with a tensor")
        for value, part in zip(values, PARTS, strict=True):
            message = f"{part} should be a Python number after an update with a tensor, but it is of type {type(value).__name__}."
            expect(isinstance(value, int | float), f"{message} Use float(val).")


def test_AverageMeter__keeps_its_own_values(student: Student, rng: torch.Generator) -> None:
    """shares nothing with another meter"""
    mine = [[real(rng, 1, 2), whole(rng, 1, 4)] for _ in range(3)]
    other = [[real(rng, 5, 9), whole(rng, 1, 4)] for _ in range(3)]
    first, second = student.run(two_meters, mine, other)
    expect_meter(first, meter_of(mine), "of the first of two meters")
    expect_meter(second, meter_of(other), "of the second of two meters")


# eval_transform ------------------------------------------------------------------------------------------------------


def smooth(rng: torch.Generator, height: int, width: int) -> np.ndarray[Any, Any]:
    """A uint8 image (H, W, 3) of slow waves, other ones in each colour, without a symmetry."""
    down, right = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    colours = []
    for _ in range(3):
        a, b, c = (real(rng, 1.0, 2.5) for _ in range(3))
        waves = torch.sin(a * 2 * down + 3 * c) + torch.cos(b * 2 * right + 5 * c) + (right - down) * real(rng, -1, 1)
        colours.append(127 + 50 * waves)
    return torch.stack(colours, 2).clamp(0, 255).to(torch.uint8).numpy()


def striped(rng: torch.Generator, height: int, width: int) -> np.ndarray[Any, Any]:
    """A uint8 image (H, W, 3) of single black and white lines: what is resized without antialiasing picks some of them."""
    lines = (torch.arange(height)[:, None] + torch.arange(width)[None]) % 2 * whole(rng, 180, 255)
    return lines[:, :, None].expand(height, width, 3).to(torch.uint8).numpy()


def prepared(image: np.ndarray[Any, Any], resize: int, crop: int) -> Tensor:
    """What the transform should make of an image, in float64."""
    height, width = image.shape[:2]
    size = [side * resize // min(height, width) for side in (height, width)]
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1).double()[None]
    resized = F.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)[0]
    top, left = (size[0] - crop) // 2, (size[1] - crop) // 2
    centre = resized[:, top : top + crop, left : left + crop]
    return (centre / 255 - torch.tensor(MEAN).double().view(3, 1, 1)) / torch.tensor(STD).double().view(3, 1, 1)


def transformed(module: Any, images: list[Any], kind: str, resize: int, crop: int) -> Any:
    """What one transform makes of each image, handed over as an "array" or as a "picture"."""
    transform = module.eval_transform(resize, crop)
    if not callable(transform):
        return type(transform).__name__
    return [transform(image if kind == "array" else Image.fromarray(image)) for image in images]


def check_transform(student: Student, images: list[np.ndarray[Any, Any]], kind: str, resize: int, crop: int) -> None:
    found = student.run(transformed, images, kind, resize, crop)
    expect(isinstance(found, list), f"eval_transform should return a function, but it returned a {found}.")
    for result, image in zip(found, images, strict=True):
        size = f"{image.shape[0]}x{image.shape[1]}"
        expected = prepared(image, resize, crop)
        slips = {
            "Resize was given two numbers, or made a square: the aspect is lost.": squeezed(image, resize, crop),
            "The crop came before the resize.": cropped_first(image, resize, crop),
        }
        name = f"the result for an image of {size} as {'an array' if kind == 'array' else 'a PIL image'}"
        expect_close(result, expected, name, rtol=0, atol=0.1, dtype=torch.float32, slips=slips)


def squeezed(image: np.ndarray[Any, Any], resize: int, crop: int) -> Tensor:
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1).double()[None]
    square = F.interpolate(pixels, [resize, resize], mode="bilinear", antialias=True, align_corners=False)[0]
    top = (resize - crop) // 2
    return normalised(square[:, top : top + crop, top : top + crop])


def cropped_first(image: np.ndarray[Any, Any], resize: int, crop: int) -> Tensor:
    height, width = image.shape[:2]
    side = min(crop, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    pixels = torch.from_numpy(image[top : top + side, left : left + side].copy()).permute(2, 0, 1).double()[None]
    return normalised(F.interpolate(pixels, [resize, resize], mode="bilinear", antialias=True, align_corners=False)[0])


def normalised(pixels: Tensor) -> Tensor:
    return (pixels / 255 - torch.tensor(MEAN).double().view(3, 1, 1)) / torch.tensor(STD).double().view(3, 1, 1)


def test_eval_transform__takes_pictures(student: Student, rng: torch.Generator) -> None:
    """resizes the shorter side, keeps the aspect, cuts out the centre and normalises, for wide and for high PIL images"""
    check_transform(student, [smooth(rng, 12, 8)], "picture", 4, 2)  # as small as the public ones
    check_transform(student, [smooth(rng, 48, 64)], "picture", 24, 16)
    check_transform(student, [smooth(rng, 90, 60)], "picture", 20, 10)


def test_eval_transform__takes_arrays(student: Student, rng: torch.Generator) -> None:
    """does the same for uint8 arrays, which have to become images first"""
    check_transform(student, [smooth(rng, 60, 80)], "array", 30, 14)
    check_transform(student, [smooth(rng, 77, 55)], "array", 20, 8)


def test_eval_transform__enlarges(student: Student, rng: torch.Generator) -> None:
    """enlarges an image that is smaller than `resize`"""
    check_transform(student, [smooth(rng, 10, 14)], "picture", 20, 12)
    check_transform(student, [smooth(rng, 12, 9)], "array", 18, 18)


def test_eval_transform__takes_the_whole_square(student: Student, rng: torch.Generator) -> None:
    """cuts nothing off a square image where crop equals resize"""
    check_transform(student, [smooth(rng, 40, 40)], "picture", 22, 22)
    check_transform(student, [smooth(rng, 26, 26)], "picture", 26, 26)


def test_eval_transform__averages_what_it_shrinks(student: Student, rng: torch.Generator) -> None:
    """resizes with antialiasing: fine lines become grey"""
    for kind in ("picture", "array"):
        check_transform(student, [striped(rng, 64, 96)], kind, 16, 12)


def test_eval_transform__is_not_random(student: Student, rng: torch.Generator) -> None:
    """gives the same for the same image each time, of several images each its own"""
    image, other = smooth(rng, 36, 54), smooth(rng, 54, 36)
    check_transform(student, [image, other, image, other, image], "picture", 12, 8)


def test_eval_transform__reaches_both_ends(student: Student) -> None:
    """turns 0 into -mean / std and 255 into (1 - mean) / std, each colour with its own"""
    colours = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]
    images = [np.tile(np.array(colour, np.uint8), (8, 10, 1)) for colour in colours]
    check_transform(student, images, "picture", 4, 3)
    check_transform(student, images, "array", 8, 8)


# decay_groups --------------------------------------------------------------------------------------------------------


class Odd(nn.Module):
    """Parameters whose names and axes say different things."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.ones(2, 3))
        self.weight = nn.Parameter(torch.ones(4))
        self.temperature = nn.Parameter(torch.ones(()))
        self.norm = nn.LayerNorm((3, 4))
        self.cube = nn.Parameter(torch.ones(2, 1, 2))


def model_of(kind: str) -> nn.Module:
    """Small models of several kinds."""
    if kind == "images":
        layers = [nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(20, 7)]
        return nn.Sequential(*layers)
    if kind == "frozen":
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        model[0].weight.requires_grad_(False)
        model[1].bias.requires_grad_(False)
        return model
    if kind == "nested":
        return nn.Sequential(nn.Embedding(6, 4), nn.ModuleList([nn.LayerNorm(4), nn.GRU(4, 3)]), nn.Linear(3, 6, bias=False))
    if kind == "shared":
        model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 4))
        model[2].weight, model[2].bias = model[0].weight, model[0].bias
        return model
    if kind == "odd":
        return Odd()
    if kind == "nothing":
        return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).requires_grad_(False)
    return nn.Sequential(nn.BatchNorm1d(5), nn.LayerNorm(5)) if kind == "flat" else nn.Linear(4, 3, bias=False)


def grouped(module: Any, kind: str, decay: float) -> Any:
    """By group: the names of its parameters, its weight decay and the kind of what holds the parameters."""
    model = model_of(kind)
    names = {id(p): name for name, p in model.named_parameters()}
    before = [p.requires_grad for p in model.parameters()]
    groups = module.decay_groups(model, decay)
    if not isinstance(groups, list | tuple):
        return type(groups).__name__
    told = []
    for group in groups:
        if not isinstance(group, dict):
            told.append([type(group).__name__, None, ""])
        else:
            params = group.get("params")
            listed = [names.get(id(p), "another tensor") for p in params] if isinstance(params, list | tuple) else None
            told.append([listed, group.get("weight_decay"), type(params).__name__])
    return {"groups": told, "kept": [p.requires_grad for p in model.parameters()] == before}


def decayed_step(module: Any, kind: str, decay: float, lr: float) -> Tensors:
    """The parameters after a step of SGD with gradients of 0: what decays shrinks, and nothing else moves."""
    model = model_of(kind)
    for number, p in enumerate(model.parameters()):
        p.data.fill_(number + 1.0)
        p.grad = torch.zeros_like(p)
    optim.SGD(module.decay_groups(model, decay), lr=lr).step()
    return {name: p.detach() for name, p in model.named_parameters()}


def check_groups(student: Student, rng: torch.Generator, kind: str) -> None:
    decay = real(rng, 0.01, 0.2)
    found = student.run(grouped, kind, decay)
    expect(isinstance(found, dict), f"The result should be a list of two groups, but it is of type {found}.")
    groups = found["groups"]
    expect(len(groups) == 2, f"There should be two groups, also if one is empty, but there are {len(groups)}.")
    trained = [(name, p.ndim) for name, p in model_of(kind).named_parameters() if p.requires_grad]
    expected = [[name for name, axes in trained if axes >= 2], [name for name, axes in trained if axes < 2]]
    for (listed, value, params), names, rate, which in zip(groups, expected, (decay, 0.0), ("first", "second"), strict=True):
        expect(isinstance(listed, list), f"In the {which} group, params should be a list of parameters.")
        expect(params == "list", f"In the {which} group, params should be a list, but it is of type {params}.")
        expect_equal(listed, names, f"the list of names of the {which} group's parameters")
        expect_close(value, rate, f"weight_decay of the {which} group", atol=1e-9)
    expect(found["kept"], "After the call requires_grad of some parameter is not what it was before.")


def test_decay_groups__splits_by_axes(student: Student, rng: torch.Generator) -> None:
    """has the weights of convolutions and linear layers in the first group, biases and norms in the second"""
    check_groups(student, rng, "images")


def test_decay_groups__keeps_the_order(student: Student, rng: torch.Generator) -> None:
    """finds the parameters of nested modules, embeddings and recurrent layers, in the order of model.parameters()"""
    check_groups(student, rng, "nested")


def test_decay_groups__goes_by_axes_alone(student: Student, rng: torch.Generator) -> None:
    """decides by the number of axes, not by names or kinds of layers: a bias of (2, 3) decays, a weight of (4,) does not"""
    check_groups(student, rng, "odd")


def test_decay_groups__leaves_frozen_ones_out(student: Student, rng: torch.Generator) -> None:
    """leaves out what does not require grad"""
    check_groups(student, rng, "frozen")


def test_decay_groups__names_shared_ones_once(student: Student, rng: torch.Generator) -> None:
    """has a parameter that two layers share once only"""
    check_groups(student, rng, "shared")


def test_decay_groups__may_be_empty(student: Student, rng: torch.Generator) -> None:
    """gives two groups also where the first, the second or both are empty"""
    for kind in ("flat", "plain", "nothing"):
        check_groups(student, rng, kind)


def test_decay_groups__serves_an_optimizer(student: Student, rng: torch.Generator) -> None:
    """gives what torch.optim takes: in a step with gradients of 0 weights shrink, biases and norms stay"""
    decay, lr = real(rng, 0.1, 0.4), real(rng, 0.1, 0.5)
    found = student.run(decayed_step, "images", decay, lr)
    for number, (name, p) in enumerate(model_of("images").named_parameters()):
        factor = 1 - lr * decay if p.ndim >= 2 else 1.0
        expect_close(found[name], torch.full(p.shape, (number + 1) * factor).double(), f"{name} after the step")


# decayed_lr ----------------------------------------------------------------------------------------------------------


def rates(module: Any, name: str, cases: list[Any]) -> list[Any]:
    return [getattr(module, name)(*positional, **named) for positional, named in cases]


def check_decayed(student: Student, cases: list[tuple[list[Any], dict[str, Any]]]) -> None:
    found = student.run(rates, "decayed_lr", [list(case) for case in cases])
    for rate, (positional, named) in zip(found, cases, strict=True):
        base, epoch, *rest = positional
        step, gamma = [*rest, *[named.get("step", 30), named.get("gamma", 0.1)][len(rest) :]]
        name = f"the rate of epoch {epoch} with step = {step}"
        expect_close(rate, base * gamma ** (epoch // step), name, rtol=1e-5, atol=0.0)
        expect_no_graph(rate, f"The rate of epoch {epoch}")


def test_decayed_lr__falls_in_steps(student: Student, rng: torch.Generator) -> None:
    """falls to a tenth every 30 epochs and stays in between"""
    base = real(rng, 0.05, 0.9)
    check_decayed(student, [([base, epoch], {}) for epoch in (0, 1, 15, 29, 30, 31, 59, 60, 89, 90, 119, 120)])


def test_decayed_lr__takes_step_and_gamma(student: Student, rng: torch.Generator) -> None:
    """takes another step and another gamma, by place and by name"""
    base, gamma, step = real(rng, 1, 4), real(rng, 0.3, 0.9), whole(rng, 4, 9)
    check_decayed(student, [([base, epoch, step, gamma], {}) for epoch in (0, step - 1, step, 3 * step, 4 * step - 1)])
    check_decayed(student, [([base, 2 * step + 1], {"gamma": gamma, "step": step})])
    check_decayed(student, [([base, 44], {"gamma": gamma}), ([base, 44], {"step": step})])


def test_decayed_lr__falls_every_epoch(student: Student, rng: torch.Generator) -> None:
    """falls in each epoch where step is 1"""
    base, gamma = real(rng, 1, 4), real(rng, 0.5, 0.95)
    check_decayed(student, [([base, epoch, 1, gamma], {}) for epoch in range(5)])


# warmup_cosine -------------------------------------------------------------------------------------------------------


def scheduled(step: int, warmup: int, total: int, base: float, floor: float) -> float:
    if step < warmup:
        return base * (step + 1) / warmup
    if step >= total:
        return floor
    return floor + (base - floor) * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


def check_schedule(student: Student, steps: Sequence[int], warmup: int, total: int, base: float, floor: float = 0.0) -> None:
    named = {"floor": floor} if floor else {}
    found = student.run(rates, "warmup_cosine", [[[step, warmup, total, base], named] for step in steps])
    for rate, step in zip(found, steps, strict=True):
        name = f"the rate of step {step} of {total}, {warmup} of them warmup"
        expect_close(rate, scheduled(step, warmup, total, base, floor), name, rtol=1e-4, atol=1e-6 * base)


def test_warmup_cosine__ramps_and_falls(student: Student, rng: torch.Generator) -> None:
    """rises in equal steps to base, falls along half a cosine and ends at 0"""
    warmup, base = whole(rng, 4, 9), real(rng, 0.1, 3)
    total = warmup + whole(rng, 8, 20)
    check_schedule(student, range(total + 4), warmup, total, base)


def test_warmup_cosine__learns_at_step_0(student: Student, rng: torch.Generator) -> None:
    """has a rate above 0 at step 0, and base at the last step of the warmup"""
    for warmup in (1, 2, whole(rng, 5, 50)):
        check_schedule(student, [0, warmup - 1], warmup, warmup + 10, real(rng, 0.1, 3))


def test_warmup_cosine__falls_over_what_is_left(student: Student, rng: torch.Generator) -> None:
    """begins to fall from base right after the warmup, without a jump, however long that was"""
    warmup = whole(rng, 30, 40)
    check_schedule(student, range(warmup, warmup + 10), warmup, warmup + 10, real(rng, 1, 3))


def test_warmup_cosine__ends_at_the_floor(student: Student, rng: torch.Generator) -> None:
    """ends at floor and stays there: the cosine goes from base to floor, the ramp does not know it"""
    base, floor = real(rng, 2, 3), real(rng, 0.3, 0.9)
    check_schedule(student, [0, 2, 4, 5, 7, 9, 12, 14, 15, 16, 30, 31, 45], 5, 15, base, floor)


def test_warmup_cosine__works_without_warmup(student: Student, rng: torch.Generator) -> None:
    """begins with base where warmup is 0"""
    check_schedule(student, range(9), 0, 7, real(rng, 1, 3), real(rng, 0.1, 0.5))
    check_schedule(student, range(3), 0, 1, real(rng, 1, 3))


def test_warmup_cosine__may_only_warm_up(student: Student, rng: torch.Generator) -> None:
    """goes straight to floor where warmup is all of it"""
    check_schedule(student, range(9), 6, 6, real(rng, 1, 3), real(rng, 0.1, 0.5))
    check_schedule(student, range(4), 1, 1, real(rng, 1, 3))


# What train_epoch, validate and the checkpoints share ----------------------------------------------------------------


class Net(nn.Module):
    """(N, 6) → (N, K). It notes for each batch its mode, where inputs and weights were, and the graph of its result."""

    seen: list[Any] = []  # of the class: a copy of the network notes in the same list  # noqa: RUF012

    def __init__(self, classes: int, *, norm: bool) -> None:
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.norm = nn.BatchNorm1d(5) if norm else nn.Identity()
        self.last = nn.Linear(5, classes)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.last(torch.tanh(self.norm(self.first(x))))
        self.seen.append([self.training, str(x.device), scores.requires_grad])
        return scores


class Loss(nn.Module):
    """Cross entropy with smoothed labels, the mean over the batch. It notes where the labels were."""

    seen: list[str] = []  # noqa: RUF012

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        self.seen.append(str(labels.device))
        return F.cross_entropy(scores, labels, label_smoothing=0.2)


def build(state: Tensors) -> Net:
    """A network with these parameters and buffers, in their dtype."""
    net = Net(len(state["last.bias"]), norm="norm.weight" in state).to(state["last.bias"].dtype)
    net.load_state_dict(state)
    return net


def draw_state(rng: torch.Generator, classes: int, *, norm: bool, dtype: torch.dtype = torch.float32) -> Tensors:
    """A state_dict of a network, its buffers drawn too."""
    state = {}
    for name, tensor in Net(classes, norm=norm).state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(whole(rng, 1, 9))
        elif name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(tensor.shape, generator=rng, dtype=dtype)
        else:
            state[name] = 0.7 * randn(rng, *tensor.shape, dtype=dtype)
    return state


def draw_samples(rng: torch.Generator, n: int, classes: int, dtype: torch.dtype = torch.float32) -> Samples:
    return randn(rng, n, FEATURES, dtype=dtype), torch.randint(classes, (n,), generator=rng)


def wide(state: Tensors) -> Tensors:
    return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def batches_of(x: Tensor, y: Tensor, sizes: Sequence[int]) -> list[Samples]:
    return list(zip(x.split(list(sizes)), y.split(list(sizes)), strict=True))


def loader_of(x: Tensor, y: Tensor, sizes: Any) -> Any:
    """A DataLoader with batches of a size, or a list of pairs with batches of these sizes."""
    if isinstance(sizes, int):
        return DataLoader(TensorDataset(x, y), batch_size=sizes)
    return [[a, b] for a, b in zip(x.split(list(sizes)), y.split(list(sizes)))]  # noqa: B905  as long as each other


def sizes_of(n: int, sizes: int | list[int]) -> list[int]:
    return [min(sizes, n - start) for start in range(0, n, sizes)] if isinstance(sizes, int) else sizes


def plain(found: Any) -> Any:
    """A dict of results, tensors with a graph among them, or the type of what is none."""
    return dict(found) if isinstance(found, dict) else type(found).__name__


def expect_means(found: Any, expected: dict[str, float]) -> None:
    expect(
        isinstance(found, dict), f"The result should be a dict with the keys {', '.join(expected)}, but it is of type {found}."
    )
    expect_close({key: as_number(value) for key, value in found.items()}, expected, "the result", rtol=1e-4, atol=1e-4)
    for key in expected:
        expect_no_graph(found[key], f"The number {key}")


def expect_state(found: Any, expected: Tensors, when: str, rtol: float = 1e-3, atol: float = 1e-4) -> None:
    names = {f"{name} {when}": tensor for name, tensor in found.items()}
    expect_close(names, {f"{name} {when}": tensor for name, tensor in expected.items()}, rtol=rtol, atol=atol)


# train_epoch ---------------------------------------------------------------------------------------------------------


def train(
    module: Any, state: Tensors, x: Tensor, y: Tensor, sizes: Any, accumulate: Any, device: str, epochs: int, stale: float
) -> Told:
    """What each epoch returns, and the state after the last. `accumulate` may be left out by None."""
    net = build(state).to(device)
    net.eval()
    optimizer = optim.SGD(net.parameters(), lr=0.3, momentum=0.9)
    for p in net.parameters():
        p.grad = torch.full_like(p, stale) if stale else None
    loader = loader_of(x, y, sizes)
    more = [] if accumulate is None else [accumulate]
    results = [plain(module.train_epoch(net, loader, Loss(), optimizer, device, *more)) for _ in range(epochs)]
    return {"results": results, "state": net.state_dict(), "modes": [mode for mode, *_ in Net.seen]}


def places_in_training(
    module: Any, state: Tensors, x: Tensor, y: Tensor, sizes: Any, accumulate: Any, device: str, epochs: int, stale: float
) -> list[Any]:
    """Where inputs and labels were; the error counts in the request that follows."""
    with contextlib.suppress(Exception):
        train(module, state, x, y, sizes, accumulate, device, epochs, stale)
    return [sorted({place for _, place, _ in Net.seen}), sorted(set(Loss.seen))]


def epoch_of(
    net: nn.Module, optimizer: optim.SGD, x: Tensor, y: Tensor, sizes: Sequence[int], accumulate: int, rate: float
) -> dict[str, float]:
    """One epoch in float64, and its means: a step's loss is the mean over all samples of its batches."""
    optimizer.param_groups[0]["lr"] = rate
    losses, hits = 0.0, 0
    batches = batches_of(x.double(), y, sizes)
    for start in range(0, len(batches), accumulate):
        group = batches[start : start + accumulate]
        optimizer.zero_grad()
        scores = [net(inputs) for inputs, _ in group]
        pairs = [(s, labels) for s, (_, labels) in zip(scores, group, strict=True)]
        sums = [F.cross_entropy(s, labels, label_smoothing=0.2) * len(labels) for s, labels in pairs]
        (torch.stack(sums).sum() / sum(len(labels) for _, labels in pairs)).backward()
        optimizer.step()
        losses += sum(each.item() for each in sums)
        hits += sum(int((s.argmax(1) == labels).sum()) for s, labels in pairs)
    return {"loss": losses / len(y), "acc1": 100 * hits / len(y)}


def trained(
    state: Tensors, x: Tensor, y: Tensor, sizes: Sequence[int], accumulate: int, epochs: int
) -> tuple[Tensors, list[dict[str, float]]]:
    """The trained state and each epoch's means, in float64."""
    net = build(wide(state)).train()
    optimizer = optim.SGD(net.parameters(), lr=0.3, momentum=0.9)
    means = [epoch_of(net, optimizer, x, y, sizes, accumulate, 0.3) for _ in range(epochs)]
    return net.state_dict(), means


def check_training(
    student: Student,
    rng: torch.Generator,
    n: int,
    sizes: int | list[int],
    accumulate: int | None,
    *,
    epochs: int = 1,
    norm: bool = False,
    stale: float = 0.0,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Train and compare the state that comes out."""
    state, (x, y) = draw_state(rng, 4, norm=norm, dtype=dtype), draw_samples(rng, n, 4, dtype)
    found = student.run(train, state, x, y, sizes, accumulate, "cpu", epochs, stale)
    expected, _ = trained(state, x, y, sizes_of(n, sizes), accumulate or 1, epochs)
    floats = {name: tensor for name, tensor in expected.items() if tensor.is_floating_point()}
    expect_state(found["state"], floats, "after training")


def test_train_epoch__steps_after_each_batch(student: Student, rng: torch.Generator) -> None:
    """takes a step after each batch of a DataLoader, the smaller last one too, with the gradient of that batch"""
    check_training(student, rng, 14, 4, None)
    check_training(student, rng, 9, 3, 1)


def test_train_epoch__accumulates(student: Student, rng: torch.Generator) -> None:
    """takes a step after every third of six equal batches, with the mean gradient of the three"""
    check_training(student, rng, 18, [3] * 6, 3)


def test_train_epoch__steps_for_what_is_left(student: Student, rng: torch.Generator) -> None:
    """takes a step for the two batches that are left, with the mean over these two"""
    check_training(student, rng, 18, [3] * 6, 4)


def test_train_epoch__weights_samples_alike(student: Student, rng: torch.Generator) -> None:
    """gives each sample the same weight in a step, whatever the size of its batch"""
    check_training(student, rng, 20, [6, 1, 2, 8, 3], 2)


def test_train_epoch__returns_means_over_samples(student: Student, rng: torch.Generator) -> None:
    """returns the mean loss and the accuracy in per cent over all samples, from before each step, by the loss that is given"""
    for sizes, accumulate in (([7, 2, 4, 1], 1), ([5, 3, 6], 2)):
        state, (x, y) = draw_state(rng, 4, norm=False), draw_samples(rng, sum(sizes), 4)
        found = student.run(train, state, x, y, sizes, accumulate, "cpu", 1, 0.0)
        expect_means(found["results"][0], trained(state, x, y, sizes, accumulate, 1)[1][0])


def test_train_epoch__trains_in_train_mode(student: Student, rng: torch.Generator) -> None:
    """puts the model into train mode: batch norm takes the batch's statistics and updates its own"""
    check_training(student, rng, 12, 4, 1, norm=True)


def test_train_epoch__sends_each_batch_alone(student: Student, rng: torch.Generator) -> None:
    """sends each batch through the model by itself, once, also where several make a step: batch norm sees the difference"""
    check_training(student, rng, 15, [4, 2, 6, 3], 2, norm=True)


def test_train_epoch__forgets_old_gradients(student: Student, rng: torch.Generator) -> None:
    """takes no account of gradients from before the call"""
    check_training(student, rng, 8, 4, 2, stale=3.0)


def test_train_epoch__goes_on_in_another_call(student: Student, rng: torch.Generator) -> None:
    """begins each call anew: no gradients and no sums are left from the one before"""
    sizes, accumulate = [4, 4, 2, 3], 3
    state, (x, y) = draw_state(rng, 4, norm=False), draw_samples(rng, sum(sizes), 4)
    found = student.run(train, state, x, y, sizes, accumulate, "cpu", 3, 0.0)
    expected, means = trained(state, x, y, sizes, accumulate, 3)
    expect_state(found["state"], expected, "after three calls")
    for result, mean in zip(found["results"], means, strict=True):
        expect_means(result, mean)


def test_train_epoch__takes_small_loaders(student: Student, rng: torch.Generator) -> None:
    """works with one batch, with one sample, with fewer batches than `accumulate`, and in float64"""
    check_training(student, rng, 1, 4, 1)
    check_training(student, rng, 3, [3], 5)
    check_training(student, rng, 7, [2, 4, 1], 10, dtype=torch.float64)


def train_by_rates(module: Any, state: Tensors, x: Tensor, y: Tensor, sizes: list[int], rates: list[float]) -> list[Any]:
    """What each epoch returns that is trained with its own learning rate."""
    net = build(state)
    optimizer = optim.SGD(net.parameters(), lr=1.0, momentum=0.9)
    found = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        found.append(plain(module.train_epoch(net, loader_of(x, y, sizes), Loss(), optimizer, "cpu", 2)))
    return found


def test_train_epoch__learns(student: Student, rng: torch.Generator, attach: Callable[[str, Any], None]) -> None:
    """learns four classes in twelve epochs whose learning rate rises and falls, as by hand"""
    sizes, rates = [12, 9, 6, 13, 8], [scheduled(epoch, 3, 12, 0.12, 0.01) for epoch in range(12)]
    state, (x, y) = draw_state(rng, 4, norm=False), draw_samples(rng, sum(sizes), 4)
    x[torch.arange(len(y)), y] += 2.0  # so that there is something to learn
    found = student.run(train_by_rates, state, x, y, sizes, rates)
    net = build(wide(state))
    optimizer = optim.SGD(net.parameters(), lr=1.0, momentum=0.9)
    expected = [epoch_of(net, optimizer, x, y, sizes, 2, rate) for rate in rates]
    for result, means in zip(found, expected, strict=True):
        expect_means(result, {"loss": means["loss"]})
    for key, name in (("loss", "losses"), ("acc1", "top1")):
        attach(name, [float(result[key]) for result in found if isinstance(result.get(key), int | float | Tensor)])
    attach("rates", rates)


@devices(1)
def test_train_epoch__moves_batches(student: Student, rng: torch.Generator) -> None:
    """moves the images and the labels of each batch to the device"""
    state, (x, y) = draw_state(rng, 3, norm=False), draw_samples(rng, 7, 3)
    inputs, labels = student.run(places_in_training, state, x, y, 3, 1, "cuda:0", 1, 0.0)
    found = student.run(train, state, x, y, 3, 1, "cuda:0", 1, 0.0)
    expect_equal(inputs, ["cuda:0"], "the list of devices of the images")
    if labels:
        expect_equal(labels, ["cuda:0"], "the list of devices of the labels")
    expect_means(found["results"][0], trained(state, x, y, [3, 3, 1], 1, 1)[1][0])


# amp_step ------------------------------------------------------------------------------------------------------------


class Mixed(nn.Module):
    """(N, 6) → (N, 4). It notes the state of autocast, forward and backward, and the dtype of its scores."""

    seen: list[Any] = []  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.last = nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        kind = x.device.type
        scores = self.last(torch.tanh(self.first(x)))
        self.seen.append(["forward", torch.is_autocast_enabled(kind), str(scores.dtype)])
        if scores.requires_grad:
            scores.register_hook(lambda g: self.seen.append(["backward", torch.is_autocast_enabled(kind), str(g.dtype)]))
        return scores


class MixedLoss(nn.Module):
    """Cross entropy times a factor; it notes whether autocast was on."""

    seen: list[bool] = []  # noqa: RUF012

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        self.seen.append(torch.is_autocast_enabled(scores.device.type))
        return F.cross_entropy(scores, labels) * self.factor


def mixed_of(state: Tensors) -> Mixed:
    net = Mixed()
    net.load_state_dict(state)
    return net.train()


def draw_mixed(rng: torch.Generator) -> Tensors:
    return {name: 0.7 * randn(rng, *tensor.shape) for name, tensor in Mixed().state_dict().items()}


def scaler_of(settings: dict[str, Any], device: str) -> Any:
    return torch.amp.GradScaler(device, **settings)


def amp(
    module: Any, state: Tensors, batches: list[Any], factor: float, settings: dict[str, Any], place: str, dtype: Any, clip: float
) -> Told:
    """The losses of one step a batch, the scale after each, and the state after the last."""
    kind = place.split(":", maxsplit=1)[0]
    net, criterion, scaler = mixed_of(state).to(place), MixedLoss(factor), scaler_of(settings, kind)
    optimizer = optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    losses, scales = [], []
    for x, y in batches:
        losses.append(module.amp_step(net, criterion, optimizer, scaler, x.to(place), y.to(place), kind, dtype, clip))
        scales.append(scaler.get_scale())
    return {"losses": losses, "scales": scales, "state": net.state_dict(),
            "dtypes": sorted({str(p.dtype) for p in net.parameters()})}  # fmt: skip


def autocast_seen(
    module: Any, state: Tensors, batches: list[Any], factor: float, settings: dict[str, Any], place: str, dtype: Any, clip: float
) -> Told:
    """What the model and the loss noted of autocast."""
    amp(module, state, batches, factor, settings, place, dtype, clip)
    return {"model": Mixed.seen, "loss": MixedLoss.seen}


def amp_here(
    state: Tensors, batches: Sequence[Samples], factor: float, settings: dict[str, Any], dtype: torch.dtype, clip: float
) -> Told:
    """The same as it should be, on the CPU of this side."""
    net, scaler = mixed_of(state), scaler_of(settings, "cpu")
    optimizer = optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    losses, scales, norms = [], [], []
    for x, y in batches:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype):
            loss = F.cross_entropy(net(x), y) * factor
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        norms.append(float(nn.utils.clip_grad_norm_(net.parameters(), clip)))
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
        scales.append(scaler.get_scale())
    return {"losses": losses, "scales": scales, "state": net.state_dict(), "norms": norms}


SCALED = {"init_scale": 512.0, "growth_interval": 2}


def check_amp(
    student: Student,
    rng: torch.Generator,
    *,
    steps: int = 1,
    factor: float = 1.0,
    clip: float = 1e3,
    settings: dict[str, Any] | None = None,
    dtype: torch.dtype = torch.bfloat16,
    what: str = "state",
) -> None:
    """Take steps and compare one thing that comes out."""
    settings = settings or SCALED
    state, batches = draw_mixed(rng), [draw_samples(rng, n, 4) for n in (5, 3, 8)[:steps]]
    found = student.run(amp, state, [list(each) for each in batches], factor, settings, "cpu", dtype, clip)
    right = amp_here(state, batches, factor, settings, dtype, clip)
    if what == "state":
        expect_state(found["state"], right["state"], f"after {steps} step(s)", rtol=2e-3, atol=1e-4)
    if what == "losses":
        losses = [as_number(each) for each in found["losses"]]
        expect_close(losses, right["losses"], [f"the loss of step {i + 1}" for i in range(steps)], rtol=2e-3, atol=1e-4)
        for each in found["losses"]:
            expect_no_graph(each, "The loss")
    if what == "scales":
        expect_close(found["scales"], right["scales"], [f"the scaler's scale after step {i + 1}" for i in range(steps)])


def test_amp_step__takes_the_step(student: Student, rng: torch.Generator) -> None:
    """takes the step of the unscaled gradients, computed under autocast in bfloat16"""
    check_amp(student, rng)
    check_amp(student, rng, factor=2.5)


def test_amp_step__clips_the_unscaled_gradients(student: Student, rng: torch.Generator) -> None:
    """clips the total norm of all gradients to `clip` after they are unscaled"""
    check_amp(student, rng, factor=40.0, clip=real(rng, 0.5, 1.5))


def test_amp_step__leaves_small_gradients(student: Student, rng: torch.Generator) -> None:
    """leaves gradients as they are whose norm is below `clip`, and above it when they are scaled"""
    check_amp(student, rng, clip=30.0, settings={"init_scale": 4096.0})


def test_amp_step__returns_the_loss(student: Student, rng: torch.Generator) -> None:
    """returns the loss itself, not the scaled one, as a number without a graph"""
    check_amp(student, rng, steps=3, factor=1.5, what="losses")


def test_amp_step__goes_on(student: Student, rng: torch.Generator) -> None:
    """takes one step after the other, each with the gradients of its own batch"""
    check_amp(student, rng, steps=3, factor=2.0, clip=1.0)


def test_amp_step__updates_the_scaler(student: Student, rng: torch.Generator) -> None:
    """has the scaler update its scale after each step, which lets it grow in time"""
    check_amp(student, rng, steps=3, what="scales")


def test_amp_step__skips_what_is_not_finite(student: Student, rng: torch.Generator) -> None:
    """leaves the parameters as they were where gradients are not finite in float16, and the scaler halves its scale"""
    state, batches = draw_mixed(rng), [draw_samples(rng, 5, 4), draw_samples(rng, 3, 4)]
    settings = {"init_scale": 2.0**60}
    found = student.run(amp, state, [list(each) for each in batches], 1.0, settings, "cpu", torch.float16, 1.0)
    bad = [name for name, tensor in found["state"].items() if not torch.isfinite(tensor).all()]
    expect(
        not bad, "Gradients that are not finite reached the parameters: these are not finite now. Let the scaler take the step."
    )
    expect_state(found["state"], state, "after steps whose gradients are not finite", rtol=1e-6, atol=1e-7)
    expect_close(found["scales"], [2.0**59, 2.0**58], ["the scaler's scale after step 1", "the scaler's scale after step 2"])


def test_amp_step__takes_a_disabled_scaler(student: Student, rng: torch.Generator) -> None:
    """works with a scaler that is not enabled, which passes everything through"""
    check_amp(student, rng, steps=2, factor=10.0, clip=1.0, settings={"enabled": False})


def test_amp_step__takes_float16(student: Student, rng: torch.Generator) -> None:
    """computes in the dtype that it is given"""
    check_amp(student, rng, steps=2, dtype=torch.float16, settings={"init_scale": 8.0}, what="losses")
    state, batch = draw_mixed(rng), draw_samples(rng, 4, 4)
    for dtype in (torch.float16, torch.bfloat16):
        found = student.run(autocast_seen, state, [list(batch)], 1.0, {"init_scale": 2.0}, "cpu", dtype, 1.0)
        expect_equal(found["model"][0][2], str(dtype), "the dtype of the scores that the model computes")


def test_amp_step__keeps_float32(student: Student, rng: torch.Generator) -> None:
    """leaves the parameters in float32"""
    state, batch = draw_mixed(rng), draw_samples(rng, 4, 4)
    found = student.run(amp, state, [list(batch)], 1.0, SCALED, "cpu", torch.bfloat16, 1.0)
    expect_equal(found["dtypes"], ["torch.float32"], "the list of dtypes of the parameters after the step")


@conduct
def test_amp_step__autocasts_forward_and_loss_alone(student: Student, rng: torch.Generator) -> None:
    """has autocast on in the model and in the loss, and off in the backward pass"""
    state, batch = draw_mixed(rng), draw_samples(rng, 4, 4)
    found = student.run(autocast_seen, state, [list(batch)], 1.0, SCALED, "cpu", torch.bfloat16, 1.0)
    forward = [on for kind, on, _ in found["model"] if kind == "forward"]
    backward = [on for kind, on, _ in found["model"] if kind == "backward"]
    expect(forward and all(forward), "The model should run under torch.autocast, but autocast was off in its forward pass.")
    expect(all(found["loss"]), "The loss should be computed under torch.autocast as well, but autocast was off.")
    expect(
        not any(backward), "backward() should run outside of torch.autocast, but autocast was on: end the with block before it."
    )


@devices(1)
def test_amp_step__autocasts_for_its_device(student: Student, rng: torch.Generator) -> None:
    """uses autocast for the device type that it is given, here cuda"""
    state, batch = draw_mixed(rng), draw_samples(rng, 4, 4)
    found = student.run(autocast_seen, state, [list(batch)], 1.0, SCALED, "cuda:0", torch.bfloat16, 1.0)
    message = "With the device type cuda, autocast for cuda should be on in the model, but it was off. Hand device_type on."
    expect(all(on for kind, on, _ in found["model"] if kind == "forward"), message)


# validate ------------------------------------------------------------------------------------------------------------


def evaluate(module: Any, state: Tensors, x: Tensor, y: Tensor, sizes: Any, mode: str, device: str) -> Told:
    """What validation returns, and what the network is like afterwards."""
    net = build(state).to(device)
    net.train(mode == "train")
    kept = torch.arange(5).to(state["first.bias"].dtype)
    net.first.bias.grad = kept.to(device)
    result = plain(module.validate(net, loader_of(x, y, sizes), Loss(), device))
    return {
        "result": result,
        "state": net.state_dict(),
        "training": net.training,
        "grads": [name for name, p in net.named_parameters() if p.grad is not None],
        "kept": bool((net.first.bias.grad.cpu() == kept).all()) if net.first.bias.grad is not None else False,
    }


def graphs(module: Any, state: Tensors, x: Tensor, y: Tensor, sizes: Any, mode: str, device: str) -> list[Any]:
    """Whether the results of the forward pass had a graph."""
    evaluate(module, state, x, y, sizes, mode, device)
    return [graph for *_, graph in Net.seen]


def places_in_validation(module: Any, state: Tensors, x: Tensor, y: Tensor, sizes: Any, mode: str, device: str) -> list[Any]:
    """Where inputs and labels were; the error counts in the request that follows."""
    with contextlib.suppress(Exception):
        evaluate(module, state, x, y, sizes, mode, device)
    return [sorted({place for _, place, _ in Net.seen}), sorted(set(Loss.seen))]


def validated(state: Tensors, x: Tensor, y: Tensor) -> dict[str, float]:
    with torch.no_grad():
        scores = build(wide(state)).eval()(x.double())
        top1, top5 = percentages(scores, y, (1, 5))
        return {"loss": F.cross_entropy(scores, y, label_smoothing=0.2).item(), "acc1": top1, "acc5": top5}


def check_validation(
    student: Student,
    rng: torch.Generator,
    n: int,
    sizes: int | list[int],
    *,
    classes: int = 9,
    norm: bool = False,
    dtype: torch.dtype = torch.float32,
) -> None:
    state, (x, y) = draw_state(rng, classes, norm=norm, dtype=dtype), draw_samples(rng, n, classes, dtype)
    found = student.run(evaluate, state, x, y, sizes, "train", "cpu")
    expect_means(found["result"], validated(state, x, y))


def test_validate__averages_over_samples(student: Student, rng: torch.Generator) -> None:
    """returns loss, acc1 and acc5 over all samples, the smaller last batch included"""
    check_validation(student, rng, 25, 8)
    check_validation(student, rng, 13, [6, 1, 4, 2])


def test_validate__evaluates(student: Student, rng: torch.Generator) -> None:
    """runs in eval mode: batch norm takes its own statistics, also for a model that comes in train mode"""
    check_validation(student, rng, 12, 5, norm=True)


def test_validate__takes_few_classes(student: Student, rng: torch.Generator) -> None:
    """gives 100 for acc5 where there are fewer than five classes, or five"""
    for classes in (3, 5, 2):
        check_validation(student, rng, 11, 4, classes=classes)


def test_validate__takes_six_classes(student: Student, rng: torch.Generator) -> None:
    """counts a miss in acc5 only where the target has the lowest of six scores"""
    state, (x, _) = draw_state(rng, 6, norm=False), draw_samples(rng, 9, 6)
    with torch.no_grad():
        scores = build(wide(state)).eval()(x.double())
    y = targets_at(rng, scores, [0, 0, 1, 2, 4, 4, 4, 5, 5])
    found = student.run(evaluate, state, x, y, 4, "train", "cpu")
    expect_means(found["result"], validated(state, x, y))


def test_validate__restores_the_mode(student: Student, rng: torch.Generator) -> None:
    """leaves the model in the mode that it was in, train or eval"""
    state, (x, y) = draw_state(rng, 6, norm=True), draw_samples(rng, 5, 6)
    for mode in ("train", "eval"):
        found = student.run(evaluate, state, x, y, 3, mode, "cpu")
        expect(found["training"] is (mode == "train"), f"The model came in {mode} mode, and should be in it after the call.")


def test_validate__leaves_the_model(student: Student, rng: torch.Generator) -> None:
    """leaves parameters, gradients and batch norm's statistics as they were"""
    state, (x, y) = draw_state(rng, 7, norm=True), draw_samples(rng, 9, 7)
    found = student.run(evaluate, state, x, y, 4, "train", "cpu")
    expect_state(found["state"], state, "after validation", rtol=1e-6, atol=1e-7)
    expect(found["grads"] == ["first.bias"] and found["kept"], "Validation changed the gradients. It needs no backward.")


@conduct
def test_validate__keeps_no_graph(student: Student, rng: torch.Generator) -> None:
    """runs the forward pass under no_grad or inference_mode"""
    state, (x, y) = draw_state(rng, 6, norm=False), draw_samples(rng, 5, 6)
    message = "The scores had a graph, which validation does not need: it takes memory. Use torch.no_grad()."
    expect(not any(student.run(graphs, state, x, y, 3, "eval", "cpu")), message)


def test_validate__takes_small_loaders(student: Student, rng: torch.Generator) -> None:
    """works with a single sample, in batches of one, and in float64"""
    check_validation(student, rng, 1, 4, norm=True)
    check_validation(student, rng, 4, 1, norm=True)
    check_validation(student, rng, 7, [7], dtype=torch.float64)


@devices(1)
def test_validate__moves_batches(student: Student, rng: torch.Generator) -> None:
    """moves the images and the labels of each batch to the device"""
    state, (x, y) = draw_state(rng, 6, norm=False), draw_samples(rng, 7, 6)
    inputs, labels = student.run(places_in_validation, state, x, y, 3, "train", "cuda:0")
    found = student.run(evaluate, state, x, y, 3, "train", "cuda:0")
    expect_equal(inputs, ["cuda:0"], "the list of devices of the images")
    if labels:
        expect_equal(labels, ["cuda:0"], "the list of devices of the labels")
    expect_means(found["result"], validated(state, x, y))


# Checkpoints ---------------------------------------------------------------------------------------------------------

LOST = "{} is not in the file. A program that goes on needs it."
UNREADABLE = ("torch.load(path, weights_only=True) cannot read the file: save state_dicts, numbers and tensors, "
              "not whole objects.")  # fmt: skip


def training_of(state: Tensors, kind: str) -> tuple[Any, Any, Any]:
    """A network with these weights, its optimizer and its scheduler."""
    net = build(state) if kind != "names" else named(state)
    if kind == "adam":
        optimizer: Any = optim.AdamW(net.parameters(), lr=0.05, weight_decay=0.1)
        return net, optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, 11)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    return net, optimizer, optim.lr_scheduler.StepLR(optimizer, 2, 0.6)


def named(state: Tensors) -> nn.Module:
    """(N, 6) → (N, 4), with children that are called module and submodule."""
    inner = nn.Sequential(OrderedDict(module=nn.Linear(5, 5), modules_=nn.Tanh()))
    net = nn.Sequential(OrderedDict(module=nn.Linear(6, 5), submodule=inner, last=nn.Linear(5, 4)))
    net.load_state_dict(state)
    return net


def draw_named(rng: torch.Generator) -> Tensors:
    inner = {"module.weight": (5, 6), "module.bias": (5,), "submodule.module.weight": (5, 5), "submodule.module.bias": (5,)}
    return {name: 0.7 * randn(rng, *shape) for name, shape in {**inner, "last.weight": (4, 5), "last.bias": (4,)}.items()}


def go_on(net: Any, optimizer: Any, scheduler: Any, batches: Any) -> list[float]:
    """One step of training and of the scheduler for each batch; the learning rate of each."""
    found = []
    net.train()
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def leaves_of(content: Any) -> list[Any]:
    """Every tensor and number in what a file holds, at any depth."""
    if isinstance(content, dict):
        return [leaf for key, item in content.items() for leaf in [*leaves_of(key), *leaves_of(item)]]
    if isinstance(content, list | tuple):
        return [leaf for item in content for leaf in leaves_of(item)]
    return [content] if isinstance(content, torch.Tensor | int | float) and not isinstance(content, bool) else []


def contents(path: Any) -> Any:
    """The leaves of a file, None if there is none that weights_only reads."""
    with contextlib.suppress(Exception):
        return leaves_of(torch.load(path, weights_only=True, map_location="cpu"))
    return None


def save(module: Any, state: Tensors, kind: str, batches: list[Any], epoch: int, best: float) -> Told:
    """The leaves of the file after some steps, and the network and the learning rate then."""
    net, optimizer, scheduler = training_of(state, kind)
    go_on(net, optimizer, scheduler, batches)
    for _ in range(scheduled_steps() - len(batches)):
        scheduler.step()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        module.save_checkpoint(path, net, optimizer, scheduler, epoch, best)
        return {"leaves": contents(path), "state": net.state_dict(), "training": net.training}


def scheduled_steps() -> int:
    """So many steps that no other number in the file is the same."""
    return 37


def expect_in_file(found: Any, tensor: Tensor, name: str) -> None:
    same = [leaf for leaf in found if isinstance(leaf, Tensor) and leaf.shape == tensor.shape]
    near = any(torch.allclose(leaf.double(), tensor.double(), rtol=1e-3, atol=1e-5) for leaf in same)
    expect(near, LOST.format(name))


def expect_number_in_file(found: Any, number: float, name: str) -> None:
    values = [float(leaf) for leaf in found if not isinstance(leaf, Tensor) or leaf.numel() == 1]
    expect(any(math.isclose(value, number, rel_tol=1e-6) for value in values), LOST.format(name))


def saved_here(state: Tensors, kind: str, batches: Sequence[Samples]) -> tuple[Any, Any, Any]:
    parts = training_of(state, kind)
    go_on(*parts, batches)
    for _ in range(scheduled_steps() - len(batches)):
        parts[2].step()
    return parts


def check_saved(student: Student, rng: torch.Generator, kind: str, what: str) -> None:
    state, batches = draw_state(rng, 4, norm=True), [draw_samples(rng, n, 4) for n in (5, 3, 6)]
    epoch, best = whole(rng, 201, 299), real(rng, 40, 90)
    found = student.run(save, state, kind, [list(each) for each in batches], epoch, best)
    leaves = found["leaves"]
    expect(leaves is not None, UNREADABLE)
    net, optimizer, scheduler = saved_here(state, kind, batches)
    if what == "model":
        for name, tensor in net.state_dict().items():
            expect_in_file(leaves, tensor, f"The network's {name}")
        expect_state(found["state"], net.state_dict(), "after saving")
        expect(found["training"] is True, "The network came in train mode, and should be in it after saving.")
    if what == "optimizer":
        for (name, _), kept in zip(net.named_parameters(), optimizer.state_dict()["state"].values(), strict=True):
            for key, value in kept.items():
                if isinstance(value, Tensor):
                    expect_in_file(leaves, value, f"What the optimizer keeps as {key} of {name}")
        expect_number_in_file(leaves, optimizer.param_groups[0]["lr"], "The optimizer's learning rate")
    if what == "numbers":
        expect_number_in_file(leaves, scheduler.last_epoch, "The number of steps that the scheduler has counted")
        expect_number_in_file(leaves, epoch, "The number of the epoch")
        expect_number_in_file(leaves, best, "The best accuracy")


def test_save_checkpoint__keeps_the_model(student: Student, rng: torch.Generator) -> None:
    """writes a file that weights_only reads, with the network's parameters and buffers"""
    check_saved(student, rng, "sgd", "model")


def test_save_checkpoint__keeps_the_optimizer(student: Student, rng: torch.Generator) -> None:
    """keeps the learning rate, and what SGD or AdamW remembers of each parameter"""
    check_saved(student, rng, "sgd", "optimizer")
    check_saved(student, rng, "adam", "optimizer")


def test_save_checkpoint__keeps_the_numbers(student: Student, rng: torch.Generator) -> None:
    """keeps the scheduler's count, the number of the epoch and the best accuracy"""
    check_saved(student, rng, "sgd", "numbers")
    check_saved(student, rng, "adam", "numbers")


class Broken:
    """It cannot be pickled: a crash in the middle of a file."""

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise OSError("no space left on device")


def refuse(*_: Any, **__: Any) -> None:
    raise OSError("the file cannot be renamed")


def replace_file(module: Any, state: Tensors, how: str, name: str) -> Told:
    """Saves over an old file, which is open all the time, and tells what is there then; `how` says what goes wrong.

    Who has a file open goes on reading it after another one has taken its name, and reads what is written into it itself.
    """
    net, optimizer, scheduler = training_of(state, "sgd")
    moves = []

    def noting(real: Any) -> Any:
        def move(source: Any, target: Any, **rest: Any) -> Any:
            moves.append([os.path.dirname(os.path.abspath(each)) for each in (source, target)])  # noqa: PTH100, PTH120
            return real(source, target, **rest)

        return move

    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / "runs"
        folder.mkdir()
        path = folder / name
        path.write_bytes(b"the checkpoint from before")
        replacing = (refuse, refuse) if how == "refused" else (noting(os.replace), noting(os.rename))
        renaming = mock.patch.multiple(os, replace=replacing[0], rename=replacing[1])
        with path.open("rb") as opened, contextlib.chdir(folder if how == "relative" else above), renaming:
            if how == "crash":
                scheduler.rest = Broken()  # becomes a part of its state_dict
            where = name if how == "relative" else str(path) if how == "str" else path
            with contextlib.suppress(*([OSError] if how in ("crash", "refused") else [])):
                module.save_checkpoint(where, net, optimizer, scheduler, 5, 62.5)
            kept = opened.read() == b"the checkpoint from before"
        content = path.read_bytes() if path.exists() else b""
        return {
            "file": "old" if content == b"the checkpoint from before" else "none" if not content else
                    "whole" if contents(path) is not None else "broken",
            "kept": kept,
            "others": len([file for file in folder.iterdir() if file.name != name]),
            "elsewhere": sum(source != target for source, target in moves),
        }  # fmt: skip


def check_replaced(student: Student, rng: torch.Generator, how: str, name: str) -> Any:
    found = student.run(replace_file, draw_state(rng, 3, norm=False), how, name)
    if how == "crash":
        expect(found["file"] != "none", "Where writing fails, the old file is gone. Write under another name first.")
        message = "Where writing fails half-way, the path names a broken file. Write under another name first, then os.replace."
        expect(found["file"] in ("old", "whole"), message)
        return found
    if how == "refused":
        message = "Where the last rename fails, there is no file: the old one is gone. Replace it in one step, by os.replace."
        expect(found["file"] in ("old", "whole"), message)
        return found
    expect(found["file"] == "whole", "After saving, the path should name a file that weights_only reads.")
    return found


def test_save_checkpoint__survives_a_crash(student: Student, rng: torch.Generator) -> None:
    """leaves the old file whole where writing the new one fails half-way"""
    check_replaced(student, rng, "path", "checkpoint.pt")
    check_replaced(student, rng, "crash", "checkpoint.pt")


def test_save_checkpoint__replaces_in_one_step(student: Student, rng: torch.Generator) -> None:
    """leaves the old file as it is until the new one takes its name, also if that fails"""
    found = check_replaced(student, rng, "path", "last.pt")
    expect(found["kept"], "The old file was written over. Write under another name in its folder, then os.replace.")
    check_replaced(student, rng, "refused", "last.pt")


def test_save_checkpoint__leaves_one_file(student: Student, rng: torch.Generator) -> None:
    """leaves no other file in the folder, whatever the name is, for a path as text, as a Path and without a folder"""
    for how, name in (("path", "model.best.pth.tar"), ("str", "a.pt"), ("relative", "checkpoint.pth")):
        found = check_replaced(student, rng, how, name)
        expect(not found["others"], f"After saving, the folder holds {found['others']} more file(s) than before.")


@conduct
def test_save_checkpoint__writes_into_the_same_folder(student: Student, rng: torch.Generator) -> None:
    """writes into the folder of the file: from another one, which may be on another disk, renaming is no single step"""
    found = check_replaced(student, rng, "path", "some.pt")
    expect(not found["elsewhere"], "The new file came from another folder. Write it beside the old one.")


# load_checkpoint -----------------------------------------------------------------------------------------------------


def resume(
    module: Any, states: list[Tensors], kind: str, batches: list[Any], more: list[Any], wrapped: list[bool], numbers: list[Any]
) -> Told:
    """Saves after `batches`, loads into another network, and goes on there with `more`."""
    net, optimizer, scheduler = training_of(states[0], kind)
    go_on(net, optimizer, scheduler, batches)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/checkpoint.pt"
        module.save_checkpoint(path, nn.DataParallel(net) if wrapped[0] else net, optimizer, scheduler, *numbers)
        net, optimizer, scheduler = training_of(states[1], kind)
        result = module.load_checkpoint(path, nn.DataParallel(net) if wrapped[1] else net, optimizer, scheduler, "cpu")
        kept = contents(path) is not None
    loaded = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    rates = go_on(net, optimizer, scheduler, more)
    return {"result": result, "loaded": loaded, "rates": rates, "state": net.state_dict(), "kept": kept}


def check_resumed(student: Student, rng: torch.Generator, kind: str, what: str, wrapped: Sequence[bool] = (False, False)) -> None:
    """Compare one thing with training that was never stopped."""
    states = [draw_named(rng) if kind == "names" else draw_state(rng, 4, norm=True) for _ in range(2)]
    batches, more = ([draw_samples(rng, n, 4) for n in sizes] for sizes in ((5, 3, 6), (4, 7, 3)))
    sent = [[list(each) for each in some] for some in (batches, more)]
    found = student.run(resume, states, kind, *sent, list(wrapped), [7, 55.5])
    net, optimizer, scheduler = training_of(states[0], kind)
    go_on(net, optimizer, scheduler, batches)
    loaded = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    rates = go_on(net, optimizer, scheduler, more)
    if what == "model":
        expect_state(found["loaded"], loaded, "after loading", rtol=1e-5, atol=1e-6)
        expect(found["kept"], "After loading, the file is not what it was.")
    if what == "rates":
        expect_close(found["rates"], rates, [f"the learning rate of step {i + 1} after loading" for i in range(3)], rtol=1e-5)
    if what == "state":
        expect_state(found["state"], net.state_dict(), "three steps after loading", rtol=1e-4, atol=1e-5)


def test_load_checkpoint__goes_on(student: Student, rng: torch.Generator) -> None:
    """goes on exactly as if training had not been stopped, with SGD's momentum and with AdamW's averages"""
    check_resumed(student, rng, "sgd", "state")
    check_resumed(student, rng, "adam", "state")


def test_load_checkpoint__restores_the_model(student: Student, rng: torch.Generator) -> None:
    """puts parameters and buffers into the model that it is given"""
    check_resumed(student, rng, "sgd", "model")


def test_load_checkpoint__restores_the_rate(student: Student, rng: torch.Generator) -> None:
    """restores the learning rate and the scheduler, which goes on counting where it was"""
    check_resumed(student, rng, "sgd", "rates")
    check_resumed(student, rng, "adam", "rates")


def test_load_checkpoint__returns_epoch_and_best(student: Student, rng: torch.Generator) -> None:
    """returns the epoch, an int, and the best accuracy, a float, as they were saved"""
    states, batch = [draw_state(rng, 4, norm=False) for _ in range(2)], [list(draw_samples(rng, 4, 4))]
    for numbers in ([whole(rng, 1, 90), real(rng, 10, 90)], [0, 0.0], [12, 100.0]):
        found = student.run(resume, states, "sgd", batch, batch, [False, False], numbers)["result"]
        expect_equal(found, tuple(numbers), ("the epoch", "the best accuracy"))
        for value, kind, name in zip(found, (int, float), ("the epoch", "the best accuracy"), strict=True):
            message = f"{name.capitalize()} should be of the type {kind.__name__}, but it is of the type {type(value).__name__}."
            expect(type(value) is kind, message)


@devices(0)
def test_load_checkpoint__takes_data_parallel(student: Student, rng: torch.Generator) -> None:
    """works where the model that is saved, the one that is loaded into, or both are in nn.DataParallel"""
    for wrapped in itertools.product((False, True), repeat=2):
        check_resumed(student, rng, "sgd", "model", wrapped)


@devices(0)
def test_load_checkpoint__keeps_other_names(student: Student, rng: torch.Generator) -> None:
    """works for models with children that are called module and submodule, wrapped or not"""
    for wrapped in itertools.product((False, True), repeat=2):
        check_resumed(student, rng, "names", "model", wrapped)


def resume_on(module: Any, states: list[Tensors], batches: list[Any], tag: str, device: str) -> Told:
    """Loads a file that says that it was written on `tag` into a network on `device`, which then takes a step."""
    net, optimizer, scheduler = training_of(states[0], "sgd")
    go_on(net, optimizer, scheduler, batches)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        with mock.patch.object(torch.serialization, "location_tag", return_value=tag):
            module.save_checkpoint(path, net, optimizer, scheduler, 3, 1.5)
        net = build(states[1]).to(device)
        optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        scheduler = optim.lr_scheduler.StepLR(optimizer, 2, 0.6)
        module.load_checkpoint(path, net, optimizer, scheduler, device)
    places = sorted({str(t.device) for t in (*net.parameters(), *net.buffers())})
    go_on(net, optimizer, scheduler, [[x.to(device), y.to(device)] for x, y in batches])
    return {"state": net.state_dict(), "places": places}


def check_resumed_on(student: Student, rng: torch.Generator, tag: str, device: str) -> None:
    states, batches = [draw_state(rng, 4, norm=True) for _ in range(2)], [draw_samples(rng, n, 4) for n in (5, 3)]
    found = student.run(resume_on, states, [list(each) for each in batches], tag, device)
    net, optimizer, scheduler = training_of(states[0], "sgd")
    go_on(net, optimizer, scheduler, [*batches, *batches])
    expect_equal(found["places"], [device], "the list of devices of the network after loading")
    expect_state(found["state"], net.state_dict(), "two steps after loading", rtol=1e-4, atol=1e-5)


@devices(0)
def test_load_checkpoint__needs_no_gpu(student: Student, rng: torch.Generator) -> None:
    """loads a file that was written on a GPU on a machine without one: torch.load needs map_location"""
    check_resumed_on(student, rng, "cuda:0", "cpu")


@devices(1)
def test_load_checkpoint__maps_a_gpu_that_is_lacking(student: Student, rng: torch.Generator) -> None:
    """loads a file that was written on cuda:3 on a machine with one GPU, and one from the CPU, and training goes on there"""
    check_resumed_on(student, rng, "cuda:3", "cuda:0")
    check_resumed_on(student, rng, "cpu", "cuda:0")


# all_reduce_mean -----------------------------------------------------------------------------------------------------


def reduce(module: Any, rank: int, world_size: int, init_method: str, totals: list[float], counts: list[int]) -> list[Any]:
    """One rank's results, of one call after the other. Its group stays, for others may still talk to it."""
    torch.distributed.init_process_group(
        "gloo", init_method=init_method, rank=rank, world_size=world_size, timeout=timedelta(seconds=8)
    )
    try:
        return [module.all_reduce_mean(total, count, "cpu") for total, count in zip(totals, counts)]  # noqa: B905
    except RuntimeError as error:
        if "timed" in str(error).lower():
            return ["waited"]
        raise


def alone(module: Any, cases: list[Any]) -> list[Any]:
    return [module.all_reduce_mean(total, count, device) for total, count, device in cases]


def check_reduced(student: Student, totals: list[list[float]], counts: list[list[int]]) -> None:
    """`totals` and `counts` by rank, then by call."""
    found = student.ranks(reduce, len(totals), PerRank(totals), PerRank(counts))
    waiting = [rank for rank, each in enumerate(found) if each == ["waited"]]
    message = "A rank waited in vain for the others. Every rank has to take part in all_reduce, whatever it has counted."
    expect(not waiting, message)
    for call in range(len(totals[0])):
        samples = sum(each[call] for each in counts)
        right = math.fsum(each[call] for each in totals) / samples if samples else math.nan
        results = [as_number(each[call]) for each in found]
        names = [f"the result of rank {rank}" for rank in range(len(totals))]
        expect_close(results, [right] * len(totals), names, rtol=1e-5, atol=1e-9)
        values = [float(each) for each in results]
        message = "Every rank should get the very same float, but they differ in the last digits. Divide after the reduction."
        expect(all(value == values[0] or math.isnan(value) for value in values), message)


def test_all_reduce_mean__weights_by_counts(student: Student, rng: torch.Generator) -> None:
    """divides the sum of all totals by the sum of all counts, on each of two ranks, in one call after the other"""
    totals, counts = ([[real(rng, -50, 90) for _ in range(3)] for _ in range(2)], [[7, 2, 30], [whole(rng, 60, 90), 5, 1]])
    check_reduced(student, totals, counts)


def test_all_reduce_mean__takes_three_ranks(student: Student, rng: torch.Generator) -> None:
    """works with three ranks, one of which has counted nothing but takes part, and gives nan where none has"""
    totals = [[real(rng, 1, 9), 0.0], [0.0, 0.0], [real(rng, 1, 9), 0.0]]
    check_reduced(student, totals, [[whole(rng, 2, 5), 0], [0, 0], [whole(rng, 7, 9), 0]])


def test_all_reduce_mean__takes_large_numbers(student: Student, rng: torch.Generator) -> None:
    """is right to five digits for large totals and counts, in a group of a single rank too"""
    check_reduced(student, [[real(rng, 3e6, 4e6), 1.0]], [[whole(rng, 8_000_000, 9_000_000), whole(rng, 2, 9)]])


def test_all_reduce_mean__works_alone(student: Student, rng: torch.Generator) -> None:
    """gives total / count without a process group, and nan where count is 0"""
    cases = [[real(rng, -9, 9), whole(rng, 2, 9), "cpu"], [0.0, 0, "cpu"], [real(rng, 100, 900), 3, torch.device("cpu")]]
    for found, (total, count, _) in zip(student.run(alone, cases), cases, strict=True):
        expect_close(as_number(found), total / count if count else math.nan, f"the result for a count of {count}")
