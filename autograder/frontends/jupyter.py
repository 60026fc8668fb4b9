"""The public checks of a task inside a notebook, for the code of the notebook itself, as a table.

    from autograder.frontends.jupyter import check

    check("train_step", globals())

The checks are in `public_checks.py` beside the notebook, which `autograder nbgrader init` writes.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import types
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder import course, language, secret
from autograder.checks import reading
from autograder.checks.check import Check, prepare
from autograder.checks.check import run as run_check
from autograder.errors import KitError
from autograder.feedback.self_check import Table
from autograder.images.torchvision_shim import import_torchvision
from autograder.learner import settings
from autograder.learner.in_process import InProcess, simulated
from autograder.learner.loading import LoadedModule
from autograder.results import CheckResult, Status
from autograder.submission.notebook import CHECKS_FILE
from autograder.text import meant

if TYPE_CHECKING:
    from autograder.images.training import Training

REPLY_BYTES = 1 << 30  # nothing crosses to another process here


class _ShownAsText(Exception):
    """An exception that IPython, and `nbgrader validate`, show as its text, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


class ChecksNotPassedError(_ShownAsText):
    """Some check does not pass."""


class CannotCheckError(_ShownAsText):
    """There is nothing to check with; the text says what to do."""


def check(task: str, namespace: Mapping[str, Any]) -> None:
    """Run the public checks of `task` with the functions and classes in `namespace`, and show the results.

    Raises:
        CannotCheckError: the checks are not beside the notebook, or have no such task.
        ChecksNotPassedError: some check does not pass, and nbgrader runs the notebook to validate it. It is also raised where
            nbgrader would take this self-check, which the notebook's own code could forge, for a grade.
    """
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        raise ChecksNotPassedError("No grade: nbgrader_config.py does not put autograder in the place of nbgrader's Execute.")
    try:
        language.use(root=course.find_root(Path.cwd()))
    except KitError:  # nbgrader's course is none of the kit's
        language.use(beside=Path.cwd())
    suite = _suite(Path.cwd() / CHECKS_FILE)
    if any("torchvision" in cell for cell in namespace.get("In", ())):
        import_torchvision()  # heals a wheel that a plain import would fail on
    table = run(suite, task, namespace)
    _show(table)
    if not table.done and os.environ.get("NBGRADER_EXECUTION"):
        raise ChecksNotPassedError(str(table))


def _suite(path: Path) -> types.ModuleType:
    """The checks beside the notebook, read anew each time."""
    if not path.is_file():
        advice = "keep the notebook in the folder of its assignment, and start it there"
        raise CannotCheckError(f"There is no {path.name} in {path.parent}: {advice}. `pytest exercises/TOPIC` checks a module.")
    return reading.read(path)


def run(suite: types.ModuleType, task: str, namespace: Mapping[str, Any]) -> Table:
    """Results of the suite's checks of `task`; once the code turns out to be missing, the rest is left out."""
    if task not in suite.TASKS:
        raise CannotCheckError(f"There is no task {task!r}; {meant(task, suite.TASKS) or 'there are ' + ', '.join(suite.TASKS)}")
    known: dict[str, Any] = suite.TASKS[task]
    results: list[CheckResult] = []
    for each in reading.checks(suite, suite.TOPIC, task, known["forbid"]):
        if not (results and results[-1].status is Status.MISSING):
            results.append(_run_one(each, namespace, known["seconds"], known.get("training")))
    return Table(task, tuple(results), known["hint"])


def _run_one(check: Check, namespace: Mapping[str, Any], seconds: float, budget: Mapping[str, Any] | None) -> CheckResult:
    """Run one check with the notebook's own functions and classes; `budget` is that of a task that trains."""
    # nbgrader takes anything on stderr for a failure; what the notebook has set for itself is not how it is checked
    with settings.standard(), simulated(check.devices), contextlib.redirect_stderr(sys.stdout):
        module = types.ModuleType("notebook")
        module.__dict__.update(namespace)
        loaded = LoadedModule(module, None, _folder(namespace))
        respondent = InProcess(loaded, REPLY_BYTES, seconds, (KeyboardInterrupt,))
        given = prepare(check, respondent, secret.of_seed(0), _training(budget) if budget else None)
        result = run_check(check, given)
    return replace(result, message=_in_cells(result.message))


def _training(budget: Mapping[str, Any]) -> Training:
    from autograder.images.training import choose  # noqa: PLC0415  with the images, which most topics do not need

    return choose("auto", budget)


def _shell() -> Any:
    """The IPython that runs the notebook, or None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _folder(namespace: Mapping[str, Any]) -> Path:
    """Where tracebacks place the notebook's code."""
    shell = _shell()
    return Path(shell.compile.get_code_name("", "", 0) if shell else namespace.get("__file__", "?")).parent


def _in_cells(text: str) -> str:
    """The text with "cell In[3]" for the file that IPython invents for that cell."""
    compiler = getattr(_shell(), "compile", None)
    if compiler is None:
        return text
    folder = Path(compiler.get_code_name("", "", 0)).parent

    def named(match: re.Match[str]) -> str:
        label = compiler.format_code_name(str(folder / match[1]))
        return f"of cell {label[1]}" if label else match[0]

    return re.sub(r"\bof (\S+\.py\b|<\S+>)", named, text)


def _show(table: Table) -> None:
    shell = _shell()
    if shell is None:
        print(table)  # noqa: T201  this is the output
    else:
        shell.display_pub.publish({"text/plain": str(table), "text/html": table._repr_html_()})
