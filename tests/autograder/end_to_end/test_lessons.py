"""The lessons: every block of code runs and says what stands beside it, both languages say the same, each leads to the next."""

import re
from pathlib import Path

import pytest

from autograder.course import find_root, load
from autograder.grading.verify import shown
from autograder.grading.verify.shown import FENCED, Block, blocks, without_comments

COURSE = load(find_root(Path(__file__).parent))
LANGUAGES = ["README.md", "README.zh.md"]
NAMES = [topic.name for topic in COURSE.topics]


@pytest.mark.parametrize("name", NAMES)
def test_every_block_of_python_runs_and_says_what_stands_beside_it(name):
    topic = COURSE.topic(name)
    assert sum(block.language == "python" for block in blocks(topic.exercise / "README.md")) >= 5
    with shown.running([topic]) as problems:
        assert problems(name) == []


def test_a_block_that_says_something_else_is_found():
    names = {}
    with pytest.raises(shown.Wrong, match="tensor"):
        shown.run(Block("python", "print('tensor')  # array\n", 1), names, "here")
    with pytest.raises(shown.Wrong, match="Expected"):
        shown.run(Block("python", ">>> 1 + 1\n3\n", 1), names, "here")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_lesson_ends_with_the_next_one(language):
    for topic, following in zip(COURSE.topics, [*COURSE.topics[1:], COURSE.topics[0]], strict=True):
        last = (topic.exercise / language).read_text(encoding="utf-8").rstrip().splitlines()[-1]
        assert f"](../{following.name}/{language})" in last, topic.name


def frame(path):
    """What has to be alike in all languages: code, headings, tables and links, by what stands in code font in them."""
    lesson = path.read_text(encoding="utf-8")
    text = FENCED.sub("", lesson).splitlines()
    code = re.compile("`[^`]+`")
    return {
        "code": [(block.language, without_comments(block)) for block in blocks(path)],
        "headings": [(line.split()[0], code.findall(line)) for line in text if line.startswith("#")],
        "tables": [[sorted(code.findall(cell)) for cell in re.split(r" \| ?", line)] for line in text if line.startswith("|")],
        "links": [link.replace(path.name, "") for link in re.findall(r"\]\(([^)]+)\)", lesson)],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_has_the_same_code_headings_tables_and_links_in_each_language(name):
    english, chinese = (frame(COURSE.topic(name).exercise / language) for language in LANGUAGES)
    for part, found in english.items():
        assert chinese[part] == found, part
    for task in COURSE.topic(name).tasks:
        assert all(f"`{task.id}`" in (COURSE.topic(name).exercise / language).read_text() for language in LANGUAGES), task.id


@pytest.mark.parametrize("name", NAMES)
def test_emphasis_ends_where_markdown_sees_its_end(name):
    lesson = FENCED.sub("", (COURSE.topic(name).exercise / LANGUAGES[1]).read_text(encoding="utf-8"))
    text = re.sub("`[^`]+`", "`code`", lesson)
    ends = [(found[2][-1], text[found.end()]) for found in re.finditer(r"(\*+)(?=\S)([^*]+)\1", text)]
    assert not [(last, after) for last, after in ends if not last.isalnum() and last != "`" and after.isalnum()]
