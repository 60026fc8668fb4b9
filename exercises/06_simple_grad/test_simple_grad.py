"""Checks of topic 06 that you can follow on paper: `pytest exercises/06_simple_grad`, or one task: add `-k unbroadcast`.

`student.run` runs a small function next to your module, which makes Variables, calls your functions and looks at the tape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from autograder import Student, expect, expect_close, expect_equal, expect_unchanged

UNUSABLE = "propagate should give a list of Variables: one gradient for each of the entry's inputs, in their order."
NO_PAST = ("{} has no past on the tape. Compute in propagate with recorded operations and with the Variables themselves: "
           "a product of `.value`s is a number that nobody can differentiate.")  # fmt: skip


def value_of(it: Any) -> Any:
    """A Variable's value, None, or the name of what is there in its place."""
    return it.value if hasattr(it, "value") and hasattr(it, "name") else None if it is None else type(it).__name__


def expect_value(got: Any, expected: Tensor, name: str, slips: dict[str, Tensor] | None = None) -> None:
    """Fail unless a Variable came, and with this value."""
    expect(got is not None, f"{name} is None.")
    expect(isinstance(got, Tensor), f"{name} should be a Variable, and it is none.")
    expect_close(got, expected, name, slips=slips)


# Variable ------------------------------------------------------------------------------------------------------------


def make(module: Any, names: list[str | None]) -> dict[str, Any]:
    """Variables of one tensor, made one after the other since a reset."""
    module.reset_tape()
    value = torch.tensor([1.0, 2.0])
    variables = [module.Variable(value) if name is None else module.Variable(value, name) for name in names]
    return {
        "names": [each.name for each in variables],
        "same": all(each.value is value for each in variables),
        "taken": sorted(module.taken),
        "entries": len(module.tape),
    }


def test_Variable__names(student: Student) -> None:
    """is called by its name, or v0, v1, v2 without one, and has the very tensor as its value"""
    told = student.run(make, [None, None, None])
    expect_equal(told["names"], ["v0", "v1", "v2"], "the list of names")
    expect(told["same"], "The attribute value should be the very tensor that was given, not a copy.")
    expect_equal(student.run(make, ["slope", None])["names"], ["slope", "v0"], "the list of names: a given one uses up no number")


def test_Variable__names_in_use(student: Student) -> None:
    """leaves out a name that is in use, begins again after a reset, and records nothing"""
    told = student.run(make, [None, "v1", None])
    expect_equal(told["names"], ["v0", "v1", "v2"], "the list of names, of which v1 was given")
    expect_equal(student.run(make, [None])["names"], ["v0"], "the list of names after reset_tape()")
    expect_equal(told["entries"], 0, "the number of entries on the tape")


# record --------------------------------------------------------------------------------------------------------------


def note(module: Any, inputs: list[int]) -> dict[str, Any]:
    """One call of record, with some of the Variables v0 and b."""
    module.reset_tape()
    tape, variables = module.tape, [module.Variable(torch.ones(2)), module.Variable(torch.ones(2), "b")]
    value, calls = torch.tensor([5.0, 6.0]), []

    def propagate(g: Any) -> Any:
        calls.append(g)
        return [g] * len(inputs)

    result = module.record([variables[i] for i in inputs], value, propagate)
    told = {
        "same": getattr(result, "value", None) is value,
        "tape": module.tape is tape,
        "entries": len(tape),
        "calls": len(calls),
    }
    if tape:
        entry = tape[-1]
        told |= {"inputs": entry.inputs, "output": entry.output == getattr(result, "name", ""), "f": entry.propagate is propagate}
    return told


def test_record__one_entry(student: Student) -> None:
    """appends one entry: the names b and v0, the new Variable's name, and propagate itself"""
    told = student.run(note, [1, 0])
    expect(told["same"], "record should give a Variable whose value is the very tensor that record was given.")
    expect(told["tape"], "`tape` is another list now: append to the one that is there.")
    expect_equal(told["entries"], 1, "the number of entries on the tape")
    expect_equal(told["inputs"], ["b", "v0"], "the entry's list of inputs")
    expect(told["output"], "The entry's output should be the name of the Variable that record gives.")
    expect(told["f"], "The entry should have the function propagate itself, as it was given.")
    expect_equal(told["calls"], 0, "the number of calls of propagate during record")


def test_record__twice(student: Student) -> None:
    """names an input twice if it is used twice"""
    expect_equal(student.run(note, [1, 1])["inputs"], ["b", "b"], "the entry's list of inputs")


# One operation at a time ---------------------------------------------------------------------------------------------


def operate(module: Any, name: str, values: list[Tensor], rest: list[Any], g: Tensor) -> dict[str, Any]:
    """An operation, and what the propagate of its last entry makes of g."""
    module.reset_tape()
    variables = [module.Variable(each) for each in values]
    result = getattr(module, name)(*variables, *rest)
    told = {"result": value_of(result), "entries": len(module.tape), "gradients": "nothing"}
    if module.tape:
        found = module.tape[-1].propagate(module.Variable(g))
        told["gradients"] = [value_of(each) for each in found] if isinstance(found, list | tuple) else type(found).__name__
    return told


def expect_operation(
    told: Any, result: Tensor, gradients: Sequence[Tensor], slips: dict[str, list[Tensor]] | None = None
) -> None:
    """Fail unless the result and the gradients are right."""
    expect_value(told["result"], result, "The result")
    expect(told["entries"] > 0, "The operation records nothing: let record make the result.")
    got = told["gradients"]
    expect(isinstance(got, list) and len(got) == len(gradients) and all(isinstance(each, Tensor) for each in got), UNUSABLE)
    names = ("the gradient of a", "the gradient of b")[: len(gradients)]
    expect_close(got, list(gradients), names, slips=slips)


def has_past(module: Any, name: str, values: list[Tensor], g: Tensor) -> list[bool]:
    """Whether each gradient that the operation's propagate gives is the output of an entry on the tape."""
    module.reset_tape()
    getattr(module, name)(*(module.Variable(each) for each in values))
    found = module.tape[-1].propagate(module.Variable(g))
    outputs = {entry.output for entry in module.tape}
    return [getattr(each, "name", "") in outputs for each in found]


PARTS = ("The gradient of a", "The gradient of b")
A, B, G = torch.tensor([2.0, 3.0]), torch.tensor([5.0, 7.0]), torch.tensor([1.0, 10.0])


def test_add__sum(student: Student) -> None:
    """gives (7, 10) for (2, 3) and (5, 7), and hands g on to both"""
    slips = {"It is g times the other factor: that is the derivative of a product.": [G * B, G * A]}
    expect_operation(student.run(operate, "add", [A, B], [], G), A + B, [G, G], slips)


def test_mul__product(student: Student) -> None:
    """gives (10, 21), and makes of g = (1, 10) the gradients (5, 70) and (2, 30)"""
    slips = {
        "Each is multiplied by the factor itself: the slope in a is b, and the slope in b is a.": [G * A, G * B],
        "These are the other factors: g, which arrives, has to be multiplied in.": [B, A],
        "It is g unchanged: that is the derivative of a sum.": [G, G],
        "Each is multiplied by the result: the slope in a is b, and the slope in b is a.": [G * A * B, G * A * B],
    }
    expect_operation(student.run(operate, "mul", [A, B], [], G), A * B, [G * B, G * A], slips)


def test_mul__gradients_with_a_past(student: Student) -> None:
    """computes its gradients with recorded operations"""
    for recorded, name in zip(student.run(has_past, "mul", [A, B], G), PARTS, strict=False):
        expect(recorded, NO_PAST.format(name))


def test_total__sum(student: Student) -> None:
    """gives 7 for (1, 2, 4), a tensor of shape (), and spreads g = 10 over all three"""
    told = student.run(operate, "total", [torch.tensor([1.0, 2.0, 4.0])], [], torch.tensor(10.0))
    slips = {"It is g as it arrives: every element of a needs one, so spread it.": [torch.tensor(10.0)]}
    expect_operation(told, torch.tensor(7.0), [torch.full((3,), 10.0)], slips)


def test_total__spread(student: Student) -> None:
    """has a spread that repeats 5 over (2, 3), and adds up what arrives"""
    told = student.run(operate, "spread", [torch.tensor(5.0)], [(2, 3)], torch.arange(6.0).reshape(2, 3))
    expect_operation(told, torch.full((2, 3), 5.0), [torch.tensor(15.0)])


def test_matmul__product(student: Student) -> None:
    """multiplies (1, 2) by the column (3, 4), and gives each the gradient of its own shape"""
    a, b, g = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]), torch.tensor([[10.0]])
    expected = [torch.tensor([[30.0, 40.0]]), torch.tensor([[10.0], [20.0]])]
    slips = {"The gradient of b comes first here: they belong in the order of the inputs.": expected[::-1]}
    expect_operation(student.run(operate, "matmul", [a, b], [], g), torch.tensor([[11.0]]), expected, slips)
    for recorded, name in zip(
        student.run(has_past, "matmul", [a, b], g), ("The gradient of a", "The gradient of b"), strict=False
    ):
        expect(recorded, NO_PAST.format(name))


def test_matmul__squares(student: Student) -> None:
    """transposes where square matrices would fit as they are"""
    a, b, g = (
        torch.tensor([[1.0, 2.0], [0.0, 1.0]]),
        torch.tensor([[1.0, 0.0], [3.0, 1.0]]),
        torch.tensor([[1.0, 0.0], [0.0, 2.0]]),
    )
    slips = {"Nothing is transposed: it is g bᵀ and aᵀ g.": [g @ b, a @ g]}
    expected = [torch.tensor([[1.0, 3.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [2.0, 2.0]])]
    expect_operation(student.run(operate, "matmul", [a, b], [], g), torch.tensor([[7.0, 2.0], [3.0, 1.0]]), expected, slips)


def first_and_second(module: Any, name: str, value: Tensor) -> list[Any]:
    """The first and the second derivative of an element-wise function, by a walk over the tape."""
    module.reset_tape()
    a = module.Variable(value)
    found, told = getattr(module, name)(a), []
    for _ in range(2):
        slopes = {found.name: module.Variable(torch.ones_like(value))}
        for entry in module.tape[::-1]:
            if entry.output in slopes:
                for key, part in zip(entry.inputs, entry.propagate(slopes[entry.output]), strict=True):
                    slopes[key] = module.add(slopes[key], part) if key in slopes else part
        found = slopes.get(a.name)
        told.append(value_of(found))
        if found is None:
            break
    return told


def test_nonlinear__relu(student: Student) -> None:
    """has a relu that gives (0, 0, 2) for (-1, 0, 2), and lets the gradient of 2 alone pass"""
    g = torch.tensor([5.0, 6.0, -7.0])
    slips = {
        "At 0 the gradient passes, or half of it: relu's slope there is 0.": [torch.tensor([0.0, 6.0, -7.0])],
        "It is multiplied by max(a, 0): the slope is 1 where a is positive.": [torch.tensor([0.0, 0.0, -14.0])],
        "It is the slope alone: g, which arrives, has to be multiplied in.": [torch.tensor([0.0, 0.0, 1.0])],
        "It is g unchanged: nothing passes where a is negative.": [g],
    }
    told = student.run(operate, "relu", [torch.tensor([-1.0, 0.0, 2.0])], [], g)
    expect_operation(told, torch.tensor([0.0, 0.0, 2.0]), [torch.tensor([0.0, 0.0, -7.0])], slips)


def test_nonlinear__tanh(student: Student) -> None:
    """has a tanh whose slope is 1 at 0, and whose second derivative at tanh(a) = ½ is -2 · ½ · ¾ = -¾"""
    found = student.run(first_and_second, "tanh", torch.tensor([0.0, 0.5]).atanh())
    expect_value(found[0], torch.tensor([1.0, 0.75]), "the first derivative")
    expect(len(found) == 2 and found[1] is not None,
           NO_PAST.format("The slope of tanh") + " And it is no constant: it depends on a.")  # fmt: skip
    expect_value(found[1], torch.tensor([0.0, -0.75]), "the second derivative")


# unbroadcast ---------------------------------------------------------------------------------------------------------


def test_unbroadcast__leading_axes(student: Student) -> None:
    """adds up the rows for a tensor of shape (3,), and everything for ()"""
    g = torch.arange(6.0).reshape(2, 3)
    slips = {"It is g as it was: the axis that (3,) does not have is summed.": g}
    expect_close(student.call("unbroadcast", g, (3,)), torch.tensor([3.0, 5.0, 7.0]), "the sum", slips=slips)
    expect_close(student.call("unbroadcast", g, ()), torch.tensor(15.0), "the sum for the shape ()")


def test_unbroadcast__axes_of_size_1(student: Student) -> None:
    """adds up the columns for a tensor of shape (2, 1), and keeps the axis"""
    g = torch.arange(6.0).reshape(2, 3)
    slips = {"The axis of size 1 is gone: the result has exactly the shape that is asked for.": torch.tensor([3.0, 12.0])}
    expect_close(student.call("unbroadcast", g, (2, 1)), torch.tensor([[3.0], [12.0]]), "the sum", slips=slips)


def test_unbroadcast__nothing(student: Student) -> None:
    """gives g as it is where nothing was repeated"""
    g = torch.arange(6.0).reshape(2, 3)
    slips = {"Everything is summed: a sum over an empty list of axes is one over all of them.": torch.tensor(15.0)}
    expect_close(student.call("unbroadcast", g, (2, 3)), g, "the result", slips=slips)


# grad ----------------------------------------------------------------------------------------------------------------


def ask(module: Any, wanted: list[str]) -> dict[str, Any]:
    """grad of y = x · x for x = 3, by entries of the checks' own."""
    module.reset_tape()
    tape = module.tape
    x, other = module.Variable(torch.tensor(3.0)), module.Variable(torch.tensor(1.0))

    def times(a: Any, b: Any) -> Any:
        return module.record([a, b], a.value * b.value, lambda g: [times(g, b), times(g, a)])

    y = times(x, x)
    before = list(tape)
    found = module.grad(y, [{"x": x, "y": y, "other": other}[each] for each in wanted])
    kept = module.tape is tape and tape[: len(before)] == before
    return {"gradients": [value_of(each) for each in found], "kept": kept}


def test_grad__square(student: Student) -> None:
    """gives 6 for x · x at x = 3: both parts, added up, and 1 for x · x itself"""
    x, y = student.run(ask, ["x", "y"])["gradients"]
    slips = {
        "Only one of the two parts is there: x is used twice, and its parts are added up.": torch.tensor(3.0),
        "It begins with the value of loss: dL/dL is 1.": torch.tensor(54.0),
    }
    expect_value(x, torch.tensor(6.0), "the gradient of x", slips)
    expect_value(y, torch.tensor(1.0), "the gradient of the loss itself")


def test_grad__none(student: Student) -> None:
    """gives None for a Variable that the loss does not depend on, and leaves the entries of the tape"""
    told = student.run(ask, ["other", "x"])
    expect(told["gradients"][0] is None, "The gradient of a Variable that the loss does not depend on should be None.")
    expect(told["kept"], "The entries that were on the tape before grad should stay, the same and in the same order.")


def ask_twice(module: Any) -> list[Any]:
    """The second derivative of x³ at x = 2."""
    module.reset_tape()
    x = module.Variable(torch.tensor(2.0))

    def times(a: Any, b: Any) -> Any:
        return module.record([a, b], a.value * b.value, lambda g: [times(g, b), times(g, a)])

    (slope,) = module.grad(times(times(x, x), x), [x])
    return [value_of(slope), *(value_of(each) for each in module.grad(slope, [x]))]


def test_grad__again(student: Student) -> None:
    """gives 12 and again 12 for the first two derivatives of x³ at x = 2"""
    for got, name in zip(student.run(ask_twice), ("the first derivative", "the second derivative"), strict=True):
        expect(got is not None, f"{name} is None. Add up parts with `add`, so that the addition is on the tape as well.")
        expect_value(got, torch.tensor(12.0), name)


# hessian_vector ------------------------------------------------------------------------------------------------------


def cubes(module: Any, x: Tensor, v: Tensor, linear: bool) -> dict[str, Any]:
    """H·v for the sum of x³, or of x alone."""
    module.reset_tape()
    calls = []

    def f(a: Any) -> Any:
        calls.append(a)
        return module.total(a if linear else module.mul(module.mul(a, a), a))

    return {"product": module.hessian_vector(f, x, v), "calls": len(calls)}


def test_hessian_vector__cubes(student: Student) -> None:
    """gives 6x · v = (6, 120) for Σ x³ at x = (1, 2) with v = (1, 10), and calls f once"""
    x, v = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0])
    slips = {
        "It is the gradient times v: differentiate their product once more.": 3 * x**2 * v,
        "v has no part in it: it is the row sums of H.": 6 * x,
    }
    told = student.run(cubes, x, v, False)
    expect_close(told["product"], torch.tensor([6.0, 120.0]), "the product H·v", slips=slips)
    expect_equal(told["calls"], 1, "the number of calls of f")


def test_hessian_vector__linear(student: Student) -> None:
    """gives zeros for Σ x, whose gradient does not depend on x"""
    found = student.run(cubes, torch.tensor([1.0, 2.0]), torch.ones(2), True)["product"]
    expect(found is not None, "The product is None. Where the gradient does not depend on x, H is 0, and so is H·v.")
    expect_close(found, torch.zeros(2), "the product H·v")


# numeric_grad --------------------------------------------------------------------------------------------------------


def slopes_of_squares(module: Any, x: Tensor, eps: list[float]) -> dict[str, Any]:
    """The numeric gradient of Σ x³; what f got, and what became of x."""
    got = set()

    def f(t: Tensor) -> Tensor:
        got.add(str(t.dtype))
        return (t**3).sum()

    return {"slopes": module.numeric_grad(f, x, *eps), "got": sorted(got), "x": x}


def test_numeric_grad__cubes(student: Student) -> None:
    """gives 3x² = (3, 12) for Σ x³ at (1, 2), in float64"""
    x = torch.tensor([1.0, 2.0])
    told = student.run(slopes_of_squares, x, [])
    expect_equal(told["got"], ["torch.float64"], "the dtype of what f is given")
    slips = {"It is twice what it should be: the two places lie 2·eps apart.": torch.tensor([6.0, 24.0])}
    expect_close(told["slopes"], torch.tensor([3.0, 12.0]), "the numeric gradient", dtype=torch.float64, slips=slips)
    expect_unchanged(told["x"], x, "the input x")


def test_numeric_grad__eps(student: Student) -> None:
    """takes central differences: with eps = 1 the slope of x³ at 2 is (27 - 1) / 2 = 13"""
    slips = {
        "The difference is one-sided: go eps up and eps down from x.": torch.tensor([[19.0]]),
        "It does not use the eps that it is given.": torch.tensor([[12.0]]),
    }
    found = student.run(slopes_of_squares, torch.tensor([[2.0]]), [1.0])["slopes"]
    expect_close(found, torch.tensor([[13.0]]), "the numeric gradient", slips=slips)


# fit_line ------------------------------------------------------------------------------------------------------------


def fitted(module: Any, steps: int, lr: float) -> dict[str, Any]:
    """The line through (1, 2) and (2, 4)."""
    module.reset_tape()
    line = module.fit_line(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]), steps, lr)
    return {"line": line, "left": len(module.tape)}


def test_fit_line__one_step(student: Student) -> None:
    """goes from (0, 0) to (1, 0.6) in one step of lr = 0.1: the mean errors' gradient is (-10, -6)"""
    told = student.run(fitted, 1, 0.1)
    slips = {
        "The step is twice what it should be, for 2 points: the mean is missing.": (2.0, 1.2),
        "The step goes up the gradient: it is subtracted.": (-1.0, -0.6),
    }
    expect_close(told["line"], (1.0, 0.6), ("the slope", "the offset"), slips=slips)
    expect_equal(told["left"], 0, "the number of entries that are left on the tape")


def test_fit_line__many_steps(student: Student) -> None:
    """comes to y = 2x after many steps, and begins at (0, 0)"""
    expect_close(student.run(fitted, 0, 0.1)["line"], (0.0, 0.0), ("the slope", "the offset"))
    expect_close(student.run(fitted, 400, 0.2)["line"], (2.0, 0.0), ("the slope", "the offset"), atol=1e-2)
