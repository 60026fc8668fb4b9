"""Checks of topic 09 that you can follow on paper: `pytest exercises/09_dcgan`, or one task: add `-k Generator`.

`student.run` runs a small function of this file next to your module: it builds networks, hands them to your functions and
returns what came of it. The steps play with two networks of one number each: the generator gives v·z, the discriminator w·x.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from autograder import Student, expect, expect_close, expect_dtype, expect_equal, expect_shape

# Generator and Discriminator -----------------------------------------------------------------------------------------


def layer_names(module: Any, name: str) -> Any:
    """The layers with weights of your default network, in the order of main; None where there is no main."""
    main = getattr(getattr(module, name)(), "main", None)
    if not isinstance(main, nn.Module):
        return None
    found = []
    for layer in main.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            form = f"{layer.in_channels} to {layer.out_channels}, {layer.kernel_size[0]}x{layer.kernel_size[1]}"
            bias = "no bias" if layer.bias is None else "a bias"
            stride, padding = layer.stride[0], layer.padding if isinstance(layer.padding, str) else layer.padding[0]
            found.append(f"{type(layer).__name__} {form}, stride {stride}, padding {padding}, {bias}")
        elif list(layer.parameters(recurse=False)):
            found.append(f"{type(layer).__name__} {getattr(layer, 'num_features', '')}".strip())
    return found


def outputs_of(module: Any, name: str, batches: list[Tensor], scale: float) -> list[Tensor]:
    """What your default network gives for each batch, with the weights of its last convolution multiplied by `scale`."""
    net = getattr(module, name)()
    last = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)][-1]
    with torch.no_grad():
        last.weight.mul_(scale)
    with torch.no_grad():
        return [net(batch) for batch in batches]


def expect_layers(found: Any, expected: list[str]) -> None:
    """Fail unless the layers are these, in this order."""
    expect(
        found is not None, "There is no attribute main that is a module: keep the layers in self.main, as in nn.Sequential(…)."
    )
    for i, (got, wanted) in enumerate(zip(found, expected, strict=False)):
        expect_equal(got, wanted, f"layer {i + 1} with weights")
    expect_equal(len(found), len(expected), "the number of layers with weights")


def test_Generator__layers(student: Student) -> None:
    """holds four transposed convolutions and three BatchNorms in main"""
    expected = [
        "ConvTranspose2d 64 to 64, 4x4, stride 1, padding 0, no bias",
        "BatchNorm2d 64",
        "ConvTranspose2d 64 to 32, 4x4, stride 2, padding 1, no bias",
        "BatchNorm2d 32",
        "ConvTranspose2d 32 to 16, 4x4, stride 2, padding 1, no bias",
        "BatchNorm2d 16",
        "ConvTranspose2d 16 to 3, 4x4, stride 2, padding 1, no bias",
    ]
    expect_layers(student.run(layer_names, "Generator"), expected)


def test_Generator__images(student: Student) -> None:
    """makes (5, 3, 32, 32) of (5, 64, 1, 1), and one image of one noise"""
    for n, found in zip((5, 1), student.run(outputs_of, "Generator", [torch.ones(5, 64, 1, 1), torch.ones(1, 64, 1, 1)], 1.0),
                        strict=True):  # fmt: skip
        expect_shape(found, (n, 3, 32, 32), "the tensor of images")


def test_Generator__tanh(student: Student, rng: torch.Generator) -> None:
    """ends with tanh: with large weights values come near -1 and 1, and never beyond"""
    images = student.run(outputs_of, "Generator", [torch.randn(4, 64, 1, 1, generator=rng)], 100.0)[0]
    low, high = float(images.min()), float(images.max())
    expect(-1 <= low < -0.9, f"The smallest value should be near -1, but it is {low:.2f}. Is tanh the last layer?")
    expect(0.9 < high <= 1, f"The largest value should be near 1, but it is {high:.2f}. Is tanh the last layer?")


def test_Discriminator__layers(student: Student) -> None:
    """holds four convolutions in main, and a BatchNorm behind the second and the third"""
    expected = [
        "Conv2d 3 to 16, 4x4, stride 2, padding 1, no bias",
        "Conv2d 16 to 32, 4x4, stride 2, padding 1, no bias",
        "BatchNorm2d 32",
        "Conv2d 32 to 64, 4x4, stride 2, padding 1, no bias",
        "BatchNorm2d 64",
        "Conv2d 64 to 1, 4x4, stride 1, padding 0, no bias",
    ]
    expect_layers(student.run(layer_names, "Discriminator"), expected)


def test_Discriminator__scores(student: Student, rng: torch.Generator) -> None:
    """gives (5,) for five images and (1,) for one"""
    batches = [torch.randn(n, 3, 32, 32, generator=rng) for n in (5, 1)]
    for n, found in zip((5, 1), student.run(outputs_of, "Discriminator", batches, 1.0), strict=True):
        expect_shape(found, (n,), "the tensor of scores")


def test_Discriminator__raw(student: Student, rng: torch.Generator) -> None:
    """gives raw scores: with large weights, some are below 0 and some above 1"""
    scores = student.run(outputs_of, "Discriminator", [torch.randn(20, 3, 32, 32, generator=rng)], 100.0)[0]
    low, high = float(scores.min()), float(scores.max())
    expect(low < 0 and high > 1, f"The scores lie between {low:.2f} and {high:.2f}. Is there a sigmoid at the end?")


# init_weights --------------------------------------------------------------------------------------------------------


class ConvBlock(nn.Module):
    """A class of its own: its name contains Conv, and it is none."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((2,), 7.0))


def weights_after(module: Any) -> dict[str, Tensor]:
    """All parameters were 7; these are they after apply(init_weights)."""
    net = nn.ModuleDict({
        "conv": nn.Conv2d(8, 32, 4, bias=False),
        "up": nn.ConvTranspose2d(32, 8, 4, bias=False),
        "norm": nn.BatchNorm2d(4000),
        "linear": nn.Linear(3, 2),
        "block": ConvBlock(),
    })  # fmt: skip
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(7.0)
    net.apply(module.init_weights)
    return {name: p.detach() for name, p in net.named_parameters()}


def test_init_weights__statistics(student: Student) -> None:
    """draws weights of convolutions with mean 0 and deviation 0.02, and those of BatchNorm with mean 1 and deviation 0.02"""
    found = student.run(weights_after)
    for name, mean in (("conv", 0.0), ("up", 0.0), ("norm", 1.0)):
        weight = found[f"{name}.weight"].double()
        expect_close(float(weight.mean()), mean, f"the mean of the weight of {name}", rtol=0, atol=2e-3)
        expect_close(float(weight.std()), 0.02, f"the standard deviation of the weight of {name}", rtol=0, atol=2e-3)
    expect_close(found["norm.bias"], torch.zeros(4000), "the bias of BatchNorm2d")


def test_init_weights__rest(student: Student) -> None:
    """leaves a Linear layer, and a class that is merely called ConvBlock, as they are"""
    found = student.run(weights_after)
    for name in ("linear.weight", "linear.bias", "block.weight"):
        expect(bool((found[name] == 7.0).all()), f"{name} was changed. Ask for the module's class with isinstance.")


# sample_noise --------------------------------------------------------------------------------------------------------


def noises(module: Any, n: int, nz: int) -> list[Tensor]:
    """Two calls on one generator, and one on another with the same seed."""
    generator = torch.Generator().manual_seed(5)
    first, second = module.sample_noise(n, nz, generator), module.sample_noise(n, nz, generator)
    torch.manual_seed(1)
    return [first, second, module.sample_noise(n, nz, torch.Generator().manual_seed(5))]


def test_sample_noise__normal(student: Student) -> None:
    """gives float32 (n, nz, 1, 1) with mean 0 and deviation 1"""
    found = student.run(noises, 50, 100)[0]
    expect_shape(found, (50, 100, 1, 1), "the noise")
    expect_dtype(found, torch.float32, "the noise")
    expect_close(float(found.double().mean()), 0.0, "the mean of 5,000 numbers", rtol=0, atol=0.08)
    expect_close(float(found.double().std()), 1.0, "the standard deviation of 5,000 numbers", rtol=0, atol=0.06)


def test_sample_noise__generator(student: Student) -> None:
    """draws from the generator: other noise at a second call, the same again from the same seed"""
    first, second, again = student.run(noises, 3, 4)
    expect(not torch.equal(first, second), "Two calls on one generator gave the same noise.")
    expect(torch.equal(first, again), "Two generators with one seed gave different noise: pass generator=generator.")


# The losses ----------------------------------------------------------------------------------------------------------

LOG_3 = math.log(3)  # whose sigmoid is 3/4; that of -log 3 is 1/4


def test_discriminator_loss__by_hand(student: Student) -> None:
    """gives -log 3/4 - log 3/4 = 0.5754 where real images score log 3 and drawn ones -log 3"""
    right = -2 * math.log(3 / 4)
    slips = {
        "It is the mean of the two parts: it should be their sum.": right / 2,
        "The labels are exchanged: real images have 1, drawn ones 0.": -2 * math.log(1 / 4),
    }
    found = student.call("discriminator_loss", torch.tensor([LOG_3, LOG_3]), torch.tensor([-LOG_3, -LOG_3, -LOG_3]))
    expect_close(found, right, "the loss", slips=slips)


def test_discriminator_loss__smooth(student: Student) -> None:
    """smooths the real label alone: with 0.1 it is -0.9·log 3/4 - 0.1·log 1/4 - log 3/4 = 0.6852"""
    smoothed, plain = -0.9 * math.log(3 / 4) - 0.1 * math.log(1 / 4), -math.log(3 / 4)
    slips = {
        "Both labels are smoothed: drawn images keep the label 0.": 2 * smoothed,
        "smooth has no part in it.": 2 * plain,
    }
    found = student.call("discriminator_loss", torch.tensor([LOG_3]), torch.tensor([-LOG_3]), 0.1)
    expect_close(found, smoothed + plain, "the loss", slips=slips)


def test_discriminator_loss__far(student: Student) -> None:
    """gives 2000 where d is quite wrong: real images score -1000, drawn ones 1000"""
    found = student.call("discriminator_loss", torch.tensor([-1000.0]), torch.tensor([1000.0]))
    slips = {"F.binary_cross_entropy cuts logarithms off at -100: take the function for raw scores.": 200.0}
    expect_close(found, 2000.0, "the loss", slips=slips)


def test_generator_loss__by_hand(student: Student) -> None:
    """gives -log 3/4 = 0.2877 for scores of log 3, and 1000 for a score of -1000"""
    slips = {
        "It is the mean of log(1 - sigmoid), which has hardly any slope where d is sure.": math.log(1 / 4),
        "It is the loss of an image with the label 0: the generator wants the label 1.": -math.log(1 / 4),
        "It is the sum over the batch: its loss is the mean.": -2 * math.log(3 / 4),
    }
    expect_close(student.call("generator_loss", torch.tensor([LOG_3, LOG_3])), -math.log(3 / 4), "the loss", slips=slips)
    expect_close(student.call("generator_loss", torch.tensor([-1000.0])), 1000.0, "the loss for a score of -1000")


# The two steps -------------------------------------------------------------------------------------------------------


class Line(nn.Module):
    """Gives number · x; as a discriminator one score for each image."""

    def __init__(self, number: float, scores: bool) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))
        self.scores, self.seen, self.modes = scores, [], []

    def forward(self, x: Tensor) -> Tensor:
        """The products, (N, 1, 1, 1) or (N,)."""
        self.seen.append(x.detach().clone())
        self.modes.append(self.training)
        return (self.number * x).flatten() if self.scores else self.number * x


def pair(v: float, w: float) -> tuple[Any, Any]:
    """The generator v·z and the discriminator w·x."""
    return Line(v, False), Line(w, True)


def sgd(net: Any) -> Any:
    """Steps of exactly the gradient."""
    return torch.optim.SGD(net.parameters(), lr=1.0)


def one_d_step(module: Any, old: float, rest: list[float]) -> dict[str, Any]:
    """A step of d from w = 0, with v = 3, real images of 1 and noise of 1; `old` is a gradient that d has before."""
    g, d = pair(3.0, 0.0)
    d.number.grad = torch.tensor(old)
    loss = module.discriminator_step(g, d, sgd(d), torch.ones(2, 1, 1, 1), torch.ones(2, 1, 1, 1), *rest)
    return {"loss": loss, "w": d.number.item(), "v": g.number.item(), "reached": g.number.grad is not None}


def one_g_step(module: Any, old: float) -> dict[str, Any]:
    """A step of g from v = 0, with w = 2 and noise of 1; `old` is a gradient that g has before."""
    g, d = pair(0.0, 2.0)
    g.number.grad = torch.tensor(old)
    loss = module.generator_step(g, d, sgd(g), torch.ones(2, 1, 1, 1))
    return {"loss": loss, "v": g.number.item(), "w": d.number.item(), "trainable": d.number.requires_grad}


def test_discriminator_step__by_hand(student: Student) -> None:
    """goes from w = 0 to -1: the slope is -1/2 from real images of 1, and 1/2 · 3 from drawn ones of 3; the loss was 2·log 2"""
    told = student.run(one_d_step, 0.0, [])
    slips = {
        "The step goes up the slope, or the labels are exchanged.": 1.0,
        "Only the real images count.": 0.5,
        "Only the drawn images count.": -1.5,
    }
    expect_close(told["w"], -1.0, "w after the step", slips=slips)
    expect_close(told["loss"], 2 * math.log(2), "the loss before the step")
    with_smooth = student.run(one_d_step, 0.0, [0.2])["w"]
    expect_close(with_smooth, -1.2, "w after a step with smooth = 0.2", slips={"smooth is not handed on.": -1.0})


def test_discriminator_step__clears(student: Student) -> None:
    """does not count a gradient that d has from before"""
    expect_close(student.run(one_d_step, 100.0, [])["w"], -1.0, "w after the step", slips={"An old gradient was added.": -101.0})


def test_discriminator_step__leaves_g(student: Student) -> None:
    """leaves v = 3, and no gradient in g"""
    told = student.run(one_d_step, 0.0, [])
    expect_close(told["v"], 3.0, "v after the step")
    expect(not told["reached"], "g has a gradient after d's step: detach what it draws.")


def test_generator_step__by_hand(student: Student) -> None:
    """goes from v = 0 to 1: the slope of the loss in the score is -1/2, that of the score in v is w = 2; the loss was log 2"""
    told = student.run(one_g_step, 0.0)
    slips = {
        "Nothing has moved: does a detach keep the gradients from g?": 0.0,
        "The step makes d more sure: the generator wants the label 1 for its images.": -1.0,
    }
    expect_close(told["v"], 1.0, "v after the step", slips=slips)
    expect_close(told["loss"], math.log(2), "the loss before the step")


def test_generator_step__clears(student: Student) -> None:
    """does not count a gradient that g has from before"""
    expect_close(student.run(one_g_step, 100.0)["v"], 1.0, "v after the step", slips={"An old gradient was added.": -99.0})


def test_generator_step__leaves_d(student: Student) -> None:
    """leaves w = 2, and d able to learn"""
    told = student.run(one_g_step, 0.0)
    expect_close(told["w"], 2.0, "w after the step")
    expect(told["trainable"], "d's parameter does not require grad any more.")


# train_epoch ---------------------------------------------------------------------------------------------------------


def one_epoch(module: Any, form: str, seed: int) -> dict[str, Any]:
    """An epoch over 10 images in batches of 4, 4 and 2, with networks that come in eval mode."""
    g, d = (net.eval() for net in pair(0.5, 0.0))
    batches: Any = list(torch.ones(10, 1, 1, 1).split(4))
    if form == "tuples":
        batches = [(x, torch.zeros(len(x))) for x in batches]
    losses = module.train_epoch(g, d, sgd(g), sgd(d), batches, 1, torch.Generator().manual_seed(seed))
    noise = [z for i, z in enumerate(g.seen) if not i or not torch.equal(z, g.seen[i - 1])]
    return {"losses": losses, "noise": noise, "eval": g.modes.count(False) + d.modes.count(False)}


def test_train_epoch__pairs(student: Student) -> None:
    """returns three pairs of numbers; d's first loss is 2·log 2 where d gives 0 for everything"""
    for form in ("tensors", "tuples"):
        losses = student.run(one_epoch, form, 1)["losses"]
        expect(isinstance(losses, list | tuple), "train_epoch should return a list of pairs. Is there a `return`?")
        expect_equal(len(losses), 3, "the number of pairs of losses")
        expect(all(isinstance(each, list | tuple) and len(each) == 2 for each in losses), "Each item should be a pair of losses.")
        expect_close(losses[0][0], 2 * math.log(2), "d's loss of the first batch")


def test_train_epoch__noise(student: Student) -> None:
    """draws noise for 4, 4, 4, 4, 2 and 2 images: new noise for each of the two steps, as many as the batch has"""
    noise = student.run(one_epoch, "tensors", 1)["noise"]
    expect(
        len(noise) != 3,
        "The generator saw three different noises: each of the two steps of a batch should have noise of its own.",
    )
    expect_equal([len(z) for z in noise], [4, 4, 4, 4, 2, 2], "the list of how much noise g saw")
    expect(len(torch.cat(noise).unique()) == 20, "Some noise was used twice.")
    again = student.run(one_epoch, "tensors", 1)["noise"]
    expect(all(map(torch.equal, noise, again)), "Generators with one seed should lead to the same noise.")


def test_train_epoch__mode(student: Student) -> None:
    """puts both networks into train mode"""
    found = student.run(one_epoch, "tensors", 1)["eval"]
    expect(found == 0, f"In {found} forward passes a network was in eval mode. Call g.train() and d.train() first.")


# to_uint8 ------------------------------------------------------------------------------------------------------------


def test_to_uint8__levels(student: Student) -> None:
    """makes 0, 166 and 255 of -1, 0.3 and 2: 1.3 · 127.5 = 165.75 is rounded, and what is beyond is clipped"""
    found = student.call("to_uint8", torch.tensor([-1.0, 0.3, 2.0]).view(1, 1, 1, 3))
    slips = {
        "Digits are cut off: round before the dtype changes.": torch.tensor([0, 165, 255], dtype=torch.uint8).view(1, 1, 3, 1),
        "2 wraps around: clip before the dtype changes.": torch.tensor([0, 166, 126], dtype=torch.uint8).view(1, 1, 3, 1),
    }
    expect_close(found, torch.tensor([0, 166, 255], dtype=torch.uint8).view(1, 1, 3, 1), "the tensor of levels", slips=slips)
    expect_dtype(found, torch.uint8, "the tensor of levels")


def test_to_uint8__axes(student: Student) -> None:
    """puts the channels last: (2, 3, 4, 5) becomes (2, 4, 5, 3)"""
    images = torch.zeros(2, 3, 4, 5)
    images[:, 1] = 1.0
    found = student.call("to_uint8", images)
    expect_shape(found, (2, 4, 5, 3), "the tensor of levels")
    expect(
        bool((found[..., 1] == 255).all()), "Channel 1 was 1 everywhere and should be 255 everywhere: permute, do not reshape."
    )


# interpolate ---------------------------------------------------------------------------------------------------------


def test_interpolate__quarter(student: Student) -> None:
    """goes from (1, 0) over (0.7071, 0.7071) to (0, 1)"""
    a, b = torch.tensor([1.0, 0.0]).view(2, 1, 1), torch.tensor([0.0, 1.0]).view(2, 1, 1)
    half = math.sqrt(0.5)
    right = torch.tensor([[1.0, 0.0], [half, half], [0.0, 1.0]]).view(3, 2, 1, 1)
    straight = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]).view(3, 2, 1, 1)
    slips = {"It is the straight line, which leads too near to 0.": straight}
    expect_close(student.call("interpolate", a, b, 3), right, "the way from a to b", slips=slips)


def test_interpolate__parallel(student: Student) -> None:
    """takes the straight line from (2, 0) to (4, 0), where the angle is 0"""
    a = torch.tensor([2.0, 0.0]).view(2, 1, 1)
    right = torch.tensor([[2.0, 0.0], [3.0, 0.0], [4.0, 0.0]]).view(3, 2, 1, 1)
    expect_close(student.call("interpolate", a, 2 * a, 3), right, "the way from a to 2·a")


# trained_samples -----------------------------------------------------------------------------------------------------


def learn_halves(module: Any) -> list[float]:
    """Train your networks on images that are bright above and dark below; how bright both halves of samples are."""
    torch.manual_seed(0)
    images = torch.full((64, 3, 32, 32), -0.7)
    images[:, :, :16] = 0.7
    images += 0.1 * torch.randn(images.shape)
    g, d = module.Generator(16, 8), module.Discriminator(3, 8)
    for net in (g, d):
        net.apply(module.init_weights)
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr=8e-3, betas=(0.5, 0.999)) for net in (g, d))
    generator = torch.Generator().manual_seed(1)
    for _ in range(8):
        module.train_epoch(g, d, opt_g, opt_d, DataLoader(images, batch_size=8, shuffle=True), 16, generator)
    with torch.no_grad():
        samples = g.eval()(module.sample_noise(20, 16, generator))
    return [samples[:, :, :16].mean().item(), samples[:, :, 16:].mean().item()]


def test_trained_samples__halves(student: Student) -> None:
    """learns to draw images that are bright above and dark below"""
    above, below = student.run(learn_halves)
    expect(above - below > 0.3, f"After training, samples are {above:.2f} above and {below:.2f} below, on average; real images "
                                "are 0.70 and -0.70. Do the checks of the steps and of train_epoch pass?")  # fmt: skip
