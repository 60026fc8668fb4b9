"""Which of the solution's definitions each task comes to: its checks are answered by the solution, and what runs is noted.

A mutant differs from the solution in one definition. A task whose checks run no line of that definition gets from the mutant,
byte for byte, what it gets from the solution: it need not be asked. So no table of analysed calls has to be believed.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from autograder.checks.check import Check
from autograder.course import Topic
from autograder.errors import KitError
from autograder.grading import suite
from autograder.grading.grade import Plan
from autograder.grading.mutant_diagnosis import CourseModules
from autograder.sandbox import scratch


def by_task(plan: Plan, reference: str) -> Mapping[str, frozenset[str]]:
    """Run every hidden check of the plan's topic with the solution, in this process and under the plan's training.

    Args:
        plan: whose topic it is.
        reference: the solution's text.

    Returns:
        task → the names of the functions and classes of the module of which a line was run for it

    Raises:
        KitError: the hidden suite cannot be collected, or has no check, and so no main one, of a task.
    """
    found = dict.fromkeys((task.id for task in plan.topic.tasks), _never_entered(reference))

    def note(checks: Sequence[Check]) -> None:
        _require(plan.topic, checks)
        with scratch.locked_folder() as folder:
            module = folder / plan.topic.module
            module.write_text(reference, encoding="utf-8")
            solution = CourseModules(plan.topic, plan.key, plan.training, None)
            for check in checks:
                with noted(module, folder / "entered") as names:
                    solution.run(check, module)
                found[check.task] |= names

    suite.with_checks(plan.topic, note)
    return found


def _require(topic: Topic, checks: Sequence[Check]) -> None:
    checked = {check.task for check in checks}
    if lacking := [task.id for task in topic.tasks if task.id not in checked]:
        names = ", ".join(f"test_{task}__…" for task in lacking)
        raise KitError(f"{topic.hidden_suite}: no check, and so no main one, of {', '.join(lacking)}: it needs {names}")


def _never_entered(reference: str) -> frozenset[str]:
    """The classes without a function, which may be used all the same."""
    classes = [part for part in ast.parse(reference).body if isinstance(part, ast.ClassDef)]
    return frozenset(one.name for one in classes if not any(isinstance(part, ast.FunctionDef) for part in ast.walk(one)))


@contextlib.contextmanager
def noted(module: Path, notes: Path) -> Iterator[set[str]]:
    """The outermost definitions of the module that are entered in the block, by forks of this process too; filled at its end."""
    names, file, seen, before = set[str](), str(module), set[str](), sys.gettrace()
    with notes.open("wb", buffering=0) as stream:

        def entered(frame: FrameType, _event: str, _: object) -> None:
            code = frame.f_code
            if code.co_filename == file and code.co_flags & inspect.CO_NEWLOCALS:  # not the module, or a class as it is made
                name = code.co_qualname.partition(".")[0]
                if name.isidentifier() and name not in seen:  # not `<lambda>`, which is nobody's
                    seen.add(name)
                    os.write(stream.fileno(), f"{name}\n".encode())

        threading.settrace(entered)
        sys.settrace(entered)
        try:
            yield names
        finally:
            sys.settrace(before)
            threading.settrace(before)
    names.update(notes.read_text(encoding="utf-8").split())
