"""Which graders give an assignment that is not done full marks: thirty attacks on each, through its own front door.

    python tests/benchmarks/forgery.py [--grader NAME …] [--otter PYTHON] [--write docs/forgery.md]

One assignment, of two functions and two points each, is written down once and put into the form of each grader: plain pytest
(its exit code), nbgrader with its own autograding (the gradebook), otter-grader (results.json) and this kit (results/NAME.json).
Otter-grader wants other versions of what the kit needs, so it has an environment of its own: `--otter` names its Python, and
without it one is made. The attacks run as the graders run them, so give this command a machine or a container of its own.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import forgery_attacks  # noqa: E402

EMPTY = "def mean_square(x):\n    return None\n\n\ndef double(x):\n    return None\n"
RIGHT = "def mean_square(x):\n    return float((x * x).mean())\n\n\ndef double(x):\n    return 2 * x\n"
REFERENCE = 'REFERENCE = {"mean_square": "(x * x).mean()", "double": "2 * x"}\n'
INPUT = "x = np.random.default_rng().normal(size=5)"
TESTS = {
    "mean_square": (f"{INPUT}", "expected = (x * x).mean()", "assert np.allclose(mean_square(x), expected)"),
    "double": (f"{INPUT}", "expected = 2 * x", "assert np.allclose(double(x), expected)"),
}
SECONDS = 120  # for one submission
Grades = dict[str, bool]  # of each submission, whether it has full marks


def module(attack: Callable[[], Any] | None, body: str = EMPTY) -> str:
    """The text of a submission."""
    if attack is None:
        return body
    source = textwrap.dedent(inspect.getsource(attack))
    return f"{source}\n\n_made = {attack.__name__}()\n\n\n{body}\n\nif isinstance(_made, dict):\n    globals().update(_made)\n"


def submissions() -> dict[str, str]:
    """Every attack by name, and two that show that the grader works."""
    attacks = {attack.__name__: module(attack) for attack in forgery_attacks.ATTACKS}
    return {"(the right solution)": module(None, RIGHT), "(nothing)": module(None), **attacks}


def run(*command: str | Path, cwd: Path, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    """A command whose home is its own folder; one that hangs has failed."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by name
    env = {**os.environ, "HOME": str(cwd), "IPYTHONDIR": str(cwd / ".ipython"), "PYTHONDONTWRITEBYTECODE": "1", "PATH": path}
    try:
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", "too long")


def by_pytest(root: Path, texts: dict[str, str]) -> Grades:
    """Plain pytest: full marks if it ends with 0."""
    tests = "".join(f"\n\ndef test_{name}():\n    " + "\n    ".join(lines) + "\n" for name, lines in TESTS.items())
    grades = {}
    for number, (name, text) in enumerate(texts.items()):
        folder = root / str(number)
        folder.mkdir()
        (folder / "task.py").write_text(text)
        (folder / "test_task.py").write_text(f"import numpy as np\nfrom task import double, mean_square\n\n{REFERENCE}{tests}")
        done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:autograder", "test_task.py", cwd=folder)
        grades[name] = done.returncode == 0
    return grades


def cell(text: str, name: str = "", points: float = 0, **marks: bool) -> dict[str, Any]:
    """A notebook's code cell, with nbgrader's marks if it has a name."""
    metadata = {"schema_version": 3, "grade_id": name, "grade": False, "solution": False, "locked": False, "task": False, **marks}
    return {"cell_type": "code", "id": name or "imports", "source": text, "outputs": [], "execution_count": None,
            "metadata": {"nbgrader": {**metadata, **({"points": points} if points else {})}} if name else {}}  # fmt: skip


def notebook(cells: list[dict[str, Any]]) -> str:
    """The text of a notebook."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


def by_nbgrader(root: Path, texts: dict[str, str]) -> Grades:
    """nbgrader's own autograding: what its gradebook says."""

    def cells(text: str) -> list[dict[str, Any]]:
        bodies = {
            name: "\n".join(("### BEGIN HIDDEN TESTS", REFERENCE, *lines, "### END HIDDEN TESTS"))
            for name, lines in TESTS.items()
        }
        hidden = [cell(body, f"test-{name}", 2, grade=True, locked=True) for name, body in bodies.items()]
        return [cell("import numpy as np"), cell(text, "task", solution=True), *hidden]

    (root / "nbgrader_config.py").write_text("c = get_config()\nc.ExecutePreprocessor.timeout = 60\n")
    (root / "source/forge").mkdir(parents=True)
    (root / "source/forge/forge.ipynb").write_text(notebook(cells(EMPTY)))
    run(sys.executable, "-m", "nbgrader", "generate_assignment", "forge", cwd=root)
    released = json.loads((root / "release/forge/forge.ipynb").read_text())
    numbers = {f"s{number}": name for number, name in enumerate(texts)}
    for student, name in numbers.items():
        for each in released["cells"]:
            if each["metadata"].get("nbgrader", {}).get("grade_id") == "task":
                each["source"] = texts[name]
        path = root / f"submitted/{student}/forge/forge.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(released))
    run(sys.executable, "-m", "nbgrader", "autograde", "forge", cwd=root, seconds=SECONDS * len(texts))
    query = ("import json; from nbgrader.api import Gradebook\nwith Gradebook('sqlite:///gradebook.db') as book:\n"
             "    print(json.dumps({s.student.id: s.score for s in book.assignment_submissions('forge')}))")  # fmt: skip
    scores = json.loads(run(sys.executable, "-c", query, cwd=root).stdout)
    return {name: scores.get(student, 0) == 4 for student, name in numbers.items()}


def otter_python(root: Path) -> str:
    """The Python of a new environment with otter-grader."""
    venv.create(root / "otter", with_pip=True)
    python = root / "otter/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "otter-grader", "numpy", "ipykernel"], check=True, capture_output=True)
    return str(python)


def by_otter(root: Path, texts: dict[str, str], python: str = "") -> Grades:
    """`otter run`: what its results.json says."""
    python = python or otter_python(root)
    (root / "tests").mkdir()
    for name, (draw, expected, check) in TESTS.items():
        lines = [">>> import numpy as np", *(f">>> {line}" for line in (draw, expected, check))]
        case = {"code": "\n".join(lines), "hidden": True, "locked": False, "points": 2}
        test = {
            "name": name,
            "points": 2,
            "suites": [{"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}],
        }
        (root / f"tests/{name}.py").write_text(f"OK_FORMAT = True\n{REFERENCE}\ntest = {test!r}\n")
    made = run(python, "-m", "otter", "generate", "-t", "tests", "-o", "autograder.zip", cwd=root)
    if not (root / "autograder.zip").exists():
        raise RuntimeError(made.stdout + made.stderr)
    grades = {}
    for number, (name, text) in enumerate(texts.items()):
        folder = root / f"s{number}"
        folder.mkdir()
        (folder / "out").mkdir()
        shutil.copy(root / "autograder.zip", folder)
        (folder / "task.ipynb").write_text(notebook([cell("import numpy as np"), {**cell(text), "id": "task"}]))
        run(python, "-m", "otter", "run", "-a", "autograder.zip", "-o", "out", "task.ipynb", cwd=folder)
        results = folder / "out/results.json"
        tests = json.loads(results.read_text()).get("tests", []) if results.exists() else []
        grades[name] = sum(test.get("score", 0) for test in tests) == 4
    return grades


def by_kit(root: Path, texts: dict[str, str]) -> Grades:
    """`autograder grade`: what results/NAME.json says."""
    course = {
        "course.yaml": "title: Forgery\ntopics:\n  01_forge:\n    title: Forgery\n    tasks:\n"
                       "      mean_square: {points: 2, hint: Squares.}\n      double: {points: 2, hint: Twice.}\n",
        "exercises/01_forge/task.py": EMPTY,
        "exercises/01_forge/README.md": "# Forgery\n",
        "exercises/01_forge/test_task.py": "",
        "solutions/01_forge/task.py": RIGHT,
        "solutions/01_forge/mutants.py": "MUTANTS = ()\n",
        "tests/hidden/01_forge/test_task.py": "import numpy as np\nfrom autograder import expect_close\n" + "".join(
            f'\n\ndef test_{name}__value(student, rng):\n    """gives the value"""\n    '
            "x = np.random.default_rng(int(rng.initial_seed())).normal(size=5)\n    "
            f'{expected}\n    expect_close(student.call("{name}", x), expected)\n'
            for name, (_, expected, _) in TESTS.items()
        ),
    }  # fmt: skip
    numbers = {f"s{number}": name for number, name in enumerate(texts)}
    for path, text in course.items() | {(f"handed-in/{s}/task.py", texts[name]) for s, name in numbers.items()}:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    done = run(sys.executable, "-m", "autograder", "grade", "handed-in", "--topic", "01_forge", "--out", "out", cwd=root,
               seconds=SECONDS * len(texts))  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    results = {path.stem: json.loads(path.read_text()) for path in (root / "out/results").glob("*.json")}
    return {name: results[student]["score"] == results[student]["max_score"] for student, name in numbers.items()}


GRADERS: dict[str, Callable[..., Grades]] = {
    "plain pytest": by_pytest, "nbgrader": by_nbgrader, "otter-grader": by_otter, "this kit": by_kit,
}  # fmt: skip


def version(package: str, python: str = sys.executable) -> str:
    """The package and its version in the environment of that Python."""
    done = run(python, "-c", f"from importlib.metadata import version; print(version({package!r}))", cwd=Path.cwd())
    return f"{package} {done.stdout.strip()}"


def table(grades: dict[str, Grades], versions: list[str]) -> str:
    """The page: a row for each attack, a column for each grader."""
    names = [attack.__name__ for attack in forgery_attacks.ATTACKS]
    counts = " | ".join(str(sum(column[name] for name in names)) for column in grades.values())
    rows = "\n".join(
        f"| `{name}` | {' | '.join('**full marks**' if column[name] else '–' for column in grades.values())} |" for name in names
    )
    return f"""# Full marks for nothing

An assignment of two functions that is not done, handed in with each of {len(names)} attacks, to each grader through its own front
door. Made by `python tests/benchmarks/forgery.py --write docs/forgery.md`; the attacks are in
[forgery_attacks.py](../tests/benchmarks/forgery_attacks.py). Each grader gave the right solution full marks, and an honest
submission of nothing none. Measured with {", ".join(versions)}.

| attack | {" | ".join(grades)} |
|---|{"---|" * len(grades)}
{rows}
| **of {len(names)}** | {counts} |
"""


def main() -> int:
    """Print the table; exit code 1 if the kit was forged or a grader does not work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grader", action="append", choices=GRADERS, help="only this one; may be given again")
    parser.add_argument("--attack", action="append", help="only this attack; may be given again")
    parser.add_argument("--otter", default="", metavar="PYTHON", help="the Python of an environment with otter-grader")
    parser.add_argument("--write", type=Path, help="the file for the table")
    options = parser.parse_args()
    texts = {name: text for name, text in submissions().items() if not options.attack or name in options.attack or name[0] == "("}
    grades: dict[str, Grades] = {}
    sound = True
    for name in options.grader or GRADERS:
        with tempfile.TemporaryDirectory(prefix="forgery-") as folder:
            root = Path(folder, "a", "b", "c")
            root.mkdir(parents=True)
            more = {"python": options.otter} if name == "otter-grader" else {}
            try:
                grades[name] = GRADERS[name](root, texts, **more)
            except (OSError, RuntimeError, subprocess.CalledProcessError, ValueError) as error:
                print(f"{name}: left out: {error}", file=sys.stderr)
                sound = False
                continue
        forged = [attack for attack, full in grades[name].items() if full and attack[0] != "("]
        works = grades[name]["(the right solution)"] and not grades[name]["(nothing)"]
        sound = sound and works
        print(
            f"{name}: {len(forged)} of {len(texts) - 2} forged{'' if works else ', BUT IT DOES NOT WORK'}: {', '.join(forged)}",
            flush=True,
        )
    if options.write and not options.attack:
        versions = [version("pytest"), version("nbgrader")]
        versions += [version("otter-grader", options.otter)] if options.otter else []
        options.write.write_text(table(grades, versions))
    return 0 if sound and not any(full for name, full in grades.get("this kit", {}).items() if name[0] != "(") else 1


if __name__ == "__main__":
    sys.exit(main())
