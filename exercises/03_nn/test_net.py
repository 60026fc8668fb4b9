"""Checks of 03_nn that you can follow with pencil and paper. Run them with `pytest exercises/03_nn`.

`student.call("f", ...)` calls f of your net.py. `student.run(probe, ...)` runs the function `probe(module, ...)` of
this file, where `module` is your net.py.
"""

import copy
import itertools
from typing import Any

import torch
from torch import Tensor, nn

from autograder import Student, expect, expect_close, expect_equal, expect_unchanged

# Net -----------------------------------------------------------------------------------------------------------------

PARAMETERS = {  # name and shape of each
    "conv1.weight": (6, 1, 3, 3),
    "conv1.bias": (6,),
    "conv2.weight": (16, 6, 3, 3),
    "conv2.bias": (16,),
    "fc1.weight": (120, 576),
    "fc1.bias": (120,),
    "fc2.weight": (84, 120),
    "fc2.bias": (84,),
    "fc3.weight": (10, 84),
    "fc3.bias": (10,),
}


def shapes_of_parameters(module: Any) -> dict[str, Any]:
    """What a new Net holds: shapes by name."""
    return {name: p.shape for name, p in module.Net().state_dict().items()}


def count_parameters(module: Any) -> int:
    """How many numbers a new Net can learn."""
    return sum(p.numel() for p in module.Net().parameters())


def outputs(module: Any, weights: dict[str, Tensor], x: Tensor, training: bool) -> dict[str, Any]:
    """What a Net with these parameters gives for x, if its layers have the sizes described."""
    net = module.Net()
    shapes = {name: t.shape for name, t in net.state_dict().items()}
    fits = all(shapes.get(name) == weight.shape for name, weight in weights.items())
    if fits:
        net.load_state_dict(weights, strict=False)
    scores = net.train(training)(x) if fits else None
    return {"fits": fits, "scores": scores, "images": x}


def without_gradient(module: Any, x: Tensor) -> list[str]:
    """Names of the parameters that backward from the scores does not reach."""
    net = module.Net()
    scores = net(x)
    if isinstance(scores, Tensor) and scores.requires_grad:
        scores.sum().backward()
    return [name for name, p in net.named_parameters() if p.grad is None]


def averaging() -> dict[str, Tensor]:
    """Parameters with which conv1, conv2, fc1 and fc2 each give the mean of what they see.

    For an image whose pixels are all v, each layer gives v again, and score k is (k + 1) · v + k².
    """
    zeros = {name: torch.zeros(shape) for name, shape in PARAMETERS.items()}
    weights = {name: t if t.dim() == 1 else torch.ones_like(t) / t[0].numel() for name, t in zeros.items()}
    weights["fc3.weight"] *= torch.arange(1.0, 11.0)[:, None]
    weights["fc3.bias"] = torch.arange(10.0) ** 2
    return weights


def images(*values: float) -> Tensor:
    """A batch of images, each of equal pixels."""
    return torch.stack([torch.full((1, 32, 32), float(value)) for value in values])


def scores(*values: float) -> Tensor:
    """The scores of such a batch through layers that average."""
    k = torch.arange(10.0)
    return torch.stack([(k + 1) * value + k**2 for value in values])


def expect_scores(
    student: Student, weights: dict[str, Tensor], x: Tensor, expected: Tensor, name: str, *, training: bool = True
) -> None:
    """Fail unless a Net with these parameters gives these scores, and leaves the images alone."""
    found = student.run(outputs, weights, x, training)
    expect(found["fits"], "The layers do not have the names and sizes described: see to them first.")
    expect_close(found["scores"], expected, name)
    expect_unchanged(found["images"], x, "the batch of images")


def test_Net__has_five_layers(student: Student) -> None:
    """has layers conv1, conv2, fc1, fc2 and fc3 of the sizes described"""
    found = student.run(shapes_of_parameters)
    for name, shape in PARAMETERS.items():
        expect(name in found, f"The network has no {name}. Its parameters are: {', '.join(found) or 'none'}.")
        kernels = ""
        if tuple(found[name])[-1] in (5, 400):
            kernels = " 5x5 kernels and 16·5·5 belong to PyTorch's own tutorial; here they are 3x3 and 16·6·6."
        expect(found[name] == shape, f"{name} has shape {tuple(found[name])}, but it should have {shape}.{kernels}")
    expect_equal(student.run(count_parameters), 81194, "the number of parameters")


def test_Net__gives_ten_scores_an_image(student: Student) -> None:
    """gives scores (N, 10) for images (N, 1, 32, 32), also for a single image"""
    expect_scores(student, averaging(), images(1, 2, 3, 4), scores(1, 2, 3, 4), "the output for a batch of four")
    expect_scores(student, averaging(), images(3), scores(3), "the output for a batch of one")


def test_Net__applies_relu(student: Student) -> None:
    """applies ReLU behind conv1, conv2, fc1 and fc2, which turns -2 into 0"""
    layers = ("conv1", "conv2", "fc1", "fc2", "fc3")
    for layer, following in itertools.pairwise(layers):
        weights = averaging()
        weights[f"{layer}.bias"] -= 3.0  # an image of ones gives 1 - 3 here
        weights[f"{following}.weight"] *= -1  # so that a -2 that gets through becomes 2
        expect_scores(student, weights, images(1, 1), scores(0, 0), f"the output where {layer} gives -2, and its ReLU 0,")
    weights = averaging()
    weights["conv1.weight"] *= -1
    expect_scores(student, weights, images(-2), scores(2), "the output for an image of -2 where conv1 turns the sign")


def test_Net__pools_the_maximum(student: Student) -> None:
    """keeps the largest of each 2x2 pixels"""
    weights = averaging()
    weights["conv1.weight"] = torch.zeros(6, 1, 3, 3)
    weights["conv1.weight"][:, :, 0, 0] = 1.0  # conv1 copies a pixel, so that pooling sees the image
    board = torch.ones(1, 1, 32, 32)
    board[:, :, ::2, ::2] = 5.0  # one pixel of four is 5, the others are 1
    expect_scores(student, weights, board, scores(5), "the output for an image of ones and fives")


def test_Net__returns_raw_scores(student: Student) -> None:
    """returns what the last layer gives, without softmax or ReLU, in train mode and in eval mode"""
    weights = averaging()
    weights["fc3.bias"] -= 30.0  # so that some scores are negative
    for training in (True, False):
        name = f"the output in {'train' if training else 'eval'} mode"
        expect_scores(student, weights, images(1, 2), scores(1, 2) - 30, name, training=training)


def test_Net__can_learn(student: Student) -> None:
    """gives scores with a graph, so that backward reaches every parameter"""
    missed = student.run(without_gradient, images(1, 2))
    text = f"Backward from the scores does not reach {', '.join(missed)}: detach(), data, item() and no_grad cut the graph."
    expect(not missed, text)


# num_flat_features ---------------------------------------------------------------------------------------------------


def flat_features(module: Any, shape: tuple[int, ...]) -> int:
    """The method's result, also while the layers of Net are not made yet."""
    cls = module.Net
    try:
        net = cls()
    except Exception:  # noqa: BLE001  the layers are another task
        net = cls.__new__(cls)
        nn.Module.__init__(net)
    return net.num_flat_features(torch.zeros(shape))


def test_num_flat_features__multiplies_sizes(student: Student) -> None:
    """multiplies channels, height and width, but not the batch's size"""
    expect_equal(student.run(flat_features, (4, 16, 6, 6)), 576, "the number of features of (4, 16, 6, 6)")
    expect_equal(student.run(flat_features, (1, 3, 5, 2)), 30, "the number of features of (1, 3, 5, 2)")


def test_num_flat_features__takes_any_rank(student: Student) -> None:
    """works for batches of rows and of sequences as well"""
    expect_equal(student.run(flat_features, (2, 7)), 7, "the number of features of (2, 7)")
    expect_equal(student.run(flat_features, (5, 4, 3)), 12, "the number of features of (5, 4, 3)")


# feature_sizes -------------------------------------------------------------------------------------------------------


def test_feature_sizes__follows_the_network(student: Student) -> None:
    """gives 32 → 30 → 15 → 13 → 6 for two 3x3 convolutions, each with a 2x2 pooling"""
    expect_equal(student.call("feature_sizes", 32, [3, 3], 2), [30, 15, 13, 6], "the list of sizes")


def test_feature_sizes__rounds_down(student: Student) -> None:
    """leaves out what does not fill a whole pooling window"""
    expect_equal(student.call("feature_sizes", 13, [3], 3), [11, 3], "the list of sizes for feature_sizes(13, [3], 3)")
    expect_equal(student.call("feature_sizes", 28, [4], 2), [25, 12], "the list of sizes for feature_sizes(28, [4], 2)")


def test_feature_sizes__stands_on_the_edges(student: Student) -> None:
    """keeps the size where kernel and pool are 1, gives nothing without kernels, and leaves their list alone"""
    expect_equal(student.call("feature_sizes", 7, [1], 1), [7, 7], "the list of sizes for feature_sizes(7, [1], 1)")
    expect_equal(student.call("feature_sizes", 7, [], 2), [], "the list of sizes for feature_sizes(7, [], 2)")
    after = student.observe("feature_sizes", 32, [5, 3], 2)[1]
    expect_unchanged(after[1], [5, 3], "the list of kernels")


# parameter_table -----------------------------------------------------------------------------------------------------


def table_of_linear(module: Any) -> Any:
    """The table of a single layer."""
    return module.parameter_table(nn.Linear(3, 2))


def table_of_sequence(module: Any) -> dict[str, Any]:
    """The table of four layers, one of them with a frozen weight, and which of them require grad afterwards."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 5, bias=False))
    net[0].weight.requires_grad = False
    return {"the table": module.parameter_table(net), "requires_grad": [p.requires_grad for p in net.parameters()]}


def table_of_nothing(module: Any) -> Any:
    """The table of a network that has nothing to learn."""
    return module.parameter_table(nn.Sequential(nn.Flatten(), nn.ReLU()))


def expect_table(found: Any, expected: list[tuple[str, tuple[int, ...], int]]) -> None:
    """Fail unless the table has these rows."""
    if isinstance(found, list | tuple) and len(found) == len(expected):
        expect_equal(found, expected, [f"row {i + 1} of the table" for i in range(len(expected))])
    expect_equal(found, expected, "the table")


def test_parameter_table__lists_a_layer(student: Student) -> None:
    """gives name, shape and element count of a layer's weight and bias"""
    expect_table(student.run(table_of_linear), [("weight", (2, 3), 6), ("bias", (2,), 2)])


def test_parameter_table__lists_every_layer(student: Student) -> None:
    """lists the parameters of every layer, frozen ones too, but no buffers such as a running mean"""
    expected = [
        ("0.weight", (2, 1, 3, 3), 18),
        ("0.bias", (2,), 2),
        ("1.weight", (2,), 2),
        ("1.bias", (2,), 2),
        ("3.weight", (5, 8), 40),
    ]
    found = student.run(table_of_sequence)
    expect_table(found["the table"], expected)
    kept = found["requires_grad"] == [False, True, True, True, True]
    expect(kept, "After the call other parameters are frozen than before: only look at them.")


def test_parameter_table__may_be_empty(student: Student) -> None:
    """gives an empty list for a network without parameters"""
    expect_table(student.run(table_of_nothing), [])


# random_backward -----------------------------------------------------------------------------------------------------

# The output is weight · x + bias, so d/dweight = grad · x and d/dbias = grad.


def line(weight: float, bias: float) -> nn.Linear:
    """The network weight · x + bias."""
    net = nn.Linear(1, 1)
    net.load_state_dict({"weight": torch.tensor([[weight]]), "bias": torch.tensor([bias])})
    return net


def backward(module: Any, x: Tensor, grad: Tensor, old: float) -> dict[str, Any]:
    """The gradients of 3x + 1, whose parameters hold the gradient `old` before the call."""
    net = line(3.0, 1.0)
    for p in net.parameters():
        p.grad = torch.full_like(p, old)
    found = module.random_backward(net, x, grad)
    at_once = {name: copy.deepcopy(slope) for name, slope in found.items()} if isinstance(found, dict) else found
    for p in net.parameters():
        p.grad = None if p.grad is None else p.grad.fill_(-1.0)
    return {"the gradient": at_once, "later": found, "after the call, the weight": net.weight.detach()}


def test_random_backward__gives_gradients_by_name(student: Student) -> None:
    """gives the gradients by name: the sum of grad · x over the batch for a weight, and that of grad for a bias"""
    x, grad = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[3.0], [4.0], [1.0]])
    found = student.run(backward, x, grad, 0.0)  # 1 · 3 + 2 · 4 + 4 · 1 = 15
    expect_close(found, {"the gradient": {"weight": torch.tensor([[15.0]]), "bias": torch.tensor([8.0])}})
    expect_close(found, {"after the call, the weight": torch.tensor([[3.0]])})


def test_random_backward__clears_old_gradients(student: Student) -> None:
    """gives the same where the parameters already hold gradients"""
    found = student.run(backward, torch.tensor([[2.0], [1.0]]), torch.tensor([[5.0], [3.0]]), 100.0)  # 2 · 5 + 1 · 3 = 13
    expect_close(found, {"the gradient": {"weight": torch.tensor([[13.0]]), "bias": torch.tensor([8.0])}})


def test_random_backward__returns_copies(student: Student) -> None:
    """returns copies, which stay as they are when the network's .grad changes"""
    found = student.run(backward, torch.tensor([[2.0]]), torch.tensor([[5.0]]), 0.0)
    text = "The returned gradients change when the network's .grad does: they share its memory. Return a clone() of each."
    expect_equal(found, {"the gradient": {"weight": torch.tensor([[10.0]]), "bias": torch.tensor([5.0])}})
    for name in ("weight", "bias"):
        expect(torch.equal(found["later"][name], found["the gradient"][name]), text)


# mse_loss ------------------------------------------------------------------------------------------------------------

# The network gives x and 2x.


def twofold() -> nn.Linear:
    """The network that turns [x] into [x, 2x]."""
    net = nn.Linear(1, 2)
    net.load_state_dict({"weight": torch.tensor([[1.0], [2.0]]), "bias": torch.zeros(2)})
    return net


def loss_of(module: Any, x: Tensor, target: Tensor) -> Any:
    """The loss for outputs [x, 2x], or 2x where there is one target a sample."""
    return module.mse_loss(line(2.0, 0.0) if target.shape[-1] == 1 else twofold(), x, target)


def slope_of_loss(module: Any, x: Tensor, target: Tensor) -> dict[str, Any]:
    """The bias gradient after backward of the loss, and why backward cannot run if it cannot."""
    net = twofold()
    loss = module.mse_loss(net, x, target)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return {"trouble": "The loss has no graph. Return the tensor itself, without item(), detach() or no_grad."}
    try:
        loss.backward()
    except RuntimeError as error:
        return {"trouble": f"Backward of the returned loss cannot run: {str(error).splitlines()[0]}"}
    return {"trouble": "", "after backward of the loss, the bias gradient": net.bias.grad}


def test_mse_loss__averages_squares(student: Student) -> None:
    """averages over all N·K outputs: [1, 2], [0, 0], [2, 4] against [1, 5], [1, 0], [0, 2] give 18 / 6"""
    x, target = torch.tensor([[1.0], [0.0], [2.0]]), torch.tensor([[1.0, 5.0], [1.0, 0.0], [0.0, 2.0]])
    slips = {"It is the sum: mse is the mean.": 18.0, "It is divided by N alone: there are N·K outputs.": 6.0}
    expect_close(student.run(loss_of, x, target), 3.0, "the loss", slips=slips)


def test_mse_loss__takes_one_sample_or_one_output(student: Student) -> None:
    """takes a target of shape (K,) where N is 1, and keeps output and target side by side where K is 1"""
    x = torch.tensor([[1.0]])
    expect_close(student.run(loss_of, x, torch.tensor([[1.0, 5.0]])), 4.5, "the loss for a target of shape (1, 2)")
    expect_close(student.run(loss_of, x, torch.tensor([1.0, 5.0])), 4.5, "the loss for a target of shape (2,)")
    x, target = torch.tensor([[1.0], [0.0], [2.0]]), torch.tensor([[5.0], [0.0], [4.0]])
    expect_close(student.run(loss_of, x, target), 3.0, "the loss for a target of shape (3, 1)")


def test_mse_loss__stays_attached(student: Student) -> None:
    """keeps the graph, so that the caller can run backward"""
    found = student.run(slope_of_loss, torch.tensor([[1.0]]), torch.tensor([[1.0, 5.0]]))
    expect(found["trouble"] == "", found["trouble"])
    expect_close(found, {"after backward of the loss, the bias gradient": torch.tensor([0.0, -3.0])})


# graph_walk ----------------------------------------------------------------------------------------------------------


def walk_from_exp(module: Any, steps: int) -> dict[str, Any]:
    """The walk from a sum of exponentials, and the leaf's gradient after it."""
    w = torch.ones(2, requires_grad=True)
    return {"the walk": module.graph_walk(w.exp().sum(), steps), "gradient": w.grad}


def walk_from_mse(module: Any, steps: int) -> dict[str, Any]:
    """The walk from the loss of a linear layer."""
    loss = nn.functional.mse_loss(nn.Linear(3, 2)(torch.ones(4, 3)), torch.zeros(4, 2))
    return {"the walk": module.graph_walk(loss, steps)}


def expect_walk(found: Any, expected: list[str]) -> None:
    """Fail unless the walk has these names; `node.name()` may add the C++ namespace."""
    walk = found["the walk"]
    if isinstance(walk, list | tuple):
        expect(all(isinstance(name, str) for name in walk), "The walk should hold names, which are text: no nodes and no None.")
        walk = [name.rpartition("::")[2] for name in walk]
    expect_equal(walk, expected, "the walk")


def test_graph_walk__reaches_the_leaf(student: Student) -> None:
    """names each node down to the leaf's AccumulateGrad, and leaves no gradient there"""
    found = student.run(walk_from_exp, 9)
    expect_walk(found, ["SumBackward0", "ExpBackward0", "AccumulateGrad"])
    expect(found["gradient"] is None, "The walk left a gradient in the leaf: only look, and call no backward.")
    expect_walk(student.run(walk_from_mse, 9), ["MseLossBackward0", "AddmmBackward0", "AccumulateGrad"])


def test_graph_walk__stops_after_steps(student: Student) -> None:
    """gives at most `steps` names"""
    expect_walk(student.run(walk_from_mse, 1), ["MseLossBackward0"])
    expect_walk(student.run(walk_from_exp, 2), ["SumBackward0", "ExpBackward0"])


# sgd_update ----------------------------------------------------------------------------------------------------------


def update(module: Any, lr: float) -> dict[str, Any]:
    """The network 3x + 1.5 after the update, with gradients 2 and -4."""
    net = line(3.0, 1.5)
    net.weight.grad, net.bias.grad = torch.tensor([[2.0]]), torch.tensor([-4.0])
    before = net.weight
    module.sgd_update(net, lr)
    return {
        "the weight": net.weight.detach(),
        "the bias": net.bias.detach(),
        "the weight, seen through the old parameter,": before.detach(),
        "the weight's .grad after the update": net.weight.grad,
        "is a parameter": isinstance(net.weight, nn.Parameter) and net.weight.requires_grad,
    }


def test_sgd_update__moves_against_the_gradient(student: Student) -> None:
    """turns a weight 3 with gradient 2 into 2.8, and a bias 1.5 with gradient -4 into 1.9, at lr = 0.1"""
    expected = {"the weight": torch.tensor([[2.8]]), "the bias": torch.tensor([1.9])}
    expect_close(student.run(update, 0.1), expected)


def test_sgd_update__works_in_place(student: Student) -> None:
    """changes the parameters themselves and keeps their gradients"""
    found = student.run(update, 0.1)
    expect_close(found, {"the weight, seen through the old parameter,": torch.tensor([[2.8]])})
    kept = found["the weight's .grad after the update"]
    expect(kept is not None, "The weight's gradient is gone after the update. Leave the gradients as they are.")
    expect_close(kept, torch.tensor([[2.0]]), "the weight's .grad after the update")
    expect(found["is a parameter"], "After the update the weight requires no grad any more: it could not learn further.")


# train_step ----------------------------------------------------------------------------------------------------------

# The gradient of the weight is the mean of 2 · error · x, that of the bias the mean of 2 · error.


def step(module: Any, momentum: float, steps: int) -> dict[str, Any]:
    """Steps of training of 1 · x + 0 for x = 2 and 1 with target 0, with gradients of an earlier batch still in place."""
    net = line(1.0, 0.0)
    net.weight.grad, net.bias.grad = torch.tensor([[50.0]]), torch.tensor([50.0])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.06, momentum=momentum)
    x, target = torch.tensor([[2.0], [1.0]]), torch.tensor([[0.0], [0.0]])
    losses = [module.train_step(net, nn.MSELoss(), optimizer, x, target) for _ in range(steps)]
    return {
        "the loss": losses[0],
        "the weight": net.weight.detach(),
        "the bias": net.bias.detach(),
        "training": net.training,
    }


def test_train_step__returns_the_loss(student: Student) -> None:
    """returns the loss of the batch before the step, a number: (2² + 1²) / 2 = 2.5"""
    loss = student.run(step, 0.0, 1)["the loss"]
    expect_close(loss, 2.5, "the loss")
    expect(not getattr(loss, "requires_grad", False), "The loss still holds its graph. Return its value alone.")


def test_train_step__takes_one_step(student: Student) -> None:
    """moves weight 1 by 0.06 · 5 to 0.7 and bias 0 by 0.06 · 3 to -0.18, whatever gradients were there before"""
    expected = {"the weight": torch.tensor([[0.7]]), "the bias": torch.tensor([-0.18])}
    kept = "The gradients of an earlier batch are still in it: clear them before backward, with zero_grad()."
    found = student.run(step, 0.0, 1)
    expect_close(found, expected, slips={kept: {"the weight": torch.tensor([[-2.3]]), "the bias": torch.tensor([-3.18])}})
    expect(found["training"], "After the step the network is in eval mode, but it was in train mode before.")


def test_train_step__uses_the_optimizer(student: Student) -> None:
    """leaves the step to the optimizer: with momentum 0.5 the second step is 0.06 · (0.5 · 5 + 2.96) for the weight"""
    # after the first step the outputs are 1.22 and 0.52: the gradients are (4.88 + 1.04) / 2 and (2.44 + 1.04) / 2
    expected = {"the weight": torch.tensor([[0.3724]]), "the bias": torch.tensor([-0.3744])}
    expect_close(student.run(step, 0.5, 2), expected)


# stale_grads ---------------------------------------------------------------------------------------------------------


def stale(module: Any, names: list[str]) -> dict[str, Any]:
    """Two layers whose parameters all hold a gradient, one of them frozen; the optimizer holds those called `names`."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].weight.grad = torch.ones(2, 2)
    net[0].bias.grad = torch.tensor([-2.0, 0.0])
    net[1].weight.grad = torch.tensor([[1.0, -1.0]])
    net[1].bias.grad = torch.zeros(1)
    net[0].bias.requires_grad = False
    found = module.stale_grads(net, torch.optim.SGD([net.get_parameter(name) for name in names], lr=0.1))
    return {"the list of names": found, "1.weight": net[1].weight.grad}


def test_stale_grads__names_what_is_left(student: Student) -> None:
    """names parameters that the optimizer does not hold: gradients [-2, 0] and [1, -1] are left, [0] is no gradient"""
    found = student.run(stale, ["0.weight"])
    expect_equal(found, {"the list of names": ["0.bias", "1.weight"]})
    left = isinstance(found["1.weight"], Tensor) and bool(found["1.weight"].any())
    expect(left, "After the call the gradient of 1.weight is cleared, but the optimizer does not hold it: only name it.")


def test_stale_grads__may_find_nothing(student: Student) -> None:
    """gives an empty list where the optimizer holds every parameter"""
    found = student.run(stale, ["0.weight", "0.bias", "1.weight", "1.bias"])
    expect_equal(found, {"the list of names": []})


# exponential_lrs -----------------------------------------------------------------------------------------------------


def rates(module: Any, lr: float, gamma: float, epochs: int) -> Any:
    """The rates for an optimizer that starts with lr."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=lr)
    return module.exponential_lrs(optimizer, gamma, epochs)


def test_exponential_lrs__starts_with_the_first_rate(student: Student) -> None:
    """starts with the optimizer's own rate and multiplies it by gamma after each epoch"""
    found = student.run(rates, 0.8, 0.25, 3)
    if isinstance(found, list | tuple) and len(found) == 3:
        names = ["the rate of epoch 1", "the rate of epoch 2", "the rate of epoch 3"]
        expect_close(found, [0.8, 0.2, 0.05], names)
    expect_close(found, [0.8, 0.2, 0.05], "the list of rates")


def test_exponential_lrs__gives_one_rate_an_epoch(student: Student) -> None:
    """gives one rate for one epoch, and none for none"""
    expect_close(student.run(rates, 0.1, 0.9, 1), [0.1], "the list of rates for one epoch")
    expect_close(student.run(rates, 0.1, 0.9, 0), [], "the list of rates for no epoch")
