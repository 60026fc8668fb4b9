"""Which definitions a task comes to: seen by running its checks with the solution, also in its threads and its forks."""

import os
import threading
from pathlib import Path

import pytest

from autograder import course as courses
from autograder.course.mutants import Mutant
from autograder.grading.grade import Plan
from autograder.grading.verify import entered, modules

MINI = Path(__file__).parents[1] / "mini_course"
REFERENCE = """\
from dataclasses import dataclass

STEP = len([one for one in range(3)])


def helped(x):
    return x + STEP


def one(x):
    return sum(map(lambda y: helped(y), [x]))


class Two:
    size = 2

    def step(self, x):
        return helped(x)


@dataclass
class Pair:
    left: int
"""
CALLS = {
    "helped": (lambda module: module["helped"](1), {"helped"}),
    "one": (lambda module: module["one"](1), {"one", "helped"}),
    "Two": (lambda module: module["Two"]().step(1), {"Two", "helped"}),
    "nothing": (lambda module: module["Two"].size, set()),
}


def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_fork(work):
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("place", [lambda work: work(), in_thread, in_fork], ids=["here", "thread", "fork"])
@pytest.mark.parametrize("name", CALLS)
def test_what_runs_in_the_block_is_noted_and_what_is_only_defined_is_not(tmp_path, name, place):
    call, expected = CALLS[name]
    path = tmp_path / "module.py"
    module = {}
    with entered.noted(path, tmp_path / "notes") as names:
        exec(compile(REFERENCE, path, "exec"), module)
        place(lambda: call(module))
    assert names == expected


def test_a_task_has_what_its_checks_run_and_every_class_without_a_function():
    topic = courses.load(MINI).topic("01_mini")
    reference = topic.solution.read_text().replace("return 2 * x", "return 2 * x * row_means(torch.ones(1, 2))")
    found = entered.by_task(Plan(topic, b"", "full"), f"{reference}\n\nclass Kind:\n    pass\n")
    of_all = {"Kind"}
    assert found == {"row_means": {"row_means"} | of_all, "slope": {"slope", "row_means"} | of_all, "Scale": {"Scale"} | of_all}


def test_a_mutant_is_asked_for_what_comes_to_its_definition_but_not_for_what_rests_on_its_task():
    edits = {
        Mutant("one", "p", "x + STEP", "x", within="helped"): "helped",
        Mutant("one", "p", "helped(y)", "y"): "one",
        Mutant("Two", "p", "helped(x)", "x", within="step"): "Two",
    }
    assert [modules.outermost(mutant, REFERENCE) for mutant in edits] == list(edits.values())
    topic = courses.load(MINI).topic("01_mini")
    plan, reference = Plan(topic, b"", "full"), topic.solution.read_text()
    come_to = {"row_means": frozenset({"row_means"}), "slope": frozenset({"slope", "row_means"}), "Scale": frozenset({"Scale"})}
    (mutant,) = [Mutant("row_means", "p", "t.mean(1)", "t.mean(0)")]
    (job,), unfit = modules.mutant_jobs(plan, plan, reference, [mutant], come_to, thorough=False)
    assert ([one.tasks for one in job.submissions], unfit) == ([{"row_means", "slope"}], [])
    (job,), _ = modules.mutant_jobs(plan, plan, reference, [mutant], come_to, thorough=True)
    assert [one.tasks for one in job.submissions] == [set()]
