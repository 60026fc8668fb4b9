"""`pytest exercises/TOPIC`, as a student runs it."""

import sys

import patient
import pytest


def self_check(course, *arguments, cwd=None):
    return patient.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments], cwd=cwd or course)


@pytest.fixture
def write(course):
    return (course / "exercises/01_mini/mini.py").write_text


def test_the_stub_reports_every_task_once_in_sentences(course):
    done = self_check(course, "exercises/01_mini")
    assert done.returncode == 1
    for task in ("row_means", "slope", "Scale"):
        assert f"{task}: not done yet" in done.stdout
    assert "Traceback" not in done.stdout
    assert "autograder/" not in done.stdout.replace("exercises/01_mini", "")
    assert "NotImplementedError" in done.stdout


def test_the_solved_module_is_all_green(course, write, solution):
    write(solution)
    done = self_check(course, "exercises/01_mini")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_module_is_found_from_any_folder(course, write, solution, tmp_path):
    write(solution)
    for cwd, target in ((tmp_path, course / "exercises/01_mini"), (course / "exercises/01_mini", ".")):
        assert self_check(course, str(target), cwd=cwd).returncode == 0


def test_an_endless_loop_is_that_tasks_and_the_others_still_run(course, write, solution):
    write(solution.replace("return 2 * x", "while True:\n        x = x + 1"))
    done = self_check(course, "exercises/01_mini")
    assert "slope: timeout" in done.stdout
    assert "It took longer than 2 s (line" in done.stdout
    assert "1 failed, 3 passed" in done.stdout


def test_the_other_checks_of_a_task_that_never_ends_do_not_wait_as_well(course, write, solution):
    write(solution.replace("return 2 * x", "while True:\n        x = x + 1"))
    checks = course / "exercises/01_mini/test_mini.py"
    text = checks.read_text()
    example = text[text.index("def test_slope__example") :]
    example = example[: example.index("\n\n")]
    checks.write_text(text + "\n\n" + example.replace("__example", "__again") + "\n")
    done = self_check(course, "exercises/01_mini")
    assert "1 failed, 3 passed, 1 skipped" in done.stdout
    assert done.stdout.count("It took longer than 2 s") == 1


@pytest.mark.parametrize(
    "body",
    ["while True:\n        try:\n            x = torch.relu(x)\n        except:\n            pass",
     "try:\n        while True:\n            x = torch.relu(x)\n    except:\n        return 2 * x"],
    ids=["again and again", "once"],
)  # fmt: skip
def test_an_endless_loop_that_catches_everything_is_stopped_all_the_same(course, write, solution, body):
    write(solution.replace("return 2 * x", body))
    done = self_check(course, "exercises/01_mini")
    assert "slope: timeout" in done.stdout
    assert "It took longer than 2 s (line" in done.stdout
    assert "of mini.py: `" in done.stdout
    assert "1 failed, 3 passed" in done.stdout


def test_a_task_that_trains_has_its_budgets_time_and_the_sentence_says_so(course, write, solution):
    write(solution.replace("return 2 * x", "while True:\n        x = x + 1"))
    text = (course / "course.yaml").read_text()
    minimum = "{photographs: 0.1, embedded: 0.1}"
    budget = f"images: 10, test_images: 10, batch: 5, epochs: 1, lr: 0.1, momentum: 0, minimum: {minimum}, seconds: 1"
    settings = f"settings: {{data: embedded, budget: quick, budgets: {{quick: {{{budget}}}}}}}\n    tasks:"
    text = text.replace("tasks:", settings, 1).replace("slope: {", "slope: {trains: true, ")
    (course / "course.yaml").write_text(text)
    assert "It took longer than 1 s (line" in self_check(course, "exercises/01_mini").stdout


def test_a_result_that_a_check_cannot_take_apart_is_no_traceback(course, write, solution):
    write(solution)
    with (course / "exercises/01_mini/test_mini.py").open("a") as suite:
        suite.write('\n\ndef test_row_means__three(student):\n    """gives three means"""\n'
                    '    first, second, third = student.call("row_means", torch.zeros(2, 4))\n')  # fmt: skip
    done = self_check(course, "exercises/01_mini")
    assert "row_means: failed" in done.stdout
    assert "a shape or a size that the check cannot work with" in done.stdout
    assert "first, second, third =" not in done.stdout


def test_a_wrong_value_shows_what_was_expected_and_a_suspicion(course, write, solution):
    write(solution.replace("2 * x", "-2 * x"))
    done = self_check(course, "exercises/01_mini")
    assert "wrong values in all 2 elements" in done.stdout
    assert "Expected 2 at [0], got -2." in done.stdout
    assert "The sign is wrong" in done.stdout
    assert "autograder hint slope" in done.stdout


def test_an_error_names_the_learners_line_alone(course, write, solution):
    write(solution.replace("t.mean(1)", "t.meen(1)"))
    done = self_check(course, "exercises/01_mini")
    assert "AttributeError: 'Tensor' object has no attribute 'meen' (line 8 of mini.py: `return t.meen(1)`)" in done.stdout
    assert "loading.py" not in done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def row_means(t:\n", "mini.py does not parse"),
        ("import sys; sys.exit()", "remove sys.exit()"),
        ("raise ValueError('not today')", "mini.py cannot be imported: ValueError: not today"),
        ("while True: pass", "It took longer than 2 s"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_in_a_sentence(course, write, text, words):
    write(text)
    done = self_check(course, "exercises/01_mini")
    assert done.returncode == 1
    assert words in done.stdout


def test_hidden_suites_run_against_the_solutions_not_the_stubs(course):
    done = self_check(course, "tests/hidden")
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_a_check_without_a_sentence_or_a_task_is_refused(course):
    suite = course / "exercises/01_mini/test_mini.py"
    suite.write_text("def test_slope__x(student):\n    pass\n")
    assert "needs a docstring" in self_check(course, "exercises/01_mini").stderr
    suite.write_text('def test_slop__x(student):\n    """gives"""\n')
    assert "has no task 'slop'" in self_check(course, "exercises/01_mini").stderr
