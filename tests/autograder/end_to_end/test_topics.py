"""The course's own topics, from outside: public checks on stub and solution, and other people's correct solutions."""

import json
import re
import shutil
import sys
from pathlib import Path

import patient
import pytest
import yaml

from autograder import course
from autograder.grading.verify import modules

ROOT = course.find_root(Path(__file__).parent)
TOPICS = course.load(ROOT).topics

# By topic. From the start that the seed gives, enough for half of the images to be labelled right, and for samples to be twice
# as good as asked; that the course's own budget is enough, `autograder verify` shows.
MOMENTS = {
    "04_cifar10": {"images": 4000, "test_images": 1000, "batch": 16, "epochs": 3, "lr": 0.02, "momentum": 0.9,
                   "minimum": {"photographs": 0.3, "embedded": 0.3}, "seconds": 60},
    "09_dcgan": {"images": 1200, "test_images": 500, "batch": 16, "epochs": 2, "lr": 0.002, "momentum": 0.5,
                 "minimum": {"photographs": 0.12, "embedded": 0.12}, "seconds": 60},
}  # fmt: skip


@pytest.fixture(params=TOPICS, ids=lambda topic: topic.name)
def topic(request):
    return request.param


def public_checks(folder):
    return patient.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder], cwd=folder)


def test_every_task_of_the_stub_is_reported_as_not_done(topic):
    done = public_checks(topic.exercise)
    assert done.returncode == 1, done.stdout
    assert [task.id for task in topic.tasks if f"{task.id}: not done yet" not in done.stdout] == []
    assert not re.search(r"\d passed", done.stdout)
    assert "Traceback" not in done.stdout


def test_the_solution_passes_the_public_checks(topic, tmp_path):
    shutil.copy(ROOT / "course.yaml", tmp_path)
    exercise = Path(shutil.copytree(topic.exercise, tmp_path / "exercises" / topic.name))
    shutil.copy(topic.solution, exercise)
    done = public_checks(exercise)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("topic", [t for t in TOPICS if (t.solution.parent / "alternatives").is_dir()], ids=lambda t: t.name)
def test_there_are_correct_solutions_in_other_styles(topic):  # `autograder verify` grades them
    assert len(list((topic.solution.parent / "alternatives").iterdir())) >= 6


@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic.training], ids=lambda topic: topic.name)
def test_correct_solutions_in_other_styles_train_to_full_marks(topic, run, tmp_path):  # of whom `verify` asks no accuracy
    for name in ("exercises", "solutions", "tests/hidden"):
        shutil.copytree(ROOT / name / topic.name, tmp_path / name / topic.name)
    settings = yaml.safe_load((ROOT / "course.yaml").read_text(encoding="utf-8"))
    settings["topics"] = {topic.name: settings["topics"][topic.name]}
    if topic.name in MOMENTS:  # the others are quick enough, or learn all or nothing
        budgets = {"moment": MOMENTS[topic.name]}
        settings["topics"][topic.name]["settings"] = {"data": "embedded", "budget": "moment", "budgets": budgets}
    (tmp_path / "course.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    handed_in, out = topic.solution.parent / "alternatives", tmp_path / "out"
    done = run("grade", handed_in, "--topic", topic.name, "--out", out, "--workers", "1", "--seed", "0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = [json.loads(path.read_text()) for path in (out / "results").glob("*.json")]
    assert len(results) >= 6
    asked = {each.name.removeprefix("alternative "): each.tasks for each in modules.alternatives(topic)}
    lost = [
        (r["submission"], task["id"], task["message"] or r["message"])
        for r in results
        for task in r["tasks"]
        if task["status"] != "passed" and task["id"] in (asked[r["submission"]] or {task["id"]})
    ]
    assert lost == []
