"""`autograder grade` on good, odd and bad submissions, from outside."""

import csv
import json
import re
import shutil
import zipfile

import pytest

STDERR = "import sys, warnings\nprint('hello')\nprint('noise', file=sys.stderr)\nwarnings.warn('odd')\n"
TRAINS_AT_IMPORT = """
import torch
net = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for step in range(3):
    optimizer.zero_grad()
    loss = net(torch.randn(4, 3)).pow(2).mean()
    loss.backward()
    optimizer.step()
    print('step', step, loss.item())
"""
PLOTS = """
import matplotlib.pyplot as plt
from tqdm import tqdm
fig, (left, right) = plt.subplots(1, 2)
line, = left.plot([step for step in tqdm(range(3), desc='steps')])
assert len(tqdm([1, 2])) == 2
plt.show()
"""
SETS_FOR_ITSELF = """
import os, sys, torch, warnings
torch.set_default_device('meta')
torch.set_grad_enabled(False)
torch.set_default_dtype(torch.float64)
warnings.simplefilter('error')
sys.setrecursionlimit(100)
os.chdir('/')
"""


def with_row_means(kit, body):
    return kit.solution.replace("return t.mean(1)", body)


@pytest.fixture(scope="module")
def graded(kit, tmp_path_factory):
    """One run over everything a class hands in; a test looks at its own submission."""
    s = kit.solution
    course = kit.course(tmp_path_factory.mktemp("class") / "course")
    helper = s.replace("return t.mean(1)", "from averages import mean\n    return mean(t, 1)")
    texts = {
        "good": s,
        "noisy": STDERR + s.replace("return t.mean(1)", "print(t); warnings.warn('x'); return t.mean(1)"),
        "trains": TRAINS_AT_IMPORT + s,
        "helper": {"mini.py": helper, "averages.py": "def mean(t, axis):\n    return t.mean(axis)\n"},
        "in_topic_folder": {"01_mini/mini.py": s, "notes.txt": "hello"},
        "chinese": "# 张量的练习：每一行的平均值\n" + s,
        "gbk_declared": ("# -*- coding: gbk -*-\n# 平均值\n" + s).encode("gbk"),
        "syntax": "def row_means(t:\n    return t\n",
        "gbk": ("# 这是我的作业，每一行的平均值，请老师批改，谢谢！\n" + s).encode("gbk"),
        "not_installed": "import tensorflow_of_tomorrow as tf\nx = tf.ones(2)\n" + s,
        "plots": PLOTS + s,
        "one_task_needs_pandas": "import pandas as pd\n" + with_row_means(kit, "return pd.DataFrame(t).mean(1)"),
        "compiled": s.replace("def row_means", "@torch.compile(fullgraph=True)\ndef row_means"),
        "calendar": {"mini.py": helper.replace("averages", "calendar"), "calendar.py": "def mean(t, n):\n    return t.mean(n)\n"},
        "nbconvert": "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('pip install torch')\n" + s,
        "sets_for_itself": SETS_FOR_ITSELF + s,
        "newer_python": "def first[T](x: T) -> T:\n    return x\n" + s,
        "asynchronous": "import asyncio\nasync def one():\n    return 1\nx = asyncio.run(one())\n" + s,
        "raises": "x = 1\nraise ValueError('no data here')\n",
        "downloads": "import urllib.request\nurllib.request.urlopen('https://example.org')\n" + s,
        "exits": "import sys\nsys.exit(0)\n",
        "asks": "name = input('Your name? ')\n" + s,
        "loops": "while True:\n    pass\n",
        "empty_folder": {".keep": ""},
        "renamed": {"network.py": s},
        "other_file": {"network.py": "def depth(net):\n    return 3\n"},
        "arity": with_row_means(kit, "pass").replace("def row_means(t: Tensor)", "def row_means()"),
        "none": with_row_means(kit, "t.mean(1)"),
        "text": with_row_means(kit, "return 'done'"),
        "nan": with_row_means(kit, "return t.mean(1) * float('nan')"),
        "generator": with_row_means(kit, "yield t.mean(1)"),
        "infinite": with_row_means(kit, "\n    while True:\n        pass"),
        "crashes": with_row_means(kit, "import ctypes; ctypes.string_at(0)"),
        "quits": with_row_means(kit, "import os; os._exit(0)"),
        "raises_in_call": with_row_means(kit, "return t.meen(1)"),
        "autograd": s.replace("return 2 * x", "x = x.clone().requires_grad_(); (x ** 2).sum().backward(); return x.grad"),
        "only_many_rows": with_row_means(kit, "return t.mean(1) if len(t) > 1 else t.mean(1) + 1"),
        "not_there": s.replace("def row_means", "def means_of_rows"),
        "summed": with_row_means(kit, "return t.sum(1)"),
    }
    folder = course / "handed-in"
    folder.mkdir()
    with zipfile.ZipFile(folder / "zipped.zip", "w") as archive:
        archive.writestr("homework/mini.py", s)
    (folder / "bad_archive.zip").write_bytes(b"PK\x03\x04 not really")
    (folder / "single.py").write_text(s)
    (folder / "linked").mkdir()
    (folder / "linked/mini.py").symlink_to(course / "solutions/01_mini/mini.py")
    return kit.grade(course, texts), course / "out"


@pytest.mark.parametrize(
    "name",
    ["good", "noisy", "trains", "helper", "in_topic_folder", "chinese", "gbk_declared", "zipped", "single", "plots", "compiled",
     "calendar", "nbconvert", "sets_for_itself", "asynchronous"],
)  # fmt: skip
def test_correct_code_gets_full_marks_however_it_comes(graded, name):
    result = graded[0][name]
    assert (result["status"], result["score"], result["message"]) == ("graded", 6.0, "")


@pytest.mark.parametrize(
    ("name", "passed", "points"), [("good", [1, 1, 1], 3.0), ("only_many_rows", [1, 0, 1], 2.0), ("summed", [0], 0.0)]
)
def test_the_evidence_holds_the_learner_s_text_and_the_points_of_each_check(graded, kit, name, passed, points):
    found = json.loads((graded[1] / "evidence" / f"{name}.json").read_text(encoding="utf-8"))
    assert len(found["source"].splitlines()) == len(kit.solution.splitlines())
    checks = found["checks"]["row_means"]
    assert [(check["passed"], check["of"]) for check in checks] == [(each, 1) for each in passed]
    assert checks[0]["title"] == "gives the mean of each row"
    assert sum(check["points"] for check in checks) == pytest.approx(points)
    if points < 3.0:
        assert "def row_means(" in (graded[1] / "pages" / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("syntax", ["mini.py does not parse", "line 1", "def row_means(t:"]),
        ("gbk", ["not UTF-8", "GBK", "save it again as UTF-8"]),
        ("not_installed", ["tensorflow_of_tomorrow", "not installed", "line 2 of mini.py"]),
        ("newer_python", ["needs Python 3.12: line 1: `def first[T](x: T) -> T:`"]),
        ("raises", ["ValueError", "no data here", "line 2 of mini.py"]),
        ("downloads", ["asks for the network", "line 2 of mini.py", "if __name__"]),
        ("exits", ["sys.exit()", "line 2 of mini.py"]),
        ("asks", ["input()", "line 1 of mini.py"]),
        ("loops", ["longer than 3 s", "loop", "if __name__"]),
        ("empty_folder", ["empty", "mini.py"]),
        ("other_file", ["no mini.py", "found network.py"]),
        ("bad_archive", ["zip"]),
        ("linked", ["mini.py"]),
    ],
)
def test_a_module_that_cannot_be_used_is_named_in_a_sentence(graded, name, words):
    result = graded[0][name]
    assert (result["status"], result["score"]) == ("unreadable", 0.0)
    assert all(word in result["message"] for word in words), result["message"]
    assert result["message"].endswith((".", "?"))
    assert "Traceback" not in result["message"]


@pytest.mark.parametrize(
    ("name", "task", "status", "words"),
    [
        ("arity", "row_means", "error", ["cannot be called"]),
        ("none", "row_means", "failed", ["None", "return"]),
        ("not_there", "row_means", "missing", ["`row_means` is not defined"]),
        ("text", "row_means", "failed", ["the text", "tensor"]),
        ("nan", "row_means", "failed", ["nan"]),
        ("generator", "row_means", "failed", ["generator"]),
        ("infinite", "row_means", "timeout", ["longer than 2 s"]),
        ("crashes", "row_means", "crashed", ["segmentation fault"]),
        ("quits", "row_means", "crashed", ["exit code 0"]),
        ("raises_in_call", "row_means", "error", ["AttributeError", "meen", "line 8 of mini.py"]),
        ("autograd", "slope", "forbidden", ["by hand"]),
        ("one_task_needs_pandas", "row_means", "error", ["uses 'pandas'", "neither installed", "line 9 of mini.py"]),
        ("only_many_rows", "row_means", "partial", ["works for a single row"]),
    ],
)
def test_a_task_that_fails_costs_only_itself_and_says_why(graded, name, task, status, words):
    result = graded[0][name]
    tasks = {t["id"]: t for t in result["tasks"]}
    assert tasks[task]["status"] == status
    assert all(word in tasks[task]["message"] for word in words), tasks[task]["message"]
    assert tasks[task]["hint"]
    others = [t for t in tasks.values() if t["id"] != task]
    assert {t["status"] for t in others} == {"passed"}
    assert result["score"] == sum(t["score"] for t in tasks.values())
    assert tasks[task]["score"] == (2.0 if status == "partial" else 0.0)


def test_a_module_under_another_name_is_graded_and_its_name_is_said(graded):
    result = graded[0]["renamed"]
    assert (result["status"], result["score"]) == ("graded", 6.0)
    assert result["message"] == "network.py was read as mini.py: name it so next time."


def test_the_mutant_that_answers_alike_is_the_diagnosis(graded):
    task = graded[0]["summed"]["tasks"][0]
    assert task["diagnosis"] == "Your result is what comes out of code that adds without dividing."
    assert "Expected" in task["message"]


def test_results_have_the_agreed_keys(graded):
    result = graded[0]["good"]
    assert list(result) == ["schema", "topic", "submission", "status", "score", "max_score", "message", "isolation",
                            "seconds", "tasks", "handed_in", "digest"]  # fmt: skip
    assert list(result["tasks"][0]) == ["id", "status", "score", "max_score", "message", "diagnosis", "hint", "seconds",
                                        "conduct"]  # fmt: skip
    assert (result["schema"], result["topic"], result["submission"]) == (1, "01_mini", "good")


def test_scores_csv_has_a_row_a_submission_and_a_column_a_task(graded):
    results, out = graded
    rows = list(csv.DictReader((out / "scores.csv").read_text().splitlines()))
    assert list(rows[0]) == ["submission", "topic", "score", "max_score", "status", "row_means", "slope", "Scale",
                             "message"]  # fmt: skip
    scores = {name: "" if result["status"] == "unreadable" else str(result["score"]) for name, result in results.items()}
    assert {row["submission"]: row["score"] for row in rows} == scores
    assert {row["slope"] for row in rows if row["status"] == "unreadable"} == {""}


def test_grading_again_uses_the_same_inputs(course, run, kit):
    folder = kit.write(course / "handed-in", {"a": kit.solution})
    secrets = []
    for _ in range(2):
        assert run("grade", folder, "--topic", "01_mini", "--out", course / "out", cwd=course).returncode == 0
        secrets.append((course / "out/secret").read_text())
    assert secrets[0] == secrets[1]


def test_workers_share_the_class(grade, solution):
    wrong = solution.replace("2 * x", "3 * x")
    results = grade({f"s{n}": solution if n % 2 else wrong for n in range(6)} | {"bad": "1 +"}, "--workers", "2")
    assert {name: result["score"] for name, result in results.items()} == {
        "s0": 4.0, "s1": 6.0, "s2": 4.0, "s3": 6.0, "s4": 4.0, "s5": 6.0, "bad": 0.0
    }  # fmt: skip


def test_a_fault_of_the_suite_is_broken_not_a_zero_and_a_class_without_a_grade_is_exit_code_1(course, run, kit, solution):
    suite = course / "tests/hidden/01_mini/test_mini.py"
    suite.write_text(suite.read_text().replace("2 * x.double()", "2 * x.dubble()"))
    folder = kit.write(course / "handed-in", {"good": solution, "stub": "import torch\n", "unreadable": "1 +"})
    done = run("grade", folder, "--topic", "01_mini", "--out", course / "out", cwd=course)
    assert done.returncode == 0, done.stderr  # some have a grade
    shutil.rmtree(folder / "unreadable")
    shutil.rmtree(folder / "stub")
    done = run("grade", folder, "--topic", "01_mini", "--out", course / "new", cwd=course)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()  # the progress bar, which is no line, ends with an empty one
    assert line.startswith("autograder: no submission was graded: all 1 are broken")
    assert str(course / "new/results") in line
    result = json.loads((course / "new/results/good.json").read_text())
    assert result["status"] == "broken"
    assert "slope" in result["message"]
    assert {t["id"]: t["status"] for t in result["tasks"]} == {
        "row_means": "passed", "slope": "broken", "Scale": "passed"
    }  # fmt: skip


def test_a_suite_without_checks_of_the_first_task_costs_the_other_tasks_nothing(course, run, kit, solution):
    suite = course / "tests/hidden/01_mini/test_mini.py"
    suite.write_text(suite.read_text().replace("def test_row_means", "def no_check_of_row_means"))
    folder = kit.write(course / "handed-in", {"good": solution})
    run("grade", folder, "--topic", "01_mini", "--out", course / "out", cwd=course)
    result = json.loads((course / "out/results/good.json").read_text())
    assert "IndexError" not in result["message"]
    assert [task["status"] for task in result["tasks"]][1:] == ["passed", "passed"]


LEAK = "LE" + "AK"
LEAKS = {
    "text": "raise ValueError(f'{A} {t.tolist()}')",
    "letters": "raise ValueError(''.join(chr(97 + int(10 * abs(v)) % 26) for v in t.flatten().tolist()) + A)",
    "key": "return {}[A]",
    "attribute": "return getattr(t, A)",
    "class": "return type(A, (), {})()",
    "exception": "raise type(A, (Exception,), {})",
    "number": "return float(t[0, 0])",
    "returned": "return A",
    "size": "return torch.zeros(int('123' + '456'), 0)",
    "line": "exec(compile(chr(10) * 6 + 'raise ValueError', __file__, 'exec'))",
    "file": "open(A)",
    "channel": "import gc; calls = [o for o in gc.get_objects() if type(o) is type(torch) and o.__name__.endswith('learner.calls')][0];"  # noqa: E501
               " calls.call_fault = lambda *_: (_ for _ in ()).throw(MemoryError); calls._perform = lambda *_:"
               " {'fault': ['error', A + ' and ' + A, A, A]}; raise ValueError",
}  # fmt: skip


def test_what_a_hidden_check_was_given_does_not_come_out_in_its_feedback(course, kit):
    source = "import torch\nA = 'LE' + 'AK'\n\ndef row_means(t):\n    {}\n"
    honest = {"honest": source.format("return t @ t")}
    results = kit.grade(course, {name: source.format(line) for name, line in LEAKS.items()} | honest, "--workers", "1")
    pages = [course / "out" / folder for folder in ("pages", "students")]
    texts = {
        name: json.dumps(found) + "".join((at / f"{name}.html").read_text() for at in pages) for name, found in results.items()
    }
    assert results.keys() == {*LEAKS, "honest"}
    assert not [name for name, text in texts.items() if LEAK in text or "123456" in text]
    for name, result in results.items():
        message = result["tasks"][0]["message"].removeprefix("Expected: it gives the mean of each row. ")
        shown = message.replace("(4, 3)", "").replace("(4,)", "")
        assert not re.search(r"\d\.\d|\d{3}", shown), (name, message)
    assert "mat1 and mat2 shapes cannot be multiplied (…x… and …x…) (line 5 of mini.py: `return t @ t`)" in str(results["honest"])
    assert "Your code raised ValueError (line 5 of mini.py" in str(results["letters"])
