"""What the ends of trials mean: rankings, results for the search, the best trial, the summaries."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mnistlab.config import RunConfig
from mnistlab.config.load_sweep import SweepSource, refuse
from mnistlab.search import Result
from mnistlab.search.pruners import Plan
from mnistlab.store.status import Status, count_outcomes
from mnistlab.store.summary_files import write_summary
from mnistlab.sweeps.ledger import Ledger
from mnistlab.sweeps.points import Point
from mnistlab.sweeps.pruned import Watched
from mnistlab.sweeps.ranking import Ranked, ranking_of, scores_of
from mnistlab.sweeps.ranking_csv import ranking_text
from mnistlab.sweeps.space import repeated
from mnistlab.sweeps.stage_plan import stage_plans
from mnistlab.sweeps.sweep_callbacks import Best, SweepResult
from mnistlab.sweeps.trials import Datasets, Trial, identify

Asked = tuple[str | None, Point]  # with the name of its stage


class Outcomes:
    """The points of a sweep with the outcomes of their trials, as the ledger has them."""

    def __init__(self, source: SweepSource, ledger: Ledger, datasets: Datasets) -> None:
        self.source = source
        self.config = source.config
        self.ledger = ledger
        self.datasets = datasets
        self.rankings: dict[str | None, list[Ranked]] = {}
        self.refits: dict[str, Ranked] = {}
        # The points of the trials of each stage, by the trials' numbers.
        self.points: dict[str | None, dict[int, Point]] = {}
        # Where trials are pruned: the numbers of those that an earlier stage has trained whole.
        self._whole: set[int] = set()

    def trials_of(self, point: Point, config: RunConfig | None = None) -> Iterator[Trial]:
        """A point's trials, one for each seed; with `config` in place of the point's own."""
        config = config or config_of(point)
        for one in repeated(config, self.config.seeds):
            seed = {"seed": one.seed} if self.config.seeds > 1 else {}
            yield identify(one, point.parameters | seed, self.datasets)

    def ranked(self, stage: str | None) -> list[Ranked]:
        """The present ranking of a stage, or of its refit."""
        return ranking_of(self.config, self.ledger.rows(stage), stage)

    def ranked_with(self, stage: str, trial: int) -> Ranked:
        """The point of a stage that has this trial."""
        ranked = self.rankings[stage]
        return next(one for one in ranked if trial in [row.trial for row in one.trials])

    def rank(self, stages: Iterable[str | None] | None = None) -> None:
        """Rank the points of some stages anew, of all by default."""
        for stage in self.points if stages is None else stages:
            self.rankings[stage] = self.ranked(stage)

    def watched(self, plan: Plan) -> Watched:
        """A plan with the metric that it is about."""
        metric = self.config.metric
        return Watched(plan, metric.name, metric.score(1.0))

    def results(self, asked: Sequence[Asked]) -> Iterator[Result[Asked]]:
        """The results of points, in the order of the request; their stages are ranked."""
        found: dict[tuple[str | None, str], tuple[Ranked, int]] = {}
        for name in dict.fromkeys(stage for stage, _ in asked):
            for ranked in self.rankings[name]:
                # Points that differ only in their seed, as a parameter, are ranked as one.
                for row in ranked.trials:
                    identity = self.points[name][row.trial].identity
                    found.setdefault((name, identity), (ranked, row.trial))
        for stage, point in asked:
            ranked, number = found[stage, point.identity]
            scores = scores_of(ranked, self.config.metrics)
            score, *others = (None,) if scores is None else scores
            told = Result((stage, point), score, number, tuple(others))
            yield told if self.config.prune is None else self._pruned(told)

    def _pruned(self, told: Result[Asked]) -> Result[Asked]:
        """The result of a point at the end of its plan. Its trial may be further already, if the
        sweep was resumed or the trial continued.
        """
        (trial,) = self.trials_of(told.point[1])
        watched, rows = self.ledger.watched(trial), self.ledger.metrics(trial)
        assert watched is not None
        curve = watched.curve(rows)
        status = self.ledger.status(trial)
        # A run that ended by itself was not stopped after its last row.
        by_itself = rows and (status.finished or status is Status.DIVERGED)
        last = rows[-1].epoch if by_itself else None
        stopped = watched.plan.stops_at({e: s for e, s in curve.items() if e != last})
        if stopped is None or told.trial in self._whole:
            self._whole.add(told.trial)
            return replace(told, curve=curve)
        reached = {epoch: score for epoch, score in curve.items() if epoch <= stopped}
        return replace(told, score=None, curve=reached, stopped=stopped)

    def write(self) -> None:
        """Write the summaries: trials.csv, ranking.csv, the link to the best."""
        self.ledger.write_summary(at_once=True)
        text = ranking_text(list(self.rankings.items()), self.config.metric_names)
        write_summary(self.ledger.sweep_dir.ranking_csv, text)
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
        winner, name = max(ranked, key=lambda one: self.config.metric.score(one[0].mean or 0.0))
        again = self.refits.get(name or "")
        if again is not None and again.first_trial.status.finished:
            winner = again
        row = winner.first_trial
        return Best(self.ledger.sweep_dir.path / row.run_dir, winner.parameters, row.metrics)

    def result(self, interrupted: int | None, *, submitted: int) -> SweepResult:
        """The result of the sweep, of which `submitted` trials were trained now."""
        rows = self.ledger.rows()
        counts = count_outcomes(row.status for row in rows)
        return SweepResult(
            sweep_dir=self.ledger.sweep_dir.path,
            status=Status.FINISHED if interrupted is None else Status.INTERRUPTED,
            metrics=self.config.metric_names,
            trials=counts,
            rankings=tuple((stage, tuple(found)) for stage, found in self.rankings.items()),
            refits=tuple(self.refits.items()),
            best=self._best(),
            failures=tuple(row for row in rows if row.status is Status.FAILED),
            left=len(rows) - sum(counts.values()),
            signal=interrupted,
            already_ended=interrupted is None and submitted == 0,
        )


def config_of(point: Point) -> RunConfig:
    """The configuration of a point; raises ConfigError with its problems if it has none."""
    refuse(list(point.problems))
    assert point.config is not None
    return point.config
