"""`autograder demo` and `autograder report` from outside: what people read, where it lies, and the exit codes."""

import json
import re
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def demo(kit, tmp_path_factory):
    """One run of the demo, and its OUT."""
    out = tmp_path_factory.mktemp("demo") / "out"
    return kit.run("demo", "--out", out, cwd=REPOSITORY), out


def lines_of(text, word):
    return [re.split(r"\s*[│┃]\s*", line.strip("│┃ ")) for line in text.splitlines() if re.search(rf"\b{word}\b", line)]


def test_the_demo_shows_a_class_and_what_one_of_its_students_reads(demo):
    done, out = demo
    assert done.returncode == 0, done.stderr
    assert ["amira", "graded", "20/20"] in lines_of(done.stdout, "amira")
    ((_, status, score, message),) = lines_of(done.stdout, "hana")
    assert (status, score) == ("unreadable", "–/20")
    assert message.startswith("net.py does not parse")
    assert f"Results: {out / 'results'}, scores: {out / 'scores.csv'}, report: {out / 'index.html'}" in done.stdout
    assert "bo: 9.6 of 20" in done.stdout
    assert ["graph_walk", "missing", "0/2", "Not done yet: it still raises NotImplementedError."] in lines_of(
        done.stdout, "graph_walk"
    )
    assert "Traceback" not in done.stdout + done.stderr


def test_the_demo_leaves_the_files_that_it_names(demo):
    _, out = demo
    samples = {path.name for path in (REPOSITORY / "autograder/samples/03_nn").iterdir()}
    assert {path.stem for path in (out / "results").iterdir()} == samples
    assert {path.stem for path in (out / "pages").iterdir()} == samples
    assert len((out / "scores.csv").read_text().splitlines()) == len(samples) + 1
    index = (out / "index.html").read_text(encoding="utf-8")
    assert all(f'href="pages/{name}.html"' in index for name in samples)


def test_each_sample_but_the_finished_one_has_a_mistake_that_is_explained(demo):
    _, out = demo
    for path in (out / "results").iterdir():
        result = json.loads(path.read_text(encoding="utf-8"))
        wrong = [task for task in result["tasks"] if task["status"] != "passed"]
        assert bool(wrong) == (result["submission"] != "amira")
        assert result["message"] or all(task["message"] and task["hint"] for task in wrong)


def test_report_makes_tables_and_pages_again_from_the_results(demo, kit, tmp_path):
    done, out = demo
    again = shutil.copytree(out, tmp_path / "again")
    for path in (again / "index.html", again / "scores.csv", again / "pages/bo.html"):
        path.unlink()
    reported = kit.run("report", again, cwd=REPOSITORY)
    assert reported.returncode == 0, reported.stderr
    assert f"Report: {again / 'index.html'}" in reported.stdout
    table = done.stdout[: done.stdout.index("Results:")]
    assert reported.stdout.startswith(table)
    for path in out.rglob("*.*"):
        assert (again / path.relative_to(out)).read_bytes() == path.read_bytes(), path


@pytest.mark.parametrize("command", [("report",), ("report", "a", "b")])
def test_report_wants_one_folder(command, kit):
    done = kit.run(*command, cwd=REPOSITORY)
    assert done.returncode == 2
    assert "usage" in done.stderr


@pytest.mark.parametrize("content", [None, {}, {"grading.json": "{}"}, {"grading.json": '{"topic": "99_gone"}'}])
def test_report_on_a_folder_that_is_no_out_is_one_line(kit, tmp_path, content):
    folder = tmp_path / "nothing"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    done = kit.run("report", folder, cwd=REPOSITORY)
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "grading.json" in done.stderr or "99_gone" in done.stderr
    assert not (folder / "index.html").exists()


def test_report_names_a_result_that_it_cannot_read(demo, kit, tmp_path):
    again = shutil.copytree(demo[1], tmp_path / "again")
    (again / "results/bo.json").write_text('{"schema": 1}')
    (again / "index.html").unlink()
    done = kit.run("report", again, cwd=REPOSITORY)
    assert done.returncode == 2
    assert re.fullmatch(r"\S*autograder: \S*bo\.json: not a result of this kit: .*", done.stderr.strip()), done.stderr
    assert not (again / "index.html").exists()
