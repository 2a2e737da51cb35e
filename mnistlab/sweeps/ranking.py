"""Ranks the points of a sweep by the mean of its metric over their seeds, or of its metrics."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnistlab.config.objectives import Metric
from mnistlab.config.sweep import StatedPoint, SweepConfig
from mnistlab.statistics.difference import Difference, difference_of
from mnistlab.statistics.hypothesis_tests import holm
from mnistlab.statistics.pareto import domination_ranks
from mnistlab.statistics.seeds import ALPHA, Interval, Sample, summary_of
from mnistlab.support.metric_names import is_accuracy
from mnistlab.support.scale import mean_and_spread, on_scale
from mnistlab.sweeps.results import TrialRow


@dataclass(frozen=True)
class Measured:
    """A metric of a point over its seeds; see `Ranked`."""

    values: tuple[float, ...]
    mean: float | None
    std: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Ranked:
    """A point of a sweep with all its seeds.

    `rank` counts from 1; it is None if a trial of the point diverged, failed, or is still to come.
    `tied` points share the first rank: the winner, and all that cannot be told from it with 95 %
    confidence. Without two seeds there is no test; then only equal values are tied. `mean`,
    `std` and `interval`, the mean's 95 % interval, are None if not measured; the last two need two
    seeds.

    `behind` is the winner's metric minus the point's, paired by seed; `p_value` is that of its
    test, corrected for the number of comparisons with the winner. The winner has neither.

    With several metrics, these are all of the first one, and `others` has the other ones. `rank` is
    then that of domination, and `on_front` says that no point dominates this one: rank 1. Nothing
    is tied and nothing is tested.
    """

    rank: int | None
    tied: bool
    parameters: dict[str, Any]
    trials: tuple[TrialRow, ...]
    values: tuple[float, ...]
    mean: float | None
    std: float | None
    interval: Interval | None = None
    stated: float | None = None
    behind: Difference | None = None
    p_value: float | None = None
    others: tuple[Measured, ...] = ()
    on_front: bool = False

    @property
    def measured(self) -> tuple[Measured, ...]:
        """The point's metrics, in the order of the sweep."""
        return (Measured(self.values, self.mean, self.std, self.interval), *self.others)

    @property
    def first_trial(self) -> TrialRow:
        """The first of its trials, with the configuration's seed."""
        return self.trials[0]


def stages_of(config: SweepConfig) -> list[str | None]:
    """The stages of a sweep, each with its own ranking; None is a sweep without stages."""
    return [stage.name for stage in config.stages] if config.stages else [None]


def ranking_of(
    config: SweepConfig,
    rows: Sequence[TrialRow],
    stage: str | None = None,
    metric: Metric | None = None,
) -> list[Ranked]:
    """The ranking of a stage (of all `rows` without stages), for the sweep and for all readers: by
    the sweep's metrics unless another is given, with the stated values of each point.
    """
    rows = rows_of_stage(config, rows, stage)
    metrics = config.metrics if metric is None else (metric,)
    return rank(rows, metrics, stage, config.reference or ())


def rows_of_stage(
    config: SweepConfig, rows: Sequence[TrialRow], stage: str | None
) -> list[TrialRow]:
    """The trials of a stage with its parameters: in trials.csv, a trial of two stages has those of
    both.
    """
    keys = _keys_of_stage(config, stage)
    return [
        row
        if keys is None
        else replace(row, parameters={k: v for k, v in row.parameters.items() if k in keys})
        for row in rows
        if stage is None or stage in row.stages
    ]


def _keys_of_stage(config: SweepConfig, stage: str | None) -> set[str] | None:
    """The parameters of a stage's trials; None for all parameters."""
    by_name = {one.name: one for one in config.stages or ()}
    if stage not in by_name:
        return None
    keys = {"seed"}
    name: str | None = stage
    while name is not None:
        keys |= {*by_name[name].parameters, *by_name[name].set}
        name = by_name[name].source
    return keys


def rank(
    rows: Sequence[TrialRow],
    metrics: Sequence[Metric],
    stage: str | None = None,
    reference: Sequence[StatedPoint] = (),
) -> list[Ranked]:
    """The points of a sweep or of a stage, best first; those without a rank come last. Points of
    equal rank are in the order of the first metric, then of the next, then of their trials.
    """
    found = [_point(trials, metrics, stage, reference) for trials in _points(rows)]
    scored = [(scores_of(point, metrics), point) for point in found]
    complete = [(scores, point) for scores, point in scored if scores is not None]
    complete.sort(key=lambda one: ([-score for score in one[0]], one[1].trials[0].trial))
    placed = _placed([point for _, point in complete])
    if len(metrics) > 1:
        placed = _on_fronts(complete)
    return placed + [point for scores, point in scored if scores is None]


def scores_of(point: Ranked, metrics: Sequence[Metric]) -> tuple[float, ...] | None:
    """The point's mean metrics as scores, of which higher ones are better; None if any is not
    measured.
    """
    means = [one.mean for one in point.measured]
    known = [mean for mean in means if mean is not None]
    if len(known) < len(means):
        return None
    return tuple(metric.score(mean) for metric, mean in zip(metrics, known, strict=True))


def _on_fronts(complete: Sequence[tuple[tuple[float, ...], Ranked]]) -> list[Ranked]:
    """The points with the ranks of their domination, in the order of these."""
    ranks = domination_ranks([scores for scores, _ in complete])
    placed = [
        replace(point, rank=rank, on_front=rank == 1)
        for rank, (_, point) in zip(ranks, complete, strict=True)
    ]
    return sorted(placed, key=lambda point: point.rank or 0)


def _placed(complete: Sequence[Ranked]) -> list[Ranked]:
    """The points, best first, with their ranks and what is known of their distance to the first."""
    if not complete:
        return []
    winner, others = complete[0], complete[1:]
    behind = [difference_of(_sample(winner), _sample(point)) for point in others]
    tested = [one.p_value for one in behind if one.p_value is not None]
    corrected = iter(holm(tested))
    p_values = [None if one.p_value is None else next(corrected) for one in behind]
    places: dict[float | None, int] = {}
    for place, point in enumerate(complete, 1):
        places.setdefault(point.mean, place)
    ranked = []
    for point, one, p_value in zip(others, behind, p_values, strict=True):
        tied = point.mean == winner.mean if p_value is None else p_value >= ALPHA
        rank = 1 if tied else places[point.mean]
        ranked.append(replace(point, rank=rank, tied=tied, behind=one, p_value=p_value))
    return [replace(winner, rank=1, tied=any(point.tied for point in ranked)), *ranked]


def _sample(point: Ranked) -> Sample:
    """The values of a point with their seeds; a point of one trial may have no seed of its own."""
    return Sample(point.values, tuple(map(_seed, point.trials)))


def _seed(row: TrialRow) -> int:
    seed = row.parameters.get("seed", 0)
    # In a damaged trials.csv it can be anything: then it is that of no other trial.
    return seed if type(seed) is int else -1 - row.trial


def _points(rows: Sequence[TrialRow]) -> list[list[TrialRow]]:
    """The trials of each point, in the order of the points' first trials."""
    points: dict[str, list[TrialRow]] = {}
    for row in sorted(rows, key=lambda row: row.trial):
        points.setdefault(repr(_without_seed(row)), []).append(row)
    return list(points.values())


def _without_seed(row: TrialRow) -> dict[str, Any]:
    return {key: value for key, value in row.parameters.items() if key != "seed"}


def _point(
    trials: Sequence[TrialRow],
    metrics: Sequence[Metric],
    stage: str | None,
    reference: Sequence[StatedPoint],
) -> Ranked:
    parameters = _without_seed(trials[0])
    first, *others = (_measured(trials, metric.name) for metric in metrics)
    return Ranked(
        rank=None,
        tied=False,
        parameters=parameters,
        trials=tuple(trials),
        values=first.values,
        mean=first.mean,
        std=first.std,
        interval=first.interval,
        stated=getattr(stated_point(parameters, stage, reference), metrics[0].name, None),
        others=tuple(others),
    )


def _measured(trials: Sequence[TrialRow], name: str) -> Measured:
    found = [row.metrics.get(name) for row in trials if row.status.finished]
    values = tuple(filter(on_scale, found))
    if len(values) < len(trials):
        return Measured(values, None, None, None)
    mean, std = mean_and_spread(values)
    return Measured(values, mean, std, summary_of(values, is_share=is_accuracy(name)).interval)


def stated_point(
    parameters: dict[str, Any], stage: str | None, reference: Sequence[StatedPoint]
) -> StatedPoint | None:
    """The stated values of a point: of the first entry whose values are all the point's."""
    for entry in reference:
        if entry.stage in (None, stage) and all(
            key in parameters and parameters[key] == value
            for key, value in entry.parameters.items()
        ):
            return entry
    return None


def mean_metrics(point: Ranked) -> dict[str, tuple[float | None, float | None]]:
    """Mean and standard deviation of every metric over a point's seeds, if all have it."""
    found: dict[str, tuple[float | None, float | None]] = {}
    for name in point.trials[0].metrics:
        known = list(filter(on_scale, (row.metrics[name] for row in point.trials)))
        whole = len(known) == len(point.trials)
        found[name] = mean_and_spread(known) if whole else (None, None)
    return found
