"""The results of a sweep so far, as rows: read from its folders, written as trials.csv."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.config.dump import setting_as_yaml
from mnistlab.config.load_sweep import SweepSource, load_sweep
from mnistlab.config.source_nodes import Position
from mnistlab.config.yaml_nodes import nodes_from_text
from mnistlab.store.checksums import refuse_wrong_checksum
from mnistlab.store.csv_text import csv_text, named_rows
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import RunRecord, read_run_record
from mnistlab.store.status import Status
from mnistlab.store.summary_files import read_summary
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import COSTS, SPLIT_METRICS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrialRow:
    """The current row of a trial; `metrics` are of its kept weights."""

    trial: int
    status: Status
    stages: tuple[str, ...]  # its stages; none in a sweep without stages
    parameters: dict[str, Any]
    metrics: dict[str, float | None]
    run_dir: str  # relative to the sweep's folder
    reason: str | None = None


def trials_text(rows: Sequence[TrialRow]) -> str:
    """The text of trials.csv: a row per trial, in this order."""
    keys = parameter_keys(rows)
    staged = ["stage"] if any(row.stages for row in rows) else []
    names = metric_names(rows)
    table = [["trial", "status", *staged, *keys, *names, "run_dir"]]
    for row in rows:
        stage = [" ".join(row.stages)] if staged else []
        values = [setting_as_yaml(row.parameters, key) for key in keys]
        metrics = [row.metrics.get(name) for name in names]
        figures = ["" if value is None else repr(float(value)) for value in metrics]
        table.append([str(row.trial), row.status, *stage, *values, *figures, row.run_dir])
    return csv_text(table)


def parameter_keys(rows: Sequence[TrialRow]) -> list[str]:
    """Every parameter of any trial, in the order of their first use; `seed` last."""
    keys = dict.fromkeys(key for row in rows for key in row.parameters)
    return sorted(keys, key=lambda key: key == "seed")


def metric_names(rows: Sequence[TrialRow]) -> list[str]:
    """The names of all metrics, and of those costs by which the sweep ranks its trials."""
    return [*SPLIT_METRICS, *(name for name in COSTS if any(name in row.metrics for row in rows))]


def read_trials(sweep_dir: SweepDir) -> list[TrialRow]:
    """The rows of a sweep's trials.csv; raises UsageError if it is missing or damaged."""
    path = sweep_dir.trials_csv
    lines = named_rows(read_summary(path), path)
    known = {"trial", "status", "stage", *SPLIT_METRICS, *COSTS, "run_dir"}
    names = [*SPLIT_METRICS, *(name for name in COSTS if lines and name in lines[0])]
    rows = []
    for number, line in enumerate(lines, start=2):
        try:
            parameters = {
                key: _value(cell, path) for key, cell in line.items() if key not in known and cell
            }
            metrics = {name: float(line[name]) if line[name] else None for name in names}
            stages = tuple(line.get("stage", "").split())
            run_dir = line["run_dir"]
            sweep_dir.trial(run_dir)  # raises an error for a path outside
            number, status = int(line["trial"]), Status(line["status"])
            row = TrialRow(number, status, stages, parameters, metrics, run_dir)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{path}:{number}: the row is damaged ({error})") from error
        rows.append(row)
    return rows


def _value(cell: str, path: Path) -> Any:
    node, _ = nodes_from_text(cell, lambda line, column: Position(str(path)))
    return node.plain() if node is not None else None


def sweep_of(sweep_dir: SweepDir) -> SweepSource:
    """The sweep of a folder; raises ConfigError or UsageError if sweep.yaml is damaged or was
    edited.
    """
    refuse_wrong_checksum(sweep_dir.config)
    return load_sweep(sweep_dir.config)


def read_record(run_dir: RunDir) -> RunRecord | None:
    """The content of a trial's run.json; None if there is none or, with a warning, if it is
    damaged.

    It is written atomically, so only another program can damage it: the trial is then resumed.
    """
    if not run_dir.run_json.exists():
        return None
    try:
        return read_run_record(run_dir)
    except UsageError as error:
        logger.warning("%s; the trial is run again", error)
        return None
