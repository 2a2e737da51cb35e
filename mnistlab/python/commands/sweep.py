"""Run the trials of a sweep, or those that are left of one."""

from collections.abc import Sequence
from pathlib import Path

from mnistlab.config import SweepSource
from mnistlab.data import Progress
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.host import available_cpus
from mnistlab.sweeps import sweep_run
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepResult


def sweep(
    source: SweepSource,
    *,
    runs_dir: Path,
    data_dir: Path,
    workers: int | None = None,
    scheduler: str | None = None,
    plots: bool = True,
    callbacks: Sequence[SweepCallback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> SweepResult:
    """Run every trial of a sweep into a new folder, and choose the best.

    `workers`: None for as many as there are processors; never more. `scheduler`: the address of a
    scheduler of Dask whose workers train the trials (`workers` of them at a time, None: all), or
    local. Raises ConfigError with all that is wrong with any trial, DataError, UsageError before
    there is a folder.
    """
    result = sweep_run.begin(
        source,
        runs_dir=runs_dir,
        data_dir=data_dir,
        workers=sweep_run.worker_count(workers, available_cpus(), scheduler),
        scheduler=scheduler,
        callbacks=callbacks,
        argv=argv,
        data_progress=data_progress,
    )
    if plots:
        _draw_sweep(result, callbacks, data_dir)
    return result


def resume_sweep(
    path: Path,
    arguments: Sequence[str] = (),
    *,
    data_dir: Path,
    workers: int | None = None,
    scheduler: str | None = None,
    force: bool = False,
    plots: bool = True,
    callbacks: Sequence[SweepCallback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> SweepResult:
    """Run what is left of a sweep: `arguments`, `KEY=V1,V2` each, make its grid larger first.

    Raises as `resume` does.
    """
    result = sweep_run.resume(
        path,
        arguments,
        data_dir=data_dir,
        workers=sweep_run.worker_count(workers, available_cpus(), scheduler),
        scheduler=scheduler,
        force=force,
        callbacks=callbacks,
        argv=argv,
        data_progress=data_progress,
    )
    if plots and not (result.already_ended and SweepDir(result.sweep_dir).plots.exists()):
        _draw_sweep(result, callbacks, data_dir)
    return result


def _draw_sweep(result: SweepResult, callbacks: Sequence[SweepCallback], data_dir: Path) -> None:
    """Draw what there is of a sweep that has ended."""
    if result.status is Status.INTERRUPTED:
        return
    for callback in callbacks:
        callback.on_message("drawing the figures …")
    from mnistlab.python.commands.visualize import visualize

    try:
        told = list(visualize(result.sweep_dir, data_dir=data_dir).damaged)
    except UsageError as error:  # what stands in the figures' places is not ours
        told = list(error.messages)
    for text in told:
        for callback in callbacks:
            callback.on_message(text)
