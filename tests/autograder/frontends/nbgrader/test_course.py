"""Every topic and six students from init to generate_feedback and export: every score as by `autograder grade`."""

import copy
import csv
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from autograder.course import load

REPOSITORY = Path(__file__).parents[4]
NONE = {"photographs": 0.0, "embedded": 0.0}
TINY = {
    "04_cifar10": {"images": 640, "test_images": 200, "batch": 32, "epochs": 1, "lr": 0.01, "momentum": 0.9, "minimum": NONE,
                   "seconds": 60},
    "08_dqn": {"episodes": 3, "minimum": 1, "seconds": 60},
    "09_dcgan": {"images": 400, "test_images": 200, "batch": 16, "epochs": 1, "lr": 0.002, "momentum": 0.5, "minimum": NONE,
                 "seconds": 60},
}  # fmt: skip
WITHOUT_IMPORTS = {"11_imagenet": 3}  # points: decayed_lr and warmup_cosine calculate with numbers alone


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course itself, with less patience for the tasks of each topic's first cell and a training that takes a moment."""
    root = tmp_path_factory.mktemp("whole") / "course"
    for name in ("exercises", "solutions", "tests/hidden"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = yaml.safe_load((REPOSITORY / "course.yaml").read_text())
    for topic in settings["topics"].values():
        for task in list(topic["tasks"].values())[:2]:
            task["check_seconds"] = 2
    for name, budget in TINY.items():  # copies: course.yaml has no aliases
        settings["topics"][name]["settings"] |= {"data": "embedded", "budgets": {"quick": copy.deepcopy(budget)}}
    (root / "course.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return root


def class_of_six(school, source, release):
    """What six students make of one notebook."""
    solutions = [c["id"] for c in source["cells"] if c["metadata"].get("nbgrader", {}).get("solution")]
    start = "".join(school.cell(source, solutions[0])["source"])
    loop = re.sub(r"( +)### BEGIN SOLUTION.*?### END SOLUTION", r"\1while True:\n\1    pass", start, count=1, flags=re.DOTALL)
    top = copy.deepcopy(source)
    imports = next(c for c in top["cells"] if c["id"] == "given-1")
    imports["source"] = "raise RuntimeError('no data here')\n" + "".join(imports["source"])
    warns = copy.deepcopy(source)
    warns["cells"].insert(0, school.code("import sys, warnings\nprint('x', file=sys.stderr)\nwarnings.warn('odd')"))
    untouched = {name: school.cell(release, name)["source"] for name in solutions[1::2]}
    return {
        "full": source,
        "loop": school.edited(source, **{solutions[0]: loop}),
        "partial": school.edited(source, **untouched),
        "top": top,
        "untouched": release,
        "warns": warns,
    }


def test_every_topic_and_six_students(kit, school, course):
    folder = course / "nb"
    assert kit.run("nbgrader", "init", folder, cwd=course).returncode == 0
    school.nbgrader(folder, "generate_assignment", "*")
    topics = sorted(path.name for path in (folder / "source").iterdir())
    assert topics == [topic.name for topic in load(REPOSITORY).topics]
    for topic in topics:
        source, release = (school.read(folder / step / topic / f"{topic}.ipynb") for step in ("source", "release"))
        for student, notebook in class_of_six(school, source, release).items():
            school.hand_in(folder, student, notebook, topic)
            path = course / "handed-in" / topic / f"{student}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(notebook))
    school.nbgrader(folder, "autograde", "*")
    school.nbgrader(folder, "generate_feedback", "*")
    school.nbgrader(folder, "export")
    with (folder / "grades.csv").open() as file:
        exported = {(row["assignment"], row["student_id"]): float(row["score"]) for row in csv.DictReader(file)}
    for topic in topics:
        out = course / "out" / topic
        out.mkdir(parents=True)
        shutil.copy(folder / "hidden_inputs.secret", out / "secret")
        done = kit.run("grade", course / "handed-in" / topic, "--topic", topic, "--out", out, cwd=course)
        assert done.returncode == 0, done.stderr
        with (course / "out" / topic / "scores.csv").open() as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            tasks = school.scores(folder, topic)[row["submission"]]
            assert tasks == {task: float(row[task]) for task in tasks}
            assert exported[topic, row["submission"]] == float(row["score"])
            page = (folder / "feedback" / row["submission"] / topic / f"{topic}.html").read_text()
            assert f"{topic} (Score: {float(row['score'])} / {float(row['max_score'])})" in page
        scores = {row["submission"]: float(row["score"]) for row in rows}
        assert scores["full"] == scores["warns"] == float(rows[0]["max_score"])
        assert scores["untouched"] == 0
        assert 0 < scores["partial"] < scores["full"]
        assert 0 < scores["loop"] < scores["full"]
        assert scores["top"] <= WITHOUT_IMPORTS.get(topic, 1)
    assert len(exported) == 6 * len(topics)
