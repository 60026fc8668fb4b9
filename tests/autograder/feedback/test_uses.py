"""Which tasks a learner's function calls."""

import ast

from autograder.feedback.uses import defined, untouched, uses, written

MODULE = b"""
def first(x): return x
def helper(x): return first(x)
def second(x): return helper(x)
def third(first): return first(2)
def fourth(x):
    second = x
    return [second(x), first]
class Fifth:
    def forward(self, x): return second(x)
"""


def test_a_call_counts_also_through_a_helper_and_a_mere_name_does_not():
    assert uses(MODULE, ["first", "second", "third", "fourth", "Fifth", "sixth"]) == {
        "first": (), "second": ("first",), "third": (), "fourth": (), "Fifth": ("second",)
    }  # fmt: skip


def test_what_does_not_parse_uses_nothing():
    assert uses(b"def first(:", ["first"]) == {}
    assert defined(b"def first(:") is None


def test_what_is_defined_is_not_known_where_everything_of_another_module_is_imported():
    assert defined(MODULE) == {"first", "helper", "second", "third", "fourth", "Fifth"}
    assert defined(b"from other import *") is None


STUBS = b"""
def stub(x):
    '''Do it.'''
    raise NotImplementedError
def said(x): raise NotImplementedError("not yet")
class Net:
    def __init__(self):
        raise NotImplementedError
    def forward(self, x):
        raise NotImplementedError
class Begun:
    def __init__(self): self.x = 1
    def forward(self, x): raise NotImplementedError
def begun(x):
    y = x
    raise NotImplementedError
def twice(x): raise NotImplementedError
def twice(x): return x
def refuses(x): raise ValueError
"""


def test_what_only_raises_notimplementederror_is_untouched():
    assert untouched(STUBS) == {"stub", "said", "Net"}


def test_what_does_more_is_written():
    assert written(ast.parse(STUBS)) == {"Begun", "begun", "twice", "refuses"}
