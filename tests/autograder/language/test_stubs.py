"""A stub in another language: other words, the same code, and for everything that reads a module the same stub."""

import ast
import json
from pathlib import Path

import pytest
from babel.messages import mofile
from babel.messages.catalog import Catalog

from autograder.course import KIT_FILE, find_root, load
from autograder.errors import KitError
from autograder.feedback import uses
from autograder.frontends import release, reset
from autograder.frontends.nbgrader import source
from autograder.language import CHINESE, ENGLISH, stubs

TOPICS = load(find_root(Path(__file__).parent)).topics
MINI = {
    "A miniature exercise.": "一个微型练习。",
    "The mean of each row: (R, C) -> (R,).": "每一行的均值：\n(R, C) -> (R,)。",
    "TODO: average over the columns": "TODO: 对各列取均值",
    "The derivative of x**2, by hand.": "手算 x**2 的导数。",
    "Multiplies its input by a factor.": "把输入乘以一个因子。",
}


def write_catalogue(root, found):
    path = stubs.locale(root) / CHINESE / "LC_MESSAGES/stubs.mo"
    path.parent.mkdir(parents=True)
    catalogue = Catalog(locale=CHINESE)
    for text, said in found.items():
        catalogue.add(text, said)
    with path.open("wb") as file:
        mofile.write_mo(file, catalogue)


@pytest.fixture
def chinese(course):
    """A course that has its stub's words in Chinese too."""
    write_catalogue(course, MINI)
    return load(course)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_course_s_own_stubs_say_it_in_chinese_with_the_same_code(topic):
    english, chinese = topic.stub.read_text(), source.stub_text(topic, CHINESE)
    assert source.stub_text(topic, ENGLISH) == english
    said = [ast.get_docstring(node) for node in ast.walk(ast.parse(chinese)) if isinstance(node, ast.FunctionDef)]
    assert all(any("一" <= letter <= "鿿" for letter in text) for text in said if text)
    assert uses.untouched(chinese.encode()) == uses.untouched(english.encode())
    assert max(map(len, chinese.splitlines())) <= 130
    assert code_of(chinese) == code_of(english)


def code_of(text):
    """Without docstrings and comments."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.unparse(tree)


def test_words_change_and_lines_of_code_do_not(chinese):
    (topic,) = chinese.topics
    text = source.stub_text(topic, CHINESE)
    assert text.splitlines()[:18] == [
        '"""一个微型练习。"""',
        "",
        "import torch",
        "from torch import Tensor, nn",
        "",
        "",
        "def row_means(t: Tensor) -> Tensor:",
        '    """每一行的均值：',
        "    (R, C) -> (R,)。",
        '    """',
        "    # TODO: 对各列取均值",
        "    raise NotImplementedError",
        "",
        "",
        "def slope(x: Tensor) -> Tensor:",
        '    """手算 x**2 的导数。"""',
        "    raise NotImplementedError",
        "",
    ]


def test_what_is_not_translated_stays_and_windows_line_ends_too():
    text = 'def f():\r\n    """One.\r\n\r\n    Two.\r\n    """\r\n    return 1\r\n'
    assert stubs.translated(text, {"Three.": "三。"}) == text
    assert stubs.translated("def f(:\n", {"One.": "一。"}) == "def f(:\n"
    assert stubs.translated(text, {"Two.": "二。"}).endswith('\n    二。\n    """\r\n    return 1\r\n')


@pytest.mark.parametrize("said", ['"""\nimport os\n"""', 'a"""; import os; """b', "\\"])
def test_a_translation_cannot_be_code(said):
    with pytest.raises(KitError, match="changes its code"):
        stubs.translated('def f():\n    """One."""\n    return 1\n', {"One.": said})
    with pytest.raises(KitError, match="changes its code"):
        stubs.translated("def f():\n    # TODO: one\n    return 1\n", {"TODO: one": "TODO: 一\n    import os"})


def test_a_chinese_kit_has_chinese_stubs_and_notebooks_and_stays_so(chinese, tmp_path, kit):
    folder = tmp_path / "kit"
    done = kit.run("release", "--lang", "zh", folder, cwd=chinese.root)
    assert done.returncode == 0, done.stderr
    stub = folder / "exercises/01_mini/mini.py"
    assert "每一行的均值" in stub.read_text(encoding="utf-8")
    assert json.loads((folder / KIT_FILE).read_text())["language"] == CHINESE
    assert not list(folder.rglob("stubs.mo"))
    assert release.update(chinese, folder) == [f"{folder} is up to date"]
    assert release.of_kit(folder).language == CHINESE
    assert release.update(load(folder), folder) == [f"{folder} is up to date"]


def test_a_language_that_is_not_there_is_one_line(chinese, tmp_path, kit):
    done = kit.run("release", "--lang", "tlh", tmp_path / "kit", cwd=chinese.root)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "there is no language 'tlh' here: choose one of en, zh_CN" in done.stderr
    assert not (tmp_path / "kit").exists()


def test_a_task_goes_back_to_the_chinese_stub(chinese, tmp_path):
    release.as_folder(release.of_course(chinese, (), CHINESE), tmp_path / "kit")
    (topic,) = load(tmp_path / "kit").topics
    stub = topic.stub.read_text()
    reset.remember(topic)
    topic.stub.write_text(stub.replace("raise NotImplementedError", "return 1", 2))
    reset.reset(topic, "row_means")
    reset.reset(topic, "slope")
    assert topic.stub.read_text() == stub


def test_a_hand_in_made_from_a_chinese_stub_is_graded_like_one_from_the_english(chinese, grade):
    (topic,) = chinese.topics
    done = {name: source.stub_text(topic, name).replace("raise NotImplementedError", "return t.mean(1)", 1)
            for name in (ENGLISH, CHINESE)}  # fmt: skip
    results = grade(done)
    mine, theirs = ([(task["id"], task["status"], task["score"]) for task in results[name]["tasks"]] for name in done)
    assert mine == theirs
    assert mine[0][1] == "passed"
