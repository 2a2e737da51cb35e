"""Sweeps whose workers train several trials together."""

import os
import signal

import numpy as np
import pytest

from mnistlab.config import load_run_config
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.train import train
from mnistlab.sweeps import executors
from tools.short_runs import fingerprint
from tools.short_sweeps import Heard, fingerprints, resume, rows, sweep

GRID = ("optimizer.lr=0.5,0.05,0.005", "regularization.l2=0,1e-3")


@pytest.fixture
def text(tmp_path):
    """A sweep's run on images of which most pixels are zero."""
    rng = np.random.default_rng(2)
    images = rng.integers(1, 256, (260, 10, 10)) * (rng.random((260, 10, 10)) < 0.2)
    labels = rng.integers(0, 10, 260)
    path = tmp_path / "dark.npz"
    parts = {"x": images.astype(np.uint8), "y": labels.astype(np.uint8)}
    train = {f"{key}_train": values[:220] for key, values in parts.items()}
    np.savez(path, **train, **{f"{key}_test": values[220:] for key, values in parts.items()})
    return (
        f"name: dark\ndata: {{source: npz, path: {path}, validation: 0.1}}\n"
        "model: {type: mlp, hidden: [6]}\ntraining: {epochs: 4, batch_size: 9}\n"
    )


@pytest.fixture
def submitted(monkeypatch):
    """How many tasks a worker got together, each time."""
    counts = []
    real = executors.LocalExecutor.submit

    def submit(self, *tasks):
        counts.append(len(tasks))
        real(self, *tasks)

    monkeypatch.setattr(executors.LocalExecutor, "submit", submit)
    return counts


def alone(result, folder):
    """The fingerprints of the trials' configurations, each trained by itself."""
    return {
        path.name: fingerprint(
            train(
                load_run_config(path / "config.yaml"),
                folder / "alone",
                RunOptions(data_dir=folder),
                plots=False,
            ).run_dir
        )
        for path in sorted(result.sweep_dir.glob("trials/[!.]*"))
    }


def test_trials_of_one_order_are_divided_among_the_workers_and_keep_their_bits(
    text, tmp_path, submitted
):
    heard = Heard()
    result = sweep(tmp_path, *GRID, text=text, callbacks=[heard])
    assert submitted == [3, 3]
    assert result.trials == {"finished": 6, "diverged": 0, "failed": 0}
    assert {row.trial for row in heard.trials} == set(range(6))
    assert fingerprints(result) == alone(result, tmp_path)


def test_trials_of_several_seeds_are_grouped_by_seed(text, tmp_path, submitted):
    sweep(tmp_path, "optimizer.lr=0.5,0.05", "seed=1,2", text=text, workers=1)
    assert submitted == [2, 2]


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_no_trial_with_it(text, tmp_path, submitted, monkeypatch):
    killed = []

    class Killer(Heard):
        def on_progress(self, progress):
            super().on_progress(progress)
            if progress.share > 0 and not killed:
                (worker,) = workers[-1:]
                killed.append(worker.process.pid)
                os.kill(worker.process.pid, signal.SIGKILL)

    workers = []
    real = executors.WorkerProcess.__init__

    def init(self, *arguments):
        real(self, *arguments)
        workers.append(self)

    monkeypatch.setattr(executors.WorkerProcess, "__init__", init)
    heard = Killer()
    long = text.replace("epochs: 4", "epochs: 400")
    result = sweep(tmp_path, *GRID, text=long, workers=1, callbacks=[heard])
    assert killed
    # Trials that were with the worker that died are trained alone from then on.
    assert submitted == [6, 1, 1, 1, 1, 1, 1]
    assert len([text for text in heard.warnings if "died" in text]) == 6
    assert {row.status for row in rows(result)} == {"finished"}
    assert resume(result).already_ended
    assert fingerprints(result) == alone(result, tmp_path)
