"""`autograder release`: a kit that works alone, gives nothing away, and is renewed without losing a student's work."""

import ast
import io
import json
import re
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import patient
import pytest
import yaml

from autograder.course import fields, load, mutants
from autograder.errors import KitError
from autograder.frontends import release
from autograder.frontends.release import course_file, wheel

REPOSITORY = Path(__file__).parents[3]
NAMES = [topic.name for topic in load(REPOSITORY).topics]
CANARY = "CANARY"


def files_of(folder):
    """Every file below a folder by its path, those inside wheels and zip files too."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    for name, content in list(found.items()):
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                found |= {f"{name}!{inner}": archive.read(inner) for inner in archive.namelist()}
    return found


def set_up(folder):
    """Unpack the kit's wheel, which is what pip does with it; returns a way to run Python with that package alone."""
    site = folder.parent / f"{folder.name}-site"
    (package,) = (folder / "wheel").iterdir()
    with zipfile.ZipFile(package) as archive:
        archive.extractall(site)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site), "HOME": str(folder.parent), "COLUMNS": "200"}

    def run(*arguments, cwd=folder):
        return patient.run([sys.executable, *arguments], cwd=cwd, env=environment)

    return run


@pytest.fixture(scope="module")
def whole(kit, tmp_path_factory):
    """The kit of the course itself, as the command makes it."""
    folder = tmp_path_factory.mktemp("whole") / "kit"
    done = kit.run("release", folder, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"wrote {folder}: {len(NAMES)} topics, ")
    return folder


@pytest.fixture(scope="module")
def mini(kit, tmp_path_factory):
    """The kit of the miniature course, and a way to run Python with its wheel."""
    base = tmp_path_factory.mktemp("mini")
    release.as_folder(release.of_course(load(kit.course(base / "course"))), base / "kit")
    return SimpleNamespace(folder=base / "kit", run=set_up(base / "kit"))


def test_a_kit_tests_itself_without_this_repository(whole):
    done = set_up(whole)("smoke.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "This kit works here."
    assert [line.partition(":")[0] for line in done.stdout.splitlines()[:-1]] == NAMES


def test_the_smoke_test_says_what_is_missing(mini, kit, tmp_path):
    broken = shutil.copytree(mini.folder, tmp_path / "kit")
    (broken / "exercises/01_mini/test_mini.py").unlink()
    done = mini.run("smoke.py", cwd=broken)
    assert (done.returncode, done.stdout) == (1, "exercises/01_mini/test_mini.py is not there: unpack the kit once more\n")
    done = patient.run([sys.executable, "smoke.py"], cwd=mini.folder)  # with the repository's own package
    assert done.returncode == 1
    assert "run the setup in README.md, `pip install -r requirements.txt`, in this folder" in done.stdout


def test_a_student_s_way_through_a_kit(mini, tmp_path, solution):
    folder = shutil.copytree(mini.folder, tmp_path / "kit")
    (folder / "exercises/01_mini/mini.py").write_text(solution)
    done = mini.run("-m", "autograder", "check", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    done = mini.run("-m", "autograder", "hint", "slope", cwd=folder)
    assert "The derivative of x squared." in done.stdout
    notebook = json.loads((folder / "notebooks/01_mini/01_mini.ipynb").read_text(encoding="utf-8"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    work = f"from mini import *\n{cells['test_row_means']}"
    shutil.copy(folder / "exercises/01_mini/mini.py", folder / "notebooks/01_mini")
    done = mini.run("-c", work, cwd=folder / "notebooks/01_mini")
    assert "row_means: 2 of 2 public checks pass" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command", ["grade in --topic 01_mini --out out", "verify", "demo", "nbgrader init nb", "release other", "release z --zip"]
)
def test_what_needs_hidden_suites_says_in_a_line_that_this_is_a_kit(kit, mini, command):
    done = kit.run(*command.split(), cwd=mini.folder)
    assert done.returncode == 2
    assert done.stderr == f"autograder: {mini.folder} is a student kit, without the hidden suites that this command needs\n"


def test_the_readme_s_first_command_installs_what_is_there(whole):
    pinned, needed = (whole / "requirements.txt").read_text().splitlines()
    assert (whole / needed).is_file()
    assert pinned == "-c constraints.txt"  # what it pins and nobody needs, such as the cluster's Dask, is not installed
    assert (whole / "constraints.txt").read_text() == (REPOSITORY / "constraints.txt").read_text()
    for name in ("README.md", "README.zh.md"):
        readme = (whole / name).read_text(encoding="utf-8")
        commands = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
        assert "pip install -r requirements.txt" in commands[0]
        assert commands[1] == "autograder check\n"
        links = re.findall(r"\]\(([^)]+)\)", readme)
        assert len(links) >= 2 * len(NAMES)
        assert [link for link in links if not (whole / link).is_file()] == []
        assert "$" not in readme


def test_the_wheel_has_the_package_but_for_the_samples(whole):
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    package = REPOSITORY / "autograder"
    known = {path for pattern in project["tool"]["setuptools"]["package-data"]["autograder"] for path in package.glob(pattern)}
    known |= {path for path in package.rglob("*.py") if (path.parent / "__init__.py").is_file()}
    there = {name.partition("!autograder/")[2] for name in files_of(whole / "wheel") if "!autograder/" in name}
    expected = {path.relative_to(package).as_posix() for path in known}
    assert {name for name in expected if name.startswith("samples/")}
    assert there == {name for name in expected if not name.startswith("samples/")}
    (metadata,) = [content.decode() for name, content in files_of(whole / "wheel").items() if name.endswith("/METADATA")]
    needs = {re.match("[a-z]+", line, re.IGNORECASE)[0] for line in project["project"]["dependencies"]}
    assert {re.match("[a-z]+", need)[0] for need in re.findall(r"Requires-Dist: (.*)", metadata)} == needs


def test_the_wheel_comes_with_its_licence(whole):
    (licence,) = [content for name, content in files_of(whole / "wheel").items() if name.endswith("/licenses/LICENSE")]
    assert licence == (REPOSITORY / "LICENSE").read_bytes()


def test_another_content_of_the_package_is_another_version(tmp_path):
    package = tmp_path / "autograder"
    package.mkdir()
    (package / "__init__.py").write_text("A = 1\n")
    once, again = wheel.build(package), wheel.build(package)
    assert once == again
    (package / "__init__.py").write_text("A = 2\n")
    assert wheel.build(package).version != once.version


def test_how_a_build_backend_writes_what_is_needed_makes_no_other_version():
    project, installed = (
        {"dependencies": ["torch>=2.11,<2.15"]},
        SimpleNamespace(requires=["torch<2.15,>=2.11", "x; extra == 'dev'"]),
    )
    assert wheel._needs(project, None) == wheel._needs({}, installed) == ["torch<2.15,>=2.11"]


# What stays secret ---------------------------------------------------------------------------------------------------


class Marked(ast.NodeTransformer):
    """A marker in every text and at the end of every function."""

    def __init__(self, marker):
        self.marker = marker

    def visit_Constant(self, node):
        return ast.Constant(f"{self.marker} {node.value}") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node):
        return node

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.body.append(ast.Expr(ast.Constant(self.marker)))
        return node


def plant(root):
    """Markers in all that is secret: in code, sentences and comments of what is there, and in files as they come to lie about."""
    number = 0
    for folder in ("solutions", "tests", "autograder/samples"):
        for path in (root / folder).rglob("*.py"):
            number += 1
            marker = f"{CANARY}_{number}"
            try:
                text = ast.unparse(Marked(marker).visit(ast.parse(path.read_text(encoding="utf-8"))))
            except SyntaxError:  # one of the samples
                text = path.read_text(encoding="utf-8")
            path.write_text(f"# {marker}\n{text}\n", encoding="utf-8")
    strays = ["hidden_inputs.secret", "gradebook.db", "out/secret", "out/results/bo.json", "out/pages/bo.html", "answers.zip",
              "nb/source/03_nn/03_nn.ipynb", "nb/nbgrader_config.py", "exercises/03_nn/solution.py", "exercises/03_nn/plan.md",
              "exercises/03_nn/.ipynb_checkpoints/net.py", "exercises/03_nn/mutants.py", "exercises/03_nn/alternatives/net.py",
              "exercises/solutions.md", "autograder/answers.txt", "autograder/samples/more.py", "autograder/.old/net.py",
              "autograder/frontends/release/templates/draft.txt", "data/images.pt"]  # fmt: skip
    for name in strays:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{CANARY}_{name}\n")
    course = (root / "course.yaml").read_text(encoding="utf-8")
    course = course.replace("\n  import_seconds: 10 ", f"\n  grader_seconds: 7.125  # {CANARY}\n  import_seconds: 10 ", 1)
    course = course.replace("data: auto ", f"data: /{CANARY}/photographs ", 1)
    course = course.replace("    title: Autograd\n", f"    # {CANARY}: the answer is 6\n    title: Autograd  # {CANARY}\n")
    assert course.count(CANARY) == 4
    (root / "course.yaml").write_text(course, encoding="utf-8")
    return number + len(strays)


def test_no_secret_of_the_course_is_in_a_kit(kit, tmp_path):
    """The same kit comes of a repository full of markers as of one without what they are in: it does not depend on that."""
    secret = ("solutions", "tests", "autograder/samples")
    kept = ("autograder", "exercises", "solutions", "tests/hidden", "course.yaml", "constraints.txt", "docs")
    for name in ("marked", "bare"):
        for part in kept:
            source, target = REPOSITORY / part, tmp_path / name / part
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        with (tmp_path / name / "autograder/text.py").open("a") as file:
            file.write("\n# from the copy\n")
    for part in secret:
        shutil.rmtree(tmp_path / "bare" / part)
    assert plant(tmp_path / "marked") > 100
    for name in ("marked", "bare"):  # each with its own package, which Python finds in the folder that it is started in
        for arguments in (("kit",), ("kit.zip", "--zip")):
            done = kit.run("release", *arguments, cwd=tmp_path / name)
            assert done.returncode == 0, done.stderr
            assert CANARY not in done.stdout + done.stderr
    assert (tmp_path / "marked/kit.zip").read_bytes() == (tmp_path / "bare/kit.zip").read_bytes()
    shown = files_of(tmp_path / "marked/kit")
    with zipfile.ZipFile(tmp_path / "marked/kit.zip") as archive:
        assert {f"kit/{name}" for name in shown if "!" not in name} == set(archive.namelist())
        assert all(archive.read(f"kit/{name}") == content for name, content in shown.items() if "!" not in name)
    assert any(b"# from the copy" in content for content in shown.values())
    assert [name for name, content in shown.items() if CANARY.encode() in content or CANARY in name] == []
    assert b"7.125" not in shown["course.yaml"]


def plain(text):
    """The text's lines without indentation and empty lines."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def bodies(path):
    """What the functions of a file do, without their docstrings, each as one text."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            own = node.body[int(ast.get_docstring(node) is not None) :]
            if own:
                yield node.name, plain("\n".join(lines[own[0].lineno - 1 : node.end_lineno]))


@pytest.fixture(scope="module")
def everything(whole):
    """All text of the kit, that of the wheel too."""
    return plain("\n".join(content.decode("utf-8", "replace") for content in files_of(whole).values()))


@pytest.mark.parametrize("name", NAMES)
def test_no_public_text_holds_a_solution_a_hidden_check_or_a_mutant(whole, everything, name):
    public = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "exercises" / name).iterdir() if path.is_file())
    notebook = json.loads((whole / f"notebooks/{name}/{name}.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (stub,) = (whole / "originals/exercises" / name).iterdir()
    handed_out = plain("\n".join([*code, stub.read_text(encoding="utf-8")]))
    secret = [*(REPOSITORY / "solutions" / name).rglob("*.py"), *(REPOSITORY / "tests/hidden" / name).rglob("*.py")]
    given = {body for _, body in bodies(stub) if "NotImplementedError" not in body}  # a solution has it as well
    found = [(path, function, body) for path in secret for function, body in bodies(path) if body not in given]
    tasks = len(load(REPOSITORY).topic(name).tasks)
    assert len(found) > 2 * tasks  # the solution, and a check or what it expects
    for path, function, body in found:
        if body not in ("super().__init__()", "pass", "..."):
            assert body not in handed_out, (path, function)
        if body.count("\n") >= 2 and body not in plain(public):
            assert body not in everything, (path, function)
    phrases = {mutant.phrase for mutant in mutants.load(load(REPOSITORY).topic(name))}
    assert len(phrases) > tasks
    assert [phrase for phrase in phrases if len(phrase) > 30 and phrase in everything and phrase not in public] == []


def test_a_notebook_of_a_kit_is_valid_and_was_never_run(whole):
    for topic in load(REPOSITORY).topics:
        name = topic.name
        notebook = nbformat.read(whole / f"notebooks/{name}/{name}.ipynb", as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert not any(cell.outputs or cell.execution_count for cell in code)
        assert sum("# YOUR CODE HERE" in cell.source for cell in code) >= len(topic.tasks) / 2  # some share a cell
        assert notebook.metadata.keys() == {"autograder", "kernelspec", "language_info"}


def test_a_module_that_somebody_solved_in_the_course_is_not_handed_out(kit, course, solution):
    (course / "exercises/01_mini/mini.py").write_text(solution)
    done = kit.run("release", "kit", cwd=course)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "mini.py:7: row_means is no stub: nothing in it ends in `raise NotImplementedError`" in done.stderr
    assert not (course / "kit").exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("exercises/01_mini/README.md", None, "there is no such file yet"),
        ("exercises/01_mini/README.md", "![a drawing](drawing.png)\n", "drawing.png: a lesson shows it, and it is not there"),
        ("exercises/01_mini/mini.py", "def row_means(:\n", "mini.py:1: does not parse"),
        ("exercises/01_mini/README.md", b"\xc4\xe3\xba\xc3", "no text in UTF-8"),
    ],
)
def test_a_topic_that_is_not_complete_is_one_line_and_nothing_is_written(course, tmp_path, name, content, reason):
    (course / name).unlink()
    if content:
        (course / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(KitError, match=re.escape(reason)):
        release.as_folder(release.of_course(load(course)), tmp_path / "kit")
    assert not (tmp_path / "kit").exists()


def test_what_a_lesson_shows_comes_along(course):
    mend(course, "README.md", "\n![a drawing](drawing.png), and ![the answer](../../solutions/01_mini/answer.png)\n")
    (course / "exercises/01_mini/drawing.png").write_bytes(b"png")
    (course / "solutions/01_mini/answer.png").write_bytes(b"png")
    made = release.of_course(load(course)).files
    assert [name for name in made if name.endswith(".png")] == ["exercises/01_mini/drawing.png"]


EVERYTHING = """\
title: All
limits: {import_seconds: 3, check_seconds: 2, total_seconds: 30, grader_seconds: 7, memory_mb: 512, reply_mb: 8, scratch_mb: 9}
topics:
  01_a:
    title: 'A: 练习'
    limits: {import_seconds: 4}
    settings:
      data: /instructor/photographs
      budget: quick
      budgets:
        quick: {images: 10, test_images: 5, batch: 2, epochs: 1, lr: 0.1, momentum: 0, seconds: 9,
                minimum: {photographs: 0.5, embedded: 0.25}}
        exam: {images: 11, test_images: 5, batch: 2, epochs: 1, lr: 0.1, momentum: 0, seconds: 9,
                minimum: {photographs: 0.5, embedded: 0.25}}
    tasks:
      first: {points: 1.5, forbid: autograd, check_seconds: 1, hint: ["Why: not?", "Try:\\n>>> 1 + 1\\n2", "no"]}
      second: {points: 2, trains: true, needs: [first], hint: "yes"}
"""


def test_a_student_s_course_yaml_says_what_a_self_check_needs_and_no_more(tmp_path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "course.yaml").write_text(EVERYTHING, encoding="utf-8")
    course = load(tmp_path)
    (tmp_path / "kit/course.yaml").write_text(course_file.text(course, course.topics), encoding="utf-8")
    (topic,), (known,) = load(tmp_path / "kit").topics, course.topics
    assert [(t.id, t.points, t.hints, t.forbid, t.trains, t.needs, t.limits.check_seconds) for t in topic.tasks] == [
        (t.id, t.points, t.hints, t.forbid, t.trains, t.needs, t.limits.check_seconds) for t in known.tasks
    ]
    assert topic.training.chosen() == ("auto", known.training.chosen()[1])
    written = yaml.safe_load((tmp_path / "kit/course.yaml").read_text(encoding="utf-8"))["topics"]["01_a"]
    tasks = {name for task in written["tasks"].values() for name in task}
    budget = written["settings"]["budgets"]["quick"]
    found = {"topics: NAME": written.keys(), "limits": written["limits"].keys(), "settings": written["settings"].keys(),
             "budgets: NAME": budget.keys(), "minimum": budget["minimum"].keys(), "tasks: NAME": tasks}  # fmt: skip
    for section in (fields.TOPIC, fields.LIMITS, fields.SETTINGS, fields.BUDGET, fields.MINIMUM, fields.TASK):
        decided = {*found[section.title], *course_file.WITHHELD.get(section.title, ())}
        assert decided == {field.name for field in section.fields}, "say whether students get it, in course_file"
    assert list(written["settings"]["budgets"]) == ["quick"]


def test_the_topics_of_the_course_s_own_kit_are_the_course_s(whole):
    of_kit, known = load(whole), load(REPOSITORY)
    for topic, other in zip(of_kit.topics, known.topics, strict=True):
        assert [(t.id, t.points, t.hints, t.forbid, t.needs) for t in topic.tasks] == [
            (t.id, t.points, t.hints, t.forbid, t.needs) for t in other.tasks
        ]


# Where it is written -------------------------------------------------------------------------------------------------


def test_a_folder_with_something_in_it_is_left_alone(kit, course):
    (course / "kit").mkdir()
    (course / "kit/mine.txt").write_text("mine")
    (course / "kit.zip").write_text("mine")
    for arguments in (["kit"], ["kit", "--zip"], ["course.yaml"]):
        done = kit.run("release", *arguments, cwd=course)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "there is something already" in done.stderr
    assert (course / "kit.zip").read_text() == "mine"
    assert [path.name for path in (course / "kit").iterdir()] == ["mine.txt"]


def test_a_kit_is_written_whole_or_not_at_all(course, tmp_path, monkeypatch):
    made = release.of_course(load(course))
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.iterdir())
    write = Path.write_bytes

    def full(path, content):
        if path.name == "smoke.py":
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    for name in ("kit", "empty"):
        with pytest.raises(KitError, match="cannot be written: No space left on device"):
            release.as_folder(made, tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before
    monkeypatch.undo()
    release.as_folder(made, tmp_path / "empty")
    assert (tmp_path / "empty/smoke.py").is_file()


def test_one_topic_or_several(course, kit):
    text = (course / "course.yaml").read_text()
    (course / "course.yaml").write_text(text + text.partition("topics:\n")[2].replace("01_mini", "02_more"))
    shutil.copytree(course / "exercises/01_mini", course / "exercises/02_more")
    assert kit.run("release", "one", "--topic", "02_more", cwd=course).returncode == 0
    assert [topic.name for topic in load(course / "one").topics] == ["02_more"]
    assert [path.name for path in (course / "one/exercises").iterdir()] == ["02_more"]
    done = kit.run("release", "none", "--topic", "02_moer", cwd=course)
    assert (done.returncode, done.stderr) == (2, "autograder: there is no topic '02_moer'; did you mean 02_more?\n")


# A newer kit ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_work(course, tmp_path):
    """A course, and the kit that a student got of it."""
    release.as_folder(release.of_course(load(course)), tmp_path / "theirs")
    return course, tmp_path / "theirs"


def mend(course, name, text="\n# mended\n"):
    path = course / "exercises/01_mini" / name
    path.write_text(path.read_text() + text)


def test_an_update_renews_lessons_and_checks_and_leaves_the_student_s_work(at_work, kit):
    course, folder = at_work
    exercise = folder / "exercises/01_mini"
    (exercise / "mini.py").write_text("my work\n")
    (exercise / "helper.py").write_text("my helper\n")
    (exercise / "README.md").write_text("my remarks\n")
    (exercise / "README.md.yours").write_text("older remarks\n")
    mend(course, "README.md")
    mend(course, "test_mini.py")
    done = kit.run("release", folder, "--update", cwd=course)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "renewed exercises/01_mini/README.md; what you had changed in it is in README.md.yours1",
        "left exercises/01_mini/mini.py, your work",
        "renewed exercises/01_mini/test_mini.py",
        "renewed notebooks/01_mini/01_mini.ipynb, in which you had not begun",
        "renewed notebooks/01_mini/public_checks.py",
        "renewed originals/notebooks/01_mini/01_mini.ipynb",
    ]
    texts = [(exercise / name).read_text() for name in ("mini.py", "helper.py", "README.md.yours", "README.md.yours1")]
    assert texts == ["my work\n", "my helper\n", "older remarks\n", "my remarks\n"]
    for name in ("README.md", "test_mini.py"):
        assert (exercise / name).read_text().endswith("# mended\n")
    assert release.update(load(course), folder) == ["left exercises/01_mini/mini.py, your work"]


def test_an_update_says_where_the_new_stub_is_of_a_module_that_the_student_works_in(at_work):
    course, folder = at_work
    mend(course, "mini.py")
    untouched = shutil.copytree(folder, folder.parent / "untouched")
    (folder / "exercises/01_mini/mini.py").write_text("my work\n")
    assert "left exercises/01_mini/mini.py, your work; the new one is originals/exercises/01_mini/mini.py" in release.update(
        load(course), folder
    )
    assert (folder / "exercises/01_mini/mini.py").read_text() == "my work\n"
    assert (folder / "originals/exercises/01_mini/mini.py").read_text().endswith("# mended\n")
    assert "renewed exercises/01_mini/mini.py, in which you had not begun" in release.update(load(course), untouched)
    assert (untouched / "exercises/01_mini/mini.py").read_text().endswith("# mended\n")
    (untouched / "exercises/01_mini/mini.py").unlink()
    assert release.update(load(course), untouched) == ["added exercises/01_mini/mini.py"]
    assert release.update(load(course), untouched) == [f"{untouched} is up to date"]


def test_an_update_brings_new_topics_and_takes_none_away(at_work):
    course, folder = at_work
    text = (course / "course.yaml").read_text()
    (course / "course.yaml").write_text(text + text.partition("topics:\n")[2].replace("01_mini", "02_more"))
    shutil.copytree(course / "exercises/01_mini", course / "exercises/02_more")
    release.as_folder(release.of_course(load(course), ["01_mini"]), folder.parent / "first")
    assert "added exercises/02_more/mini.py" in release.update(load(course), folder)
    assert release.update(load(course), folder.parent / "first") == [f"{folder.parent / 'first'} is up to date"]
    assert "added exercises/02_more/mini.py" in release.update(load(course), folder.parent / "first", ["02_more"])
    assert [topic.name for topic in load(folder.parent / "first").topics] == ["01_mini", "02_more"]

    (folder / "exercises/02_more/mini.py").write_text("my work\n")
    (course / "course.yaml").write_text(text)
    done = release.update(load(course), folder)
    assert "left exercises/02_more/mini.py, which the kit no longer has" in done
    assert "removed exercises/02_more/test_mini.py, which the kit no longer has" in done
    assert [path.name for path in (folder / "exercises/02_more").iterdir()] == ["mini.py"]


def test_a_student_updates_from_a_newer_kit(at_work, monkeypatch):
    course, folder = at_work
    newer = folder.parent / "newer"
    mend(course, "mini.py")
    package = wheel.build()
    monkeypatch.setattr(wheel, "build", lambda: wheel.Wheel("0.1.0+knew", "new.whl", package.content))
    release.as_folder(release.of_course(load(course)), newer)
    (newer / "exercises/01_mini/mini.py").write_text("begun in the wrong place\n")
    (folder / "exercises/01_mini/mini.py").write_text("my work\n")
    done = release.update(load(newer), folder)
    assert f"removed wheel/{package.name}, which the kit no longer has" in done
    assert done[-1] == f"the package is another one: run `pip install -r requirements.txt` in {folder} once more"
    assert (folder / "exercises/01_mini/mini.py").read_text() == "my work\n"
    assert (folder / "originals/exercises/01_mini/mini.py").read_text().endswith("# mended\n")
    (newer / "exercises/01_mini/test_mini.py").write_text("changed\n")
    with pytest.raises(KitError, match=r"test_mini\.py: not as it was released: unpack the kit once more"):
        release.update(load(newer), folder)


def test_an_older_kit_of_more_topics_is_not_updated_from_one_of_fewer(at_work):
    course, folder = at_work
    newer = folder.parent / "newer"
    manifest = json.loads((folder / "kit.json").read_text())
    release.as_folder(release.of_course(load(course)), newer)
    (folder / "kit.json").write_text(json.dumps({**manifest, "topics": ["00_before", "01_mini"]}))
    before = files_of(folder)
    with pytest.raises(KitError, match="has no 00_before, which the older kit has: ask for one with all topics"):
        release.update(load(newer), folder)
    assert files_of(folder) == before


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "no kit.json in it, so it is not a student kit"),
        ("", "not a kit.json that"),
        ("[]", "not a kit.json that"),
        ('{"schema": 2}', "schema 2, and this autograder knows 1"),
    ],
)
def test_an_update_of_what_is_no_kit_is_one_line(kit, course, manifest, reason):
    (course / "theirs").mkdir()
    if manifest is not None:
        (course / "theirs/kit.json").write_text(manifest)
    before = files_of(course)
    done = kit.run("release", "theirs", "--update", cwd=course)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert reason in done.stderr
    assert files_of(course) == before


def test_an_update_writes_and_removes_nothing_outside_the_folder(at_work):
    """A student's folder may be made to lead an instructor's command elsewhere."""
    course, folder = at_work
    mend(course, "README.md")
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "answers.md").write_text("secret\n")
    manifest = json.loads((folder / "kit.json").read_text())
    digest = next(iter(manifest["files"].values()))
    for name in ("../elsewhere/answers.md", str(elsewhere / "answers.md")):
        (folder / "kit.json").write_text(json.dumps({**manifest, "files": {**manifest["files"], name: digest}}))
        with pytest.raises(KitError, match=r"leads out of .*, so nothing was updated"):
            release.update(load(course), folder)
    (folder / "kit.json").write_text(json.dumps(manifest))
    shutil.move(folder / "exercises/01_mini", elsewhere / "01_mini")
    (folder / "exercises/01_mini").symlink_to(elsewhere / "01_mini")
    with pytest.raises(KitError, match=r"leads out of .*, so nothing was updated"):
        release.update(load(course), folder)
    (folder / "exercises/01_mini").unlink()
    shutil.move(elsewhere / "01_mini", folder / "exercises/01_mini")
    lesson = folder / "exercises/01_mini/README.md"
    lesson.unlink()
    lesson.symlink_to(elsewhere / "answers.md")
    release.update(load(course), folder)
    assert not lesson.is_symlink()
    assert lesson.with_name("README.md.yours").is_symlink()  # its text was not copied
    assert (elsewhere / "answers.md").read_text() == "secret\n"
    lesson.unlink()
    lesson.mkdir()
    with pytest.raises(KitError, match="a folder in the place of a file, so nothing was updated"):
        release.update(load(course), folder)


def test_an_update_that_was_interrupted_goes_on(at_work, monkeypatch):
    course, folder = at_work
    mend(course, "README.md")
    mend(course, "mini.py")
    rename = Path.replace

    def full(path, target):
        if Path(target).name == "test_mini.py" or Path(target).name == "kit.json":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(KitError, match="stopped half-way, give the command once more: No space left on device"):
        release.update(load(course), folder)
    monkeypatch.undo()
    release.update(load(course), folder)
    assert (folder / "exercises/01_mini/mini.py").read_text().endswith("# mended\n")
    assert not list(folder.rglob("*.yours*"))
    assert release.update(load(course), folder) == [f"{folder} is up to date"]
