"""Going back to the stub of one task."""

import shutil
import subprocess

import pytest

from autograder.course import load
from autograder.errors import KitError
from autograder.frontends import reset

OWN = """\
import torch


@torch.no_grad()
def row_means(t):
    return t.mean(0)


def slope(x):
    return x


class Scale(torch.nn.Module):
    def forward(self, x):
        return x
"""


@pytest.fixture
def topic(course):
    found = load(course).topics[0]
    reset.remember(found)
    return found


def test_only_that_function_goes_back_and_the_text_of_before_is_kept(topic):
    stub = topic.stub.read_text()
    topic.stub.write_text(OWN)
    kept = reset.reset(topic, "row_means")
    assert kept.read_text() == OWN
    text = topic.stub.read_text()
    assert stub[stub.index("def row_means") : stub.index("def slope")].rstrip() in text
    assert "no_grad" not in text
    assert OWN[OWN.index("def slope") :] in text
    reset.reset(topic, "Scale")
    assert topic.stub.read_text().endswith(stub[stub.index("class Scale") :])
    assert [path.name for path in sorted(topic.exercise.glob("*.kept*"))] == ["mini.py.kept1", "mini.py.kept2"]


def test_also_where_the_module_does_not_parse_has_windows_lines_and_a_bom(topic):
    stub = topic.stub.read_text()
    broken = OWN.replace("t.mean(0)", "t.mean((").replace("\n", "\r\n")
    topic.stub.write_bytes(b"\xef\xbb\xbf" + broken.encode())
    reset.reset(topic, "row_means")
    text = topic.stub.read_bytes()
    assert text.startswith(b"\xef\xbb\xbfimport torch\r\n")
    assert text.replace(b"\r\n", b"").count(b"\n") == 0
    plain = text.decode("utf-8-sig").replace("\r\n", "\n")
    assert stub[stub.index("def row_means") : stub.index("def slope")].rstrip() in plain
    assert plain.endswith(OWN[OWN.index("def slope") :])
    compile(plain, "mini.py", "exec")


def test_a_task_that_is_done_inside_anothers_definition(topic):
    text = topic.stub.read_text().replace(
        "    def forward", "    def scaled(self, x):\n        raise NotImplementedError\n\n    def forward"
    )
    shutil.rmtree(topic.root / ".autograder")
    topic.stub.write_text(text)
    (topic.root / "course.yaml").write_text(
        "title: A course\ntopics:\n  01_mini:\n    title: One\n    tasks:\n      Scale: {points: 1, hint: A}\n"
        "      scaled: {points: 1, hint: A}\n      training: {points: 1, hint: A}\n"
    )
    topic = load(topic.root).topics[0]
    reset.remember(topic)
    assert reset.owner(topic, "scaled") == "scaled"
    assert reset.owner(topic, "training") == "scaled"
    topic.stub.write_text(
        text.replace("        raise NotImplementedError\n\n    def forward", "        return x\n\n    def forward")
    )
    reset.reset(topic, "training")
    assert topic.stub.read_text() == text


def test_a_stub_that_was_never_seen_comes_from_git_or_is_said_to_be_unknown(course):
    topic = load(course).topics[0]
    stub = topic.stub.read_text()
    topic.stub.write_text(OWN)
    reset.remember(topic)
    with pytest.raises(KitError, match="not known here"):
        reset.reset(topic, "slope")
    topic.stub.write_text(stub)

    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=course, check=True, capture_output=True
        )

    git("init")
    git("add", ".")
    git("commit", "-m", "handed out")
    topic.stub.write_text(OWN)
    git("commit", "-am", "mine")
    reset.reset(topic, "slope")
    assert "return x\n\n\nclass" not in topic.stub.read_text()


def test_a_student_kit_has_its_stubs_whatever_was_written_before_the_first_watch(course):
    topic = load(course).topics[0]
    original = course / "originals" / topic.stub.relative_to(course)
    original.parent.mkdir(parents=True)
    original.write_bytes(topic.stub.read_bytes())
    topic.stub.write_text(OWN)
    reset.remember(topic)
    reset.reset(topic, "row_means")
    assert "raise NotImplementedError" in topic.stub.read_text().partition("def slope")[0]


def test_a_module_without_the_function_is_left_alone(topic):
    topic.stub.write_text("x = 1\n")
    with pytest.raises(KitError, match="no slope that could be replaced"):
        reset.reset(topic, "slope")
    assert topic.stub.read_text() == "x = 1\n"
    assert not list(topic.exercise.glob("*.kept*"))
