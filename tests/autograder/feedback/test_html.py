"""The renderer: it escapes, it stops at a name that is not there, and it costs nothing before it is used."""

import re
import subprocess
import sys

import jinja2
import pytest

from autograder.feedback import html
from autograder.results import Status


def test_text_is_escaped_and_lines_keep_their_order():
    text = html.render("task.html", drawn=None, headline="a < b", lines=["1 & 2", "<script>"], status=Status.PARTIAL)
    assert "<b>a &lt; b</b><p>1 &amp; 2</p><p>&lt;script&gt;</p>" in text


def test_a_name_that_a_template_is_not_given_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="headline"):
        html.render("task.html", drawn=None, lines=[], status=Status.PASSED)


def test_colours_stand_in_the_palette_and_nowhere_else():
    kit, found = html.TEMPLATES.parents[1], set()
    for path in [*(kit / "feedback").rglob("*.*"), *(kit / "frontends").rglob("*.py")]:
        if path.suffix in (".py", ".html") and path.name != "palette.py":
            found |= {(path.name, colour) for colour in re.findall(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8"))}
    assert found == {("parts.html", "#ffffff")}


def test_a_notebook_s_kernel_starts_without_jinja2():
    code = "import sys, autograder.frontends.jupyter; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
