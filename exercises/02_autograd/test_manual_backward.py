"""Checks of topic 02 that you can follow on paper: `pytest exercises/02_autograd`, or one task: add `-k relu_backward`.

`student` calls your functions: `student.call("q_forward", a, b)` is what your `q_forward(a, b)` returns, and
`student.observe` also gives the arguments as your function left them. `student.run` runs a small function next to your
module.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autograder import Student, expect, expect_close, expect_dtype, expect_equal, expect_shape, expect_unchanged, uses_autograd

# q_forward -----------------------------------------------------------------------------------------------------------


def test_q_forward__tutorial(student: Student, rng: torch.Generator) -> None:
    """gives 3·8 - 36 = -12 and 3·27 - 16 = 65 for a = (2, 3) and b = (6, 4)"""
    q = student.call("q_forward", torch.tensor([2.0, 3.0]), torch.tensor([6.0, 4.0]))
    expect_close(q, torch.tensor([-12.0, 65.0]), "Q")


def test_q_forward__matrix(student: Student, rng: torch.Generator) -> None:
    """works element by element for matrices, and keeps float64"""
    a = torch.tensor([[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]], dtype=torch.float64)
    b = torch.tensor([[0.0, 2.0, 1.0], [1.0, 1.0, 0.0]], dtype=torch.float64)
    expected = torch.tensor([[3.0, -4.0, -4.0], [23.0, 2.0, 0.0]])
    expect_close(student.call("q_forward", a, b), expected, "Q", dtype=torch.float64)


# q_backward ----------------------------------------------------------------------------------------------------------

AB = ("the gradient of a", "the gradient of b")


def test_q_backward__tutorial(student: Student, rng: torch.Generator) -> None:
    """gives 9a² = (36, 81) and -2b = (-12, -8) when ones arrive from above"""
    result = student.call("q_backward", torch.tensor([2.0, 3.0]), torch.tensor([6.0, 4.0]), torch.ones(2))
    expect_close(result, (torch.tensor([36.0, 81.0]), torch.tensor([-12.0, -8.0])), AB)


def test_q_backward__external_gradient(student: Student, rng: torch.Generator) -> None:
    """multiplies each by the gradient that arrives: twice the first, a tenth of the second"""
    a, b, grad_q = torch.tensor([2.0, 3.0]), torch.tensor([6.0, 4.0]), torch.tensor([2.0, 0.1])
    result, after = student.observe("q_backward", a, b, grad_q)
    expect_close(result, (torch.tensor([72.0, 8.1]), torch.tensor([-24.0, -0.8])), AB)
    expect_unchanged(after[2], grad_q, "the input grad_q")


# q_autograd ----------------------------------------------------------------------------------------------------------


def expect_leaves(result: Any) -> None:
    if isinstance(result, tuple | list):
        expect(not any(gradient is None for gradient in result), "A gradient is None. PyTorch fills the .grad of leaves only: "
               "a clone() of a tensor that requires grad is no leaf. Detach first.")  # fmt: skip


def through_autograd(module: Any, a: Tensor, b: Tensor, grad_q: Tensor) -> bool:
    return uses_autograd(lambda: module.q_autograd(a, b, grad_q))


def test_q_autograd__tutorial(student: Student, rng: torch.Generator) -> None:
    """gives the numbers that q_backward gives, through autograd"""
    a, b, grad_q = torch.tensor([2.0, 3.0]), torch.tensor([6.0, 4.0]), torch.tensor([2.0, 0.1])
    result = student.call("q_autograd", a, b, grad_q)
    expect_leaves(result)
    expect_close(result, (torch.tensor([72.0, 8.1]), torch.tensor([-24.0, -0.8])), AB)
    expect(student.run(through_autograd, a, b, grad_q), "The numbers are right, but autograd had no part in them. "
           "Compute Q from leaves that require grad, and let autograd differentiate it.")  # fmt: skip


def q_autograd_with_old_gradients(module: Any, a: Tensor, b: Tensor, old: Tensor) -> list[Any]:
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
    a.grad, b.grad = old.clone(), old.clone()
    return [module.q_autograd(a, b, torch.ones_like(a)), a.grad, b.grad]


def test_q_autograd__old_gradients(student: Student, rng: torch.Generator) -> None:
    """neither uses nor changes an old .grad of a and b, which require grad here"""
    a, b, old = torch.tensor([2.0, 3.0]), torch.tensor([6.0, 4.0]), torch.tensor([100.0, 100.0])
    result, *left = student.run(q_autograd_with_old_gradients, a, b, old)
    expect_leaves(result)
    expect_close(result, (torch.tensor([36.0, 81.0]), torch.tensor([-12.0, -8.0])), AB)
    expect_close(left, [old, old], ("the .grad of a after the call", "the .grad of b after the call"))


def q_autograd_of_plain_tensors(module: Any, a: Tensor, b: Tensor) -> list[bool]:
    module.q_autograd(a, b, torch.ones_like(a))
    return [a.requires_grad, b.requires_grad]


def test_q_autograd__requires_grad(student: Student, rng: torch.Generator) -> None:
    """does not leave requires_grad switched on for a and b"""
    left = student.run(q_autograd_of_plain_tensors, torch.tensor([2.0]), torch.tensor([6.0]))
    expect(left == [False, False], "The call left a or b requiring grad. Let a detached copy require grad instead.")


# linear_backward -----------------------------------------------------------------------------------------------------

XWB = ("the gradient of x", "the gradient of weight", "the gradient of bias")


def test_linear_backward__one_sample(student: Student, rng: torch.Generator) -> None:
    """gives (30, 40), (10, 20) and 10 for x = (1, 2), weight = (3, 4) and an arriving gradient of 10"""
    x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([5.0])
    expected = (torch.tensor([[30.0, 40.0]]), torch.tensor([[10.0, 20.0]]), torch.tensor([10.0]))
    grad_x, grad_weight, grad_bias = expected
    slips = {
        "The gradient of weight is transposed: it needs the shape of weight.": (grad_x, grad_weight.t(), grad_bias),
        "The gradient of bias still has the axis of the batch: sum over it.": (grad_x, grad_weight, grad_bias[None]),
    }
    expect_close(student.call("linear_backward", x, weight, bias, torch.tensor([[10.0]])), expected, XWB, slips=slips)


def test_linear_backward__batch(student: Student, rng: torch.Generator) -> None:
    """adds up what the two samples contribute to weight and bias"""
    x = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]])
    weight = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
    grad_out = torch.tensor([[1.0, 0.0], [10.0, 2.0]])
    expected = (
        torch.tensor([[1.0, 2.0, 3.0], [10.0, 22.0, 30.0]]),
        torch.tensor([[1.0, 10.0, 2.0], [0.0, 2.0, 0.0]]),
        torch.tensor([11.0, 2.0]),
    )
    expect_close(student.call("linear_backward", x, weight, torch.zeros(2), grad_out), expected, XWB)


def test_linear_backward__shapes(student: Student, rng: torch.Generator) -> None:
    """gives the shapes of x, weight and bias, and where all numbers are 1: 2 for x, 4 for weight and bias"""
    x, weight, bias, grad_out = torch.ones(4, 3), torch.ones(2, 3), torch.ones(2), torch.ones(4, 2)
    result = student.call("linear_backward", x, weight, bias, grad_out)
    expect(isinstance(result, tuple | list) and len(result) == 3, "Return three gradients: of x, weight and bias.")
    for gradient, value, name in zip(result, (x, weight, bias), XWB, strict=True):
        expect_shape(gradient, value.shape, name)
    expect_close(result, (2 * x, 4 * weight, 4 * bias), XWB)


# relu_backward -------------------------------------------------------------------------------------------------------


def test_relu_backward__signs(student: Student, rng: torch.Generator) -> None:
    """lets the gradient pass for 2 and 0.5, and stops it for -1"""
    x, grad_out = torch.tensor([-1.0, 2.0, 0.5]), torch.tensor([5.0, 6.0, -7.0])
    slips = {
        "It is grad_out times max(x, 0) itself: what counts is its slope, 1 where x is positive.": grad_out * x.clamp(0),
        "It looks at the sign of grad_out: what decides is the sign of x.": grad_out.clamp(0),
        "It is the slope alone: the gradient that arrives, grad_out, has to be multiplied in.": torch.tensor([0.0, 1.0, 1.0]),
        "It is grad_out unchanged: nothing passes where x is negative.": grad_out,
    }
    expect_close(student.call("relu_backward", x, grad_out), torch.tensor([0.0, 6.0, -7.0]), "the gradient of x", slips=slips)


def test_relu_backward__zero(student: Student, rng: torch.Generator) -> None:
    """gives 0 at x = 0, and leaves grad_out unchanged"""
    x, grad_out = torch.tensor([[0.0, 1.0], [-0.0, -3.0]]), torch.ones(2, 2)
    result, after = student.observe("relu_backward", x, grad_out)
    expect_close(result, torch.tensor([[0.0, 1.0], [0.0, 0.0]]), "the gradient of x")
    expect_unchanged(after[1], grad_out, "the input grad_out")


# mse_backward --------------------------------------------------------------------------------------------------------


def test_mse_backward__three_numbers(student: Student, rng: torch.Generator) -> None:
    """gives 2·(4 - 1) / 3 = 2, 0 and -6 for the prediction (4, 1, -8) and the target (1, 1, 1)"""
    prediction, expected = torch.tensor([4.0, 1.0, -8.0]), torch.tensor([2.0, 0.0, -6.0])
    slips = {
        "It is half of what it should be: the derivative of a square has a factor 2.": expected / 2,
        "It is 3 times what it should be, for 3 elements: the mean is missing.": expected * 3,
        "Its sign is wrong: the prediction comes first, and the target is taken from it.": -expected,
        "The factor 2 of the square and the mean are missing.": expected * 3 / 2,
    }
    result = student.call("mse_backward", prediction, torch.ones(3))
    expect_close(result, expected, "the gradient of the prediction", slips=slips)


def test_mse_backward__matrix(student: Student, rng: torch.Generator) -> None:
    """divides by the number of all elements, here 6, and leaves the prediction unchanged"""
    prediction = torch.tensor([[7.0, 0.0, 3.0], [1.0, -3.0, 3.0]])
    target = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    expected = torch.tensor([[2.0, 0.0, 1.0], [0.0, -1.0, 1.0]])
    result, after = student.observe("mse_backward", prediction, target)
    expect_close(result, expected, "the gradient of the prediction")
    expect_unchanged(after[0], prediction, "the input prediction")


# cross_entropy_backward ----------------------------------------------------------------------------------------------


def test_cross_entropy_backward__equal_logits(student: Student, rng: torch.Generator) -> None:
    """gives ½ - 0 and ½ - 1 for two equal logits of which the second is right"""
    result = student.call("cross_entropy_backward", torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    slips = {
        "The probabilities of a sample do not add up to 1: divide by the sum over its classes, dim=1, not over the batch.":
            torch.tensor([[1.0, 0.0]]),
        "The sign is wrong: the 1 of the right class is taken from the probabilities.": torch.tensor([[-0.5, 0.5]]),
        "These are the probabilities: the 1 of the right class is still to be taken from them.": torch.tensor([[0.5, 0.5]]),
    }  # fmt: skip
    expect_close(result, torch.tensor([[0.5, -0.5]]), "the gradient of the logits", slips=slips)


def test_cross_entropy_backward__batch(student: Student, rng: torch.Generator) -> None:
    """divides by the batch size, here 2, when the softmax of the rows is (1, 2, 1) / 4 and (3, 1, 4) / 8"""
    logits, labels = torch.tensor([[1.0, 2.0, 1.0], [3.0, 1.0, 4.0]]).log(), torch.tensor([1, 0])
    expected = torch.tensor([[0.25, -0.5, 0.25], [-0.625, 0.125, 0.5]]) / 2
    result, after = student.observe("cross_entropy_backward", logits, labels)
    expect_close(result, expected, "the gradient of the logits")
    expect_unchanged(after[0], logits, "the input logits")


def test_cross_entropy_backward__large_logits(student: Student, rng: torch.Generator) -> None:
    """stays finite for logits of ±1000"""
    logits = torch.tensor([[1000.0, -1000.0], [1000.0, 1000.0], [-1000.0, -1000.0]])
    expected = torch.tensor([[1.0, -1.0], [-0.5, 0.5], [0.5, -0.5]]) / 3
    result = student.call("cross_entropy_backward", logits, torch.tensor([1, 0, 1]))
    if isinstance(result, torch.Tensor):
        expect(not result.isnan().any(), "It contains nan: exp(1000) is inf, and inf / inf is nan. Take the largest logit of "
               "each row from that row before exp(), or let torch.softmax do so.")  # fmt: skip
    expect_close(result, expected, "the gradient of the logits", atol=1e-4)


# mlp_backward --------------------------------------------------------------------------------------------------------


def test_mlp_backward__one_unit(student: Student, rng: torch.Generator) -> None:
    """gives the example of the docstring: one feature, one hidden unit, two classes"""
    args = ([[1.0]], [[1.0]], [0.0], [[0.0], [0.0]], [0.0, 0.0])
    expected = {"w1": [[0.0]], "b1": [0.0], "w2": [[0.5], [-0.5]], "b2": [0.5, -0.5]}
    result = student.call("mlp_backward", *(torch.tensor(a) for a in args), torch.tensor([1]))
    expect_close(result, {name: torch.tensor(value) for name, value in expected.items()}, "the gradient")


def test_mlp_backward__batch(student: Student, rng: torch.Generator) -> None:
    """averages over a batch of 2, and sends nothing through a hidden unit that is exactly 0, here the third for x = 1"""
    x, w1, b1 = torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [1.0], [-1.0]]), torch.tensor([0.0, 0.0, 1.0])
    w2, b2 = torch.tensor([[2.0, 0.0, 1.0], [0.0, 2.0, 5.0]]), torch.zeros(2)
    # The hidden layer is (1, 1, 0) and (3, 3, -2), so both logits of a sample are equal: ½ - 1 and ½ - 0, halved.
    expected = {
        "w1": torch.tensor([[-2.0], [2.0], [0.0]]),
        "b1": torch.tensor([-1.0, 1.0, 0.0]),
        "w2": torch.tensor([[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]),
        "b2": torch.tensor([-0.5, 0.5]),
    }
    expect_close(student.call("mlp_backward", x, w1, b1, w2, b2, torch.tensor([0, 0])), expected, "the gradient")


def test_mlp_backward__dead_unit(student: Student, rng: torch.Generator) -> None:
    """sends nothing through a hidden unit that its ReLU has switched off, here the second"""
    x, w1, b1 = torch.tensor([[2.0]]), torch.tensor([[1.0], [-1.0]]), torch.zeros(2)
    w2, b2 = torch.tensor([[0.0, 1.0], [0.0, 3.0]]), torch.zeros(2)
    expected = {
        "w1": torch.tensor([[0.0], [0.0]]),
        "b1": torch.tensor([0.0, 0.0]),
        "w2": torch.tensor([[-1.0, 0.0], [1.0, 0.0]]),
        "b2": torch.tensor([-0.5, 0.5]),
    }
    expect_close(student.call("mlp_backward", x, w1, b1, w2, b2, torch.tensor([0])), expected, "the gradient")


def test_mlp_backward__shapes(student: Student, rng: torch.Generator) -> None:
    """gives each gradient the shape of its parameter, and averages over a batch of 4"""
    parameters = {"w1": torch.ones(5, 3), "b1": torch.ones(5), "w2": torch.ones(2, 5), "b2": torch.ones(2)}
    result = student.call("mlp_backward", torch.ones(4, 3), *parameters.values(), torch.tensor([0, 0, 1, 0]))
    expect(isinstance(result, dict), "Return a dict with the keys w1, b1, w2 and b2.")
    for name, value in parameters.items():
        expect(name in result, f"The dict has no key {name!r}.")
        expect_shape(result[name], value.shape, f"the gradient of {name}")
    # Every hidden unit is 4, and all logits are equal: class 0 gets (4·½ - 3) / 4, class 1 the opposite.
    slope = torch.tensor([-0.25, 0.25])
    expected = {"w1": torch.zeros(5, 3), "b1": torch.zeros(5), "w2": 4 * slope[:, None].expand(2, 5), "b2": slope}
    expect_close(result, expected, "the gradient")


# conv_backward -------------------------------------------------------------------------------------------------------

XW = ("the gradient of x", "the gradient of weight")


def test_conv_backward__one_by_one(student: Student, rng: torch.Generator) -> None:
    """gives (3, 30) and 1·1 + 10·2 = 21 for x = (1, 2), a kernel of one number, 3, and an arriving gradient of (1, 10)"""
    x, weight, grad_out = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3.0]]]]), torch.tensor([[[[1.0, 10.0]]]])
    expected = (torch.tensor([[[[3.0, 30.0]]]]), torch.tensor([[[[21.0]]]]))
    expect_close(student.call("conv_backward", x, weight, grad_out), expected, XW)


def test_conv_backward__windows_overlap(student: Student, rng: torch.Generator) -> None:
    """adds up where windows overlap: a kernel of 2 by 2 on an image of 2 by 3"""
    x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    weight = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    grad_out = torch.tensor([[[[1.0, 10.0]]]])
    # The left window sends 1·weight to columns 0 and 1 of x, the right one 10·weight to columns 1 and 2.
    grad_x = torch.tensor([[[[1.0, 12.0, 20.0], [3.0, 34.0, 40.0]]]])
    # weight sees 1·(left window) + 10·(right window).
    grad_weight = torch.tensor([[[[21.0, 32.0], [54.0, 65.0]]]])
    turned = torch.tensor([[[[4.0, 43.0, 30.0], [2.0, 21.0, 10.0]]]])
    slips = {"The kernel is the wrong way round on the way to x: where conv2d slides it over grad_out, turn it by 180°; in a "
             "loop over its positions, turn nothing.": (turned, grad_weight)}  # fmt: skip
    expect_close(student.call("conv_backward", x, weight, grad_out), (grad_x, grad_weight), XW, slips=slips)


def test_conv_backward__batch(student: Student, rng: torch.Generator) -> None:
    """adds up what two samples contribute to weight: 1·1 + 10·3 = 31 for the first channel out"""
    x, weight = torch.tensor([[[[1.0, 2.0]]], [[[3.0, 4.0]]]]), torch.tensor([[[[5.0]]], [[[6.0]]]])
    grad_out = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]], [[[10.0, 0.0]], [[0.0, 0.0]]]])
    expected = (torch.tensor([[[[5.0, 6.0]]], [[[50.0, 0.0]]]]), torch.tensor([[[[31.0]]], [[[2.0]]]]))
    expect_close(student.call("conv_backward", x, weight, grad_out), expected, XW)


def test_conv_backward__shapes(student: Student, rng: torch.Generator) -> None:
    """gives the shapes of x and weight, and keeps float64: 3 samples with 4·3 windows of ones give each weight 36"""
    x, weight = torch.ones(3, 3, 6, 5, dtype=torch.float64), torch.ones(4, 3, 3, 3, dtype=torch.float64)
    result = student.call("conv_backward", x, weight, torch.ones(3, 4, 4, 3, dtype=torch.float64))
    expect(isinstance(result, tuple | list) and len(result) == 2, "Return two gradients: of x and weight.")
    for gradient, value, name in zip(result, (x, weight), XW, strict=True):
        expect_shape(gradient, value.shape, name)
        expect_dtype(gradient, torch.float64, name)
    # So many windows see a row and a column of x, for each of 4 channels out.
    rows, columns = torch.tensor([1, 2, 3, 3, 2, 1]), torch.tensor([1, 2, 3, 2, 1])
    expect_close(result, (4.0 * rows[:, None] * columns * x, 36 * weight), XW)


# vector_jacobian -----------------------------------------------------------------------------------------------------


def jacobian_of_squares(module: Any, x: Tensor, v: Tensor) -> Any:
    return module.vector_jacobian(lambda t: t**2, x, v)


def jacobian_of_matrix(module: Any, matrix: Tensor, x: Tensor, v: Tensor) -> list[Any]:
    result = module.vector_jacobian(lambda t: matrix @ t, x, v)
    return [result, x.requires_grad, x.grad]


def jacobian_of_held(module: Any, x: Tensor, v: Tensor) -> Any:
    return module.vector_jacobian(lambda t: t.detach() * t, x, v)


def test_vector_jacobian__squares(student: Student, rng: torch.Generator) -> None:
    """gives 1·2·1 and 10·2·2 for f(x) = x² at (1, 2) with v = (1, 10)"""
    result = student.run(jacobian_of_squares, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0]))
    slips = {"v has no part in it: these are the column sums of J, as ones in its place give them.": torch.tensor([2.0, 4.0])}
    expect_close(result, torch.tensor([2.0, 40.0]), "the product vᵀJ", slips=slips)


def test_vector_jacobian__matrix(student: Student, rng: torch.Generator) -> None:
    """gives vᵀA for f(x) = A x, here from R³ to R², and leaves x as it was"""
    matrix = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    result, requires_grad, grad = student.run(jacobian_of_matrix, matrix, torch.ones(3), torch.tensor([1.0, 10.0]))
    expect_close(result, torch.tensor([41.0, 52.0, 63.0]), "the product vᵀJ")
    expect(requires_grad is False and grad is None,
           "The call left x requiring grad, or with a .grad. Let a detached copy require grad instead.")  # fmt: skip


def test_vector_jacobian__through_autograd(student: Student, rng: torch.Generator) -> None:
    """gives 1·1 and 10·2 for f(x) = x.detach() * x, whose first factor is a constant for autograd"""
    result = student.run(jacobian_of_held, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0]))
    expect_close(result, torch.tensor([1.0, 20.0]), "the product vᵀJ")


# accumulate ----------------------------------------------------------------------------------------------------------


def accumulate_two(module: Any, w: Tensor) -> Any:
    return module.accumulate([lambda t: (t**2).sum(), lambda t: (5 * t).sum()], w.clone().requires_grad_())


def accumulate_one(module: Any, w: Tensor) -> Any:
    return module.accumulate([lambda t: (t**3).sum()], w.clone().requires_grad_())


def test_accumulate__two_losses(student: Student, rng: torch.Generator) -> None:
    """gives 2w + 5 = (7, 9) for the losses Σw² and Σ5w at (1, 2)"""
    result = student.run(accumulate_two, torch.tensor([1.0, 2.0]))
    slips = {
        "It is the gradient of the last loss alone: is .grad cleared on the way?": torch.tensor([5.0, 5.0]),
        "It is the gradient of the first loss alone: the others are to be added.": torch.tensor([2.0, 4.0]),
        "It is the mean over the losses: add the gradients up.": torch.tensor([3.5, 4.5]),
        "The first loss is counted twice: .grad is a running sum already.": torch.tensor([9.0, 13.0]),
        "It is twice the sum: .grad is one and the same tensor after each backward, and a running sum.": torch.tensor(
            [14.0, 18.0]
        ),
        "It is the sum of the losses: what is asked for is the sum of their gradients.": torch.tensor(20.0),
    }
    expect_close(result, torch.tensor([7.0, 9.0]), "the accumulated gradient", slips=slips)


def test_accumulate__one_loss(student: Student, rng: torch.Generator) -> None:
    """gives 3w² = (3, 12) for the loss Σw³ at (1, 2)"""
    result = student.run(accumulate_one, torch.tensor([1.0, 2.0]))
    expect_close(result, torch.tensor([3.0, 12.0]), "the accumulated gradient")


# freeze_all_but ------------------------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.conv = nn.Conv2d(1, 2, 3)
        self.fc = nn.Linear(2, 4)
        self.fc2 = nn.Linear(4, 1)


def freeze(module: Any, name: str, trainable: bool) -> list[Any]:
    net = Net().requires_grad_(trainable)
    names = module.freeze_all_but(net, name)
    trainable = [full_name for full_name, p in net.named_parameters() if p.requires_grad]
    return [names, trainable, any("requires_grad" in vars(m) for m in net.modules()), any(map(vars, net.parameters()))]


def expect_flags(of_module: bool, of_parameter: bool) -> None:
    expect(not of_module, "A module was given an attribute requires_grad, which changes nothing: set it on each of its "
           "parameters, or call the module's requires_grad_().")  # fmt: skip
    expect(not of_parameter, "A parameter was given an attribute that PyTorch does not look at: is requires_grad spelled right?")


def test_freeze_all_but__last_layer(student: Student, rng: torch.Generator) -> None:
    """leaves only fc2 trainable and returns its two names"""
    names, trainable, *flags = student.run(freeze, "fc2", True)
    expect_flags(*flags)
    expect_equal(trainable, ["fc2.weight", "fc2.bias"], "the parameters that require grad after the call")
    expect_equal(names, ["fc2.weight", "fc2.bias"], "the returned list")


def test_freeze_all_but__frozen_before(student: Student, rng: torch.Generator) -> None:
    """lets fc, and not fc2, require grad although everything was frozen before"""
    names, trainable, *flags = student.run(freeze, "fc", False)
    expect_flags(*flags)
    expect_equal(trainable, ["fc.weight", "fc.bias"], "the parameters that require grad after the call")
    expect_equal(names, ["fc.weight", "fc.bias"], "the returned list")


# sgd_step ------------------------------------------------------------------------------------------------------------

AFTER = ("parameter 0 after the step", "parameter 1 after the step")


def step(module: Any, values: Sequence[Tensor], grads: Sequence[Tensor | None], lr: float) -> list[Any]:
    """The parameters, their gradients, and whether they are still leaves that require grad, after one step."""
    params = [value.clone().requires_grad_() for value in values]
    for p, grad in zip(params, grads, strict=True):
        p.grad = grad
    module.sgd_step(list(params), lr)
    return [[p.detach() for p in params], [p.grad for p in params], [p.is_leaf and p.requires_grad for p in params]]


def test_sgd_step__moves_down(student: Student, rng: torch.Generator) -> None:
    """moves 1 with gradient 2 to 0, and (3, 4) with gradient (0, -2) to (3, 5), for lr = 0.5"""
    values, grads = [torch.tensor(1.0), torch.tensor([3.0, 4.0])], [torch.tensor(2.0), torch.tensor([0.0, -2.0])]
    result = student.run(step, values, grads, 0.5)[0]
    slips = {
        "Nothing has moved. `p = p - …` makes a new tensor and leaves the parameter as it was: change it in place, and clear the "
        "gradient only after that.": values,
        "The step goes uphill: the gradient is to be subtracted.": [torch.tensor(2.0), torch.tensor([3.0, 3.0])],
        "lr has no part in the step.": [torch.tensor(-1.0), torch.tensor([3.0, 6.0])],
    }
    expect_close(result, [torch.tensor(0.0), torch.tensor([3.0, 5.0])], AFTER, slips=slips)


def test_sgd_step__skips_none(student: Student, rng: torch.Generator) -> None:
    """skips a parameter without a gradient"""
    values = [torch.tensor([1.0]), torch.tensor([2.0])]
    result = student.run(step, values, [None, torch.tensor([1.0])], 1.0)[0]
    expect_close(result, [torch.tensor([1.0]), torch.tensor([1.0])], AFTER)


def test_sgd_step__afterwards(student: Student, rng: torch.Generator) -> None:
    """leaves no gradient, and parameters that are leaves and require grad as before"""
    _, grads, as_before = student.run(step, [torch.tensor([1.0])], [torch.tensor([1.0])], 0.1)
    expect(grads[0] is None or not grads[0].any(), "The gradient is still there after the step: set it to None.")
    expect(as_before[0] is True, "The parameter is no leaf that requires grad any more: update it in place, "
           "under torch.no_grad().")  # fmt: skip
