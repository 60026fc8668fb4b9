"""Hidden checks of 09_dcgan. The oracle computes in float64, on this side, with networks that are built here.

Of the learner's networks the layers that hold weights are told, in the order of `main.modules()`; weights that are drawn here
are put into them. Losses and steps are judged with small networks of the suite's own, and with gradients that it plants itself,
so that one mistake costs one task. `train_epoch` is played again here with the noise that its generator network has seen. The
samples of the last task are drawn here, by a network of the suite's with the learner's trained weights.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import (
    Case,
    Mismatch,
    Reference,
    Resident,
    Student,
    Training,
    conduct,
    expect,
    expect_close,
    expect_dtype,
    expect_equal,
    expect_shape,
    expect_unchanged,
)

Tensors = dict[str, Tensor]  # parameters and buffers by name
Layer = tuple[Any, ...]  # a kind and its sizes; see `told_of`


def normal(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=dtype)


def integer(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def came(found: Any) -> str:
    return "None, as a function without `return` does" if found is None else f"something of type {type(found).__name__}"


# What networks of the learner's hold -----------------------------------------------------------------------------------

CONV, UP, NORM = "Conv2d", "ConvTranspose2d", "BatchNorm2d"


def weighty(net: Any) -> list[Any]:
    """The modules of net.main that hold weights, in the order of `modules()`; none without a main that is a module."""
    main = getattr(net, "main", None)
    modules = main.modules() if isinstance(main, nn.Module) else ()
    return [m for m in modules if list(m.parameters(recurse=False)) or isinstance(m, nn.modules.batchnorm._BatchNorm)]


def told_of(layer: Any) -> list[Any]:
    """A layer's kind, and what a contract can say of it."""
    for kind in (nn.ConvTranspose2d, nn.Conv2d):
        if isinstance(layer, kind):
            sizes = [layer.in_channels, layer.out_channels, *layer.kernel_size, *layer.stride]
            padding = [-1, -1] if isinstance(layer.padding, str) else list(layer.padding)
            return [kind.__name__, *sizes, *padding, layer.bias is not None]
    if isinstance(layer, nn.BatchNorm2d):
        return ["BatchNorm2d", layer.num_features, layer.affine and layer.track_running_stats]
    return [type(layer).__name__]


def layers_of(module: Any, name: str, args: list[int]) -> dict[str, Any]:
    """The layers of a network, how many parameters it has, inside and outside of main, and whether there is a main at all."""
    net = getattr(module, name)(*args)
    found = weighty(net)
    return {
        "main": isinstance(getattr(net, "main", None), nn.Module),
        "layers": [told_of(layer) for layer in found],
        "inside": sum(p.numel() for layer in found for p in layer.parameters(recurse=False)),
        "all": sum(p.numel() for p in net.parameters()),
    }


def tensors_of(layers: list[Any]) -> list[Any]:
    """Parameters and statistics, layer by layer."""
    found = []
    for layer in layers:
        found += [layer.weight]
        if isinstance(layer, nn.BatchNorm2d):
            found += [layer.bias, layer.running_mean, layer.running_var]
    return found


def placed(module: Any, name: str, args: list[int], weights: list[Any]) -> Any:
    """A new network with these weights, or the shapes that it has where they do not fit."""
    net = getattr(module, name)(*args)
    own = tensors_of(weighty(net))
    shapes = [list(t.shape) for t in own]
    if shapes != [list(w.shape) for w in weights]:
        return shapes
    with torch.no_grad():
        for t, w in zip(own, weights):  # noqa: B905  as long as each other
            t.copy_(w)
    return net


def outputs(module: Any, name: str, args: list[int], weights: list[Any], batches: list[Any], training: bool) -> Any:
    """What the network with these weights gives for each batch, and its statistics afterwards; "unfit" if they do not fit."""
    net = placed(module, name, args, weights)
    if isinstance(net, list):
        return "unfit"
    net.train(training)
    found = [net(batch) for batch in batches]
    return [found, [t for t in tensors_of(weighty(net)) if not t.requires_grad]]


def slopes(module: Any, name: str, args: list[int], weights: list[Any], batch: Any, grad: Any) -> Any:
    """The gradients of the input and of the weights, in train mode; "graph" if the output has none."""
    net = placed(module, name, args, weights)
    if isinstance(net, list):
        return "unfit"
    batch.requires_grad_()
    found = net.train()(batch)
    if not found.requires_grad:
        return "graph"
    if found.shape != grad.shape:
        return "shape"
    found.backward(grad)
    return [t.grad for t in (batch, *tensors_of(weighty(net))) if t.requires_grad]


def of_two(module: Any, name: str, args: list[int], weights: list[Any], other: list[Any], batch: Any) -> Any:
    """What two networks give once each has weights of its own."""
    nets = [placed(module, name, args, each) for each in (weights, other)]
    return "unfit" if any(isinstance(net, list) for net in nets) else [net.eval()(batch) for net in nets]


def generator_layers(nz: int, ngf: int, nc: int) -> list[Layer]:
    sizes = (nz, 4 * ngf, 2 * ngf, ngf, nc)
    layers: list[Layer] = []
    for i in range(4):
        stride, padding = (1, 0) if i == 0 else (2, 1)
        layers.append((UP, sizes[i], sizes[i + 1], 4, 4, stride, stride, padding, padding, False))
        layers += [(NORM, sizes[i + 1], True)] if i < 3 else []
    return layers


def discriminator_layers(nc: int, ndf: int) -> list[Layer]:
    sizes = (nc, ndf, 2 * ndf, 4 * ndf, 1)
    layers: list[Layer] = []
    for i in range(4):
        stride, padding = (1, 0) if i == 3 else (2, 1)
        layers.append((CONV, sizes[i], sizes[i + 1], 4, 4, stride, stride, padding, padding, False))
        layers += [(NORM, sizes[i + 1], True)] if i in (1, 2) else []
    return layers


def described(layer: Sequence[Any]) -> str:
    """A layer in the words of a contract."""
    if layer[0] in (CONV, UP):
        _, inputs, outputs_, kernel, other, stride, _, padding, _, bias = layer
        size = f"{kernel}x{other} kernel, stride {stride}, padding {padding}"
        return f"{layer[0]} {inputs} → {outputs_}, {size}, {'with a bias' if bias else 'without a bias'}"
    if layer[0] == NORM:
        return f"{layer[0]} of {layer[1]} channels" if layer[2] else f"{layer[0]} of {layer[1]} channels, without its statistics"
    return str(layer[0])


def expect_layers(found: Any, expected: list[Layer], name: str) -> None:
    """Fail unless `main` holds these layers with weights, in this order; say what the first difference means."""
    expect(found["main"], f"{name} has no attribute main that is a module. Keep the layers in self.main, as in nn.Sequential(…).")
    layers = [tuple(layer) for layer in found["layers"]]
    convolutions = [i for i, layer in enumerate(layers) if layer[0] in (CONV, UP)]
    biased = [k + 1 for k, i in enumerate(convolutions) if layers[i][-1]]
    plain = [(*layer[:-1], False) if layer[0] in (CONV, UP) else layer for layer in layers]
    if biased and plain == expected:
        many = "every convolution has" if len(biased) == 4 else f"convolution {', '.join(map(str, biased))} of 4 has"
        raise Mismatch(f"In {name}, {many} a bias, but none should: bias=False. BatchNorm subtracts the mean right after it.")
    norms = [sum(layer[0] == NORM for layer in layers[a + 1 : b]) for a, b in between(convolutions, len(layers))]
    wanted = [1, 1, 1, 0] if expected[0][0] == UP else [0, 1, 1, 0]
    right = [layer for layer in plain if layer[0] in (CONV, UP)] == [layer for layer in expected if layer[0] != NORM]
    if right and norms != wanted:
        wrong = next(i for i in range(4) if norms[i] != wanted[i])
        raise Mismatch(f"In {name}, the number of BatchNorm2d layers behind convolution {wrong + 1} of 4 should be "
                       f"{wanted[wrong]}, but it is {norms[wrong]}.")  # fmt: skip
    for i, wanted_layer in enumerate(expected):
        expect(i < len(layers), f"In {name}, main holds {len(layers)} layers with weights, but there should be {len(expected)}.")
        if plain[i] != wanted_layer:
            place = f"layer {i + 1} of the {len(expected)} with weights"
            raise Mismatch(f"In {name}, {place} should be {described(wanted_layer)}, but it is {described(layers[i])}.")
    expect(len(layers) == len(expected), f"In {name}, main holds {len(layers)} layers with weights, not {len(expected)}.")


def between(starts: list[int], end: int) -> list[tuple[int, int]]:
    """The ranges from each start to the next, padded to four."""
    pairs = list(zip(starts, [*starts[1:], end], strict=True))
    return [*pairs, *[(end, end)] * (4 - len(pairs))]


def drawn(layers: list[Layer], rng: torch.Generator, var: float = 0.1) -> list[Tensor]:
    """Weights in a sensible range for these layers, as `tensors_of` orders them; no variance is below `var`."""
    found = []
    for layer in layers:
        if layer[0] == NORM:
            n = layer[1]
            found += [1 + 0.3 * normal(rng, n), 0.3 * normal(rng, n), 0.3 * normal(rng, n)]
            found.append(var + var * torch.rand(n, generator=rng))
        else:
            first, second = layer[1:3] if layer[0] == UP else layer[2:0:-1]
            found.append(normal(rng, first, second, 4, 4) / math.sqrt(4 * layer[1]))
    return found


def built(layers: list[Layer], weights: Sequence[Tensor]) -> nn.Sequential:
    """The right network of these layers, in float64: activations and all."""
    found: list[nn.Module] = []
    up = layers[0][0] == UP
    for i, layer in enumerate(layers):
        if layer[0] == NORM:
            found.append(nn.BatchNorm2d(layer[1]))
        else:
            kind = nn.ConvTranspose2d if up else nn.Conv2d
            found.append(kind(layer[1], layer[2], 4, layer[5], layer[7], bias=False))
        if i + 1 == len(layers):
            found.append(nn.Tanh() if up else nn.Flatten(0))
        elif layers[i + 1][0] != NORM:
            found.append(nn.ReLU() if up else nn.LeakyReLU(0.2))
    net = nn.Sequential(*found).double()
    with torch.no_grad():
        own = [t for layer in net for t in told_tensors(layer)]
        for t, w in zip(own, weights, strict=True):
            t.copy_(w)
    return net


def told_tensors(layer: nn.Module) -> list[Any]:
    if isinstance(layer, nn.BatchNorm2d):
        return [layer.weight, layer.bias, layer.running_mean, layer.running_var]
    return [layer.weight] if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) else []


CUT = "The way back is cut: {} is None. Is there a detach() on the way?"
UNFIT = "{} does not hold the layers of the contract; the first of its checks says which one differs."


def expect_outputs(
    student: Student, rng: torch.Generator, name: str, args: list[int], batches: list[Tensor], *, training: bool, var: float = 0.1
) -> None:
    """Fail unless the network with weights of the suite's gives the right outputs, and collects the right statistics."""
    layers = generator_layers(*args) if name == "Generator" else discriminator_layers(*args)
    weights = drawn(layers, rng, var)
    found = student.run(outputs, name, args, weights, batches, training)
    expect(found != "unfit", UNFIT.format(name))
    net = built(layers, weights).train(training)
    expected = [net(batch.double()) for batch in batches]
    what = "the tensor of images" if name == "Generator" else "the tensor of scores"
    mode = "train" if training else "eval"
    for got, right, batch in zip(found[0], expected, batches, strict=True):
        called = f"{what} of a batch of {len(batch)} in {mode} mode"
        expect(isinstance(got, Tensor), f"{name} should return a tensor, but it returned {came(got)}.")
        if name == "Generator" and got.shape == right.shape and bool((got.abs() > 1).any()):
            raise Mismatch("Some values of the generator's images lie beyond -1 and 1: is there a tanh after the last layer?")
        slips = {"They are probabilities: d gives raw scores, and the losses apply the sigmoid.": right.sigmoid()}
        within = 1e-4 if var > 1e-3 else 2e-2  # what float32 loses where small variances divide
        expect_close(got, right, called, rtol=10 * within, atol=within, slips=slips if name == "Discriminator" else None)
    if training:
        statistics = [t for layer in net for t in told_tensors(layer) if not t.requires_grad]
        expect_close(found[1], statistics, [f"statistic {i + 1} of BatchNorm, afterwards," for i in range(len(statistics))],
                     rtol=1e-3, atol=1e-4)  # fmt: skip


def expect_slopes(student: Student, rng: torch.Generator, name: str, args: list[int], batch: Tensor) -> None:
    """Fail unless gradients reach the input and every weight, and are right."""
    layers = generator_layers(*args) if name == "Generator" else discriminator_layers(*args)
    weights = drawn(layers, rng)
    net = built(layers, weights).train()
    leaf = batch.double().requires_grad_()
    result = net(leaf)
    grad = normal(rng, *result.shape)
    result.backward(grad.double())
    found = student.run(slopes, name, args, weights, batch, grad)
    expect(found != "unfit", UNFIT.format(name))
    expect(found != "graph", f"What {name} returns has no graph, so nothing can be learned: is there no_grad or detach() in it?")
    expect(found != "shape", f"What {name} returns has not the shape that it should have.")
    right = [t.grad for t in (leaf, *net.parameters())]
    names = ["the gradient of the input", *(f"the gradient of weight {i + 1} of {len(right) - 1}" for i in range(len(right) - 1))]
    cut = [name for got, name in zip(found, names, strict=False) if got is None]
    expect(not cut, CUT.format(*cut[:1] or [""]))
    for got, expected, called in zip(found, right, names, strict=True):
        expect_close(got, expected, called, rtol=1e-2, atol=1e-3 * (1 + float(expected.abs().max())))


# Generator -----------------------------------------------------------------------------------------------------------


def test_Generator__draws_images(student: Student, rng: torch.Generator) -> None:
    """holds the layers of the contract in main, and makes images of noise with them"""
    args = [integer(rng, 4, 9), integer(rng, 2, 4), integer(rng, 1, 3)]
    expect_layers(student.run(layers_of, "Generator", args), generator_layers(*args), "Generator")
    expect_outputs(student, rng, "Generator", args, [normal(rng, 3, args[0], 1, 1)], training=False)


def test_Generator__has_107488_parameters(student: Student, rng: torch.Generator) -> None:
    """has 107,488 parameters with the defaults, all of them in main"""
    found = student.run(layers_of, "Generator", [])
    expect(found["all"] == 107_488, f"Generator() has {found['all']:,} parameters, not 107,488.")
    expect(found["inside"] == found["all"], f"Of {found['all']:,} parameters only {found['inside']:,} are in main.")
    expect_layers(found, generator_layers(64, 16, 3), "Generator")


def test_Generator__in_train_mode(student: Student, rng: torch.Generator) -> None:
    """normalises over the batch in train mode, and collects BatchNorm's statistics as the default options do"""
    args = [5, 3, 2]
    expect_outputs(student, rng, "Generator", args, [4 * normal(rng, n, 5, 1, 1) for n in (6, 3)], training=True)


def test_Generator__one_image(student: Student, rng: torch.Generator) -> None:
    """draws a single image, and batches of different sizes in a row, with one channel or four"""
    for args in ([3, 2, 1], [6, 1, 4]):
        expect_outputs(student, rng, "Generator", args, [normal(rng, n, args[0], 1, 1) for n in (1, 4, 1)], training=False)


def test_Generator__stays_within_bounds(student: Student, rng: torch.Generator) -> None:
    """has a tanh after the last layer: values reach -1 and 1, and never beyond"""
    args = [4, 2, 3]
    layers = generator_layers(*args)
    weights = drawn(layers, rng)
    weights[-1] *= 40.0
    found = student.run(outputs, "Generator", args, weights, [normal(rng, 4, 4, 1, 1)], False)
    expect(found != "unfit", UNFIT.format("Generator"))
    images = found[0][0]
    expect_shape(images, (4, 3, 32, 32), "the tensor of images")
    images = images.detach()
    expect(
        bool((images.abs() <= 1).all()), "With large weights, values lie beyond -1 and 1: is there a tanh after the last layer?"
    )
    low, high = float(images.min()), float(images.max())
    expect(high > 0.9, f"With large weights, no value is above {high:.2f}, but some should be near 1.")
    expect(low < -0.9, f"With large weights, no value is below {low:.2f}, but some should be near -1: is there a ReLU or a "
                       "sigmoid after the last layer?")  # fmt: skip


def test_Generator__small_variances(student: Student, rng: torch.Generator) -> None:
    """has BatchNorm with the default eps, which shows where the variance is small"""
    expect_outputs(student, rng, "Generator", [4, 2, 2], [0.02 * normal(rng, 3, 4, 1, 1)], training=False, var=2e-5)


def test_Generator__can_be_trained(student: Student, rng: torch.Generator) -> None:
    """passes gradients back to the noise and to every weight"""
    expect_slopes(student, rng, "Generator", [3, 2, 2], normal(rng, 4, 3, 1, 1))


def test_Generator__is_not_shared(student: Student, rng: torch.Generator) -> None:
    """has weights of its own in every new network"""
    args = [3, 2, 2]
    layers = generator_layers(*args)
    first, second, noise = drawn(layers, rng), drawn(layers, rng), normal(rng, 2, 3, 1, 1)
    found = student.run(of_two, "Generator", args, first, second, noise)
    expect(found != "unfit", UNFIT.format("Generator"))
    expected = [built(layers, each).eval()(noise.double()) for each in (first, second)]
    names = ("the tensor of images of the first of two networks", "the tensor of images of the second of two networks")
    expect_close(found, expected, names, rtol=1e-3, atol=1e-4)


# Discriminator -------------------------------------------------------------------------------------------------------


def images_of(rng: torch.Generator, n: int, nc: int) -> Tensor:
    return torch.tanh(normal(rng, n, nc, 32, 32))


def test_Discriminator__scores_images(student: Student, rng: torch.Generator) -> None:
    """holds the layers of the contract in main, and gives a raw score for each image with them"""
    args = [integer(rng, 1, 3), integer(rng, 2, 4)]
    expect_layers(student.run(layers_of, "Discriminator", args), discriminator_layers(*args), "Discriminator")
    expect_outputs(student, rng, "Discriminator", args, [images_of(rng, 5, args[0])], training=False)


def test_Discriminator__has_42944_parameters(student: Student, rng: torch.Generator) -> None:
    """has 42,944 parameters with the defaults, all of them in main"""
    found = student.run(layers_of, "Discriminator", [])
    expect(found["all"] == 42_944, f"Discriminator() has {found['all']:,} parameters, not 42,944.")
    expect(found["inside"] == found["all"], f"Of {found['all']:,} parameters only {found['inside']:,} are in main.")
    expect_layers(found, discriminator_layers(3, 16), "Discriminator")


def test_Discriminator__in_train_mode(student: Student, rng: torch.Generator) -> None:
    """normalises over the batch in train mode, and collects BatchNorm's statistics as the default options do"""
    expect_outputs(student, rng, "Discriminator", [2, 3], [images_of(rng, n, 2) for n in (6, 3)], training=True)


def test_Discriminator__one_image(student: Student, rng: torch.Generator) -> None:
    """gives a tensor of shape (1,) for a single image, and takes images with one channel or four"""
    for args in ([1, 2], [4, 1]):
        expect_outputs(student, rng, "Discriminator", args, [images_of(rng, n, args[0]) for n in (1, 3, 1)], training=False)


def test_Discriminator__gives_raw_scores(student: Student, rng: torch.Generator) -> None:
    """gives scores on both sides of 0 and beyond 1: it has no sigmoid"""
    args = [2, 2]
    layers = discriminator_layers(*args)
    weights = drawn(layers, rng)
    weights[-1] *= 20.0
    images = images_of(rng, 8, 2)
    found = student.run(outputs, "Discriminator", args, weights, [images], False)
    expect(found != "unfit", UNFIT.format("Discriminator"))
    right = built(layers, weights).eval()(images.double())
    slips = {
        "They are probabilities: d gives raw scores, and the losses apply the sigmoid.": right.sigmoid(),
        "They are logarithms of probabilities: d gives raw scores.": F.logsigmoid(right),
    }
    expect_close(found[0][0], right, "the tensor of scores, with large weights,", rtol=1e-3, atol=1e-2, slips=slips)


def test_Discriminator__small_variances(student: Student, rng: torch.Generator) -> None:
    """has BatchNorm with the default eps, which shows where the variance is small"""
    expect_outputs(student, rng, "Discriminator", [2, 2], [0.01 * images_of(rng, 3, 2)], training=False, var=2e-5)


def test_Discriminator__can_be_trained(student: Student, rng: torch.Generator) -> None:
    """passes gradients back to the images and to every weight"""
    expect_slopes(student, rng, "Discriminator", [2, 2], images_of(rng, 4, 2))


def test_Discriminator__is_not_shared(student: Student, rng: torch.Generator) -> None:
    """has weights of its own in every new network"""
    args = [2, 2]
    layers = discriminator_layers(*args)
    first, second, images = drawn(layers, rng), drawn(layers, rng), images_of(rng, 3, 2)
    found = student.run(of_two, "Discriminator", args, first, second, images)
    expect(found != "unfit", UNFIT.format("Discriminator"))
    expected = [built(layers, each).eval()(images.double()) for each in (first, second)]
    names = ("the tensor of scores of the first of two networks", "the tensor of scores of the second of two networks")
    expect_close(found, expected, names, rtol=1e-3, atol=1e-4)


# init_weights --------------------------------------------------------------------------------------------------------


class ConvBlock(nn.Module):
    """A class of the user's own, whose name merely contains Conv."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((3, 3), 7.0))


class ConvNote(nn.Module):
    """Another one, without weights."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class BatchNormTable(nn.Module):
    """One whose name contains BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.full((3,), 7.0)), nn.Parameter(torch.full((3,), 7.0))


def mixed_net() -> nn.Sequential:
    """Layers to be drawn anew, by the names that messages use, among others; all parameters are 7."""
    net = nn.Sequential()
    net.add_module("conv", nn.Conv2d(8, 40, 4, bias=False))
    net.add_module("norm", nn.BatchNorm2d(5000))
    inner = nn.Sequential()
    inner.add_module("up", nn.ConvTranspose2d(40, 8, 4, bias=False))
    net.add_module("inner", inner)
    others = nn.ModuleDict(
        {"linear": nn.Linear(6, 4), "embedding": nn.Embedding(5, 3), "prelu": nn.PReLU(2), "drop": nn.Dropout()}
    )
    net.add_module("others", others)
    net.add_module("own", nn.Sequential(ConvBlock(), ConvNote(), BatchNormTable()))
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(7.0)
    return net


def after_init(module: Any, times: int) -> dict[str, Any]:
    """The parameters and buffers of two networks after `times` calls of apply, and whether they are still the same objects."""
    nets = [mixed_net(), mixed_net()]
    before = [p for net in nets for p in net.parameters()]
    for net in nets:
        for _ in range(times):
            net.apply(module.init_weights)
    after = [p for net in nets for p in net.parameters()]
    return {
        "same": len(before) == len(after) and all(a is b for a, b in zip(before, after)),  # noqa: B905  as long as each other
        "trainable": all(p.requires_grad for p in after),
        "graph": any(p.grad_fn is not None for p in after),
        "values": [{name: t.detach().clone() for name, t in net.state_dict().items()} for net in nets],
    }


def after_one_call(module: Any) -> Tensors:
    """A network's values after a call with the network itself, and with each of its own layers that are not containers."""
    net = mixed_net()
    module.init_weights(net)
    module.init_weights(net.inner)
    before = net.conv.weight.detach().clone()
    inner = net.inner.up.weight.detach().clone()
    module.init_weights(net.norm)
    return {"conv.weight": before, "inner.up.weight": inner, "norm.weight": net.norm.weight, "norm.bias": net.norm.bias}


def expect_normal(found: Tensor, mean: float, std: float, name: str) -> None:
    """Fail unless the numbers look like a normal distribution's: mean and deviation to five standard errors, and the shape."""
    n, values = found.numel(), found.detach().double().flatten()
    expect(not bool((values == 7.0).any()), f"Nothing new was drawn for {name}: at least a part is as it was before.")
    got_mean, got_std = float(values.mean()), float(values.std())
    expect(abs(got_mean - mean) < 5 * std / math.sqrt(n), f"The mean of {name} should be {mean:g}, but it is {got_mean:.4f}.")
    expect(abs(got_std - std) < 5 * std / math.sqrt(2 * n),
           f"The standard deviation of {name} should be {std:g}, but it is {got_std:.4f}.")  # fmt: skip
    fourth = float((((values - got_mean) / got_std) ** 4).mean())
    expect(abs(fourth - 3) < 0.5, f"The distribution of {name} should be normal, and it looks like another one.")


def test_init_weights__draws_convolutions_and_norms(student: Student, rng: torch.Generator) -> None:
    """draws the weights of convolutions around 0 and those of BatchNorm around 1, both with deviation 0.02"""
    told = student.run(after_init, 1)
    for values in told["values"]:
        expect_normal(values["conv.weight"], 0.0, 0.02, "the weight of Conv2d")
        expect_normal(values["inner.up.weight"], 0.0, 0.02, "the weight of ConvTranspose2d")
        expect_normal(values["norm.weight"], 1.0, 0.02, "the weight of BatchNorm2d")


def test_init_weights__clears_the_bias(student: Student, rng: torch.Generator) -> None:
    """sets the bias of BatchNorm to 0"""
    bias = student.run(after_init, 1)["values"][0]["norm.bias"]
    expect(not bool((bias == 7.0).all()), "The bias of BatchNorm2d is as it was before: it should be 0.")
    expect_close(bias, torch.zeros(5000), "the bias of BatchNorm2d", rtol=0, atol=0)


def test_init_weights__leaves_other_layers(student: Student, rng: torch.Generator) -> None:
    """leaves Linear, Embedding and activations as they were"""
    values = student.run(after_init, 1)["values"][0]
    for name, kind in (("linear", "Linear"), ("embedding", "Embedding"), ("prelu", "PReLU")):
        expect(bool((values[f"others.{name}.weight"] == 7.0).all()), f"The weight of {kind} was changed, but it should stay.")
    expect(bool((values["others.linear.bias"] == 7.0).all()), "The bias of Linear was changed, but it should stay.")


def test_init_weights__leaves_classes_of_ones_own(student: Student, rng: torch.Generator) -> None:
    """leaves modules alone whose class is merely called after a convolution or BatchNorm"""
    values = student.run(after_init, 1)["values"][0]
    text = "The weight of a class of the user's own, called {}, was changed: ask isinstance, not for the name."
    expect(bool((values["own.0.weight"] == 7.0).all()), text.format("ConvBlock"))
    expect(bool((values["own.2.weight"] == 7.0).all()), text.format("BatchNormTable"))


def test_init_weights__is_fresh(student: Student, rng: torch.Generator) -> None:
    """draws other numbers at each call, for each layer and each network"""
    values = student.run(after_init, 1)["values"]
    for name in ("conv.weight", "inner.up.weight", "norm.weight"):
        alike = torch.equal(values[0][name], values[1][name])
        expect(not alike, "Two networks got the very same weights: do not seed anything in init_weights.")
    same = torch.equal(values[0]["conv.weight"].flatten(), values[0]["inner.up.weight"].flatten())
    expect(not same, "Two layers of one network got the very same numbers.")
    for again in student.run(after_init, 2)["values"]:
        expect_normal(again["conv.weight"], 0.0, 0.02, "the weight of Conv2d, after a second call,")
        expect_normal(again["norm.weight"], 1.0, 0.02, "the weight of BatchNorm2d, after a second call,")


@conduct
def test_init_weights__in_place(student: Student, rng: torch.Generator) -> None:
    """fills the parameters that are there, which still require grad, without recording it"""
    told = student.run(after_init, 1)
    expect(
        told["same"], "The network has other parameter objects than before: an optimizer that was made before holds the old ones."
    )
    expect(told["trainable"], "Some parameters do not require grad any more.")
    expect(not told["graph"], "Some parameters have a graph now: change them without recording, as the functions of nn.init do.")


def test_init_weights__one_module_a_call(student: Student, rng: torch.Generator) -> None:
    """changes the module that it is given, and not those inside of a container: apply comes to these by itself"""
    values = student.run(after_one_call)
    for name in ("conv.weight", "inner.up.weight"):
        expect(
            bool((values[name] == 7.0).all()), "A call with a Sequential changed a layer inside: apply calls for each by itself."
        )
    expect_normal(values["norm.weight"], 1.0, 0.02, "the weight of BatchNorm2d, called by itself,")
    expect_close(values["norm.bias"], torch.zeros(5000), "the bias of BatchNorm2d, called by itself,", rtol=0, atol=0)


# sample_noise --------------------------------------------------------------------------------------------------------


def noises(module: Any, sizes: list[list[int]], seed: int, world: int) -> dict[str, Any]:
    """The noise of several calls on one generator, under a global seed, and what became of the two sources of chance."""
    torch.manual_seed(world)
    generator = torch.Generator().manual_seed(seed)
    before = [torch.get_rng_state(), generator.get_state()]
    found = [module.sample_noise(n, nz, generator) for n, nz in sizes]
    return {
        "noise": found,
        "world_moved": not torch.equal(before[0], torch.get_rng_state()),
        "moved": not torch.equal(before[1], generator.get_state()),
    }


def expect_noise(found: Any, n: int, nz: int) -> None:
    name = f"the noise for {n} images with nz = {nz}"
    expect_shape(found, (n, nz, 1, 1), name)
    expect_dtype(found, torch.float32, name)


def test_sample_noise__is_standard_normal(student: Student, rng: torch.Generator) -> None:
    """gives standard normal noise of shape (n, nz, 1, 1)"""
    found = student.run(noises, [[120, 100], [5, 64]], integer(rng, 0, 1 << 30), 0)["noise"]
    expect_noise(found[0], 120, 100)
    expect_noise(found[1], 5, 64)
    values = found[0].double().flatten()
    n = values.numel()
    mean, std = float(values.mean()), float(values.std())
    expect(
        abs(mean) < 5 / math.sqrt(n), f"The mean of 12,000 numbers should be near 0, but it is {mean:.3f}: is the noise uniform?"
    )
    expect(
        abs(std - 1) < 5 / math.sqrt(2 * n), f"The standard deviation of 12,000 numbers should be near 1, but it is {std:.3f}."
    )
    fourth = float(((values - mean) ** 4).mean())
    expect(
        abs(fourth - 3) < 0.5,
        "Mean and deviation are right, but the noise is not normal: large numbers are too rare or too many.",
    )
    rows = found[0].flatten(1)
    expect(len(rows.unique(dim=0)) == 120, "Some images have the very same noise: every one needs noise of its own.")
    expect(len(rows.t().unique(dim=0)) == 100, "Some channels of the noise are the very same.")


def test_sample_noise__any_size(student: Student, rng: torch.Generator) -> None:
    """works for one image, for nz = 1, and for more images than channels"""
    sizes = [[1, 1], [1, 7], [9, 1], [3, integer(rng, 5, 9)], [integer(rng, 10, 20), 4]]
    for found, (n, nz) in zip(student.run(noises, sizes, 5, 0)["noise"], sizes, strict=True):
        expect_noise(found, n, nz)


def test_sample_noise__comes_from_the_generator(student: Student, rng: torch.Generator) -> None:
    """draws from the generator alone: the same seed gives the same noise, whatever the global seed is"""
    seed = integer(rng, 0, 1 << 30)
    one, same = (student.run(noises, [[4, 6]], seed, world)["noise"][0] for world in (1, 2))
    expect_noise(one, 4, 6)
    expect(
        torch.equal(one, same), "With the same generator but another global seed the noise is another: pass generator=generator."
    )
    other = student.run(noises, [[4, 6]], seed + 1, 1)["noise"][0]
    expect(not torch.equal(one, other), "Two generators with different seeds give the same noise.")


def test_sample_noise__two_calls_differ(student: Student, rng: torch.Generator) -> None:
    """gives other noise at each call on the same generator"""
    first, second = student.run(noises, [[3, 5], [3, 5]], integer(rng, 0, 1 << 30), 0)["noise"]
    expect(not torch.equal(first, second), "Two calls on one generator gave the same noise: do not seed it in sample_noise.")
    expect_noise(second, 3, 5)


@conduct
def test_sample_noise__leaves_the_global_one(student: Student, rng: torch.Generator) -> None:
    """moves the generator that it is given, and leaves PyTorch's global one alone"""
    told = student.run(noises, [[3, 5]], integer(rng, 0, 1 << 30), 3)
    expect(told["moved"], "The generator that was handed over has not moved.")
    expect(not told["world_moved"], "PyTorch's global generator has moved: draw from the generator that is handed over.")


# The losses ----------------------------------------------------------------------------------------------------------

FAR = 1000.0


def two_scores(
    rng: torch.Generator, n: int, m: int, smooth: float = 0.0, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, float]:
    return 2 * normal(rng, n, dtype=dtype), 2 * normal(rng, m, dtype=dtype), smooth


def right_d_loss(real: Tensor, fake: Tensor, smooth: float = 0.0) -> Tensor:
    on_real = (1 - smooth) * F.softplus(-real) + smooth * F.softplus(real)
    return on_real.mean() + F.softplus(fake).mean()


def right_g_loss(fake: Tensor) -> Tensor:
    return F.softplus(-fake).mean()


def far_scores(rng: torch.Generator, smooth: float) -> tuple[Tensor, Tensor, float]:
    """Scores of ±1000, some on the wrong side, beside ordinary ones."""
    real, fake = 2 * normal(rng, 5), 2 * normal(rng, 4)
    real[0], real[1], fake[1], fake[2] = FAR, -FAR, FAR, -FAR
    return real, fake, smooth


def loss_slopes(module: Any, name: str, scores: list[Any], rest: list[Any]) -> list[Any]:
    """The loss and its gradients with respect to the scores; None where there is no graph."""
    leaves = [each.requires_grad_() for each in scores]
    loss = getattr(module, name)(*leaves, *rest)
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad or loss.dim():
        return [loss, *(None for _ in leaves)]
    loss.backward()
    return [loss, *(each.grad for each in leaves)]


def expect_loss_slopes(
    student: Student, name: str, right: Callable[..., Tensor], scores: list[Tensor], rest: Sequence[float], where: str = ""
) -> None:
    leaves = [each.detach().double().requires_grad_() for each in scores]
    expected = torch.autograd.grad(right(*leaves, *rest), leaves)
    loss, *found = student.run(loss_slopes, name, scores, list(rest))
    expect(
        isinstance(loss, Tensor), f"{name} should return a tensor, for the gradients go back from it; it returned {came(loss)}."
    )
    expect_shape(loss, (), "the loss")
    words = ("the real scores", "the scores of drawn images") if len(scores) == 2 else ("the scores",)
    for got, wanted, word in zip(found, expected, words, strict=True):
        expect(got is not None, f"The loss has no graph that leads back to {word}, so nothing can be learned from it.")
        expect_close(got, wanted, f"the gradient of {word}{where}", dtype=scores[0].dtype)


D_LOSS = Reference("discriminator_loss", right_d_loss, two_scores, "the loss", ("real", "fake", "smooth"))
test_discriminator_loss__values = D_LOSS.values(
    (4, 4), (6, 3), (2, 7, 0.1), says="adds the mean cross entropy of real images, and that of drawn ones"
)
test_discriminator_loss__smooth = D_LOSS.values(
    (5, 5, 0.25),
    (3, 6, 0.4),
    (4, 2, 1.0),
    (4, 4, 0.0),
    says="smooths the label of real images to 1 - smooth, and that of no other",
)
test_discriminator_loss__sizes = D_LOSS.sizes(
    (1, 1), (1, 6), (5, 1, 0.2), says="takes one score of either kind, and unequal numbers"
)
test_discriminator_loss__far_out = D_LOSS.values(
    Case(lambda rng: far_scores(rng, 0.0), "where some scores are 1000 and -1000", 1e-4, 1e-2),
    Case(lambda rng: far_scores(rng, 0.1), "with smooth, where some scores are 1000 and -1000", 1e-4, 1e-2),
    says="stays right for scores of 1000 and -1000",
)  # fmt: skip
test_discriminator_loss__dtypes = D_LOSS.dtypes((5, 3, 0.1))
test_discriminator_loss__unchanged = D_LOSS.unchanged((4, 3, 0.1))
test_discriminator_loss__twice = D_LOSS.twice((4, 3, 0.1))


def test_discriminator_loss__slopes(student: Student, rng: torch.Generator) -> None:
    """has a graph, with the right gradients for both kinds of scores"""
    for n, m, smooth in ((5, 3, 0.0), (2, 4, 0.3)):
        real, fake, _ = two_scores(rng, n, m)
        expect_loss_slopes(student, "discriminator_loss", right_d_loss, [real, fake], [smooth])


def test_discriminator_loss__far_slopes(student: Student, rng: torch.Generator) -> None:
    """has right and finite gradients for scores of 1000 and -1000"""
    for smooth in (0.0, 0.2):
        real, fake, _ = far_scores(rng, smooth)
        where = " where some scores are 1000 and -1000"
        expect_loss_slopes(student, "discriminator_loss", right_d_loss, [real, fake], [smooth], where)


def some_scores(rng: torch.Generator, n: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor]:
    return (2 * normal(rng, n, dtype=dtype),)


def far_of_one_kind(rng: torch.Generator) -> tuple[Tensor]:
    fake = 2 * normal(rng, 5)
    fake[1], fake[3] = FAR, -FAR
    return (fake,)


G_LOSS = Reference("generator_loss", right_g_loss, some_scores, "the loss", ("fake",))
test_generator_loss__values = G_LOSS.values((4,), (7,), says="gives the mean of -log sigmoid of the scores")
test_generator_loss__sizes = G_LOSS.sizes((1,), (12,), says="takes a single score, and many")
test_generator_loss__far_out = G_LOSS.values(
    Case(far_of_one_kind, "where some scores are 1000 and -1000", 1e-4, 1e-2), says="stays right for scores of 1000 and -1000"
)
test_generator_loss__dtypes = G_LOSS.dtypes((5,))
test_generator_loss__unchanged = G_LOSS.unchanged((4,))
test_generator_loss__twice = G_LOSS.twice((4,))


def test_generator_loss__slopes(student: Student, rng: torch.Generator) -> None:
    """has a graph, with the right gradients: steep where d is sure that the images are drawn"""
    for n in (5, 1):
        expect_loss_slopes(student, "generator_loss", right_g_loss, [2 * normal(rng, n) - 3], [])


def test_generator_loss__far_slopes(student: Student, rng: torch.Generator) -> None:
    """has right and finite gradients for scores of 1000 and -1000"""
    where = " where some scores are 1000 and -1000"
    expect_loss_slopes(student, "generator_loss", right_g_loss, list(far_of_one_kind(rng)), [], where)


# The two steps -------------------------------------------------------------------------------------------------------


class Painter(nn.Module):
    """A small generator, (N, nz, 1, 1) → (N, nc, 4, 4), that notes its noise and the mode it is in."""

    def __init__(self, nz: int, nc: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(nz, 4, 2, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.ConvTranspose2d(4, nc, 2, 2)
        self.seen: list[Tensor] = []
        self.modes: list[bool] = []

    def forward(self, noise: Tensor) -> Tensor:
        self.seen.append(noise.detach().clone())
        self.modes.append(self.training)
        return torch.tanh(self.last(torch.tanh(self.norm(self.up(noise)))))


class Judge(nn.Module):
    """A small discriminator, (N, nc, 4, 4) → (N,), whose BatchNorm shows which images it got together.

    The first layer, without one, sees how bright they are.
    """

    def __init__(self, nc: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(nc, 4, 1)
        self.down = nn.Conv2d(4, 5, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(5)
        self.score = nn.Conv2d(5, 1, 2)
        self.modes: list[bool] = []

    def forward(self, images: Tensor) -> Tensor:
        self.modes.append(self.training)
        inner = self.down(F.leaky_relu(self.first(images), 0.2))
        return self.score(F.leaky_relu(self.norm(inner), 0.2)).flatten()


def pair_of(weights: Tensors, nz: int, nc: int) -> tuple[Any, Any]:
    """Painter and Judge with these weights, which are called g.… and d.…, in their dtype and in train mode."""
    g, d = Painter(nz, nc), Judge(nc)
    for net, prefix in ((g, "g."), (d, "d.")):
        net.to(weights["g.up.weight"].dtype)
        net.load_state_dict({name[2:]: t for name, t in weights.items() if name.startswith(prefix)})
    return g, d


def optimizer_of(kind: str, net: Any) -> Any:
    """One of three optimizers for a network; with the usual eps, Adam would make a whole step of a gradient that is rounding."""
    if kind == "adam":
        return torch.optim.Adam(net.parameters(), lr=0.05, betas=(0.5, 0.999), eps=2e-2)
    return torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9 if kind == "momentum" else 0.0)


def weights_of(rng: torch.Generator, nz: int, nc: int) -> Tensors:
    found = {}
    for prefix, net in (("g.", Painter(nz, nc)), ("d.", Judge(nc))):
        for name, t in net.state_dict().items():
            found[prefix + name] = t
            if name.endswith(("weight", "bias")):
                found[prefix + name] = normal(rng, *t.shape) * 0.6 + (1.0 if name == "norm.weight" else 0.0)
    return found


def parameters_of(net: Any, prefix: str) -> Tensors:
    return {prefix + name: p.detach().clone() for name, p in net.named_parameters()}


def plant(net: Any, amount: float) -> None:
    """Gradients as an earlier step may leave them."""
    for i, p in enumerate(net.parameters()):
        p.grad = torch.full_like(p, amount * (i + 1))


def plain(number: Any) -> Any:
    """A number as it came, with the name of a tensor that has a graph in its place."""
    return "graph" if isinstance(number, torch.Tensor) and number.requires_grad else number


def d_steps(
    module: Any,
    weights: Tensors,
    sizes: list[int],
    kind: str,
    reals: list[Any],
    zs: list[Any],
    smooth: list[float],
    planted: list[float],
) -> dict[str, Any]:
    """One step of d after another; `planted` are amounts of old gradients, of d and of g."""
    g, d = pair_of(weights, *sizes)
    optimizer = optimizer_of(kind, d)
    if planted:
        plant(d, planted[0])
        plant(g, planted[1])
    losses = [module.discriminator_step(g, d, optimizer, x, z, *smooth) for x, z in zip(reals, zs)]  # noqa: B905
    return {
        "losses": [plain(loss) for loss in losses],
        "d": parameters_of(d, "d."),
        "g": parameters_of(g, "g."),
        "grads": [p.grad for p in g.parameters()],
        "left": [p.grad is not None for p in d.parameters()],
        "trainable": [p.requires_grad for net in (g, d) for p in net.parameters()],
        "modes": [g.training, d.training],
        "given": [*reals, *zs],
    }


def g_steps(module: Any, weights: Tensors, sizes: list[int], kind: str, zs: list[Any], planted: list[float]) -> dict[str, Any]:
    """One step of g after another; `planted` are amounts of old gradients, of d and of g."""
    g, d = pair_of(weights, *sizes)
    optimizer = optimizer_of(kind, g)
    if planted:
        plant(d, planted[0])
        plant(g, planted[1])
    losses = [module.generator_step(g, d, optimizer, z) for z in zs]
    return {
        "losses": [plain(loss) for loss in losses],
        "d": parameters_of(d, "d."),
        "g": parameters_of(g, "g."),
        "left": [p.grad is not None for p in g.parameters()],
        "trainable": [p.requires_grad for net in (g, d) for p in net.parameters()],
        "modes": [g.training, d.training],
        "given": list(zs),
    }


def wide(tensors: Tensors) -> Tensors:
    return {name: t.double() if t.is_floating_point() else t for name, t in tensors.items()}


def d_step_here(g: nn.Module, d: nn.Module, optimizer: Any, real: Tensor, noise: Tensor, smooth: float = 0.0) -> float:
    optimizer.zero_grad()
    loss = right_d_loss(d(real), d(g(noise).detach()), smooth)
    loss.backward()
    optimizer.step()
    return loss.item()


def g_step_here(g: nn.Module, d: nn.Module, optimizer: Any, noise: Tensor) -> float:
    optimizer.zero_grad()
    loss = right_g_loss(d(g(noise)))
    loss.backward()
    optimizer.step()
    return loss.item()


def expect_losses(found: Any, right: Sequence[float], step: str) -> None:
    for i, (got, wanted) in enumerate(zip(found, right, strict=True)):
        expect(got is not None, f"{step} should return the loss, but it returned None. Is there a `return`?")
        expect(got != "graph" if isinstance(got, str) else True, f"The loss that {step} returns has a graph: return loss.item().")
        expect_close(got, wanted, f"the loss of step {i + 1}" if len(right) > 1 else "the loss", rtol=1e-3, atol=1e-4)


def moved(found: Tensors, weights: Tensors) -> bool:
    return any(not torch.equal(t, weights[name]) for name, t in found.items())


def expect_parameters(found: Tensors, right: Tensors, steps: int) -> None:
    after = "the step" if steps == 1 else f"{steps} steps"
    expect_close(found, {name: right[name] for name in found}, f"after {after}, the value", rtol=1e-3, atol=2e-4)


def batches_of(rng: torch.Generator, counts: Sequence[int], nz: int, nc: int) -> tuple[list[Tensor], list[Tensor]]:
    """Real images and noise of these batch sizes."""
    return [torch.tanh(normal(rng, n, nc, 4, 4) + 0.4) for n in counts], [normal(rng, n, nz, 1, 1) for n in counts]


def expect_d_steps(
    student: Student,
    rng: torch.Generator,
    counts: Sequence[int],
    kind: str = "sgd",
    smooth: Sequence[float] = (),
    planted: Sequence[float] = (),
    sizes: tuple[int, int] = (3, 2),
) -> Any:
    """Fail unless steps of d return the right losses and leave d as they should; what was found, with the weights from before."""
    weights = weights_of(rng, *sizes)
    reals, zs = batches_of(rng, counts, *sizes)
    told = student.run(d_steps, weights, list(sizes), kind, reals, zs, list(smooth), list(planted))
    g, d = pair_of(wide(weights), *sizes)
    optimizer = optimizer_of(kind, d)
    right = [d_step_here(g, d, optimizer, x.double(), z.double(), *smooth) for x, z in zip(reals, zs, strict=True)]
    expect_losses(told["losses"][:1], right[:1], "discriminator_step")
    expect(moved(told["d"], weights), "After the step, d is as it was before: is there a backward and a step of the optimizer?")
    expect_parameters(told["d"], parameters_of(d, "d."), len(counts))
    expect_losses(told["losses"], right, "discriminator_step")
    return told, weights, [*reals, *zs]


def expect_g_steps(
    student: Student,
    rng: torch.Generator,
    counts: Sequence[int],
    kind: str = "sgd",
    planted: Sequence[float] = (),
    sizes: tuple[int, int] = (3, 2),
) -> Any:
    """Fail unless steps of g return the right losses and leave g as they should; what was found, with the weights from before."""
    weights = weights_of(rng, *sizes)
    zs = [normal(rng, n, sizes[0], 1, 1) for n in counts]
    told = student.run(g_steps, weights, list(sizes), kind, zs, list(planted))
    g, d = pair_of(wide(weights), *sizes)
    optimizer = optimizer_of(kind, g)
    right = [g_step_here(g, d, optimizer, z.double()) for z in zs]
    expect_losses(told["losses"][:1], right[:1], "generator_step")
    expect(
        moved(told["g"], weights), "After the step, g is as it was before: do gradients come through d to g, without a detach?"
    )
    expect_parameters(told["g"], parameters_of(g, "g."), len(counts))
    expect_losses(told["losses"], right, "generator_step")
    return told, weights, zs


OLD = "Gradients that an earlier step had left in {0} were counted: clear them, with {0}'s optimizer, before backward."


def test_discriminator_step__makes_a_step(student: Student, rng: torch.Generator) -> None:
    """takes a step of d on a batch of real images and a batch of drawn ones, and returns the loss before it"""
    expect_d_steps(student, rng, [4])
    expect_d_steps(student, rng, [integer(rng, 5, 8)])


def test_discriminator_step__leaves_g(student: Student, rng: torch.Generator) -> None:
    """leaves g's parameters and gradients as they are: None stays None"""
    told, weights, _ = expect_d_steps(student, rng, [4])
    reached = sum(grad is not None for grad in told["grads"])
    expect(not reached, f"{reached} of g's parameters have a gradient after discriminator_step: detach what g draws.")
    expect(not moved(told["g"], weights), "discriminator_step has changed g's parameters: only d moves here.")


def test_discriminator_step__keeps_gradients_of_g(student: Student, rng: torch.Generator) -> None:
    """leaves gradients that g had before as they were"""
    told, _, _ = expect_d_steps(student, rng, [5], planted=(0.0, 0.25))
    for i, grad in enumerate(told["grads"]):
        expect(grad is not None, "A gradient that g had before is gone: clear d's gradients only.")
        expect_close(grad, torch.full_like(grad, 0.25 * (i + 1)), "a gradient that g had before", rtol=0, atol=0)


def test_discriminator_step__clears_old_gradients(student: Student, rng: torch.Generator) -> None:
    """does not count gradients that an earlier step has left in d"""
    try:
        expect_d_steps(student, rng, [4], planted=(0.3, 0.1))
    except Mismatch as mismatch:
        expect("loss" in mismatch.message.split(",")[0], OLD.format("d"))
        raise


def test_discriminator_step__smooths(student: Student, rng: torch.Generator) -> None:
    """hands smooth on to the loss"""
    for smooth in (0.1, 0.35):
        expect_d_steps(student, rng, [4], smooth=[smooth])


def test_discriminator_step__goes_on(student: Student, rng: torch.Generator) -> None:
    """works with any optimizer, step after step, which momentum and Adam show"""
    expect_d_steps(student, rng, [4, 4, 5], "momentum")
    expect_d_steps(student, rng, [3, 6, 4], "adam", smooth=[0.1])


def test_discriminator_step__any_size(student: Student, rng: torch.Generator) -> None:
    """works for a single image, and for other networks"""
    expect_d_steps(student, rng, [1])
    expect_d_steps(student, rng, [7], sizes=(5, 1))
    expect_d_steps(student, rng, [2, 1], sizes=(1, 3))


def test_discriminator_step__leaves_modes(student: Student, rng: torch.Generator) -> None:
    """leaves modes, requires_grad, images and noise as they are"""
    told, _, given = expect_d_steps(student, rng, [4])
    expect(told["modes"] == [True, True], "Both networks came in train mode, and one of them is in eval mode afterwards.")
    expect(all(told["trainable"]), "Some parameters do not require grad any more after discriminator_step.")
    for after, before, name in zip(told["given"], given, ("the batch of real images", "the noise"), strict=True):
        expect_unchanged(after, before, name)


def test_generator_step__makes_a_step(student: Student, rng: torch.Generator) -> None:
    """takes a step of g with the scores that d gives the images drawn, and returns the loss before it"""
    expect_g_steps(student, rng, [4])
    expect_g_steps(student, rng, [integer(rng, 5, 8)])


def test_generator_step__leaves_d(student: Student, rng: torch.Generator) -> None:
    """leaves d's parameters and their requires_grad as they are"""
    told, weights, _ = expect_g_steps(student, rng, [4])
    expect(not moved(told["d"], weights), "generator_step has changed d's parameters: only g moves here.")
    expect(
        all(told["trainable"]), "Some parameters do not require grad any more after generator_step: d has to learn again next."
    )


def test_generator_step__clears_old_gradients(student: Student, rng: torch.Generator) -> None:
    """does not count gradients that an earlier step has left in g"""
    try:
        expect_g_steps(student, rng, [4], planted=(0.2, 0.3))
    except Mismatch as mismatch:
        expect("loss" in mismatch.message.split(",")[0], OLD.format("g"))
        raise


def test_generator_step__goes_on(student: Student, rng: torch.Generator) -> None:
    """works with any optimizer, step after step, which momentum and Adam show"""
    expect_g_steps(student, rng, [4, 4, 5], "momentum")
    expect_g_steps(student, rng, [3, 6, 4], "adam")


def test_generator_step__any_size(student: Student, rng: torch.Generator) -> None:
    """works for a single image, and for other networks"""
    expect_g_steps(student, rng, [1])
    expect_g_steps(student, rng, [7], sizes=(5, 1))
    expect_g_steps(student, rng, [2, 1], sizes=(1, 3))


def test_generator_step__leaves_modes(student: Student, rng: torch.Generator) -> None:
    """leaves the modes of both networks, and the noise, as they are"""
    told, _, given = expect_g_steps(student, rng, [4])
    expect(told["modes"] == [True, True], "Both networks came in train mode, and one of them is in eval mode afterwards.")
    expect_unchanged(told["given"][0], given[0], "the noise")


# train_epoch ---------------------------------------------------------------------------------------------------------


def loader_of(form: str, batches: list[Any]) -> Any:
    """The batches in one of the forms that a loader can give them."""
    if form == "tuples":
        return [(x, torch.arange(len(x))) for x in batches]
    if form == "lists":
        return [[x, torch.arange(len(x)), "name"] for x in batches]
    if form == "data set":
        images = torch.cat(batches)
        return DataLoader(TensorDataset(images, torch.arange(len(images))), batch_size=len(batches[0]))
    if form == "images":
        return DataLoader(torch.cat(batches), batch_size=len(batches[0]))
    return list(batches)


def epoch(
    module: Any, weights: Tensors, sizes: list[int], kind: str, batches: list[Any], form: str, plan: dict[str, Any]
) -> dict[str, Any]:
    """One or more epochs with networks of the suite's: what came back, what g has seen, and what became of all."""
    torch.manual_seed(plan["world"])
    g, d = pair_of(weights, *sizes)
    for net in (g, d):
        net.train(plan["training"])
    opt_g, opt_d = optimizer_of(kind, g), optimizer_of(kind, d)
    generator = torch.Generator().manual_seed(plan["seed"])
    before = torch.get_rng_state()
    losses = [
        module.train_epoch(g, d, opt_g, opt_d, loader_of(form, batches), sizes[0], generator, *plan["smooth"])
        for _ in range(plan["calls"])
    ]
    return {
        "losses": [as_pairs(each) for each in losses],
        "noise": g.seen,
        "eval": g.modes.count(False) + d.modes.count(False),
        "g": parameters_of(g, "g."),
        "d": parameters_of(d, "d."),
        "world_moved": not torch.equal(before, torch.get_rng_state()),
        "batches": batches,
    }


def as_pairs(found: Any) -> dict[str, Any]:
    """What should be a list of pairs of numbers: which type it has, and its items, a graph named where one is."""
    items = found if isinstance(found, list | tuple) else []
    pairs = [[plain(n) for n in pair] if isinstance(pair, list | tuple) else plain(pair) for pair in items]
    return {"type": type(found).__name__, "items": pairs}


def epoch_plan(rng: torch.Generator, **changes: Any) -> dict[str, Any]:
    plan = {"world": 0, "seed": integer(rng, 0, 1 << 30), "training": True, "smooth": [], "calls": 1}
    return {**plan, **changes}


SAME_NOISE = ("Both steps of a batch got the same noise: draw new noise for the generator's step.")  # fmt: skip


def noise_of_steps(seen: Sequence[Tensor], counts: Sequence[int]) -> list[Tensor]:
    """The noise of each step, d's and g's of the first batch, and so on; what g saw twice in a row counts once."""
    distinct = [z for i, z in enumerate(seen) if not i or not torch.equal(z, seen[i - 1])]
    expect(distinct, "The generator network was never called: each step draws images with it.")
    if len(distinct) == len(counts) and len(seen) >= 2 * len(counts):
        raise Mismatch(SAME_NOISE)
    text = (
        f"The generator network saw {len(distinct)} different noises in {len(counts)} batches, but there are two steps in each."
    )
    expect(len(distinct) == 2 * len(counts), text)
    for i, z in enumerate(distinct):
        wanted = counts[i // 2]
        expect(len(z) == wanted, f"A batch of {wanted} images had a step with noise for {len(z)}: draw as many as the batch has.")
    return distinct


def expect_pairs(found: Any, count: int) -> list[Any]:
    """The pairs of losses, if there is one for each batch."""
    wanted, items = "train_epoch should return a list of pairs of losses, one for each batch", found["items"]
    instead = "None: is there a `return`?" if found["type"] == "NoneType" else f"something of type {found['type']}."
    expect(found["type"] in ("list", "tuple"), f"{wanted}, but it returned {instead}")
    expect(all(isinstance(pair, list) for pair in items), f"{wanted}, but it returned {len(items)} numbers.")
    expect(len(items) == count, f"{wanted}: {count} pairs. It returned {len(items)}.")
    for pair in items:
        expect(len(pair) == 2, f"Each item should be a pair, d's loss and g's loss, but one has {len(pair)} items.")
        graph = any(isinstance(n, str) for n in pair)
        expect(not graph, "The losses have a graph, which keeps every batch in memory: return numbers.")
    return list(items)


def expect_epoch(
    student: Student,
    rng: torch.Generator,
    counts: Sequence[int],
    form: str = "tensors",
    kind: str = "sgd",
    sizes: tuple[int, int] = (3, 2),
    **changes: Any,
) -> Any:
    """Fail unless an epoch returns the losses, and leaves the networks, that the same steps with the same noise do."""
    weights, plan = weights_of(rng, *sizes), epoch_plan(rng, **changes)
    reals, _ = batches_of(rng, counts, *sizes)
    told = student.run(epoch, weights, list(sizes), kind, reals, form, plan)
    noise = noise_of_steps(told["noise"], [*counts] * plan["calls"])
    g, d = pair_of(wide(weights), *sizes)
    opt_g, opt_d = optimizer_of(kind, g), optimizer_of(kind, d)
    for call in range(plan["calls"]):
        pairs = expect_pairs(told["losses"][call], len(counts))
        steps = noise[2 * call * len(counts) :]
        for i, real in enumerate(reals):
            right_d = d_step_here(g, d, opt_d, real.double(), steps[2 * i].double(), *plan["smooth"])
            right_g = g_step_here(g, d, opt_g, steps[2 * i + 1].double())
            names = (f"d's loss of batch {i + 1}", f"g's loss of batch {i + 1}")
            slips = {"They stand the other way round: first d's loss, then g's.": [right_g, right_d]}
            expect_close(pairs[i], [right_d, right_g], names, rtol=2e-3, atol=1e-3, slips=slips)
    right = {**parameters_of(g, "g."), **parameters_of(d, "d.")}
    expect_close({**told["g"], **told["d"]}, right, "after the epoch, the value", rtol=1e-2, atol=5e-3)
    return told, reals


def test_train_epoch__plays_the_game(student: Student, rng: torch.Generator) -> None:
    """takes for each batch a step of d and then one of g, and returns the pair of their losses"""
    expect_epoch(student, rng, [4, 4, 4])
    expect_epoch(student, rng, [5, 5])


def test_train_epoch__noise_of_the_batch_size(student: Student, rng: torch.Generator) -> None:
    """draws as much noise as the batch has images, also for a smaller last batch, and for a single image"""
    expect_epoch(student, rng, [4, 4, integer(rng, 2, 3)])
    expect_epoch(student, rng, [3, 1])
    expect_epoch(student, rng, [1])


def test_train_epoch__fresh_noise(student: Student, rng: torch.Generator) -> None:
    """draws new noise for each of the two steps of each batch"""
    told, _ = expect_epoch(student, rng, [4, 4, 4])
    seen = noise_of_steps(told["noise"], [4, 4, 4])
    rows = torch.cat([z.flatten(1) for z in seen])
    expect(len(rows.unique(dim=0)) == len(rows), "Some noise was used in several steps: draw new noise for each.")


def test_train_epoch__draws_from_the_generator(student: Student, rng: torch.Generator) -> None:
    """draws noise from the generator that it is given, and from nothing else"""
    weights, plan = weights_of(rng, 3, 2), epoch_plan(rng)
    reals, _ = batches_of(rng, [4, 3], 3, 2)
    told = [student.run(epoch, weights, [3, 2], "sgd", reals, "tensors", {**plan, "world": world}) for world in (1, 2)]
    first, second = (noise_of_steps(each["noise"], [4, 3]) for each in told)
    same = all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    expect(same, "With the same generator but another global seed the noise is another: hand the generator on to sample_noise.")
    other = student.run(epoch, weights, [3, 2], "sgd", reals, "tensors", {**plan, "seed": plan["seed"] + 1})
    changed = not torch.equal(first[0], noise_of_steps(other["noise"], [4, 3])[0])
    expect(changed, "Generators with different seeds lead to the same noise.")


@conduct
def test_train_epoch__leaves_the_global_generator(student: Student, rng: torch.Generator) -> None:
    """leaves PyTorch's global generator and the images alone"""
    told, reals = expect_epoch(student, rng, [3, 3])
    expect(not told["world_moved"], "PyTorch's global generator has moved: draw from the generator that is handed over.")
    for after, before in zip(told["batches"], reals, strict=True):
        expect_unchanged(after, before, "a batch of images")


def test_train_epoch__takes_any_loader(student: Student, rng: torch.Generator) -> None:
    """takes batches that are tuples or lists with the images first, and DataLoaders of either kind"""
    for form, counts in (("tuples", [3, 2]), ("lists", [2, 4]), ("data set", [4, 4, 1]), ("images", [3, 3, 2])):
        expect_epoch(student, rng, counts, form)


def test_train_epoch__smooths(student: Student, rng: torch.Generator) -> None:
    """hands smooth on to d's steps"""
    expect_epoch(student, rng, [4, 3], smooth=[0.3])


def test_train_epoch__is_in_train_mode(student: Student, rng: torch.Generator) -> None:
    """puts both networks into train mode"""
    try:
        told, _ = expect_epoch(student, rng, [4, 3], training=False)
    except Mismatch as mismatch:
        if SAME_NOISE in mismatch.message:
            raise
        raise Mismatch("Networks that come in eval mode are not trained as they should: call g.train() and d.train() first.",
                       mismatch.detail, mismatch.actual, mismatch.expected) from None  # fmt: skip
    expect(not told["eval"], f"In {told['eval']} forward passes a network was in eval mode: call g.train() and d.train() first.")


def test_train_epoch__any_optimizer(student: Student, rng: torch.Generator) -> None:
    """steps with the optimizers that it is given, with other sizes of noise and images"""
    expect_epoch(student, rng, [4, 5, 3], kind="adam", sizes=(5, 1))
    expect_epoch(student, rng, [3, 4], kind="momentum", sizes=(1, 3))


def test_train_epoch__goes_on(student: Student, rng: torch.Generator) -> None:
    """goes on from where an earlier call left networks and generator"""
    expect_epoch(student, rng, [4, 2], calls=2)


# to_uint8 ------------------------------------------------------------------------------------------------------------


def levels_of(images: Tensor) -> Tensor:
    """The nearest level of each value, channels last."""
    return ((images.double() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def some_images(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor]:
    """Values on and near levels, none close to the middle between two."""
    levels = torch.randint(0, 256, shape, generator=rng).to(torch.float64)
    off = 0.8 * torch.rand(shape, generator=rng, dtype=torch.float64) - 0.4
    return (((levels + off) / 127.5 - 1).to(dtype),)


def beyond(rng: torch.Generator) -> tuple[Tensor]:
    """Values on both sides of the range, some far out."""
    (images,) = some_images(rng, 2, 3, 4, 5)
    far = torch.rand(images.shape, generator=rng) * 3 + 1.02
    sign = torch.where(torch.rand(images.shape, generator=rng) < 0.5, -1.0, 1.0)
    images = torch.where(torch.rand(images.shape, generator=rng) < 0.6, far * sign, images)
    images[0, 0, 0] = torch.tensor([1e4, -1e4, math.inf, -math.inf, 1.0])
    return (images,)


def both_ends(rng: torch.Generator) -> tuple[Tensor]:
    ends = torch.tensor([-1.0, 1.0, 0.9961, -0.9961, 0.0039])
    return (ends[torch.randint(0, 5, (1, 2, 3, 4), generator=rng)],)


LEVELS = "the tensor of levels"
IMAGES = Reference("to_uint8", levels_of, some_images, LEVELS, ("images",))
test_to_uint8__values = IMAGES.values(
    (1, 3, 2, 2), (4, 3, 5, 6), says="brings -1 … 1 to the nearest of 0 … 255, and channels to the end"
)
test_to_uint8__clips = IMAGES.values(
    Case(beyond, "beyond -1 and 1"),
    Case(both_ends, "at both ends"),
    says="makes 0 of what lies below -1, and 255 of what lies above 1",
)
test_to_uint8__sizes = IMAGES.sizes(
    (1, 1, 1, 1),
    (3, 1, 4, 2),
    (2, 4, 1, 5),
    (5, 2, 3, 1),
    (3, 3, 3, 3),
    says="works for any number of channels, and images of any size",
)
test_to_uint8__layouts = IMAGES.layouts((2, 3, 4, 5))
test_to_uint8__unchanged = IMAGES.unchanged((2, 3, 4, 4))
test_to_uint8__twice = IMAGES.twice((2, 3, 3, 4))


def memory(module: Any, images: Any) -> dict[str, Any]:
    """What the result is besides its values."""
    found = module.to_uint8(images)
    if not isinstance(found, torch.Tensor):
        return {"type": type(found).__name__}
    return {"type": "tensor", "contiguous": found.is_contiguous(), "dtype": str(found.dtype), "values": found.detach().clone()}


def test_to_uint8__is_contiguous(student: Student, rng: torch.Generator) -> None:
    """gives uint8 in contiguous memory, as files and libraries want it"""
    (images,) = some_images(rng, 3, 3, 4, 5)
    told = student.run(memory, images)
    expect(told["type"] == "tensor", f"to_uint8 should return a tensor, but it returned something of type {told['type']}.")
    expect(told["dtype"] == "torch.uint8", f"The levels should have dtype torch.uint8, but they have {told['dtype']}.")
    expect_equal(told["values"], levels_of(images), LEVELS)
    expect(
        told["contiguous"], "The result is not contiguous: permute looks at the old memory in another order. Use contiguous()."
    )


def test_to_uint8__float64(student: Student, rng: torch.Generator) -> None:
    """takes float64 images too, and gives uint8 of every one"""
    for dtype in (torch.float64, torch.float32):
        (images,) = some_images(rng, 2, 3, 4, 3, dtype=dtype)
        expect_equal(student.call("to_uint8", images), levels_of(images), f"{LEVELS} of {dtype} images")


# interpolate ---------------------------------------------------------------------------------------------------------


def two_noises(rng: torch.Generator, nz: int, steps: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, int]:
    """Two noises that are far from opposite, of lengths other than 1."""
    while True:
        a, b = (normal(rng, nz, 1, 1, dtype=dtype) for _ in range(2))
        lengths = 0.4 + 0.4 * torch.rand(2, generator=rng, dtype=dtype)
        if float((a * b).sum() / (a.norm() * b.norm())) > -0.9:
            return lengths[0] * a / a.norm(), lengths[1] * b / b.norm(), steps


def on_a_circle(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """The way by sines, or the straight one where the angle has none."""
    cosine = float((a * b).sum() / (a.norm() * b.norm()))
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    t = torch.linspace(0, 1, steps, dtype=torch.float64).view(-1, 1, 1, 1)
    if math.sin(angle) < 1e-6:
        return (1 - t) * a + t * b
    return (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / math.sin(angle)


def parallel(rng: torch.Generator, nz: int, steps: int, exact: bool) -> tuple[Tensor, Tensor, int]:
    """Two noises in one direction: one of them a power of two of the other, so that no rounding parts them, or any multiple."""
    a = normal(rng, nz, 1, 1)
    if exact:
        return a, a * 2.0 ** integer(rng, -2, 2), steps
    return a, a * (0.3 + float(torch.rand((), generator=rng))), steps


def one_hot(rng: torch.Generator, nz: int, steps: int) -> tuple[Tensor, Tensor, int]:
    a = torch.zeros(nz, 1, 1)
    a[integer(rng, 0, nz - 1)] = 2.0 ** integer(rng, -1, 3)
    return a, a * 4, steps


WAY = Reference("interpolate", on_a_circle, two_noises, "the way from a to b", ("a", "b", "steps"))
test_interpolate__values = WAY.values((2, 3), (6, 5), (4, 9), says="goes from a to b along a circle, in equal steps of the angle")
test_interpolate__sizes = WAY.sizes((3, 2), (1, 4), (64, 8), (5, 11), says="works for two steps, for many, and for nz = 1")
test_interpolate__dtypes = WAY.dtypes((5, 4))
test_interpolate__layouts = WAY.layouts((5, 4))
test_interpolate__unchanged = WAY.unchanged((5, 4))
test_interpolate__twice = WAY.twice((5, 4))


def test_interpolate__parallel(student: Student, rng: torch.Generator) -> None:
    """takes the straight line where both noises have exactly one direction, without a division by zero"""
    for nz, steps in ((3, 4), (16, 3), (1, 5)):
        for args in (one_hot(rng, nz, steps), parallel(rng, nz, steps, exact=True)):
            a, b, _ = args
            expect_close(student.call("interpolate", *args), on_a_circle(a.double(), b.double(), steps),
                         "the way between noises of one direction", rtol=1e-3, atol=1e-4)  # fmt: skip


def many_ways(module: Any, pairs: list[Any], steps: int) -> list[Any]:
    return [module.interpolate(a, b, steps) for a, b in pairs]


def test_interpolate__nearly_parallel(student: Student, rng: torch.Generator) -> None:
    """never gives nan, also where rounding makes the cosine of the angle larger than 1"""
    pairs = [parallel(rng, integer(rng, 2, 40), 5, exact=False)[:2] for _ in range(50)]
    for found, (a, b) in zip(student.run(many_ways, [list(p) for p in pairs], 5), pairs, strict=True):
        t = torch.linspace(0, 1, 5, dtype=torch.float64).view(-1, 1, 1, 1)
        right = (1 - t) * a.double() + t * b.double()
        nan = isinstance(found, Tensor) and bool(torch.isnan(found).any())
        expect(
            not nan,
            "The way between two noises of one direction is nan: the cosine came out above 1, and has no angle. Clamp it.",
        )
        expect_close(found, right, "the way between noises of nearly one direction", rtol=1e-3, atol=1e-3)


def test_interpolate__ends(student: Student, rng: torch.Generator) -> None:
    """begins at a and ends at b, whatever their lengths"""
    for nz, steps in ((8, 3), (3, 6)):
        a, b, _ = two_noises(rng, nz, steps)
        found = student.call("interpolate", a, 30 * b, steps)
        expect_shape(found, (steps, nz, 1, 1), "the way from a to b")
        within = 1e-6 * float(max(a.norm(), 30 * b.norm()))
        expect_close(found[0], a, "the first of the way", rtol=0, atol=within)
        expect_close(found[-1], 30 * b, "the last of the way", rtol=0, atol=within)
        expect_close(found, on_a_circle(a.double(), 30 * b.double(), steps), "the way from a to b", rtol=1e-3, atol=1e-3)


# trained_samples -----------------------------------------------------------------------------------------------------

NZ = 64
DIRECTIONS = 128


def play(module: Any, samples: Any, seed: int, mark: Any, plan: dict[str, Any]) -> dict[str, Any]:
    """Train the learner's networks with the learner's train_epoch: the generator's weights before and after, and the losses.

    `mark` is added to the first layer's weights before the game begins.
    """
    torch.manual_seed(seed)
    g, d = module.Generator(plan["nz"]), module.Discriminator()
    for net in (g, d):
        net.apply(module.init_weights)
    own = tensors_of(weighty(g))
    with torch.no_grad():
        own[0].add_(mark)
    start = [t.detach().clone() for t in own]
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr=plan["lr"], betas=(plan["beta"], 0.999)) for net in (g, d))
    order, generator = (torch.Generator().manual_seed(seed + i) for i in (1, 2))
    loader = DataLoader(samples[0], batch_size=plan["batch"], shuffle=True, generator=order)
    losses = [module.train_epoch(g, d, opt_g, opt_d, loader, plan["nz"], generator) for _ in range(plan["epochs"])]
    return {"start": start, "weights": [t.detach().clone() for t in own], "losses": losses}


def samples_of(weights: Sequence[Tensor], noise: Tensor) -> Tensor:
    """What a generator with these weights draws in eval mode, in this topic's default size."""
    net = built(generator_layers(NZ, 16, 3), weights).float().eval()
    with torch.no_grad():
        return torch.cat([net(part) for part in noise.split(64)])


def far_apart(a: Tensor, b: Tensor) -> float:
    """How far two equally large sets of images are apart: the mean of W₁ over fixed random directions."""
    directions = torch.randn(a[0].numel(), DIRECTIONS, generator=torch.Generator().manual_seed(0))
    directions /= directions.norm(dim=0)
    along = [(images.flatten(1) @ directions).sort(dim=0).values for images in (a, b)]
    return float((along[0] - along[1]).abs().mean())


def variety(images: Tensor) -> float:
    """The mean distance between two of up to 256 images."""
    return float(torch.pdist(images[:256].flatten(1)).mean())


def picture_of(images: Tensor, columns: int) -> str:
    """Images, float (N, 3, 32, 32) in [-1, 1], row after row in one PNG file, in base64."""
    levels = images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    rows = [torch.cat(list(row), dim=2) for row in levels.split(columns)]
    file = io.BytesIO()
    Image.fromarray(torch.cat(rows, dim=1).permute(1, 2, 0).contiguous().numpy()).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def plain_number(found: Any) -> float:
    """A number, also of a tensor or array with one element; nan for anything else."""
    try:
        return float(found.detach()) if isinstance(found, Tensor) else float(found)
    except (TypeError, ValueError, RuntimeError):
        return math.nan


def finite_pairs(epochs: Any) -> list[list[float]]:
    """The pairs of finite numbers in what should be lists of pairs of losses."""
    pairs = [pair for found in epochs if isinstance(found, list | tuple) for pair in found if isinstance(pair, list | tuple)]
    numbers = [[plain_number(n) for n in pair] for pair in pairs]
    return [pair for pair in numbers if len(pair) == 2 and all(map(math.isfinite, pair))]


def kept_of(weight: Tensor, mark: Tensor) -> float:
    """How much of the mark is in the weights: about 1 if they were trained from where it was added, about 0 if not."""
    return float((weight.double() * mark).sum() / (mark.double() ** 2).sum())


def test_trained_samples__reaches_the_minimum(
    student: Student, rng: torch.Generator, training: Training, attach: Callable[[str, Any], None]
) -> None:
    """trains this topic's networks until samples are as near to real images, and as unlike each other, as the minimum asks"""
    budget = training.budget
    layers = generator_layers(NZ, 16, 3)
    seed, test_seed = integer(rng, 0, 1 << 30), integer(rng, 1, 1 << 30)
    mark = 0.02 * normal(rng, NZ, 64, 4, 4)
    plan = {"nz": NZ, "batch": budget.batch, "epochs": budget.epochs, "lr": budget.lr, "beta": budget.momentum}
    told = student.run(play, Resident(training.resident), seed, mark, plan)
    shapes = [t.shape for t in drawn(layers, rng)]
    fits = [t.shape for t in told["weights"]] == shapes == [t.shape for t in told["start"]]
    expect(fits, "The trained generator does not hold the layers of the contract: see the task Generator.")
    for t in told["weights"]:
        expect(t.dtype == torch.float32, f"After training, some weights have dtype {t.dtype}: leave the networks in float32.")
        expect(
            bool(torch.isfinite(t).all()), "After training, some of the generator's weights are nan or inf: the game diverged."
        )
    expect(kept_of(told["weights"][0], mark) > 0.5, "The generator's weights have nothing to do with those that it began with: "
           "train the network that is handed over, from the weights that it has.")  # fmt: skip
    real = training.test_images(test_seed)[0]
    noise = normal(rng, len(real), NZ, 1, 1)
    before, after = (samples_of(weights, noise) for weights in (told["start"], told["weights"]))
    nearer = 1 - far_apart(after, real) / far_apart(before, real)
    varied = variety(after) / variety(real)
    reached = min(nearer, varied)
    ends = noise[:2]
    attach("drawn", {
        "samples": picture_of(after[:64], 16), "way": picture_of(samples_of(told["weights"], on_a_circle(*ends, 16).float()), 16),
        "real": picture_of(real[:32], 16), "nearer": nearer, "varied": varied, "minimum": budget.minimum,
        "images": training.source.name, "losses": finite_pairs(told["losses"]),
    })  # fmt: skip
    expect(reached >= budget.minimum,
           f"From untrained to real images your samples went {max(nearer, 0.0):.0%} of the way, and they differ from each other "
           f"{varied:.0%} as much as real images do; both should be at least {budget.minimum:.0%} ({training.source.name}). They "
           "were trained by your train_epoch: if that task or a step lost points, mend it first.")  # fmt: skip
