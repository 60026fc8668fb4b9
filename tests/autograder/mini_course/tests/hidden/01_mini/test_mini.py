import torch

from autograder import expect_close, expect_unchanged


def test_row_means__values(student, rng):
    """gives the mean of each row"""
    t = torch.randn(4, 3, generator=rng)
    expect_close(student.call("row_means", t), t.double().mean(1), "the means", dtype=torch.float32)


def test_row_means__one_row(student, rng):
    """works for a single row"""
    t = torch.randn(1, 5, generator=rng)
    expect_close(student.call("row_means", t), t.double().mean(1), "the means")


def test_row_means__input_unchanged(student, rng):
    """leaves its input as it was"""
    t = torch.randn(2, 3, generator=rng)
    _, (after,) = student.observe("row_means", t)
    expect_unchanged(after, t)


def test_slope__values(student, rng):
    """gives the derivative of the square"""
    x = torch.randn(6, generator=rng)
    expect_close(student.call("slope", x), 2 * x.double(), "the slope")


def test_slope__again(student, rng):
    """gives the same when it is called twice"""
    x = torch.randn(3, generator=rng)
    expect_close([student.call("slope", x), student.call("slope", x)], [2 * x.double()] * 2)


def scaled(module, factor, x):
    return module.Scale(factor)(x)


def test_Scale__values(student, rng):
    """multiplies its input by the factor"""
    x = torch.randn(2, 3, generator=rng)
    expect_close(student.run(scaled, 2.5, x), 2.5 * x.double(), "the scaled input")
