"""Makes the classes that the benchmarks of grading grade: of any topic, no two submissions the same, the same again for a seed.

    python tests/benchmarks/mixed_class.py FOLDER [--topic 03_nn] [--count 200] [--seed 0]   # for `autograder grade FOLDER`

So several versions of the kit can be given the same class, and compared by the time that their command takes.
Of a mixed class 55 % are right, in as many styles as there are (the reference and solutions/NN/alternatives, each as another
text), 35 % have one mutant's mistake each, 6 % are the untouched stub, 4 % are garbage.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder import course
from autograder.course import mutants
from autograder.errors import KitError
from autograder.grading.verify import modules
from autograder.submission.handed_in import Submission

SHARES = {"right": 0.55, "mistake": 0.35, "stub": 0.06, "garbage": 0.04}
GARBAGE = (
    "def half(\n", "1 / 0\n", "import a_module_that_nobody_has\n\n\ndef f(x):\n    return a_module_that_nobody_has.f(x)\n",
    "", "raise SystemExit\n", "I did not have the time for this, sorry.\n", "\0\1\2 not text \udcff",
)  # fmt: skip


@dataclass(frozen=True)
class Handed:
    """One submission of the class and its kind, a key of SHARES."""

    kind: str
    submission: Submission


def mixed_class(topic: course.Topic, count: int, seed: int = 0) -> list[Handed]:
    """A class in the shares above, in an order drawn by `seed`, which also draws styles and mistakes; no two are the same."""
    draw = random.Random(seed)
    amounts = {kind: round(share * count) for kind, share in SHARES.items()}
    amounts["right"] += count - sum(amounts.values())
    making = {"right": _right(topic, draw), "mistake": _mistakes(topic, draw), "stub": _stubs(topic), "garbage": _garbage(topic)}
    kinds = [kind for kind, amount in amounts.items() for _ in range(amount)]
    draw.shuffle(kinds)
    return [
        Handed(kind, Submission(f"student{number:04}", _varied(next(making[kind]), topic.module, number, draw)))
        for number, kind in enumerate(kinds)
    ]


def right_class(topic: course.Topic, count: int, seed: int = 0) -> list[Submission]:
    """A class of right submissions alone."""
    draw = random.Random(seed)
    files = _right(topic, draw)
    return [Submission(f"student{number:04}", _varied(next(files), topic.module, number, draw)) for number in range(count)]


def different_modules(topic: course.Topic) -> list[Path]:
    """The reference and the correct modules in other styles that have all tasks, each alone or with its helper modules."""
    whole = {other.name.removeprefix("alternative ") for other in modules.alternatives(topic) if not other.tasks}
    found = sorted((topic.solution.parent / "alternatives").glob(f"*/{topic.module}"))
    return [topic.solution, *(path for path in found if path.parent.name in whole)]


def _right(topic: course.Topic, draw: random.Random) -> Iterator[dict[str, bytes]]:
    found = different_modules(topic)
    while True:
        draw.shuffle(found)
        yield from ({file.name: file.read_bytes() for file in path.parent.glob("*.py") if file.name != "mutants.py"}
                    for path in found)  # fmt: skip


def _mistakes(topic: course.Topic, draw: random.Random) -> Iterator[dict[str, bytes]]:
    reference, found = topic.solution.read_text(encoding="utf-8"), list(mutants.load(topic))
    if not found:
        raise KitError(f"{topic.name} has no mutants to make mistakes of")
    while True:
        draw.shuffle(found)
        yield from ({topic.module: mutants.source(mutant, reference).encode()} for mutant in found)


def _stubs(topic: course.Topic) -> Iterator[dict[str, bytes]]:
    stub = (topic.exercise / topic.module).read_bytes()
    while True:
        yield {topic.module: stub}


def _garbage(topic: course.Topic) -> Iterator[dict[str, bytes]]:
    while True:
        yield from ({topic.module: text.encode("utf-8", "surrogateescape")} for text in GARBAGE)


def _varied(files: Mapping[str, bytes], module: str, number: int, draw: random.Random) -> dict[str, bytes]:
    """The same program as another text: signed below, and sometimes laid out anew without its comments."""
    text, plain = files[module], draw.random() < 1 / 3
    if plain and b"coding" not in text[:100] and b"notebook cells" not in text[:100]:
        with contextlib.suppress(SyntaxError, ValueError):  # garbage stays as it is
            text = f"{ast.unparse(ast.parse(text))}\n".encode()
    return {**files, module: text + f"# {number}\n".encode()}


def write(handed: Iterable[Handed], folder: Path) -> None:
    """The class as a folder that holds one for each submission; FileExistsError if it is there."""
    folder.mkdir(parents=True)
    for each in handed:
        for name, content in each.submission.files.items():
            path = folder / each.submission.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def main() -> None:
    """Write a class into a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--course", type=Path, default=Path(__file__).parents[2])
    parser.add_argument("--topic", default="03_nn")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(mixed_class(course.load(options.course).topic(options.topic), options.count, options.seed), options.folder)


if __name__ == "__main__":
    main()
