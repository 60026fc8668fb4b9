"""Several processes that train together, in a self-check: groups that are destroyed and yet not torn down."""

from __future__ import annotations

import importlib
import socket
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from autograder.checks.student import Student
from autograder.learner import ranks
from autograder.learner.in_process import InProcess
from autograder.learner.loading import load
from autograder.results import Status, StudentFault

SECONDS = 60.0
rendezvous: Any = importlib.import_module("torch.distributed.rendezvous")  # the name in the package is a function's

# As PyTorch's own tutorial writes it: the wrapper is still alive when its group is destroyed.
TUTORIAL = """
import weakref
import torch
import torch.distributed as dist
from torch.distributed import destroy_process_group, init_process_group, is_initialized

def train(rank, world_size, init_method):
    init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)
    group = weakref.ref(dist.group.WORLD)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 2))
    for _ in range(3):
        model(torch.full((4, 3), rank + 1.0)).sum().backward()
    destroy_process_group()
    return group, model.module.weight.grad

def sums(rank, world_size, init_method):
    found = []
    for turn in range(3):
        init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)
        few = dist.new_group([0])
        number = torch.tensor(10 * turn + rank)
        dist.all_reduce(number)
        found.append([number.item(), dist.get_rank(), dist.get_world_size(few) if rank == 0 else 1])
        destroy_process_group()
    return found

def fail_in_one(rank, world_size, init_method):
    init_process_group("gloo", init_method=init_method, rank=rank, world_size=world_size)
    if rank == 1:
        raise ValueError("this one fails")
    dist.all_reduce(torch.zeros(1))
"""


@pytest.fixture
def student(tmp_path: Path) -> Student:
    path = tmp_path / "together.py"
    path.write_text(textwrap.dedent(TUTORIAL))
    return Student(InProcess(load(path), 1 << 20, SECONDS), b"")


def trained(module: Any, *place: Any) -> dict[str, Any]:
    group, gradient = module.train(*place)
    kept = group() is not None
    try:
        rank: Any = module.dist.get_rank()
    except ValueError as error:
        rank = str(error)
    return {"kept": kept, "gradient": gradient, "destroyed": not module.is_initialized(), "rank": rank}


def test_a_group_that_is_destroyed_under_its_wrapper_is_kept_and_counts_as_destroyed(student: Student) -> None:
    for found in student.ranks(trained, 2):
        assert found["kept"]
        assert found["destroyed"]
        assert found["gradient"].tolist() == [[18.0] * 3] * 2  # 3 · 4 samples · the mean of 1 and 2
        assert "Default process group has not been initialized" in found["rank"]


def summed(module: Any, *place: Any) -> Any:
    return module.sums(*place)


def test_a_group_may_follow_on_one_that_is_destroyed(student: Student) -> None:
    found = student.ranks(summed, 2)
    assert found == [[[turn * 20 + 1, rank, 1] for turn in range(3)] for rank in range(2)]


def failing(module: Any, *place: Any) -> None:
    module.fail_in_one(*place)


def test_a_rank_that_fails_does_not_let_the_others_wait(student: Student) -> None:
    started = time.monotonic()
    with pytest.raises(StudentFault) as stopped:
        student.ranks(failing, 2)
    assert stopped.value.fault.status is Status.ERROR
    assert "this one fails" in stopped.value.fault.message
    assert time.monotonic() - started < SECONDS / 2


def test_who_comes_before_the_first_one_waits_until_it_listens():
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        host, port = first.getsockname()
        assert not ranks.wait_for(host, port, 0.05)
        waiting = ThreadPoolExecutor(1).submit(ranks.wait_for, host, port, SECONDS)
        assert not waiting.done()
        first.listen()
        assert waiting.result(SECONDS)


def test_ranks_find_the_store_of_the_first_and_no_other_looks_for_one(monkeypatch):
    made, looked = [], []
    monkeypatch.setattr(rendezvous, "_create_c10d_store", lambda *args: made.append(args))
    monkeypatch.setattr(ranks, "wait_for", lambda *args: looked.append(args))
    ranks.look_for_the_first_at_once()
    for rank in (0, 1):
        rendezvous._create_c10d_store("127.0.0.1", 7, rank, 2, timedelta(seconds=5), True)
    assert made == [("127.0.0.1", 7, rank, 2, timedelta(seconds=5), True) for rank in (0, 1)]
    assert looked == [("127.0.0.1", 7, 5.0)]
