"""Hidden checks of topic 06: each operation by itself, its entries walked by a `grad` of the suite's own.

What `grad` and `hessian_vector` differentiate is recorded here, by `record` and closures of the suite's own. Probes call the
learner's functions and look at the tape; names are told as what they belong to ("a", "result"), so that no answer depends
on how many Variables were made on the way. The oracle is PyTorch's autograd in float64, outside the submission.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from autograder import Reference, Student, conduct, expect, expect_close, expect_digits, expect_equal, expect_unchanged

Told = dict[str, Any]  # what a probe brings back

UNUSABLE = "propagate should give a list of Variables: one gradient for each of the entry's inputs, in their order."
BROKEN_CHAIN = ("There is no way back from the result to {}: the tape has no chain of entries between them. "
                "Compute with recorded operations, and hand the Variables themselves to record.")  # fmt: skip
NOT_RECORDED = ("{} cannot be differentiated: it does not depend on {} as the tape has it. Compute in propagate with recorded "
                "operations and with the Variables themselves, not with their values.")  # fmt: skip


def randn(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=rng, dtype=dtype)


def whole(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def leaf_of(tensor: Tensor) -> Tensor:
    """A leaf of its own, in float64."""
    return tensor.detach().double().clone().requires_grad_()


# What the probes share -----------------------------------------------------------------------------------------------


def is_variable(it: Any) -> bool:
    return isinstance(getattr(it, "value", None), torch.Tensor) and isinstance(getattr(it, "name", None), str)


def value_of(it: Any) -> Any:
    """A Variable's value, None, or the name of what is there in its place."""
    return it.value if is_variable(it) else None if it is None else type(it).__name__


def values_of(found: Any) -> Any:
    """The values of what a walk found, or what it came upon."""
    return found if isinstance(found, str) else [value_of(each) for each in found]


def walk(module: Any, output: Any, wanted: Any, seed: Any) -> Any:
    """The gradients of `output` by a walk of the suite's own, or what an entry's propagate gives that is unusable."""
    found = {output.name: seed}
    for entry in module.tape[::-1]:
        if entry.output in found:
            parts = entry.propagate(found[entry.output])
            if not isinstance(parts, list | tuple):
                return type(parts).__name__
            if len(parts) != len(entry.inputs) or not all(map(is_variable, parts)):
                return ",".join(type(each).__name__ for each in parts)
            for name, part in zip(entry.inputs, parts):  # noqa: B905  as long as each other
                found[name] = plus(module, found[name], part) if name in found else part
    return [found.get(each.name) for each in wanted]


def plus(module: Any, a: Any, b: Any) -> Any:
    return module.record([a, b], a.value + b.value, lambda g: [g, g])


def times(module: Any, a: Any, b: Any) -> Any:
    return module.record([a, b], a.value * b.value, lambda g: [times(module, g, b), times(module, g, a)])


def summed(module: Any, a: Any) -> Any:
    return module.record([a], a.value.sum(), lambda g: [repeated(module, g, a.value.shape)])


def repeated(module: Any, a: Any, shape: Any) -> Any:
    return module.record([a], a.value.expand(shape), lambda g: [summed(module, g)])


def sine(module: Any, a: Any) -> Any:
    return module.record([a], a.value.sin(), lambda g: [times(module, g, cosine(module, a))])


def cosine(module: Any, a: Any) -> Any:
    return module.record([a], a.value.cos(), lambda g: [minus(module, times(module, g, sine(module, a)))])


def scaled(module: Any, a: Any, factor: Any) -> Any:
    return module.record([a], a.value * factor, lambda g: [scaled(module, g, factor)])


def minus(module: Any, a: Any) -> Any:
    return module.record([a], -a.value, lambda g: [minus(module, g)])


# One operation at a time ---------------------------------------------------------------------------------------------


def operate(
    module: Any, name: str, values: list[Tensor], uses: list[int], rest: list[Any], seed: Tensor, weights: list[Tensor]
) -> Told:
    """An operation on fresh Variables: what it gives, what it records, its gradients, and these differentiated once more."""
    module.reset_tape()
    variables = [module.Variable(each) for each in values]
    result = getattr(module, name)(*(variables[i] for i in uses), *rest)
    told = {"result": value_of(result), "entries": len(module.tape), "inputs": [], "gradients": [], "further": []}
    if not is_variable(result):
        return told
    labels = {each.name: i for i, each in enumerate(variables)} | {result.name: "result"}
    told["inputs"] = [[[labels.get(each, "?") for each in entry.inputs], labels.get(entry.output, "?")] for entry in module.tape]
    arrived = module.Variable(seed)
    gradients = walk(module, result, variables, arrived)
    told["gradients"] = values_of(gradients)
    told["further"] = [
        values_of(walk(module, gradient, [arrived, *variables], module.Variable(weight)))
        for gradient, weight in zip(gradients, weights)  # noqa: B905  without weights none
        if is_variable(gradient)
    ]
    told["values"] = [each.value for each in variables]
    return told


def first_slopes(f: Callable[..., Tensor], values: Sequence[Tensor], seed: Tensor) -> tuple[Tensor, ...]:
    leaves = [leaf_of(each) for each in values]
    return torch.autograd.grad(f(*leaves), leaves, seed.double())


def further_slopes(
    f: Callable[..., Tensor], values: Sequence[Tensor], seed: Tensor, weights: Sequence[Tensor]
) -> list[list[Tensor]]:
    """For each gradient of Σ seed·f, weighted: its own gradients with respect to the seed and to each value."""
    leaves = [leaf_of(each) for each in values]
    arrived = leaf_of(seed)
    slopes = torch.autograd.grad(f(*leaves), leaves, arrived, create_graph=True)
    return [
        [
            torch.zeros_like(leaf) if found is None else found
            for leaf, found in zip(
                [arrived, *leaves],
                torch.autograd.grad(slope, [arrived, *leaves], weight.double(), allow_unused=True, retain_graph=True),
                strict=True,
            )
        ]
        for slope, weight in zip(slopes, weights, strict=True)
    ]


def expect_result(told: Any, expected: Tensor, name: str, **tolerances: Any) -> None:
    """Fail unless the operation gave a Variable with these values."""
    got = told["result"]
    expect(isinstance(got, Tensor), f"{name.capitalize()} should be a Variable, and it is none.")
    expect_close(got, expected, name, **tolerances)


def expect_gradients(told: Any, expected: Sequence[Tensor], names: Sequence[str], **tolerances: Any) -> None:
    """Fail unless the walk back found these gradients."""
    expect(not isinstance(told["gradients"], str), UNUSABLE)
    for got, right, name in zip(told["gradients"], expected, names, strict=True):
        expect(got is not None, BROKEN_CHAIN.format(name.removeprefix("the gradient of ")))
        expect_close(got, right, name, **tolerances)


def expect_further(told: Any, expected: list[list[Tensor]], names: Sequence[str], inputs: Sequence[str]) -> None:
    """Fail unless each gradient has these gradients itself, where None is as good as zeros."""
    expect(len(told["further"]) == len(expected) and not any(isinstance(each, str) for each in told["further"]), UNUSABLE)
    for found, right, name in zip(told["further"], expected, names, strict=True):
        for got, slope, by in zip(found, right, ["g, the gradient that arrives,", *inputs], strict=True):
            if got is None:
                expect(not slope.any(), NOT_RECORDED.format(name.capitalize(), by))
            else:
                expect_close(got, slope, f"the derivative of {name} with respect to {by.rstrip(',')}")


def of_inputs(inputs: Sequence[str]) -> list[str]:
    return [f"the gradient of {each}" for each in inputs]


def expect_operation(
    student: Student,
    name: str,
    f: Callable[..., Tensor],
    values: list[Tensor],
    seed: Tensor,
    uses: list[int] | None = None,
    rest: Sequence[Any] = (),
    inputs: Sequence[str] = ("a", "b"),
) -> Told:
    """Fail unless an operation has the values of f, and its gradients; in float64 to all its digits."""
    told: Told = student.run(operate, name, values, uses or list(range(len(values))), list(rest), seed, [])
    names = of_inputs(inputs[: len(values)])
    slopes = first_slopes(f, values, seed)
    result = f(*(each.double() for each in values))
    expect_result(told, result, f"the result of {name}", dtype=seed.dtype)
    expect_gradients(told, slopes, names, dtype=seed.dtype)
    if seed.dtype == torch.float64:
        expect_digits([told["result"], *told["gradients"]], [result, *slopes], [f"the result of {name}", *names])
    return told


def expect_further_operation(
    student: Student,
    rng: torch.Generator,
    name: str,
    f: Callable[..., Tensor],
    values: list[Tensor],
    seed: Tensor,
    rest: Sequence[Any] = (),
) -> None:
    """Fail unless the gradients of an operation can be differentiated in their turn."""
    weights = [randn(rng, *each.shape, dtype=each.dtype) for each in values]
    told = student.run(operate, name, values, list(range(len(values))), list(rest), seed, weights)
    inputs = ("a", "b")[: len(values)]
    expect_further(told, further_slopes(f, values, seed, weights), of_inputs(inputs), inputs)


def expect_values_kept(told: Any, values: Sequence[Tensor]) -> None:
    for after, before, name in zip(told["values"], values, "ab", strict=False):
        expect_unchanged(after, before, f"the value of {name}")


# Variable ------------------------------------------------------------------------------------------------------------


def make(module: Any, names: list[str | None], value: Tensor, entries: int) -> Told:
    """The names of Variables made one after the other since a reset, with entries on the tape, and what else there is to see."""
    module.reset_tape()
    for _ in range(entries):
        module.tape.append(module.TapeEntry(["x"], "y", None))
    variables = [module.Variable(value) if name is None else module.Variable(value, name) for name in names]
    return {
        "names": [each.name if len(str(each.name)) < 12 else "long" for each in variables],
        "same": [each.value is value for each in variables],
        "entries": len(module.tape),
        "requires_grad": any(each.value.requires_grad for each in variables),
        "value": value,
    }


def make_after_resets(module: Any, counts: list[int], value: Tensor) -> list[list[str]]:
    """The automatic names since each of several resets."""
    found = []
    for count in counts:
        module.reset_tape()
        found.append([module.Variable(value).name for _ in range(count)])
    return found


def make_between(module: Any, value: Tensor, keyword: str) -> list[str]:
    """Names by keyword, and of Variables that were recorded, made by operations of the suite's own, and made after these."""
    module.reset_tape()
    a, b = module.Variable(value), module.Variable(value, name=keyword)
    try:
        recorded = module.record([a, b], value + value, lambda g: [g, g]).name
    except Exception:  # noqa: BLE001  record has checks of its own
        recorded = ""
    return [a.name, b.name, recorded not in (a.name, b.name), module.Variable(value).name not in {recorded, a.name}]


def operators(module: Any, a: Tensor, b: Tensor, m: Tensor) -> dict[str, list[Any]]:
    """By operator: its value and which of its inputs the tape leads back to, and the same of the function that it stands for.

    Where that function is not done or wrong, its own task says so.
    """
    forms = {
        "a + b": (lambda x, y, z: x + y, lambda x, y, z: module.add(x, y)),
        "a * b": (lambda x, y, z: x * y, lambda x, y, z: module.mul(x, y)),
        "-a": (lambda x, y, z: -x, lambda x, y, z: module.mul(x, y)),
        "a - b": (lambda x, y, z: x - y, lambda x, y, z: module.add(x, module.mul(y, y))),
        "a @ m": (lambda x, y, z: x @ z, lambda x, y, z: module.matmul(x, z)),
        "a.sum()": (lambda x, y, z: x.sum(), lambda x, y, z: module.total(x)),
    }
    found = {}
    for name, (operator, function) in forms.items():
        told = []
        for form in (function, operator):
            module.reset_tape()
            variables = [module.Variable(each.clone()) for each in (a, b, m)]
            try:
                result = form(*variables)
            except Exception:  # of the function; the operator's own is told
                if form is operator and told[0]:
                    raise
                told.append([])
                continue
            behind = {getattr(result, "name", "")}
            for entry in module.tape[::-1]:
                if entry.output in behind:
                    behind |= set(entry.inputs)
            told.append([value_of(result), [each.name in behind for each in variables]])
        found[name] = told
    return found


def test_Variable__values_and_names(student: Student, rng: torch.Generator) -> None:
    """keeps the value, the tensor itself, and calls itself by the name that it is given, or v0, v1, v2, … without one"""
    value, count = randn(rng, 4, 3), whole(rng, 4, 7)
    told = student.run(make, [None] * count, value, 2)
    expect_equal(told["names"], [f"v{i}" for i in range(count)], "the list of names since reset_tape()")
    expect(all(told["same"]), "The attribute value should be the very tensor that was given, not a copy.")
    told = student.run(make, ["slope", "x"], value, 1)
    expect_equal(told["names"], ["slope", "x"], "the list of names that were given")


def test_Variable__counts_anew_after_a_reset(student: Student, rng: torch.Generator) -> None:
    """begins again with v0 after each reset_tape()"""
    counts = [whole(rng, 2, 6) for _ in range(3)]
    found = student.run(make_after_resets, counts, randn(rng, 2))
    expect_equal(found, [[f"v{i}" for i in range(count)] for count in counts], "the list of names since each of three resets")


def test_Variable__named_ones_use_up_no_number(student: Student, rng: torch.Generator) -> None:
    """uses up no number for a Variable that is given a name"""
    told = student.run(make, ["w", None, "b", "c", None, None], randn(rng, 3), 0)
    expect_equal(told["names"], ["w", "v0", "b", "c", "v1", "v2"], "the list of names")


def test_Variable__leaves_out_names_in_use(student: Student, rng: torch.Generator) -> None:
    """leaves out automatic names that a caller has given before"""
    told = student.run(make, [None, "v1", "v4", None, None, "v3x", None, None], randn(rng, 3), 0)
    expect_equal(told["names"], ["v0", "v1", "v4", "v2", "v3", "v3x", "v5", "v6"], "the list of names")


def test_Variable__shares_names_with_record(student: Student, rng: torch.Generator) -> None:
    """takes a name by keyword, and never one that a recorded Variable has"""
    keyword = "w" + str(whole(rng, 10, 99))
    found = student.run(make_between, randn(rng, 3), keyword)
    expect_equal(found, ["v0", keyword, True, True], "what a Variable beside a recorded one is called")


@conduct
def test_Variable__records_nothing(student: Student, rng: torch.Generator) -> None:
    """records nothing, and leaves the tensor as it was, without requires_grad"""
    value = randn(rng, 3, 2, dtype=torch.float64)
    told = student.run(make, [None, "w", None], value, 3)
    expect_equal(told["entries"], 3, "the number of entries on the tape, of which there were 3 before,")
    expect(told["requires_grad"] is False, "Making a Variable should leave requires_grad of its value False.")
    expect_unchanged(told["value"], value, "the value")


def test_Variable__operators(student: Student, rng: torch.Generator) -> None:
    """has the operators +, *, -, @ and .sum(), whose results lead back over the tape to their inputs"""
    a, b, m = randn(rng, 3, 4), randn(rng, 3, 4), randn(rng, 4, 2)
    right = {
        "a + b": ([a + b, [True, True, False]], a + b),
        "a * b": ([a * b, [True, True, False]], a * b),
        "-a": ([-a, [True, False, False]], a * b),
        "a - b": ([a - b, [True, True, False]], a + b * b),
        "a @ m": ([a @ m, [True, False, True]], a @ m),
        "a.sum()": ([a.sum(), [True, False, False]], a.sum()),
    }
    found = student.run(operators, a, b, m)
    for name, ((value, behind), control) in right.items():
        function, operator = found[name]
        works = bool(function) and isinstance(function[0], Tensor) and function[0].shape == control.shape
        if (
            not works
            or not torch.allclose(function[0], control, rtol=1e-3, atol=1e-4)
            or function[1].count(True) < behind.count(True)
        ):
            continue  # add, mul, matmul and total have checks of their own
        if name == "-a" and function[1] != [True, True, False]:
            continue
        expect(operator and isinstance(operator[0], Tensor), f"{name} should be a Variable.")
        expect_close(operator[0], value, name)
        expect_equal(operator[1], behind, f"whether the tape leads from {name} back to a, b and m")


# record --------------------------------------------------------------------------------------------------------------


def recorded(module: Any, before: int, inputs: list[int], value: Tensor, names: list[str | None]) -> Told:
    """One call of record after some entries, with `inputs` of Variables called `names`."""
    module.reset_tape()
    tape = module.tape
    variables = [module.Variable(value, name) if name else module.Variable(value) for name in names]
    calls = []

    def propagate(g: Any) -> Any:
        calls.append(g)
        return [g] * len(inputs)

    for _ in range(before):
        tape.append(module.TapeEntry([variables[0].name], "earlier", None))
    earlier, given = list(tape), [variables[i] for i in inputs]
    result = module.record(given, value, propagate)
    told = {
        "instead": "" if is_variable(result) else type(result).__name__,
        "same_value": getattr(result, "value", None) is value,
        "same_tape": module.tape is tape,
        "new_entries": len(tape) - before,
        "earlier_kept": tape[:before] == earlier,
        "calls": len(calls),
        "given_kept": given == [variables[i] for i in inputs],
        "new_name": is_variable(result) and result.name not in {each.name for each in variables},
    }
    if len(tape) == before + 1 and is_variable(result):
        entry, labels = tape[-1], {each.name: i for i, each in enumerate(variables)}
        told |= {
            "inputs": [labels.get(each, "?") if isinstance(each, str) else type(each).__name__ for each in entry.inputs],
            "output": "?" if entry.output != result.name else "the result",
            "propagate": entry.propagate is propagate,
        }
    return told


def expect_recorded(told: Any, inputs: list[int]) -> None:
    expect(not told["instead"], "record should give a Variable.")
    expect(told["same_value"], "The new Variable should have the very tensor that record was given as its value.")
    expect(told["same_tape"], "module.tape is another list after record: append to the one that is there.")
    expect_equal(told["new_entries"], 1, "the number of entries that record adds to the tape")
    expect(told["earlier_kept"], "The new entry belongs at the end of the tape; the entries before it stay as they are.")
    expect_equal(told["inputs"], inputs, "the entry's list of inputs (told as numbers of Variables)")
    expect(told["output"] == "the result", "The entry's output should be the name of the Variable that record gives.")
    expect(told["propagate"], "The entry should have the function propagate itself, as it was given.")


def test_record__appends_an_entry(student: Student, rng: torch.Generator) -> None:
    """gives a Variable with the value, and appends one entry: the inputs' names, the new name, and propagate"""
    expect_recorded(student.run(recorded, 0, [1, 0], randn(rng, 3), [None, None]), [1, 0])
    expect_recorded(student.run(recorded, whole(rng, 2, 4), [2, 0, 1], randn(rng, 2, 4), [None, "b", "a"]), [2, 0, 1])


def test_record__names_an_input_as_often_as_it_is_used(student: Student, rng: torch.Generator) -> None:
    """names an input twice if it is used twice, and none where there is none"""
    expect_recorded(student.run(recorded, 1, [1, 0, 1, 1], randn(rng, 3), [None, "b"]), [1, 0, 1, 1])
    expect_recorded(student.run(recorded, 0, [], randn(rng, 3), [None]), [])


def test_record__finds_a_new_name(student: Student, rng: torch.Generator) -> None:
    """gives the new Variable a name that no other has"""
    told = student.run(recorded, 0, [0, 1], randn(rng), [None, "v2", "v3", None])
    expect(told["instead"] or told["new_name"], "The name of the new Variable belongs to another one already.")
    expect_recorded(told, [0, 1])


@conduct
def test_record__only_notes(student: Student, rng: torch.Generator) -> None:
    """calls propagate never, and leaves the list of inputs as it was"""
    told = student.run(recorded, 0, [1, 0], randn(rng, 2), [None, None])
    expect_equal(told["calls"], 0, "the number of calls of propagate during record")
    expect(told["given_kept"], "The list of inputs was changed by record. Make a new list of names.")


# add and mul ---------------------------------------------------------------------------------------------------------

ONE_ENTRY = "what the entries name: inputs (a is 0, b is 1) and output"


def product(a: Tensor, b: Tensor) -> Tensor:
    return a * b


def square(a: Tensor) -> Tensor:
    return a * a


def double(a: Tensor) -> Tensor:
    return a + a


def triple_of(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> tuple[list[Tensor], Tensor]:
    """Two inputs and a gradient that arrives."""
    return [randn(rng, *shape, dtype=dtype), randn(rng, *shape, dtype=dtype)], randn(rng, *shape, dtype=dtype)


def test_add__values(student: Student, rng: torch.Generator) -> None:
    """adds, and hands the gradient that arrives on to a and b"""
    for shape in ((4, 3), (2,)):
        expect_operation(student, "add", torch.add, *triple_of(rng, *shape))


def test_add__one_entry(student: Student, rng: torch.Generator) -> None:
    """appends one entry, with the inputs a and b in this order"""
    values, seed = triple_of(rng, 3)
    told = student.run(operate, "add", values, [0, 1], [], seed, [])
    expect_equal(told["inputs"], [[[0, 1], "result"]], ONE_ENTRY)


def test_add__a_variable_to_itself(student: Student, rng: torch.Generator) -> None:
    """hands on the gradient twice where a is added to itself"""
    (a, _), seed = triple_of(rng, 5)
    told = expect_operation(student, "add", double, [a], seed, [0, 0])
    expect_equal(told["inputs"], [[[0, 0], "result"]], ONE_ENTRY)


def test_add__any_shape(student: Student, rng: torch.Generator) -> None:
    """works for a single number, one element and more axes"""
    for shape in ((), (1,), (2, 1, 3)):
        expect_operation(student, "add", torch.add, *triple_of(rng, *shape))


def test_add__float64(student: Student, rng: torch.Generator) -> None:
    """keeps float64 and its digits, and leaves a and b unchanged"""
    values, seed = triple_of(rng, 3, 2, dtype=torch.float64)
    expect_values_kept(expect_operation(student, "add", torch.add, values, seed), values)


def test_add__further_derivative(student: Student, rng: torch.Generator) -> None:
    """hands on a gradient that can itself be differentiated"""
    values, seed = triple_of(rng, 4)
    expect_further_operation(student, rng, "add", torch.add, values, seed)


def test_mul__values(student: Student, rng: torch.Generator) -> None:
    """multiplies, and gives a the gradient g·b, b the gradient g·a"""
    for shape in ((4, 3), (2,)):
        expect_operation(student, "mul", product, *triple_of(rng, *shape))


def test_mul__one_entry(student: Student, rng: torch.Generator) -> None:
    """appends one entry, with the inputs a and b in this order"""
    values, seed = triple_of(rng, 3)
    told = student.run(operate, "mul", values, [0, 1], [], seed, [])
    expect_equal(told["inputs"], [[[0, 1], "result"]], ONE_ENTRY)


def test_mul__square(student: Student, rng: torch.Generator) -> None:
    """gives both parts where a is multiplied by itself"""
    (a, _), seed = triple_of(rng, 5)
    told = expect_operation(student, "mul", square, [a], seed, [0, 0])
    expect_equal(told["inputs"], [[[0, 0], "result"]], ONE_ENTRY)


def test_mul__any_shape(student: Student, rng: torch.Generator) -> None:
    """works for a single number, one element and more axes"""
    for shape in ((), (1,), (2, 1, 3)):
        expect_operation(student, "mul", product, *triple_of(rng, *shape))


def test_mul__float64(student: Student, rng: torch.Generator) -> None:
    """keeps float64 and its digits, and leaves a and b unchanged"""
    values, seed = triple_of(rng, 3, 2, dtype=torch.float64)
    expect_values_kept(expect_operation(student, "mul", product, values, seed), values)


def test_mul__further_derivative(student: Student, rng: torch.Generator) -> None:
    """gives gradients that can themselves be differentiated, with respect to g and to the other factor"""
    values, seed = triple_of(rng, 4)
    expect_further_operation(student, rng, "mul", product, values, seed)


# total and spread ----------------------------------------------------------------------------------------------------


def expect_spread(student: Student, rng: torch.Generator, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    values, seed = [randn(rng, dtype=dtype)], randn(rng, *shape, dtype=dtype)
    expect_operation(student, "spread", lambda a: a.expand(shape), values, seed, rest=[shape])


def test_total__values(student: Student, rng: torch.Generator) -> None:
    """sums all elements and spreads the gradient over them; spread does the opposite"""
    for shape in ((4, 3), (5,)):
        expect_operation(student, "total", torch.sum, [randn(rng, *shape)], randn(rng))
        expect_spread(student, rng, shape, torch.float32)


def test_total__no_axes(student: Student, rng: torch.Generator) -> None:
    """works for the shape () and for sizes 1 and 0"""
    for shape in ((), (1,), (1, 3, 1), (2, 0)):
        expect_operation(student, "total", torch.sum, [randn(rng, *shape)], randn(rng))
        expect_spread(student, rng, shape, torch.float32)


def test_total__float64(student: Student, rng: torch.Generator) -> None:
    """keeps float64 and its digits, in total and in spread"""
    values = [randn(rng, 2, 3, 2, dtype=torch.float64)]
    expect_values_kept(expect_operation(student, "total", torch.sum, values, randn(rng, dtype=torch.float64)), values)
    expect_spread(student, rng, (3, 4), torch.float64)


def test_total__further_derivative(student: Student, rng: torch.Generator) -> None:
    """gives gradients that can themselves be differentiated"""
    expect_further_operation(student, rng, "total", torch.sum, [randn(rng, 3, 2)], randn(rng))
    expect_further_operation(student, rng, "spread", lambda a: a.expand(2, 3), [randn(rng)], randn(rng, 2, 3), [(2, 3)])


# matmul --------------------------------------------------------------------------------------------------------------


def matrices(rng: torch.Generator, m: int, d: int, p: int, dtype: torch.dtype = torch.float32) -> tuple[list[Tensor], Tensor]:
    return [randn(rng, m, d, dtype=dtype), randn(rng, d, p, dtype=dtype)], randn(rng, m, p, dtype=dtype)


def test_matmul__values(student: Student, rng: torch.Generator) -> None:
    """multiplies matrices, and gives a the gradient g bᵀ, b the gradient aᵀ g"""
    for sizes in ((4, 3, 5), (2, 3, 2)):
        expect_operation(student, "matmul", torch.matmul, *matrices(rng, *sizes))


def test_matmul__other_sizes(student: Student, rng: torch.Generator) -> None:
    """works for square matrices, single rows and columns, and one number"""
    for sizes in ((3, 3, 3), (1, 4, 3), (5, 1, 2), (3, 2, 1), (1, 1, 1)):
        expect_operation(student, "matmul", torch.matmul, *matrices(rng, *sizes))


def test_matmul__float64(student: Student, rng: torch.Generator) -> None:
    """keeps float64 and its digits, and leaves a and b unchanged"""
    values, seed = matrices(rng, 2, 4, 3, torch.float64)
    expect_values_kept(expect_operation(student, "matmul", torch.matmul, values, seed), values)


def test_matmul__transposed(student: Student, rng: torch.Generator) -> None:
    """works for matrices that are not contiguous"""
    (a, b), seed = matrices(rng, 3, 4, 2)
    expect_operation(student, "matmul", torch.matmul, [a.t().contiguous().t(), b.t().contiguous().t()], seed)


def test_matmul__squared(student: Student, rng: torch.Generator) -> None:
    """gives both parts where a matrix is multiplied by itself"""
    values, seed = matrices(rng, 3, 3, 3)
    expect_operation(student, "matmul", lambda a: a @ a, values[:1], seed, [0, 0])


def test_matmul__further_derivative(student: Student, rng: torch.Generator) -> None:
    """gives gradients that can themselves be differentiated, with respect to g and to the other matrix"""
    values, seed = matrices(rng, 3, 2, 4)
    expect_further_operation(student, rng, "matmul", torch.matmul, values, seed)


# relu and tanh -------------------------------------------------------------------------------------------------------


NO_HIGHER = ("There is no way back over the tape to {}. Compute the slope of tanh from a, or from the result, with recorded "
             "operations: it is no constant.")  # fmt: skip


def again(module: Any, name: str, value: Tensor, seeds: list[Tensor]) -> list[Any]:
    """The derivatives of higher and higher order, each weighted with its seed."""
    module.reset_tape()
    a = module.Variable(value)
    found, told = getattr(module, name)(a), []
    for seed in seeds:
        slopes = walk(module, found, [a], module.Variable(seed))
        if isinstance(slopes, str):
            return slopes
        found = slopes[0]
        told.append(value_of(found))
        if found is None:
            break
    return told


def higher_slopes(f: Callable[[Tensor], Tensor], value: Tensor, seeds: list[Tensor]) -> list[Tensor]:
    leaf = leaf_of(value)
    found, slopes = f(leaf), []
    for seed in seeds:
        (found,) = torch.autograd.grad(found, leaf, seed.double(), create_graph=True)
        slopes.append(found.detach())
    return slopes


def away_from_zero(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Numbers on both sides of 0, none of them close to it: exactly half of the signs are negative, or one fewer."""
    size = 0.2 + torch.rand(shape, generator=rng, dtype=dtype)
    order = torch.randperm(size.numel(), generator=rng).reshape(shape)
    return size * (1 - 2 * (order % 2).to(dtype))


def test_nonlinear__values(student: Student, rng: torch.Generator) -> None:
    """computes relu and tanh, and multiplies the gradient that arrives by their slopes"""
    for shape in ((4, 3), (3,)):
        expect_operation(student, "relu", torch.relu, [away_from_zero(rng, *shape)], randn(rng, *shape))
        expect_operation(student, "tanh", torch.tanh, [randn(rng, *shape)], randn(rng, *shape))


def test_nonlinear__relu_at_zero(student: Student, rng: torch.Generator) -> None:
    """stops the gradient of relu where a is exactly 0"""
    a = away_from_zero(rng, 4, 2)
    a[1], a[2, 0] = 0.0, -0.0
    expect_operation(student, "relu", torch.relu, [a], randn(rng, 4, 2))


def test_nonlinear__any_shape(student: Student, rng: torch.Generator) -> None:
    """works for a single number, one element and more axes"""
    for shape in ((), (1,), (2, 1, 3)):
        expect_operation(student, "relu", torch.relu, [away_from_zero(rng, *shape)], randn(rng, *shape))
        expect_operation(student, "tanh", torch.tanh, [randn(rng, *shape)], randn(rng, *shape))


def test_nonlinear__float64(student: Student, rng: torch.Generator) -> None:
    """keeps float64 and its digits, and leaves a unchanged"""
    for name, f in (("relu", torch.relu), ("tanh", torch.tanh)):
        values = [away_from_zero(rng, 3, 2, dtype=torch.float64)]
        expect_values_kept(expect_operation(student, name, f, values, randn(rng, 3, 2, dtype=torch.float64)), values)


def test_nonlinear__far_out(student: Student, rng: torch.Generator) -> None:
    """stays right where |a| is large"""
    a = 100 * away_from_zero(rng, 6)
    for name, f in (("relu", torch.relu), ("tanh", torch.tanh)):
        expect_operation(student, name, f, [a], randn(rng, 6))


def test_nonlinear__second_and_third_derivative(student: Student, rng: torch.Generator) -> None:
    """has a tanh whose second derivative is -2t(1 - t²), where t is tanh(a), and whose third is right too"""
    expect_further_operation(student, rng, "tanh", torch.tanh, [randn(rng, 4)], randn(rng, 4))
    for dtype in (torch.float32, torch.float64):
        a, *seeds = (randn(rng, 3, 2, dtype=dtype) for _ in range(4))
        found = student.run(again, "tanh", a, seeds)
        expect(not isinstance(found, str), UNUSABLE)
        words = ("the first derivative of tanh", "the second derivative of tanh", "the third derivative of tanh")
        for got, right, name in zip([*found, None, None], higher_slopes(torch.tanh, a, seeds), words, strict=False):
            expect(got is not None, NO_HIGHER.format(name))
            expect_close(got, right, name, rtol=1e-3, atol=1e-4)


def test_nonlinear__relu_is_straight(student: Student, rng: torch.Generator) -> None:
    """has a relu whose slope can be differentiated with respect to g, and does not change with a"""
    expect_further_operation(student, rng, "relu", torch.relu, [away_from_zero(rng, 5)], randn(rng, 5))


# unbroadcast ---------------------------------------------------------------------------------------------------------

NO_DOUBT = "the sum"


def summed_back(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The gradient of a tensor of `shape` that was expanded to g's."""
    leaf = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(leaf.expand(g.shape), leaf, g)[0] if g.shape != leaf.shape else g


def to_shape(rng: torch.Generator, *sizes: Any, dtype: torch.dtype = torch.float32) -> tuple[Tensor, tuple[int, ...]]:
    """A gradient of the first sizes, up to None, for a tensor of the sizes after it."""
    at = sizes.index(None)
    return randn(rng, *sizes[:at], dtype=dtype), tuple(sizes[at + 1 :])


BACK = Reference("unbroadcast", summed_back, to_shape, NO_DOUBT, ("g", "shape"))
test_unbroadcast__values = BACK.values(
    (4, 3, None, 3), (4, 3, None, 4, 1), (2, 5, 3, None, 1, 3),
    says="sums over leading axes that shape does not have, and over axes of size 1 that have grown",
)  # fmt: skip
test_unbroadcast__ones_that_stay = BACK.sizes(
    (1, 3, None, 1, 3), (4, 1, 3, None, 1, 1), (1, 1, None, 1), (1, 4, None, 4),
    says="keeps axes of size 1 that have not grown, and drops leading ones",
)  # fmt: skip
test_unbroadcast__nothing_repeated = BACK.sizes((4, 3, None, 4, 3), (5, None, 5), says="gives g where nothing was repeated")
test_unbroadcast__no_axes = BACK.sizes((4, 3, None), (2, None), (None,), says="sums everything for the shape ()")
test_unbroadcast__both_at_once = BACK.sizes(
    (2, 3, 4, 5, None, 4, 1), (2, 3, 4, 5, None, 1, 1), (3, 3, 3, None, 1, 3), (3, 3, 3, None, 3, 1, 3), (6, 2, None, 1, 2),
    says="sums over several axes at once, and keeps the right ones among axes of one size",
)  # fmt: skip
test_unbroadcast__dtypes = BACK.dtypes((3, 4, None, 1, 4))
test_unbroadcast__layouts = BACK.layouts((3, 4, None, 3, 1))
test_unbroadcast__unchanged = BACK.unchanged((3, 4, None, 3, 1))


# grad ----------------------------------------------------------------------------------------------------------------

XY = ("the gradient of x", "the gradient of y")


def branched(module: Any, x: Any, y: Any) -> Any:
    """Σ x · sin(x · y) · Σ y: x is used twice, y in three places."""
    inner = times(module, x, sine(module, times(module, x, y)))
    return summed(module, times(module, inner, repeated(module, summed(module, y), x.value.shape)))


def branched_value(x: Tensor, y: Tensor) -> Tensor:
    return (x * (x * y).sin() * y.sum()).sum()


def graph(module: Any, form: str, x: Any, y: Any) -> Any:
    """What the checks of grad differentiate."""
    if form == "branched":
        return branched(module, x, y)
    if form == "cube":  # x three times, and twice in one entry
        return times(module, times(module, x, x), x)
    if form == "shared":  # one g for two inputs, one of which gets another part later
        later = times(module, x, x)
        return summed(module, plus(module, plus(module, x, y), later))
    if form == "vector":
        return times(module, sine(module, x), y)
    return summed(module, times(module, x, sine(module, x)))  # without y


def ask(module: Any, form: str, x: Tensor, y: Tensor, wanted: list[str], around: bool) -> Told:
    """grad of a graph, which may have entries around it; and what became of the tape."""
    module.reset_tape()
    tape = module.tape
    variables = {"x": module.Variable(x), "y": module.Variable(y)}
    calls = []

    def counted(g: Any) -> Any:
        calls.append(g)
        return [g]

    if around:
        module.record([variables["x"]], x + 1, counted)
    loss = graph(module, form, variables["x"], variables["y"])
    variables["loss"] = loss
    if around:
        module.record([loss], loss.value + 1, counted)
    before, values = list(tape), [variables[each].value.clone() for each in ("x", "y", "loss")]
    found = module.grad(loss, [variables[each] for each in wanted])
    return {
        "gradients": [value_of(each) for each in found] if isinstance(found, list | tuple) else type(found).__name__,
        "others": len(calls),
        "same_tape": module.tape is tape,
        "entries_kept": len(tape) >= len(before) and all(a is b for a, b in zip(tape, before)),  # noqa: B905  a beginning
        "values_kept": [bool((variables[k].value == v).all()) for k, v in zip(("x", "y", "loss"), values)],  # noqa: B905
    }


def graph_value(form: str, x: Tensor, y: Tensor) -> Tensor:
    """The same in PyTorch; a loss that is no scalar counts as its sum."""
    forms: dict[str, Callable[[], Tensor]] = {
        "branched": lambda: branched_value(x, y),
        "cube": lambda: (x**3).sum(),
        "shared": lambda: (x + y + x * x).sum(),
        "vector": lambda: (x.sin() * y).sum(),
        "alone": lambda: (x * x.sin()).sum(),
    }
    return forms[form]()


def graph_slopes(form: str, x: Tensor, y: Tensor) -> dict[str, Tensor | None]:
    leaves = [leaf_of(each) for each in (x, y)]
    found = torch.autograd.grad(graph_value(form, *leaves), leaves, allow_unused=True)
    return dict(zip("xy", found, strict=True))


def expect_graph(student: Student, form: str, x: Tensor, y: Tensor, wanted: list[str], *, around: bool = False) -> Told:
    """Fail unless grad gives what it should for x and y, None included."""
    told: Told = student.run(ask, form, x, y, wanted, around)
    got, slopes = told["gradients"], graph_slopes(form, x, y)
    expect(not isinstance(got, str), f"grad should give a list, but it gives a {got}.")
    expect_equal(len(got), len(wanted), "the number of gradients")
    for gradient, name in zip(got, wanted, strict=True):
        right = slopes[name]
        if right is None:
            expect(gradient is None, f"The gradient of {name} should be None: loss does not depend on it.")
            continue
        expect(gradient is not None, f"The gradient of {name} is None, but loss depends on it.")
        expect(not isinstance(gradient, str), f"The gradient of {name} should be a Variable, but it is a {gradient}.")
        expect_close(gradient, right, f"the gradient of {name}", dtype=x.dtype)
    return told


def pair(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    return randn(rng, *shape, dtype=dtype), randn(rng, *shape, dtype=dtype)


def test_grad__values(student: Student, rng: torch.Generator) -> None:
    """gives the gradients of a loss with respect to each Variable, in the order in which they are wanted"""
    expect_graph(student, "branched", *pair(rng, 4), ["y", "x"])
    expect_graph(student, "branched", *pair(rng, 2, 3), ["x", "y"])


def test_grad__adds_up_parts(student: Student, rng: torch.Generator) -> None:
    """adds up the parts of a Variable that is used several times, also in one entry"""
    expect_graph(student, "cube", *pair(rng, 3), ["x"])


def test_grad__leaves_parts_alone(student: Student, rng: torch.Generator) -> None:
    """adds without changing a gradient that another Variable has as well, nor any value"""
    told = expect_graph(student, "shared", *pair(rng, 4), ["x", "y"])
    expect_equal(told["values_kept"], [True, True, True], "whether the values of x, y and loss are as they were")


def test_grad__none_without_dependence(student: Student, rng: torch.Generator) -> None:
    """gives None for a Variable that loss does not depend on"""
    expect_graph(student, "alone", *pair(rng, 3), ["y", "x"])


def test_grad__not_a_scalar(student: Student, rng: torch.Generator) -> None:
    """begins with ones of loss's shape and dtype, so that a loss of several elements counts as its sum"""
    for dtype in (torch.float32, torch.float64):
        expect_graph(student, "vector", *pair(rng, 3, 2, dtype=dtype), ["x", "y"])
        expect_graph(student, "vector", *pair(rng, 1, dtype=dtype), ["x", "y"])


def ask_around(module: Any, x: Tensor, y: Tensor) -> Told:
    """grad of a leaf, of a loss that is wanted itself, twice, and of nothing; and for a Variable made after the loss."""
    module.reset_tape()
    a, b = module.Variable(x), module.Variable(y)
    loss = times(module, a, b)
    after = module.record([loss], loss.value * 2, lambda g: [g])
    return {
        "of the loss": [value_of(each) for each in module.grad(loss, [loss, a, loss, a])],
        "of a leaf": [value_of(each) for each in module.grad(a, [a, b])],
        "of nothing": len(module.grad(loss, [])),
        "of a later one": [value_of(each) for each in module.grad(loss, [after, module.Variable(x)])],
    }


def test_grad__edges(student: Student, rng: torch.Generator) -> None:
    """gives ones for loss itself, None for what is made after it, and takes leaves, repeats and an empty list"""
    for dtype in (torch.float32, torch.float64):
        x, y = pair(rng, 4, dtype=dtype)
        ones = torch.ones(4, dtype=dtype)
        found = student.run(ask_around, x, y)
        right = {"of the loss": [ones, y, ones, y], "of a leaf": [ones, None], "of a later one": [None, None]}
        for name, expected in right.items():
            expect_equal(len(found[name]), len(expected), f"the number of gradients {name}")
            for got, wanted in zip(found[name], expected, strict=True):
                if wanted is None:
                    expect(got is None, f"Among the gradients {name} there should be a None: nothing leads from the loss to it.")
                else:
                    expect(got is not None, f"Among the gradients {name} one is None. loss itself gets ones.")
                    expect_close(got, wanted, f"a gradient {name}", dtype=dtype)
    expect_equal(found["of nothing"], 0, "the number of gradients of an empty list")


@conduct
def test_grad__leaves_the_tape(student: Student, rng: torch.Generator) -> None:
    """leaves the entries of the tape as they are, and does not propagate what loss does not depend on"""
    told = expect_graph(student, "branched", *pair(rng, 3), ["x"], around=True)
    expect(told["same_tape"] and told["entries_kept"],
           "The entries that were on the tape before grad should stay, the same and in the same order.")  # fmt: skip
    expect_equal(told["others"], 0, "the number of calls of propagate beside and after loss")


def ask_counting(module: Any, x: Tensor, n: int) -> list[int]:
    """How often grad propagates each entry of a ladder whose rungs are used twice."""
    module.reset_tape()
    calls = [0] * n
    a = module.Variable(x)

    def rung(number: int, below: Any) -> Any:
        def propagate(g: Any) -> Any:
            calls[number] += 1
            return [g, g]

        return module.record([below, below], below.value * 2, propagate)

    for number in range(n):
        a = rung(number, a)
    module.grad(a, [])
    return calls


@conduct
def test_grad__each_entry_once(student: Student, rng: torch.Generator) -> None:
    """propagates each entry once, however many ways lead through it"""
    n = whole(rng, 8, 12)
    expect_equal(student.run(ask_counting, randn(rng, 2), n), [1] * n, "how often each entry was propagated")


def ask_twice(module: Any, form: str, x: Tensor, y: Tensor, weight: Tensor) -> list[Any]:
    """The gradient of Σ weight · (the gradient of x)."""
    module.reset_tape()
    a, b = module.Variable(x), module.Variable(y)
    (slope,) = module.grad(graph(module, form, a, b), [a])
    if not is_variable(slope):
        return [value_of(slope)]
    return [value_of(each) for each in module.grad(times(module, slope, module.Variable(weight)), [a, b])]


def test_grad__gradient_of_a_gradient(student: Student, rng: torch.Generator) -> None:
    """records its own additions, so that a gradient can be differentiated again"""
    for form, wanted in (("cube", 1), ("branched", 2)):
        x, y = pair(rng, 4)
        weight = randn(rng, 4)
        leaves = [leaf_of(each) for each in (x, y)]
        (slope,) = torch.autograd.grad(graph_value(form, *leaves), leaves[:1], create_graph=True)
        right = torch.autograd.grad(slope, leaves[:wanted], weight.double())
        found = student.run(ask_twice, form, x, y, weight)
        for got, expected, name in zip([*found, None], right, ("x", "y"), strict=False):
            expect(isinstance(got, Tensor), NOT_RECORDED.format("The gradient", name))
            expect_close(got, expected, f"the gradient of {name}, of a sum over the gradient of x")


def ask_deep(module: Any, x: Tensor, factor: Tensor, length: int) -> Any:
    """grad of a chain of that many entries."""
    module.reset_tape()
    a = first = module.Variable(x)
    for _ in range(length):
        a = scaled(module, a, factor)
    return value_of(module.grad(a, [first])[0])


def test_grad__long_tapes(student: Student, rng: torch.Generator) -> None:
    """works for a tape of 3,000 entries"""
    length, x = 3000 + whole(rng, 0, 9), randn(rng, 2)
    factor = 1 + 1e-3 * randn(rng, 2)
    right = factor.double() ** length
    expect_close(student.run(ask_deep, x, factor, length), right, "the gradient over a long tape", rtol=2e-3)


# hessian_vector ------------------------------------------------------------------------------------------------------


def hessian_of(module: Any, form: str, x: Tensor, v: Tensor, k: Tensor) -> Told:
    """H·v of a function that closes over Variables from before; how often it was called, and what became of the tape."""
    module.reset_tape()
    outside = module.Variable(k)
    factor = sine(module, outside)
    tape, before, calls = module.tape, list(module.tape), []

    def f(a: Any) -> Any:
        calls.append(a)
        if form == "coupled":  # Σ x · sin(x) · sin(k) · Σ x
            inner = times(module, times(module, a, sine(module, a)), factor)
            return times(module, summed(module, inner), summed(module, a))
        if form == "linear":
            return summed(module, times(module, a, factor))
        if form == "constant":
            return summed(module, factor)
        if form == "square":
            return times(module, a, a)
        return a  # the number itself

    return {
        "product": module.hessian_vector(f, x, v),
        "calls": len(calls),
        "tape_kept": module.tape is tape and len(tape) >= len(before) and all(a is b for a, b in zip(tape, before)),  # noqa: B905
        "x": x,
        "v": v,
    }


def hessian_product(x: Tensor, v: Tensor, k: Tensor) -> Tensor:
    leaf, outside = leaf_of(x), k.double()
    loss = (leaf * leaf.sin() * outside.sin()).sum() * leaf.sum()
    (slope,) = torch.autograd.grad(loss, leaf, create_graph=True)
    return torch.autograd.grad(slope, leaf, v.double())[0]


def expect_product(student: Student, rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Told:
    x, v, k = (randn(rng, *shape, dtype=dtype) for _ in range(3))
    told: Told = student.run(hessian_of, "coupled", x, v, k)
    fine = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-3, "atol": 1e-4}
    expect_close(told["product"], hessian_product(x, v, k), "the product H·v", dtype=dtype, **fine)
    return told


def test_hessian_vector__values(student: Student, rng: torch.Generator) -> None:
    """multiplies the matrix of second derivatives by v, for a function that couples all elements of x"""
    expect_product(student, rng, 4)
    expect_product(student, rng, 2)


def test_hessian_vector__float64(student: Student, rng: torch.Generator) -> None:
    """gives all digits in float64, which a difference of gradients does not"""
    expect_product(student, rng, 3, dtype=torch.float64)


def test_hessian_vector__any_shape(student: Student, rng: torch.Generator) -> None:
    """works for a matrix, one element and the shape ()"""
    for shape in ((2, 3), (1,), ()):
        expect_product(student, rng, *shape)
    x, v, k = (randn(rng) for _ in range(3))
    expect_close(student.run(hessian_of, "square", x, v, k)["product"], 2 * v, "the product H·v of the square of a number")


def test_hessian_vector__zeros(student: Student, rng: torch.Generator) -> None:
    """gives zeros where the function, or its gradient, does not depend on x"""
    for form in ("linear", "constant"):
        x, v, k = (randn(rng, 2, 3, dtype=torch.float64) for _ in range(3))
        found = student.run(hessian_of, form, x, v, k)["product"]
        expect(found is not None, "The product H·v is None, but it should be zeros of x's shape.")
        expect_close(found, torch.zeros_like(x), f"the product H·v of a {form} function", dtype=torch.float64)
    x, v, k = (randn(rng) for _ in range(3))
    expect_close(student.run(hessian_of, "itself", x, v, k)["product"], torch.zeros(()), "the product H·v of f(x) = x")


@conduct
def test_hessian_vector__calls_once(student: Student, rng: torch.Generator) -> None:
    """calls the function once, and leaves x and v unchanged"""
    x, v, k = (randn(rng, 3) for _ in range(3))
    told = student.run(hessian_of, "coupled", x, v, k)
    expect_equal(told["calls"], 1, "the number of calls of f")
    expect_unchanged(told["x"], x, "the input x")
    expect_unchanged(told["v"], v, "the input v")


@conduct
def test_hessian_vector__keeps_the_tape(student: Student, rng: torch.Generator) -> None:
    """leaves the entries that were on the tape where they are"""
    told = expect_product(student, rng, 3)
    expect(told["tape_kept"], "The entries that were on the tape before should stay: f may use Variables made before.")


# numeric_grad --------------------------------------------------------------------------------------------------------


def differences_of(module: Any, form: str, x: Tensor, eps: list[float]) -> Told:
    """numeric_grad of a function, and what the function and x saw of it."""
    kept, changed, got = x.detach().clone(), [], set()

    def f(t: Tensor) -> Any:
        changed.append(not torch.equal(x.detach(), kept))
        got.add((str(t.dtype), tuple(t.shape)))
        number = function(form, t)
        return number.item() if form == "number" else number

    return {
        "slopes": module.numeric_grad(f, x, *eps),
        "moved": any(changed),
        "calls": bool(changed),
        "got": [list(each) for each in sorted(got)],
        "x": x,
    }


def function(form: str, t: Tensor) -> Tensor:
    """A function whose second and third derivatives couple all elements."""
    return (2 * t).sin().sum() * t.exp().sum() if form != "kinked" else (t.abs() * t.cos()).sum()


def differences(form: str, x: Tensor, eps: float) -> Tensor:
    """What numeric_grad should give: (f(x + eps·e) - f(x - eps·e)) / (2·eps)."""
    point = x.detach().double()
    steps = eps * torch.eye(point.numel(), dtype=torch.float64)
    found = [
        (function(form, point + e.view(point.shape)) - function(form, point - e.view(point.shape))) / (2 * eps) for e in steps
    ]
    return torch.stack(found).view(point.shape)


def expect_differences(student: Student, x: Tensor, eps: Sequence[float] = (), form: str = "tensor") -> Told:
    told: Told = student.run(differences_of, form, x, list(eps))
    right = differences(form, x, *(eps or [1e-4]))
    expect_close(told["slopes"], right, "the numeric gradient", rtol=1e-6, atol=1e-7, dtype=torch.float64)
    return told


def test_numeric_grad__values(student: Student, rng: torch.Generator) -> None:
    """gives central differences, computed in float64 also for an x in float32"""
    expect_differences(student, randn(rng, 4))
    expect_differences(student, randn(rng, 2, dtype=torch.float64))


def test_numeric_grad__eps(student: Student, rng: torch.Generator) -> None:
    """moves each element by eps, whatever eps is"""
    for eps in (0.3, 0.01):
        expect_differences(student, randn(rng, 3), [eps + 0.01 * whole(rng, 0, 3)])


def test_numeric_grad__any_shape(student: Student, rng: torch.Generator) -> None:
    """works for a matrix, one element and the shape ()"""
    for shape in ((2, 3), (1, 1), (), (2, 1, 2)):
        expect_differences(student, randn(rng, *shape))


def test_numeric_grad__layouts(student: Student, rng: torch.Generator) -> None:
    """works for an x that is not contiguous"""
    expect_differences(student, randn(rng, 3, 2).t())
    expect_differences(student, randn(rng, 6, dtype=torch.float64)[::2])
    expect_differences(student, randn(rng, 1).expand(3))


def test_numeric_grad__kinds_of_numbers(student: Student, rng: torch.Generator) -> None:
    """takes a function that gives a Python number, and gives it a float64 tensor of x's shape"""
    told = expect_differences(student, randn(rng, 2, 2), form="number")
    expect_equal(told["got"], [["torch.float64", [2, 2]]], "what f is given: dtype and shape")


def test_numeric_grad__x_unchanged(student: Student, rng: torch.Generator) -> None:
    """leaves x as it is, also while the function runs"""
    for x in (randn(rng, 3), randn(rng, 2, 2, dtype=torch.float64), randn(rng, 2, 3, dtype=torch.float64).t()):
        told = student.run(differences_of, "tensor", x, [])
        expect(not told["moved"], "x itself is moved while f runs. Work on a copy.")
        expect_unchanged(told["x"], x, "the input x")


# fit_line ------------------------------------------------------------------------------------------------------------


class Watching(TorchFunctionMode):
    """Notes the length of the tape at every operation of PyTorch."""

    def __init__(self, tape: Any) -> None:
        super().__init__()
        self.tape, self.lengths = tape, []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.lengths.append(len(self.tape))
        return func(*args, **(kwargs or {}))


def fitted(module: Any, x: Tensor, y: Tensor, steps: int, lr: float) -> Told:
    """A fit that starts with an old entry on the tape; how long the tape was, and what was left of it."""
    module.reset_tape()
    module.record([module.Variable(x)], x, lambda g: [g])
    with Watching(module.tape) as watching:
        found = module.fit_line(x, y, steps, lr)
    longest = max(watching.lengths[1:], default=0)
    return {"line": found, "longest": longest, "left": len(module.tape), "x": x, "y": y}


def tape_of_a_line(module: Any, x: Tensor, y: Tensor) -> Told:
    """The tape of a line's mean squared error, by the learner's own operations, and of its gradients; nothing if they fail."""
    names = {"spread", "mul", "add", "total", "matmul", "transpose", "relu", "tanh"}
    try:
        module.reset_tape()
        w, b = module.Variable(x.new_ones(()), "w"), module.Variable(x.new_zeros(()), "b")
        inputs, wanted = module.Variable(x, "x"), module.Variable(-y, "-y")
        shape = tuple(x.shape)
        line = module.add(module.mul(module.spread(w, shape), inputs), module.spread(b, shape))
        error = module.add(line, wanted)
        loss = module.mul(module.total(module.mul(error, error)), module.Variable(x.new_tensor(1 / len(x)), "1/N"))
        forward = len(module.tape)
        slopes = module.grad(loss, [w, b])
        entries = []
        for entry in module.tape[:100]:
            name = entry.propagate.__qualname__.split(".")[0]
            entries.append([name if name in names else "record", list(entry.inputs), entry.output])
        leaves = ["w", "b", "x", "-y", "1/N"]
        return {"leaves": leaves, "entries": entries, "forward": forward,
                "gradients": {slopes[0].name: "dL/dw", slopes[1].name: "dL/db"}}  # fmt: skip
    except Exception:  # noqa: BLE001  an operation that fails loses its own task's points, not these
        return {}
    finally:
        module.reset_tape()


def drawable(told: Any) -> Told:
    """What was recorded, as text and numbers; nothing if it is something else."""
    if not isinstance(told, dict) or told.keys() != {"leaves", "entries", "forward", "gradients"}:
        return {}
    try:
        entries = [[str(operation), [str(name) for name in inputs], str(output)] for operation, inputs, output in told["entries"]]
        gradients = {str(name): str(said) for name, said in told["gradients"].items()}
        leaves, forward = [str(name) for name in told["leaves"]], int(told["forward"])
    except (TypeError, ValueError, AttributeError):
        return {}
    return {"leaves": leaves, "entries": entries, "forward": forward, "gradients": gradients}


def descended(x: Tensor, y: Tensor, steps: int, lr: float) -> tuple[float, float]:
    """Slope and offset by hand, in float64."""
    x, y, slope, offset = x.double(), y.double(), 0.0, 0.0
    for _ in range(steps):
        error = slope * x + offset - y
        slope, offset = slope - lr * float(2 * (error * x).mean()), offset - lr * float(2 * error.mean())
    return slope, offset


def points(rng: torch.Generator, n: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    x = randn(rng, n, dtype=dtype)
    return x, randn(rng, dtype=dtype) * x + randn(rng, dtype=dtype) + 0.3 * randn(rng, n, dtype=dtype)


def expect_line(student: Student, x: Tensor, y: Tensor, steps: int, lr: float) -> Told:
    told: Told = student.run(fitted, x, y, steps, lr)
    expect_close(told["line"], descended(x, y, steps, lr), ("the slope", "the offset"), rtol=1e-4, atol=1e-4)
    return told


def test_fit_line__values(student: Student, rng: torch.Generator, attach: Callable[[str, Any], None]) -> None:
    """gives the slope and the offset after that many steps of gradient descent from (0, 0)"""
    x, y = points(rng, 7)
    expect_line(student, x, y, 5, 0.1)
    expect_line(student, *points(rng, 2), 1, 0.2)
    if tape := drawable(student.run(tape_of_a_line, x, y)):
        attach("tape", tape)


def test_fit_line__other_steps(student: Student, rng: torch.Generator) -> None:
    """takes as many steps as it is told, none among them, with the lr that it is told"""
    x, y = points(rng, 5)
    for steps, lr in ((0, 0.1), (2, 0.15), (9, 0.05)):
        expect_line(student, x, y, steps, lr)


def test_fit_line__one_point(student: Student, rng: torch.Generator) -> None:
    """works for a single point"""
    expect_line(student, *points(rng, 1), 3, 0.1)


def test_fit_line__float64(student: Student, rng: torch.Generator) -> None:
    """works for float64, and leaves x and y unchanged"""
    x, y = points(rng, 6, torch.float64)
    told = expect_line(student, x, y, 4, 0.1)
    expect_unchanged(told["x"], x, "the input x")
    expect_unchanged(told["y"], y, "the input y")


@conduct
def test_fit_line__empty_tape(student: Student, rng: torch.Generator) -> None:
    """leaves the tape empty, also after no step at all"""
    for steps in (3, 0):
        told = student.run(fitted, *points(rng, 4), steps, 0.1)
        expect_equal(told["left"], 0, f"the number of entries on the tape after {steps} steps")


@conduct
def test_fit_line__short_tape(student: Student, rng: torch.Generator) -> None:
    """uses the tape, and never holds more on it than the entries of one step"""
    x, y = points(rng, 4)
    one, many = (student.run(fitted, x, y, steps, 0.1)["longest"] for steps in (1, 6))
    expect(min(one, many) > 1, "The tape stayed empty while the line was fitted: the gradients should come from grad.")
    expect(many <= one + 1, "The tape grows from step to step: call reset_tape() in each of them.")
