"""Hidden checks of 02_autograd. The oracle is autograd in float64, outside the submission."""

import torch
import torch.nn.functional as F
from torch import nn

from autograder import expect, expect_close, expect_dtype, expect_equal, expect_unchanged


def randn(rng, *shape, dtype=torch.float32):
    return torch.randn(shape, generator=rng, dtype=dtype)


def classes(rng, n, k):
    return torch.randint(0, k, (n,), generator=rng)


def leaf(tensor):
    return tensor.detach().double().clone().requires_grad_()


def gradients(f, inputs, grad_out=None):
    """The gradients of f(*inputs), weighted with grad_out, by autograd in float64."""
    leaves = [leaf(t) for t in inputs]
    grad_out = None if grad_out is None else grad_out.detach().double()
    return torch.autograd.grad(f(*leaves), leaves, grad_outputs=grad_out)


def strided(tensor):
    """The same values in memory that is not contiguous."""
    return tensor.mT.contiguous().mT if tensor.dim() > 1 else torch.stack((tensor, tensor), 1)[:, 0]


def parameter(tensor, old_grad=None):
    """A leaf that requires grad and may hold an old gradient, as a parameter in training does."""
    copy = tensor.detach().clone().requires_grad_()
    copy.grad = old_grad
    return copy


def expect_inputs_kept(student, name, args, labels):
    """Calls with plain inputs, which an in-place operation would change without an error."""
    after = student.observe(name, *args)[1]
    for left, before, label in zip(after, args, labels, strict=True):
        expect_unchanged(left, before, f"the input {label}")


# q_forward, q_backward, q_autograd -----------------------------------------------------------------------------------

AB = ("the gradient of a", "the gradient of b")
AB_AFTER = ("the input a after the call", "the input b after the call")
COPY = "Let a detached copy require grad, and differentiate with respect to that."


def q(a, b):
    return 3 * a**3 - b**2


def q_case(rng, *shape, dtype=torch.float32):
    inputs = tuple(randn(rng, *shape, dtype=dtype) for _ in range(3))
    return inputs, gradients(q, inputs[:2], inputs[2])


def test_q_forward__values(student, rng):
    """computes 3a³ - b² for each pair of elements"""
    a, b = randn(rng, 7), randn(rng, 7)
    expect_close(student.call("q_forward", a, b), q(a.double(), b.double()), "Q")


def test_q_forward__any_shape(student, rng):
    """works for a single element, a matrix and more axes"""
    for shape in ((1,), (3, 4), (2, 3, 5)):
        a, b = randn(rng, *shape), randn(rng, *shape)
        expect_close(student.call("q_forward", a, b), q(a.double(), b.double()), f"Q of inputs of shape {shape}")


def test_q_forward__dtype(student, rng):
    """keeps the inputs' dtype, and float64's precision"""
    a, b = randn(rng, 5), randn(rng, 5)
    expect_dtype(student.call("q_forward", a, b), torch.float32, "Q of float32 inputs")
    a, b = a.double() / 3, b.double() / 7
    expect_close(student.call("q_forward", a, b), q(a, b), "Q of float64 inputs", rtol=1e-10, atol=1e-10,
                 dtype=torch.float64)  # fmt: skip


def test_q_forward__layout_and_grad(student, rng):
    """works for inputs that are not contiguous or require grad"""
    a, b = randn(rng, 4, 3), randn(rng, 4, 3)
    expect_close(student.call("q_forward", strided(a), b), q(a.double(), b.double()), "Q of a transposed input")
    result = student.call("q_forward", parameter(a), parameter(b))
    expect_close(result, q(a.double(), b.double()), "Q of inputs that require grad")


def test_q_forward__inputs_unchanged(student, rng):
    """leaves a and b unchanged"""
    expect_inputs_kept(student, "q_forward", (randn(rng, 6), randn(rng, 6)), ("a", "b"))


def test_q_backward__values(student, rng):
    """gives the gradients of Σ grad_q·Q with respect to a and b"""
    args, expected = q_case(rng, 7)
    expect_close(student.call("q_backward", *args), expected, AB)


def test_q_backward__any_shape(student, rng):
    """works for a single element, a matrix and more axes"""
    for shape in ((1,), (4, 3), (2, 3, 5)):
        args, expected = q_case(rng, *shape)
        expect_close(student.call("q_backward", *args), expected, AB)


def test_q_backward__dtype(student, rng):
    """keeps the inputs' dtype, and float64's precision"""
    for result in student.call("q_backward", *q_case(rng, 5)[0]):
        expect_dtype(result, torch.float32, "a gradient of float32 inputs")
    args, expected = q_case(rng, 5, dtype=torch.float64)
    expect_close(student.call("q_backward", *args), expected, AB, rtol=1e-10, atol=1e-10, dtype=torch.float64)


def test_q_backward__layout_and_grad(student, rng):
    """works for inputs that are not contiguous or require grad"""
    (a, b, grad_q), expected = q_case(rng, 4, 3)
    expect_close(student.call("q_backward", a, strided(b), strided(grad_q)), expected, AB)
    expect_close(student.call("q_backward", parameter(a), parameter(b), grad_q), expected, AB)


def test_q_backward__inputs_unchanged(student, rng):
    """leaves a, b and grad_q unchanged"""
    expect_inputs_kept(student, "q_backward", q_case(rng, 6)[0], ("a", "b", "grad_q"))


def q_autograd_of_plain_tensors(module, a, b, grad_q):
    result = module.q_autograd(a, b, grad_q)
    return result, [a, b], [a.requires_grad, b.requires_grad], [a.grad, b.grad]


def q_autograd_of_parameters(module, a, b, grad_q, old_a, old_b):
    a, b = parameter(a, old_a), parameter(b, old_b)
    result = module.q_autograd(a, b, grad_q)
    return result, [a, b], [a.requires_grad, b.requires_grad], [a.grad, b.grad]


def test_q_autograd__values(student, rng):
    """gives the gradients of Σ grad_q·Q with respect to a and b, for a and b that require no grad"""
    args, expected = q_case(rng, 7)
    expect_close(student.call("q_autograd", *args), expected, AB)


def test_q_autograd__leaves_that_require_grad(student, rng):
    """works when a and b require grad already, or only one of them does"""
    (a, b, grad_q), expected = q_case(rng, 6)
    expect_close(student.call("q_autograd", a, parameter(b), grad_q), expected, AB)
    expect_close(student.call("q_autograd", parameter(a), parameter(b), grad_q), expected, AB)


def test_q_autograd__old_grad(student, rng):
    """does not add an old .grad of a and b to the result"""
    args, expected = q_case(rng, 6)
    result = student.run(q_autograd_of_parameters, *args, randn(rng, 6), randn(rng, 6))[0]
    expect_close(result, expected, AB)


def test_q_autograd__plain_inputs_left_as_found(student, rng):
    """leaves a and b as they were: without requires_grad and without .grad"""
    args, _ = q_case(rng, 6)
    _, left, requires_grad, grads = student.run(q_autograd_of_plain_tensors, *args)
    expect_close(left, list(args[:2]), AB_AFTER, rtol=0, atol=0)
    for name, needs, grad in zip("ab", requires_grad, grads, strict=True):
        expect(needs is False, f"The input {name} requires grad after the call, but did not before. {COPY}")
        expect(grad is None, f"The input {name} has a .grad after the call, but had none before. {COPY}")


def test_q_autograd__parameters_left_as_found(student, rng):
    """leaves the requires_grad and the old .grad of a and b as they were"""
    args, _ = q_case(rng, 6)
    old = [randn(rng, 6), randn(rng, 6)]
    _, left, requires_grad, grads = student.run(q_autograd_of_parameters, *args, *old)
    expect_close(left, list(args[:2]), AB_AFTER, rtol=0, atol=0)
    for name, needs, grad, before in zip("ab", requires_grad, grads, old, strict=True):
        expect(needs is True, f"The input {name} required grad before the call, but does not after it. {COPY}")
        same = isinstance(grad, torch.Tensor) and torch.equal(grad, before)
        expect(same, f"The .grad of the input {name} is not what it was before the call. {COPY}")


def test_q_autograd__shapes_and_dtype(student, rng):
    """works for matrices, single elements and float64"""
    for shape in ((1,), (4, 3)):
        args, expected = q_case(rng, *shape)
        expect_close(student.call("q_autograd", *args), expected, AB, dtype=torch.float32)
    (a, b, grad_q), expected = q_case(rng, 3, 5, dtype=torch.float64)
    result = student.call("q_autograd", strided(a), b, strided(grad_q))
    expect_close(result, expected, AB, rtol=1e-10, atol=1e-10, dtype=torch.float64)


# linear_backward -----------------------------------------------------------------------------------------------------

XWB = ("the gradient of x", "the gradient of weight", "the gradient of bias")


def linear(x, weight, bias):
    return x @ weight.t() + bias


def linear_case(rng, n, d, o, dtype=torch.float32):
    x, weight, bias = randn(rng, n, d, dtype=dtype), randn(rng, o, d, dtype=dtype), randn(rng, o, dtype=dtype)
    args = (x, weight, bias, randn(rng, n, o, dtype=dtype))
    return args, gradients(linear, args[:3], args[3])


def test_linear_backward__values(student, rng):
    """gives the gradients of x, weight and bias"""
    args, expected = linear_case(rng, 5, 4, 3)
    expect_close(student.call("linear_backward", *args), expected, XWB)


def test_linear_backward__batch_of_one(student, rng):
    """keeps all axes for a batch of one"""
    args, expected = linear_case(rng, 1, 4, 3)
    expect_close(student.call("linear_backward", *args), expected, XWB)


def test_linear_backward__other_sizes(student, rng):
    """works for other sizes: one feature in, one feature out, as many in as out"""
    for n, d, o in ((4, 1, 3), (6, 5, 1), (3, 3, 3), (2, 7, 9)):
        args, expected = linear_case(rng, n, d, o)
        expect_close(student.call("linear_backward", *args), expected, XWB)


def test_linear_backward__dtype(student, rng):
    """keeps the inputs' dtype, and float64's precision"""
    for result in student.call("linear_backward", *linear_case(rng, 4, 2, 3)[0]):
        expect_dtype(result, torch.float32, "a gradient of float32 inputs")
    args, expected = linear_case(rng, 4, 2, 3, dtype=torch.float64)
    expect_close(student.call("linear_backward", *args), expected, XWB, rtol=1e-10, atol=1e-10, dtype=torch.float64)


def test_linear_backward__layout(student, rng):
    """works for inputs that are not contiguous, and for a gradient expanded from one number"""
    (x, weight, bias, grad_out), expected = linear_case(rng, 5, 4, 3)
    args = (strided(x), strided(weight), strided(bias), strided(grad_out))
    expect_close(student.call("linear_backward", *args), expected, XWB)
    ones = torch.ones(()).expand(5, 3)
    expected = gradients(linear, (x, weight, bias), ones)
    expect_close(student.call("linear_backward", x, weight, bias, ones), expected, XWB)


def test_linear_backward__inputs_that_require_grad(student, rng):
    """works when x, weight and bias require grad"""
    (x, weight, bias, grad_out), expected = linear_case(rng, 5, 4, 3)
    args = (parameter(x), parameter(weight), parameter(bias), grad_out)
    expect_close(student.call("linear_backward", *args), expected, XWB)


def test_linear_backward__inputs_unchanged(student, rng):
    """leaves its inputs unchanged"""
    labels = ("x", "weight", "bias", "grad_out")
    expect_inputs_kept(student, "linear_backward", linear_case(rng, 5, 4, 3)[0], labels)


# relu_backward -------------------------------------------------------------------------------------------------------


def test_relu_backward__values(student, rng):
    """passes the gradient where x is positive and stops it where x is negative"""
    x, grad_out = randn(rng, 6, 5), randn(rng, 6, 5)
    (expected,) = gradients(torch.relu, (x,), grad_out)
    expect_close(student.call("relu_backward", x, grad_out), expected, "the gradient of x")


def test_relu_backward__zero(student, rng):
    """gives 0 where x is exactly 0"""
    x, grad_out = randn(rng, 4, 3), randn(rng, 4, 3)
    x[1], x[2, 0] = 0.0, -0.0
    (expected,) = gradients(torch.relu, (x,), grad_out)
    expect_close(student.call("relu_backward", x, grad_out), expected, "the gradient of x")


def test_relu_backward__any_shape(student, rng):
    """works for any number of axes"""
    for shape in ((1,), (9,), (2, 3, 4, 5)):
        x, grad_out = randn(rng, *shape), randn(rng, *shape)
        (expected,) = gradients(torch.relu, (x,), grad_out)
        expect_close(student.call("relu_backward", x, grad_out), expected, f"the gradient of an x of shape {shape}")


def test_relu_backward__dtype(student, rng):
    """keeps the inputs' dtype, and float64's precision"""
    x, grad_out = randn(rng, 5, 3, dtype=torch.float64), randn(rng, 5, 3, dtype=torch.float64)
    expect_dtype(student.call("relu_backward", x.float(), grad_out.float()), torch.float32, "the gradient")
    (expected,) = gradients(torch.relu, (x,), grad_out)
    expect_close(student.call("relu_backward", x, grad_out), expected, "the gradient of x", rtol=1e-10, atol=1e-10,
                 dtype=torch.float64)  # fmt: skip


def test_relu_backward__layout_and_grad(student, rng):
    """works for inputs that are not contiguous or require grad"""
    x, grad_out = randn(rng, 4, 6), randn(rng, 4, 6)
    (expected,) = gradients(torch.relu, (x,), grad_out)
    expect_close(student.call("relu_backward", strided(x), grad_out), expected, "the gradient of x")
    expect_close(student.call("relu_backward", parameter(x), strided(grad_out)), expected, "the gradient of x")


def test_relu_backward__inputs_unchanged(student, rng):
    """leaves x and grad_out unchanged"""
    expect_inputs_kept(student, "relu_backward", (randn(rng, 4, 3), randn(rng, 4, 3)), ("x", "grad_out"))


# mse_backward --------------------------------------------------------------------------------------------------------


def mse_case(rng, *shape, dtype=torch.float32):
    prediction, target = randn(rng, *shape, dtype=dtype), randn(rng, *shape, dtype=dtype)
    return (prediction, target), gradients(lambda p: F.mse_loss(p, target.double()), (prediction,))[0]


def test_mse_backward__values(student, rng):
    """gives the gradient of the mean squared error with respect to the prediction"""
    args, expected = mse_case(rng, 5, 3)
    expect_close(student.call("mse_backward", *args), expected, "the gradient of the prediction")


def test_mse_backward__any_shape(student, rng):
    """averages over all elements, whatever the number of axes"""
    for shape in ((1, 4), (6,), (1,), (2, 3, 5)):
        args, expected = mse_case(rng, *shape)
        expect_close(student.call("mse_backward", *args), expected, f"the gradient of a prediction of shape {shape}")


def test_mse_backward__dtype(student, rng):
    """keeps the inputs' dtype, and float64's precision"""
    expect_dtype(student.call("mse_backward", *mse_case(rng, 4, 2)[0]), torch.float32, "the gradient")
    args, expected = mse_case(rng, 4, 2, dtype=torch.float64)
    expect_close(student.call("mse_backward", *args), expected, "the gradient of the prediction", rtol=1e-10,
                 atol=1e-10, dtype=torch.float64)  # fmt: skip


def test_mse_backward__layout_and_grad(student, rng):
    """works for inputs that are not contiguous, and for a prediction that requires grad"""
    (prediction, target), expected = mse_case(rng, 4, 6)
    expect_close(student.call("mse_backward", strided(prediction), strided(target)), expected, "the gradient")
    expect_close(student.call("mse_backward", parameter(prediction), target), expected, "the gradient")


def test_mse_backward__inputs_unchanged(student, rng):
    """leaves prediction and target unchanged"""
    expect_inputs_kept(student, "mse_backward", mse_case(rng, 4, 3)[0], ("prediction", "target"))


# cross_entropy_backward ----------------------------------------------------------------------------------------------


def cross_entropy_gradient(logits, labels):
    return gradients(lambda t: F.cross_entropy(t, labels), (logits,))[0]


def test_cross_entropy_backward__values(student, rng):
    """gives the gradient of the batch-mean cross entropy with respect to the logits"""
    logits, labels = 2 * randn(rng, 6, 4), classes(rng, 6, 4)
    result = student.call("cross_entropy_backward", logits, labels)
    expect_close(result, cross_entropy_gradient(logits, labels), "the gradient of the logits")


def test_cross_entropy_backward__other_sizes(student, rng):
    """works for one sample, two classes, and more classes than samples"""
    for n, k in ((1, 5), (7, 2), (3, 10), (4, 4)):
        logits, labels = randn(rng, n, k), classes(rng, n, k)
        result = student.call("cross_entropy_backward", logits, labels)
        expect_close(result, cross_entropy_gradient(logits, labels), "the gradient of the logits")


def test_cross_entropy_backward__large_logits(student, rng):
    """stays finite and right for logits of ±1000"""
    labels = classes(rng, 5, 3)
    signs = 2.0 * torch.randint(0, 2, (5, 3), generator=rng) - 1
    for logits in (1000 + randn(rng, 5, 3), -1000 + randn(rng, 5, 3), 1000 * signs):
        result = student.call("cross_entropy_backward", logits, labels)
        expected = cross_entropy_gradient(logits, labels)
        # Around 1000, float32 numbers lie 6e-5 apart: logits minus their log-sum-exp carry that error.
        expect_close(result, expected, "the gradient of large logits", rtol=1e-3, atol=1e-4)


def test_cross_entropy_backward__rows_far_apart(student, rng):
    """treats each row by itself when one row's logits are thousands larger than another's"""
    logits, labels = randn(rng, 4, 5), classes(rng, 4, 5)
    logits = logits + torch.tensor([[3000.0], [0.0], [-2000.0], [500.0]])
    result = student.call("cross_entropy_backward", logits, labels)
    # Around 3000, float32 numbers lie 2.4e-4 apart.
    expect_close(result, cross_entropy_gradient(logits, labels), "the gradient of the logits", rtol=2e-3, atol=2e-4)


def test_cross_entropy_backward__dtype(student, rng):
    """keeps the logits' dtype, and float64's precision"""
    logits, labels = randn(rng, 5, 3, dtype=torch.float64), classes(rng, 5, 3)
    expect_dtype(student.call("cross_entropy_backward", logits.float(), labels), torch.float32, "the gradient")
    result = student.call("cross_entropy_backward", logits, labels)
    expect_close(result, cross_entropy_gradient(logits, labels), "the gradient of the logits", rtol=1e-10, atol=1e-10,
                 dtype=torch.float64)  # fmt: skip


def test_cross_entropy_backward__layout_and_grad(student, rng):
    """works for logits that are not contiguous or require grad"""
    logits, labels = randn(rng, 5, 3), classes(rng, 5, 3)
    expected = cross_entropy_gradient(logits, labels)
    result = student.call("cross_entropy_backward", strided(logits), strided(labels))
    expect_close(result, expected, "the gradient of the logits")
    expect_close(student.call("cross_entropy_backward", parameter(logits), labels), expected, "the gradient")


def test_cross_entropy_backward__inputs_unchanged(student, rng):
    """leaves logits and labels unchanged"""
    args = (randn(rng, 5, 3), classes(rng, 5, 3))
    expect_inputs_kept(student, "cross_entropy_backward", args, ("logits", "labels"))


# mlp_backward --------------------------------------------------------------------------------------------------------


def mlp_case(rng, n, d, h, k, dtype=torch.float32, spread=0.0):
    """x, w1, b1, w2, b2 and labels, and the four gradients by name; `spread` is how far b2 pulls the logits apart."""
    shapes = ((n, d), (h, d), (h,), (k, h), (k,))
    args = [randn(rng, *shape, dtype=dtype) for shape in shapes]
    args[-1] += torch.linspace(spread, -spread, k, dtype=dtype)
    labels = classes(rng, n, k)

    def loss(x, w1, b1, w2, b2):
        return F.cross_entropy(F.linear(torch.relu(F.linear(x, w1, b1)), w2, b2), labels)

    names = ("x", "w1", "b1", "w2", "b2")
    expected = dict(zip(names, gradients(loss, args), strict=True))
    del expected["x"]
    return (*args, labels), expected


GRADIENT = "the gradient"


def test_mlp_backward__values(student, rng):
    """gives the gradients of w1, b1, w2 and b2"""
    args, expected = mlp_case(rng, 6, 4, 7, 3)
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT)


def test_mlp_backward__batch_of_one(student, rng):
    """works for a batch of one"""
    args, expected = mlp_case(rng, 1, 4, 5, 3)
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT)


def test_mlp_backward__other_sizes(student, rng):
    """works for other sizes, and gives the first answer again after a call with other inputs"""
    args, expected = mlp_case(rng, 3, 2, 8, 5)
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT)
    others, expected_others = mlp_case(rng, 5, 6, 1, 2)
    expect_close(student.call("mlp_backward", *others), expected_others, GRADIENT)
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT)


def test_mlp_backward__large_logits(student, rng):
    """stays finite when the logits are in the thousands"""
    args, expected = mlp_case(rng, 5, 4, 6, 3, spread=2000.0)
    # Around 2000, float32 numbers lie 1.2e-4 apart.
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT, rtol=1e-3, atol=1e-3)


def test_mlp_backward__dtype(student, rng):
    """keeps the inputs' dtype, and float64's precision"""
    args, expected = mlp_case(rng, 4, 3, 5, 2)
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT, dtype=torch.float32)
    args, expected = mlp_case(rng, 4, 3, 5, 2, dtype=torch.float64)
    result = student.call("mlp_backward", *args)
    expect_close(result, expected, GRADIENT, rtol=1e-10, atol=1e-10, dtype=torch.float64)


def test_mlp_backward__layout_and_grad(student, rng):
    """works for inputs that are not contiguous, and for parameters that require grad"""
    (x, w1, b1, w2, b2, labels), expected = mlp_case(rng, 6, 4, 7, 3)
    args = (strided(x), strided(w1), strided(b1), strided(w2), strided(b2), strided(labels))
    expect_close(student.call("mlp_backward", *args), expected, GRADIENT)
    parameters = [parameter(t) for t in (w1, b1, w2, b2)]
    expect_close(student.call("mlp_backward", x, *parameters, labels), expected, GRADIENT)


def test_mlp_backward__inputs_unchanged(student, rng):
    """leaves its inputs unchanged"""
    names = ("x", "w1", "b1", "w2", "b2", "labels")
    expect_inputs_kept(student, "mlp_backward", mlp_case(rng, 5, 4, 6, 3)[0], names)


# conv_backward -------------------------------------------------------------------------------------------------------

XW = ("the gradient of x", "the gradient of weight")


def conv_case(rng, n, c, h, w, o, k, dtype=torch.float32):
    x, weight = randn(rng, n, c, h, w, dtype=dtype), randn(rng, o, c, k, k, dtype=dtype)
    grad_out = randn(rng, n, o, h - k + 1, w - k + 1, dtype=dtype)
    return (x, weight, grad_out), gradients(F.conv2d, (x, weight), grad_out)


def test_conv_backward__values(student, rng):
    """gives the gradients of x and weight"""
    args, expected = conv_case(rng, 2, 3, 6, 5, 4, 3)
    expect_close(student.call("conv_backward", *args), expected, XW)


def test_conv_backward__one_of_each(student, rng):
    """works for a batch of one, one channel in and one channel out"""
    for n, c, o in ((1, 3, 2), (3, 1, 2), (2, 3, 1), (1, 1, 1)):
        args, expected = conv_case(rng, n, c, 5, 4, o, 3)
        expect_close(student.call("conv_backward", *args), expected, XW)


def test_conv_backward__kernel_sizes(student, rng):
    """works for kernels of 1, of an even size, and as high as the image"""
    for h, w, k in ((3, 4, 1), (4, 6, 2), (4, 5, 4), (3, 3, 3)):
        args, expected = conv_case(rng, 2, 3, h, w, 2, k)
        expect_close(student.call("conv_backward", *args), expected, XW)


def test_conv_backward__dtype(student, rng):
    """keeps the inputs' dtype, and float64's precision"""
    for result in student.call("conv_backward", *conv_case(rng, 2, 2, 4, 3, 1, 2)[0]):
        expect_dtype(result, torch.float32, "a gradient of float32 inputs")
    args, expected = conv_case(rng, 2, 2, 4, 3, 1, 2, dtype=torch.float64)
    expect_close(student.call("conv_backward", *args), expected, XW, rtol=1e-10, atol=1e-10, dtype=torch.float64)


def test_conv_backward__layout_and_grad(student, rng):
    """works for inputs that are not contiguous or require grad"""
    (x, weight, grad_out), expected = conv_case(rng, 2, 3, 5, 4, 2, 3)
    args = (x.contiguous(memory_format=torch.channels_last), strided(weight), strided(grad_out))
    expect_close(student.call("conv_backward", *args), expected, XW)
    expect_close(student.call("conv_backward", parameter(x), parameter(weight), grad_out), expected, XW)


def test_conv_backward__inputs_unchanged(student, rng):
    """leaves x, weight and grad_out unchanged"""
    args, _ = conv_case(rng, 2, 2, 4, 5, 3, 2)
    expect_inputs_kept(student, "conv_backward", args, ("x", "weight", "grad_out"))


# vector_jacobian -----------------------------------------------------------------------------------------------------

VJ = "the product vᵀJ"


def layer(matrix):
    return lambda t: torch.tanh(matrix @ t)


def jacobian_of_layer(module, matrix, x, v):
    result = module.vector_jacobian(layer(matrix), x, v)
    return result, x, x.requires_grad, x.grad


def jacobian_at_parameter(module, matrix, x, v, old_grad):
    return jacobian_of_layer(module, matrix, parameter(x, old_grad), v)


def jacobian_of_neighbours(module, x, v):
    return module.vector_jacobian(lambda t: t[1:] * t[:-1] ** 2, x, v)


def jacobian_of_scale(module, x, v):
    return module.vector_jacobian(lambda t: 3 * t, x, v)


def layer_case(rng, d, m, dtype=torch.float32):
    matrix, x, v = randn(rng, m, d, dtype=dtype), randn(rng, d, dtype=dtype), randn(rng, m, dtype=dtype)
    (expected,) = gradients(layer(matrix.double()), (x,), v)
    return (matrix, x, v), expected


def test_vector_jacobian__values(student, rng):
    """gives vᵀJ for a function from R⁴ to R³"""
    args, expected = layer_case(rng, 4, 3)
    expect_close(student.run(jacobian_of_layer, *args)[0], expected, VJ)


def test_vector_jacobian__other_sizes(student, rng):
    """works for as many outputs as inputs, more outputs, a single input and a single output"""
    for d, m in ((3, 3), (2, 6), (1, 4), (5, 1)):
        args, expected = layer_case(rng, d, m)
        expect_close(student.run(jacobian_of_layer, *args)[0], expected, VJ)


def test_vector_jacobian__other_functions(student, rng):
    """works for other functions, a linear one included"""
    x, v = randn(rng, 6), randn(rng, 5)
    (expected,) = gradients(lambda t: t[1:] * t[:-1] ** 2, (x,), v)
    expect_close(student.run(jacobian_of_neighbours, x, v), expected, VJ)
    expect_close(student.run(jacobian_of_scale, x[:5], v), 3 * v, VJ)


def test_vector_jacobian__dtype(student, rng):
    """keeps the inputs' dtype, and float64's precision"""
    expect_dtype(student.run(jacobian_of_layer, *layer_case(rng, 4, 2)[0])[0], torch.float32, VJ)
    args, expected = layer_case(rng, 4, 2, dtype=torch.float64)
    result = student.run(jacobian_of_layer, *args)[0]
    expect_close(result, expected, VJ, rtol=1e-10, atol=1e-10, dtype=torch.float64)


def test_vector_jacobian__plain_x_untouched(student, rng):
    """leaves x as it was: same values, no requires_grad, no .grad"""
    (matrix, x, v), _ = layer_case(rng, 4, 3)
    _, after, requires_grad, grad = student.run(jacobian_of_layer, matrix, x, v)
    expect_close(after, x, "the input x after the call", rtol=0, atol=0)
    expect(requires_grad is False, f"The input x requires grad after the call, but did not before. {COPY}")
    expect(grad is None, f"The input x has a .grad after the call, but had none before. {COPY}")


def test_vector_jacobian__x_with_a_gradient_untouched(student, rng):
    """works for an x that requires grad, and leaves it and its old .grad untouched"""
    (matrix, x, v), expected = layer_case(rng, 4, 3)
    old = randn(rng, 4)
    result, after, requires_grad, grad = student.run(jacobian_at_parameter, matrix, x, v, old)
    expect_close(result, expected, VJ)
    expect_close(after, x, "the input x after the call", rtol=0, atol=0)
    expect(requires_grad is True, f"The input x required grad before the call, but does not after it. {COPY}")
    same = isinstance(grad, torch.Tensor) and torch.equal(grad, old)
    expect(same, f"The .grad of the input x is not what it was before the call. {COPY}")


# accumulate ----------------------------------------------------------------------------------------------------------

SUM = "the accumulated gradient"


def three_losses(c):
    return [lambda w: (w**2).sum(), lambda w: (c * w).sum(), lambda w: w.sin().mean()]


def accumulate_three(module, c, w):
    w = w.detach().requires_grad_()
    result = module.accumulate(three_losses(c), w)
    return result, w


def accumulate_twins(module, w):
    def loss(t):
        return (t**3).mean()

    return module.accumulate([loss, loss, lambda t: t.sum()], w.detach().requires_grad_())


def accumulate_one(module, w):
    return module.accumulate([lambda t: t.exp().sum()], w.detach().requires_grad_())


def accumulate_matrix(module, x, w):
    losses = [lambda t, row=row: (row @ t).relu().sum() for row in x]
    return module.accumulate(losses, w.detach().requires_grad_())


def test_accumulate__values(student, rng):
    """gives the sum of the gradients of three losses"""
    c, w = randn(rng, 5), randn(rng, 5)
    (expected,) = gradients(lambda t: sum(loss(t) for loss in three_losses(c.double())), (w,))
    expect_close(student.run(accumulate_three, c, w)[0], expected, SUM)


def test_accumulate__one_loss(student, rng):
    """gives the gradient itself for a single loss"""
    w = randn(rng, 4)
    expect_close(student.run(accumulate_one, w), w.double().exp(), SUM)


def test_accumulate__same_loss_twice(student, rng):
    """counts a loss twice that is in the list twice"""
    w = randn(rng, 4)
    expect_close(student.run(accumulate_twins, w), 2 * 3 * w.double() ** 2 / 4 + 1, SUM)


def test_accumulate__many_losses_of_a_matrix(student, rng):
    """works for a matrix w and a loss for each of many samples"""
    x, w = randn(rng, 8, 3), randn(rng, 3, 2)
    (expected,) = gradients(lambda t: (x.double() @ t).relu().sum(), (w,))
    expect_close(student.run(accumulate_matrix, x, w), expected, SUM)


def test_accumulate__dtype(student, rng):
    """keeps the dtype of w, and float64's precision"""
    w = randn(rng, 3, dtype=torch.float64)
    expect_dtype(student.run(accumulate_one, w.float()), torch.float32, SUM)
    expect_close(student.run(accumulate_one, w), w.exp(), SUM, rtol=1e-10, atol=1e-10, dtype=torch.float64)


def test_accumulate__w_keeps_its_values(student, rng):
    """does not change the values of w"""
    c, w = randn(rng, 5), randn(rng, 5)
    expect_close(student.run(accumulate_three, c, w)[1], w, "the parameter w after the call", rtol=0, atol=0)


# freeze_all_but ------------------------------------------------------------------------------------------------------

TRAINABLE = "the list of trainable names"


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.head = nn.Linear(2, 3)


class Tricky(nn.Module):
    """Parameters of its own, children whose names contain each other, a name that comes again deeper down."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))
        self.fc = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2, bias=False))
        self.fc2 = nn.Linear(2, 2)
        self.block = nn.ModuleDict({"fc": nn.Linear(2, 2), "prefc": nn.Linear(1, 1)})
        self.empty = nn.ReLU()


def state(net):
    return [[name, p.requires_grad] for name, p in net.named_parameters()]


def freeze_small(module, name, trainable):
    net = Small().requires_grad_(trainable)
    return module.freeze_all_but(net, name), state(net)


def freeze_tricky(module, name):
    net = Tricky()
    return module.freeze_all_but(net, name), state(net)


def freeze_twice(module, first, second):
    net = Tricky()
    module.freeze_all_but(net, first)
    return module.freeze_all_but(net, second), state(net)


def freeze_and_compare(module, name):
    net = Tricky().eval()
    before = [p.detach().clone() for p in net.parameters()]
    module.freeze_all_but(net, name)
    return before, [p.detach() for p in net.parameters()], [m.training for m in net.modules()]


def expect_only(result, net, name):
    """`net` is a fresh network like the submission's: its names say what should be trainable."""
    returned, found = result
    names = [full for full, _ in net.named_parameters()]
    wanted = [full for full in names if full.split(".")[0] == name and "." in full]
    known = isinstance(found, list) and [pair[0] for pair in found] == names
    expect(known, "The module has other parameters after the call than before it.")
    for full, requires_grad in found:
        should = "should require grad" if full in wanted else "should be frozen"
        expect(requires_grad is (full in wanted), f"After freeze_all_but(module, {name!r}), {full} {should}, "
               f"but its requires_grad is {requires_grad}.")  # fmt: skip
    expect_equal(returned, wanted, TRAINABLE)


def test_freeze_all_but__head(student, rng):
    """freezes all parameters but those of the child, and returns the names of these"""
    expect_only(student.run(freeze_small, "head", True), Small(), "head")


def test_freeze_all_but__frozen_before(student, rng):
    """lets the child's parameters require grad again if everything was frozen before"""
    expect_only(student.run(freeze_small, "head", False), Small(), "head")


def test_freeze_all_but__first_child(student, rng):
    """works for a child at the beginning and in the middle"""
    expect_only(student.run(freeze_small, "conv", True), Small(), "conv")
    expect_only(student.run(freeze_small, "norm", True), Small(), "norm")


def test_freeze_all_but__nested_child(student, rng):
    """gives full dotted names, in order, for a child that has children of its own"""
    expect_only(student.run(freeze_tricky, "block"), Tricky(), "block")


def test_freeze_all_but__names_alike(student, rng):
    """does not confuse the child with one whose name begins alike, or with a deeper one of the same name"""
    expect_only(student.run(freeze_tricky, "fc"), Tricky(), "fc")
    expect_only(student.run(freeze_tricky, "fc2"), Tricky(), "fc2")


def test_freeze_all_but__twice(student, rng):
    """leaves only the second child trainable when it is called for one child and then for another"""
    expect_only(student.run(freeze_twice, "fc", "fc2"), Tricky(), "fc2")


def test_freeze_all_but__nothing_else(student, rng):
    """changes no parameter's values and does not switch between train and eval"""
    before, after, training = student.run(freeze_and_compare, "fc2")
    expect_close(after, before, "the parameters' values after the call", rtol=0, atol=0)
    expect(not any(training), "The module was in eval mode before the call and is not any more.")


# sgd_step ------------------------------------------------------------------------------------------------------------


def step(module, values, grads, lr):
    """The parameters, their gradients, their requires_grad and is_leaf after one step."""
    params = [value.detach().clone().requires_grad_() for value in values]
    for p, grad in zip(params, grads, strict=True):
        p.grad = None if grad is None else grad.clone()
    module.sgd_step(list(params), lr)
    return ([p.detach() for p in params], [p.grad for p in params], [p.requires_grad for p in params],
            [p.is_leaf for p in params])  # fmt: skip


def two_steps(module, values, first, second, lr):
    params = [nn.Parameter(value.detach().clone()) for value in values]
    for grads in (first, second):
        loss = sum((grad * p).sum() for grad, p in zip(grads, params, strict=True))
        loss.backward()
        module.sgd_step(list(params), lr)
    return [p.detach() for p in params]


def sgd_case(rng, *shapes, dtype=torch.float32):
    return [randn(rng, *s, dtype=dtype) for s in shapes], [randn(rng, *s, dtype=dtype) for s in shapes]


def moved(values, grads, lr):
    return [v.double() if g is None else v.double() - lr * g.double() for v, g in zip(values, grads, strict=True)]


def names_of(values):
    return [f"parameter {i}" for i in range(len(values))]


def test_sgd_step__values(student, rng):
    """moves each parameter by -lr times its gradient, in the same parameter objects"""
    values, grads = sgd_case(rng, (3, 4), (3,), (2, 1, 5))
    result = student.run(step, values, grads, 0.3)[0]
    expect_close(result, moved(values, grads, 0.3), names_of(values))


def test_sgd_step__none_is_skipped(student, rng):
    """skips parameters whose grad is None and updates those after them"""
    values, grads = sgd_case(rng, (2,), (3, 2), (4,))
    grads[1] = None
    result = student.run(step, values, grads, 0.5)[0]
    expect_close(result, moved(values, grads, 0.5), names_of(values))


def test_sgd_step__no_gradient_left(student, rng):
    """leaves no gradient behind: None or zeros"""
    values, grads = sgd_case(rng, (2, 3), (4,))
    left = student.run(step, values, [*grads[:1], None], 0.1)[1]
    for i, grad in enumerate(left):
        gone = grad is None or (isinstance(grad, torch.Tensor) and not grad.any())
        expect(gone, f"Parameter {i} still has a gradient after the step: set it to None or to zeros.")


def test_sgd_step__not_recorded(student, rng):
    """does not record the update: the parameters still require grad and are still leaves"""
    values, grads = sgd_case(rng, (2, 3), (4,))
    _, _, requires_grad, is_leaf = student.run(step, values, grads, 0.1)
    expect(requires_grad == [True, True], "A parameter does not require grad any more after the step.")
    expect(is_leaf == [True, True], "A parameter is no leaf any more after the step: the update was recorded. "
           "Do it under torch.no_grad().")  # fmt: skip


def test_sgd_step__two_steps(student, rng):
    """uses only the new gradients in a second step"""
    values, first = sgd_case(rng, (3, 2), (2,))
    _, second = sgd_case(rng, (3, 2), (2,))
    result = student.run(two_steps, values, first, second, 0.2)
    expect_close(result, moved(moved(values, first, 0.2), second, 0.2), names_of(values))


def test_sgd_step__other_sizes(student, rng):
    """works for a single number, another learning rate and float64"""
    values, grads = sgd_case(rng, (), dtype=torch.float64)
    result = student.run(step, values, grads, 1.5)[0]
    expect_close(result, moved(values, grads, 1.5), ["the parameter"], rtol=1e-10, atol=1e-10, dtype=torch.float64)
