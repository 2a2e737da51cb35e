"""Ranks the points of a sweep by the mean of one metric over their seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnistlab.config.dump import setting_as_yaml
from mnistlab.config.sweep import Metric, StatedPoint, SweepConfig
from mnistlab.statistics.difference import Difference, difference_of
from mnistlab.statistics.hypothesis_tests import holm
from mnistlab.statistics.seeds import ALPHA, Interval, Sample, summary_of
from mnistlab.store.csv_text import csv_text
from mnistlab.support.metric_names import SPLIT_METRICS, is_accuracy
from mnistlab.support.scale import mean_and_spread, on_scale
from mnistlab.sweeps.results import TrialRow, parameter_keys


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
    the sweep's metric unless another is given, with the stated values of each point.
    """
    rows = rows_of_stage(config, rows, stage)
    return rank(rows, metric or config.metric, stage, config.reference or ())


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
    metric: Metric,
    stage: str | None = None,
    reference: Sequence[StatedPoint] = (),
) -> list[Ranked]:
    """The points of a sweep or of a stage, best first; those without a rank come last."""
    found = [_point(trials, metric.name, stage, reference) for trials in _points(rows)]
    sign = -1.0 if metric.larger_is_better else 1.0
    complete = [point for point in found if point.mean is not None]
    complete.sort(key=lambda point: (sign * (point.mean or 0.0), point.trials[0].trial))
    return _placed(complete) + [point for point in found if point.mean is None]


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
    trials: Sequence[TrialRow], name: str, stage: str | None, reference: Sequence[StatedPoint]
) -> Ranked:
    parameters = _without_seed(trials[0])
    measured = [row.metrics.get(name) for row in trials if row.status.finished]
    values = tuple(filter(on_scale, measured))
    mean, std, interval = None, None, None
    if len(values) == len(trials):
        mean, std = mean_and_spread(values)
        interval = summary_of(values, is_share=is_accuracy(name)).interval
    return Ranked(
        rank=None,
        tied=False,
        parameters=parameters,
        trials=tuple(trials),
        values=values,
        mean=mean,
        std=std,
        interval=interval,
        stated=getattr(stated_point(parameters, stage, reference), name, None),
    )


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


def ranking_text(rankings: Sequence[tuple[str | None, Sequence[Ranked]]], metric: str) -> str:
    """The text of ranking.csv: the points of every stage, best first.

    `low` and `high` are the ends of the mean's 95 % interval; `behind` is the winner's mean minus
    the point's, over shared seeds; `p_value` is corrected.
    """
    points = [point for _, ranked in rankings for point in ranked]
    keys = parameter_keys([point.trials[0] for point in points])
    keys = [key for key in keys if any(key in point.parameters for point in points)]
    staged = ["stage"] if any(stage is not None for stage, _ in rankings) else []
    stated = ["stated"] if any(point.stated is not None for point in points) else []
    measured = [f"{metric}_{what}" for what in ("mean", "std", "low", "high", "behind")]
    head = ["rank", "tied", *keys, *measured, "p_value", "seeds", *stated, "trials"]
    table = [[*staged, *head]]
    for stage, ranked in rankings:
        for point in ranked:
            values = [setting_as_yaml(point.parameters, key) for key in keys]
            interval = point.interval
            table.append(
                [
                    *([stage or ""] if staged else []),
                    str(point.rank or ""),
                    "yes" if point.tied else "",
                    *values,
                    _cell(point.mean),
                    _cell(point.std),
                    _cell(None if interval is None else interval.low),
                    _cell(None if interval is None else interval.high),
                    _cell(None if point.behind is None else point.behind.estimate),
                    _cell(point.p_value),
                    str(len(point.trials)),
                    *([_cell(point.stated)] if stated else []),
                    " ".join(str(row.trial) for row in point.trials),
                ]
            )
    return csv_text(table)


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)


def mean_metrics(point: Ranked) -> dict[str, tuple[float | None, float | None]]:
    """Mean and standard deviation of every metric over a point's seeds, if all have it."""
    found: dict[str, tuple[float | None, float | None]] = {}
    for name in SPLIT_METRICS:
        known = list(filter(on_scale, (row.metrics[name] for row in point.trials)))
        whole = len(known) == len(point.trials)
        found[name] = mean_and_spread(known) if whole else (None, None)
    return found
