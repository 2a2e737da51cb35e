"""Runs the trials of a sweep, or the remaining ones."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from mnistlab.config.load_sweep import SweepSource
from mnistlab.python.commands.figures_at_end import FiguresAtEnd, figures_at_end
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.store.tracked import trackers_of
from mnistlab.support.host import available_cpus
from mnistlab.support.links import resolved
from mnistlab.sweeps import sweep_run
from mnistlab.sweeps.sweep_callbacks import SweepResult
from mnistlab.sweeps.sweep_options import SweepOptions


def sweep(
    source: SweepSource,
    runs_dir: Path,
    options: SweepOptions,
    *,
    plots: bool = True,
    figures: FiguresAtEnd = figures_at_end,
    track: Sequence[str] = (),
) -> SweepResult:
    """Run every trial of a sweep into a new folder, choose the best, and draw the figures unless
    `plots` is false. `track` are the names of trackers that its trials are passed on to.

    There are never more workers on this machine than processors. Raises ConfigError with all errors
    of all trials, DataError or UsageError before there is a folder.
    """
    with _tracking(options, track) as options:
        result = sweep_run.begin(source, runs_dir, _with_workers(options))
        if plots:
            _draw(result, options, figures)
    return result


def resume_sweep(
    path: Path,
    arguments: Sequence[str],
    options: SweepOptions,
    *,
    force: bool = False,
    plots: bool = True,
    unprune: Sequence[int] = (),
) -> SweepResult:
    """Run the remaining trials of a sweep; `arguments`, `KEY=V1,V2` each, first enlarge its grid.
    `unprune` are the numbers of pruned trials that are continued to their ends.

    Raises as `resume` does.
    """
    with _tracking(options, trackers_of(resolved(path))) as options:
        workers = _with_workers(options)
        result = sweep_run.resume(path, arguments, workers, force=force, unprune=unprune)
        if plots and not (result.already_ended and SweepDir(result.sweep_dir).plots.exists()):
            _draw(result, options)
    return result


def _tracking(
    options: SweepOptions, trackers: Sequence[str]
) -> AbstractContextManager[SweepOptions]:
    """The options of a sweep that is passed on to trackers, if any are named."""
    if not trackers:
        return nullcontext(options)
    from mnistlab.tracking.live_sweep import tracked_sweep

    return tracked_sweep(options, trackers)


def _with_workers(options: SweepOptions) -> SweepOptions:
    count = sweep_run.worker_count(options.workers, available_cpus(), options.scheduler)
    return replace(options, workers=count)


def _draw(
    result: SweepResult, options: SweepOptions, figures: FiguresAtEnd = figures_at_end
) -> None:
    """Draw the figures and the page of a sweep that has ended."""
    if result.status is Status.INTERRUPTED:
        return
    for callback in options.callbacks:
        callback.on_message("drawing the figures …")
    for text in figures(result.sweep_dir, options.data_dir, None):
        for callback in options.callbacks:
            callback.on_message(text)
