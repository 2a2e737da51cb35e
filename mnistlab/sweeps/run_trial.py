"""One trial in a worker: its folder records the result, also a failure; the worker continues."""

import errno
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mnistlab.config import RunConfig, resolved_mapping
from mnistlab.experiment.callbacks import RunCallback, RunProgress, Start
from mnistlab.experiment.resume import changed_arithmetic, ended_result
from mnistlab.experiment.run_options import RunOptions
from mnistlab.experiment.runner import resume
from mnistlab.store.locks import RunInUseError, only_process
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import amend_run_record
from mnistlab.store.status import Status
from mnistlab.support.errors import DataError, MnistlabError
from mnistlab.sweeps.channel import Channel
from mnistlab.sweeps.ledger import mark_failed
from mnistlab.sweeps.results import read_record
from mnistlab.sweeps.trials import Datasets, identify
from mnistlab.sweeps.worker import SECONDS_BETWEEN_REPORTS

# The disk's trouble is no trial's: the sweep stops, and can be resumed when it is mended.
FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}


class TrialRunner:
    """What a worker keeps from trial to trial: the datasets, and the line to the sweep."""

    def __init__(self, data_dir: Path, channel: Channel) -> None:
        self.datasets = Datasets(data_dir)
        self.channel = channel

    def run(self, task: dict[str, Any]) -> None:
        """Train one trial, resumed from its folder, and report its result."""
        if differ := changed_arithmetic(task["arithmetic"], processor=False):
            # A variable of this machine, or a .numba_config.yaml where Dask's worker was started.
            why = f"a worker has other compiler settings than the sweep: {'; '.join(differ)}"
            self.channel.send(fatal=why, exit_code=2)
            return
        run_dir = RunDir(Path(task["run_dir"]))
        config = RunConfig.model_validate(task["config"])
        try:
            self._train(run_dir, config, task)
        except RunInUseError as error:
            self.channel.send(busy=str(error))
        except (OSError, DataError) as error:
            if isinstance(error, OSError) and error.errno not in FATAL:
                self._fail(run_dir, config, error)
            else:
                _take_failure_back(run_dir)
                code = error.exit_code if isinstance(error, DataError) else 1
                self.channel.send(fatal=_described(error), exit_code=code)
        except Exception as error:
            self._fail(run_dir, config, error)
        else:
            self.channel.send(ended=True)

    def _train(self, run_dir: RunDir, config: RunConfig, task: dict[str, Any]) -> None:
        history = read_record(run_dir)
        if ended_result(run_dir, history) is not None:
            return
        dataset = self.datasets.of(config)
        expected = task["expected"]
        if expected is not None and identify(config, {}, self.datasets).id != expected:
            raise DataError(f"the data of {config.data.source} here are not those of the sweep")
        options = RunOptions(
            data_dir=self.datasets.data_dir,
            threads=1,
            callbacks=[Relay(self.channel)],
            argv=task["argv"],
        )
        resume(run_dir, config, dataset, history, options)

    def _fail(self, run_dir: RunDir, config: RunConfig, error: Exception) -> None:
        with only_process(run_dir):
            mark_failed(run_dir, resolved_mapping(config), _described(error))
        self.channel.send(ended=True)


class Relay(RunCallback):
    """Tells the sweep's process how far a trial is, a few times a second."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
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
            self.channel.send(share=step / self.steps)


def _described(error: Exception) -> str:
    """An error on one line, by its own words where it is one of ours."""
    if isinstance(error, MnistlabError):
        return "; ".join(error.messages)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _take_failure_back(run_dir: RunDir) -> None:
    """Let a run that failed by no fault of its own be one that is carried on."""
    record = read_record(run_dir)
    if record is not None and record.status is Status.FAILED:
        # Where the disk has no room for this either, the trial stays a failed one, which is told.
        with suppress(OSError):
            amend_run_record(run_dir, status=Status.INTERRUPTED)
