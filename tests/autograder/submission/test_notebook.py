"""Notebooks as submissions of `autograder grade`: cells in order, magics left out, a failing cell named by its number."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.submission.notebook import cells, module_of_notebook, place

TEST_CELL = {"nbgrader": {"grade": True, "solution": False, "locked": True, "grade_id": "test", "points": 1}}
MAGICS = """%matplotlib inline
import torch
from torch import Tensor, nn
!pip install \\
    a-package-that-does-not-exist
files = !ls
if torch.get_num_threads() > 99:
    %time torch.ones(3)
text = '''
%this stays
!and so does this
'''
assert text.splitlines()[1:] == ["%this stays", "!and so does this"]
seven = (17
         % 10)
nn.Module?
?nn.Module
display(seven)
"""
LOOKS_BY_HAND = "def slope(x):\n    x = x.clone().requires_grad_()\n    (x ** 2).sum().backward()\n    return x.grad\n"


def notebook(*sources):
    """A notebook's bytes; a source is a code cell's text, (cell type, text) or (cell type, text, metadata)."""
    found = [("code", source, {}) if isinstance(source, str) else (*source, {})[:3] for source in sources]
    document = [
        {"cell_type": kind, "source": text.splitlines(keepends=True), "metadata": marks, "outputs": []}
        for kind, text, marks in found
    ]
    return json.dumps({"cells": document, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


MARIMO = """# Copyright of somebody
import marimo

__generated_with = "0.23.6"
app = marimo.App(width="medium")

with app.setup:
    import torch


@app.cell(hide_code=True)
def _(mo):
    mo.md("a **title**")
    return


@app.cell
def _():
    @torch.no_grad()
    def row_means(t):
        \"\"\"Means.\"\"\"
        return t.mean(1)

    return (row_means,)


@app.function
def slope(x):
    return 2 * x


@app.class_definition
class Scale(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


@app.cell
async def _():
    return


if __name__ == "__main__":
    app.run()
"""


@pytest.fixture(scope="module")
def parts(kit):
    """The solution as cells: imports, row_means, slope, Scale."""
    text = kit.solution.partition('"""Reference."""')[2]
    return [part.strip() + "\n" for part in text.split("\n\n\n")]


@pytest.fixture(scope="module")
def graded(kit, tmp_path_factory, parts):
    imports, row_means, slope, scale = parts
    course = kit.course(tmp_path_factory.mktemp("notebooks") / "course")
    handed_in = {
        "good": notebook(("markdown", "# Homework\nraise SystemExit"), *parts),
        "magics": notebook(MAGICS, row_means, "%%time\n" + slope, "%%bash\nrm -r /", "", scale),
        "future": notebook("from __future__ import annotations\n" + imports, row_means, slope,
                           scale + "\n    def more(self) -> Undefined: ...\n"),
        "tests_left_in": notebook(*parts, ("code", "raise SystemExit", TEST_CELL)),
        "raises_in_demo": notebook(*parts, "row_means(3)", "import sys; sys.exit('enough')"),
        "top": notebook("import tensorflow_of_tomorrow as tf; tf.ones(2)\n" + imports, row_means, slope, scale),
        "syntax": notebook(imports, row_means, "def slope(x):\n    return 2 x\n", scale),
        "loops": notebook(imports, row_means, "while True:\n    pass\n", slope, "while True: pass", scale),
        "in_call": notebook(imports, "# averages\n\n" + row_means.replace("t.mean(1)", "t.meen(1)"), slope, scale),
        "forbidden": notebook("def f(:", imports, row_means, "# by hand\n" + LOOKS_BY_HAND, scale),
        "other_cell": notebook(imports, "def half(x):\n    return x / 0\n",
                               row_means.replace("t.mean(1)", "half(1)"), slope, scale),
        "spaces": notebook(*parts, " " * 300_000 + "x", "\t " * 100_000 + "= 3", "'" * 100_001, "\\\\" * 100_000),
        "written": notebook(imports, "%%writefile averages.py\ndef mean(t):\n    return t.mean(1)\n",
                            "from averages import mean\n" + row_means.replace("t.mean(1)", "mean(t)"), slope, scale),
        "awaits": notebook("import asyncio\nawait asyncio.sleep(0)\n" + imports, row_means, slope, scale),
        "colab": notebook("from google.colab import drive\ndrive.mount('/content/drive')\nget_ipython().system('ls')\n" + imports,
                          row_means, slope, scale),
        "empty_sources": notebook(*parts).replace(
            b'{"cells": [', b'{"cells": [{"cell_type": "code"}, {"cell_type": "code", "source": null}, '),
        "written_into_a_folder": notebook(imports, "%%writefile lib/averages.py\ndef mean(t):\n    return t.mean(1)\n",
                                          "from lib.averages import mean\n" + row_means.replace("t.mean(1)", "mean(t)"), slope,
                                          scale),
        "the_module_written": notebook("%%writefile mini.py\n" + "\n".join(parts), "from mini import row_means\n"),
        "run_in_another_order": notebook(row_means, scale, imports, slope),
        "byte_order_mark": b"\xef\xbb\xbf" + notebook(*parts),
        "format_3": json.dumps({"nbformat": 3, "worksheets": [{"cells": [
            {"cell_type": "code", "language": "python", "input": [part]} for part in parts]}]}).encode(),
        "format_5": notebook(*parts).replace(b'"nbformat": 4', b'"nbformat": 5').replace(b'"metadata": {}', b'"metadata": null'),
        "utf_16": notebook(*parts).decode().encode("utf-16"),
        "no_code": notebook(("markdown", "# Nothing yet")),
        "no_json": b"import torch\n",
        "no_cells": b'{"worksheets": []}',
    }  # fmt: skip
    converted = "#!/usr/bin/env python\n# coding: utf-8\n\n# # Homework\n\n" + "".join(
        f"# In[{number}]:\n\n\n{cell}\n\n"
        for number, cell in enumerate([
            imports, "import asyncio\nawait asyncio.sleep(0)\n",
            f"get_ipython().run_cell_magic('time', '', {row_means!r})\n",
            "get_ipython().run_cell_magic('writefile', 'doubles.py', 'def twice(x):\\n    return 2 * x\\n')\n",
            "from doubles import twice\n" + slope, scale, "get_ipython().run_line_magic('timeit', '1')\n",
        ], 1)
    )  # fmt: skip
    downloaded = "%matplotlib inline\n!pip install -q \\\n    torchinfo\n" + "\n".join(parts)
    return kit.grade(
        course,
        {
            **{name: {"mini.ipynb": body} for name, body in handed_in.items()},
            "marimo": {"mini.py": MARIMO},
            "converted": {"mini.py": converted},
            "downloaded": {"mini.py": downloaded},
        },
        "--workers",
        "1",
    )


def tasks(graded, name):
    return {task["id"]: task for task in graded[name]["tasks"]}


@pytest.mark.parametrize(
    "name",
    ["good", "magics", "future", "spaces", "tests_left_in", "raises_in_demo", "written", "awaits", "colab",
     "empty_sources", "written_into_a_folder", "the_module_written", "converted", "downloaded",
     "run_in_another_order", "byte_order_mark", "format_3", "format_5", "marimo"],
)  # fmt: skip
def test_a_correct_notebook_gets_full_marks(graded, name):
    assert (graded[name]["status"], graded[name]["score"]) == ("graded", 6.0)


def test_an_import_that_fails_at_the_top_is_named_with_what_it_brought_down(graded):
    assert graded["top"]["status"] == "graded"
    assert graded["top"]["score"] == 0
    message = tasks(graded, "top")["row_means"]["message"]
    assert "Cell 1 imports 'tensorflow_of_tomorrow', which is not installed here (line 1 of cell 1" in message
    assert "Cell 2 cannot be run: NameError: name 'Tensor' is not defined (line 1 of cell 2" in message


def test_a_cell_that_does_not_parse_costs_its_own_task_only(graded):
    assert graded["syntax"]["score"] == 4.0
    slope = tasks(graded, "syntax")["slope"]
    assert (slope["status"], slope["score"]) == ("missing", 0.0)
    assert "Cell 3 does not parse: invalid syntax, line 2: `return 2 x`." in slope["message"]


def test_a_cell_that_never_ends_leaves_the_others_their_turn(graded):
    assert (graded["loops"]["status"], graded["loops"]["score"]) == ("graded", 6.0)


def test_a_call_that_raises_is_placed_in_its_cell(graded):
    message = tasks(graded, "in_call")["row_means"]["message"]
    assert "(line 4 of cell 2: `return t.meen(1)`)" in message
    assert "(line 2 of cell 2: `return x / 0`)" in tasks(graded, "other_cell")["row_means"]["message"]


def test_a_forbidden_technique_is_placed_in_its_cell_though_another_cell_does_not_parse(graded):
    slope = tasks(graded, "forbidden")["slope"]
    assert slope["status"] == "forbidden"
    assert "of cell 4" in slope["message"]


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("no_json", "unreadable", "mini.ipynb is not a notebook that can be read: it is not JSON"),
        ("utf_16", "unreadable", "it is UTF-16: save it again as UTF-8"),
        ("no_cells", "unreadable", "mini.ipynb is not a notebook that can be read: it has no list of cells"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_reason(graded, name, status, reason):
    assert graded[name]["status"] == status
    assert reason in graded[name]["message"]


def test_a_notebook_without_code_has_nothing_to_grade(graded):
    assert {task["status"] for task in graded["no_code"]["tasks"]} == {"missing"}


def test_a_file_of_marimo_keeps_its_own_lines_in_a_self_check():
    found = cells(MARIMO)
    assert [cell.source.splitlines()[0] for cell in found] == [
        "import torch", 'mo.md("a **title**")', "@torch.no_grad()", "def slope(x):", "class Scale(torch.nn.Module):",
    ]  # fmt: skip
    lines = MARIMO.splitlines()
    assert all(lines[cell.first_line - 1].strip() == cell.source.splitlines()[0] for cell in found)
    assert place(MARIMO, lines.index("        return t.mean(1)") + 1, "mini.py") == ("cell 3", 4)


@given(st.lists(st.text(st.sampled_from("ab%!?=()'\"\\#\n\r\t ")), max_size=4))
def test_every_cell_keeps_its_number_and_its_lines(sources):
    module = module_of_notebook(notebook(*sources))
    texts = [text.replace("\r\n", "\n").replace("\r", "\n") for text in sources if text.strip()]
    found = cells(module)
    assert [cell.number for cell in found] == list(range(1, len(texts) + 1))
    assert [cell.source.count("\n") for cell in found] == [text.count("\n") + 1 for text in texts]
    for cell in found:
        assert module.split("\n")[cell.first_line - 1] == cell.source.split("\n")[0]
        assert place(module, cell.first_line, "mini.py") == (f"cell {cell.number}", 1)
