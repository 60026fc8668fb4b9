"""The class's page and the submissions' pages: what stands in them, and that nothing in them acts."""

import html
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from autograder.feedback import pages
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
        if tag not in ("meta", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def written(tmp_path, reports):
    def write(reports=reports, title="01_mini: A title"):
        pages.write(tmp_path, title, reports)
        read = {path.stem: Reader(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.html")}
        assert [name for name, page in read.items() if page.open] == []  # every element is closed
        return read

    return write


def test_the_class_page_counts_who_has_full_marks_and_the_common_mistakes(written):
    page = written()["index"]
    assert "01_mini: A title" in page.words
    assert "4 submissions, mean 2.1 of 6." in page.words  # (6 + 1.5 + 1 + 0) / 4
    assert "row_means 1/4 2 × It adds up." in page.words
    assert "slope 1/4 1 × Wrong values. 1 × missing" in page.words  # dalia's code, which was never run, is no mistake in a task
    assert [bar["style"] for bar in page.all("i")] == ["width: 25%"] * 2
    assert "bo graded 1.5/6 row_means, slope" in page.words
    assert "dalia unreadable 0/6 mini.py does not parse." in page.words


def test_at_most_three_mistakes_of_a_task_are_listed_the_most_common_first(written, reports):
    texts = ["a", "b", "b", "c", "c", "c", "d", "d"]
    task = replace(reports[1].tasks[0], diagnosis="")
    page = written([replace(reports[1], submission=f"s{i}", tasks=(replace(task, message=t),)) for i, t in enumerate(texts)])
    assert "row_means 0/8 3 × c 2 × b 2 × d Submissions" in page["index"].words


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


def test_the_curve_is_an_image_with_a_name(written, reports, tmp_path):
    written([replace(reports[0], attachments=EVIDENCE)])
    text = (tmp_path / "pages/amira.html").read_text(encoding="utf-8")
    svg = ET.fromstring(re.search(r"<svg.*?</svg>", text, re.DOTALL)[0])
    assert (svg.get("role"), svg.get("aria-label")) == ("img", "training loss")


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
