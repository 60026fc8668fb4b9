"""An attack that names what the kit no longer has tries nothing and passes for ever: here its names are looked up.

What an attack names is read from its source: imports, attributes of what it imported, `sys.modules["…"]`, and every string that
looks like a name of the kit. So it writes its names out, and imports without a `try`.
"""

import ast
import pkgutil
import re
from pathlib import Path

import pytest

import autograder
from autograder.sandbox import server_main

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
IN_TEXT = re.compile(r"\bautograder(?:\.\w*)+")
BY_NAME = ("getattr", "setattr", "delattr", "hasattr")


def rotten(source):
    """What in an attack's source does not stand for something of the kit, or cannot be looked up."""
    tree = ast.parse(source)
    known = dict(binding for node in ast.walk(tree) for binding in bindings(node))
    names = set(known.values())
    complaints = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript):
            names.add(dotted(node, known))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names |= {"autograder."} if node.value == "autograder" else set(IN_TEXT.findall(node.value))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in BY_NAME and dotted(node.args[0], known):
            name = node.args[1]
            names.add(f"{dotted(node.args[0], known)}.{name.value if isinstance(name, ast.Constant) else ''}")
        elif isinstance(node, ast.Try):
            within = [part for part in ast.walk(node) if part is not node]
            complaints += [f"{path}: imported in a try" for part in within for _, path in bindings(part)]
    return sorted({*complaints, *(f"{name}: {why}" for name in names - {""} if (why := missing(name)))})


def bindings(node):
    """The names that an import of the kit binds, each with what it stands for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] == "autograder":
                yield (alias.asname, alias.name) if alias.asname else ("autograder", "autograder")
                yield f"import {alias.name}", alias.name
    elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "autograder":
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def dotted(node, known):
    """The path of what the expression stands for, or "" if it is nothing of the kit."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, known)
        return f"{owner}.{node.attr}" if owner else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and ast.unparse(node.value) == "sys.modules":
        return node.slice.value if str(node.slice.value).split(".")[0] == "autograder" else ""
    return ""


def missing(name):
    """Why nothing of the kit has that name, or ""."""
    if name.endswith((".", ".*")):
        return "a name put together when it runs cannot be looked up"
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_what_an_attack_names_is_there(path):
    assert rotten(path.read_text(encoding="utf-8")) == []


def test_attacks_write_to_the_descriptor_that_a_child_has():
    assert server_main.STREAM == 3


@pytest.mark.parametrize(
    "source",
    [
        "from autograder.wire import values\nvalues.encode = values._Packer.store = None",
        "import autograder.learner.calls as c\nc.serve.__code__",
        "import autograder.learner.calls\nautograder.learner.calls.serve",
        "import sys\nsys.modules['autograder.checks.compare'].expect = None",
        "from autograder.wire import values\nsetattr(values, 'encode', None)",
        "for path in ('autograder.results.summarise',): pass",
        "open('/tmp/autograder-attack').gone\nimport json\njson.gone",
    ],
)
def test_names_that_are_there_are_found(source):
    assert rotten(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import autograder.answer",
        "from autograder import answer",
        "from autograder.wire import encode",
        "from autograder.wire import *",
        "def f():\n    from autograder.wire import gone",
        "from autograder.wire import values\nvalues.gone",
        "from autograder.wire import values\ndef f():\n    values.gone = None",
        "from autograder.wire import values as v\nv._Packer.gone(1)",
        "import autograder.learner.calls\nautograder.learner.calls.gone",
        "import sys\nsys.modules['autograder.compare'] = None",
        "import sys\nsys.modules['autograder.results'].gone",
        "from autograder.wire import values\nsetattr(values, 'gone', None)",
        "from autograder.wire import values\nfor name in ('encode',): setattr(values, name, None)",
        "'autograder.checks.gone'",
        "f'autograder.{name}'",
        "'autograder' + '.results'",
        "try:\n    from autograder.wire import values\nexcept ImportError:\n    pass",
    ],
)
def test_rot_is_found(source):
    assert len(rotten(source)) >= 1


def test_the_kit_s_files_that_a_submission_shadows_are_there():
    source = (Path(__file__).parent / "test_attacks.py").read_text(encoding="utf-8")
    shadowed = [part.value for part in ast.walk(ast.parse(source)) if isinstance(part, ast.Constant)
                and str(part.value).startswith("autograder/")]  # fmt: skip
    assert shadowed
    assert [name for name in shadowed if not (Path(autograder.__file__).parents[1] / name).is_file()] == []
