"""The course's own topics, from outside: public checks on stub and solution, and other people's correct solutions."""

import json
import re
import shutil
import sys
from pathlib import Path

import patient
import pytest

from autograder import course

ROOT = course.find_root(Path(__file__).parent)
TOPICS = course.load(ROOT).topics


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


@pytest.mark.parametrize(
    "topic", [t for t in TOPICS if (ROOT / "solutions" / t.name / "alternatives").is_dir()], ids=lambda topic: topic.name
)
def test_correct_solutions_in_other_styles_get_full_marks(topic, run, tmp_path):
    out = tmp_path / "out"
    done = run(
        "grade",
        ROOT / "solutions" / topic.name / "alternatives",
        "--topic",
        topic.name,
        "--out",
        out,
        "--workers",
        2,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(path.read_text()) for path in (out / "results").glob("*.json")]
    assert len(results) >= 6
    lost = {
        r["submission"]: r["message"] or [(t["id"], t["message"]) for t in r["tasks"] if t["status"] != "passed"]
        for r in results
        if r["score"] != r["max_score"]
    }
    assert lost == {}
