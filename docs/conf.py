"""How Sphinx builds these pages: `sphinx-build -W --keep-going -n docs out/docs`, without a network.

A line `<!-- made: NAME -->` in a page is filled from the code by the function of that name in `made`. A block of text right
below it is for whoever reads the page unbuilt: the build ends where that is not what the function makes.
"""

import importlib.metadata
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["AUTOGRADER_LANG"] = "en"  # whoever builds them, the pages are in English

import made  # noqa: E402  which lies here

project = "blitz-autograder"
author = "the blitz-autograder authors"
copyright = f"2026, {author}"  # noqa: A001  Sphinx's name for it
version = release = importlib.metadata.version(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_templates"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
default_role = "code"
nitpicky = True
# What other projects document: their pages are not asked while these are built.
nitpick_ignore_regex = [("py:.*", r"(torch|numpy|np|pytest|collections|typing|pathlib|dataclasses|enum)(\..*)?|Path|optional"),
                        ("py:.*", r"(tuple|dict|list)\[.*|_pytest\..*|StudentFault|ProbeError"),
                        ("py:.*", r"autograder\.(wire|checks|learner|images|course|results|text)\..*")]  # fmt: skip
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 60

html_theme = "pydata_sphinx_theme"
html_title = project
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "**": ["pages.html"]}
html_theme_options = {
    "navbar_center": [],
    "secondary_sidebar_items": ["page-toc"],
    "navigation_with_keys": False,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}

MADE = re.compile(r"^<!-- made: (\w+) -->$(?:\n\n(```text\n.*?^```$))?", re.MULTILINE | re.DOTALL)


def fill(_app, _name, source):
    """Put into a page what is made from the code."""
    source[0] = made.with_root_links_here(MADE.sub(_made, source[0]))


def _made(found):
    text = getattr(made, found[1])()
    if found[2] not in (None, text):
        raise ValueError(f"below 'made: {found[1]}' in the page stands something else than this:\n{text}")
    return text


def examples_are_code(_app, _what, _name, _thing, _options, lines):
    """Docstrings show code as an indented paragraph; reStructuredText wants that announced."""
    lines[:] = made.with_code_announced(lines)


def setup(app):
    """Connect the two."""
    app.connect("source-read", fill)
    app.connect("autodoc-process-docstring", examples_are_code, priority=400)  # before napoleon
