"""Hidden checks of topic 02: values first, then sizes, dtypes, memory layouts, edges and untouched inputs.

The oracle is autograd in float64, outside the submission. The first check of each task is the one that decides: it has
an input of a public example's shape, and in a task by hand numbers of very unlike sizes, in which a difference quotient
drowns while the written-out derivative keeps its digits.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder import (
    Case,
    Mismatch,
    Reference,
    Student,
    expect,
    expect_close,
    expect_digits,
    expect_dtype,
    expect_equal,
    expect_unchanged,
    strided,
    uses_autograd,
)

UNLIKE = "beside numbers of very unlike sizes (where a difference quotient drowns)"
ANY_SHAPE = "works for a single element, a matrix and more axes"
COPY = "Let a detached copy require grad, and differentiate with respect to that."


def randn(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=dtype)


def positive(rng: torch.Generator, *shape: int) -> Tensor:
    """Numbers from 0.5 to 1.5: their sums lose no digits."""
    return torch.rand(shape, generator=rng) + 0.5


def whole(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Whole numbers from -2 to 2: their sums and products are exact in any order."""
    return torch.randint(-2, 3, shape, generator=rng).to(dtype)


def classes(rng: torch.Generator, n: int, k: int) -> Tensor:
    return torch.randint(0, k, (n,), generator=rng)


def gradients(f: Callable[..., Tensor], inputs: Sequence[Tensor], grad_out: Tensor | None = None) -> tuple[Tensor, ...]:
    """The gradients of f(*inputs), weighted with grad_out, by autograd in float64."""
    leaves = [t.detach().double().clone().requires_grad_() for t in inputs]
    grad_out = None if grad_out is None else grad_out.detach().double()
    return torch.autograd.grad(f(*leaves), leaves, grad_outputs=grad_out)


def parameter(tensor: Tensor, old_grad: Tensor | None = None) -> Tensor:
    """A leaf that requires grad and may hold an old gradient, as a parameter in training does."""
    copy = tensor.detach().clone().requires_grad_()
    copy.grad = old_grad
    return copy


def named(names: Sequence[str], where: str) -> list[str]:
    return [f"{name} {where}" for name in names]


def expect_inputs_kept(student: Student, name: str, args: Sequence[Tensor], labels: Sequence[str]) -> None:
    """Call with plain inputs, which an in-place operation would change without an error."""
    after = student.observe(name, *args)[1]
    for left, before, label in zip(after, args, labels, strict=True):
        expect_unchanged(left, before, f"the input {label}")


# q_forward -----------------------------------------------------------------------------------------------------------


def q(a: Tensor, b: Tensor) -> Tensor:
    return 3 * a**3 - b**2


def pair(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    return randn(rng, *shape, dtype=dtype), randn(rng, *shape, dtype=dtype)


Q_FORWARD = Reference("q_forward", q, pair, "Q", ("a", "b"))
test_q_forward__values = Q_FORWARD.values((7,), (2,), (2, 3), says="computes 3a³ - b² for each pair of elements")
test_q_forward__any_shape = Q_FORWARD.sizes((1,), (3, 4), (1, 1), (2, 3, 5), says=ANY_SHAPE)
test_q_forward__dtypes = Q_FORWARD.dtypes((5,))
test_q_forward__layouts = Q_FORWARD.layouts((4, 3))
test_q_forward__unchanged = Q_FORWARD.unchanged((6,))
test_q_forward__twice = Q_FORWARD.twice((4,))


# q_backward ----------------------------------------------------------------------------------------------------------

AB = ("the gradient of a", "the gradient of b")


def q_case(
    rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, ...]]:
    a, b, grad_q = (randn(rng, *shape, dtype=dtype) for _ in range(3))
    return (a, b, grad_q), gradients(q, (a, b), grad_q)


def test_q_backward__values(student: Student, rng: torch.Generator) -> None:
    """gives the gradients of Σ grad_q·Q with respect to a and b"""
    for shape in ((7,), (2,)):
        args, expected = q_case(rng, *shape)
        expect_close(student.call("q_backward", *args), expected, AB)
    size = torch.tensor([1e6, 1e-6, 1.0, 1.0])
    a, b, grad_q = size * positive(rng, 4), size.flip(0) * positive(rng, 4), positive(rng, 4)
    expected = gradients(q, (a, b), grad_q)
    expect_close(student.call("q_backward", a, b, grad_q), expected, named(AB, UNLIKE), atol=0)


def test_q_backward__any_shape(student: Student, rng: torch.Generator) -> None:
    """works for a single element, a matrix and more axes"""
    for shape in ((1,), (4, 3), (1, 1), (2, 3, 5)):
        args, expected = q_case(rng, *shape)
        expect_close(student.call("q_backward", *args), expected, AB)


def test_q_backward__dtype(student: Student, rng: torch.Generator) -> None:
    """keeps the inputs' dtype, and float64's precision"""
    args, expected = q_case(rng, 5)
    expect_close(student.call("q_backward", *args), expected, AB, dtype=torch.float32)
    args, expected = q_case(rng, 5, dtype=torch.float64)
    expect_digits(student.call("q_backward", *args), expected, AB)


def test_q_backward__layout_and_grad(student: Student, rng: torch.Generator) -> None:
    """works for inputs that are not contiguous or require grad"""
    (a, b, grad_q), expected = q_case(rng, 4, 3)
    expect_close(student.call("q_backward", a, strided(b), strided(grad_q)), expected, AB)
    expect_close(student.call("q_backward", parameter(a), parameter(b), grad_q), expected, AB)


def test_q_backward__inputs_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves a, b and grad_q unchanged"""
    expect_inputs_kept(student, "q_backward", q_case(rng, 6)[0], ("a", "b", "grad_q"))


# q_autograd ----------------------------------------------------------------------------------------------------------

AB_AFTER = ("the input a after the call", "the input b after the call")
BY_HAND = ("The gradients are right, but autograd had no part in them. "
           "Compute Q from leaves that require grad, and let autograd differentiate it.")  # fmt: skip
NO_LEAF = ("{} is None. PyTorch fills the .grad of leaves only: a clone() of a tensor that requires grad is no leaf. "
           "Detach first.")  # fmt: skip


def q_autograd_left(
    module: Any, a: Tensor, b: Tensor, grad_q: Tensor
) -> tuple[Any, list[Tensor], list[bool], list[Tensor | None]]:
    """The result, and a and b as the call left them: their values, requires_grad and .grad."""
    result = module.q_autograd(a, b, grad_q)
    return result, [a, b], [a.requires_grad, b.requires_grad], [a.grad, b.grad]


def q_autograd_of_parameters(
    module: Any, a: Tensor, b: Tensor, grad_q: Tensor, old_a: Tensor, old_b: Tensor
) -> tuple[Any, list[Tensor], list[bool], list[Tensor | None]]:
    return q_autograd_left(module, parameter(a, old_a), parameter(b, old_b), grad_q)


def through_autograd(module: Any, a: Tensor, b: Tensor, grad_q: Tensor) -> bool:
    return uses_autograd(lambda: module.q_autograd(a, b, grad_q))


def expect_pair(got: Any, expected: tuple[Tensor, ...], **tolerances: Any) -> None:
    """Judge the two gradients; one that is None, as `.grad` is where nothing fills it, has a message of its own."""
    if isinstance(got, tuple | list) and len(got) == len(AB):
        for gradient, name in zip(got, AB, strict=True):
            expect(gradient is not None, NO_LEAF.format(name.capitalize()))
    expect_close(got, expected, AB, **tolerances)


def test_q_autograd__values(student: Student, rng: torch.Generator) -> None:
    """gives the gradients of Σ grad_q·Q through autograd, for a and b that require no grad"""
    for shape in ((7,), (2,)):
        args, expected = q_case(rng, *shape)
        expect_pair(student.call("q_autograd", *args), expected)
    expect(student.run(through_autograd, *args), BY_HAND)


def test_q_autograd__leaves_that_require_grad(student: Student, rng: torch.Generator) -> None:
    """works when a and b require grad already, or only one of them does"""
    (a, b, grad_q), expected = q_case(rng, 6)
    expect_pair(student.call("q_autograd", a, parameter(b), grad_q), expected)
    expect_pair(student.call("q_autograd", parameter(a), parameter(b), grad_q), expected)


def test_q_autograd__old_grad(student: Student, rng: torch.Generator) -> None:
    """does not add an old .grad of a and b to the result"""
    args, expected = q_case(rng, 6)
    expect_pair(student.run(q_autograd_of_parameters, *args, randn(rng, 6), randn(rng, 6))[0], expected)


def test_q_autograd__plain_inputs_left_as_found(student: Student, rng: torch.Generator) -> None:
    """leaves a and b as they were: without requires_grad and without .grad"""
    args, _ = q_case(rng, 6)
    _, left, requires_grad, grads = student.run(q_autograd_left, *args)
    expect_close(left, list(args[:2]), AB_AFTER, rtol=0, atol=0)
    for name, needs, grad in zip("ab", requires_grad, grads, strict=True):
        expect(needs is False, f"The input {name} requires grad after the call, but did not before. {COPY}")
        expect(grad is None, f"The input {name} has a .grad after the call, but had none before. {COPY}")


def test_q_autograd__parameters_left_as_found(student: Student, rng: torch.Generator) -> None:
    """leaves the requires_grad and the old .grad of a and b as they were"""
    args, _ = q_case(rng, 6)
    old = [randn(rng, 6), randn(rng, 6)]
    _, left, requires_grad, grads = student.run(q_autograd_of_parameters, *args, *old)
    expect_close(left, list(args[:2]), AB_AFTER, rtol=0, atol=0)
    for name, needs, grad, before in zip("ab", requires_grad, grads, old, strict=True):
        expect(needs is True, f"The input {name} required grad before the call, but does not after it. {COPY}")
        same = isinstance(grad, torch.Tensor) and torch.equal(grad, before)
        expect(same, f"The .grad of the input {name} is not what it was before the call. {COPY}")


def test_q_autograd__shapes_and_dtype(student: Student, rng: torch.Generator) -> None:
    """works for matrices, single elements and float64"""
    for shape in ((1,), (4, 3)):
        args, expected = q_case(rng, *shape)
        expect_pair(student.call("q_autograd", *args), expected, dtype=torch.float32)
    (a, b, grad_q), expected = q_case(rng, 3, 5, dtype=torch.float64)
    expect_digits(student.call("q_autograd", strided(a), b, strided(grad_q)), expected, AB)


# linear_backward -----------------------------------------------------------------------------------------------------

XWB = ("the gradient of x", "the gradient of weight", "the gradient of bias")


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return x @ weight.t() + bias


def linear_inputs(
    rng: torch.Generator, n: int, d: int, o: int, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return randn(rng, n, d, dtype=dtype), randn(rng, o, d, dtype=dtype), randn(rng, o, dtype=dtype), randn(rng, n, o, dtype=dtype)


def unlike_features(rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    size = torch.tensor([1.0, 1e15, 1.0, 1.0])
    return size * positive(rng, 5, 4), positive(rng, 3, 4), positive(rng, 3), positive(rng, 5, 3)


def one_gradient_for_all(rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return *linear_inputs(rng, 5, 4, 3)[:3], torch.ones(()).expand(5, 3)


def linear_gradients(x: Tensor, weight: Tensor, bias: Tensor, grad_out: Tensor) -> tuple[Tensor, ...]:
    return gradients(linear, (x, weight, bias), grad_out)


LINEAR = Reference("linear_backward", linear_gradients, linear_inputs, XWB, ("x", "weight", "bias", "grad_out"))
test_linear_backward__values = LINEAR.values(
    (5, 4, 3), (2, 3, 2), Case(unlike_features, UNLIKE, atol=0), says="gives the gradients of x, weight and bias"
)
test_linear_backward__batch_of_one = LINEAR.sizes((1, 4, 3), (1, 1, 1), says="keeps all axes for a batch of one")
test_linear_backward__other_sizes = LINEAR.sizes(
    (4, 1, 3), (6, 5, 1), (3, 3, 3), (2, 7, 9), says="works for other sizes: one feature in, one feature out, as many in as out"
)
test_linear_backward__dtypes = LINEAR.dtypes((4, 2, 3))
test_linear_backward__layouts = LINEAR.layouts((5, 4, 3))
test_linear_backward__expanded = LINEAR.sizes(Case(one_gradient_for_all), says="works for a gradient expanded from one number")
test_linear_backward__unchanged = LINEAR.unchanged((5, 4, 3))
test_linear_backward__twice = LINEAR.twice((3, 4, 2))


# relu_backward -------------------------------------------------------------------------------------------------------

X = "the gradient of x"


def relu_gradient(x: Tensor, grad_out: Tensor) -> Tensor:
    return gradients(torch.relu, (x,), grad_out)[0]


def near_the_corner(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    return 1e-20 * randn(rng, 4, 5), randn(rng, 4, 5)


def on_the_corner(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    x, grad_out = pair(rng, 4, 3)
    x[1], x[2, 0] = 0.0, -0.0
    return x, grad_out


RELU = Reference("relu_backward", relu_gradient, pair, X, ("x", "grad_out"))
CLOSE = Case(near_the_corner, "for an x close to 0 (where a difference quotient straddles the corner)")
test_relu_backward__values = RELU.values(
    (6, 5), (3,), (2, 2), CLOSE, says="passes the gradient where x is positive, however small, and stops it where x is negative"
)
test_relu_backward__zero = RELU.sizes(Case(on_the_corner), says="gives 0 where x is exactly 0")
test_relu_backward__any_shape = RELU.sizes((1,), (9,), (1, 1), (2, 3, 4, 5), says="works for any number of axes")
test_relu_backward__dtypes = RELU.dtypes((5, 3))
test_relu_backward__layouts = RELU.layouts((4, 6))
test_relu_backward__unchanged = RELU.unchanged((4, 3))
test_relu_backward__twice = RELU.twice((4, 3))


# mse_backward --------------------------------------------------------------------------------------------------------

PREDICTION = "the gradient of the prediction"


def mse_gradient(prediction: Tensor, target: Tensor) -> Tensor:
    return gradients(lambda p: F.mse_loss(p, target.double()), (prediction,))[0]


def mse_case(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> tuple[tuple[Tensor, Tensor], Tensor]:
    prediction, target = randn(rng, *shape, dtype=dtype), randn(rng, *shape, dtype=dtype)
    return (prediction, target), mse_gradient(prediction, target)


def test_mse_backward__values(student: Student, rng: torch.Generator) -> None:
    """gives the gradient of the mean squared error with respect to the prediction"""
    for shape in ((5, 3), (3,), (2, 3), (2, 2)):
        args, expected = mse_case(rng, *shape)
        expect_close(student.call("mse_backward", *args), expected, PREDICTION)
    size = torch.tensor([1e12, 1.0, 1.0])
    prediction, target = size * (1 + positive(rng, 4, 3)), size * torch.rand(4, 3, generator=rng)
    result, expected = student.call("mse_backward", prediction, target), mse_gradient(prediction, target)
    expect_close(result, expected, f"{PREDICTION} {UNLIKE}", atol=0)


def test_mse_backward__any_shape(student: Student, rng: torch.Generator) -> None:
    """averages over all elements, whatever the number of axes"""
    for shape in ((1, 4), (6,), (1,), (1, 1), (2, 3, 5)):
        args, expected = mse_case(rng, *shape)
        expect_close(student.call("mse_backward", *args), expected, f"the gradient of a prediction of shape {shape}")


def test_mse_backward__equal(student: Student, rng: torch.Generator) -> None:
    """gives 0 where prediction and target are equal"""
    (prediction, target), _ = mse_case(rng, 4, 3)
    prediction[1] = target[1]
    expect_close(student.call("mse_backward", prediction, target), mse_gradient(prediction, target), PREDICTION)


def test_mse_backward__dtype(student: Student, rng: torch.Generator) -> None:
    """keeps the inputs' dtype, and float64's precision"""
    expect_dtype(student.call("mse_backward", *mse_case(rng, 4, 2)[0]), torch.float32, "the gradient")
    args, expected = mse_case(rng, 4, 2, dtype=torch.float64)
    expect_digits(student.call("mse_backward", *args), expected, PREDICTION)


def test_mse_backward__layout_and_grad(student: Student, rng: torch.Generator) -> None:
    """works for inputs that are not contiguous, and for a prediction that requires grad"""
    (prediction, target), expected = mse_case(rng, 4, 6)
    expect_close(student.call("mse_backward", strided(prediction), strided(target)), expected, "the gradient")
    expect_close(student.call("mse_backward", parameter(prediction), target), expected, "the gradient")


def test_mse_backward__inputs_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves prediction and target unchanged"""
    expect_inputs_kept(student, "mse_backward", mse_case(rng, 4, 3)[0], ("prediction", "target"))


# cross_entropy_backward ----------------------------------------------------------------------------------------------

LOGITS = "the gradient of the logits"


def cross_entropy_gradient(logits: Tensor, labels: Tensor) -> Tensor:
    return gradients(lambda t: F.cross_entropy(t, labels), (logits,))[0]


def test_cross_entropy_backward__values(student: Student, rng: torch.Generator) -> None:
    """gives the gradient of the batch-mean cross entropy with respect to the logits"""
    for n, k in ((6, 4), (2, 3)):
        logits, labels = 2 * randn(rng, n, k), classes(rng, n, k)
        result = student.call("cross_entropy_backward", logits, labels)
        expect_close(result, cross_entropy_gradient(logits, labels), LOGITS)
    order = torch.stack([torch.randperm(5, generator=rng) for _ in range(3)])
    logits, labels = torch.rand(3, 5, generator=rng) - 18 * order, order.argmax(1)
    result, expected = student.call("cross_entropy_backward", logits, labels), cross_entropy_gradient(logits, labels)
    where = "for very unlikely classes (whose share a difference quotient loses)"
    expect_close(result, expected, f"{LOGITS} {where}", rtol=1e-3, atol=0)


def test_cross_entropy_backward__other_sizes(student: Student, rng: torch.Generator) -> None:
    """works for one sample, two classes, a single class, and more classes than samples"""
    for n, k in ((1, 5), (7, 2), (3, 10), (4, 4), (5, 1), (1, 1)):
        logits, labels = randn(rng, n, k), classes(rng, n, k)
        result = student.call("cross_entropy_backward", logits, labels)
        expect_close(result, cross_entropy_gradient(logits, labels), LOGITS)


def test_cross_entropy_backward__edges(student: Student, rng: torch.Generator) -> None:
    """works for equal logits, and for labels that are all of the first or all of the last class"""
    logits, labels = torch.ones(4, 3), classes(rng, 4, 3)
    result = student.call("cross_entropy_backward", logits, labels)
    expect_close(result, cross_entropy_gradient(logits, labels), f"{LOGITS} that are all equal")
    for label in (0, 2):
        logits, labels = randn(rng, 5, 3), torch.full((5,), label)
        result = student.call("cross_entropy_backward", logits, labels)
        expect_close(result, cross_entropy_gradient(logits, labels), f"{LOGITS} where all labels are {label}")


def test_cross_entropy_backward__large_logits(student: Student, rng: torch.Generator) -> None:
    """stays finite and right for logits of ±1000"""
    labels = classes(rng, 5, 3)
    signs = 2.0 * torch.randint(0, 2, (5, 3), generator=rng) - 1
    for logits in (1000 + randn(rng, 5, 3), -1000 + randn(rng, 5, 3), 1000 * signs):
        result = student.call("cross_entropy_backward", logits, labels)
        expected = cross_entropy_gradient(logits, labels)
        # Around 1000, float32 numbers lie 6e-5 apart: logits minus their log-sum-exp carry that error.
        expect_close(result, expected, "the gradient of large logits", rtol=1e-3, atol=1e-4)


def test_cross_entropy_backward__rows_far_apart(student: Student, rng: torch.Generator) -> None:
    """treats each row by itself when one row's logits are thousands larger than another's"""
    logits, labels = randn(rng, 4, 5), classes(rng, 4, 5)
    logits = logits + torch.tensor([[3000.0], [0.0], [-2000.0], [500.0]])
    result = student.call("cross_entropy_backward", logits, labels)
    # Around 3000, float32 numbers lie 2.4e-4 apart.
    expect_close(result, cross_entropy_gradient(logits, labels), LOGITS, rtol=2e-3, atol=2e-4)


def test_cross_entropy_backward__dtype(student: Student, rng: torch.Generator) -> None:
    """keeps the logits' dtype, and float64's precision"""
    logits, labels = randn(rng, 5, 3, dtype=torch.float64), classes(rng, 5, 3)
    expect_dtype(student.call("cross_entropy_backward", logits.float(), labels), torch.float32, "the gradient")
    result = student.call("cross_entropy_backward", logits, labels)
    expect_digits(result, cross_entropy_gradient(logits, labels), LOGITS)


def test_cross_entropy_backward__layout_and_grad(student: Student, rng: torch.Generator) -> None:
    """works for logits that are not contiguous or require grad"""
    logits, labels = randn(rng, 5, 3), classes(rng, 5, 3)
    expected = cross_entropy_gradient(logits, labels)
    expect_close(student.call("cross_entropy_backward", strided(logits), strided(labels)), expected, LOGITS)
    expect_close(student.call("cross_entropy_backward", parameter(logits), labels), expected, LOGITS)


def test_cross_entropy_backward__inputs_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves logits and labels unchanged"""
    args = (randn(rng, 5, 3), classes(rng, 5, 3))
    expect_inputs_kept(student, "cross_entropy_backward", args, ("logits", "labels"))


# mlp_backward --------------------------------------------------------------------------------------------------------

GRADIENT = "the gradient"
MlpArgs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def mlp_gradients(args: MlpArgs) -> dict[str, Tensor]:
    *inputs, labels = args

    def loss(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
        return F.cross_entropy(F.linear(torch.relu(F.linear(x, w1, b1)), w2, b2), labels)

    return dict(zip(("w1", "b1", "w2", "b2"), gradients(loss, inputs)[1:], strict=True))


def mlp_case(
    rng: torch.Generator, n: int, d: int, h: int, k: int, dtype: torch.dtype = torch.float32, spread: float = 0.0
) -> tuple[MlpArgs, dict[str, Tensor]]:
    """x, w1, b1, w2, b2 and labels, and the four gradients by name; `spread` is how far b2 pulls the logits apart."""
    x, w1, b1 = randn(rng, n, d, dtype=dtype), randn(rng, h, d, dtype=dtype), randn(rng, h, dtype=dtype)
    w2, b2 = randn(rng, k, h, dtype=dtype), randn(rng, k, dtype=dtype)
    b2 += torch.linspace(spread, -spread, k, dtype=dtype)
    args = (x, w1, b1, w2, b2, classes(rng, n, k))
    return args, mlp_gradients(args)


def test_mlp_backward__values(student: Student, rng: torch.Generator) -> None:
    """gives the gradients of w1, b1, w2 and b2"""
    for n, d, h, k in ((6, 4, 7, 3), (4, 3, 5, 2)):
        args, expected = mlp_case(rng, n, d, h, k)
        expect_close(student.call("mlp_backward", *args), expected, GRADIENT)
    (x, w1, b1, w2, b2, labels), _ = mlp_case(rng, 5, 4, 6, 3)
    args = (x, w1, b1, w2, b2 - torch.tensor([0.0, 0.0, 60.0]), labels % 2)
    expected, result = mlp_gradients(args), student.call("mlp_backward", *args)
    expect_close(result, expected, GRADIENT)
    last = {name: result[name][2] for name in ("w2", "b2")}
    where = "for a very unlikely class (whose share a difference quotient loses)"
    names = {f"the gradient of {name} {where}": row for name, row in last.items()}
    expect_close(names, {f"the gradient of {name} {where}": expected[name][2] for name in last}, rtol=1e-3, atol=0)


def test_mlp_backward__batch_of_one(student: Student, rng: torch.Generator) -> None:
    """works for a batch of one, and for one of everything but two classes"""
    for d, h, k in ((4, 5, 3), (1, 1, 2)):
        args, expected = mlp_case(rng, 1, d, h, k)
        expect_close(student.call("mlp_backward", *args), expected, GRADIENT)


def test_mlp_backward__other_sizes(student: Student, rng: torch.Generator) -> None:
    """works for other sizes, and gives the first answer again after a call with other inputs"""
    args, expected = mlp_case(rng, 3, 2, 8, 5)
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT)
    others, expected_others = mlp_case(rng, 5, 6, 1, 2)
    expect_close(student.call("mlp_backward", *others), expected_others, GRADIENT)
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT)


def test_mlp_backward__zero(student: Student, rng: torch.Generator) -> None:
    """sends nothing through hidden units that are exactly 0, or all switched off"""
    for dtype in (torch.float32, torch.float64):
        x, w1 = whole(rng, 6, 4, dtype=dtype), whole(rng, 5, 4, dtype=dtype)
        w2, b2, labels = randn(rng, 3, 5, dtype=dtype), randn(rng, 3, dtype=dtype), classes(rng, 6, 3)
        for b1 in (-(w1 @ x[0]), -(w1 @ x[3]), torch.full((5,), -50.0, dtype=dtype)):  # samples 0 and 3 land on 0
            args = (x, w1, b1, w2, b2, labels)
            expect_close(student.call("mlp_backward", *args), mlp_gradients(args), GRADIENT)


def test_mlp_backward__labels_alike(student: Student, rng: torch.Generator) -> None:
    """works where all labels are of one class, and where the logits are all equal"""
    (x, w1, b1, w2, b2, labels), _ = mlp_case(rng, 5, 4, 6, 3)
    for args in ((x, w1, b1, w2, b2, torch.zeros_like(labels)), (x, w1, b1, 0 * w2, 0 * b2, labels)):
        expect_close(student.call("mlp_backward", *args), mlp_gradients(args), GRADIENT)


def test_mlp_backward__large_logits(student: Student, rng: torch.Generator) -> None:
    """stays finite when the logits are in the thousands"""
    args, expected = mlp_case(rng, 5, 4, 6, 3, spread=2000.0)
    # Around 2000, float32 numbers lie 1.2e-4 apart.
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT, rtol=1e-3, atol=1e-3)


def test_mlp_backward__dtype(student: Student, rng: torch.Generator) -> None:
    """keeps the inputs' dtype, and float64's precision"""
    args, expected = mlp_case(rng, 4, 3, 5, 2)
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT, dtype=torch.float32)
    args, expected = mlp_case(rng, 4, 3, 5, 2, dtype=torch.float64)
    expect_digits(student.call("mlp_backward", *args), expected, GRADIENT)


def test_mlp_backward__layout_and_grad(student: Student, rng: torch.Generator) -> None:
    """works for inputs that are not contiguous, and for parameters that require grad"""
    (x, w1, b1, w2, b2, labels), expected = mlp_case(rng, 6, 4, 7, 3)
    args = (strided(x), strided(w1), strided(b1), strided(w2), strided(b2), strided(labels))
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT)
    parameters = [parameter(t) for t in (w1, b1, w2, b2)]
    expect_close(student.call("mlp_backward", x, *parameters, labels), expected, GRADIENT)


def test_mlp_backward__inputs_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves its inputs unchanged"""
    names = ("x", "w1", "b1", "w2", "b2", "labels")
    expect_inputs_kept(student, "mlp_backward", mlp_case(rng, 5, 4, 6, 3)[0], names)


# conv_backward -------------------------------------------------------------------------------------------------------

XW = ("the gradient of x", "the gradient of weight")


def conv_case(
    rng: torch.Generator, n: int, c: int, h: int, w: int, o: int, k: int, dtype: torch.dtype = torch.float32
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, ...]]:
    x, weight = randn(rng, n, c, h, w, dtype=dtype), randn(rng, o, c, k, k, dtype=dtype)
    grad_out = randn(rng, n, o, h - k + 1, w - k + 1, dtype=dtype)
    return (x, weight, grad_out), gradients(F.conv2d, (x, weight), grad_out)


def test_conv_backward__values(student: Student, rng: torch.Generator) -> None:
    """gives the gradients of x and weight"""
    for n, c, h, w, o, k in ((2, 3, 6, 5, 4, 3), (1, 1, 2, 3, 1, 2)):
        args, expected = conv_case(rng, n, c, h, w, o, k)
        expect_close(student.call("conv_backward", *args), expected, XW)
    x, weight, grad_out = positive(rng, 2, 3, 5, 4), positive(rng, 2, 3, 2, 2), positive(rng, 2, 2, 4, 3)
    x[:, 1] *= 1e15
    expected = gradients(F.conv2d, (x, weight), grad_out)
    expect_close(student.call("conv_backward", x, weight, grad_out), expected, named(XW, UNLIKE), atol=0)


def test_conv_backward__one_of_each(student: Student, rng: torch.Generator) -> None:
    """works for a batch of one, one channel in and one channel out"""
    for n, c, o in ((1, 3, 2), (3, 1, 2), (2, 3, 1), (1, 1, 1)):
        args, expected = conv_case(rng, n, c, 5, 4, o, 3)
        expect_close(student.call("conv_backward", *args), expected, XW)


def test_conv_backward__kernel_sizes(student: Student, rng: torch.Generator) -> None:
    """works for kernels of 1, of an even size, and as high or as wide as the image"""
    for h, w, k in ((3, 4, 1), (4, 6, 2), (4, 5, 4), (5, 2, 2), (3, 3, 3), (1, 1, 1)):
        args, expected = conv_case(rng, 2, 3, h, w, 2, k)
        expect_close(student.call("conv_backward", *args), expected, XW)


def test_conv_backward__dtype(student: Student, rng: torch.Generator) -> None:
    """keeps the inputs' dtype, and float64's precision"""
    args, expected = conv_case(rng, 2, 2, 4, 3, 1, 2)
    expect_close(student.call("conv_backward", *args), expected, XW, dtype=torch.float32)
    args, expected = conv_case(rng, 2, 2, 4, 3, 1, 2, dtype=torch.float64)
    expect_digits(student.call("conv_backward", *args), expected, XW)


def test_conv_backward__layout_and_grad(student: Student, rng: torch.Generator) -> None:
    """works for inputs that are not contiguous or require grad"""
    (x, weight, grad_out), expected = conv_case(rng, 2, 3, 5, 4, 2, 3)
    args = (x.contiguous(memory_format=torch.channels_last), strided(weight), strided(grad_out))
    expect_close(student.call("conv_backward", *args), expected, XW)
    expect_close(student.call("conv_backward", parameter(x), parameter(weight), grad_out), expected, XW)


def test_conv_backward__inputs_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves x, weight and grad_out unchanged"""
    args, _ = conv_case(rng, 2, 2, 4, 5, 3, 2)
    expect_inputs_kept(student, "conv_backward", args, ("x", "weight", "grad_out"))


# vector_jacobian -----------------------------------------------------------------------------------------------------

VJ = "the product vᵀJ"


def layer(matrix: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda t: torch.tanh(matrix @ t)


def jacobian_of_layer(module: Any, matrix: Tensor, x: Tensor, v: Tensor) -> tuple[Any, Tensor, bool, Tensor | None]:
    result = module.vector_jacobian(layer(matrix), x, v)
    return result, x, x.requires_grad, x.grad


def jacobian_at_parameter(
    module: Any, matrix: Tensor, x: Tensor, v: Tensor, old_grad: Tensor
) -> tuple[Any, Tensor, bool, Tensor | None]:
    return jacobian_of_layer(module, matrix, parameter(x, old_grad), v)


def jacobian_of_held(module: Any, x: Tensor, v: Tensor) -> Any:
    return module.vector_jacobian(lambda t: t.detach() * t, x, v)


def jacobian_of_neighbours(module: Any, x: Tensor, v: Tensor) -> Any:
    return module.vector_jacobian(lambda t: t[1:] * t[:-1] ** 2, x, v)


def jacobian_of_scale(module: Any, x: Tensor, v: Tensor) -> Any:
    return module.vector_jacobian(lambda t: 3 * t, x, v)


def layer_case(
    rng: torch.Generator, d: int, m: int, dtype: torch.dtype = torch.float32
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    matrix, x, v = randn(rng, m, d, dtype=dtype), randn(rng, d, dtype=dtype), randn(rng, m, dtype=dtype)
    return (matrix, x, v), gradients(layer(matrix.double()), (x,), v)[0]


def test_vector_jacobian__values(student: Student, rng: torch.Generator) -> None:
    """gives vᵀJ as autograd sees it, for functions from R⁴ to R³ and from R² to R²"""
    for d, m in ((4, 3), (2, 2)):
        args, expected = layer_case(rng, d, m)
        expect_close(student.run(jacobian_of_layer, *args)[0], expected, VJ)
    x, v = randn(rng, 5), randn(rng, 5)
    expected = x.double() * v.double()  # a difference quotient gives twice that: it moves the factor that is held too
    expect_close(student.run(jacobian_of_held, x, v), expected, f"{VJ} for f(x) = x.detach() * x (a constant times x)")


def test_vector_jacobian__other_sizes(student: Student, rng: torch.Generator) -> None:
    """works for as many outputs as inputs, more outputs, a single input and a single output"""
    for d, m in ((3, 3), (2, 6), (1, 4), (5, 1), (1, 1)):
        args, expected = layer_case(rng, d, m)
        expect_close(student.run(jacobian_of_layer, *args)[0], expected, VJ)


def test_vector_jacobian__other_functions(student: Student, rng: torch.Generator) -> None:
    """works for other functions, a linear one included"""
    x, v = randn(rng, 6), randn(rng, 5)
    (expected,) = gradients(lambda t: t[1:] * t[:-1] ** 2, (x,), v)
    expect_close(student.run(jacobian_of_neighbours, x, v), expected, VJ)
    expect_close(student.run(jacobian_of_scale, x[:5], v), 3 * v, VJ)


def test_vector_jacobian__dtype(student: Student, rng: torch.Generator) -> None:
    """keeps the inputs' dtype, and float64's precision"""
    expect_dtype(student.run(jacobian_of_layer, *layer_case(rng, 4, 2)[0])[0], torch.float32, VJ)
    args, expected = layer_case(rng, 4, 2, dtype=torch.float64)
    expect_digits(student.run(jacobian_of_layer, *args)[0], expected, VJ)


def test_vector_jacobian__plain_x_untouched(student: Student, rng: torch.Generator) -> None:
    """leaves x as it was: same values, no requires_grad, no .grad"""
    (matrix, x, v), _ = layer_case(rng, 4, 3)
    _, after, requires_grad, grad = student.run(jacobian_of_layer, matrix, x, v)
    expect_close(after, x, "the input x after the call", rtol=0, atol=0)
    expect(requires_grad is False, f"The input x requires grad after the call, but did not before. {COPY}")
    expect(grad is None, f"The input x has a .grad after the call, but had none before. {COPY}")


def test_vector_jacobian__x_with_a_gradient_untouched(student: Student, rng: torch.Generator) -> None:
    """works for an x that requires grad, and leaves it and its old .grad untouched"""
    (matrix, x, v), expected = layer_case(rng, 4, 3)
    old = randn(rng, 4)
    result, after, requires_grad, grad = student.run(jacobian_at_parameter, matrix, x, v, old)
    expect(result is not None, NO_LEAF.format("The result"))
    expect_close(result, expected, VJ)
    expect_close(after, x, "the input x after the call", rtol=0, atol=0)
    expect(requires_grad is True, f"The input x required grad before the call, but does not after it. {COPY}")
    same = isinstance(grad, torch.Tensor) and torch.equal(grad, old)
    expect(same, f"The .grad of the input x is not what it was before the call. {COPY}")


# accumulate ----------------------------------------------------------------------------------------------------------

SUM = "the accumulated gradient"
Loss = Callable[[Tensor], Tensor]


def three_losses(c: Tensor) -> list[Loss]:
    return [lambda w: (w**2).sum(), lambda w: (c * w).sum(), lambda w: w.sin().mean()]


def accumulate_three(module: Any, c: Tensor, w: Tensor) -> tuple[Any, Tensor]:
    w = w.detach().requires_grad_()
    result = module.accumulate(three_losses(c), w)
    return result, w


def accumulate_held(module: Any, w: Tensor) -> Any:
    losses: list[Loss] = [lambda t: (t.detach() * t).sum(), lambda t: t.exp().sum()]
    return module.accumulate(losses, w.detach().requires_grad_())


def accumulate_twins(module: Any, w: Tensor) -> Any:
    def loss(t: Tensor) -> Tensor:
        return (t**3).mean()

    return module.accumulate([loss, loss, lambda t: t.sum()], w.detach().requires_grad_())


def accumulate_one(module: Any, w: Tensor) -> Any:
    return module.accumulate([lambda t: t.exp().sum()], w.detach().requires_grad_())


def accumulate_matrix(module: Any, x: Tensor, w: Tensor) -> Any:
    losses = [lambda t, row=row: (row @ t).relu().sum() for row in x]
    return module.accumulate(losses, w.detach().requires_grad_())


def test_accumulate__values(student: Student, rng: torch.Generator) -> None:
    """gives the sum of the gradients of three losses, and of two, as autograd sees them"""
    c, w = randn(rng, 5), randn(rng, 5)
    (expected,) = gradients(lambda t: sum(loss(t) for loss in three_losses(c.double())), (w,))
    expect_close(student.run(accumulate_three, c, w)[0], expected, SUM)
    w = randn(rng, 2)
    expected = w.double() + w.double().exp()  # a difference quotient moves the factor that is held too
    expect_close(student.run(accumulate_held, w), expected, f"{SUM} with the loss Σ w.detach() * w (constants times w)")


def test_accumulate__one_loss(student: Student, rng: torch.Generator) -> None:
    """gives the gradient itself for a single loss"""
    for shape in ((4,), (1,), (1, 1)):
        w = randn(rng, *shape)
        expect_close(student.run(accumulate_one, w), w.double().exp(), SUM)


def test_accumulate__same_loss_twice(student: Student, rng: torch.Generator) -> None:
    """counts a loss twice that is in the list twice"""
    w = randn(rng, 4)
    expect_close(student.run(accumulate_twins, w), 2 * 3 * w.double() ** 2 / 4 + 1, SUM)


def test_accumulate__many_losses_of_a_matrix(student: Student, rng: torch.Generator) -> None:
    """works for a matrix w and a loss for each of many samples"""
    x, w = randn(rng, 8, 3), randn(rng, 3, 2)
    (expected,) = gradients(lambda t: (x.double() @ t).relu().sum(), (w,))
    expect_close(student.run(accumulate_matrix, x, w), expected, SUM)


def test_accumulate__dtype(student: Student, rng: torch.Generator) -> None:
    """keeps the dtype of w, and float64's precision"""
    w = randn(rng, 3, dtype=torch.float64)
    expect_dtype(student.run(accumulate_one, w.float()), torch.float32, SUM)
    expect_digits(student.run(accumulate_one, w), w.exp(), SUM)


def test_accumulate__w_keeps_its_values(student: Student, rng: torch.Generator) -> None:
    """does not change the values of w"""
    c, w = randn(rng, 5), randn(rng, 5)
    expect_close(student.run(accumulate_three, c, w)[1], w, "the parameter w after the call", rtol=0, atol=0)


# freeze_all_but ------------------------------------------------------------------------------------------------------

TRAINABLE = "the list of trainable names"
States = list[tuple[str, bool]]


class Small(nn.Module):
    """A network with the shapes of the public checks'."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.conv = nn.Conv2d(1, 2, 3)
        self.fc = nn.Linear(2, 4)
        self.fc2 = nn.Linear(4, 1)


class Normed(nn.Module):
    """A network with a batch norm in the middle, whose buffers are no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.head = nn.Linear(2, 3)


class Tricky(nn.Module):
    """Parameters of its own, children whose names contain each other, a name that comes again deeper down."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))
        self.fc = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2, bias=False))
        self.fc2 = nn.Linear(2, 2)
        self.block = nn.ModuleDict({"fc": nn.Linear(2, 2), "prefc": nn.Linear(1, 1)})
        self.empty = nn.ReLU()


def state(net: nn.Module) -> States:
    return [(name, p.requires_grad) for name, p in net.named_parameters()]


def frozen(module: Any, net: nn.Module, *names: str) -> tuple[Any, States, list[bool]]:
    """The result for the last name, the parameters after a call for each, and which modules are in train mode."""
    returned = [module.freeze_all_but(net, name) for name in names][-1]
    return returned, state(net), [part.training for part in net.modules()]


def freeze_small(module: Any, name: str) -> tuple[Any, States, list[bool]]:
    return frozen(module, Small(), name)


def freeze_normed(module: Any, name: str, trainable: bool) -> tuple[Any, States, list[bool]]:
    return frozen(module, Normed().requires_grad_(trainable), name)


def freeze_tricky(module: Any, name: str) -> tuple[Any, States, list[bool]]:
    return frozen(module, Tricky(), name)


def freeze_twice(module: Any, first: str, second: str) -> tuple[Any, States, list[bool]]:
    return frozen(module, Tricky(), first, second)


def freeze_and_compare(module: Any, name: str) -> tuple[list[Tensor], list[Tensor], list[bool]]:
    net = Tricky().eval()
    before = [p.detach().clone() for p in net.parameters()]
    module.freeze_all_but(net, name)
    return before, [p.detach() for p in net.parameters()], [m.training for m in net.modules()]


def expect_only(result: Any, net: nn.Module, name: str) -> None:
    """`net` is a fresh network like the submission's: its names say what should be trainable."""
    returned, found, modes = result
    names = [full for full, _ in net.named_parameters()]
    wanted = [full for full in names if full.split(".")[0] == name and "." in full]
    known = isinstance(found, list) and [pair[0] for pair in found] == names
    expect(known, "The module has other parameters after the call than before it.")
    if wanted and all(requires_grad for _, requires_grad in found):
        by_mode = "" if all(modes) else " The call has switched to eval mode, which freezes nothing."
        raise Mismatch("After the call every parameter requires grad: no parameter is frozen." + by_mode
                       + " Set requires_grad of the parameters themselves.")  # fmt: skip
    for full, requires_grad in found:
        should = "should require grad" if full in wanted else "should be frozen"
        expect(requires_grad is (full in wanted), f"After freeze_all_but(module, {name!r}), {full} {should}, "
               f"but its requires_grad is {requires_grad}.")  # fmt: skip
    expect_equal(returned, wanted, TRAINABLE)


def test_freeze_all_but__head(student: Student, rng: torch.Generator) -> None:
    """freezes all parameters but those of the child, and returns the names of these"""
    expect_only(student.run(freeze_normed, "head", True), Normed(), "head")
    expect_only(student.run(freeze_small, "conv"), Small(), "conv")


def test_freeze_all_but__frozen_before(student: Student, rng: torch.Generator) -> None:
    """lets the child's parameters require grad again if everything was frozen before"""
    expect_only(student.run(freeze_normed, "head", False), Normed(), "head")


def test_freeze_all_but__first_child(student: Student, rng: torch.Generator) -> None:
    """works for a child at the beginning, in the middle, and without parameters"""
    expect_only(student.run(freeze_normed, "conv", True), Normed(), "conv")
    expect_only(student.run(freeze_normed, "norm", True), Normed(), "norm")
    expect_only(student.run(freeze_tricky, "empty"), Tricky(), "empty")


def test_freeze_all_but__nested_child(student: Student, rng: torch.Generator) -> None:
    """gives full dotted names, in order, for a child that has children of its own"""
    expect_only(student.run(freeze_tricky, "block"), Tricky(), "block")


def test_freeze_all_but__names_alike(student: Student, rng: torch.Generator) -> None:
    """does not confuse the child with one whose name begins alike, or with a deeper one of the same name"""
    expect_only(student.run(freeze_tricky, "fc"), Tricky(), "fc")
    expect_only(student.run(freeze_tricky, "fc2"), Tricky(), "fc2")


def test_freeze_all_but__twice(student: Student, rng: torch.Generator) -> None:
    """leaves only the second child trainable when it is called for one child and then for another"""
    expect_only(student.run(freeze_twice, "fc", "fc2"), Tricky(), "fc2")


def test_freeze_all_but__nothing_else(student: Student, rng: torch.Generator) -> None:
    """changes no parameter's values and does not switch between train and eval"""
    before, after, training = student.run(freeze_and_compare, "fc2")
    expect_close(after, before, "the parameters' values after the call", rtol=0, atol=0)
    expect(not any(training), "The module was in eval mode before the call and is not any more.")


# sgd_step ------------------------------------------------------------------------------------------------------------

Values = Sequence[Tensor]
Grads = Sequence[Tensor | None]


def step(
    module: Any, values: Values, grads: Grads, lr: float
) -> tuple[list[Tensor], list[Tensor | None], list[bool], list[bool]]:
    """The parameters, their gradients, their requires_grad and is_leaf after one step."""
    params = [value.detach().clone().requires_grad_() for value in values]
    for p, grad in zip(params, grads, strict=True):
        p.grad = None if grad is None else grad.clone()
    module.sgd_step(list(params), lr)
    return ([p.detach() for p in params], [p.grad for p in params], [p.requires_grad for p in params],
            [p.is_leaf for p in params])  # fmt: skip


def two_steps(module: Any, values: Values, first: Values, second: Values, lr: float) -> list[Tensor]:
    params = [nn.Parameter(value.detach().clone()) for value in values]
    for grads in (first, second):
        loss = sum((grad * p).sum() for grad, p in zip(grads, params, strict=True))
        loss.backward()
        module.sgd_step(list(params), lr)
    return [p.detach() for p in params]


def sgd_case(
    rng: torch.Generator, *shapes: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> tuple[list[Tensor], list[Tensor]]:
    return [randn(rng, *s, dtype=dtype) for s in shapes], [randn(rng, *s, dtype=dtype) for s in shapes]


def moved(values: Values, grads: Grads, lr: float) -> list[Tensor]:
    return [v.double() if g is None else v.double() - lr * g.double() for v, g in zip(values, grads, strict=True)]


def rate_of(result: Any, values: Values, grads: Values) -> float | None:
    """The number r for which every parameter moved by -r times its gradient, None if there is none but 0."""
    try:
        change = torch.cat([(v - r.detach()).double().flatten() for v, r in zip(values, result, strict=True)])
    except (AttributeError, RuntimeError, ValueError):
        return None  # something else than the parameters came back
    grad = torch.cat([g.double().flatten() for g in grads])
    rate = float(change @ grad / (grad @ grad))
    return rate if rate and torch.allclose(change, rate * grad, rtol=1e-3, atol=1e-6) else None


def names_of(values: Values) -> list[str]:
    return [f"parameter {i} after the step" for i in range(len(values))]


def test_sgd_step__values(student: Student, rng: torch.Generator) -> None:
    """moves each parameter by -lr times its gradient, in the same parameter objects"""
    cases = [(*sgd_case(rng, *shapes), lr) for shapes, lr in ((((3, 4), (3,), (2, 1, 5)), 0.3), (((), (2,)), 0.7))]
    found = [student.run(step, *case)[0] for case in cases]
    rates = [rate_of(result, values, grads) for result, (values, grads, _) in zip(found, cases, strict=True)]
    if None not in rates and abs(rates[0] - rates[1]) < 1e-3 * abs(rates[0]):
        raise Mismatch(f"Each parameter moves by {rates[0]:.3g} times its gradient whatever lr is: use lr, not a fixed rate.")
    for result, (values, grads, lr) in zip(found, cases, strict=True):
        expect_close(result, moved(values, grads, lr), names_of(values))


def test_sgd_step__none_is_skipped(student: Student, rng: torch.Generator) -> None:
    """skips parameters whose grad is None and updates those after them"""
    values, grads = sgd_case(rng, (2,), (3, 2), (4,))
    for given in ((grads[0], None, grads[2]), (None, None, grads[2])):
        result = student.run(step, values, given, 0.5)[0]
        expect_close(result, moved(values, given, 0.5), names_of(values))


def test_sgd_step__no_gradient_left(student: Student, rng: torch.Generator) -> None:
    """leaves no gradient behind: None or zeros"""
    values, grads = sgd_case(rng, (2, 3), (4,))
    left = student.run(step, values, [grads[0], None], 0.1)[1]
    for i, grad in enumerate(left):
        gone = grad is None or (isinstance(grad, torch.Tensor) and not grad.any())
        expect(gone, f"Parameter {i} still has a gradient after the step: set it to None or to zeros.")


def test_sgd_step__not_recorded(student: Student, rng: torch.Generator) -> None:
    """does not record the update: the parameters still require grad and are still leaves"""
    values, grads = sgd_case(rng, (2, 3), (4,))
    _, _, requires_grad, is_leaf = student.run(step, values, grads, 0.1)
    expect(requires_grad == [True, True], "A parameter does not require grad any more after the step.")
    expect(is_leaf == [True, True], "A parameter is no leaf any more after the step: the update was recorded. "
           "Do it under torch.no_grad().")  # fmt: skip


def test_sgd_step__two_steps(student: Student, rng: torch.Generator) -> None:
    """uses only the new gradients in a second step"""
    values, first = sgd_case(rng, (3, 2), (2,))
    _, second = sgd_case(rng, (3, 2), (2,))
    result = student.run(two_steps, values, first, second, 0.2)
    expect_close(result, moved(moved(values, first, 0.2), second, 0.2), names_of(values))


def test_sgd_step__other_sizes(student: Student, rng: torch.Generator) -> None:
    """works for a single number, another learning rate and float64"""
    values, grads = sgd_case(rng, (), (1, 1), dtype=torch.float64)
    result = student.run(step, values, grads, 1.5)[0]
    expect_digits(result, moved(values, grads, 1.5), names_of(values))
