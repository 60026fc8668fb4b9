"""kill -9 of the grader, its server and a child: tests/benchmarks/kill_nine.py has more of it."""

import sys
from pathlib import Path

import patient

SCRIPT = Path(__file__).parents[2] / "benchmarks/kill_nine.py"


def test_whatever_is_killed_a_rerun_gives_the_results_of_an_undisturbed_run_and_leaves_nothing():
    done = patient.run([sys.executable, SCRIPT, "--times", "3", "--workers", "1"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 moments, 0 with something wrong" in done.stdout
