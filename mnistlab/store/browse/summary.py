"""Reads the current state of a run from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mnistlab.store.checksums import refuse_wrong_checksum
from mnistlab.store.csv_text import named_rows
from mnistlab.store.locks import is_trained
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.notes import NO_NOTES, Notes, read_notes
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import RunRecord, read_run_record
from mnistlab.store.status import Status
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import RUN_METRICS, TEST, TRAINING, VALIDATION
from mnistlab.support.safe_files import read_artefact


@dataclass(frozen=True)
class RunSummary:
    """One run. `record` is run.json's content, updated from metrics.csv if the run is in progress.
    If run.json says that it is running, `alive` says whether a process trains it; otherwise None. A
    run whose process has died is interrupted.

    `best` is the best value by validation so far, under its name. `planned` epochs are None if the
    run is planned in steps, `planned_steps` if it is planned in epochs. `rank` is that of a trial
    in a sweep that ranks by several metrics: 1 on the Pareto front.
    """

    path: Path
    record: RunRecord
    alive: bool | None
    planned: int | None
    planned_steps: int | None
    best: dict[str, float]
    rank: int | None = None
    notes: Notes = NO_NOTES


def read_run(path: Path) -> RunSummary:
    """The state of the run in a folder; raises UsageError that names a damaged file."""
    run_dir = RunDir(path)
    record = read_run_record(run_dir) if run_dir.run_json.exists() else _unrecorded(run_dir)
    running = record.status is Status.RUNNING
    alive = is_trained(path) if running else None
    if running:
        record = _so_far(run_dir.metrics, record)
    if alive is False:
        record = replace(record, status=Status.INTERRUPTED)
    length = record.config.get("training")
    if not isinstance(length, Mapping):
        raise UsageError(
            f"{run_dir.run_json}: config.training: found {length!r}, expected a mapping"
        )
    return RunSummary(
        path=path,
        record=record,
        alive=alive,
        planned=length.get("epochs"),
        planned_steps=length.get("steps"),
        best=_named_best(record),
        notes=read_notes(path),
    )


def _unrecorded(run_dir: RunDir) -> RunRecord:
    """The state of a run that has just begun, or ended before it wrote run.json."""
    from mnistlab.config import load_run_config, resolved_mapping

    refuse_wrong_checksum(run_dir.config)
    return RunRecord(
        status=Status.RUNNING,
        started=datetime.fromtimestamp(run_dir.config.stat().st_mtime, UTC),
        config=resolved_mapping(load_run_config(run_dir.config)),
    )


def _so_far(path: Path, record: RunRecord) -> RunRecord:
    """The record of a run in progress, updated from its metrics.csv: the last row's metrics and
    steps, and the row with the best validation accuracy.
    """
    rows = rows_so_far(path)
    if not rows:
        return record
    last, best = rows[-1], max(rows, key=lambda row: row.val_accuracy or 0.0)
    # Run folders of earlier versions do not record the number of steps in an epoch.
    per_epoch = record.steps_per_epoch
    return replace(
        record,
        metrics={name: getattr(last, name) for name in RUN_METRICS},
        best=best,
        epochs=last.step // per_epoch if per_epoch else last.epoch,
        steps=last.step,
    )


def rows_so_far(path: Path) -> list[MetricsRow]:
    """The complete rows of a metrics.csv, whose last line may be incomplete; none if it is still to
    come. Raises UsageError that names a damaged file.
    """
    text = read_artefact(path).decode(errors="replace") if path.exists() else ""
    rows = named_rows(text[: text.rfind("\n") + 1], path, ("epoch", "step", VALIDATION.accuracy))
    try:
        return list(map(_metrics_row, rows))
    except ValueError as error:
        raise UsageError(f"{path}: is damaged: {error}") from error


def _metrics_row(cells: Mapping[str, str]) -> MetricsRow:
    measured = {name: float(cells[name]) for name in RUN_METRICS if cells.get(name)}
    return MetricsRow(int(cells["epoch"]), int(cells["step"]), **measured)


def _named_best(record: RunRecord) -> dict[str, float]:
    """The best validation accuracy; without validation, the final accuracy."""
    best = {} if record.best is None else {VALIDATION.accuracy: record.best.val_accuracy}
    known = record.metrics | best
    for part in (VALIDATION, TEST, TRAINING):
        value = known.get(part.accuracy)
        if value is not None:
            return {part.accuracy: value}
    return {}
