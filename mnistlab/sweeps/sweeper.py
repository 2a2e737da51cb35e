"""Runs a sweep from its first trial, or from where it was stopped, to its result."""

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from mnistlab.config.load_sweep import SweepSource
from mnistlab.experiment.interruption import StopRequested, StopSignals
from mnistlab.search.pruners import Plan
from mnistlab.search.stages import NothingToChooseError
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import REFIT
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.sweeps.budget import Budget
from mnistlab.sweeps.dispatch import Dispatcher, SweepError
from mnistlab.sweeps.executors import Executor, LocalExecutor
from mnistlab.sweeps.groups import Groups
from mnistlab.sweeps.ledger import Ledger
from mnistlab.sweeps.outcomes import Asked, Outcomes, config_of
from mnistlab.sweeps.search import SweepSearch
from mnistlab.sweeps.space import refitted
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepResult
from mnistlab.sweeps.trials import Datasets, Trial, check_all, compile_all, refuse_changed


@dataclass
class Round:
    """Points whose results are told together, and those of their trials that may be in training."""

    asked: Sequence[Asked]
    left: deque[Trial]

    def has_ended(self, ledger: Ledger) -> bool:
        """Whether all of its trials have ended."""
        while self.left and ledger.has_ended(self.left[0]):
            self.left.popleft()
        return not self.left


class Sweeper:
    """Runs the remaining trials of a sweep, and chooses the best. Its user holds `only_sweeper`."""

    def __init__(
        self,
        source: SweepSource,
        ledger: Ledger,
        datasets: Datasets,
        executor: Executor,
        stop: StopSignals,
        callbacks: Sequence[SweepCallback] = (),
        argv: Sequence[str] = (),
        force: bool = False,
        unprune: Sequence[int] = (),
    ) -> None:
        self.source = source
        self.config = source.config
        self.ledger = ledger
        self.sweep_dir = ledger.sweep_dir
        self.datasets = datasets
        self.executor = executor
        self.callbacks = callbacks
        self.force = force
        self.unprune = unprune
        self.groups = Groups(datasets)
        self.dispatcher = Dispatcher(
            ledger, executor, self.groups, stop, self.config.metrics, callbacks, argv
        )
        self.search = SweepSearch(source)
        self.outcomes = Outcomes(source, ledger, datasets)
        self._rounds: deque[Round] = deque()  # in training, in the order of the points
        self._ready = False
        self._budget = Budget(self.config)
        self._over = False
        self.dispatcher.is_over = self._is_over

    def run(self) -> SweepResult:
        """Run every remaining trial, stage after stage, then the refits; returns the result."""
        interrupted: int | None = None
        if unknown := set(self.unprune) - self.ledger.numbers:
            raise UsageError(f"--unprune: found {min(unknown)}, there is no such trial")
        for callback in self.callbacks:
            callback.on_start(self.sweep_dir.path)
        try:
            self._search()
            self._refit()
            self._unprune()
        except StopRequested as request:
            interrupted = request.number
            self._stop()
        except (SweepError, ConfigError):
            self._stop()
            self.outcomes.write()
            raise
        except NothingToChooseError as error:
            self._stop()
            self.outcomes.write()
            raise SweepError(
                f"{self.sweep_dir.path}: stage {error.stage} has nothing to choose: none of its "
                f"{error.points} points finished with a {self.config.metric.name}"
            ) from None
        self.outcomes.write()
        return self.outcomes.result(interrupted, submitted=self.dispatcher.submitted)

    def _stop(self) -> None:
        """Let the workers save checkpoints, and read all folders."""
        self.executor.stop()
        for trial in self.ledger.trials.values():
            self.ledger.read(trial)
        self.outcomes.rank()

    def _search(self) -> None:
        """Ask for points, train them and tell their results, until none is asked for."""
        self.dispatcher.run(self._more, self._make_ready)
        self.outcomes.rank()

    def _more(self) -> list[Trial]:
        """Tell the results of points that have ended, in the order in which they were asked for;
        returns the trials of the points that are asked for then.
        """
        found: list[Trial] = []
        if not self.outcomes.points:
            found += self._ask()
        while self._rounds and self._rounds[0].has_ended(self.ledger):
            asked = self._rounds.popleft().asked
            self.outcomes.rank(dict.fromkeys(stage for stage, _ in asked))
            for result in self.outcomes.results(asked):
                self.search.tell(result)
            found += self._ask()
        return self.ledger.only_begun(found) if self._is_over() else found

    def _is_over(self) -> bool:
        """Whether the budget is spent; says so once."""
        if self.config.stop is None or self._over:
            return self._over
        rows = itertools.takewhile(lambda row: row.status.ended, self.ledger.rows())
        why = self._budget.spent(list(rows))
        if why is not None:
            self._over = True
            self._tell(f"no further trial begins: {why}")
        return self._over

    def _ask(self) -> list[Trial]:
        """Ask for points; returns their trials."""
        asked = [] if self._over else self.search.ask()
        room = self._budget.room(len(self.ledger.trials))
        asked = asked[: None if room is None else room // self.config.seeds]
        refits = len(self.config.refit or ())
        self.dispatcher.to_come = (self.search.to_come() + refits) * self.config.seeds
        rounds = [[one] for one in asked] if self.config.one_by_one else [asked]
        found: list[Trial] = []
        for one in filter(None, rounds):
            trials = self._planned(one)
            self._rounds.append(Round(one, deque(trials)))
            found += trials
        return found

    def _planned(self, asked: Sequence[Asked]) -> list[Trial]:
        """Add the trials of the requested points, each once."""
        if self.config.method.learns:
            # These points were unknown before, so they were not validated before the sweep began.
            configs = [config_of(point) for _, point in asked]
            check_all(configs, self.datasets, self.config.metric_names)
        found: dict[str, Trial] = {}
        for stage, point in asked:
            here = self.outcomes.points.setdefault(stage, {})
            for trial in self.outcomes.trials_of(point):
                self.ledger.add(trial, stage)
                if (plan := self.search.plan_of(stage, point)) is not None:
                    self.ledger.watch(trial, self.outcomes.watched(plan))
                here.setdefault(self.ledger.number_of(trial), point)
                found[trial.id] = trial
        return list(found.values())

    def _make_ready(self, left: Sequence[Trial]) -> None:
        if not self._ready:
            here = isinstance(self.executor, LocalExecutor)
            refuse_changed(self.ledger.histories(), self.datasets, self.force, here=here)
            self._ready = True
        compile_all((trial.config for trial in left), self.datasets, self._tell)
        if self.executor.trains_together:
            self.groups.compile(left, self.executor.workers, self._tell)

    def _tell(self, text: str) -> None:
        for callback in self.callbacks:
            callback.on_message(text)

    def _refit(self) -> None:
        """Train the winners of the stages in `refit` on training + validation, and test
        them once.
        """
        self.dispatcher.to_come = 0
        trials: list[Trial] = []
        for stage in self.config.refit or ():
            winner = self.search.winner(stage)
            config, ranked = config_of(winner.point), self.outcomes.ranked_with(stage, winner.trial)
            best = self.ledger.best_position(ranked.trials)
            if config.training.early_stopping is not None and best is not None:
                epoch = (
                    f"refit of {stage}: trained up to epoch {best[0]}, the winner's best epoch: "
                )
                self._tell(f"{epoch} early stopping needs validation images")
            config = refitted(config, self.datasets.of(config), best)
            for trial in self.outcomes.trials_of(winner.point, config):
                self.ledger.add(trial, f"{REFIT}{stage}")
                trials.append(trial)
        left = {trial.id: trial for trial in trials}
        self.dispatcher.run(lambda: [left.pop(id) for id in [*left]], self._make_ready)
        for stage in self.config.refit or ():
            self.outcomes.refits[stage] = self.outcomes.ranked(f"{REFIT}{stage}")[0]

    def _unprune(self) -> None:
        """Continue the pruned trials that were named, to their ends."""
        by_number = {self.ledger.number_of(one): one for one in self.ledger.trials.values()}
        trials = []
        for number in self.unprune:
            trial = by_number.get(number)
            status = Status.PENDING if trial is None else self.ledger.status(trial)
            if trial is None or status is not Status.PRUNED:
                self.outcomes.write()
                raise UsageError(f"--unprune: trial {number} is {status.words}, not pruned")
            self.ledger.watch(trial, self.outcomes.watched(Plan()))
            trials.append(trial)
        left = {trial.id: trial for trial in trials}
        self.dispatcher.is_over = lambda: False
        self.dispatcher.run(lambda: [left.pop(id) for id in [*left]], self._make_ready)
        self.outcomes.rank()
