"""Reads the current state of a sweep or a reproduced report from its folder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.store.browse.found import experiments_of, trials_of
from mnistlab.store.checksums import refuse_wrong_checksum
from mnistlab.store.csv_text import named_rows
from mnistlab.store.locks import is_worked_on
from mnistlab.store.notes import NO_NOTES, Notes, read_notes
from mnistlab.store.report_dir import ReportDir
from mnistlab.store.run_dir import CONFIG_NAME, SWEEP_NAME, RunDir
from mnistlab.store.run_record import read_run_record
from mnistlab.store.status import Status
from mnistlab.store.summary_files import read_summary
from mnistlab.store.sweep_dir import REFIT, SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import COSTS, DEFAULT_METRIC, SPLIT_METRICS, TEST
from mnistlab.support.safe_files import read_artefact
from mnistlab.support.scale import mean_and_spread, on_scale

# The columns of trials.csv that are no parameters of a point.
NOT_OF_A_POINT = {"trial", "status", "seed", "run_dir", *SPLIT_METRICS, *COSTS}


@dataclass(frozen=True)
class SweepSummary:
    """One sweep. `status` is running, finished or interrupted. `trials` counts them by status;
    those still to come are `pending`. `best` is the winner's mean of the sweep's metric over its
    seeds, under the metric's name, as in the ranking; of a refit, which has no validation images,
    it is the test accuracy. The deviations are None of one seed; `best_std` is that of the first
    metric. `best_run` is the folder of the winner's first trial. `front` are the numbers of the
    trials on the Pareto front, if the sweep ranks by several metrics.
    """

    path: Path
    status: Status
    started: datetime
    trials: dict[Status, int]
    best: dict[str, float] = field(default_factory=dict)
    best_std: float | None = None
    best_run: Path | None = None
    front: tuple[int, ...] = ()
    test_accuracy: float | None = None
    test_accuracy_std: float | None = None
    notes: Notes = NO_NOTES


@dataclass(frozen=True)
class ReportSummary:
    """One reproduced report: `done` of the `planned` experiments have ended."""

    path: Path
    status: Status
    started: datetime
    done: int
    planned: int
    notes: Notes = NO_NOTES


def read_sweep(path: Path) -> SweepSummary:
    """The state of the sweep in a folder; raises UsageError that names a damaged file."""
    expected, metrics = _expected(path / SWEEP_NAME)
    rows = _rows(SweepDir(path))
    stages, statuses = _trials(path, rows)
    to_come = len(expected - stages)
    best = SweepDir(path).best
    if is_worked_on(SweepDir(path)):
        status = Status.RUNNING
    else:
        done = statuses and not statuses[Status.PENDING] + to_come
        status = Status.FINISHED if done else Status.INTERRUPTED
    winner = best.resolve() if (best / CONFIG_NAME).is_file() else None
    trials = [] if winner is None else _same_point(SweepDir(path), rows, winner)
    tested, tested_std = _mean(trials, TEST.accuracy)
    best_of = {metric: _mean(trials, metric) for metric in metrics}
    if best_of[metrics[0]][0] is None:
        best_of = {TEST.accuracy: (tested, tested_std)}
    return SweepSummary(
        path=path,
        status=status,
        started=folder_started(path, SWEEP_NAME),
        trials=dict(statuses),
        best={name: value for name, (value, _) in best_of.items() if value is not None},
        best_std=next(std for _, std in best_of.values()),
        front=tuple(trial for trial, rank in ranks_by_several(path).items() if rank == 1),
        best_run=winner,
        test_accuracy=tested,
        test_accuracy_std=tested_std,
        notes=read_notes(path),
    )


def _same_point(sweep: SweepDir, rows: Sequence[Mapping[str, str]], winner: Path) -> list[RunDir]:
    """The finished trials that differ from the winner by their seed alone, with itself."""
    own = next((row for row in rows if sweep.trial(row["run_dir"]).name == winner.name), None)
    if own is None:
        return [RunDir(winner)]
    return [
        sweep.trial(row["run_dir"])
        for row in rows
        if all(row[key] == own[key] for key in row.keys() - NOT_OF_A_POINT)
        and Status(row["status"]).finished
    ]


def _mean(trials: Sequence[RunDir], metric: str) -> tuple[float | None, float | None]:
    """Mean and deviation of a metric over trials; None if not all have it."""
    values = [read_run_record(trial).value(metric) for trial in trials]
    measured = list(filter(on_scale, values))
    return mean_and_spread(measured) if len(measured) == len(values) else (None, None)


def read_report(path: Path) -> ReportSummary:
    """The state of a reproduced report; raises UsageError that names a damaged file."""
    report = ReportDir(path)
    planned = _mapping(report.plan).get("experiments")
    if not isinstance(planned, Mapping):
        raise UsageError(f"{report.plan}: experiments: found {planned!r}, expected a mapping")
    statuses = Counter(read_sweep(folder).status for folder in experiments_of(path))
    done = statuses[Status.FINISHED]
    status = Status.FINISHED if done == len(planned) else Status.INTERRUPTED
    if statuses[Status.RUNNING]:
        status = Status.RUNNING
    started, notes = folder_started(path, report.plan.name), read_notes(path)
    return ReportSummary(path, status, started, done, len(planned), notes)


def ranks_by_several(path: Path) -> dict[int, int]:
    """The rank of each trial in a sweep that ranks by several metrics, best first; of another sweep
    nothing.
    """
    summary = SweepDir(path).ranking_csv
    text = read_summary(summary) if summary.exists() else ""
    rows = named_rows(text, summary, needed=("rank", "trials"))
    try:
        return {
            int(trial): int(row["rank"])
            for row in rows
            if "front" in row and row["rank"]
            for trial in row["trials"].split()
        }
    except ValueError as error:
        raise UsageError(f"{summary}: is damaged: {error}") from None


def _expected(path: Path) -> tuple[set[str], list[str]]:
    """The stages and refits of a sweep.yaml, and the metrics that it ranks by."""
    config = _mapping(path)
    try:
        stages = {str(stage["name"]) for stage in config.get("stages") or ()}
        stages |= {f"{REFIT}{name}" for name in config.get("refit") or ()}
        metrics = config.get("metric") or {}
        metrics = metrics if isinstance(metrics, list) else [metrics]
        return stages, [str(metric.get("name", DEFAULT_METRIC)) for metric in metrics]
    except (AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: is damaged, or was edited: {error!r}") from error


def _mapping(path: Path) -> dict[str, Any]:
    """The content of sweep.yaml or report.yaml."""
    import yaml

    try:
        refuse_wrong_checksum(path)
        config = yaml.load(read_artefact(path), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise UsageError(f"{path}: is not a sweep's configuration")
    return config


def _rows(sweep_dir: SweepDir) -> list[dict[str, str]]:
    """The rows of trials.csv; none if it is still to come."""
    path = sweep_dir.trials_csv
    text = read_summary(path) if path.exists() else ""
    return named_rows(text, path, needed=("status", "run_dir"))


def _trials(sweep: Path, rows: Sequence[Mapping[str, str]]) -> tuple[set[str], Counter[Status]]:
    """The stages that have trials, and the number of trials with each status.

    trials.csv may be a second older than the folders, so unfinished trials are read from these.
    """
    stages: set[str] = set()
    statuses: Counter[Status] = Counter()
    sweep_dir = SweepDir(sweep)
    begun = {trial.relative_to(sweep).as_posix() for trial in trials_of(sweep)}
    for row in rows:
        status = _status(row["status"], sweep_dir.trials_csv)
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


def folder_started(folder: Path, config: str) -> datetime:
    """When a folder was created, by its name; by its configuration's age if it was renamed."""
    try:
        return datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp((folder / config).stat().st_mtime, UTC)
