"""The learning curves of a run while it trains, and the ranking of a sweep as it forms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnistlab.store.browse.summary import rows_so_far
from mnistlab.store.csv_text import named_rows
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_dir import RunDir
from mnistlab.store.summary_files import read_summary
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.metric_names import RUN_METRICS
from mnistlab.support.scale import on_scale

MOST_POINTS = 400
MOST_RANKED = 200


def curves_of(run: Path) -> dict[str, list[Any]]:
    """Step, epoch and every metric that was measured, each a list of at most about MOST_POINTS
    evaluations, including the last. Raises UsageError that names a damaged file.
    """
    rows = _spread(rows_so_far(RunDir(run).metrics))
    found: dict[str, list[Any]] = {
        "step": [row.step for row in rows],
        "epoch": [row.epoch for row in rows],
    }
    for name in RUN_METRICS:
        values = [value if on_scale(value := getattr(row, name)) else None for row in rows]
        if any(value is not None for value in values):
            found[name] = values
    return found


def _spread(rows: Sequence[MetricsRow]) -> list[MetricsRow]:
    step = -(-len(rows) // MOST_POINTS) or 1
    return list(reversed(rows[::-1][::step]))


def ranking_of(sweep: Path) -> dict[str, list[Any]] | None:
    """The heads and the first rows of ranking.csv; None if no trial has ended.

    Raises UsageError that names a damaged file.
    """
    path = SweepDir(sweep).ranking_csv
    if not path.exists():
        return None
    rows = named_rows(read_summary(path), path)
    heads = list(rows[0]) if rows else []
    return {"heads": heads, "rows": [list(row.values()) for row in rows[:MOST_RANKED]]}
