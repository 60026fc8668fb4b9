import torch

from autograder import expect_close


def test_Variable__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("Variable", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_record__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("record", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_add__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("add", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_mul__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("mul", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_total__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("total", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_matmul__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("matmul", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_nonlinear__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("nonlinear", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_unbroadcast__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("unbroadcast", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_grad__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("grad", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_hessian_vector__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("hessian_vector", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_numeric_grad__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("numeric_grad", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")


def test_fit_line__example(student):
    """gives TODO: what it gives"""
    x = torch.tensor([[1.0, 2.0]])
    expect_close(student.call("fit_line", x), torch.tensor([["TODO: the right numbers"]]), "TODO: the result's name")
