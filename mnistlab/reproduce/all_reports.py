"""Reproduces the reports and papers of one command, one after another: experiments, then pages."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mnistlab.config.load_sweep import refuse, sweep_from_mapping
from mnistlab.config.source_nodes import Node, Position
from mnistlab.experiment.dataset import data_dir_of_runs
from mnistlab.reproduce.checks import problems_of
from mnistlab.reproduce.known import is_group, load_all, load_report
from mnistlab.reproduce.manifest import LoadedReport
from mnistlab.reproduce.pages import WrittenReport, refuse_foreign_pages, write_report
from mnistlab.reproduce.planned import read_plan
from mnistlab.reproduce.reproduction import (
    Reproduced,
    ReproduceOptions,
    folders_of_command,
    make_folders,
    run_report,
)
from mnistlab.store.browse.found import experiments_of, trials_of
from mnistlab.store.report_dir import ReportDir
from mnistlab.support.errors import DataError
from mnistlab.support.links import resolved


@dataclass(frozen=True)
class Reproduction:
    """The state of the reports of one command.

    `resumable` is the folder for resuming all of them; `signal` is set if they were interrupted.
    """

    reports: tuple[WrittenReport, ...]
    trials: dict[str, int]  # the numbers of finished, diverged and failed trials
    resumable: Path
    already_ended: bool
    signal: int | None = None


def reproduce_all(
    names: Sequence[str],
    budget: str,
    arguments: Sequence[str],
    runs_dir: Path,
    options: ReproduceOptions,
) -> Reproduction:
    """Reproduce reports and papers in new folders; `reports`, `papers` and `all` stand for those
    that are part of mnistlab.

    One of these that is optional is left out, with a message, if its dataset is missing.
    """
    loaded: dict[Path, LoadedReport] = {}
    named: set[Path] = set()
    for name in names:
        found = load_all(name) if is_group(name) else [load_report(name)]
        loaded |= {one.folder.resolve(): one for one in found}
        named |= set() if is_group(name) else {one.folder.resolve() for one in found}

    missing: list[DataError] = []

    def left_out(one: LoadedReport, error: DataError) -> None:
        if not one.report.optional or one.folder.resolve() in named:
            raise error
        missing.append(error)
        options.tell(f"{one.kind} {one.name} is left out: {error}")

    folders = make_folders(
        list(loaded.values()),
        left_out=left_out,
        budget=budget,
        arguments=arguments,
        runs_dir=runs_dir,
        data_dir=options.sweep.data_dir,
        data_progress=options.sweep.data_progress,
    )
    if not folders:
        raise missing[0]
    return _run_all(folders, options)


def resume_all(path: Path, options: ReproduceOptions) -> Reproduction:
    """Resume all reports of one command, from the folder of the last one."""
    folders = folders_of_command(ReportDir(resolved(path)))
    sweeps = (sweep for folder in folders for sweep in experiments_of(folder.path))
    runs = (run for sweep in sweeps for run in trials_of(sweep))
    data_dir = data_dir_of_runs(runs, options.sweep.data_dir, options.tell)
    return _run_all(folders, replace(options, sweep=replace(options.sweep, data_dir=data_dir)))


def _run_all(folders: Sequence[ReportDir], options: ReproduceOptions) -> Reproduction:
    """Run and write each report; an error between trials says how to resume."""
    for folder in folders:
        _check(folder)
    try:
        return _run_each(folders, options)
    except KeyboardInterrupt:
        options.tell(f"to resume: mnistlab resume {shlex.quote(str(folders[-1].path))}")
        raise


def _check(folder: ReportDir) -> None:
    """Raise UsageError or ConfigError if the pages could not be written in the end: the folder may
    have been changed, or come from a stranger.
    """
    plan = read_plan(folder)
    sources = {
        name: sweep_from_mapping(experiment.sweep, source=f"{folder.plan}: {name}")
        for name, experiment in plan.experiments.items()
    }
    where = Node({}, Position(str(folder.plan)))
    refuse(list(problems_of(plan.report, where, sources)))
    refuse_foreign_pages(folder, plan.report)


def _run_each(folders: Sequence[ReportDir], options: ReproduceOptions) -> Reproduction:
    written: list[WrittenReport] = []
    done: list[Reproduced] = []
    for folder in folders:
        done.append(run_report(folder, options))
        if done[-1].signal is not None:
            break
        if not done[-1].already_ended or not folder.report.exists():
            options.tell(f"{done[-1].plan.kind} {done[-1].plan.name}: drawing the figures …")
        written.append(write_report(folder, data_dir=options.sweep.data_dir, tell=options.tell))
    trials = {key: sum(one.trials[key] for one in done) for key in done[0].trials}
    return Reproduction(
        reports=tuple(written),
        trials=trials,
        resumable=folders[-1].path,
        already_ended=all(one.already_ended for one in done),
        signal=done[-1].signal,
    )
