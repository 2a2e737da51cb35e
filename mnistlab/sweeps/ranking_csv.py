"""The text of ranking.csv."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mnistlab.config.dump import setting_as_yaml
from mnistlab.store.csv_text import csv_text
from mnistlab.sweeps.ranking import Measured, Ranked
from mnistlab.sweeps.results import parameter_keys

# The columns of each metric.
STATISTICS = ("mean", "std", "low", "high")


def ranking_text(
    rankings: Sequence[tuple[str | None, Sequence[Ranked]]], metrics: Sequence[str]
) -> str:
    """The text of ranking.csv: the points of every stage, best first.

    `low` and `high` are the ends of the mean's 95 % interval; `behind` is the winner's mean minus
    the point's, over shared seeds; `p_value` is corrected. With several metrics there is no winner
    to be behind of: `front` marks the points that no other dominates.
    """
    points = [point for _, ranked in rankings for point in ranked]
    keys = parameter_keys([point.trials[0] for point in points])
    keys = [key for key in keys if any(key in point.parameters for point in points)]
    columns = _several_columns(metrics) if len(metrics) > 1 else _columns(metrics[0], points)
    staged = any(stage is not None for stage, _ in rankings)
    table = [
        [
            *(["stage"] if staged else []),
            *("rank", columns.mark, *keys, *columns.measured),
            *("seeds", *columns.stated, "trials"),
        ]
    ]
    for stage, ranked in rankings:
        for point in ranked:
            table.append(
                [
                    *([stage or ""] if staged else []),
                    str(point.rank or ""),
                    "yes" if columns.is_marked(point) else "",
                    *(setting_as_yaml(point.parameters, key) for key in keys),
                    *map(_cell, columns.values(point)),
                    str(len(point.trials)),
                    *(_cell(point.stated) for _ in columns.stated),
                    " ".join(str(row.trial) for row in point.trials),
                ]
            )
    return csv_text(table)


@dataclass(frozen=True)
class _Columns:
    """The columns of ranking.csv that depend on the number of metrics."""

    mark: str
    is_marked: Callable[[Ranked], bool]
    measured: Sequence[str]
    values: Callable[[Ranked], Sequence[float | None]]
    stated: Sequence[str]


def _columns(metric: str, points: Sequence[Ranked]) -> _Columns:
    """Those of one metric."""
    return _Columns(
        mark="tied",
        is_marked=lambda point: point.tied,
        measured=[*(f"{metric}_{what}" for what in (*STATISTICS, "behind")), "p_value"],
        values=lambda point: [
            *_statistics(point.measured[0]),
            None if point.behind is None else point.behind.estimate,
            point.p_value,
        ],
        stated=["stated"] if any(point.stated is not None for point in points) else [],
    )


def _several_columns(metrics: Sequence[str]) -> _Columns:
    """Those of several metrics."""
    return _Columns(
        mark="front",
        is_marked=lambda point: point.on_front,
        measured=[f"{metric}_{what}" for metric in metrics for what in STATISTICS],
        values=lambda point: [value for one in point.measured for value in _statistics(one)],
        stated=[],
    )


def _statistics(measured: Measured) -> list[float | None]:
    """The values of STATISTICS."""
    interval = measured.interval
    ends = (None, None) if interval is None else (interval.low, interval.high)
    return [measured.mean, measured.std, *ends]


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)
