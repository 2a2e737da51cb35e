"""Workers that die, are stopped, or hit a limit of the machine; all are real processes."""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack

import pytest

from mnistlab.config import dump_yaml, parse_run_config, resolved_mapping
from mnistlab.store.locks import only_process
from mnistlab.store.run_dir import RunDir, make_complete
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps import dispatch, executors
from tools.short_sweeps import RUN, Heard, fingerprints, resume, rows, sweep

# Code that a worker runs before it takes trials; some trials do something else first.
SABOTAGE = """
import errno, os, signal, time
from pathlib import Path
from mnistlab.sweeps import run_trial
real = run_trial.resuming
def resuming(run_dir, config, *more, **options):
    lr = config.optimizer.lr
{0}
    return real(run_dir, config, *more, **options)
run_trial.resuming = resuming
"""
SEGFAULT = "    if lr == 0.5: import ctypes; ctypes.string_at(0)"


@pytest.fixture
def sabotaged(monkeypatch):
    """Makes workers run this code, indented once, before each trial."""

    def sabotage(lines: str) -> None:
        begin = "from mnistlab.sweeps.worker import main\n"
        assert begin in executors.START
        start = executors.START.replace(begin, begin + SABOTAGE.replace("{0}", lines))
        monkeypatch.setattr(executors, "START", start)

    return sabotage


def statuses(result) -> dict[float, str]:
    return {row.parameters["optimizer.lr"]: row.status for row in rows(result)}


def test_a_trial_that_kills_its_worker_each_time_fails_and_all_others_finish(tmp_path, sabotaged):
    sabotaged(SEGFAULT)
    heard = Heard()
    result = sweep(tmp_path, "optimizer.lr=0.1,0.5,0.2,0.3", callbacks=[heard])
    assert statuses(result) == {0.1: "finished", 0.5: "failed", 0.2: "finished", 0.3: "finished"}
    (failed,) = result.failures
    assert failed.reason.startswith("its worker died 3 times, the last time by SIGSEGV")
    assert len([text for text in heard.warnings if "trial 1 " in text]) == 2
    # It stays failed: nothing is run twice.
    assert resume(result).already_ended


def test_a_worker_killed_from_outside_is_replaced_and_its_trial_taken_up_again(tmp_path, sabotaged):
    once = tmp_path / "once"
    sabotaged(
        f"    if lr == 0.5 and not Path({str(once)!r}).exists():\n"
        f"        Path({str(once)!r}).touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)"
    )
    heard = Heard()
    result = sweep(tmp_path, "optimizer.lr=0.1,0.5", workers=1, callbacks=[heard])
    assert set(statuses(result).values()) == {"finished"}
    assert len(heard.warnings) == 1
    assert "died by SIGKILL" in heard.warnings[0]


def test_a_point_that_asks_for_too_much_memory_is_refused_before_the_first_trial(tmp_path):
    huge = f"[{', '.join(['100000'] * 30)}]"
    with pytest.raises(ConfigError, match=r"model\.hidden: training takes \d"):
        sweep(tmp_path, f"model.hidden=[4],{huge},[5]")
    assert not (tmp_path / "runs").exists()


def test_an_error_inside_a_trial_is_its_failure_with_the_reason(tmp_path, sabotaged):
    sabotaged("    if lr == 0.5: raise ZeroDivisionError('by nothing')")
    result = sweep(tmp_path, "optimizer.lr=0.1,0.5", workers=1)
    assert statuses(result) == {0.1: "finished", 0.5: "failed"}
    assert result.failures[0].reason == "ZeroDivisionError: by nothing"


def test_a_full_disk_stops_the_sweep_and_is_no_trials_failure(tmp_path, sabotaged):
    full = tmp_path / "full"
    full.touch()
    sabotaged(f"    if Path({str(full)!r}).exists(): raise OSError(errno.ENOSPC, 'No space left')")
    with pytest.raises(Exception, match="No space left"):
        sweep(tmp_path, "optimizer.lr=0.1,0.5", workers=1)
    full.unlink()
    path = next(tmp_path.glob("runs/2*"))
    result = resume(type("Left", (), {"sweep_dir": path})())
    assert result.trials == {"finished": 2, "diverged": 0, "failed": 0}


def worker_of(folder) -> list[int]:
    told = subprocess.run(["pgrep", "-f", f"sweeps.worker.*{folder}/data"], capture_output=True)
    return [int(line) for line in told.stdout.split()]


class Interrupting(Heard):
    """Sends this process a signal once, during a trial."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__()
        self.number = number

    def on_progress(self, progress):
        if progress.share > 0.1 and not self.progress:
            super().on_progress(progress)
            signal.raise_signal(self.number)


LONG = ("optimizer.lr=0.1,0.2,0.3", "training.epochs=100", "data.train_limit=null")


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The sweep that is not stopped."""
    return fingerprints(sweep(tmp_path_factory.mktemp("calm"), *LONG))


@pytest.mark.slow
def test_a_signal_stops_all_workers_with_their_checkpoints_and_the_rest_is_resumed(tmp_path, calm):
    # SIGINT stops sweeps in test_cluster.py, and both signals in tests/cli/test_cli_sweep.py.
    result = sweep(tmp_path / "stopped", *LONG, callbacks=[Interrupting(signal.SIGTERM)])
    assert (result.status, result.signal) == ("interrupted", signal.SIGTERM)
    assert result.left >= 1
    assert worker_of(tmp_path / "stopped") == []
    assert "interrupted" in {row.status for row in rows(result)}
    again = resume(result)
    assert (again.status, again.left) == ("finished", 0)
    assert fingerprints(again) == calm


def test_a_workers_warnings_are_shown(tmp_path, sabotaged):
    sabotaged("    import logging; logging.getLogger('mnistlab.data').warning('the disk is slow')")
    heard = Heard()
    sweep(tmp_path, "optimizer.lr=0.1", callbacks=[heard])
    assert heard.warnings == ["the disk is slow"]


def test_a_trial_that_another_process_trains_is_waited_for(tmp_path, monkeypatch):
    """As after a killed sweep, while its last worker still saves a checkpoint."""
    result = sweep(tmp_path, "optimizer.lr=0.1")
    (folder,) = (result.sweep_dir / "trials").iterdir()
    (folder / "run.json").write_text(
        '{"status": "running", "started": "2026-11-21T14:00:00+00:00", "config": {}}'
    )
    holder = ExitStack()
    holder.enter_context(only_process(RunDir(folder)))
    busy = []

    def reports(executor, timeout):
        found = real(executor, timeout)
        busy.extend(one for one in found if isinstance(one, executors.Busy))
        if len(busy) == 2:  # the sweep has tried again meanwhile
            holder.close()
        return found

    real = executors.LocalExecutor.reports
    monkeypatch.setattr(executors.LocalExecutor, "reports", reports)
    monkeypatch.setattr(dispatch, "SECONDS_BETWEEN_TRIES", 0.0)
    assert resume(result).trials["finished"] == 1
    assert len(busy) >= 2


def test_a_worker_whose_sweep_hangs_up_saves_a_checkpoint_and_ends(tmp_path):
    """As when the sweep is killed: no lost message counts as the trial's fault."""
    config = parse_run_config(RUN, "f", ["training.epochs=100000"])
    folder = tmp_path / "trial"
    assert make_complete(folder, "config.yaml", dump_yaml(config))
    with executors.LocalExecutor(1, tmp_path / "data") as executor:
        executor.submit(executors.Task("id", folder, resolved_mapping(config)))
        metrics = folder / "metrics.csv"
        deadline = time.monotonic() + 60
        while not (metrics.exists() and metrics.read_text().count("\n") > 20):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (worker,) = worker_of(tmp_path)
        executor._all[0].channel.socket.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 5
        while worker in worker_of(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert worker_of(tmp_path) == []
    record = json.loads((folder / "run.json").read_text())
    assert (record["status"], record["reason"]) == ("interrupted", None)
    assert (folder / "checkpoints" / "last.safetensors").exists()


def test_a_worker_has_one_thread_whatever_its_environment_says(tmp_path, sabotaged, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    told = tmp_path / "told"
    sabotaged(
        "    import numba\n"
        f"    Path({str(told)!r}).write_text("
        "f\"{numba.config.NUMBA_NUM_THREADS} {os.environ['OMP_NUM_THREADS']}\")"
    )
    sweep(tmp_path, "optimizer.lr=0.1")
    assert told.read_text() == "1 1"
    assert os.environ["OMP_NUM_THREADS"] == "8"
