"""Items spread over several workers: all are done, each worker keeps to one kind, and one that ends takes no item along."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading

import pytest

from autograder.grading import pool


@pytest.fixture
def workers(monkeypatch):
    """Threads in the place of processes, which work the same way; their numbers."""
    numbers = []

    @contextlib.contextmanager
    def worker(work):
        mine, theirs = multiprocessing.Pipe()
        numbers.append(len(numbers))
        thread = threading.Thread(target=serve, args=(work, theirs, numbers[-1]))
        thread.start()
        yield mine
        mine.close()
        thread.join()

    monkeypatch.setattr(pool, "worker", worker)
    return numbers


def serve(work, connection, number):
    with contextlib.suppress(EOFError, ConnectionResetError, BrokenPipeError), connection:
        work(number, iter(connection.recv, None), connection.send)


def test_a_worker_keeps_to_its_kind_then_turns_to_one_that_nobody_is_at_and_then_helps(workers):
    both_begin, last_waits = threading.Barrier(2), threading.Event()

    def work(number, items, emit):
        for done, item in enumerate(items):
            if not done:
                both_begin.wait(10)  # or one may be done with all before the other begins
            if item == "c1":
                last_waits.wait(10)
            emit((number, item))

    def emit(found):
        emitted.append(found)
        if found[1] == "c3":
            last_waits.set()

    emitted = []
    items = ["a1", "a2", "b1", "b2", "c1", "c2", "c3"]
    assert pool.spread(work, items, emit, 2, kind=lambda item: item[0]) == []
    assert sorted(item for _, item in emitted) == items
    of = [[item for number, item in emitted if number == each] for each in workers]
    assert sorted(each[:2] for each in of) == [["a1", "a2"], ["b1", "b2"]]
    whose = {item: number for number, item in emitted}
    assert whose["c1"] != whose["c2"] == whose["c3"]


def test_an_item_whose_worker_ends_gets_another_one_and_is_given_up_after_the_second(workers):
    def work(number, items, emit):
        for item in items:
            if item == "deadly" or (item == "once" and not number):
                return
            emit(item)

    emitted = []
    assert pool.spread(work, ["once", "deadly", "fine"], emitted.append, 1) == ["deadly"]
    assert sorted(emitted) == ["fine", "once"]
    assert len(workers) == 3


def test_what_an_item_leads_to_is_done_too(workers):
    def work(_number, items, emit):
        for item in items:
            emit(item)

    def emit(item):
        emitted.append(item)
        return [item[:-1]] * 2 if len(item) > 1 else None

    emitted = []
    assert pool.spread(work, ["abc"], emit, 2) == []
    assert sorted(emitted) == ["a"] * 4 + ["ab"] * 2 + ["abc"]
