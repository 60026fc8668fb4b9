"""Checks of 11_imagenet that you can follow with pencil and paper. Run them with `pytest exercises/11_imagenet`.

You need no GPU: `@devices(1)` runs a check on a machine with a simulated one. `student.call("f", ...)` calls f of your
imagenet.py. `student.run(probe, ...)` runs the function `probe(module, ...)` of this file, where `module` is your
imagenet.py, and `student.ranks` runs it in several processes at once.
"""

import contextlib
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # simulated devices need it: loaded here, it costs no check its seconds
from PIL import Image
from torch import Tensor, nn, optim
from torch.optim.lr_scheduler import StepLR

from autograder import PerRank, Student, devices, expect, expect_close, expect_equal

# topk_accuracy -------------------------------------------------------------------------------------------------------
# The classes of each row, from the highest score: 1, 2, 0; then 0, 1, 2; then 2, 0, 1; then 1, 0, 2.

SCORES = [[1.0, 5.0, 3.0], [9.0, 4.0, 2.0], [0.5, 0.1, 0.7], [2.0, 8.0, -1.0]]


def numbers(found: Any) -> Any:
    """A list of percentages, in which a tensor of one element is a number as well."""
    return [each.reshape(()) if isinstance(each, Tensor) and each.numel() == 1 else each for each in found]


def test_topk_accuracy__counts_hits(student: Student) -> None:
    """gives 25 for k = 1, 75 for k = 2 and 100 for k = 3 where the targets are first, second, second and third"""
    found = student.call("topk_accuracy", torch.tensor(SCORES), torch.tensor([1, 1, 0, 2]), (1, 2, 3))
    expect_close(numbers(found), [25.0, 75.0, 100.0], "the list of percentages")


def test_topk_accuracy__keeps_the_order(student: Student) -> None:
    """gives the percentages in the order in which the k were given, and 100 where k exceeds the number of classes"""
    found = student.call("topk_accuracy", torch.tensor(SCORES), torch.tensor([2, 0, 1, 0]), (5, 1, 2))
    expect_close(numbers(found), [100.0, 25.0, 75.0], "the list of percentages")


# AverageMeter --------------------------------------------------------------------------------------------------------


def measure(module: Any, updates: list[tuple[Any, int]]) -> list[list[Any]]:
    """Val, sum, count and avg of a new meter, then after each update, then after a reset."""
    meter = module.AverageMeter()
    found = [[meter.val, meter.sum, meter.count, meter.avg]]
    for value, n in updates:
        meter.update(value, n)
        found.append([meter.val, meter.sum, meter.count, meter.avg])
    meter.reset()
    return [*found, [meter.val, meter.sum, meter.count, meter.avg]]


def test_AverageMeter__weights_by_n(student: Student) -> None:
    """has val 5, sum 17, count 4 and avg 4.25 after a 2 and a 5 that stands for three samples, and zeros before and after"""
    found = student.run(measure, [(2.0, 1), (5.0, 3)])
    names = ("val", "sum", "count", "avg")
    expect_close(found[0], [0, 0, 0, 0], [f"{name} before the first update" for name in names])
    expect_close(found[1], [2.0, 2.0, 1, 2.0], [f"{name} after the first update" for name in names])
    expect_close(found[2], [5.0, 17.0, 4, 4.25], [f"{name} after the second update" for name in names])
    expect_close(found[3], [0, 0, 0, 0], [f"{name} after reset()" for name in names])


def test_AverageMeter__keeps_no_tensor(student: Student) -> None:
    """turns a tensor with a graph into Python numbers"""
    loss = torch.tensor(1.5, requires_grad=True)
    for name, value in zip(("val", "sum", "count", "avg"), student.run(measure, [(loss, 2)])[1], strict=True):
        expect(isinstance(value, int | float), f"{name} should be a Python number, but it is a {type(value).__name__}.")


# eval_transform ------------------------------------------------------------------------------------------------------


def transformed(module: Any, image: Any, kind: str, resize: int, crop: int) -> Any:
    """What the transform makes of an image, which is handed over as an array or as a PIL image."""
    transform = module.eval_transform(resize, crop)
    return transform(Image.fromarray(image) if kind == "picture" else image)


def test_eval_transform__normalises(student: Student) -> None:
    """turns a red image of 12x8, resized to 6x4, into a square of 2x2 in which red is (1 - 0.485) / 0.229 = 2.249"""
    image = np.zeros((12, 8, 3), np.uint8)
    image[..., 0] = 255
    expected = torch.tensor([2.2489, -2.0357, -1.8044]).view(3, 1, 1).expand(3, 2, 2)
    found = student.run(transformed, image, "picture", 4, 2)
    expect_close(found, expected, "the result for a PIL image", atol=0.05, dtype=torch.float32)
    found = student.run(transformed, image, "array", 4, 2)
    expect_close(found, expected, "the result for an array", atol=0.05, dtype=torch.float32)


def test_eval_transform__takes_the_centre(student: Student) -> None:
    """keeps the aspect and cuts out the centre: of an image with a white right half, half of the square is white"""
    image = np.zeros((8, 32, 3), np.uint8)
    image[:, 16:] = 255
    found = student.run(transformed, image, "picture", 8, 4)
    expected = torch.tensor([[-2.1179, -2.1179, 2.2489, 2.2489]]).expand(4, 4)
    expect(isinstance(found, Tensor) and found.shape == (3, 4, 4), "The result should be a tensor of shape (3, 4, 4).")
    expect_close(found[0], expected, "the red channel", atol=0.05)


# decay_groups --------------------------------------------------------------------------------------------------------


def grouped(module: Any, freeze: bool) -> Any:
    """The names of the parameters in each group, and each group's weight decay, for a convolution, a norm and a layer."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    if freeze:
        model[0].requires_grad_(False)
    names = {id(p): name for name, p in model.named_parameters()}
    groups = module.decay_groups(model, 0.25)
    return [[[names.get(id(p), "another tensor") for p in group["params"]], group["weight_decay"]] for group in groups]


def test_decay_groups__splits_by_axes(student: Student) -> None:
    """lets the weights of convolution and linear layer decay, and neither the biases nor the batch norm"""
    found = student.run(grouped, False)
    expect(isinstance(found, list) and len(found) == 2, "The result should be a list of two groups.")
    expect_equal(found[0], [["0.weight", "2.weight"], 0.25], "the first group")
    expect_equal(found[1], [["0.bias", "1.weight", "1.bias", "2.bias"], 0.0], "the second group")


def test_decay_groups__leaves_frozen_ones_out(student: Student) -> None:
    """leaves out the parameters that do not require grad"""
    expected = [[["2.weight"], 0.25], [["1.weight", "1.bias", "2.bias"], 0.0]]
    expect_equal(student.run(grouped, True), expected, "the list of groups with a frozen convolution")


# decayed_lr ----------------------------------------------------------------------------------------------------------


def test_decayed_lr__falls_every_30_epochs(student: Student) -> None:
    """gives 0.1 up to epoch 29, 0.01 from epoch 30 and 0.001 from epoch 60"""
    for epoch, expected in ((0, 0.1), (29, 0.1), (30, 0.01), (59, 0.01), (60, 0.001)):
        expect_close(student.call("decayed_lr", 0.1, epoch), expected, f"the rate of epoch {epoch}", atol=1e-9)


def test_decayed_lr__takes_step_and_gamma(student: Student) -> None:
    """halves 8 three times in seven epochs where step is 2 and gamma 0.5"""
    expect_close(student.call("decayed_lr", 8.0, 7, 2, 0.5), 1.0, "the rate of epoch 7")
    expect_close(student.call("decayed_lr", 8.0, 3, step=2, gamma=0.5), 4.0, "the rate of epoch 3")


# warmup_cosine -------------------------------------------------------------------------------------------------------


def test_warmup_cosine__ramps_and_falls(student: Student) -> None:
    """gives 0.25, 0.5, 0.75, 1 in four steps of warmup, 1 at the fifth step, 0.5 half-way down and 0 at the end"""
    for step, expected in ((0, 0.25), (1, 0.5), (2, 0.75), (3, 1.0), (4, 1.0), (6, 0.5), (8, 0.0), (11, 0.0)):
        expect_close(student.call("warmup_cosine", step, 4, 8, 1.0), expected, f"the rate of step {step}")


def test_warmup_cosine__works_without_warmup(student: Student) -> None:
    """goes from 3 to 1 in six steps without a warmup where base is 3 and floor 1: 2 in the middle, 2.5 after a third"""
    for step, expected in ((0, 3.0), (2, 2.5), (3, 2.0), (4, 1.5), (6, 1.0)):
        expect_close(student.call("warmup_cosine", step, 0, 6, 3.0, 1.0), expected, f"the rate of step {step}")


# train_epoch ---------------------------------------------------------------------------------------------------------
# The model is w · x with w = 0 at first, and the loss is the mean of -w · x over a batch: its gradient is minus the mean of x,
# whatever w is, so that a step with learning rate 1 adds the mean of x to w. The second class has the score 1.


class Line(nn.Module):
    """Scores (w · x, 1) for x of shape (N, 1). It notes its mode and where each batch was."""

    seen: list[Any] = []  # noqa: RUF012  # of the class, so that copies share it

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Two scores."""
        self.seen.append([self.training, str(x.device)])
        product = x * self.w
        return torch.cat([product, torch.ones_like(product)], 1)


def minus_mean(scores: Tensor, labels: Tensor) -> Tensor:
    """The mean of minus the first score; the labels have to be where the scores are."""
    return -(scores[:, 0] + 0.0 * labels).mean()


def pairs(sizes: list[int]) -> list[Any]:
    """Batches of these sizes, of x = 1, 2, 3, … and label 1."""
    rows = torch.arange(1.0, sum(sizes) + 1).view(-1, 1).split(sizes)
    return [(x, torch.ones(len(x), dtype=torch.long)) for x in rows]


def train(module: Any, sizes: list[int], accumulate: int, device: str) -> dict[str, Any]:
    """What an epoch returns, w after it, and what the model saw."""
    model = Line().to(device)
    model.eval()
    model.w.grad = torch.full_like(model.w, 100.0)  # of an earlier step
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    found = module.train_epoch(model, pairs(sizes), minus_mean, optimizer, device, accumulate)
    return {
        "result": found,
        "w": model.w.detach(),
        "modes": [mode for mode, _ in model.seen],
        "places": [p for _, p in model.seen],
    }


def test_train_epoch__steps_after_each_batch(student: Student) -> None:
    """takes a step of 1.5 and one of 3 for the batches x = (1, 2) and x = 3, in train mode"""
    found = student.run(train, [2, 1], 1, "cpu")
    expect_close(found["w"], torch.tensor([4.5]), "w after the epoch")
    expect_equal(found["modes"], [True, True], "the list of the model's modes (training is True)")


def test_train_epoch__returns_means(student: Student) -> None:
    """returns the mean loss over three samples (0, 0 and -1.5 · 3), and 66.7 per cent: the third sample gets the wrong class"""
    found = student.run(train, [2, 1], 1, "cpu")["result"]
    expect_close(found, {"loss": -1.5, "acc1": 200 / 3}, "the result")


def test_train_epoch__accumulates(student: Student) -> None:
    """adds the mean of x = 1, 2, 3 for two batches of 2 and 1, and then 4.5 for the batch (4, 5) that is left"""
    found = student.run(train, [2, 1, 2], 2, "cpu")
    expect_close(found["w"], torch.tensor([6.5]), "w after the epoch")


@devices(1)
def test_train_epoch__moves_batches(student: Student) -> None:
    """moves images and labels to the GPU"""
    found = student.run(train, [2, 2], 1, "cuda:0")
    expect_equal(found["places"], ["cuda:0", "cuda:0"], "the list of devices of the batches")


# amp_step ------------------------------------------------------------------------------------------------------------
# The model is w · x with w = (0, 0), the loss the mean of its negative: the gradient is minus the mean of x.


class Watched(nn.Linear):
    """The model w · x; it notes whether autocast is on, forward and backward."""

    seen: list[bool] = []  # noqa: RUF012  # of the class, so that copies share it

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2) -> (N, 1)."""
        self.seen.append(torch.is_autocast_enabled("cpu"))
        scores = super().forward(x)
        scores.register_hook(lambda _: self.seen.append(torch.is_autocast_enabled("cpu")))
        return scores


def step(module: Any, clip: float) -> dict[str, Any]:
    """One step with x = (3, 4), for which the gradient has the norm 5, with a scale of 1024."""
    model = Watched(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=1)
    x, y = torch.tensor([[3.0, 4.0]]), torch.zeros(1)
    loss = module.amp_step(model, minus_mean, optimizer, scaler, x, y, "cpu", torch.bfloat16, clip)
    return {
        "loss": loss, "weight": model.weight.detach(), "dtype": str(model.weight.dtype), "seen": model.seen,
        "scale": scaler.get_scale(),
    }  # fmt: skip


def test_amp_step__clips_unscaled_gradients(student: Student) -> None:
    """adds (3, 4) to w where the gradient's norm of 5 is below clip = 10, and (0.6, 0.8) where clip is 1"""
    expect_close(student.run(step, 10.0)["weight"], torch.tensor([[3.0, 4.0]]), "w with clip = 10", rtol=0.01)
    expect_close(student.run(step, 1.0)["weight"], torch.tensor([[0.6, 0.8]]), "w with clip = 1", rtol=0.01)


def test_amp_step__autocasts_forward_only(student: Student) -> None:
    """has autocast on in the forward pass and off in the backward pass, and keeps the weight in float32"""
    found = student.run(step, 10.0)
    expect_equal(found["seen"], [True, False], "the list that says whether autocast was on, forward and backward")
    expect_equal(found["dtype"], "torch.float32", "the weight's dtype")


def test_amp_step__updates_the_scaler(student: Student) -> None:
    """returns the loss itself, 0, and has the scaler double its scale of 1024 after the step, as this one should"""
    found = student.run(step, 10.0)
    expect_close(found, {"loss": 0.0, "scale": 2048.0}, "the result")


# validate ------------------------------------------------------------------------------------------------------------


class Given(nn.Module):
    """It gives its input back for scores, and notes its mode and whether gradients are on."""

    seen: list[list[bool]] = []  # noqa: RUF012  # of the class, so that copies share it

    def forward(self, x: Tensor) -> Tensor:
        """The input."""
        self.seen.append([self.training, torch.is_grad_enabled()])
        return x


def evaluate(module: Any, training: bool) -> dict[str, Any]:
    """Three samples with six scores, of which class 0 has the highest and class 5 the lowest; in batches of 2 and 1."""
    model = Given().train(training)
    x, y = torch.arange(6.0, 0.0, -1.0).expand(3, 6), torch.tensor([0, 3, 5])
    loader = [(x[:2], y[:2]), (x[2:], y[2:])]
    found = module.validate(model, loader, minus_mean, "cpu")
    return {"result": found, "seen": model.seen, "training": model.training}


def test_validate__averages_over_samples(student: Student) -> None:
    """gives the loss -6, and 33.3 and 66.7 per cent where the targets come first, fourth and last among six"""
    expected = {"loss": -6.0, "acc1": 100 / 3, "acc5": 200 / 3}
    expect_close(student.run(evaluate, True)["result"], expected, "the result")


def test_validate__evaluates(student: Student) -> None:
    """runs in eval mode without gradients, and leaves the model in the mode that it was in"""
    for training in (True, False):
        found = student.run(evaluate, training)
        expect_equal(found["seen"], [[False, False]] * 2, "the list of training mode and gradients, batch by batch")
        expect(found["training"] == training, f"model.training was {training} before, but not afterwards.")


# save_checkpoint, load_checkpoint ------------------------------------------------------------------------------------
# One weight and its momentum: with a gradient of 1 the buffer is 1, then 1.5, then 1.75, and each step takes lr times that.


def make() -> tuple[nn.Module, optim.Optimizer, StepLR]:
    """The weight 0, SGD with learning rate 1 and momentum 0.5, and a scheduler that halves the rate every two steps."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = optim.SGD(model.parameters(), lr=1.0, momentum=0.5)
    return model, optimizer, StepLR(optimizer, 2, 0.5)


def go_on(model: nn.Module, optimizer: optim.Optimizer, scheduler: StepLR, steps: int) -> list[float]:
    """The weight after each step with a gradient of 1."""
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(1, 1)).sum().backward()
        optimizer.step()
        scheduler.step()
        found.append(next(model.parameters()).item())
    return found


def save(module: Any) -> dict[str, Any]:
    """Saves after three steps, over an older file that is open: who has it open still reads it when another has its name."""
    model, optimizer, scheduler = make()
    go_on(model, optimizer, scheduler, 3)
    content: Any = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "last.pt"
        path.write_text("before")
        with path.open() as opened:
            module.save_checkpoint(path, model, optimizer, scheduler, 3, 71.5)
            old = opened.read() == "before"
        with contextlib.suppress(Exception):  # the file is not there, or holds more than plain values
            content = torch.load(path, weights_only=True)
        return {"found": numbers_in(content), "old": old, "files": sorted(file.name for file in Path(folder).iterdir())}


def numbers_in(content: Any) -> list[float]:
    """All numbers of what a file holds, at any depth."""
    if isinstance(content, dict | list | tuple):
        items = content.values() if isinstance(content, dict) else content
        return [number for item in items for number in numbers_in(item)]
    if isinstance(content, Tensor):
        return [float(number) for number in content.flatten()]
    return [float(content)] if isinstance(content, int | float) else []


def test_save_checkpoint__keeps_everything(student: Student) -> None:
    """writes the weight -3.375, its momentum 1.75, the learning rate 0.5, the epoch 3 and the best accuracy 71.5"""
    found = student.run(save)["found"]
    expect(found, "torch.load(path, weights_only=True) finds nothing in the file. Save state_dicts and numbers.")
    for name, value in (("weight", -3.375), ("momentum", 1.75), ("learning rate", 0.5), ("epoch", 3.0), ("best", 71.5)):
        expect(any(abs(number - value) < 1e-6 for number in found), f"The file does not hold {value}, the {name}.")


def test_save_checkpoint__replaces_the_old_file(student: Student) -> None:
    """leaves the old file as it was until the new one takes its name, and no other file"""
    found = student.run(save)
    expect(found["old"], "The old file was written over. Write under another name, then os.replace.")
    expect_equal(found["files"], ["last.pt"], "the list of files in the folder")


def resume(module: Any, wrapped: bool) -> dict[str, Any]:
    """Three steps, a file, and three steps more by another model that loads it."""
    model, optimizer, scheduler = make()
    go_on(model, optimizer, scheduler, 3)
    with tempfile.TemporaryDirectory() as folder:
        module.save_checkpoint(f"{folder}/last.pt", model, optimizer, scheduler, 3, 71.5)
        model, optimizer, scheduler = make()
        given = nn.DataParallel(model) if wrapped else model
        result = module.load_checkpoint(f"{folder}/last.pt", given, optimizer, scheduler, "cpu")
    return {"result": result, "weights": go_on(model, optimizer, scheduler, 3), "rate": optimizer.param_groups[0]["lr"]}


def test_load_checkpoint__goes_on(student: Student) -> None:
    """returns (3, 71.5), and goes on as one would by hand: momentum 1.875 and rate 0.5, then 1.9375 and 0.25 twice"""
    found = student.run(resume, False)
    expect_equal(found["result"], (3, 71.5), ("the epoch", "the best accuracy"))
    expect_close(found["weights"], [-4.3125, -4.796875, -5.2890625], "the list of weights after the next three steps")
    expect_close(found["rate"], 0.125, "the learning rate then")


@devices(0)
def test_load_checkpoint__takes_data_parallel(student: Student) -> None:
    """loads the file of a plain model into one that is in nn.DataParallel"""
    found = student.run(resume, True)["weights"]
    expect_close(found, [-4.3125, -4.796875, -5.2890625], "the list of weights after the next three steps")


# all_reduce_mean -----------------------------------------------------------------------------------------------------


def reduce(module: Any, rank: int, world_size: int, init_method: str, total: float, count: int) -> Any:
    """One rank's result."""
    torch.distributed.init_process_group(
        "gloo", init_method=init_method, rank=rank, world_size=world_size, timeout=timedelta(seconds=8)
    )
    return module.all_reduce_mean(total, count, "cpu")


def test_all_reduce_mean__weights_by_counts(student: Student) -> None:
    """gives (6 + 0) / (2 + 1) = 2 on both of two ranks"""
    found = student.ranks(reduce, 2, PerRank([6.0, 0.0]), PerRank([2, 1]))
    expect_close(found, [2.0, 2.0], ["the result of rank 0", "the result of rank 1"])


def test_all_reduce_mean__works_alone(student: Student) -> None:
    """gives 7 / 2 without a process group, and nan where nothing was counted"""
    expect_close(student.call("all_reduce_mean", 7.0, 2, "cpu"), 3.5, "the result")
    expect_close(student.call("all_reduce_mean", 0.0, 0, "cpu"), float("nan"), "the result without samples")
