"""Pieces of work in forks of this process."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from process_helpers import has_ended

from mnistlab.support import beside
from mnistlab.support.beside import Beside


@pytest.fixture(params=[1, 2])
def start(request, monkeypatch):
    monkeypatch.setattr(beside, "available_cpus", lambda: request.param)
    return Beside()


def test_each_piece_has_its_own_result_in_any_order_and_more_than_once(start):
    begun = [start(lambda n=n: (n, "x" * 200_000)) for n in range(9)]  # more than a pipe holds
    assert [wait()[0] for wait in reversed(begun)] == [*range(8, -1, -1)]
    assert [wait()[0] for wait in begun] == [*range(9)]


def test_with_two_processors_the_work_is_not_done_in_this_process(monkeypatch):
    monkeypatch.setattr(beside, "available_cpus", lambda: 2)
    assert Beside()(os.getpid)() != os.getpid()
    monkeypatch.setattr(beside, "available_cpus", lambda: 1)
    assert Beside()(os.getpid)() == os.getpid()


def test_while_all_processors_are_busy_the_work_is_done_here_at_once(monkeypatch, tmp_path):
    monkeypatch.setattr(beside, "available_cpus", lambda: 2)
    start, flag = Beside(), tmp_path / "flag"

    def until_flagged() -> int:
        while not flag.exists():
            time.sleep(0.01)
        return os.getpid()

    fork = start(until_flagged)
    here = [start(os.getpid) for _ in range(3)]
    fails = start(lambda: int("later"))
    with pytest.raises(ValueError, match="later"):
        fails()
    flag.touch()
    assert fork() != os.getpid()
    assert [wait() for wait in here] == [os.getpid()] * 3
    assert start(os.getpid)() != os.getpid()  # the fork has ended


def test_a_fork_that_has_ended_makes_room_though_nobody_has_asked_for_its_result(monkeypatch):
    monkeypatch.setattr(beside, "available_cpus", lambda: 2)
    start = Beside()
    first = start(os.getpid)
    for _ in range(500):
        if (second := start(os.getpid))() != os.getpid():
            break
        time.sleep(0.01)
    assert len({os.getpid(), first(), second()}) == 3


@pytest.mark.parametrize("processors", [2, 4])
def test_a_fork_divides_its_work_among_half_of_the_processors(processors, monkeypatch):
    monkeypatch.setattr(beside, "available_cpus", lambda: processors)
    start = Beside()

    def divided() -> tuple[int, int]:
        return os.getpid(), start(os.getpid)()

    others = [start(lambda: None) for _ in range(processors - 2)]  # are not its forks
    fork, part = start(divided)()
    assert fork != os.getpid()
    assert (part != fork) == (processors == 4)
    assert [wait() for wait in others] == [None] * len(others)


DIES = """
import os, signal, sys, time
from mnistlab.support.platform import system
def work():
    print(os.getpid(), flush=True)
    return "x" * 1_000_000  # more than a pipe holds: it waits for a reader
for _ in range(2):
    system.run_beside(work)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_forks_end_with_their_process_though_nobody_reads_their_results():
    with subprocess.Popen([sys.executable, "-c", DIES], stdout=subprocess.PIPE, text=True) as one:
        forks = [int(one.stdout.readline()) for _ in range(2)]
        assert not any(map(has_ended, forks))
        one.kill()
    for _ in range(200):
        if all(map(has_ended, forks)):
            return
        time.sleep(0.05)
    pytest.fail("a fork waits for ever")


def test_the_error_of_a_piece_is_raised_where_its_result_is_wanted(start):
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        start(fail)()
