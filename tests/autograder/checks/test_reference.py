"""The checks that a Reference makes: each passes what is right and has a sentence for what is not."""

import pytest
import torch

from autograder.checks.check import title_of
from autograder.checks.compare import Mismatch
from autograder.checks.probes import probe_source
from autograder.checks.reference import Case, Reference, _call_twice, strided
from autograder.errors import KitError


class Answers:
    """A Student whose module is one function, called here."""

    def __init__(self, function):
        self.call = lambda name, *args: function(*args)
        self.observe = lambda name, *args: (function(*(copies := [a.clone() for a in args])), copies)
        self.run = lambda probe, name, *args: probe(type("Module", (), {name: staticmethod(function)}), name, *args)


def draw(rng, *shape, dtype=torch.float32):
    return torch.randn(shape, generator=rng, dtype=dtype), torch.randn(shape, generator=rng, dtype=dtype)


OF_PRODUCT = Reference("product", lambda a, b: a * b, draw, "the product", ("a", "b"))
CHECKS = {
    "values": OF_PRODUCT.values((3, 4), says="gives the product"),
    "sizes": OF_PRODUCT.sizes((1,), (1, 1)),
    "dtypes": OF_PRODUCT.dtypes((5,)),
    "layouts": OF_PRODUCT.layouts((4, 3)),
    "unchanged": OF_PRODUCT.unchanged((2, 3)),
    "twice": OF_PRODUCT.twice((3,)),
}


def run(name, function):
    CHECKS[name](Answers(function), torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", CHECKS)
def test_a_right_answer_passes_and_each_check_has_a_title(name):
    run(name, lambda a, b: a * b)
    assert title_of(CHECKS[name])


def keeps(a, b, kept={}):  # noqa: B006  the mistake itself
    return kept.setdefault("first", a * b)


def in_one_buffer(a, b, kept={}):  # noqa: B006  the same
    return torch.mul(a, b, out=kept.setdefault("out", torch.empty(a.shape)))


def as_memory_lies(a, b):
    return torch.as_strided(a, a.shape, torch.empty(a.shape).stride()) * b


WRONG = [
    ("values", lambda a, b: a + b, "The product has the right shape but wrong values"),
    ("sizes", lambda a, b: (a * b).squeeze(), "should have shape"),
    ("dtypes", lambda a, b: (a * b).double(), "The product for inputs of torch.float32 should have dtype torch.float32"),
    ("dtypes", lambda a, b: (a.float() * b.float()).to(a.dtype), "right to 7 digits only"),
    ("layouts", as_memory_lies, "The product where the input a is not contiguous has"),
    ("layouts", lambda a, b: a * b * (1 + a.requires_grad), "The product where the input a requires grad has"),
    ("unchanged", lambda a, b: a.mul_(b), "The input a was changed"),
    ("twice", keeps, "The product of a second call, whose inputs are others, has"),
    ("twice", in_one_buffer, "The product of the first of two calls, looked at after the second, has"),
]


@pytest.mark.parametrize(("name", "function", "words"), WRONG)
def test_a_wrong_answer_has_a_sentence(name, function, words):
    with pytest.raises(Mismatch, match=words):
        run(name, function)


def test_a_case_has_inputs_words_and_a_tolerance_of_its_own():
    case = Case(lambda rng: (1e-9 * torch.rand(3, generator=rng), torch.ones(3)), "beside small numbers", atol=0)
    check = OF_PRODUCT.values(case, says="gives the product")
    check(Answers(lambda a, b: a * b), torch.Generator())
    with pytest.raises(Mismatch, match="The product beside small numbers has"):
        check(Answers(lambda a, b: a * b * 1.1), torch.Generator())


def test_a_generator_of_equal_inputs_is_refused():
    same = Reference("product", lambda a, b: a * b, lambda rng, n: (torch.ones(n), torch.ones(n)), "it", ("a", "b"))
    for make in (lambda: same.values((2,), says="gives the product"), lambda: same.twice((2,))):
        with pytest.raises(KitError, match="product: the generator of its inputs gives the same ones twice"):
            make()


def test_inputs_without_an_element_are_the_same_each_time_and_one_of_the_edges():
    check = OF_PRODUCT.sizes((0,), (2, 0), Case(lambda _: (torch.zeros(0, 3), torch.zeros(0, 3)), "of no row"))
    check(Answers(lambda a, b: a * b), torch.Generator())
    with pytest.raises(Mismatch):
        check(Answers(lambda a, b: (a * b).sum()), torch.Generator())


def test_a_generator_that_gives_no_tuple_is_named():
    bare = Reference("double", lambda a: 2 * a, lambda rng, n: torch.randn(n, generator=rng), "it", ("a",))
    with pytest.raises(KitError, match="double: the generator of its inputs gives no tuple of arguments"):
        bare.values((2,), says="doubles")


def test_a_generator_that_draws_past_rng_is_refused():
    for value in (lambda: torch.randn(3), lambda: [torch.randn(3), "a"], lambda: {"x": (torch.rand(1).item(),)}):
        past = Reference(
            "first", lambda a, b: b, lambda rng, n, value=value: (torch.randn(n, generator=rng), value()), "it", "ab"
        )
        with pytest.raises(KitError, match="first: the generator of its inputs gives others for the same seed"):
            past.values((2,), says="gives the first")


def test_inputs_that_hold_nan_lists_and_objects_of_other_kinds_are_compared_as_far_as_can_be():
    def mixed(rng, n):
        return torch.full((n,), torch.nan), [torch.randn(n, generator=rng), float("inf"), float("nan")], torch.nn.Linear(2, 2)

    Reference("first", lambda *args: args[0], mixed, "it", "abc").values((2,), says="gives the first")


def test_more_arguments_than_names_are_told():
    bare = Reference("product", lambda a, b: a * b, draw, "it", ("a",))
    with pytest.raises(KitError, match="product: the generator gives 2 inputs, and its Reference names 1"):
        bare.values((2,), says="doubles")


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (1, 4), (2, 1, 3)])
def test_strided_keeps_the_values_and_scatters_them(shape):
    tensor = torch.randn(shape)
    assert torch.equal(strided(tensor), tensor)
    assert tensor.numel() == 1 or not strided(tensor).is_contiguous()


def test_the_probe_can_travel():
    assert "getattr(module, name)" in probe_source(_call_twice)
