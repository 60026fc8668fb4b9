import torch

from autograder import expect_close, expect_shape


def test_row_means__example(student):
    """gives the mean of each row"""
    expect_close(student.call("row_means", torch.tensor([[1.0, 3.0], [5.0, 9.0]])), torch.tensor([2.0, 7.0]))


def test_row_means__shape(student):
    """gives one number a row"""
    expect_shape(student.call("row_means", torch.ones(4, 3)), (4,))


def test_slope__example(student):
    """gives twice x"""
    expect_close(student.call("slope", torch.tensor([1.0, -2.0])), torch.tensor([2.0, -4.0]))


def scaled(module, factor, x):
    return module.Scale(factor)(x)


def test_Scale__example(student):
    """multiplies its input"""
    expect_close(student.run(scaled, 3.0, torch.ones(2)), torch.tensor([3.0, 3.0]))
