"""Runs a sweep from its first trial, or from where it was stopped, to its result."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mnistlab.config import RunConfig
from mnistlab.config.load_sweep import SweepSource, refuse
from mnistlab.experiment.interruption import StopRequested, StopSignals
from mnistlab.search import Result
from mnistlab.search.pruners import Plan
from mnistlab.search.stages import NothingToChooseError
from mnistlab.store.status import Status, count_outcomes
from mnistlab.store.summary_files import write_summary
from mnistlab.store.sweep_dir import REFIT
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.sweeps.budget import Budget
from mnistlab.sweeps.dispatch import Dispatcher, SweepError
from mnistlab.sweeps.executors import Executor, LocalExecutor
from mnistlab.sweeps.groups import Groups
from mnistlab.sweeps.ledger import Ledger
from mnistlab.sweeps.pruned import Watched
from mnistlab.sweeps.ranking import Ranked, ranking_of, ranking_text
from mnistlab.sweeps.search import Point, SweepSearch, stage_plans
from mnistlab.sweeps.space import refitted, repeated
from mnistlab.sweeps.sweep_callbacks import Best, SweepCallback, SweepResult
from mnistlab.sweeps.trials import Datasets, Trial, check_all, compile_all, identify, refuse_changed

Asked = tuple[str | None, Point]  # with the name of its stage


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
            ledger, executor, self.groups, stop, self.config.metric, callbacks, argv
        )
        self.search = SweepSearch(source)
        self.rankings: dict[str | None, list[Ranked]] = {}
        self.refits: dict[str, Ranked] = {}
        # The settings of each trial of a stage, by the stage and the trial's number.
        self._points: dict[str | None, dict[int, Point]] = {}
        self._rounds: deque[Round] = deque()  # in training, in the order of the points
        self._ready = False
        self._budget = Budget(self.config)
        self._over = False
        self.dispatcher.is_over = self._is_over

    def run(self) -> SweepResult:
        """Run every remaining trial, stage after stage, then the refits; returns the result."""
        interrupted: int | None = None
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
            self._write()
            raise
        except NothingToChooseError as error:
            self._stop()
            self._write()
            raise SweepError(
                f"{self.sweep_dir.path}: stage {error.stage} has nothing to choose: none of its "
                f"{error.points} points finished with a {self.config.metric.name}"
            ) from None
        self._write()
        return self._result(interrupted)

    def _stop(self) -> None:
        """Let the workers save checkpoints, and read all folders."""
        self.executor.stop()
        for trial in self.ledger.trials.values():
            self.ledger.read(trial)
        for stage in self._points:
            self.rankings[stage] = self._ranked(stage)

    def _search(self) -> None:
        """Ask for points, train them and tell their results, until none is asked for."""
        self.dispatcher.run(self._more, self._make_ready)
        for stage in self._points:
            self.rankings[stage] = self._ranked(stage)

    def _more(self) -> list[Trial]:
        """Tell the results of points that have ended, in the order in which they were asked for;
        returns the trials of the points that are asked for then.
        """
        found: list[Trial] = []
        if not self._points:
            found += self._ask()
        while self._rounds and self._rounds[0].has_ended(self.ledger):
            asked = self._rounds.popleft().asked
            for stage in dict.fromkeys(stage for stage, _ in asked):
                self.rankings[stage] = self._ranked(stage)
            for result in self._results(asked):
                self.search.tell(result)
            found += self._ask()
        if self._is_over():
            self.ledger.forget(found)
            return []
        return found

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
            configs = [self._config(point) for _, point in asked]
            check_all(configs, self.datasets, self.config.metric.name)
        found: dict[str, Trial] = {}
        for stage, point in asked:
            here = self._points.setdefault(stage, {})
            for trial in self._trials(point, self._config(point)):
                self.ledger.add(trial, stage)
                if (plan := self.search.plan_of(stage, point)) is not None:
                    self.ledger.watch(trial, self._watched(plan))
                here.setdefault(self.ledger.number_of(trial), point)
                found[trial.id] = trial
        return list(found.values())

    def _watched(self, plan: Plan) -> Watched:
        metric = self.config.metric
        return Watched(plan, metric.name, 1.0 if metric.larger_is_better else -1.0)

    def _results(self, asked: Sequence[Asked]) -> Iterator[Result[Asked]]:
        """The results of points, in the order of the request."""
        sign = 1.0 if self.config.metric.larger_is_better else -1.0
        found: dict[tuple[str | None, str], tuple[Ranked, int]] = {}
        for stage, points in self._points.items():
            for ranked in self.rankings[stage]:
                # Points that differ only in their seed, as a parameter, are ranked as one.
                for row in ranked.trials:
                    found.setdefault((stage, points[row.trial].identity), (ranked, row.trial))
        for stage, point in asked:
            ranked, number = found[stage, point.identity]
            score = None if ranked.mean is None else sign * ranked.mean
            if self.config.prune is None:
                yield Result((stage, point), score, number)
            else:
                yield self._pruned_result((stage, point), score, number)

    def _pruned_result(self, asked: Asked, score: float | None, number: int) -> Result[Asked]:
        """The result of a point at the end of its plan. Its trial may be further already, if the
        sweep was resumed or the trial continued.
        """
        (trial,) = self._trials(asked[1], self._config(asked[1]))
        watched, rows = self.ledger.watched(trial), self.ledger.metrics(trial)
        assert watched is not None
        curve = watched.curve(rows)
        status = self.ledger.status(trial)
        # A run that ended by itself was not stopped after its last row.
        by_itself = rows and (status.finished or status is Status.DIVERGED)
        last = rows[-1].epoch if by_itself else None
        stopped = watched.plan.stops_at({e: s for e, s in curve.items() if e != last})
        if stopped is None:
            return Result(asked, score, number, curve)
        reached = {epoch: score for epoch, score in curve.items() if epoch <= stopped}
        return Result(asked, None, number, reached, stopped)

    def _config(self, point: Point) -> RunConfig:
        refuse(list(point.problems))
        assert point.config is not None
        return point.config

    def _trials(self, point: Point, config: RunConfig) -> Iterable[Trial]:
        """A point's trials, one for each seed."""
        for one in repeated(config, self.config.seeds):
            seed = {"seed": one.seed} if self.config.seeds > 1 else {}
            yield identify(one, point.parameters | seed, self.datasets)

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

    def _ranked(self, stage: str | None) -> list[Ranked]:
        return ranking_of(self.config, self.ledger.rows(stage), stage)

    def _ranked_with(self, stage: str, trial: int) -> Ranked:
        """The point of a stage that has this trial."""
        ranked = self.rankings[stage]
        return next(one for one in ranked if trial in [row.trial for row in one.trials])

    def _refit(self) -> None:
        """Train the winners of the stages in `refit` on training + validation, and test
        them once.
        """
        self.dispatcher.to_come = 0
        trials: list[Trial] = []
        for stage in self.config.refit or ():
            winner = self.search.winner(stage)
            point, config = winner.point, self._config(winner.point)
            best = self.ledger.best_position(self._ranked_with(stage, winner.trial).trials)
            if config.training.early_stopping is not None and best is not None:
                epoch = (
                    f"refit of {stage}: trained up to epoch {best[0]}, the winner's best epoch: "
                )
                self._tell(f"{epoch} early stopping needs validation images")
            config = refitted(config, self.datasets.of(config), best)
            for trial in self._trials(point, config):
                self.ledger.add(trial, f"{REFIT}{stage}")
                trials.append(trial)
        left = {trial.id: trial for trial in trials}
        self.dispatcher.run(lambda: [left.pop(id) for id in [*left]], self._make_ready)
        for stage in self.config.refit or ():
            self.refits[stage] = self._ranked(f"{REFIT}{stage}")[0]

    def _unprune(self) -> None:
        """Continue the pruned trials that were named, to their ends."""
        by_number = {self.ledger.number_of(one): one for one in self.ledger.trials.values()}
        trials = []
        for number in self.unprune:
            trial = by_number.get(number)
            if trial is None:
                raise UsageError(f"--unprune: found {number}, there is no such trial")
            status = self.ledger.status(trial)
            if status is not Status.PRUNED:
                raise UsageError(f"--unprune: trial {number} is {status.words}, not pruned")
            self.ledger.watch(trial, self._watched(Plan()))
            trials.append(trial)
        left = {trial.id: trial for trial in trials}
        self.dispatcher.is_over = lambda: False
        self.dispatcher.run(lambda: [left.pop(id) for id in [*left]], self._make_ready)
        for stage in self._points:
            self.rankings[stage] = self._ranked(stage)

    def _write(self) -> None:
        """Write the summaries: trials.csv, ranking.csv, the link to the best."""
        self.ledger.write_summary(at_once=True)
        text = ranking_text(list(self.rankings.items()), self.config.metric.name)
        write_summary(self.sweep_dir.ranking_csv, text)
        best = self._best()
        if best is not None:
            self.ledger.point_best_at(best.run_dir)

    def _best(self) -> Best | None:
        """The best trial: the best of the final stages or, if it was refitted, its refit.

        Of several final stages, the one whose winner has the better metric; never by the test set.
        """
        built_on = {plan.source for plan in stage_plans(self.source)} - {None}
        names = self.config.refit or [name for name in self.rankings if name not in built_on]
        firsts = [(self.rankings[name][0], name) for name in names if self.rankings.get(name)]
        ranked = [(first, name) for first, name in firsts if first.rank is not None]
        if not ranked:
            return None
        sign = 1.0 if self.config.metric.larger_is_better else -1.0
        winner, name = max(ranked, key=lambda one: sign * (one[0].mean or 0.0))
        again = self.refits.get(name or "")
        if again is not None and again.first_trial.status.finished:
            winner = again
        row = winner.first_trial
        return Best(self.sweep_dir.path / row.run_dir, winner.parameters, row.metrics)

    def _result(self, interrupted: int | None) -> SweepResult:
        rows = self.ledger.rows()
        counts = count_outcomes(row.status for row in rows)
        return SweepResult(
            sweep_dir=self.sweep_dir.path,
            status=Status.FINISHED if interrupted is None else Status.INTERRUPTED,
            metric=self.config.metric.name,
            trials=counts,
            rankings=tuple((stage, tuple(found)) for stage, found in self.rankings.items()),
            refits=tuple(self.refits.items()),
            best=self._best(),
            failures=tuple(row for row in rows if row.status is Status.FAILED),
            left=len(rows) - sum(counts.values()),
            signal=interrupted,
            already_ended=interrupted is None and self.dispatcher.submitted == 0,
        )
