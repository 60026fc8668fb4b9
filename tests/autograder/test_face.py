"""The one face of suite authors: whole, documented with examples, and free of cost until it is used."""

import inspect
import subprocess
import sys

import pytest

import autograder

FUNCTIONS = [name for name in autograder.__all__ if inspect.isfunction(getattr(autograder, name))]


def test_importing_the_package_imports_neither_torch_nor_pytest():
    program = "import sys, autograder; dir(autograder); print([m for m in ('torch', 'pytest', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", autograder.__all__)
def test_each_name_is_there_and_described(name):
    assert getattr(autograder, name) is not None
    assert name in dir(autograder)
    if name != "CLASSES":
        assert inspect.getdoc(getattr(autograder, name))


@pytest.mark.parametrize("name", [*FUNCTIONS, "Student"])
def test_each_function_shows_an_example(name):
    assert f"{name}" in inspect.getsource(getattr(autograder, name)).partition('"""')[2].partition('"""')[0]
    assert "    " in inspect.getdoc(getattr(autograder, name)), "an example stands indented"


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'exspect'"):
        _ = autograder.exspect
