"""The lessons: every block of code runs and says what stands beside it, both languages say the same, each leads to the next."""

import ast
import contextlib
import doctest
import io
import re
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from autograder.course import find_root, load
from autograder.images import store
from autograder.images.torchvision_shim import import_torchvision
from autograder.learner.in_process import simulated

COURSE = load(find_root(Path(__file__).parent))
LANGUAGES = ["README.md", "README.zh.md"]
NAMES = [topic.name for topic in COURSE.topics]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)

# What a lesson takes for granted: its imports, and what the learner has by then.
AT_HAND = {
    "02_autograd": "net = nn.Sequential()\nnet.conv1 = nn.Conv2d(1, 1, 1)\nnet.fc = nn.Linear(1, 1)",
    "03_nn": "epochs, sgd = 2, torch.optim.SGD([torch.zeros(1)], lr=0.8)\n"
             "scheduler = torch.optim.lr_scheduler.ExponentialLR(sgd, 0.5)",
    "04_cifar10": "from train_classifier import *\nnet, path = Net(), 'weights.pth'\nsave_weights(net, path)\n"
                  "criterion, optimizer = make_training(net)\n"
                  "inputs, labels = torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 2, 3])",
    "05_gpu": "from device_move import *\nfrom functools import partial\nfrom torch.utils.data import TensorDataset\n"
              "Net = partial(nn.Linear, 3, 2)\nnet, x, total, loss = Net(), torch.zeros(4, 3), 0, torch.tensor(1.0)\n"
              "dataset = TensorDataset(torch.randn(40, 3), torch.arange(40) % 2)\nloader = DataLoader(dataset, 8)\n"
              "make_optimizer = partial(torch.optim.SGD, lr=0.1)",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A fenced block of a lesson: its language, its text, and the line that it begins in."""

    language: str
    text: str
    line: int


def blocks(path):
    lesson = path.read_text(encoding="utf-8")
    return [Block(found[1], found[2], lesson.count("\n", 0, found.start()) + 2) for found in FENCED.finditer(lesson)]


def run(block, names, where):
    """Run a block as a learner who copies it; AssertionError if it says anything but what stands beside it."""
    if block.text.startswith(">>>"):
        found = doctest.DocTestParser().get_doctest(block.text, {}, where, None, 0)
        found.globs = names
        said = []
        doctest.DocTestRunner().run(found, out=said.append, clear_globs=False)
        assert not said, "".join(said)
        return
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile("\n" * (block.line - 1) + block.text, where, "exec", dont_inherit=True), names)
    told, printed = SAID.findall(block.text), out.getvalue().splitlines()
    if len(told) == block.text.count("print(") and not any("…" in text for text in told):
        assert len(told) == len(printed), printed
        assert all(text.startswith(line) for text, line in zip(told, printed, strict=True)), (told, printed)


def on_cpu(train, meeting, rank, world_size, _, *rest):
    """`train` in a forked process, where simulated GPUs cannot be used any more than real ones."""
    torch.cuda.device_count = lambda: 0
    return train(rank, world_size, meeting, *rest)


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """A folder to work in; few images in the place of many; processes that are forked, and meet in a file."""
    few = SimpleNamespace(images=torch.zeros(20, 3, 32, 32, dtype=torch.uint8), labels=torch.arange(20) % 10)
    monkeypatch.setattr(store, "load", lambda source, split: few)

    def spawn(work, nprocs):
        started = torch.multiprocessing.start_processes(work, nprocs=nprocs, join=False, start_method="fork")
        assert any(started.join(timeout=300) for _ in range(nprocs))  # each call waits for one process at least

    monkeypatch.setattr(torch.multiprocessing, "spawn", spawn)
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", NAMES)
def test_every_block_of_python_runs_and_says_what_stands_beside_it(name, stand_ins, tmp_path, monkeypatch):
    topic = COURSE.topic(name)
    lesson = topic.exercise / "README.md"
    if name == "04_cifar10":
        import_torchvision()
    monkeypatch.syspath_prepend(topic.solution.parent)
    names = {"__name__": "__main__"}
    python = [block for block in blocks(lesson) if block.language == "python"]
    assert len(python) >= 5
    with simulated(2 if name == "05_gpu" else None), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        at_hand = "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
        exec(at_hand + AT_HAND.get(name, ""), names)
        if name == "05_gpu":
            names["ddp_train"] = partial(on_cpu, names["ddp_train"], f"file://{tmp_path / 'meeting'}")
        for block in python:
            run(block, names, f"{lesson}:{block.line}")


def test_a_block_that_says_something_else_is_found():
    names = {}
    with pytest.raises(AssertionError, match="tensor"):
        run(Block("python", "print('tensor')  # array\n", 1), names, "here")
    with pytest.raises(AssertionError, match="Expected"):
        run(Block("python", ">>> 1 + 1\n3\n", 1), names, "here")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_lesson_ends_with_the_next_one(language):
    for topic, following in zip(COURSE.topics, [*COURSE.topics[1:], COURSE.topics[0]], strict=True):
        last = (topic.exercise / language).read_text(encoding="utf-8").rstrip().splitlines()[-1]
        assert f"](../{following.name}/{language})" in last, topic.name


def without_comments(block):
    """What a block does, whatever its comments say; a drawing, whose words are translated, is just a drawing."""
    if block.text.startswith(">>>"):
        examples = doctest.DocTestParser().get_examples(block.text)
        return [(ast.dump(ast.parse(example.source)), example.want) for example in examples]
    if block.language == "python":
        return ast.dump(ast.parse(block.text))
    if re.match("pytest |RuntimeError", block.text):
        return [line.partition(" # ")[0].rstrip() for line in block.text.splitlines()]
    return "a drawing"


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
