"""Trials in a worker: their folders record the results, also a failure; the worker continues."""

import errno
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard

from mnistlab.config import RunConfig, resolved_mapping
from mnistlab.experiment.callbacks import RunCallback, RunProgress, Start
from mnistlab.experiment.driver import Training, train_together, trained
from mnistlab.experiment.resume import changed_arithmetic, ended_result
from mnistlab.experiment.run_options import RunOptions
from mnistlab.experiment.runner import resuming
from mnistlab.store.locks import RunInUseError, only_process
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import amend_run_record
from mnistlab.store.status import Status
from mnistlab.support.errors import DataError, MnistlabError
from mnistlab.sweeps.channel import Channel
from mnistlab.sweeps.ledger import mark_failed
from mnistlab.sweeps.pruned import Watch, Watched
from mnistlab.sweeps.results import read_record
from mnistlab.sweeps.trials import Datasets, identify
from mnistlab.sweeps.worker import SECONDS_BETWEEN_REPORTS

# A disk error is not the trial's fault: the sweep stops, and can be resumed when it is fixed.
FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}


class TrialRunner:
    """What a worker keeps from trial to trial: the datasets, and the channel to the sweep."""

    def __init__(self, data_dir: Path, channel: Channel) -> None:
        self.datasets = Datasets(data_dir)
        self.channel = channel

    def run(self, tasks: Sequence[dict[str, Any]]) -> None:
        """Train trials, resumed from their folders, and report the result of each.

        Several are trained together.
        """
        if differ := changed_arithmetic(tasks[0]["arithmetic"], processor=False):
            # NUMBA_ variables of this machine, or a .numba_config.yaml where Dask's worker was
            # started.
            why = f"a worker has other compiler settings than the sweep: {'; '.join(differ)}"
            self.channel.send(fatal=why, exit_code=2)
            return
        found = {task["trial"]: _Trial(task, self.datasets, self.channel) for task in tasks}
        if len(found) == 1:
            for trial in found.values():
                trial.run()
            return
        trainings = {name: trial.training() for name, trial in found.items()}
        train_together(trainings, lambda name, error: found[name].tell(error))


class _Trial:
    """One trial in a worker."""

    def __init__(self, task: dict[str, Any], datasets: Datasets, channel: Channel) -> None:
        self.task = task
        self.datasets = datasets
        self.channel = channel
        self.run_dir = RunDir(Path(task["run_dir"]))
        self.config = RunConfig.model_validate(task["config"])

    def run(self) -> None:
        """Train it alone."""
        error = None
        try:
            trained(self.training())
        except Exception as raised:
            error = raised
        self.tell(error)

    def training(self) -> Training:
        """Its run, resumed from its folder; if it has ended, its result."""
        history = read_record(self.run_dir)
        if (ended := ended_result(self.run_dir, history)) is not None:
            return ended
        config, expected = self.config, self.task["expected"]
        dataset = self.datasets.of(config)
        if expected is not None and identify(config, {}, self.datasets).id != expected:
            raise DataError(f"the data of {config.data.source} here are not those of the sweep")
        callbacks: list[RunCallback] = [Relay(self.channel, self.task["trial"])]
        if (told := self.task["prune"]) is not None:
            callbacks.append(Watch(Watched.from_told(told), self.run_dir))
        options = RunOptions(
            data_dir=self.datasets.data_dir,
            threads=1,
            callbacks=callbacks,
            argv=self.task["argv"],
        )
        return (yield from resuming(self.run_dir, config, dataset, history, options))

    def tell(self, error: Exception | None) -> None:
        """Report to the sweep that the trial has ended, and how."""
        trial = self.task["trial"]
        if isinstance(error, RunInUseError):
            self.channel.send(trial=trial, busy=str(error))
        elif _is_nobodys_fault(error):
            _take_failure_back(self.run_dir)
            code = error.exit_code if isinstance(error, DataError) else 1
            self.channel.send(fatal=_described(error), exit_code=code)
        else:
            if error is not None:
                self._fail(error)
            self.channel.send(trial=trial, ended=True)

    def _fail(self, error: Exception) -> None:
        with only_process(self.run_dir):
            mark_failed(self.run_dir, resolved_mapping(self.config), _described(error))


def _is_nobodys_fault(error: Exception | None) -> TypeGuard[Exception]:
    """Whether an error would end any trial: a disk error, or a data error."""
    return isinstance(error, DataError) or (isinstance(error, OSError) and error.errno in FATAL)


class Relay(RunCallback):
    """Reports a trial's progress to the sweep's process, a few times a second."""

    def __init__(self, channel: Channel, trial: str) -> None:
        self.channel = channel
        self.trial = trial
        self.steps = 1
        self.sent = 0.0

    def on_start(self, start: Start) -> None:
        self.steps = start.steps

    def on_progress(self, progress: RunProgress) -> None:
        self._tell(progress.step)

    def on_row(self, row: MetricsRow) -> None:
        self._tell(row.step)

    def _tell(self, step: int) -> None:
        now = time.monotonic()
        if now - self.sent >= SECONDS_BETWEEN_REPORTS:
            self.sent = now
            self.channel.send(trial=self.trial, share=step / self.steps)


def _described(error: Exception) -> str:
    """An error on one line; of mnistlab's errors only the message."""
    if isinstance(error, MnistlabError):
        return "; ".join(error.messages)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _take_failure_back(run_dir: RunDir) -> None:
    """Mark a run as resumable that failed by no fault of its own."""
    record = read_record(run_dir)
    if record is not None and record.status is Status.FAILED:
        # If this cannot be written either, the trial stays failed, which is reported.
        with suppress(OSError):
            amend_run_record(run_dir, status=Status.INTERRUPTED)
