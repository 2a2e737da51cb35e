"""Tables of runs as DataFrames."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd

from mnistlab.support.paths import PathLike


def frame(rows: Sequence[Any], row_type: type) -> pd.DataFrame:
    """Dataclass rows as a DataFrame: a column for each field, NaN if not measured."""
    columns = {column.name: column.type for column in fields(row_type)}
    table = pd.DataFrame([asdict(row) for row in rows], columns=list(columns))
    optional = {name: float for name, kind in columns.items() if kind == float | None}
    return table.astype(optional)


def compare(paths: PathLike | Iterable[PathLike]) -> pd.DataFrame:
    """Compare runs: the configuration keys that differ, and the metrics, a row for each run.

    `paths`: runs, sweeps (all their trials), folders of them; one, or several. The index is the
    run's folder; `status` is a column. Raises UsageError if there is no run, or a damaged one.
    """
    from mnistlab.store.browse.comparison import compare as compare_runs
    from mnistlab.support.errors import UsageError

    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    found = compare_runs(Path(path) for path in several)
    if found.faults:
        raise UsageError(*found.faults)
    rows = [
        {"status": one.run.record.status.value, **one.parameters, **one.metrics}
        for one in found.runs
    ]
    index = pd.Index([str(one.run.path) for one in found.runs], name="run_dir")
    table = pd.DataFrame(rows, index=index, columns=["status", *found.keys, *found.metrics])
    return table.astype(dict.fromkeys(found.metrics, float))
