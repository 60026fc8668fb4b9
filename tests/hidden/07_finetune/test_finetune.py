"""Hidden checks of 07_finetune. The oracle is the same model in float64, built on this side from the same weights.

The models have the forms of torchvision's, and bait: a head that is registered before other layers, a layer whose name
begins with the head's, a hidden layer as wide as the scores, parameters of the model itself, an `aux` head that never runs.
Probes build them beside the learner's module and bring back what a model holds afterwards: values, modes, gradients, hooks.
A new head's own values are nobody's business but for where they come from: to see what it does, a probe fills it.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch._dynamo  # the first optimizer of a process imports it: loaded here, it costs no check its seconds
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import (
    Backbone,
    Mismatch,
    Resident,
    Student,
    Training,
    conduct,
    devices,
    expect,
    expect_close,
    expect_dtype,
    expect_equal,
    expect_shape,
    expect_unchanged,
    pretrained,
)
from autograder.images.pretrained import only
from autograder.images.store import EMBEDDED

Told = dict[str, Any]  # what a probe brings back
Tensors = dict[str, Tensor]  # a state_dict
Samples = tuple[Tensor, Tensor]  # images and labels
Spec = tuple[str, int, bool]  # of a model: its form, its number of classes, whether its head has a bias

HEADS = (("resnet", "fc"), ("densenet", "classifier"), ("vgg", "classifier.7"), ("squeezenet", "classifier.1"),
         ("wrapped", "body.fc"), ("plain", "1"), ("tied", "fc"))  # fmt: skip


def normal(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=dtype)


def integer(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def images_of(rng: torch.Generator, count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return normal(rng, count, 3, 6, 6, dtype=dtype)


def head_of(form: str) -> str:
    return dict(HEADS)[form]


# models that the suite builds, here and in the probes ----------------------------------------------------------------


class Residual(nn.Module):
    """As a ResNet: `fc` is the head, registered before layers that run earlier."""

    def __init__(self, classes: int, *, bias: bool) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(7))
        self.fc = nn.Linear(7, classes, bias=bias)
        self.conv1 = nn.Conv2d(3, 5, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(5)
        self.conv2 = nn.Conv2d(5, 5, 1)
        self.fc_in = nn.Linear(5, 7)
        self.aux = nn.Linear(5, classes)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.bn1(self.conv1(x)).relu()).mean((2, 3))
        scores: Tensor = self.fc(self.drop(self.fc_in(x).tanh() * self.gain))
        return scores


class Staged(nn.Module):
    """Features, then a classifier: as a DenseNet or a VGG, or as a SqueezeNet, whose classifier takes maps."""

    def __init__(self, classifier: nn.Module, *, maps: bool) -> None:
        super().__init__()
        self.classifier = classifier
        self.features = nn.Sequential(OrderedDict(conv0=nn.Conv2d(3, 6, 3, bias=False), norm0=nn.BatchNorm2d(6), relu0=nn.ReLU()))
        self.aux = nn.Conv2d(6, 3, 1)
        self.maps = maps

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        scores: Tensor = self.classifier(x if self.maps else x.mean((2, 3)))
        return scores.flatten(1)


def build(form: str, classes: int, bias: bool) -> nn.Module:
    """A model for images of 3x6x6, with the head that HEADS names."""
    if form == "resnet":
        return Residual(classes, bias=bias)
    if form == "wrapped":
        return nn.Sequential(OrderedDict(before=nn.Identity(), body=Residual(classes, bias=bias)))
    if form == "densenet":
        return Staged(nn.Linear(6, classes, bias=bias), maps=False)
    if form == "vgg":
        hidden = (nn.Linear(6, classes, bias=False), nn.BatchNorm1d(classes), nn.ReLU(), nn.Dropout(0.5))
        last = (nn.Linear(classes, 8), nn.ReLU(), nn.Linear(8, classes, bias=bias))
        return Staged(nn.Sequential(nn.Dropout(0.5), *hidden, *last), maps=False)
    if form == "squeezenet":
        layers = (nn.Dropout(0.5), nn.Conv2d(6, classes, 1, bias=bias), nn.Softplus(), nn.AdaptiveAvgPool2d(1))
        return Staged(nn.Sequential(*layers), maps=True)
    if form == "tied":  # the head and a layer of the backbone share their weight
        model = nn.Sequential(
            OrderedDict(flatten=nn.Flatten(), fc_first=nn.Linear(108, 4), inner=nn.Linear(4, 4), fc=nn.Linear(4, 4))
        )
        model.fc.weight = model.inner.weight
        return model
    return nn.Sequential(nn.Flatten(), nn.Linear(108, classes, bias=bias))


def draw(rng: torch.Generator, spec: Spec, dtype: torch.dtype = torch.float32) -> Tensors:
    """A state_dict for such a model, its statistics drawn too."""
    state = {}
    for name, tensor in build(*spec).state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(integer(rng, 1, 9))
        elif name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(tensor.shape, generator=rng, dtype=dtype)
        else:
            fan = tensor[0].numel() if tensor.dim() > 1 else 1
            state[name] = normal(rng, *tensor.shape, dtype=dtype) / math.sqrt(fan)
    return state


def prepared(spec: Any, state: Any, still: Any = (), frozen: Any = ()) -> nn.Module:
    """The model with this state, in train mode but for the layers `still`, parameters frozen that begin with one of `frozen`."""
    model = build(*spec)
    model.to(next(t.dtype for t in state.values() if t.is_floating_point()))
    model.load_state_dict(state)
    for name, layer in model.named_modules():
        layer.training = name not in still
    for name, p in model.named_parameters():
        p.requires_grad_(not name.startswith(tuple(frozen)))
    return model


def snapshot(model: nn.Module) -> Any:
    """What a model holds: values, modes, which parameters require grad, gradients, hooks."""
    return {
        "state": {name: t.detach().clone() for name, t in model.state_dict().items()},
        "modes": {name: layer.training for name, layer in model.named_modules()},
        "requires": [name for name, p in model.named_parameters() if p.requires_grad],
        "grads": {name: p.grad for name, p in model.named_parameters() if p.grad is not None},
        "hooks": hooks_of(model),
    }


def hooks_of(model: nn.Module) -> int:
    """How many hooks there are on all layers, and for all modules; a forward of a layer's own counts too."""
    everywhere = torch.nn.modules.module
    found = len(everywhere._global_forward_hooks) + len(everywhere._global_forward_pre_hooks)
    for layer in model.modules():
        found += len(layer._forward_hooks) + len(layer._forward_pre_hooks) + ("forward" in vars(layer))
    return found


def with_traces(model: nn.Module, head: str) -> nn.Module:
    """The model with a hook on its head, and old gradients of ones."""
    model.get_submodule(head).register_forward_hook(lambda *_: None)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    return model


def wide(state: Tensors) -> Tensors:
    return {name: t.double() if t.is_floating_point() else t for name, t in state.items()}


def of_head(name: str, head: str) -> bool:
    return name == head or name.startswith(f"{head}.")


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")


# what a call should leave alone --------------------------------------------------------------------------------------


def expect_values_kept(after: Told, before: Told, call: str, but: str | None = None) -> None:
    """Fail if parameters or buffers have moved, those of the layer `but` aside."""
    for name, value in before["state"].items():
        if but is not None and of_head(name, but):
            continue
        if not isinstance(after["state"].get(name), Tensor):
            raise Mismatch(f"After {call} the model has no {name} any more.")
        if name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            same = torch.equal(after["state"][name], value)
            expect(same, f"{call} has moved {name}: a forward pass in train mode changes the running statistics.")
        expect_close(after["state"][name], value, f"after {call}, the value of {name}", rtol=0, atol=0)


def expect_modes_kept(after: Told, before: Told, call: str, but: str | None = None) -> None:
    """Fail if a layer is in another mode than before."""
    for name, mode in before["modes"].items():
        if but is None or not of_head(name, but):
            now, then = ("train", "eval") if after["modes"].get(name) else ("eval", "train")
            expect(after["modes"].get(name) == mode, f"After {call}, {f'the layer {name}' if name else 'the model'} is in {now} "
                   f"mode, but it was in {then} mode. Each layer has a mode of its own.")  # fmt: skip


def expect_traces_kept(after: Told, before: Told, call: str) -> None:
    """Fail if gradients, flags or hooks are not as before."""
    expect(after["hooks"] <= before["hooks"], f"After {call} a hook is left on the model: keep the handle, and remove() it.")
    expect(after["hooks"] == before["hooks"], f"{call} has removed a hook that was there before: remove your own, by its handle.")
    expect_equal(after["requires"], before["requires"], f"the list of parameters that require grad after {call}")
    same = after["grads"].keys() == before["grads"].keys()
    same = same and all(torch.equal(grad, before["grads"][name]) for name, grad in after["grads"].items())
    expect(same, f"After {call} the gradients are not those from before: run the model under torch.no_grad(), "
                 "and leave each .grad alone.")  # fmt: skip


# freeze --------------------------------------------------------------------------------------------------------------


def frozen_by(module: Any, spec: Any, state: Any, still: Any, frozen: Any, names: Any) -> Any:
    """A model whose parts of these names were frozen, one after the other."""
    model = prepared(spec, state, still, frozen)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    for name in names:
        module.freeze(model.get_submodule(name))
    return snapshot(model)


def frozen_here(spec: Spec, state: Tensors, still: Sequence[str], frozen: Sequence[str]) -> Told:
    found: Told = frozen_by(None, spec, state, still, frozen, ())
    return found


def expect_frozen(told: Told, names: Sequence[str] = ("",)) -> None:
    left = [name for name in told["requires"] if any(not part or of_head(name, part) for part in names)]
    expect(not left, f"After freeze, {listed(left)} still require grad. The flag belongs to each parameter: go through all that "
                     "parameters() gives.")  # fmt: skip


def test_freeze__every_parameter(student: Student, rng: torch.Generator) -> None:
    """switches requires_grad off for every parameter of a module, those of inner layers too"""
    for form in ("resnet", "vgg"):
        spec = (form, integer(rng, 2, 5), True)
        expect_frozen(student.run(frozen_by, spec, draw(rng, spec), [], [], [""]))


def test_freeze__clears_gradients(student: Student, rng: torch.Generator) -> None:
    """leaves no gradient in any parameter, also not in one that was frozen before"""
    spec = ("wrapped", 3, True)
    told = student.run(frozen_by, spec, draw(rng, spec), [], ["body.conv1", "body.fc"], [""])
    left = list(told["grads"])
    expect(not left, f"After freeze, {listed(left)} still hold a gradient. Set each .grad to None; zeros are a gradient too.")


def test_freeze__a_part_alone(student: Student, rng: torch.Generator) -> None:
    """freezes the module that it is given, and nothing of the rest of the model"""
    spec = ("vgg", 4, True)
    state = draw(rng, spec)
    told = student.run(frozen_by, spec, state, [], [], ["features", "classifier.5"])
    expect_frozen(told, ["features", "classifier.5"])
    before = frozen_here(spec, state, [], [])
    rest = [name for name in before["requires"] if not name.startswith(("features", "classifier.5"))]
    expect_equal(told["requires"], rest, "the list of parameters that still require grad")
    expect_equal(sorted(told["grads"]), sorted(rest), "the list of parameters that still hold a gradient")


LEFT = ("conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "conv2.bias", "fc_in.weight", "fc_in.bias")


def test_freeze__any_module(student: Student, rng: torch.Generator) -> None:
    """takes a single layer, one without parameters, and one that is frozen already"""
    spec = ("resnet", 2, False)
    told = student.run(frozen_by, spec, draw(rng, spec), [], ["aux"], ["fc", "drop", "aux", "fc"])
    expect_equal(told["requires"], ["gain", *LEFT],
                 "the list of parameters that still require grad")  # fmt: skip


def test_freeze__leaves_the_rest(student: Student, rng: torch.Generator) -> None:
    """leaves values, buffers and modes as they are"""
    spec, still = ("vgg", 3, True), ["features.norm0", "classifier.0"]
    state = draw(rng, spec)
    told, before = student.run(frozen_by, spec, state, still, [], [""]), frozen_here(spec, state, still, [])
    expect_values_kept(told, before, "freeze")
    expect_modes_kept(told, before, "freeze")


# head_name -----------------------------------------------------------------------------------------------------------


def named_by(module: Any, spec: Any, state: Any, still: Any, head: str, batches: Any) -> Any:
    """The names that are found for each batch, and how the model is afterwards."""
    model = with_traces(prepared(spec, state, still), head)
    names = [module.head_name(model, x) for x in batches]
    return {"names": names, "batches": batches, **snapshot(model)}


def traced_here(spec: Spec, state: Tensors, still: Sequence[str] = (), frozen: Sequence[str] = ()) -> Told:
    found: Told = snapshot(with_traces(prepared(spec, state, still, frozen), head_of(spec[0])))
    return found


def named(student: Student, rng: torch.Generator, spec: Spec, still: Sequence[str] = (), counts: Sequence[int] = (3,)) -> Told:
    """A run of head_name, its names judged."""
    state, head = draw(rng, spec), head_of(spec[0])
    told: Told = student.run(named_by, spec, state, list(still), head, [images_of(rng, n) for n in counts])
    for name in told["names"]:
        never = isinstance(name, str) and name.split(".")[-1] == "aux"
        expect(not never, "The layer that head_name names never runs: it was only registered last. Let hooks tell who runs.")
        expect_equal(name, head, "the name of the head")
    return {**told, "before": traced_here(spec, state, still)}


def test_head_name__finds_the_head(student: Student, rng: torch.Generator) -> None:
    """names the layer that makes the scores: fc, classifier, or one inside of classifier"""
    for form in ("resnet", "vgg"):
        named(student, rng, (form, integer(rng, 2, 5), True))


def test_head_name__other_forms(student: Student, rng: torch.Generator) -> None:
    """finds it in a model of any build, with or without a bias, and with a part of another name around it"""
    for spec in (("densenet", 3, True), ("wrapped", 4, False), ("plain", 5, True)):
        named(student, rng, spec)


def test_head_name__a_convolution(student: Student, rng: torch.Generator) -> None:
    """finds a convolution that makes the scores, where other layers run after it"""
    named(student, rng, ("squeezenet", integer(rng, 2, 5), True))


def test_head_name__any_batch(student: Student, rng: torch.Generator) -> None:
    """works for batches of two and more, and call after call"""
    told = named(student, rng, ("vgg", 3, False), counts=(2, 5, 2))
    for x, count in zip(told["batches"], (2, 5, 2), strict=True):
        expect_shape(x, (count, 3, 6, 6), "the batch of images")


def test_head_name__leaves_the_modes(student: Student, rng: torch.Generator) -> None:
    """leaves each layer in its mode: all in train mode, all in eval mode, or mixed"""
    every = [name for name, _ in build("vgg", 3, bias=True).named_modules()]
    for still in ([], every, ["", "features.norm0", "classifier.4"]):
        told = named(student, rng, ("vgg", 3, True), still)
        expect_modes_kept(told, told["before"], "head_name")


def test_head_name__leaves_the_statistics(student: Student, rng: torch.Generator) -> None:
    """leaves parameters and running statistics as they are, for a model in train mode"""
    for form in ("resnet", "vgg"):
        told = named(student, rng, (form, 3, True))
        expect_values_kept(told, told["before"], "head_name")


@conduct
def test_head_name__leaves_no_trace(student: Student, rng: torch.Generator) -> None:
    """leaves gradients, and hooks, as they were: its own are gone, another's is still there"""
    told = named(student, rng, ("resnet", 4, True), counts=(2, 3))
    expect_traces_kept(told, told["before"], "head_name")


# replace_head and feature_extractor ----------------------------------------------------------------------------------


def layer_at(model: nn.Module, name: str) -> Any:
    """The layer of that name, None if there is none."""
    try:
        return model.get_submodule(name)
    except AttributeError:
        return None


def kind_of(layer: Any) -> str:
    for kind in (nn.Linear, nn.Conv2d):
        if isinstance(layer, kind):
            return kind.__name__
    return type(layer).__name__


def replaced_by(module: Any, task: str, spec: Any, state: Any, still: Any, frozen: Any, counts: Any, fill: Any, x: Any) -> Any:
    """The model after new heads with these numbers of classes; `fill` goes into the last, and gives its scores for x."""
    model = prepared(spec, state, still, frozen)
    name = dict(HEADS)[spec[0]]
    returned = []
    for classes in counts:
        old, others = layer_at(model, name), dict(model.named_parameters())
        given = getattr(module, task)(model, name, classes)
        returned.append("the model" if given is model else type(given).__name__)
    new = layer_at(model, name)
    weight, bias = getattr(new, "weight", None), getattr(new, "bias", None)
    told = {
        "returned": returned,
        "replaced": new is not old,
        "kind": kind_of(new),
        "weight": list(weight.shape) if isinstance(weight, torch.Tensor) else None,
        "bias": list(bias.shape) if isinstance(bias, torch.Tensor) else None,
        "dtype": str(getattr(weight, "dtype", None)),
        "copied": rows_of(weight, old.weight) + rows_of(bias, old.bias),
        "other_objects": [key for key, p in model.named_parameters() if not of_head(key, name) and others.get(key) is not p],
        **snapshot(model),
        "scores": None,
    }
    told["state"] = {key: t for key, t in told["state"].items() if not of_head(key, name)}  # the rest is random
    if told["weight"] == list(fill["weight"].shape):
        with torch.no_grad():
            weight.copy_(fill["weight"])
            if bias is not None:
                bias.copy_(fill["bias"])
            told["scores"] = model.eval()(x)
    return told


def rows_of(new: Any, old: Any) -> int:
    """How many rows of the new tensor are rows of the old one."""
    if not isinstance(new, torch.Tensor) or not isinstance(old, torch.Tensor) or new[0].numel() != old[0].numel():
        return 0
    a, b = new.detach().flatten(1) if new.dim() > 1 else new.detach()[:, None], old.detach()
    b = b.flatten(1) if b.dim() > 1 else b[:, None]
    return int((a[:, None] == b[None]).all(2).any(1).sum())


def given_head(rng: torch.Generator, spec: Spec, classes: int, dtype: torch.dtype = torch.float32) -> Tensors:
    """Values for the new head."""
    head = layer_at(build(*spec), head_of(spec[0]))
    return {"weight": normal(rng, classes, *head.weight.shape[1:], dtype=dtype), "bias": normal(rng, classes, dtype=dtype)}


def scores_here(spec: Spec, state: Tensors, fill: Tensors, x: Tensor) -> Tensor:
    """The scores of the model in eval mode, with these values in its head, in float64."""
    model = prepared(spec, wide(state))
    head = layer_at(model, head_of(spec[0]))
    head.weight = nn.Parameter(fill["weight"].double())
    head.bias = nn.Parameter(fill["bias"].double()) if spec[2] else None
    with torch.no_grad():
        scores: Tensor = model.eval()(x.double())
    return scores


SCORES = "the tensor of scores, with values of the suite's in the new head"


def replaced(
    student: Student, rng: torch.Generator, spec: Spec, counts: Sequence[int], *, task: str = "replace_head",
    still: Sequence[str] = (), frozen: Sequence[str] = (), dtype: torch.dtype = torch.float32,
) -> Told:  # fmt: skip
    """A run of replace_head or feature_extractor, judged by what stands in the head's place and what the scores are."""
    state, x = draw(rng, spec, dtype), images_of(rng, 3, dtype)
    fill = given_head(rng, spec, counts[-1], dtype)
    told: Told = student.run(replaced_by, task, spec, state, list(still), list(frozen), list(counts), fill, x)
    name, old = head_of(spec[0]), layer_at(build(*spec), head_of(spec[0]))
    for given in told["returned"]:
        came = "None, as a function without `return` does" if given == "NoneType" else f"another object, of type {given}"
        expect(given == "the model", f"{task} should return the model that it was given, but it returned {came}.")
    expect(told["replaced"], "The layer at the head's name is still the old one. Where the name has dots, the attribute belongs "
                             "to the layer around the head, and its name is the last part.")  # fmt: skip
    wanted = [kind_of(old), [counts[-1], *old.weight.shape[1:]], [counts[-1]] if spec[2] else None]
    expect_equal(told["kind"], wanted[0], "the kind of the new head")
    expect_equal(told["weight"], wanted[1], "the shape of the new head's weight")
    extra = (
        "The new head has a bias, and the old one had none."
        if told["bias"]
        else "The new head lacks a bias; the old one had one."
    )
    expect((told["bias"] is None) == (wanted[2] is None), extra)
    expect_equal(told["dtype"], str(dtype), "the dtype of the new head's weight")
    expect_close(told["scores"], scores_here(spec, state, fill, x), SCORES,
                 rtol=1e-3, atol=1e-4)  # fmt: skip
    return {**told, "before": snapshot(prepared(spec, state, still, frozen)), "name": name}


def test_replace_head__new_outputs(student: Student, rng: torch.Generator) -> None:
    """puts a layer with as many outputs as there are classes in the head's place, and returns the model"""
    for form in ("resnet", "vgg"):
        replaced(student, rng, (form, 4, True), [integer(rng, 5, 8)])


def test_replace_head__any_name(student: Student, rng: torch.Generator) -> None:
    """finds the place of any dotted name: classifier, body.fc, 1"""
    for form in ("densenet", "wrapped", "plain"):
        replaced(student, rng, (form, 3, True), [integer(rng, 4, 6)])


def test_replace_head__a_convolution(student: Student, rng: torch.Generator) -> None:
    """replaces a convolution by a convolution"""
    replaced(student, rng, ("squeezenet", 4, True), [integer(rng, 2, 6)])


def test_replace_head__bias(student: Student, rng: torch.Generator) -> None:
    """gives the new head no bias where the old one had none"""
    for form in ("resnet", "squeezenet"):
        replaced(student, rng, (form, 3, False), [4])


def test_replace_head__dtype(student: Student, rng: torch.Generator) -> None:
    """gives the new head the dtype of the old one"""
    for form in ("vgg", "squeezenet"):
        replaced(student, rng, (form, 3, True), [5], dtype=torch.float64)


def replaced_on_meta(module: Any, spec: Any, classes: int) -> Any:
    """The device of the new head's tensors in a model whose tensors are on `meta`."""
    model = build(*spec).to("meta")
    name = dict(HEADS)[spec[0]]
    module.replace_head(model, name, classes)
    new = layer_at(model, name)
    return [str(p.device) for p in new.parameters()] if isinstance(new, nn.Module) else []


def test_replace_head__device(student: Student, rng: torch.Generator) -> None:
    """puts the new head on the device of the old one"""
    for form in ("densenet", "squeezenet"):
        found = student.run(replaced_on_meta, (form, 3, True), integer(rng, 4, 6))
        expect(found and all(place == "meta" for place in found), "The old head was on another device than the CPU, and the new "
               "one is not there: make it on the device of the old weight.")  # fmt: skip


def test_replace_head__any_count(student: Student, rng: torch.Generator) -> None:
    """works for one class, and twice in a row"""
    replaced(student, rng, ("resnet", 4, True), [1])
    replaced(student, rng, ("squeezenet", 3, True), [6, 2])


def test_replace_head__fresh_values(student: Student, rng: torch.Generator) -> None:
    """makes a new layer with values of its own, also for as many classes as before"""
    for form, count in (("resnet", 4), ("squeezenet", 4), ("resnet", 6), ("squeezenet", 2)):
        copied = replaced(student, rng, (form, 4, True), [count])["copied"]
        expect(copied == 0, f"{copied} rows or numbers of the new head are the old one's. It should begin afresh.")


def test_replace_head__to_be_trained(student: Student, rng: torch.Generator) -> None:
    """makes a head that requires grad, and leaves the flags of all other parameters"""
    for frozen in ([], [""], ["conv1", "fc.", "aux"]):
        told = replaced(student, rng, ("resnet", 3, True), [4], frozen=frozen)
        lacking = [name for name in ("fc.weight", "fc.bias") if name not in told["requires"]]
        expect(not lacking, f"{listed(lacking)} of the new head does not require grad.")
        rest = [name for name in told["requires"] if not of_head(name, "fc")]
        before = [name for name in told["before"]["requires"] if not of_head(name, "fc")]
        expect_equal(rest, before, "the list of other parameters that require grad")


@conduct
def test_replace_head__others_stay(student: Student, rng: torch.Generator) -> None:
    """leaves all other parameters in place, the same objects with the same values"""
    for form in ("wrapped", "vgg"):
        told = replaced(student, rng, (form, 3, True), [5])
        expect(not told["other_objects"], f"{listed(told['other_objects'])} is another object now: replace the head alone.")
        expect_equal(sorted(told["state"]), sorted(n for n in told["before"]["state"] if not of_head(n, told["name"])),
                     "the list of the other tensors in state_dict()")  # fmt: skip
        expect_values_kept(told, told["before"], "replace_head", told["name"])


def test_replace_head__keeps_the_modes(student: Student, rng: torch.Generator) -> None:
    """leaves the model and each layer in its mode"""
    every = [name for name, _ in build("vgg", 3, bias=True).named_modules()]
    for still in (every, ["features.norm0"]):
        told = replaced(student, rng, ("vgg", 3, True), [4], still=still)
        expect_modes_kept(told, told["before"], "replace_head", told["name"])


# feature_extractor ---------------------------------------------------------------------------------------------------


def extracted(
    student: Student, rng: torch.Generator, spec: Spec, counts: Sequence[int], frozen: Sequence[str] = (),
    still: Sequence[str] = (),
) -> Told:  # fmt: skip
    """A run of feature_extractor, judged by its head and by what requires grad."""
    told = replaced(student, rng, spec, counts, task="feature_extractor", frozen=frozen, still=still)
    name = told["name"]
    trained = [each for each in told["requires"] if of_head(each, name)]
    left = [each for each in told["requires"] if not of_head(each, name)]
    expect(told["requires"], "No parameter requires grad, those of the new head neither: it was frozen along with the rest.")
    expect(not left, f"Beside the new head, {listed(left)} still require grad: freeze all that is not the new head.")
    expect_equal(trained, [f"{name}.weight", f"{name}.bias"] if spec[2] else [f"{name}.weight"], "the list of what requires grad")
    return told


def test_feature_extractor__trains_the_head_alone(student: Student, rng: torch.Generator) -> None:
    """replaces the head, and leaves the new head's parameters alone to be trained"""
    for form in ("resnet", "squeezenet"):
        extracted(student, rng, (form, 4, True), [integer(rng, 5, 7)])


def test_feature_extractor__other_forms(student: Student, rng: torch.Generator) -> None:
    """freezes other layers of the classifier too, and layers whose name begins like the head's"""
    for form in ("vgg", "wrapped", "plain"):
        extracted(student, rng, (form, 3, True), [integer(rng, 4, 6)])


def test_feature_extractor__frozen_before(student: Student, rng: torch.Generator) -> None:
    """works for a model that is frozen in part or as a whole, and for a head without a bias"""
    for frozen in (["conv1", "bn1"], [""], ["fc."]):
        extracted(student, rng, ("resnet", 3, False), [4], frozen)


def test_feature_extractor__again(student: Student, rng: torch.Generator) -> None:
    """can be called twice in a row"""
    extracted(student, rng, ("resnet", 4, True), [3, 5])
    extracted(student, rng, ("vgg", 3, True), [3, 3])


def test_feature_extractor__leaves_the_backbone(student: Student, rng: torch.Generator) -> None:
    """leaves the backbone's values, buffers and modes as they are"""
    told = extracted(student, rng, ("vgg", 3, True), [4], still=["features.norm0", "classifier.2"])
    expect_values_kept(told, told["before"], "feature_extractor", told["name"])
    expect_modes_kept(told, told["before"], "feature_extractor", told["name"])


# param_groups --------------------------------------------------------------------------------------------------------


def listed_groups(model: nn.Module, groups: Any) -> Any:
    """For each group the names of its parameters, its lr, and whether it keeps them in a set; or the type of what is no list."""
    if not isinstance(groups, list | tuple) or not all(isinstance(group, dict) for group in groups):
        return type(groups).__name__
    names = {id(p): name for name, p in model.named_parameters()}
    found = []
    for group in groups:
        params = group.get("params", ())
        in_set = isinstance(params, set | frozenset)
        params = [params] if isinstance(params, torch.Tensor) else [p[1] if isinstance(p, tuple) else p for p in params]
        found.append([sorted(names.get(id(p), "?") for p in params), group.get("lr"), in_set])
    return found


def grouped_by(module: Any, spec: Any, frozen: Any, lr: float, head_lr: float) -> Any:
    model = build(*spec)
    for name, p in model.named_parameters():
        p.detach().fill_(1.0)  # equal numbers everywhere: a parameter is known by what it is
        p.requires_grad_(not name.startswith(tuple(frozen)))
    return listed_groups(model, module.param_groups(model, dict(HEADS)[spec[0]], lr, head_lr))


def expect_groups(student: Student, spec: Spec, frozen: Sequence[str], rates: tuple[float, float] = (0.01, 0.3)) -> None:
    """The parameters that require grad, each once, with their rates, the backbone first."""
    model, head = build(*spec), head_of(spec[0])
    heads = {id(p) for p in layer_at(model, head).parameters()}
    wanted = {name: rates[id(p) in heads] for name, p in model.named_parameters() if not name.startswith(tuple(frozen))}
    found = student.run(grouped_by, spec, list(frozen), *rates)
    expect(not isinstance(found, str), f"param_groups should return a list of dicts, but it returned something of type {found}.")
    seen = [name for names, _, _ in found for name in names]
    twice = sorted({name for name in seen if seen.count(name) > 1 and name != "?"})
    expect(not twice, f"{listed(twice)} is in the groups more than once: a parameter of the head is none of the backbone's.")
    expect(all(names for names, _, _ in found), "One of the groups holds no parameters: leave it out.")
    held = {name for name, _ in model.named_parameters()} - wanted.keys()
    idle = sorted(held & set(seen))
    expect(not idle, f"{listed(idle)} is in a group and does not require grad: leave out what is frozen.")
    lacking = sorted(wanted.keys() - set(seen))
    expect(not lacking, f"{listed(lacking)} requires grad and is in no group.")
    expect("?" not in seen, "A group holds something that is no parameter of the model.")
    expect(not any(in_set for _, _, in_set in found), "A group keeps its parameters in a set, which torch.optim refuses: it "
                                                      "wants them in an order.")  # fmt: skip
    for names, rate, _ in found:
        for name in names:
            expect_close(rate, wanted[name], f"the lr of {name}", rtol=1e-9, atol=0)
    order = [id(dict(model.named_parameters())[name]) in heads for name in seen]
    expect(order == sorted(order), "The head's parameters stand before the backbone's: the backbone comes first.")


def test_param_groups__two_rates(student: Student, rng: torch.Generator) -> None:
    """puts the backbone's parameters into groups with lr, and after them the head's with head_lr"""
    for form in ("resnet", "squeezenet"):
        expect_groups(student, (form, integer(rng, 2, 5), True), [], (0.001 * integer(rng, 1, 9), 0.1 * integer(rng, 1, 9)))


def test_param_groups__any_name(student: Student, rng: torch.Generator) -> None:
    """counts other layers of the classifier, and those whose name begins like the head's, as the backbone's"""
    for form in ("vgg", "wrapped", "densenet"):
        expect_groups(student, (form, integer(rng, 2, 4), True), [])


def test_param_groups__frozen_in_part(student: Student, rng: torch.Generator) -> None:
    """leaves out what is frozen, of the backbone and of the head"""
    expect_groups(student, ("vgg", 3, True), ["features.conv0", "classifier.2", "aux"])
    expect_groups(student, ("resnet", integer(rng, 2, 4), True), ["fc.bias", "gain"])


def test_param_groups__no_empty_group(student: Student, rng: torch.Generator) -> None:
    """leaves out a group that would be empty: that of a frozen backbone, or of a frozen head"""
    expect_groups(student, ("squeezenet", integer(rng, 2, 4), True), ["features", "aux"])
    expect_groups(student, ("resnet", 3, True), ["fc."])


def test_param_groups__nothing_to_train(student: Student, rng: torch.Generator) -> None:
    """gives an empty list where nothing requires grad"""
    found = student.run(grouped_by, ("densenet", integer(rng, 2, 4), True), [""], 0.1, 0.2)
    expect_equal(found, [], "the list of groups of a frozen model")


def test_param_groups__shared(student: Student, rng: torch.Generator) -> None:
    """counts a tensor that backbone and head share as the head's, once"""
    expect_groups(student, ("tied", 4, True), [], (0.02, 0.1 * integer(rng, 3, 9)))


def stepped_by(module: Any, spec: Any, state: Any, frozen: Any, lr: float, head_lr: float) -> Any:
    """How far each parameter goes in a step of SGD over the groups, with gradients of ones."""
    model = prepared(spec, state, (), frozen)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.SGD(module.param_groups(model, dict(HEADS)[spec[0]], lr, head_lr), lr=7.0)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    return {name: before[name] - p.detach() for name, p in model.named_parameters()}


def test_param_groups__in_an_optimizer(student: Student, rng: torch.Generator) -> None:
    """makes groups with which an optimizer takes steps of the two sizes"""
    spec = ("resnet", 3, True)
    found = student.run(stepped_by, spec, draw(rng, spec), ["conv1"], 0.25, 0.5)
    for name, p in build(*spec).named_parameters():
        size = 0.0 if name.startswith("conv1") else 0.5 if of_head(name, "fc") else 0.25
        expect_close(found[name], torch.full(p.shape, size), f"the step of {name}, whose gradient is 1")


# features ------------------------------------------------------------------------------------------------------------


def looked_at(module: Any, spec: Any, state: Any, still: Any, frozen: Any, batches: Any) -> Any:
    """The features of each batch, and how the model is afterwards."""
    head = dict(HEADS)[spec[0]]
    model = with_traces(prepared(spec, state, still, frozen), head)
    found = [module.features(model, head, x) for x in batches]
    graphs = [isinstance(each, torch.Tensor) and each.requires_grad for each in found]
    return {"features": found, "graphs": graphs, "batches": batches, **snapshot(model)}


def features_here(spec: Spec, state: Tensors, x: Tensor) -> Tensor:
    """What goes into the head in eval mode, in float64."""
    model, came = prepared(spec, wide(state)).eval(), []
    layer_at(model, head_of(spec[0])).register_forward_pre_hook(lambda _, inputs: came.append(inputs[0]))
    with torch.no_grad():
        model(x.double())
    found: Tensor = came[0].flatten(1)
    return found


def scores_of(spec: Spec, state: Tensors, x: Tensor) -> Tensor:
    with torch.no_grad():
        scores: Tensor = prepared(spec, wide(state)).eval()(x.double())
    return scores


def expect_features(
    student: Student, rng: torch.Generator, spec: Spec, counts: Sequence[int] = (4,), *, still: Sequence[str] = (),
    frozen: Sequence[str] = (), dtype: torch.dtype = torch.float32,
) -> Told:  # fmt: skip
    state, batches = draw(rng, spec, dtype), [images_of(rng, n, dtype) for n in counts]
    told: Told = student.run(looked_at, spec, state, list(still), list(frozen), batches)
    fine = {"rtol": 1e-9, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 1e-3, "atol": 1e-4}
    for found, x in zip(told["features"], batches, strict=True):
        slips = {"These are the scores, which come out of the head: what goes into it is asked for.": scores_of(spec, state, x)}
        expect_close(found, features_here(spec, state, x), "the tensor of features", dtype=dtype, slips=slips, **fine)
    return {**told, "before": traced_here(spec, state, still, frozen), "sent": batches}


def test_features__go_into_the_head(student: Student, rng: torch.Generator) -> None:
    """gives what goes into the head, for a model that comes in eval mode"""
    for form in ("resnet", "densenet"):
        every = [name for name, _ in build(form, 3, bias=True).named_modules()]
        expect_features(student, rng, (form, 3, True), [integer(rng, 3, 6)], still=every)


def test_features__in_eval_mode(student: Student, rng: torch.Generator) -> None:
    """puts a model that is in train mode into eval mode for it: BatchNorm uses its statistics, Dropout rests"""
    for form in ("resnet", "vgg"):
        expect_features(student, rng, (form, 3, True))


def test_features__flattened(student: Student, rng: torch.Generator) -> None:
    """flattens what goes into a convolution, and finds a head inside of other layers"""
    for form in ("squeezenet", "wrapped", "plain"):
        expect_features(student, rng, (form, 3, True), [2])


def test_features__any_batch(student: Student, rng: torch.Generator) -> None:
    """works for a single image, and gives each call its own features"""
    told = expect_features(student, rng, ("vgg", 4, False), [1, 5, 1])
    for after, before in zip(told["batches"], told["sent"], strict=True):
        expect_unchanged(after, before, "the batch of images")


def test_features__float64(student: Student, rng: torch.Generator) -> None:
    """works in float64, with all digits"""
    expect_features(student, rng, ("squeezenet", 3, True), [3], dtype=torch.float64)


def test_features__no_graph(student: Student, rng: torch.Generator) -> None:
    """gives features without a graph, whatever is trained"""
    told = expect_features(student, rng, ("resnet", 3, True), [3, 2], frozen=["conv1"])
    expect(
        not any(told["graphs"]), "The features have a graph, which keeps the whole forward pass in memory: use torch.no_grad()."
    )


def test_features__keeps_the_modes(student: Student, rng: torch.Generator) -> None:
    """leaves the model and each layer in its mode, train, eval or mixed"""
    every = [name for name, _ in build("vgg", 3, bias=True).named_modules()]
    for still in ([], every, ["features.norm0", "classifier.4"], [""]):
        told = expect_features(student, rng, ("vgg", 3, True), still=still)
        expect_modes_kept(told, told["before"], "features")


@conduct
def test_features__leaves_the_model(student: Student, rng: torch.Generator) -> None:
    """leaves values, running statistics, gradients and hooks as they were: its own hook is gone, another's is still there"""
    for form in ("resnet", "squeezenet"):
        told = expect_features(student, rng, (form, 3, True), [2, 3], frozen=["aux"])
        expect_values_kept(told, told["before"], "features")
        expect_traces_kept(told, told["before"], "features")


def after_an_error(module: Any, spec: Any, state: Any, still: Any, bad: Any, good: Any) -> Any:
    """What is raised for images that forward cannot take, how the model is then, and the features of others."""
    head = dict(HEADS)[spec[0]]
    model = with_traces(prepared(spec, state, still), head)
    try:
        module.features(model, head, bad)
        raised = ""
    except Exception as error:  # noqa: BLE001  the type is told
        raised = type(error).__name__
    told = snapshot(model)
    return {"raised": raised, **told, "features": module.features(model, head, good)}


@conduct
def test_features__after_an_error(student: Student, rng: torch.Generator) -> None:
    """lets an error of forward reach the caller, with modes and hooks as before, and works again afterwards"""
    spec, still = ("resnet", 3, True), ["bn1"]
    state, good = draw(rng, spec), images_of(rng, 3)
    told = student.run(after_an_error, spec, state, still, normal(rng, 2, 4, 6, 6), good)
    expect(told["raised"] == "RuntimeError", "For images that forward cannot take, the error of forward should reach the caller.")
    before = traced_here(spec, state, still)
    call = "a call of features in which forward raises"
    expect_modes_kept(told, before, call)
    expect_traces_kept(told, before, call)
    expect_close(
        told["features"], features_here(spec, state, good), "the tensor of features, after an error", rtol=1e-3, atol=1e-4
    )


# cache_features ------------------------------------------------------------------------------------------------------


def loader_of(x: Any, y: Any, size: int, kind: str) -> Any:
    """A DataLoader, one that shuffles, or a list of pairs."""
    if kind == "list":
        return list(zip(x.split(size), y.split(size)))  # noqa: B905  as long as each other
    return DataLoader(TensorDataset(x, y), batch_size=size, shuffle=kind == "shuffled")


def cached_by(module: Any, spec: Any, state: Any, still: Any, x: Any, y: Any, size: int, kind: str) -> Any:
    head = dict(HEADS)[spec[0]]
    model = with_traces(prepared(spec, state, still), head)
    found = module.cache_features(model, head, loader_of(x, y, size, kind))
    graph = isinstance(found, tuple | list) and any(getattr(each, "requires_grad", False) for each in found)
    return {"found": found, "graph": graph, **snapshot(model)}


def cached(
    student: Student, rng: torch.Generator, spec: Spec, count: int, size: int, kind: str = "loader",
    dtype: torch.dtype = torch.int64, still: Sequence[str] = (),
) -> Told:  # fmt: skip
    """A run of cache_features; each label is the number of its image, so that it tells which features belong to it."""
    state, x = draw(rng, spec), images_of(rng, count)
    order = torch.randperm(count, generator=rng)
    told: Told = student.run(cached_by, spec, state, list(still), x, order.to(dtype), size, kind)
    found = told["found"]
    expect(isinstance(found, tuple | list) and len(found) == 2 and all(isinstance(each, Tensor) for each in found),
           "cache_features should return two tensors, the features and the labels.")  # fmt: skip
    rows, labels = found
    right = features_here(spec, state, x)
    expect_shape(labels, (count,), "the tensor of labels")
    expect_shape(rows, tuple(right.shape), "the tensor of features")
    expect_dtype(labels, torch.int64, "the tensor of labels")
    expect_equal(labels.sort().values, torch.arange(count), "the labels, sorted,")
    if kind != "shuffled":
        expect_equal(labels, order, "the tensor of labels")
    expect_close(rows, right[order.argsort()[labels]], "the tensor of features, each row beside its label,", rtol=1e-3, atol=1e-4)
    return {**told, "before": traced_here(spec, state, still)}


def test_cache_features__whole_loader(student: Student, rng: torch.Generator) -> None:
    """gives the features and labels of all images, in the loader's order, with a smaller last batch"""
    cached(student, rng, ("resnet", 3, True), 4 * integer(rng, 2, 3) + integer(rng, 1, 3), 4)


def test_cache_features__shuffled(student: Student, rng: torch.Generator) -> None:
    """keeps features and labels together where the loader shuffles"""
    cached(student, rng, ("densenet", 3, True), 13, 5, "shuffled")


def test_cache_features__a_list(student: Student, rng: torch.Generator) -> None:
    """takes a list of pairs, a last batch of one, and a single batch"""
    for count, size in ((7, 3), (4, 9), (1, 2)):
        cached(student, rng, ("squeezenet", 3, True), count, size, "list")


def test_cache_features__labels(student: Student, rng: torch.Generator) -> None:
    """gives labels as int64, whatever whole numbers they were"""
    for dtype in (torch.int32, torch.uint8, torch.int16):
        cached(student, rng, ("plain", 3, True), 5, 2, dtype=dtype)


@conduct
def test_cache_features__leaves_the_model(student: Student, rng: torch.Generator) -> None:
    """leaves modes, statistics and hooks as they were, and gives features without a graph"""
    for still in ([], ["features.norm0"]):
        told = cached(student, rng, ("vgg", 3, True), 5, 2, still=still)
        expect(not told["graph"], "The features have a graph, which keeps all batches in memory.")
        expect_modes_kept(told, told["before"], "cache_features")
        expect_values_kept(told, told["before"], "cache_features")
        expect_traces_kept(told, told["before"], "cache_features")


def cached_on_gpu(module: Any, spec: Any, state: Any, x: Any, y: Any) -> Any:
    """Where features and labels are, for a model and batches on a GPU, and what they are."""
    model = prepared(spec, state).to("cuda:0")
    pairs = [(a.to("cuda:0"), b.to("cuda:0")) for a, b in zip(x.split(2), y.split(2))]  # noqa: B905  as long as each other
    rows, labels = module.cache_features(model, dict(HEADS)[spec[0]], pairs)
    return [str(rows.device), str(labels.device), rows]


@devices(1)
def test_cache_features__on_the_host(student: Student, rng: torch.Generator) -> None:
    """gives tensors on the CPU for a model on a GPU"""
    spec = ("densenet", 3, True)
    state, x = draw(rng, spec), images_of(rng, 5)
    *places, rows = student.run(cached_on_gpu, spec, state, x, torch.arange(5))
    for place, name in zip(places, ("The tensor of features", "The tensor of labels"), strict=True):
        expect(place == "cpu", f"{name} should be on the CPU, but it is on {place}: a GPU has no room for a whole data set.")
    expect_close(rows, features_here(spec, state, x), "the tensor of features", rtol=1e-3, atol=1e-4)


# still_batchnorm -----------------------------------------------------------------------------------------------------


def norms() -> nn.Module:
    """One of each kind of norm, and a layer without one."""
    return nn.ModuleDict(
        {
            "one": nn.BatchNorm1d(4),
            "two": nn.BatchNorm2d(3, momentum=0.3),
            "three": nn.BatchNorm3d(2),
            "bare": nn.BatchNorm2d(5, affine=False),
            "instance": nn.InstanceNorm2d(3, affine=True, track_running_stats=True),
            "group": nn.GroupNorm(2, 4),
            "layer": nn.LayerNorm(4),
            "inner": nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.2)),
        }
    )


def stilled_norms(module: Any, frozen: Any, still: Any) -> Any:
    """The modes and settings of norms after each call, with other parameters frozen before each; `still` at the start."""
    model = norms()
    for name, layer in model.named_modules():
        layer.training = name not in still
    found = []
    for prefixes in frozen:
        for name, p in model.named_parameters():
            p.requires_grad_(not name.startswith(tuple(prefixes)))
        module.still_batchnorm(model)
        settings = {name: [getattr(layer, "momentum", 0.0), getattr(layer, "track_running_stats", None)]
                    for name, layer in model.named_modules()}  # fmt: skip
        told = snapshot(model)
        found.append({"modes": told["modes"], "requires": told["requires"], "settings": settings})
    return found


def stilled_norms_here(frozen: Sequence[Sequence[str]]) -> list[Told]:
    """What is right, by the definition: a BatchNorm in eval mode if none of its parameters requires grad."""
    class_of, found = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), []
    for prefixes in frozen:
        model, modes = norms(), {}
        for name, p in model.named_parameters():
            p.requires_grad_(not name.startswith(tuple(prefixes)))
        for name, layer in model.named_modules():
            modes[name] = not isinstance(layer, class_of) or any(p.requires_grad for p in layer.parameters())
        found.append({"modes": modes, "requires": snapshot(model)["requires"]})
    return found


def expect_stilled(told: Told, right: Told) -> None:
    for name, mode in right["modes"].items():
        layer = f"the layer {name}" if name else "the model itself"
        now = "train" if told["modes"].get(name) else "eval"
        expect(told["modes"].get(name) == mode, f"After still_batchnorm, {layer} is in {now} mode. Eval mode is for each "
               "BatchNorm of which no parameter requires grad, and for nothing else.")  # fmt: skip
    expect_equal(told["requires"], right["requires"], "the list of parameters that require grad")


def stilled_by(module: Any, spec: Any, state: Any, still: Any, frozen: Any, x: Any) -> Any:
    """A model after still_batchnorm, and then its state after a forward pass."""
    model = prepared(spec, state, still, frozen)
    module.still_batchnorm(model)
    told = snapshot(model)
    model(x)
    return {**told, "passed": snapshot(model)["state"]}


def stilled(student: Student, rng: torch.Generator, spec: Spec, frozen: Sequence[str], still: Sequence[str] = ()) -> Told:
    """A run of still_batchnorm, its modes judged."""
    state = draw(rng, spec)
    told: Told = student.run(stilled_by, spec, state, list(still), list(frozen), images_of(rng, 4))
    before = snapshot(prepared(spec, state, still, frozen))
    model = prepared(spec, state, still, frozen)
    modes = {
        name: not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) or any(p.requires_grad for p in layer.parameters())
        for name, layer in model.named_modules()
    }
    expect_stilled(told, {"modes": modes, "requires": before["requires"]})
    return {**told, "before": before}


def test_still_batchnorm__frozen_ones(student: Student, rng: torch.Generator) -> None:
    """puts each frozen BatchNorm into eval mode, and all other layers into train mode"""
    stilled(student, rng, ("resnet", 3, True), ["bn1", "conv1"])
    stilled(student, rng, ("vgg", integer(rng, 3, 5), True), ["features"])


def test_still_batchnorm__trained_ones(student: Student, rng: torch.Generator) -> None:
    """leaves a BatchNorm in train mode if one of its parameters requires grad"""
    stilled(student, rng, ("resnet", 3, True), [])
    stilled(student, rng, ("vgg", 3, True), ["features.norm0.weight", "classifier.2.bias", "features.conv0"])


def test_still_batchnorm__statistics_stay(student: Student, rng: torch.Generator) -> None:
    """keeps a forward pass from moving frozen statistics, and lets it move the others"""
    told = stilled(student, rng, ("vgg", 3, True), ["features"])
    expect_values_kept(told, told["before"], "still_batchnorm")
    for name in ("features.norm0.running_mean", "features.norm0.running_var", "features.norm0.num_batches_tracked"):
        expect_unchanged(told["passed"][name], told["before"]["state"][name], f"the frozen {name}")
    moved = not torch.equal(told["passed"]["classifier.2.running_mean"], told["before"]["state"]["classifier.2.running_mean"])
    expect(moved, "A BatchNorm that is trained does not collect statistics any more.")


def test_still_batchnorm__wakes_the_others(student: Student, rng: torch.Generator) -> None:
    """puts the model and layers that were in eval mode into train mode"""
    every = [name for name, _ in build("vgg", 3, bias=True).named_modules()]
    stilled(student, rng, ("vgg", 3, True), ["features", "classifier.2"], ["", "classifier.0", "features.norm0"])
    stilled(student, rng, ("vgg", 3, True), ["features"], every)


def test_still_batchnorm__kinds(student: Student, rng: torch.Generator) -> None:
    """knows BatchNorm of one, two and three dimensions, without parameters too, and no other norm"""
    still = ["two", "inner"] if integer(rng, 0, 1) else ["layer", "bare"]
    for frozen in ([""], ["one", "instance", "group", "layer"], []):
        (told,) = student.run(stilled_norms, [frozen], still)
        expect_stilled(told, stilled_norms_here([frozen])[0])


def test_still_batchnorm__again(student: Student, rng: torch.Generator) -> None:
    """can be called again, also after other parameters were frozen, and changes no setting of a layer"""
    frozen = [["one"], ["one"], ["three", "inner"], []]
    found = student.run(stilled_norms, frozen, ["two"])
    settings = {name: [getattr(layer, "momentum", 0.0), getattr(layer, "track_running_stats", None)]
                for name, layer in norms().named_modules()}  # fmt: skip
    for told, right in zip(found, stilled_norms_here(frozen), strict=True):
        expect_stilled(told, right)
        expect(told["settings"] == settings, "momentum or track_running_stats of a layer is another one now: the mode is "
                                             "enough, and can be set back.")  # fmt: skip


# finetune_epoch ------------------------------------------------------------------------------------------------------


def criterion_of(name: str) -> Any:
    if name == "smooth":
        return nn.CrossEntropyLoss(label_smoothing=0.3)
    if name == "squares":
        return lambda scores, y: ((scores.sum(1) - y) ** 2).mean()
    return nn.CrossEntropyLoss()


def optimizer_of(name: str, parameters: Any) -> torch.optim.Optimizer:
    if name == "adam":  # with the usual eps, Adam makes a whole step of a gradient that is nothing but rounding
        return torch.optim.Adam(parameters, lr=0.05, eps=1e-2)
    if name == "plain":
        return torch.optim.SGD(parameters, lr=0.2)
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.1)


def plan_of(**changes: Any) -> dict[str, Any]:
    plan = {"form": "densenet", "still": [], "frozen": [[]], "all": True, "size": 4, "kind": "loader", "criterion": "usual",
            "optimizer": "momentum"}  # fmt: skip
    return {**plan, **changes}


def begun(plan: Any, state: Any) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The model of the plan, without dropout, and an optimizer over all its parameters, or over those that are trained."""
    model = prepared((plan["form"], 4, True), state, plan["still"], plan["frozen"][0])
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    parameters = [p for p in model.parameters() if plan["all"] or p.requires_grad]
    return model, optimizer_of(plan["optimizer"], parameters)


def tuned_by(module: Any, plan: Any, state: Any, x: Any, y: Any) -> Any:
    """The losses of epochs, before each of which other parameters are frozen, and how the model is afterwards."""
    model, optimizer = begun(plan, state)
    steps, losses = [], []
    optimizer.register_step_post_hook(lambda *_: steps.append(1))
    for prefixes in plan["frozen"]:
        for name, p in model.named_parameters():
            p.requires_grad_(not name.startswith(tuple(prefixes)))
        loader = loader_of(x, y, plan["size"], plan["kind"])
        losses.append(module.finetune_epoch(model, loader, criterion_of(plan["criterion"]), optimizer))
    graph = any(getattr(loss, "requires_grad", False) for loss in losses)
    modes = {name: m.training for name, m in model.named_modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)}
    return {"losses": losses, "graph": graph, "steps": len(steps), "state": snapshot(model)["state"], "norms": modes}


def tuned_here(plan: dict[str, Any], state: Tensors, x: Tensor, y: Tensor) -> Told:
    """What is right, in float64: the losses, the means over batches, the state, and the modes of BatchNorm."""
    model, optimizer = begun(plan, wide(state))
    criterion, losses, means = criterion_of(plan["criterion"]), [], []
    norms_of = {name: m.training for name, m in model.named_modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)}
    for prefixes in plan["frozen"]:
        for name, p in model.named_parameters():
            p.requires_grad_(not name.startswith(tuple(prefixes)))
        total, each = 0.0, []
        for inputs, labels in loader_of(x.double(), y, plan["size"], "list"):
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            each.append(loss.item())
        losses.append(total / len(y))
        means.append(sum(each) / len(each))
    return {"losses": losses, "means": means, "state": snapshot(model)["state"], "norms": norms_of}


def tuned(student: Student, rng: torch.Generator, count: int, dtype: torch.dtype = torch.float32, **changes: Any) -> Told:
    """Epochs of the learner's, beside what is right."""
    plan = plan_of(**changes)
    state, x = draw(rng, (plan["form"], 4, True), dtype), images_of(rng, count, dtype)
    y = torch.randint(4, (count,), generator=rng)
    told: Told = student.run(tuned_by, plan, state, x, y)
    return {**told, "right": tuned_here(plan, state, x, y), "start": state, "batches": math.ceil(count / plan["size"])}


def expect_state(told: Told, fine: bool = False) -> None:
    """Fail unless the model has the values that it should have."""
    expect(told["steps"] > 0, "The optimizer that finetune_epoch was given made no step: use that one.")
    exact = {"rtol": 1e-8, "atol": 1e-9} if fine else {"rtol": 2e-3, "atol": 2e-4}
    expect_close(told["state"], told["right"]["state"], "after finetune_epoch, the value", **exact)


def expect_losses(told: Told, fine: bool = False) -> None:
    exact = {"rtol": 1e-8, "atol": 1e-9} if fine else {"rtol": 1e-3, "atol": 1e-4}
    names = [f"the mean loss of epoch {i + 1}" for i in range(len(told["right"]["losses"]))]
    slips = {"It is the mean over batches: weight each batch's loss by its number of samples.": told["right"]["means"]}
    expect_close(told["losses"], told["right"]["losses"], names, slips=slips, **exact)


def test_finetune_epoch__learns(student: Student, rng: torch.Generator) -> None:
    """takes a step for each batch, and returns the mean loss, epoch after epoch"""
    told = tuned(student, rng, 12, frozen=[[], []])
    expect_state(told)
    expect_losses(told)


def test_finetune_epoch__mean_over_samples(student: Student, rng: torch.Generator) -> None:
    """weights each batch by its size, so that a smaller last batch counts less, and takes each loss before its step"""
    for count, size in ((8 + integer(rng, 2, 3), 4), (7, 5)):
        told = tuned(student, rng, count, size=size, optimizer="plain", frozen=[["features.norm0"]], still=["features.norm0"])
        expect_losses(told)
        expect_equal(told["steps"], told["batches"], "the number of steps")


def test_finetune_epoch__gradients_of_before(student: Student, rng: torch.Generator) -> None:
    """counts no gradient of an earlier batch or epoch"""
    told = tuned(student, rng, 8, frozen=[["features"], ["features"]], still=["features.norm0"], optimizer="plain")
    expect_state(told)
    expect_losses(told)


def test_finetune_epoch__frozen_since(student: Student, rng: torch.Generator) -> None:
    """leaves alone what was trained in one epoch and is frozen in the next, though the optimizer holds it, with momentum"""
    told = tuned(student, rng, 8, frozen=[[], ["features", "aux"]], still=["features.norm0"])
    for name in ("features.conv0.weight", "features.norm0.weight", "features.norm0.bias"):
        same = torch.allclose(told["state"][name].double(), told["right"]["state"][name], rtol=2e-3, atol=2e-4)
        expect(same, f"{name} was frozen after the first epoch, and has moved in the second. A gradient of zeros is a gradient: "
                     "momentum and weight decay move what has one. Clear to None.")  # fmt: skip
    expect_state(told)


def test_finetune_epoch__frozen_parameters(student: Student, rng: torch.Generator) -> None:
    """leaves frozen parameters and still statistics as they are, bit by bit"""
    told = tuned(student, rng, 10, form="vgg", frozen=[["features", "classifier.1", "classifier.2", "aux"]],
                 still=["features.norm0", "classifier.2"])  # fmt: skip
    for name, value in told["start"].items():
        if name.startswith(("features", "classifier.1.", "classifier.2.", "aux")):
            statistic = name.endswith(("running_mean", "running_var", "num_batches_tracked"))
            why = "its BatchNorm was in eval mode: leave it there" if statistic else "it is frozen"
            expect(torch.equal(told["state"][name], value), f"{name} has moved, although {why}.")
    expect_state(told)


def test_finetune_epoch__modes_of_batchnorm(student: Student, rng: torch.Generator) -> None:
    """leaves each BatchNorm in the mode it is in: a frozen one in train mode, a trained one in eval mode"""
    for still, frozen in ((["features.norm0"], ["classifier.2"]), (["classifier.2"], ["features"]), ([], ["aux"])):
        told = tuned(student, rng, 8, form="vgg", still=still, frozen=[frozen])
        for name, mode in told["right"]["norms"].items():
            now, then = ("eval", "train") if mode else ("train", "eval")
            expect(
                told["norms"][name] == mode,
                f"The BatchNorm {name} was in {then} mode, and is in {now} mode after finetune_epoch.",
            )
        expect_state(told)


def test_finetune_epoch__uses_what_it_is_given(student: Student, rng: torch.Generator) -> None:
    """uses the criterion and the optimizer that it is given"""
    for criterion, optimizer in (("smooth", "adam"), ("squares", "plain")):
        told = tuned(student, rng, 10, criterion=criterion, optimizer=optimizer, form="squeezenet", all=False,
                     frozen=[["features", "aux"]], still=["features.norm0"])  # fmt: skip
        expect_state(told)
        expect_losses(told)


def test_finetune_epoch__a_number(student: Student, rng: torch.Generator) -> None:
    """returns a number: it does not hold on to a graph"""
    told = tuned(student, rng, 8)
    expect(not told["graph"], "The loss still has a graph, which keeps every batch in memory: add up loss.item().")
    expect_losses(told)


def test_finetune_epoch__any_loader(student: Student, rng: torch.Generator) -> None:
    """takes a list of pairs, a single batch, and a model and images in float64"""
    for count, size in ((7, 5), (3, 8)):
        told = tuned(student, rng, count, torch.float64, size=size, kind="list")
        expect_state(told, fine=True)
        expect_losses(told, fine=True)


# keep_best -----------------------------------------------------------------------------------------------------------


def kept_by(module: Any, spec: Any, states: Any, scores: Any) -> Any:
    """What keep_best gives where epoch i leaves the state states[i] and is worth scores[i], and what the model holds then."""
    model = prepared(spec, states[-1])
    objects, calls = dict(model.named_parameters()), []

    def run_epoch(epoch: int) -> None:
        calls.append(epoch)
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                tensor.copy_(states[epoch % len(states)][name])

    def evaluate() -> float:
        calls.append("evaluate")
        return scores[(calls.count("evaluate") - 1) % len(scores)]

    found = module.keep_best(model, run_epoch, evaluate, len(scores))
    others = [name for name, p in model.named_parameters() if objects.get(name) is not p]
    return {"found": found, "calls": calls, "others": others, "state": snapshot(model)["state"]}


def kept(student: Student, rng: torch.Generator, scores: Sequence[float], form: str = "densenet") -> Told:
    """A run of keep_best, judged by what it returns and by the state of the model."""
    spec = (form, 3, True)
    states = [draw(rng, spec) for _ in scores]
    told: Told = student.run(kept_by, spec, states, list(scores))
    best = max(scores)
    right = states[list(scores).index(best)]
    found = told["found"]
    expect(isinstance(found, tuple | list) and len(found) == 2, "keep_best should return two things: the best evaluation, and "
                                                                "the list of all.")  # fmt: skip
    expect_equal(found[1], list(scores), "the list of evaluations")
    expect_equal(found[0], best, "the best evaluation")
    expect_close(told["state"], right, "of the best epoch, the value", rtol=0, atol=0)
    return told


def in_between(rng: torch.Generator, count: int, best: int) -> list[float]:
    """So many evaluations, of which the one at `best` is the highest."""
    scores = [round(float(s), 3) for s in torch.rand(count, generator=rng) * 0.8]
    scores[best] = 0.9 + 0.01 * integer(rng, 0, 9)
    return scores


def test_keep_best__restores_the_best(student: Student, rng: torch.Generator) -> None:
    """gives the model the state of the epoch with the highest evaluation, and returns it and all evaluations"""
    count = integer(rng, 3, 5)
    kept(student, rng, in_between(rng, count, 1))
    kept(student, rng, in_between(rng, 4, 2), "vgg")


def test_keep_best__first_and_last(student: Student, rng: torch.Generator) -> None:
    """works where the first epoch is the best, where the last one is, and where there is only one"""
    kept(student, rng, in_between(rng, 3, 0))
    kept(student, rng, in_between(rng, 3, 2))
    kept(student, rng, in_between(rng, 1, 0))


def test_keep_best__the_first_of_equals(student: Student, rng: torch.Generator) -> None:
    """takes the first of several epochs with the same highest evaluation"""
    high = 0.5 + 0.01 * integer(rng, 0, 9)
    kept(student, rng, [0.1, high, 0.2, high, 0.3])


def test_keep_best__negative(student: Student, rng: torch.Generator) -> None:
    """works for evaluations that are negative"""
    kept(student, rng, [-3.5, -1.5 - integer(rng, 0, 1), -4.0])
    kept(student, rng, [-700.5, -900.25])


def test_keep_best__everything(student: Student, rng: torch.Generator) -> None:
    """restores buffers too, num_batches_tracked among them, in the same parameter objects"""
    told = kept(student, rng, in_between(rng, 3, 1), "wrapped")
    expect(not told["others"], f"{listed(told['others'])} is another object now, and an optimizer still holds the old one: "
                               "load_state_dict copies values into the parameters that are there.")  # fmt: skip


@conduct
def test_keep_best__order_of_calls(student: Student, rng: torch.Generator) -> None:
    """calls run_epoch(0), evaluate(), run_epoch(1), … and evaluates once an epoch"""
    for count in (integer(rng, 2, 5), 1):
        calls = kept(student, rng, in_between(rng, count, count // 2), "plain")["calls"]
        expect(calls[:1] == [0], "The first call should be run_epoch(0).")
        expect_equal(calls.count("evaluate"), count, "the number of calls of evaluate")
        expect(calls == [call for epoch in range(count) for call in (epoch, "evaluate")],
               "Each epoch should be run_epoch(its number), counted from 0, and then evaluate().")  # fmt: skip


# weight_drift --------------------------------------------------------------------------------------------------------


class Bag(nn.Module):
    """Tensors by name: parameters, and buffers where they hold whole numbers or are called so."""

    def __init__(self, tensors: Any) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not name.startswith("running"):
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)


def drifted_by(module: Any, before: Any, now: Any) -> Any:
    """The drift of the tensors: names in order, values, kinds; and the tensors themselves afterwards."""
    model = Bag(now)
    found = module.weight_drift(model, before)
    if not isinstance(found, dict):
        return type(found).__name__
    return {"names": list(found), "drift": found, "before": before, "now": snapshot(model)["state"],
            "graph": any(getattr(value, "requires_grad", False) for value in found.values())}  # fmt: skip


def drift_here(before: Tensors, now: Tensors) -> dict[str, float]:
    found = {}
    for name, old in before.items():
        if old.is_floating_point():
            moved, size = (now[name].double() - old.double()).norm().item(), old.double().norm().item()
            found[name] = moved / size if size else moved
    return found


def expect_drift(student: Student, before: Tensors, now: Tensors, rtol: float = 1e-5) -> Told:
    told = student.run(drifted_by, before, now)
    expect(not isinstance(told, str), f"weight_drift should return a dict, but it returned something of type {told}.")
    right = drift_here(before, now)
    whole = sorted(name for name in told["names"] if name not in right)
    expect(not whole, f"The result has {listed(whole)}: leave out tensors of whole numbers, and what `before` does not have.")
    absolute = {name: (now[name].double() - old.double()).norm().item() for name, old in before.items() if name in right}
    squared = {name: value**2 for name, value in right.items()}
    slips = {"It is the distance alone: divide it by the size of the tensor before.": absolute,
             "It is the square of the drift: take the root of each sum of squares.": squared}  # fmt: skip
    expect_close(told["drift"], right, "the drift", rtol=rtol, atol=1e-12, slips=slips)
    expect_equal(told["names"], list(right), "the list of names, in the order of `before`,")
    found: Told = told
    return found


def bag(rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensors, Tensors]:
    """Tensors from before, and from now."""
    shapes = {"weight": (3, 4), "bias": (5,), "kernel": (2, 3, 2, 2), "gain": (), "running_mean": (4,)}
    before = {name: normal(rng, *shape, dtype=dtype) for name, shape in shapes.items()}
    now = {name: old + 0.3 * normal(rng, *old.shape, dtype=dtype) for name, old in before.items()}
    return before, now


def test_weight_drift__relative(student: Student, rng: torch.Generator) -> None:
    """gives the norm of each difference, divided by the norm of what was there before"""
    expect_drift(student, *bag(rng))
    expect_drift(student, *bag(rng))


def test_weight_drift__nothing_moved(student: Student, rng: torch.Generator) -> None:
    """gives 0 for what has not moved, and for zeros that have stayed zeros"""
    before, now = bag(rng)
    before["bias"] = torch.zeros(5)
    expect_drift(student, before, {**now, "weight": before["weight"].clone(), "bias": torch.zeros(5)})


def test_weight_drift__from_zeros(student: Student, rng: torch.Generator) -> None:
    """gives the norm of what is there now for a tensor that was all zeros"""
    before, now = bag(rng)
    expect_drift(student, {**before, "kernel": torch.zeros(2, 3, 2, 2), "gain": torch.zeros(())}, now)


def test_weight_drift__whole_numbers(student: Student, rng: torch.Generator) -> None:
    """leaves out tensors that do not hold floating-point numbers"""
    before, now = bag(rng)
    before = {**before, "num_batches_tracked": torch.tensor(3), "mask": torch.tensor([True, False])}
    expect_drift(student, before, {**now, "num_batches_tracked": torch.tensor(8), "mask": torch.tensor([False, False])})


def test_weight_drift__parts(student: Student, rng: torch.Generator) -> None:
    """goes by the entries of before and their order, also where they are a part, or none"""
    before, now = bag(rng)
    names = [list(before)[i] for i in torch.randperm(5, generator=rng)]
    names = names if names != list(before) else names[::-1]
    expect_drift(student, {name: before[name] for name in before if name in names[:2]}, now)
    expect_drift(student, {name: before[name] for name in names}, now)
    expect_drift(student, {name: before[name] for name in names[:3]}, now)
    expect_drift(student, {}, now)


def test_weight_drift__float64(student: Student, rng: torch.Generator) -> None:
    """computes in float64: float64 tensors to all digits, float16 ones, and squares that float32 cannot hold"""
    before, now = bag(rng)
    expect_drift(student, {name: old.half() for name, old in before.items()}, {name: t.half() for name, t in now.items()})
    expect_drift(student, {name: 1e25 * old for name, old in before.items()}, {name: 1e25 * t for name, t in now.items()})
    expect_drift(student, *bag(rng, torch.float64), rtol=1e-12)


def test_weight_drift__leaves_the_tensors(student: Student, rng: torch.Generator) -> None:
    """leaves before and the model as they are, and gives numbers without a graph"""
    before, now = bag(rng)
    told = expect_drift(student, before, now)
    expect(not told["graph"], "The drift has a graph: take numbers, with item().")
    for name, tensor in before.items():
        expect_unchanged(told["before"][name], tensor, f"the entry {name} of before")
        expect_unchanged(told["now"][name], now[name], f"the model's {name}")


# finetuned_accuracy --------------------------------------------------------------------------------------------------

VEHICLES = ("airplane", "automobile", "ship", "truck")  # what the pretrained network has not seen


def in_another_order(rng: torch.Generator, state: Tensors) -> Tensors:
    """The same network with the maps of its last convolution in another order: a head made elsewhere does not fit it."""
    order = torch.randperm(32, generator=rng)
    mixed = {name: t[order] if name.startswith(("conv3.", "bn3.")) and t.dim() else t for name, t in state.items()}
    mixed["fc.weight"] = state["fc.weight"].view(-1, 32, 4)[:, order].flatten(1)
    return mixed


def adapted_by(module: Any, samples: Any, state: Any, numbers: Any, seed: int, plan: Any) -> Any:
    """The pretrained network with a new head, trained on the new classes by the learner's functions."""
    torch.manual_seed(seed)
    model = Backbone()
    model.load_state_dict(state)
    model = module.feature_extractor(model, "fc", len(numbers))
    if not isinstance(model, nn.Module):
        return {"kind": type(model).__name__}
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        return {"kind": "", "trained": 0}
    start = {name: t for name, t in snapshot(model)["state"].items() if name.startswith("fc.")}
    images, labels = only(samples, VEHICLES)
    order = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(images, numbers[labels]), batch_size=plan["batch"], shuffle=True, generator=order)
    optimizer = torch.optim.SGD(trained, lr=plan["lr"], momentum=plan["momentum"])
    losses = []
    for _ in range(plan["epochs"]):
        module.still_batchnorm(model)
        losses.append(module.finetune_epoch(model, loader, nn.CrossEntropyLoss(), optimizer))
    return {"kind": "", "trained": len(trained), "start": start, "losses": losses, "state": snapshot(model)["state"]}


def plain_numbers(losses: Any) -> list[float]:
    """The finite ones of what should be losses, numbers or 0-dim tensors."""
    scalars = [x for x in losses if isinstance(x, int | float) or (isinstance(x, Tensor) and x.numel() == 1)]
    return [float(x) for x in scalars if math.isfinite(x)]


def expect_fits(state: Any, wanted: Tensors) -> None:
    """The trained state is that of a Backbone with a head for the new classes."""
    lacking, extra = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    expect(not lacking, f"The trained model has no {listed(lacking)} in its state_dict.")
    expect(not extra, f"The trained model has more than it should in its state_dict: {listed(extra)}. A new head takes the old "
                      "one's place; it does not follow it.")  # fmt: skip
    for name, tensor in wanted.items():
        expect_shape(state[name], tensor.shape, f"after training, {name}")
        expect_dtype(state[name], tensor.dtype, f"after training, {name}")
        finite = not tensor.is_floating_point() or bool(torch.isfinite(state[name]).all())
        expect(finite, f"After training, {name} contains nan or inf: the training diverged. Are old gradients cleared each time?")


def expect_backbone_kept(state: Tensors, before: Tensors) -> None:
    for name, tensor in before.items():
        if not name.startswith("fc."):
            statistic = name.endswith(("running_mean", "running_var", "num_batches_tracked"))
            why = ("its BatchNorm was in train mode, which moves it in every forward pass" if statistic
                   else "it was not frozen, or moved although it was")  # fmt: skip
            expect(torch.equal(state[name], tensor), f"After training, {name} of the backbone has changed: {why}.")


def drift_of(state: Tensors, before: Tensors) -> list[dict[str, Any]]:
    """For each layer how far its tensors have moved, relative to their size, as far as they can be compared."""
    layers = dict.fromkeys(name.rpartition(".")[0] for name in before)
    found = []
    for layer in layers:
        pairs = [
            (before[name].double(), state[name].double()) for name in before if name.rpartition(".")[0] == layer and name in state
        ]
        pairs = [(a, b) for a, b in pairs if a.shape == b.shape]
        moved, size = (
            sum(float(t.square().sum()) for t in parts) for parts in ([b - a for a, b in pairs], [a for a, _ in pairs])
        )
        drift = math.sqrt(moved / size) if size else 0.0
        found.append({"layer": layer, "drift": drift, "frozen": layer != "fc"})
    return found


def test_finetuned_accuracy__reaches_the_minimum(
    student: Student, rng: torch.Generator, training: Training, attach: Callable[[str, Any], None]
) -> None:
    """teaches a network that knows six animals four vehicles, to the minimum accuracy, and leaves its backbone as it was"""
    training = replace(training, source=EMBEDDED)  # what the pretrained network has learned are drawn images
    budget, seed, test_seed = training.budget, integer(rng, 0, 1 << 30), integer(rng, 1, 1 << 30)
    # Weights made elsewhere know neither the order of the features nor which label stands for which class.
    given, numbers = in_another_order(rng, pretrained()), torch.randperm(len(VEHICLES), generator=rng)
    plan = {"batch": budget.batch, "epochs": budget.epochs, "lr": budget.lr, "momentum": budget.momentum}
    found = student.run(adapted_by, Resident(training.resident), given, numbers, seed, plan)
    expect(not found["kind"], f"feature_extractor should return the model, but it returned something of type {found['kind']}.")
    expect(found["trained"], "After feature_extractor no parameter requires grad: the new head was frozen too, and cannot learn.")
    net = Backbone(len(VEHICLES))
    expect_fits(found["state"], net.state_dict())
    net.load_state_dict(found["state"])
    images, targets = only(training.test_images(test_seed), VEHICLES)
    with torch.no_grad():
        guesses = numbers.argsort()[torch.cat([net.eval()(part).argmax(1) for part in images.split(500)])]
    reached = (guesses == targets).double().mean().item()
    counts = torch.bincount(targets * len(VEHICLES) + guesses, minlength=len(VEHICLES) ** 2).view(len(VEHICLES), -1)
    attach("losses", plain_numbers(found["losses"]))
    attach("accuracy", {"reached": reached, "minimum": budget.minimum, "images": training.source.name})
    attach("confusion", {"classes": list(VEHICLES), "counts": counts.tolist()})
    attach("drift", drift_of(found["state"], {**given, **found["start"]}))
    expect_backbone_kept(found["state"], given)
    expect(reached >= budget.minimum, f"The network with its new head labels {reached:.1%} of {len(targets)} test images right; "
                                      f"the minimum is {budget.minimum:.0%}. It was trained by your finetune_epoch: if that task "
                                      "lost points, mend it first.")  # fmt: skip
