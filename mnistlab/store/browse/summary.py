"""Reads the current state of a run or a sweep from its folder."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.store.browse.found import trials_of
from mnistlab.store.checksums import refuse_wrong_checksum
from mnistlab.store.csv_text import named_rows
from mnistlab.store.locks import is_held
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_dir import CONFIG_NAME, SWEEP_NAME, RunDir
from mnistlab.store.run_record import RunRecord, read_run_record
from mnistlab.store.status import PROCESS_DIED, Status
from mnistlab.store.summary_files import read_summary
from mnistlab.store.sweep_dir import REFIT, SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import DEFAULT_METRIC, RUN_METRICS, TEST, TRAINING, VALIDATION
from mnistlab.support.safe_files import read_artefact


@dataclass(frozen=True)
class RunSummary:
    """One run. `record` is run.json's content, updated from metrics.csv if the run is in progress.
    If its status is running, `alive` says whether a process trains it; otherwise None.

    `best` is the best value by validation so far, under its name. `planned` epochs are None if the
    run is planned in steps, `planned_steps` if it is planned in epochs.
    """

    path: Path
    record: RunRecord
    alive: bool | None
    planned: int | None
    planned_steps: int | None
    best: dict[str, float]


@dataclass(frozen=True)
class SweepSummary:
    """One sweep. `status` is running, finished or interrupted. `trials` counts them by status;
    those still to come are `pending`. `best` is the chosen trial's value of the sweep's metric,
    under its name; `best_run` is that trial's folder.
    """

    path: Path
    status: Status
    started: datetime
    trials: dict[Status, int]
    best: dict[str, float] = field(default_factory=dict)
    best_run: Path | None = None
    test_accuracy: float | None = None


def read_run(path: Path) -> RunSummary:
    """The state of the run in a folder; raises UsageError that names a damaged file."""
    run_dir = RunDir(path)
    record = read_run_record(run_dir) if run_dir.run_json.exists() else _unrecorded(run_dir)
    running = record.status is Status.RUNNING
    if running:
        record = _so_far(run_dir.metrics, record)
    length = record.config.get("training")
    if not isinstance(length, Mapping):
        raise UsageError(
            f"{run_dir.run_json}: config.training: found {length!r}, expected a mapping"
        )
    return RunSummary(
        path=path,
        record=record,
        alive=is_held(path) if running else None,
        planned=length.get("epochs"),
        planned_steps=length.get("steps"),
        best=_named_best(record),
    )


def run_status(run: RunSummary) -> str:
    """The status of a run, in words."""
    return PROCESS_DIED if run.alive is False else run.record.status.words


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
    text = read_artefact(path).decode(errors="replace") if path.exists() else ""
    # The last line may be incomplete.
    rows = named_rows(text[: text.rfind("\n") + 1], path, ("epoch", "step", VALIDATION.accuracy))
    if not rows:
        return record
    try:
        last = _metrics_row(rows[-1])
        best = max(map(_metrics_row, rows), key=lambda row: row.val_accuracy or 0.0)
    except ValueError as error:
        raise UsageError(f"{path}: is damaged: {error}") from error
    # Run folders of earlier versions do not record the number of steps in an epoch.
    per_epoch = record.steps_per_epoch
    return replace(
        record,
        metrics={name: getattr(last, name) for name in RUN_METRICS},
        best=best,
        epochs=last.step // per_epoch if per_epoch else last.epoch,
        steps=last.step,
    )


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


def read_sweep(path: Path) -> SweepSummary:
    """The state of the sweep in a folder; raises UsageError that names a damaged file."""
    expected, metric = _expected(path / SWEEP_NAME)
    stages, statuses = _trials(path)
    to_come = len(expected - stages)
    lock, best = SweepDir(path).lock, SweepDir(path).best
    if lock.exists() and is_held(lock):
        status = Status.RUNNING
    else:
        done = statuses and not statuses[Status.PENDING] + to_come
        status = Status.FINISHED if done else Status.INTERRUPTED
    chosen = read_run(best.resolve()) if (best / CONFIG_NAME).is_file() else None
    metrics = chosen.record.metrics if chosen else {}
    value = metrics.get(metric)
    return SweepSummary(
        path=path,
        status=status,
        started=_started(path),
        trials=dict(statuses),
        best={} if value is None else {metric: value},
        best_run=chosen.path if chosen else None,
        test_accuracy=metrics.get(TEST.accuracy),
    )


def _expected(path: Path) -> tuple[set[str], str]:
    """The stages and refits of a sweep.yaml, and the metric that it ranks by."""
    config = _sweep_config(path)
    try:
        stages = {str(stage["name"]) for stage in config.get("stages") or ()}
        stages |= {f"{REFIT}{name}" for name in config.get("refit") or ()}
        return stages, str((config.get("metric") or {}).get("name", DEFAULT_METRIC))
    except (AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: is damaged, or was edited: {error!r}") from error


def _sweep_config(path: Path) -> dict[str, Any]:
    import yaml

    try:
        refuse_wrong_checksum(path)
        config = yaml.load(read_artefact(path), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise UsageError(f"{path}: is not a sweep's configuration")
    return config


def _trials(sweep: Path) -> tuple[set[str], Counter[Status]]:
    """The stages that have trials, and the number of trials with each status.

    trials.csv may be a second older than the folders, so unfinished trials are read from these.
    """
    stages: set[str] = set()
    statuses: Counter[Status] = Counter()
    sweep_dir = SweepDir(sweep)
    path = sweep_dir.trials_csv
    begun = {str(trial.relative_to(sweep)) for trial in trials_of(sweep)}
    text = read_summary(path) if path.exists() else ""
    for row in named_rows(text, path, needed=("status", "run_dir")):
        status = _status(row["status"], path)
        if not status.ended:
            run_dir = sweep_dir.trial(row["run_dir"])
            begun_so = run_dir.run_json.exists()
            status = read_run_record(run_dir).status if begun_so else Status.PENDING
        begun.discard(row["run_dir"])
        statuses[status.outcome] += 1
        stages.update((row.get("stage") or "").split())
    statuses[Status.PENDING] += len(begun)
    return stages, statuses


def _status(cell: str, path: Path) -> Status:
    try:
        return Status(cell)
    except ValueError as error:
        raise UsageError(f"{path}: is damaged: {error}") from None


def _started(folder: Path) -> datetime:
    """When a folder was created, by its name; by its configuration's age if it was renamed."""
    try:
        return datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp((folder / SWEEP_NAME).stat().st_mtime, UTC)
