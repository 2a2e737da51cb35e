"""Gives trials to an executor until all have ended, even if workers die."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mnistlab.config import resolved_mapping
from mnistlab.config.objectives import Metric
from mnistlab.experiment.interruption import StopSignals
from mnistlab.runtime.arithmetic import arithmetic
from mnistlab.store.status import Status
from mnistlab.support.errors import MnistlabError
from mnistlab.sweeps.executors import (
    Advanced,
    Busy,
    Died,
    Executor,
    Fatal,
    Report,
    Task,
    TrialReport,
    Warned,
)
from mnistlab.sweeps.groups import Groups
from mnistlab.sweeps.ledger import Ledger
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepProgress
from mnistlab.sweeps.trials import Trial

DEATHS_ALLOWED = 3
SECONDS_BETWEEN_LOOKS = 0.2
ENOUGH_TO_JUDGE_BY = 0.1  # of a trial, before the remaining time is estimated
SECONDS_BETWEEN_TRIES = 0.5  # of a trial that another process is still training


class SweepError(MnistlabError):
    """The sweep cannot continue: no trial can be run any more, or a stage has no winner."""

    def __init__(self, *messages: str, exit_code: int = 1) -> None:
        super().__init__(*messages)
        self.exit_code = exit_code


@dataclass
class Pool:
    """Trials to be run together: those that wait, and the progress of those that run."""

    waiting: deque[Trial] = field(default_factory=deque)
    groups: list[list[Trial]] = field(default_factory=list)  # to be trained together
    running: dict[str, Trial] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)  # completed, of each running trial
    not_before: dict[str, float] = field(default_factory=dict)

    def ready(self) -> list[Trial]:
        """The waiting trials that may be submitted now."""
        now = time.monotonic()
        return [one for one in self.waiting if self.not_before.get(one.id, 0.0) <= now]


class Dispatcher:
    """Runs trials: submits them, counts their workers' deaths, reports their progress."""

    def __init__(
        self,
        ledger: Ledger,
        executor: Executor,
        groups: Groups,
        stop: StopSignals,
        metrics: Sequence[Metric],
        callbacks: Sequence[SweepCallback],
        argv: Sequence[str],
    ) -> None:
        self.ledger = ledger
        self.executor = executor
        self.groups = groups
        self.stop = stop
        self.metrics = metrics
        self.callbacks = callbacks
        self.argv = tuple(argv)
        self.submitted = 0
        self.is_over: Callable[[], bool] = lambda: False  # whether no further trial may begin
        self._warned: set[str] = set()
        self.to_come = 0  # trials of later stages, as far as known
        self._deaths: dict[str, int] = {}
        self._ended = 0
        self._began = time.monotonic()

    def run(
        self,
        more: Callable[[], Sequence[Trial]],
        make_ready: Callable[[Sequence[Trial]], None],
    ) -> None:
        """Run every trial that has not ended; returns when all have, and `more` has no other.

        `more` is called first, and after the end of any trial. `make_ready` is called with trials
        that will be run, while workers start.
        """
        pool = Pool()
        self._add(more(), pool, make_ready)
        self._stop_if_over(pool)
        while pool.waiting or pool.running:
            self.stop.check()
            while self.executor.has_room() and (trials := self._next(pool)):
                self._submit(trials, pool)
            ended = self._ended
            for report in self.executor.reports(SECONDS_BETWEEN_LOOKS):
                self._take(report, pool)
            if self._ended > ended:
                self._add(more(), pool, make_ready)
            self._stop_if_over(pool)
            self._each(lambda callback: callback.on_progress(self._progress(pool)))

    def _stop_if_over(self, pool: Pool) -> None:
        """Let no further trial begin if the budget is spent; those that have begun wait on."""
        if pool.waiting and self.is_over():
            pool.waiting = deque(self.ledger.only_begun(pool.waiting))

    def _add(
        self,
        trials: Sequence[Trial],
        pool: Pool,
        make_ready: Callable[[Sequence[Trial]], None],
    ) -> None:
        """Let the trials that have not ended wait for a worker."""
        left = [trial for trial in trials if not self.ledger.has_ended(trial)]
        if not left:
            return
        pool.waiting.extend(left)
        self.executor.start(len(pool.waiting) + len(pool.running))
        if self.executor.trains_together:
            pool.groups += self.groups.divide(left, self.executor.workers)
        make_ready(left)

    def _next(self, pool: Pool) -> list[Trial]:
        """Remove from the pool the first trial that may be submitted now, and those trained with
        it.
        """
        ready = pool.ready()
        first = next(iter(ready), None)
        group = next((group for group in pool.groups if first in group), [])
        # If a worker of several trials died, each trial is tried alone to find the cause.
        taken = [one for one in group if one in ready and one.id not in self._deaths]
        if first is not None and first not in taken:
            taken = [first]
        for trial in taken:
            pool.waiting.remove(trial)
        return taken

    def _submit(self, trials: Sequence[Trial], pool: Pool) -> None:
        tasks = []
        for trial in trials:
            run_dir = self.ledger.prepare(trial)
            pool.running[trial.id] = trial
            pool.shares[trial.id] = 0.0
            self.submitted += 1
            row = self.ledger.row(trial)
            self._each(lambda callback, row=row: callback.on_begin(row))  # type: ignore[misc]
            config = resolved_mapping(trial.config)
            watched = self.ledger.watched(trial)
            prune = None if watched is None else watched.told()
            tasks.append(Task(trial.id, run_dir.path, config, self.argv, arithmetic(), prune))
        self.executor.submit(*tasks)

    def _take(self, report: Report, pool: Pool) -> None:
        if isinstance(report, Fatal):
            raise SweepError(report.why, exit_code=report.exit_code)
        if isinstance(report, Warned):
            # Warnings about the data are the same for all trials, and shown once.
            if report.text not in self._warned:
                self._warned.add(report.text)
                self._warn(report.text)
        elif isinstance(report, Advanced):
            pool.shares[report.trial] = report.share
        elif isinstance(report, TrialReport):
            self._take_back(report, pool)

    def _take_back(self, report: TrialReport, pool: Pool) -> None:
        """Update a trial whose worker has finished or is gone: its folder has its state."""
        trial = pool.running.pop(report.trial)
        del pool.shares[trial.id]
        self.ledger.read(trial)
        if isinstance(report, Busy):
            pool.not_before[trial.id] = time.monotonic() + SECONDS_BETWEEN_TRIES
        elif not self.ledger.has_ended(trial):
            # An ended worker without an ended trial was stopped by another process.
            how = report.how if isinstance(report, Died) else "by SIGTERM"
            self._count_death(trial, how)
        if not self.ledger.has_ended(trial):
            pool.waiting.append(trial)
            return
        self._ended += 1
        self.ledger.write_summary()
        row = self.ledger.row(trial)
        record = self.ledger.record(trial)
        seconds = 0.0 if record is None else record.seconds.total
        progress = self._progress(pool)
        self._each(lambda callback: callback.on_trial(row, seconds, progress))

    def _count_death(self, trial: Trial, how: str) -> None:
        """Count a worker's death; after the allowed number the trial counts as its cause, and
        fails.
        """
        deaths = self._deaths[trial.id] = self._deaths.get(trial.id, 0) + 1
        if deaths >= DEATHS_ALLOWED:
            reason = f"its worker died {DEATHS_ALLOWED} times, the last time {how}"
            self.ledger.mark_failed(trial, reason)
        else:
            number = self.ledger.row(trial).trial
            self._warn(f"the worker of trial {number} died {how}; the trial is run again")

    def _warn(self, text: str) -> None:
        self._each(lambda callback: callback.on_warning(text))

    def _each(self, tell: Callable[[SweepCallback], None]) -> None:
        for callback in self.callbacks:
            tell(callback)

    def _progress(self, pool: Pool) -> SweepProgress:
        trials = self.ledger.trials.values()
        statuses = [self.ledger.status(trial) for trial in trials if self.ledger.has_ended(trial)]
        total = len(trials) + self.to_come
        here = self._ended + sum(pool.shares.values())
        left = total - len(statuses) - sum(pool.shares.values())
        took = time.monotonic() - self._began
        return SweepProgress(
            total=total,
            done=len(statuses),
            running=len(pool.running),
            share=sum(pool.shares.values()),
            diverged=statuses.count(Status.DIVERGED),
            failed=statuses.count(Status.FAILED),
            metrics=tuple(metric.name for metric in self.metrics),
            best=self._best_so_far(),
            seconds_left=took / here * left if here >= ENOUGH_TO_JUDGE_BY else None,
        )

    def _best_so_far(self) -> float | None:
        """The best value of the first metric."""
        metric = self.metrics[0]
        found = [
            value
            for trial in self.ledger.trials.values()
            if (record := self.ledger.record(trial)) is not None
            and record.status.finished
            and (value := record.metrics.get(metric.name)) is not None
        ]
        best = max if metric.larger_is_better else min
        return best(found) if found else None
