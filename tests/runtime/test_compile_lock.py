"""Processes compile one after another, and one that compiles much lets the others in between."""

import threading

import numpy as np
import pytest

from mnistlab.blocks.activations import ACTIVATIONS
from mnistlab.blocks.activations._ops import forward_types
from mnistlab.runtime import compiler, compiling


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache; locks of two threads exclude each other like those of two processes."""
    monkeypatch.setattr(compiler, "kernel_cache_dir", lambda: tmp_path)


def wait_for_the_lock_in_a_thread(then):
    """Start a thread that calls `then` under the lock; returns it once it waits for the lock."""
    waits = threading.Event()

    def other():
        with compiler.compile_lock(waiting=waits.set):
            then()

    thread = threading.Thread(target=other)
    thread.start()
    waits.wait()
    return thread


def test_who_wants_the_lock_again_at_once_stays_behind_those_that_wait(cache):
    order = []
    with compiler.compile_lock():
        thread = wait_for_the_lock_in_a_thread(lambda: order.append("other"))
    with compiler.compile_lock():
        order.append("again")
    thread.join()
    assert order == ["other", "again"]


def test_a_process_is_told_once_that_it_waits(cache):
    told = []
    with compiler.compile_lock():
        thread = wait_for_the_lock_in_a_thread(lambda: None)
        gate = threading.Event()

        def third():
            told.append("waiting")
            gate.set()

        def last():
            with compiler.compile_lock(waiting=third):
                pass

        behind = threading.Thread(target=last)
        behind.start()
        gate.wait()
    for one in (thread, behind):
        one.join()
    assert told == ["waiting"]


def test_between_the_portions_of_a_warmup_others_compile(cache, monkeypatch):
    blocks = [ACTIVATIONS.blocks[name] for name in ("identity", "relu", "relu6")]
    functions = [(block.forward, forward_types(np.dtype(np.float32))) for block in blocks]
    order, threads, counts = [], [], []

    def compile_all(portion, processes, lock, first, done):
        order.extend(portion)
        if not threads:
            threads.append(wait_for_the_lock_in_a_thread(lambda: order.append("other")))
        for _ in portion:
            done()

    monkeypatch.setattr(compiling, "compile_all", compile_all)
    monkeypatch.setattr(compiling, "PORTION", 1)
    compiled, _ = compiling.compile_in_advance([], functions, 1, lambda *of: counts.append(of))
    threads[0].join()
    assert order == [functions[0], "other", *functions[1:]]
    assert counts == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert compiled == 3
    assert all(compiler.is_compiled(*one) for one in functions)
