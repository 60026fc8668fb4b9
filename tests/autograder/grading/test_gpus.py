"""Grading on the machine's own GPUs, as far as a machine without one can tell: it is refused, or it fails closed."""

import json

import pytest
import torch

from autograder.course import load
from autograder.errors import KitError
from autograder.grading import gpus, grade
from autograder.grading.gpus import Gpus
from autograder.results import to_json
from autograder.submission.handed_in import Submission

ON_A_DEVICE = """
import pytest


def on_a_device(module, x):
    return module.slope(x.cuda())


@pytest.mark.devices(64)
def test_slope__on_a_device(student):
    'works on a device'
    expect_close(student.run(on_a_device, torch.ones(2)), torch.full((2,), 2.0))
"""


def test_a_gpu_needs_reduced_isolation(course, run):
    done = run("grade", course, "--topic", "01_mini", "--out", course.parent / "out", "--device", "cuda", cwd=course)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("give --isolation reduced too")
    assert not (course.parent / "out").exists()


def test_a_machine_without_gpus_is_told_so_in_one_line_and_nothing_is_written(course, run):
    options = ("--device", "cuda", "--isolation", "reduced")
    done = run("grade", course, "--topic", "01_mini", "--out", course.parent / "out", *options, cwd=course)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last == "autograder: --device cuda: torch finds no CUDA device on this machine: see `autograder doctor`"
    assert not (course.parent / "out").exists()


def test_devices_that_a_submission_cannot_use_are_refused_before_anything_is_graded():
    with pytest.raises(KitError, match="no submission could use the CUDA devices of this machine: "):
        gpus.find(torch.cuda.device_count() + 1)


def test_what_passes_with_simulated_devices_alone_is_no_pass(course):
    """More GPUs than there are stand for GPUs that fail: the second run of a check decides, and says where it was."""
    suite = course / "tests/hidden/01_mini/test_mini.py"
    suite.write_text(suite.read_text().replace("def test_slope__", f"{ON_A_DEVICE}\n\ndef test_slope__", 1))
    topic = load(course).topic("01_mini")
    plan = grade.Plan(topic, b"", "reduced", gpus=Gpus(64, "64 pretended GPUs"))
    reports = []
    submission = Submission("one", {topic.module: topic.solution.read_bytes()})
    grade.grade_here(plan, [submission], reports.append)
    tasks = {task.id: task for task in reports[0].tasks}
    assert (tasks["slope"].status, tasks["slope"].score) == ("error", 0.0)
    assert "On a real GPU: " in tasks["slope"].message
    assert tasks["row_means"].status == tasks["Scale"].status == "passed"
    assert json.loads(to_json(reports[0]))["gpu"] == "64 pretended GPUs"
