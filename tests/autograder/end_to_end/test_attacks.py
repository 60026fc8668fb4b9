"""Hostile submissions that know the protocol: none forges a point, leaves anything behind, or costs anybody else."""

import json
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import patient
import pytest
from hostile import FINDS_KIT

HERE = Path(__file__).parent
EMPTY = "answer = 42\n"
ATTACKS = {path.stem: path.read_text() for path in sorted((HERE / "attacks").glob("*.py"))}
WRONG = ATTACKS.pop("control_wrong")
ORDINARY = 65534
USERS = ["root", "ordinary user"] if os.geteuid() == 0 else ["ordinary user"]
LIMITS = "import_seconds: 2, check_seconds: 1, total_seconds: 8, memory_mb: 256, reply_mb: 4, scratch_mb: 4"
SECRET = "MARKER-7f3a"
STUMBLE = re.compile(
    r"\b(Assertion|Attribute|Import|ModuleNotFound|Key|Name|Type|UnboundLocal|Value)Error\b.*\(line \d+ of mini\.py", re.DOTALL
)
SHADOW = """
import sys
class Any:
    def __getattr__(self, name): return lambda *_, **__: Any()
sys.modules[__name__] = Any()
def pytest_runtest_call(item): item.obj = lambda **_: None
"""
SHADOWED = ("torch.py", "json.py", "numpy.py", "conftest.py", "sitecustomize.py", "usercustomize.py",
            "autograder.py", "autograder/__init__.py", "autograder/learner/loading.py",
            "test_mini.py", "struct.py", "pytest.py")  # fmt: skip


def folders():
    """Submissions whose files, not whose code, are the attack; each says what may become of it."""
    deep_source = "x = " + "-" * 50_000 + "1\n"
    return {
        "shadowed": {"mini.py": f"{WRONG}\nimport json, struct\n", "pytest.ini": "[pytest]\naddopts = --co\n",
                     **dict.fromkeys(SHADOWED, SHADOW)},
        "deep_source": EMPTY + deep_source,
        "nested_source": EMPTY + "x = " + "(" * 5000 + ")" * 5000 + "\n",
        "long_chain": EMPTY + "def f(a):\n    return a" + ".a" * 20_000 + "\n",
        "many_tokens": EMPTY + "x = [" + "1," * 50_000 + "]\n",
        "nul_bytes": EMPTY.encode() + b"\0\0\0",
        "larger_than_scratch": {"mini.py": EMPTY, "weights.bin": b"x" * (6 << 20)},
        "many_small_files": {"mini.py": EMPTY, **{f"{i}.txt": "x" for i in range(150)}},
    }  # fmt: skip


def archives(folder, solution):
    """Archives that lie, climb, clash or burst."""

    def archive(name, entries, compression=zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(folder / f"{name}.zip", "w", compression) as file:
            for entry, body in entries:
                file.writestr(entry, body)

    archive("zip_bomb", [("mini.py", EMPTY), ("bomb.bin", bytes(200 << 20))])
    archive("zip_many", [("mini.py", EMPTY), *((f"{i}.txt", "") for i in range(5000))])
    climbing = [f"{'../' * depth}solutions/01_mini/mini.py" for depth in range(1, 6)]
    climbing += ["../../../out/results/control_correct.json", "/etc/autograder-attack"]
    archive("zip_climbs", [("mini.py", EMPTY), *((name, "x") for name in climbing)])
    archive("zip_climbs_alone", [("../mini.py", solution)])
    archive("zip_long_name", [("mini.py", EMPTY), ("x" * 300 + ".txt", "x")])
    archive("zip_deep", [("mini.py", EMPTY), ("a/" * 1500 + "x.txt", "x")])
    archive("zip_60000_letters", [("mini.py", EMPTY), *((f"{i}" + "n" * 60_000, "") for i in range(100))])
    archive("zip_clash", [("mini.py", EMPTY), ("a", "x"), ("a/b", "x")])
    link = zipfile.ZipInfo("mini.py")
    link.external_attr = 0o120777 << 16
    archive("zip_link", [(link, "../../solutions/01_mini/mini.py")])
    whole = (folder / "zip_many.zip").read_bytes()
    (folder / "zip_cut.zip").write_bytes(whole[: len(whole) // 2])
    archive("zip_lzma", [("mini.py", EMPTY), ("b.bin", os.urandom(2000))], zipfile.ZIP_LZMA)
    damaged = bytearray((folder / "zip_lzma.zip").read_bytes())
    at = damaged.find(b"b.bin") + 25
    damaged[at : at + 180] = bytes(byte ^ 0xFF for byte in damaged[at : at + 180])
    (folder / "zip_lzma.zip").write_bytes(damaged)


def odd_files(folder, course):
    """Links to what a submission must not see, and files that are none."""
    solution = course / "solutions/01_mini"
    for name in ("link_module", "link_helper", "link_folder", "fifo"):
        (folder / name).mkdir()
    (folder / "link_module/mini.py").symlink_to(solution / "mini.py")
    (folder / "link_helper/mini.py").write_text(EMPTY + "from answers import *\n")
    (folder / "link_helper/answers.py").symlink_to(solution / "mini.py")
    (folder / "link_folder/mini.py").write_text(EMPTY + "from lib.mini import *\n")
    (folder / "link_folder/lib").symlink_to(solution)
    (folder / "link_itself").symlink_to(solution)
    os.mkfifo(folder / "fifo/mini.py")


NAMES = ("-rf", "$(touch autograder-attack-name)", "new\nline", "[red]x[blue]", "<img src=x>", "a'b\"c", "é" * 110,
         "x" * 240, "z" * 255, "y" * 200 + "1", "y" * 200 + "2",
         os.fsdecode(b"m" + b"\xff" * 100), "up\\..\\..", "con.json", "%2e%2e%2fup", "\u202egnp")  # fmt: skip


@pytest.fixture(scope="module", params=USERS)
def graded(request, kit):
    """One grading of all attacks between correct submissions, as root and as an ordinary user."""
    folder = Path(tempfile.mkdtemp(prefix="attacked-"))
    course, scratch, report = kit.course(folder / "course"), folder / "tmp", folder / "left.json"
    handed_in = course / "handed-in"
    settings = (course / "course.yaml").read_text().splitlines()
    settings[1] = f"limits: {{{LIMITS}}}"
    (course / "course.yaml").write_text("\n".join(settings))
    for secret in ("solutions/01_mini/mini.py", "tests/hidden/01_mini/test_mini.py"):
        with (course / secret).open("a") as file:
            file.write(f"# {SECRET}\n")
    correct = {"control_correct": kit.solution, "m_correct": f"# {SECRET}\n{kit.solution}", "zz_correct": kit.solution}
    kit.write(handed_in, {**correct, **folders(), "control_wrong": WRONG})
    kit.write(handed_in, {name: f"{WRONG}\n{FINDS_KIT}\n\n{text}" for name, text in ATTACKS.items()})
    kit.write(handed_in, dict.fromkeys(NAMES, EMPTY))
    archives(handed_in, kit.solution)
    odd_files(handed_in, course)
    scratch.mkdir()
    ordinary = []
    if request.param == "ordinary user" and os.geteuid() == 0:
        ordinary = ["--ordinary"]
        for path in (folder, course, *course.rglob("*"), scratch):
            os.chown(path, ORDINARY, ORDINARY, follow_symlinks=False)
    before = left_behind()
    started = time.monotonic()
    done = patient.run(
        [sys.executable, HERE.parent / "supervise.py", report, *ordinary, sys.executable, "-m", "autograder",
         "grade", "handed-in", "--topic", "01_mini", "--out", "out", "--workers", "2"],
        cwd=course,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(scratch), "SECRET": SECRET, "COLUMNS": "200"},
    )  # fmt: skip
    yield SimpleNamespace(
        code=done.returncode, stderr=done.stderr, seconds=time.monotonic() - started, course=course, scratch=scratch,
        entries=len(list(handed_in.iterdir())),
        results={path.stem: json.loads(path.read_text()) for path in (course / "out/results").glob("*.json")},
        processes=json.loads(report.read_text()), files=left_behind() - before,
    )  # fmt: skip
    shutil.rmtree(folder)


def left_behind():
    places = ("/", "/tmp", "/var/tmp", "/dev/shm", "/etc", "/run", str(Path.home()))
    return {path for place in places for path in Path(place).glob("autograder-attack*")}


def test_every_submission_has_a_result_and_the_command_succeeds(graded):
    assert graded.code == 0, graded.stderr
    assert len(graded.results) == graded.entries


def test_at_least_thirty_attacks():
    assert len(ATTACKS) >= 30


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_earns_nothing_and_breaks_nothing(graded, name):
    result = graded.results[name]
    assert result["score"] == graded.results["control_wrong"]["score"] == 0, result
    assert result["status"] in ("graded", "unreadable"), result
    assert not {task["status"] for task in result["tasks"]} & {"passed", "partial", "broken"}, result
    assert "LEAK" not in json.dumps(result)


def test_no_attack_stumbles_over_its_own_lines(graded):  # it would try nothing, and pass for ever
    by_hand = "slope"  # in whose process ctypes calls nothing; each attack runs in that of the other tasks as well
    results = {name: graded.results[name] for name in ATTACKS}
    said = {name: [r["message"], *(t["message"] for t in r["tasks"] if t["id"] != by_hand)] for name, r in results.items()}
    assert [(name, text) for name, texts in said.items() for text in texts if STUMBLE.search(text)] == []


def test_files_and_names_earn_nothing_and_break_nothing(graded):
    others = [r for name, r in graded.results.items() if name not in ATTACKS and not name.endswith("_correct")]
    assert [r["submission"] for r in others if r["score"] or r["status"] not in ("graded", "unreadable")] == []


@pytest.mark.parametrize("name", ["control_correct", "m_correct", "zz_correct"])
def test_correct_submissions_in_the_same_run_keep_their_points(graded, name):
    assert graded.results[name]["score"] == graded.results[name]["max_score"] == 6.0, graded.results[name]


def test_nothing_secret_reaches_a_result(graded):
    written = [path for path in (graded.course / "out").rglob("*") if path.is_file()]
    assert written
    holding = {str(path.relative_to(graded.course / "out")) for path in written if SECRET in path.read_text(errors="replace")}
    assert holding == {"evidence/m_correct.json"}  # its own text, for the instructor alone


def test_texts_of_submissions_cannot_act(graded):
    written = [path for path in (graded.course / "out").rglob("*") if path.is_file()]
    for path in written:
        text = path.read_text()
        assert "<script>alert" not in text or path.suffix in (".json", ".csv"), path
        assert not set("\x1b\x07\x00\u202e") & set(text), path


def test_no_process_is_left(graded):
    assert graded.processes == []


def test_no_file_is_left_or_changed(graded, kit):
    assert graded.files == set()
    assert list(graded.scratch.iterdir()) == []
    solution = (graded.course / "solutions/01_mini/mini.py").read_text()
    assert solution == f"{kit.solution}# {SECRET}\n"
    assert {path.name for path in graded.course.iterdir()} == {
        "course.yaml",
        "exercises",
        "solutions",
        "tests",
        "handed-in",
        "out",
    }


def test_the_run_ends_in_bounded_time(graded):
    limit = 8 + 2 + 2  # seconds for all of one submission's checks, its import, and one more import
    assert graded.seconds < len(graded.results) * limit / 2
