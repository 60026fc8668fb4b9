"""The tests' own waits: what hangs is told apart from what works on, and both from what computes for too long."""

import sys
from types import SimpleNamespace

import patient
import pytest


def test_who_works_on_after_a_process_with_more_work_has_ended_does_not_rest(monkeypatch):
    clock, sums = iter(range(0, 10_000, 100)), iter([30.0, 4.0, 5.5, 5.5])
    monkeypatch.setattr(patient, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(patient, "processor_seconds", lambda _: next(sums))
    work = patient.Work(1)
    assert [work.rested() for _ in range(4)] == [100, 100, 100, 200]  # each look at the clock is 100 s after the one before
    assert work.used == 30.0


def test_a_command_that_does_nothing_hangs(monkeypatch):
    monkeypatch.setattr(patient, "STILL", 1.5)
    with pytest.raises(patient.StuckError, match="hangs"):
        patient.run([sys.executable, "-c", "import time; time.sleep(600)"])


def test_a_command_that_computes_for_too_long_loops():
    with pytest.raises(patient.StuckError, match="loops"):
        patient.run([sys.executable, "-c", "while True: pass"], most=0.5)
