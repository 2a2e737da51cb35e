"""Runs drawn sweeps with trials that are not trained: their metrics are drawn from their ids."""

import os
import random
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

from mnistlab.config.load_sweep import sweep_from_mapping
from mnistlab.search.pruners import Plan
from mnistlab.store.metrics import METRICS, MetricsRow, read_metrics
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import (
    DatasetRecord,
    GitState,
    ImageCounts,
    RunFacts,
    RunRecord,
    Seconds,
    write_run_record,
)
from mnistlab.store.status import Status
from mnistlab.sweeps import executors, sweep_run, sweeper
from mnistlab.sweeps.pruned import Watched
from mnistlab.sweeps.sweep_options import SweepOptions

DIVERGES = 0.06  # of the trials


class KilledError(BaseException):
    """Ends a sweep at once, as -9 does: nothing is told or written after it."""


class PretendingExecutor(executors.LocalExecutor):
    """Ends trials in random order, without training them."""

    trains_together = False

    def __init__(self, workers, chance, killed_after=None):
        self.workers = workers
        self.chance = chance
        self.left = killed_after  # reports until the sweep is killed
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *raised): ...

    def start(self, count): ...

    def stop(self): ...

    def has_room(self):
        return len(self.running) < self.workers

    def submit(self, *tasks):
        self.running += tasks

    def reports(self, timeout):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                # Half of those that were in training had written a part of their rows.
                for task in self.running[::2]:
                    pretend(task, until=self.chance.randint(1, 3))
                raise KilledError
        task = self.running.pop(self.chance.randrange(len(self.running)))
        pretend(task)
        return [executors.Ended(task.trial)]


def pretend(task, until=None):
    """Write what a training would have written; `until`: a part of it, as one that was killed."""
    run_dir, chance = RunDir(task.run_dir), random.Random(task.trial)
    last = task.config["training"]["epochs"]
    level, diverges = chance.uniform(0.1, 0.97), chance.random() < DIVERGES
    rows = [_row(epoch, level, chance) for epoch in range(1, last + 1)]
    if diverges:
        rows = rows[: last // 2]
    before = len(read_metrics(run_dir.metrics)) if run_dir.metrics.exists() else 0
    plan = Watched(Plan(), "val_loss", 1.0) if task.prune is None else Watched.from_told(task.prune)
    stop = plan.plan.stops_at(plan.curve(rows))
    status = Status.DIVERGED if diverges else Status.FINISHED
    if stop is not None and stop < len(rows):
        rows, status = rows[: max(stop, before)], Status.PRUNED
    if until is not None:
        rows, status = rows[: max(until, before)], Status.RUNNING
    run_dir.metrics.write_text(METRICS.text(rows), encoding="utf-8")
    end = rows[-1]
    measured = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    write_run_record(
        run_dir,
        RunRecord(
            status=status,
            seconds=Seconds(end.seconds or 0.0, end.seconds or 0.0),
            epochs=len(rows),
            metrics={name: getattr(end, name) for name in measured},
            started=datetime.now(UTC),
            facts=_facts(1000 + sum(sum(task.config["model"]["hidden"]) for _ in range(1))),
            config=task.config,
        ),
    )


def _row(epoch, level, chance):
    reached = level * (1 - 0.5**epoch) + chance.uniform(0, 0.02)
    return MetricsRow(
        epoch=epoch,
        step=epoch * 3,
        lr=0.1,
        train_loss=1 - reached,
        train_accuracy=min(1.0, reached + 0.01),
        val_loss=1.1 - reached,
        val_accuracy=reached,
        seconds=epoch * (0.5 + level),
    )


def _facts(parameters):
    return RunFacts(
        argv=[],
        mnistlab="",
        versions={},
        git=GitState(None, None),
        platform="",
        processor=None,
        cpus=1,
        threads=1,
        dataset=DatasetRecord("digits", "0" * 64, ImageCounts(1, 1, 1), (28, 28), [], 1.0, 0.0),
        parameters=parameters,
        layers=[],
    )


@contextmanager
def pretending(workers, chance, killed_after=None):
    """Inside, sweeps do not train their trials."""
    executor = PretendingExecutor(workers, chance, killed_after)
    changes = [
        (sweep_run, "LocalExecutor", lambda *arguments: executor),
        # `parallel` is the number of workers that fit, which would depend on the free memory.
        (sweep_run, "workers_that_fit", lambda needed, workers, available: workers),
        (sweeper, "compile_all", lambda *arguments: None),
        (sweeper, "refuse_changed", lambda *arguments, **options: None),
        (os, "fsync", lambda descriptor: None),
    ]
    with ExitStack() as stack:
        for where, name, value in changes:
            stack.enter_context(patch.object(where, name, value))
        yield


def options(folder):
    return SweepOptions(data_dir=folder / "data", workers=None)


def swept(mapping, folder, workers, seed):
    """The result of a drawn sweep whose trials end in the random order of a seed."""
    with pretending(workers, random.Random(seed)):
        return sweep_run.begin(sweep_from_mapping(mapping), folder / "runs", options(folder))


def killed_and_resumed(mapping, folder, workers, seed):
    """The result of the sweep killed again and again, each time after a few more trials."""
    chance = random.Random(seed)
    try:
        with pretending(workers, chance, chance.randint(0, 5)):
            return sweep_run.begin(sweep_from_mapping(mapping), folder / "runs", options(folder))
    except KilledError:
        (path,) = [one for one in (folder / "runs").glob("[!.]*") if not one.is_symlink()]
    while True:
        try:
            with pretending(workers, chance, chance.randint(0, 5)):
                return sweep_run.resume(path, (), options(folder))
        except KilledError:
            continue
