"""The class's page and the submissions' pages: what stands in them, and that nothing in them acts."""

import html
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from autograder.feedback import class_view, lesson, own_lines, pages
from autograder.feedback.class_view import Around
from autograder.results import Status, SubmissionStatus, TaskResult

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"' {{ 7 * 7 }} {% raw %} &amp;"
EVIDENCE = {
    "losses": [2.5, 1.5, 0.5],
    "accuracy": {"reached": 0.4567, "images": "10000 images", "minimum": 0.4},
    "confusion": {"classes": ["cat", "dog"], "counts": [[3, 1], [0, 0]]},
    "samples": [{"png": "AAAA", "label": "cat", "predicted": "cat"}, {"png": "BBBB", "label": "dog", "predicted": "cat"}],
}


class Reader(HTMLParser):
    """The elements and the visible text of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []
        self.feed(text)
        self.words = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def written(tmp_path, reports):
    def write(reports=reports, title="01_mini: A title", **more):
        pages.write(tmp_path, title, reports, **more)
        read = {path.relative_to(tmp_path).as_posix().removesuffix(".html").removeprefix("pages/"):
                Reader(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.html")}  # fmt: skip
        assert [name for name, page in read.items() if page.open] == []  # every element is closed
        return read

    return write


@pytest.fixture
def taught(topic, tmp_path):
    """The topic, with a lesson of two sections."""
    code = "```python\n## no heading\n```"
    links = "A [file](mini.py), a [page](https://example.org), ![p](p.png) <b>x</b>"
    text = f"# T\n\n## Means (`row_means`)\n\n{links}\n\n{code}\n\n### Deeper\n\n## Other\n\nOf `slope`.\n"
    (tmp_path / "course/exercises/01_mini").mkdir(parents=True)
    (tmp_path / "course/exercises/01_mini/README.md").write_text(text, encoding="utf-8")
    return replace(topic, root=tmp_path / "course")


def test_the_class_page_counts_who_has_full_marks_and_the_common_mistakes(written):
    page = written()["index"]
    assert "01_mini: A title" in page.words
    assert "4 submissions, mean 2.8 of 6. Median: 1.5. Without a score: 1" in page.words  # (6 + 1.5 + 1) / 3; dalia has none
    assert "row_means 1/3 2 × It adds up. 1.83/3" in page.words
    assert "slope 1/3 1 × Wrong values. 1 × missing 1.00/3" in page.words  # dalia's code was never run: no mistake in a task
    assert [bar["style"] for bar in page.all("i") if "width" in bar["style"]] == ["width: 33%"] * 2
    assert "bo graded 1.5/6 row_means, slope" in page.words
    assert "dalia unreadable –/6 mini.py does not parse." in page.words
    assert "dalia: – of 6 " in written()["dalia"].words


def test_what_cannot_be_read_is_no_zero_unless_it_counts_as_one(tmp_path, reports):
    zero = replace(reports[0], submission="zero", score=0.0)
    for counted, low, without in ((False, 1, 1), (True, 2, 0)):
        found = class_view.view([*reports, zero], Around(zero_unreadable=counted))
        assert (found.bins[0].count, found.unscored.count) == (low, without)
        assert [row.score for row in found.rows[-2:]] == [0.0 if counted else None, 0.0]


def test_who_made_a_mistake_stands_with_it(written):
    page = written()["index"]
    assert "2 × row_means: It adds up. bo , chen" in page.words
    assert page.words.index("2 × row_means") < page.words.index("1 × slope: Wrong values. bo")
    assert "row_means: mini.py" not in page.words


def test_who_is_to_be_looked_at_first_is_named_with_the_reason(written, reports):
    status = SubmissionStatus
    slow = [replace(reports[0], submission=f"s{i}", seconds=float(i)) for i in range(10)]
    forbidden = replace(reports[1], submission="f", tasks=(replace(reports[1].tasks[0], status=Status.FORBIDDEN),))
    whole = [replace(reports[0], submission=kind[:3], status=kind, message=f"{kind}!") for kind in
             (status.SUSPICIOUS, status.BROKEN, status.UNREADABLE)]  # fmt: skip
    words = written([*slow, forbidden, *whole])["index"].words
    first = words[words.index("To look at first") : words.index("Task by task")]
    assert (
        "unreadable 1 unr : unreadable! broken 1 bro : broken! suspicious 1 sus : suspicious! forbidden 1 f the slowest s9"
        in first
    )
    assert "the slowest s9 9.0 s s8 8.0 s s7 7.0 s s6 6.0 s s5 5.0 s" in first


def test_the_page_that_is_handed_back_has_no_link_that_is_dead_and_nothing_for_the_instructor(written, taught, reports):
    evidence = {"source": "def slope(x):\n    return x", "checks": {"slope": [
        {"title": "is even", "passed": 1, "of": 2, "points": 1.5, "most": 3.0}]}}  # fmt: skip
    one = replace(
        reports[1], attachments=evidence, notes=("Taken: a/mini.py.",), late_days=2, penalty=0.5, handed_in="2026-11-28"
    )
    read = written([one], topic=taught)
    for name, owned in (("bo", True), ("students/bo", False)):
        page = read[name]
        for text in ("Taken: a/mini.py.", "def slope(x): return x", "1/2: It is even. (1.5/3)"):
            assert (text in page.words) == owned
        assert "Handed in: 2026-11-28. Days late: 2, points lost by it: 0.5." in page.words
        ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
        links = [link["href"] for link in page.all("a")][owned:]
        assert {"#lesson-0", "#lesson-1"} < set(links)
        assert [link for link in links if not ((link[0] == "#" and link[1:] in ids) or link.startswith("https://"))] == []
        assert not page.all("script")


def test_a_section_of_the_lesson_keeps_links_that_work_anywhere(taught):
    found = lesson.lesson(taught)
    assert [section.title for section in found.sections] == ["Means (row_means)", "Other"]
    assert found.of_task == {"row_means": 0, "slope": 1}
    body = found.sections[0].body
    assert 'A file, a <a href="https://example.org">page</a>, p &lt;b&gt;x&lt;/b&gt;' in body
    assert "<h4>Deeper</h4>" in body
    assert "## no heading" in body


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1\n\n@deco\ndef f(\n    x,\n):\n    return x\n\n\ny = 2\n", (3, 5)),
        ("def f():\n    pass\n\ndef f():\n    return 2", (4, 2)),
        ("class A:\n    def f(self):\n        return 1\n\n    def g(self): ...\n", (2, 2)),
        ("def f(x): return x", (1, 1)),
        ("class f:" + "\n    x = 1" * 500, (1, 150)),
        ("def g(): pass", None),
        ("", None),
    ],
)
def test_the_learner_s_own_lines_are_those_of_the_definition(source, expected):
    found = own_lines.lines_of(source, "f", "A message (line 5 of mini.py: `return 2`).")
    assert (found and (found.first, len(found.texts))) == expected
    assert found is None or found.marked == (5 if "return 2" in source else 0)  # where the line is the one that is quoted


def test_at_most_three_mistakes_of_a_task_are_listed_the_most_common_first(written, reports):
    texts = ["a", "b", "b", "c", "c", "c", "d", "d"]
    task = replace(reports[1].tasks[0], diagnosis="")
    page = written([replace(reports[1], submission=f"s{i}", tasks=(replace(task, message=t),)) for i, t in enumerate(texts)])
    assert "row_means 0/8 3 × c 2 × b 2 × d 1.50/3 Mistakes" in page["index"].words


def test_a_class_of_none_and_of_one(written, reports):
    assert "0 submissions, mean 0.0 of 0." in written([])["index"].words
    assert "1 submission, mean 6.0 of 6." in written(reports[:1])["index"].words


def test_a_submission_s_page_has_message_diagnosis_and_hint_of_what_is_not_passed(written, reports):
    passed = replace(reports[0].tasks[0], hint="Not needed.")
    page = written([replace(reports[1], tasks=(*reports[1].tasks, passed))])["bo"]
    assert "bo: 1.5 of 6" in page.words
    assert "row_means partial 1.5/3 Works for one row only. It adds up. Hint: Divide." in page.words
    assert "Not needed." not in page.words
    assert page.words.endswith("Isolation: full. 0.25 s.")
    assert not page.all("svg") + page.all("figure")


def test_a_page_says_which_data_and_which_gpu_were_used(written, reports):
    assert "Data: CIFAR-10. GPU: H100." in written([replace(reports[0], data="CIFAR-10", gpu="H100")])["amira"].words


@pytest.mark.parametrize("status", [SubmissionStatus.GRADED, SubmissionStatus.UNREADABLE, SubmissionStatus.BROKEN])
def test_the_message_of_a_whole_submission_is_shown(written, reports, status):
    assert "Some cells failed." in written([replace(reports[0], status=status, message="Some cells failed.")])["amira"].words


def test_the_evidence_of_a_training_is_shown(written, reports):
    page = written([replace(reports[0], attachments=EVIDENCE)])["amira"]
    assert "Test accuracy: 45.7 % of 10000 images; the minimum is 40 %." in page.words
    assert page.all("polyline")[0]["points"] == "0.0,0.0 320.0,100.0 640.0,200.0"
    assert "2.500" in page.words
    assert "0.500" in page.words
    shares = [re.search(r"(\d+)%", cell["style"])[1] for cell in page.all("td") if "color-mix" in cell.get("style", "")]
    assert shares == ["60", "20", "0", "0"]  # of a row, as a colour of 80 % at most; a class without an image divides by nothing
    assert "cat 3 1 dog 0 0" in page.words
    assert [image["src"] for image in page.all("img")] == ["data:image/png;base64,AAAA", "data:image/png;base64,BBBB"]
    assert "cat cat (it is: dog)" in page.words


@pytest.mark.parametrize(
    ("losses", "points"),
    [
        ([], None),
        ([1.0], None),
        ([2.0, 2.0], "0.0,200.0 640.0,200.0"),
        ([1.0, float("nan"), 0.0, float("inf")], "0.0,0.0 640.0,200.0"),
        ([float("nan"), 1.0], None),
    ],
)
def test_a_curve_needs_two_losses_that_are_numbers(written, reports, losses, points):
    lines = written([replace(reports[0], attachments={"losses": losses})])["amira"].all("polyline")
    assert [line["points"] for line in lines] == ([points] if points else [])


def test_the_drift_of_layers_is_shown(written, reports):
    drift = [{"layer": "conv1", "drift": 0.0, "frozen": True}, {"layer": HOSTILE, "drift": 2.0, "frozen": False}]
    page = written([replace(reports[0], attachments={"drift": drift})])["amira"]
    assert "How far each layer has moved" in page.words
    assert f"conv1 0 {HOSTILE} 2" in page.words
    assert not page.all("script")


def test_the_tape_is_shown(written, reports):
    tape = {"leaves": ["w"], "entries": [["mul", ["w", HOSTILE], "v0"]], "forward": 1, "gradients": {"v0": "dL/dw"}}
    page = written([replace(reports[0], attachments={"tape": tape})])["amira"]
    assert "The tape of a loss and its gradients" in page.words
    assert "v0 = mul(w, " in page.words
    assert not page.all("script")


def test_the_curve_is_an_image_with_a_name(written, reports, tmp_path):
    written([replace(reports[0], attachments=EVIDENCE)])
    text = (tmp_path / "pages/amira.html").read_text(encoding="utf-8")
    svg = ET.fromstring(re.search(r"<svg.*?</svg>", text, re.DOTALL)[0])
    assert (svg.get("role"), svg.get("aria-label")) == ("img", "training loss")


def test_learning_rates_and_top1_are_curves_of_their_own(written, reports, tmp_path):
    evidence = {"losses": [2.0, 1.0], "rates": [0.1, 0.4, 0.2], "top1": [25.0, 75.0]}
    page = written([replace(reports[0], attachments=evidence)])["amira"]
    assert [line["points"] for line in page.all("polyline")] == [
        "0.0,0.0 640.0,200.0", "0.0,200.0 320.0,0.0 640.0,133.3", "0.0,200.0 640.0,0.0",
    ]  # fmt: skip
    assert "Learning rate 0.400 0.100 Top-1 accuracy, in per cent 75.000 25.000" in page.words
    text = (tmp_path / "pages/amira.html").read_text(encoding="utf-8")
    names = [ET.fromstring(svg).get("aria-label") for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]
    assert names == ["training loss", "learning rate", "top-1 accuracy"]


def test_what_a_submission_says_is_text_wherever_it_stands(written, reports, tmp_path):
    task = TaskResult(HOSTILE, Status.FAILED, 0.0, 1.0, HOSTILE, HOSTILE, HOSTILE)
    evidence = {
        "accuracy": {"reached": 0.5, "images": HOSTILE, "minimum": 0.4},
        "confusion": {"classes": [HOSTILE], "counts": [[1]]},
        "samples": [{"png": '"><script>', "label": HOSTILE, "predicted": HOSTILE + "x"}],
    }
    odd = replace(reports[0], topic=HOSTILE, message=HOSTILE, isolation=HOSTILE, data=HOSTILE, gpu=HOSTILE, tasks=(task,),
                  attachments=evidence)  # fmt: skip
    plain = {name: page.elements for name, page in written([replace(odd, **harmless(odd))]).items()}
    read = written([odd], title=HOSTILE)
    for name, page in read.items():
        assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain[name]]
        assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
        assert " ".join(HOSTILE.split()) in page.words
    assert html.escape("<script>") in (tmp_path / "index.html").read_text(encoding="utf-8")


def harmless(report):
    """The same fields with a word in the place of the hostile text."""
    task = TaskResult("x", Status.FAILED, 0.0, 1.0, "x", "x", "x")
    evidence = {**report.attachments, "confusion": {"classes": ["x"], "counts": [[1]]},
                "samples": [{"png": "x", "label": "x", "predicted": "y"}]}  # fmt: skip
    return {"topic": "x", "message": "x", "isolation": "x", "data": "x", "gpu": "x", "tasks": (task,), "attachments": evidence}


@pytest.mark.parametrize("name", ["a b", "50%", "%2e%2e%2fup", "a#b?c", "a'b\"c", "<img src=x>", "学生", "up\\..\\..", "-rf"])
def test_a_link_leads_to_the_submission_s_page(written, reports, tmp_path, name):
    page = written([replace(reports[0], submission=name)])
    (link,) = page["index"].all("a")
    assert (tmp_path / unquote(link["href"])).is_file()
    assert not set(link["href"]) & set("#?\"'<> \\")
    assert page[name].all("a")[0]["href"] == "../index.html"
