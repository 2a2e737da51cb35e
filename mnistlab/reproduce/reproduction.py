"""Reproduces reports in new folders, or resumes them: a sweep for each experiment."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.config.load_sweep import sweep_from_mapping
from mnistlab.data import DownloadProgress
from mnistlab.reproduce.manifest import LoadedReport
from mnistlab.reproduce.plan import planned_experiments
from mnistlab.reproduce.planned import PlannedExperiment, ReportPlan, read_plan
from mnistlab.store.report_dir import MANIFEST_NAME, ReportDir, is_plain_name
from mnistlab.store.run_dir import SWEEP_NAME, create_folder, make_complete
from mnistlab.store.status import Status, count_outcomes
from mnistlab.support import durable
from mnistlab.support.errors import DataError, UsageError
from mnistlab.sweeps import sweep_run
from mnistlab.sweeps.results import read_trials
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepResult
from mnistlab.sweeps.sweep_options import SweepOptions
from mnistlab.sweeps.trials import Datasets

TIMES_HEAD = "experiment,seconds"
# Shows one experiment's progress under a heading.
Watch = Callable[[str], AbstractContextManager[SweepCallback]]


@dataclass(frozen=True)
class ReproduceOptions:
    """The options for every experiment; `watch` shows each one's progress."""

    sweep: SweepOptions
    watch: Watch
    tell: Callable[[str], None]
    force: bool


@dataclass(frozen=True)
class Reproduced:
    """The results of one report's experiments; `signal` is set if they were interrupted."""

    report_dir: ReportDir
    plan: ReportPlan
    trials: dict[str, int]  # the numbers of finished, diverged and failed trials
    already_ended: bool  # nothing was left to do
    signal: int | None = None


def make_folders(
    reports: Sequence[LoadedReport],
    *,
    left_out: Callable[[LoadedReport, DataError], None],
    budget: str,
    arguments: Sequence[str],
    runs_dir: Path,
    data_dir: Path,
    data_progress: DownloadProgress | None = None,
) -> list[ReportDir]:
    """A new folder for each report, with its complete plan; nothing is run yet.

    Every trial of every report is validated first: raises ConfigError, DataError or UsageError
    before there is a folder. `left_out` is told of an optional report whose dataset is missing;
    it may raise the error.
    """
    datasets = Datasets(data_dir, data_progress)
    planned: list[tuple[LoadedReport, dict[str, PlannedExperiment]]] = []
    for one in reports:
        try:
            planned.append((one, planned_experiments(one, budget, arguments, datasets)))
        except DataError as error:
            left_out(one, error)
    started = datetime.now(UTC)
    found: list[ReportDir] = []
    for one, experiments in planned:
        plan = ReportPlan(
            kind=one.kind,
            name=one.name,
            budget=budget,
            earlier_folders=tuple(before.path.name for before in found),
            report=one.report,
            experiments=experiments,
        )
        name = f"{one.kind}-{one.name}"
        folder = create_folder(runs_dir, name, MANIFEST_NAME, plan.text(), started)
        found.append(ReportDir(folder))
    return found


def run_report(report_dir: ReportDir, options: ReproduceOptions) -> Reproduced:
    """Run the remaining trials of a report's experiments, one experiment after another.

    Each trial uses one processor. Raises UsageError if another process works on the report, or if
    its files have changed since it was begun.
    """
    plan = read_plan(report_dir)
    report_dir.experiments.mkdir(exist_ok=True)
    counts = count_outcomes([])
    already_ended, number = True, None
    for place, (name, experiment) in enumerate(plan.experiments.items(), 1):
        heading = f"{plan.kind} {plan.name}, {place} of {len(plan.experiments)}: {name}"
        result = _run_experiment(report_dir, name, experiment, heading, options)
        counts = {key: count + result.trials[key] for key, count in counts.items()}
        already_ended = already_ended and result.already_ended
        if result.status is Status.INTERRUPTED:
            number = result.signal
            break
    return Reproduced(report_dir, plan, counts, already_ended, number)


def folders_of_command(report_dir: ReportDir) -> list[ReportDir]:
    """The folders that one command created, this one last: those before it that still exist."""
    before = read_plan(report_dir).earlier_folders
    if wrong := [name for name in before if not is_plain_name(name)]:
        raise UsageError(
            f"{report_dir.plan}: earlier_folders: {wrong[0]!r} is not the name of a folder"
        )
    found = [ReportDir(report_dir.path.with_name(name)) for name in (*before, report_dir.path.name)]
    return [one for one in found if one.plan.is_file()]


def _run_experiment(
    report_dir: ReportDir,
    name: str,
    experiment: PlannedExperiment,
    heading: str,
    options: ReproduceOptions,
) -> SweepResult:
    folder = report_dir.experiment(name).path
    sweep = experiment.sweep
    if experiment.teacher is not None and not folder.exists():
        sweep = _taught(sweep, _first_run(report_dir, experiment.teacher))
    source = sweep_from_mapping(sweep, source=f"{report_dir.plan}: {name}")
    if not folder.exists() and not make_complete(folder, SWEEP_NAME, source.text()):
        raise UsageError(f"{folder}: cannot be created: this name is already taken")
    began = time.monotonic()
    with options.watch(heading) as watcher:
        how = replace(options.sweep, callbacks=[watcher])
        result = sweep_run.resume(folder, (), how, force=options.force)
    if not result.already_ended:
        _note_time(report_dir, name, time.monotonic() - began)
    return result


def _first_run(report_dir: ReportDir, experiment: str) -> Path:
    """The folder of an experiment's first run. Raises UsageError if it has not finished."""
    sweep_dir = report_dir.experiment(experiment)
    first = read_trials(sweep_dir)[0]
    if not first.status.finished:
        raise UsageError(f"{sweep_dir.path}: its first run is {first.status} and cannot teach")
    return sweep_dir.path / first.run_dir


def _taught(sweep: Mapping[str, Any], teacher: Path) -> dict[str, Any]:
    """A sweep with the folder of its runs' teacher."""
    run = sweep["run"]
    loss = {**run["loss"], "teacher": {**run["loss"]["teacher"], "run": str(teacher)}}
    return {**sweep, "run": {**run, "loss": loss}}


def _note_time(report_dir: ReportDir, name: str, seconds: float) -> None:
    if not report_dir.times.exists():
        durable.write_file(report_dir.times, f"{TIMES_HEAD}\n")
    durable.append_lines(report_dir.times, [f"{name},{seconds:.3f}"])


def seconds_taken(report_dir: ReportDir) -> float:
    """The duration of the experiments in seconds of wall time, without interruptions."""
    if not report_dir.times.exists():
        return 0.0
    lines = durable.read_text(report_dir.times).splitlines()[1:]
    return sum(float(line.rpartition(",")[2]) for line in lines)
