"""Threads and compilation change no bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mnistlab.runtime.lanes import MOST_LANES, lanes_for
from mnistlab.runtime.threads import engine_threads

HERE = Path(__file__).parent


@pytest.mark.parametrize("asked", [1, 2, None, 1024])
def test_the_threads_asked_for_are_had_as_far_as_there_are_any(asked):
    import numba

    pool, before = numba.config.NUMBA_NUM_THREADS, numba.get_num_threads()
    with engine_threads(asked) as threads:
        assert threads == numba.get_num_threads() == min(asked or pool, pool)
    assert numba.get_num_threads() == before


def test_blas_has_one_thread_while_the_engine_runs():
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads_of_blas():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with engine_threads(None):
        pass  # every BLAS is loaded now
    with threadpool_limits(2, user_api="blas"):
        assert threads_of_blas() == {2}
        with engine_threads(None):
            assert threads_of_blas() == {1}
        assert threads_of_blas() == {2}


def test_lanes_are_fixed_by_the_work():
    assert [lanes_for(work) for work in (0, 399_999, 400_000, 10**12)] == [1, 1, 2, MOST_LANES]


def run_script(name, **environment):
    """The last line that a script in this folder prints, as JSON."""
    path = os.pathsep.join([str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(HERE / name)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_one_two_and_three_threads_leave_the_same_bytes():
    found = run_script("script_threads.py", NUMBA_NUM_THREADS="3")
    assert len(found) == 7
    for name, by_threads in found.items():
        assert list(by_threads) == ["1", "2", "3"]
        lanes = {run["lanes"] for run in by_threads.values()}
        assert lanes.pop() >= 3, f"{name} is too small to be divided among three threads"
        assert len({run["sha256"] for run in by_threads.values()}) == 1, name


def test_the_engine_runs_interpreted_and_trains_as_when_compiled():
    interpreted = run_script("script_interpreted.py", NUMBA_DISABLE_JIT="1")
    compiled = run_script("script_interpreted.py", NUMBA_DISABLE_JIT="0")
    assert interpreted.pop("jit") is False
    assert compiled.pop("jit") is True
    assert interpreted.keys() == compiled.keys()
    for name, run in compiled.items():
        other = interpreted[name]
        assert np.ptp(run["params"]) > 0.1
        for vector in ("params", "gradient"):
            np.testing.assert_allclose(other[vector], run[vector], rtol=0, atol=1e-6)
        assert other["running"] == pytest.approx(run["running"], rel=1e-5)
        assert other["evaluation"] == pytest.approx(run["evaluation"], rel=1e-5)
