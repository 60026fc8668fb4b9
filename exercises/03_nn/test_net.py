"""Checks of 03_nn that you can follow with pencil and paper. Run them with `pytest exercises/03_nn`.

`student.call("f", ...)` calls f of your net.py. `student.run(probe, ...)` runs the function `probe(module, ...)` of
this file, where `module` is your net.py.
"""

from typing import Any

import torch
from torch import Tensor, nn

from autograder import Student, expect, expect_close, expect_equal

# --- Net: name and shape of each parameter ----------------------------------------------------------------------------

PARAMETERS = {
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


def outputs(module: Any, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """What a Net with these parameters gives for x."""
    net = module.Net()
    net.load_state_dict(weights, strict=False)
    return net(x)


def averaging() -> dict[str, Tensor]:
    """Parameters that make each layer give the mean of what it sees: the mean of equal numbers is that number."""
    zeros = {name: torch.zeros(shape) for name, shape in PARAMETERS.items()}
    return {name: t if t.dim() == 1 else torch.ones_like(t) / t[0].numel() for name, t in zeros.items()}


def test_Net__has_five_layers(student: Student) -> None:
    """has layers conv1, conv2, fc1, fc2 and fc3 of the sizes described"""
    found = student.run(shapes_of_parameters)
    for name, shape in PARAMETERS.items():
        expect(name in found, f"The network has no {name}. Its parameters are: {', '.join(found) or 'none'}.")
        expect(found[name] == shape, f"{name} has shape {tuple(found[name])}, but it should have {shape}.")
    expect_equal(student.run(count_parameters), 81194, "the number of parameters")


def test_Net__gives_ten_scores_an_image(student: Student) -> None:
    """gives scores (N, 10) for images (N, 1, 32, 32), also for a single image"""
    for n in (4, 1):
        found = student.run(outputs, averaging(), torch.ones(n, 1, 32, 32))
        expect_close(found, torch.ones(n, 10), f"the output for {n} images of ones through layers that average")


def test_Net__applies_relu(student: Student) -> None:
    """applies ReLU inside, so that layers that average turn images of -1 into scores of 0"""
    found = student.run(outputs, averaging(), -torch.ones(2, 1, 32, 32))
    expect_close(found, torch.zeros(2, 10), "the output for images of -1")


def test_Net__pools_the_maximum(student: Student) -> None:
    """keeps the largest of each 2x2 pixels"""
    weights = averaging()
    weights["conv1.weight"] = torch.zeros(6, 1, 3, 3)
    weights["conv1.weight"][:, :, 0, 0] = 1.0  # conv1 copies a pixel, so that pooling sees the image
    board = torch.ones(1, 1, 32, 32)
    board[:, :, ::2, ::2] = 3.0  # one pixel of four is 3, the others are 1
    found = student.run(outputs, weights, board)
    expect_close(found, torch.full((1, 10), 3.0), "the output for an image of ones and threes")


def test_Net__returns_raw_scores(student: Student) -> None:
    """returns what the last layer gives, without softmax or ReLU"""
    weights = {name: torch.zeros(shape) for name, shape in PARAMETERS.items()}
    weights["fc3.bias"] = torch.arange(-4.0, 6.0)  # all other parameters are 0, so this is the output
    found = student.run(outputs, weights, torch.ones(2, 1, 32, 32))
    expect_close(found, torch.arange(-4.0, 6.0).expand(2, 10), "the output")


# --- num_flat_features ------------------------------------------------------------------------------------------------


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


# --- feature_sizes ----------------------------------------------------------------------------------------------------


def test_feature_sizes__follows_the_network(student: Student) -> None:
    """gives 32 → 30 → 15 → 13 → 6 for two 3x3 convolutions, each with a 2x2 pooling"""
    expect_equal(student.call("feature_sizes", 32, [3, 3], 2), [30, 15, 13, 6], "the list of sizes")


def test_feature_sizes__rounds_down(student: Student) -> None:
    """leaves out what does not fill a whole pooling window"""
    expect_equal(student.call("feature_sizes", 10, [3], 3), [8, 2], "the list of sizes for feature_sizes(10, [3], 3)")
    expect_equal(student.call("feature_sizes", 28, [4], 2), [25, 12], "the list of sizes for feature_sizes(28, [4], 2)")


# --- parameter_table --------------------------------------------------------------------------------------------------


def table_of_linear(module: Any) -> Any:
    """The table of a single layer."""
    return module.parameter_table(nn.Linear(3, 2))


def table_of_sequence(module: Any) -> Any:
    """The table of four layers, one of them with a frozen weight."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 5, bias=False))
    net[0].weight.requires_grad = False
    return module.parameter_table(net)


def test_parameter_table__lists_a_layer(student: Student) -> None:
    """gives name, shape and element count of a layer's weight and bias"""
    expect_equal(student.run(table_of_linear), [("weight", (2, 3), 6), ("bias", (2,), 2)], "the table")


def test_parameter_table__lists_every_layer(student: Student) -> None:
    """lists the parameters of every layer, frozen ones too, but no buffers such as a running mean"""
    expected = [
        ("0.weight", (2, 1, 3, 3), 18),
        ("0.bias", (2,), 2),
        ("1.weight", (2,), 2),
        ("1.bias", (2,), 2),
        ("3.weight", (5, 8), 40),
    ]
    expect_equal(student.run(table_of_sequence), expected, "the table")


# --- random_backward: output = weight · x + bias, so d/dweight = grad · x and d/dbias = grad --------------------------


def line(weight: float, bias: float) -> nn.Linear:
    """The network weight · x + bias."""
    net = nn.Linear(1, 1)
    net.load_state_dict({"weight": torch.tensor([[weight]]), "bias": torch.tensor([bias])})
    return net


def backward(module: Any, x: Tensor, grad: Tensor, old: float) -> Any:
    """The gradients of 3x + 1, whose parameters hold the gradient `old` before the call."""
    net = line(3.0, 1.0)
    for p in net.parameters():
        p.grad = torch.full_like(p, old)
    found = module.random_backward(net, x, grad)
    for p in net.parameters():
        p.grad = None if p.grad is None else p.grad.fill_(-1.0)  # a copy does not see this
    return found


def test_random_backward__gives_gradients_by_name(student: Student) -> None:
    """gives the gradients by name: grad · x, summed over the batch, for the weight of one neuron"""
    found = student.run(backward, torch.tensor([[2.0]]), torch.tensor([[5.0]]), 0.0)
    expect_close(found, {"weight": torch.tensor([[10.0]]), "bias": torch.tensor([5.0])}, "the gradient")
    found = student.run(backward, torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [4.0]]), 0.0)
    expect_close(found, {"weight": torch.tensor([[11.0]]), "bias": torch.tensor([7.0])}, "the gradient for N = 2")


def test_random_backward__clears_old_gradients(student: Student) -> None:
    """gives the same where the parameters already hold gradients"""
    found = student.run(backward, torch.tensor([[2.0]]), torch.tensor([[5.0]]), 100.0)
    expect_close(found, {"weight": torch.tensor([[10.0]]), "bias": torch.tensor([5.0])}, "the gradient")


# --- mse_loss: the network gives x and 2x -----------------------------------------------------------------------------


def twofold() -> nn.Linear:
    """The network that turns [x] into [x, 2x]."""
    net = nn.Linear(1, 2)
    net.load_state_dict({"weight": torch.tensor([[1.0], [2.0]]), "bias": torch.zeros(2)})
    return net


def loss_of(module: Any, x: Tensor, target: Tensor) -> Any:
    """The loss for outputs [x, 2x]."""
    return module.mse_loss(twofold(), x, target)


def slope_of_loss(module: Any, x: Tensor, target: Tensor) -> Any:
    """The bias gradient after backward of the loss, or None if the loss has no graph."""
    net = twofold()
    loss = module.mse_loss(net, x, target)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return None
    loss.backward()
    return net.bias.grad


def test_mse_loss__averages_squares(student: Student) -> None:
    """averages over all outputs: [1, 2] against [1, 5] gives (0 + 9) / 2"""
    x = torch.tensor([[1.0]])
    expect_close(student.run(loss_of, x, torch.tensor([[1.0, 5.0]])), 4.5, "the loss")
    expect_close(student.run(loss_of, x, torch.tensor([1.0, 5.0])), 4.5, "the loss for a target of shape (2,)")
    x, target = torch.tensor([[1.0], [0.0]]), torch.tensor([[1.0, 5.0], [1.0, 0.0]])
    expect_close(student.run(loss_of, x, target), 2.5, "the loss for N = 2")


def test_mse_loss__stays_attached(student: Student) -> None:
    """keeps the graph, so that the caller can run backward"""
    slope = student.run(slope_of_loss, torch.tensor([[1.0]]), torch.tensor([[1.0, 5.0]]))
    expect(slope is not None, "The loss has no graph. Return the tensor itself, without item(), detach() or no_grad.")
    expect_close(slope, torch.tensor([0.0, -3.0]), "after backward of the loss, the bias gradient")


# --- graph_walk -------------------------------------------------------------------------------------------------------


def walk_from_exp(module: Any, steps: int) -> Any:
    """The walk from a sum of exponentials."""
    w = torch.ones(2, requires_grad=True)
    return module.graph_walk(w.exp().sum(), steps)


def walk_from_mse(module: Any, steps: int) -> Any:
    """The walk from the loss of a linear layer."""
    loss = nn.functional.mse_loss(nn.Linear(3, 2)(torch.ones(4, 3)), torch.zeros(4, 2))
    return module.graph_walk(loss, steps)


def test_graph_walk__reaches_the_leaf(student: Student) -> None:
    """names each node down to the leaf's AccumulateGrad"""
    expect_equal(student.run(walk_from_exp, 9), ["SumBackward0", "ExpBackward0", "AccumulateGrad"], "the walk")
    expect_equal(student.run(walk_from_mse, 9), ["MseLossBackward0", "AddmmBackward0", "AccumulateGrad"], "the walk")


def test_graph_walk__stops_after_steps(student: Student) -> None:
    """gives at most `steps` names"""
    expect_equal(student.run(walk_from_mse, 1), ["MseLossBackward0"], "the walk of one step")
    expect_equal(student.run(walk_from_exp, 2), ["SumBackward0", "ExpBackward0"], "the walk of two steps")


# --- sgd_update -------------------------------------------------------------------------------------------------------


def update(module: Any, lr: float) -> dict[str, Tensor]:
    """The network 3x + 1 after the update, with gradients 2 and -4."""
    net = line(3.0, 1.0)
    net.weight.grad, net.bias.grad = torch.tensor([[2.0]]), torch.tensor([-4.0])
    before = [net.weight, net.bias]
    module.sgd_update(net, lr)
    return {
        "the weight": net.weight.detach(),
        "the bias": net.bias.detach(),
        "the weight, seen through the old parameter,": before[0].detach(),
        "the gradient of the weight": net.weight.grad,
    }


def test_sgd_update__moves_against_the_gradient(student: Student) -> None:
    """turns a weight 3 with gradient 2 into 2.8, and a bias 1 with gradient -4 into 1.4, at lr = 0.1"""
    expected = {"the weight": torch.tensor([[2.8]]), "the bias": torch.tensor([1.4])}
    expect_close(student.run(update, 0.1), expected)


def test_sgd_update__works_in_place(student: Student) -> None:
    """changes the parameters themselves and keeps their gradients"""
    found = student.run(update, 0.5)
    expect_close(found, {"the weight, seen through the old parameter,": torch.tensor([[2.0]])})
    expect_close(found, {"the gradient of the weight": torch.tensor([[2.0]])})


# --- train_step: the error of weight · x is squared, so d/dweight = 2 · error · x and d/dbias = 2 · error -------------


def step(module: Any, momentum: float, steps: int) -> dict[str, Any]:
    """Steps of training of 1 · x + 0 for x = 2 with target 0, with gradients of an earlier batch still in place."""
    net = line(1.0, 0.0)
    net.weight.grad, net.bias.grad = torch.tensor([[50.0]]), torch.tensor([50.0])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=momentum)
    x, target = torch.tensor([[2.0]]), torch.tensor([[0.0]])
    losses = [module.train_step(net, nn.MSELoss(), optimizer, x, target) for _ in range(steps)]
    return {"the loss": losses[0], "the weight": net.weight.detach(), "the bias": net.bias.detach()}


def test_train_step__returns_the_loss(student: Student) -> None:
    """returns the loss of the batch: (1 · 2 + 0 - 0)² = 4"""
    loss = student.run(step, 0.0, 1)["the loss"]
    expect_close(loss, 4.0, "the loss")
    expect(not getattr(loss, "requires_grad", False), "The loss still holds its graph. Return its value alone.")


def test_train_step__takes_one_step(student: Student) -> None:
    """moves weight 1 by 0.05 · 8 to 0.6 and bias 0 by 0.05 · 4 to -0.2, whatever gradients were there before"""
    expected = {"the weight": torch.tensor([[0.6]]), "the bias": torch.tensor([-0.2])}
    expect_close(student.run(step, 0.0, 1), expected)


def test_train_step__uses_the_optimizer(student: Student) -> None:
    """leaves the step to the optimizer: with momentum 0.5 the second step is 0.05 · (0.5 · 8 + 4) for the weight"""
    # after the first step the output is 0.6 · 2 - 0.2 = 1, so the second gradients are 2 · 1 · 2 = 4 and 2 · 1 = 2
    expected = {"the weight": torch.tensor([[0.2]]), "the bias": torch.tensor([-0.4])}
    expect_close(student.run(step, 0.5, 2), expected)


# --- stale_grads ------------------------------------------------------------------------------------------------------


def stale(module: Any, names: list[str]) -> Any:
    """Two layers whose parameters all hold a gradient; the optimizer holds those called `names`."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    net[1].bias.grad = torch.zeros(1)
    return module.stale_grads(net, torch.optim.SGD([net.get_parameter(name) for name in names], lr=0.1))


def test_stale_grads__names_what_is_left(student: Student) -> None:
    """names the parameters that the optimizer does not hold, but not the one whose gradient is zero anyway"""
    found = student.run(stale, ["0.weight", "0.bias"])
    expect_equal(found, ["1.weight"], "the list of names")


def test_stale_grads__may_find_nothing(student: Student) -> None:
    """gives an empty list where the optimizer holds every parameter"""
    found = student.run(stale, ["0.weight", "0.bias", "1.weight", "1.bias"])
    expect_equal(found, [], "the list of names")


# --- exponential_lrs --------------------------------------------------------------------------------------------------


def rates(module: Any, lr: float, gamma: float, epochs: int) -> Any:
    """The rates for an optimizer that starts with lr."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=lr)
    return module.exponential_lrs(optimizer, gamma, epochs)


def test_exponential_lrs__starts_with_the_first_rate(student: Student) -> None:
    """starts with the optimizer's own rate and multiplies it by gamma after each epoch"""
    expect_close(student.run(rates, 0.8, 0.5, 3), [0.8, 0.4, 0.2], "the list of rates")
    expect_close(student.run(rates, 0.1, 0.9, 1), [0.1], "the list of rates for one epoch")
