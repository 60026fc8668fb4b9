"""Checks of topic 07 that you can follow on paper: `pytest exercises/07_finetune`, or one task: add `-k freeze`.

`student.run` runs a small function of this file beside your module: it builds a model, hands it to your functions and tells
what came of it. The models here have few weights, most of them whole numbers.
"""

from collections import OrderedDict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import Backbone, Student, expect, expect_close, expect_dtype, expect_equal


class Small(nn.Module):
    """The means of the three channels, a BatchNorm, a layer `body`, and the head `fc`; `aux` is never run.

    The head is registered first. BatchNorm's statistics are the mean 0 and the variance 1, so that in eval mode it changes
    (nearly) nothing; `body` gives (red + green, blue), and `fc` twice the first, and the sum of both.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.norm = nn.BatchNorm1d(3)
        self.body = nn.Linear(3, 2, bias=False)
        self.aux = nn.Linear(3, 2)
        with torch.no_grad():
            self.body.weight.copy_(torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
            self.fc.weight.copy_(torch.tensor([[2.0, 0.0], [1.0, 1.0]]))
            self.fc.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """The scores (N, 2) of images (N, 3, H, W)."""
        scores: Tensor = self.fc(self.body(self.norm(x.mean((2, 3)))))
        return scores


def vgg() -> nn.Module:
    """A model whose head, `classifier.2`, is the last of several layers."""
    classifier = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    return nn.Sequential(OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), classifier=classifier))


def squeezenet() -> nn.Module:
    """A model whose head, `classifier.0`, is a convolution, behind which other layers follow."""
    classifier = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(OrderedDict(classifier=classifier))


FORMS = (("small", "fc"), ("vgg", "classifier.2"), ("squeezenet", "classifier.0"))


def build(form: str) -> nn.Module:
    """A model of one of the three forms."""
    return Small() if form == "small" else vgg() if form == "vgg" else squeezenet()


def images(*colours: tuple[float, float, float]) -> Tensor:
    """An image of 2x2 for each colour, all of it in this colour: (N, 3, 2, 2)."""
    return torch.tensor(colours)[:, :, None, None].expand(-1, -1, 2, 2).clone()


def modes_of(model: nn.Module) -> dict[str, bool]:
    """By the name of each layer, "" for the model: whether it is in train mode."""
    return {name: layer.training for name, layer in model.named_modules()}


def hooks_of(model: nn.Module) -> int:
    """How many hooks there are on all layers."""
    return sum(len(layer._forward_hooks) + len(layer._forward_pre_hooks) for layer in model.modules())


# freeze --------------------------------------------------------------------------------------------------------------


def frozen(module: Any) -> dict[str, list[str]]:
    """The parameters that still require grad, or hold a gradient, after one backward and freeze."""
    model = Small()
    model(images((1.0, 2.0, 3.0), (4.0, 6.0, 8.0))).sum().backward()
    module.freeze(model)
    return {
        "trained": [name for name, p in model.named_parameters() if p.requires_grad],
        "gradients": [name for name, p in model.named_parameters() if p.grad is not None],
    }


def test_freeze__requires_no_grad(student: Student) -> None:
    """freezes every parameter, those of inner layers too"""
    left = student.run(frozen)["trained"]
    expect(not left, f"After freeze these parameters still require grad: {', '.join(left)}. The flag belongs to each parameter, "
                     "not to the module: set as an attribute of the module it does nothing.")  # fmt: skip


def test_freeze__clears_gradients(student: Student) -> None:
    """leaves no gradient behind"""
    left = student.run(frozen)["gradients"]
    expect(not left, f"After freeze these parameters still hold a gradient: {', '.join(left)}. Set .grad to None.")


# head_name -----------------------------------------------------------------------------------------------------------


def heads(module: Any) -> dict[str, Any]:
    """By form: the name that is found, and what the call has left different."""
    found = {}
    for form, _ in FORMS:
        model = build(form)
        modes, state = modes_of(model), {name: t.clone() for name, t in model.state_dict().items()}
        name = module.head_name(model, images((1.0, 2.0, 3.0), (4.0, 6.0, 8.0)))
        moved = [key for key, t in model.state_dict().items() if not torch.equal(t, state[key])]
        found[form] = [name, moved, modes_of(model) == modes, hooks_of(model)]
    return found


def test_head_name__three_forms(student: Student) -> None:
    """finds the layer that makes the scores, whatever it is called and wherever it was registered"""
    for form, (name, *_) in student.run(heads).items():
        expect(name != "aux", "aux is registered last, but model(x) does not run it. Let hooks note who runs.")
        expect_equal(name, dict(FORMS)[form], f"the head's name of the model {form}")


def test_head_name__leaves_the_model(student: Student) -> None:
    """leaves no hook, and modes and running statistics as they were"""
    for form, (_, moved, same, hooks) in student.run(heads).items():
        expect(not moved, f"head_name has changed {', '.join(moved)} of the model {form}: a forward pass in train mode moves the "
                          "running statistics.")  # fmt: skip
        expect(same, f"Some layers of the model {form} are in another mode than before. Note the mode of each, and set it again.")
        expect(hooks == 0, f"There are {hooks} hooks left on the model {form}: keep what register_… returns, and remove() it.")


# replace_head --------------------------------------------------------------------------------------------------------


def replaced(module: Any, form: str, name: str, task: str) -> dict[str, Any]:
    """What stands at `name` after replace_head or feature_extractor for 5 classes, and what the scores say of it."""
    model = build(form)
    old, others = model.get_submodule(name), {id(p) for p in model.parameters()}
    given = getattr(module, task)(model, name, 5)
    new = model.get_submodule(name)
    return {
        "same": given is model,
        "new": new is not old,
        "kind": type(new).__name__,
        "weight": list(getattr(new, "weight", torch.empty(0)).shape),
        "scores": list(model(images((1.0, 2.0, 3.0), (4.0, 6.0, 8.0))).shape),
        "trained": [key for key, p in model.named_parameters() if p.requires_grad],
        "others": sorted(key for key, p in model.named_parameters() if id(p) not in others),
    }


def test_replace_head__three_forms(student: Student) -> None:
    """puts a layer of the same kind with 5 outputs in the head's place, in each of the three forms"""
    shapes = {"small": ["Linear", [5, 2]], "vgg": ["Linear", [5, 4]], "squeezenet": ["Conv2d", [5, 3, 1, 1]]}
    for form, name in FORMS:
        told = student.run(replaced, form, name, "replace_head")
        expect(told["same"], "replace_head should return the model that it was given, the same object.")
        expect(told["new"], f"At {name} there is still the old layer. setattr needs the layer around it, and the last part of "
                            "the name: with a dot in its name it makes an attribute that nothing runs.")  # fmt: skip
        expect_equal(
            [told["kind"], told["weight"]], shapes[form], (f"the kind of layer at {name}", f"the shape of {name}.weight")
        )
        expect_equal(told["scores"], [2, 5], "the shape of the scores of two images")


def test_replace_head__others_stay(student: Student) -> None:
    """leaves all other parameters as they are: the same objects"""
    for form, name in FORMS:
        told = student.run(replaced, form, name, "replace_head")
        expect_equal(told["others"], [f"{name}.bias", f"{name}.weight"], "the list of parameters that are new")


# feature_extractor ---------------------------------------------------------------------------------------------------


def test_feature_extractor__head_alone(student: Student) -> None:
    """leaves the new head's parameters to be trained, and no others"""
    for form, name in FORMS:
        told = student.run(replaced, form, name, "feature_extractor")
        expect(
            told["trained"], "No parameter requires grad any more, the new head's neither: freeze first, then replace the head."
        )
        expect_equal(told["trained"], [f"{name}.weight", f"{name}.bias"], "the list of parameters that require grad")
        expect_equal(told["scores"], [2, 5], "the shape of the scores of two images")


# param_groups --------------------------------------------------------------------------------------------------------


def grouped(module: Any, frozen_layers: list[str]) -> Any:
    """The groups for the small model with the rates 0.1 and 1, parameters by name; or what is not usable."""
    model = Small()
    for name in frozen_layers:
        model.get_submodule(name).requires_grad_(False)
    groups = module.param_groups(model, "fc", 0.1, 1.0)
    names = {id(p): name for name, p in model.named_parameters()}
    told = []
    for group in groups:
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else [p[1] if isinstance(p, tuple) else p for p in params]
        told.append([[names.get(id(p), "?") for p in params], group.get("lr")])
    return told


def test_param_groups__two_rates(student: Student) -> None:
    """gives the backbone the rate 0.1, and the head, after it, the rate 1"""
    found = student.run(grouped, ["aux"])
    backbone = ["body.weight", "norm.bias", "norm.weight"]
    seen = [name for names, _ in found for name in names]
    expect(
        not any(name.startswith("aux") for name in seen),
        "A frozen parameter is in a group: leave out what does not require grad.",
    )
    expect_equal(sorted(seen), [*backbone[:1], "fc.bias", "fc.weight", *backbone[1:]], "the list of all parameters in the groups")
    for names, rate in found:
        for name in names:
            expect_close(rate, 1.0 if name.startswith("fc") else 0.1, f"the lr of {name}")
    order = [name.startswith("fc") for name in seen]
    expect(order == sorted(order), "The head's parameters come first: the backbone's groups stand before the head's.")


def test_param_groups__no_empty_group(student: Student) -> None:
    """leaves out a group that has no parameters, and gives [] if there are none at all"""
    found = student.run(grouped, ["aux", "norm", "body"])
    expect(all(names for names, _ in found), "One of the groups has no parameters: leave it out.")
    expect_equal(
        [sorted(names) for names, _ in found], [["fc.bias", "fc.weight"]], "the list of groups, with the backbone frozen"
    )
    expect_equal(student.run(grouped, [""]), [], "the list of groups, with everything frozen")


# features ------------------------------------------------------------------------------------------------------------


def looked_at(module: Any, form: str, name: str, x: Tensor) -> dict[str, Any]:
    """The features of images for a model in train mode, and how the model is afterwards."""
    model = build(form)
    found = module.features(model, name, x)
    return {
        "features": found,
        "graph": getattr(found, "requires_grad", False),
        "modes": modes_of(model),
        "hooks": hooks_of(model),
    }


def test_features__before_the_head(student: Student) -> None:
    """gives (red + green, blue), what goes into fc, in eval mode"""
    x = images((1.0, 2.0, 3.0), (4.0, 6.0, 8.0))
    told = student.run(looked_at, "small", "fc", x)
    slips = {
        "These are the scores, which come out of the head: what goes into it is asked for.": torch.tensor(
            [[6.0, 6.0], [20.0, 18.0]]
        ),
        "BatchNorm was in train mode: it used the statistics of this batch.": torch.tensor([[-2.0, -1.0], [2.0, 1.0]]),
    }
    expect_close(told["features"], torch.tensor([[3.0, 3.0], [10.0, 8.0]]), "the features", atol=1e-3, slips=slips)
    expect(not told["graph"], "The features have a graph: run the model under torch.no_grad().")


def test_features__flattened(student: Student) -> None:
    """flattens what goes into a convolution: (2, 3, 2, 2) becomes (2, 12)"""
    x = images((1.0, 2.0, 3.0), (4.0, 6.0, 8.0))
    expect_close(student.run(looked_at, "squeezenet", "classifier.0", x)["features"], x.flatten(1), "the features")


def test_features__leaves_the_model(student: Student) -> None:
    """leaves the model in train mode, and no hook on it"""
    told = student.run(looked_at, "small", "fc", images((1.0, 2.0, 3.0)))
    still = [name or "the model" for name, training in told["modes"].items() if not training]
    expect(not still, f"These are in eval mode now, and were in train mode before: {', '.join(still)}.")
    expect(
        told["hooks"] == 0, f"There are {told['hooks']} hooks left on the model: remove() them, or the next call sees them too."
    )


# cache_features ------------------------------------------------------------------------------------------------------


def cached(module: Any, x: Tensor, y: Tensor) -> Any:
    """What cache_features makes of a loader with batches of two."""
    return module.cache_features(Small(), "fc", DataLoader(TensorDataset(x, y), batch_size=2))


def test_cache_features__three_images(student: Student) -> None:
    """gives the features of three images in batches of 2 and 1, with their labels as int64"""
    x, y = images((1.0, 2.0, 3.0), (4.0, 6.0, 8.0), (0.0, 0.0, 5.0)), torch.tensor([1, 0, 1], dtype=torch.int32)
    found, labels = student.run(cached, x, y)
    expect_close(found, torch.tensor([[3.0, 3.0], [10.0, 8.0], [0.0, 5.0]]), "the features", atol=1e-3)
    expect_dtype(labels, torch.int64, "the tensor of labels")
    expect_equal(labels, torch.tensor([1, 0, 1]), "the tensor of labels")


# still_batchnorm -----------------------------------------------------------------------------------------------------


def stilled(module: Any, freezing: bool) -> dict[str, bool]:
    """The modes of the small model, which came in eval mode, its BatchNorm frozen or not."""
    model = Small().eval()
    model.norm.requires_grad_(not freezing)
    module.still_batchnorm(model)
    return modes_of(model)


def test_still_batchnorm__frozen(student: Student) -> None:
    """puts a frozen BatchNorm into eval mode, and all else into train mode"""
    modes = student.run(stilled, True)
    expect(not modes.pop("norm"), "The frozen BatchNorm is in train mode: its statistics move with every batch, frozen or not.")
    still = [name or "the model" for name, training in modes.items() if not training]
    expect(not still, f"These should be in train mode, and are not: {', '.join(still)}.")


def test_still_batchnorm__not_frozen(student: Student) -> None:
    """puts a BatchNorm that is trained into train mode"""
    expect(
        student.run(stilled, False)["norm"], "This BatchNorm is trained, so it should be in train mode, and it is in eval mode."
    )


# finetune_epoch ------------------------------------------------------------------------------------------------------


def one_weight(module: Any, x: Tensor, y: Tensor, size: int) -> dict[str, Any]:
    """One epoch for the model w·x with w = 0, and what it was told to leave alone: a frozen weight, a still BatchNorm."""
    model = nn.Sequential(OrderedDict(norm=nn.BatchNorm1d(1, eps=0.0), fc=nn.Linear(1, 1, bias=False)))
    nn.init.zeros_(model.fc.weight)
    model.norm.requires_grad_(False)
    model.norm.eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    loss = module.finetune_epoch(model, DataLoader(TensorDataset(x, y), batch_size=size), F.mse_loss, optimizer)
    return {"loss": loss, "weight": model.fc.weight, "mean": model.norm.running_mean, "training": model.norm.training}


def test_finetune_epoch__one_step(student: Student) -> None:
    """takes one step of lr = 0.5 from w = 0: for x = 1 and y = 3 the slope is -6, so w becomes 3, and the loss was 9"""
    told = student.run(one_weight, torch.ones(2, 1), torch.full((2, 1), 3.0), 2)
    expect_close(told["weight"], torch.tensor([[3.0]]), "the weight after one step")
    expect_close(told["loss"], 9.0, "the mean loss")


def test_finetune_epoch__fresh_gradients(student: Student) -> None:
    """takes a step for each batch with its own gradient: the first one brings w to 3, where the slope of the second is 0"""
    told = student.run(one_weight, torch.ones(2, 1), torch.full((2, 1), 3.0), 1)
    slips = {
        "The gradients of an earlier batch are still in it: clear them before backward, with zero_grad().": torch.tensor([[6.0]])
    }
    expect_close(told["weight"], torch.tensor([[3.0]]), "the weight after two batches", slips=slips)


def test_finetune_epoch__mean_over_samples(student: Student) -> None:
    """gives the mean over samples: 0 for three of them and 4 for the last, in a batch of its own, make 1"""
    slips = {"It is the mean over batches, in which the last one, with one sample, counts as much as the first.": 2.0}
    told = student.run(one_weight, torch.ones(4, 1), torch.tensor([[0.0], [0.0], [0.0], [2.0]]), 3)
    expect_close(told["loss"], 1.0, "the mean loss", slips=slips)


def test_finetune_epoch__still_batchnorm(student: Student) -> None:
    """leaves a BatchNorm in eval mode, and so its running mean at 0"""
    told = student.run(one_weight, torch.full((4, 1), 10.0), torch.zeros(4, 1), 2)
    expect(not told["training"], "The BatchNorm was in eval mode, and is in train mode now: model.train() undoes what "
                                 "still_batchnorm has set.")  # fmt: skip
    expect_close(told["mean"], torch.zeros(1), "the running mean")


# keep_best -----------------------------------------------------------------------------------------------------------


def best_of(module: Any, scores: list[float]) -> dict[str, Any]:
    """A model whose weight is the number of the epoch, counted from 1, and evaluations that are given."""
    model, calls = nn.Linear(1, 1, bias=False), []
    weight = model.weight

    def run_epoch(epoch: int) -> None:
        calls.append(f"run_epoch({epoch})")
        with torch.no_grad():
            model.weight.fill_(epoch + 1)

    def evaluate() -> float:
        calls.append("evaluate()")
        return scores[calls.count("evaluate()") - 1]

    found = module.keep_best(model, run_epoch, evaluate, len(scores))
    return {"found": found, "weight": model.weight, "same": model.weight is weight, "calls": calls}


def test_keep_best__middle(student: Student) -> None:
    """gives the model the state of the second of three epochs, whose evaluation is the highest"""
    told = student.run(best_of, [0.5, 0.8, 0.7])
    slips = {"It is the weight of the last epoch: state_dict() gives the model's own tensors, which go on changing. Copy them.":
             torch.tensor([[3.0]])}  # fmt: skip
    expect_close(told["weight"], torch.tensor([[2.0]]), "the weight afterwards", slips=slips)
    expect(told["same"], "The model has another parameter object now: load_state_dict copies values into the one it has.")
    expect_close(told["found"], (0.8, [0.5, 0.8, 0.7]), ("the best evaluation", "the list of evaluations"))
    expect_equal(told["calls"], ["run_epoch(0)", "evaluate()", "run_epoch(1)", "evaluate()", "run_epoch(2)", "evaluate()"],
                 "the list of calls")  # fmt: skip


def test_keep_best__negative(student: Student) -> None:
    """takes -1 for better than -2 and -3"""
    told = student.run(best_of, [-2.0, -1.0, -3.0])
    expect_close(told["found"], (-1.0, [-2.0, -1.0, -3.0]), ("the best evaluation", "the list of evaluations"))
    expect_close(told["weight"], torch.tensor([[2.0]]), "the weight afterwards")


# weight_drift --------------------------------------------------------------------------------------------------------


def drifted(module: Any, before: dict[str, Tensor], now: dict[str, Tensor]) -> Any:
    """The drift of a BatchNorm's tensors from `before` to `now`."""
    model = nn.BatchNorm1d(2)
    model.load_state_dict(model.state_dict() | now)
    found = module.weight_drift(model, before)
    return [list(found), found] if isinstance(found, dict) else type(found).__name__


def test_weight_drift__relative(student: Student) -> None:
    """gives 1 from (3, 4) to (3, 9), for 5 / 5, and 0 for what stayed"""
    before = {"weight": torch.tensor([3.0, 4.0]), "running_var": torch.tensor([2.0, 2.0])}
    _, found = student.run(drifted, before, {"weight": torch.tensor([3.0, 9.0]), "running_var": torch.tensor([2.0, 2.0])})
    slips = {"It is the distance alone: divide it by the size of the tensor before.": {"weight": 5.0, "running_var": 0.0}}
    expect_close(found, {"weight": 1.0, "running_var": 0.0}, "the drift", slips=slips)


def test_weight_drift__from_zero(student: Student) -> None:
    """gives ‖now‖ = 5 from (0, 0) to (3, 4), and leaves out whole numbers"""
    before = {"num_batches_tracked": torch.tensor(0), "bias": torch.zeros(2)}
    names, found = student.run(drifted, before, {"num_batches_tracked": torch.tensor(7), "bias": torch.tensor([3.0, 4.0])})
    expect_equal(names, ["bias"], "the list of names")
    expect_close(found, {"bias": 5.0}, "the drift")


# finetuned_accuracy --------------------------------------------------------------------------------------------------


def learn_halves(module: Any) -> dict[str, Any]:
    """A new head for a network of the kit's, which learns to tell images that are bright above from those bright below."""
    torch.manual_seed(0)
    labels = torch.arange(40) % 2
    dark = torch.full((40, 3, 32, 32), -1.0)
    dark[labels == 0, :, :16] = 1.0
    dark[labels == 1, :, 16:] = 1.0
    model = module.feature_extractor(Backbone(), "fc", 2)
    before = {name: t.clone() for name, t in model.state_dict().items()}
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        return {"trained": False}
    optimizer = torch.optim.SGD(trained, lr=0.1, momentum=0.9)
    for _ in range(5):
        module.still_batchnorm(model)
        module.finetune_epoch(model, DataLoader(TensorDataset(dark, labels), batch_size=8), nn.CrossEntropyLoss(), optimizer)
    moved = [name for name, t in model.state_dict().items() if not name.startswith("fc.") and not torch.equal(t, before[name])]
    model.eval()
    with torch.no_grad():
        return {"trained": True, "right": int((model(dark).argmax(1) == labels).sum()), "moved": moved}


def test_finetuned_accuracy__halves(student: Student) -> None:
    """trains a new head to tell 40 simple images apart, and leaves the backbone alone"""
    told = student.run(learn_halves)
    expect(told["trained"], "After feature_extractor no parameter requires grad, so there is nothing to train.")
    expect(
        not told["moved"], f"The backbone has moved: {', '.join(told.get('moved', [])[:3])}. Do the checks before this one pass?"
    )
    expect(told["right"] == 40, f"After training, {told['right']} of 40 labels are right. Do the checks before this one pass?")
