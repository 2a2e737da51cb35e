"""`mnistlab resume`: resume an interrupted run or sweep, with the same bits."""

from typing import Annotated

import typer

from mnistlab.cli import completion, options

ORDER = 9  # in --help
EXAMPLES = """\b
Examples:
  mnistlab resume runs/latest
  mnistlab resume runs/20261121-142530-mlp-3fa9c1 --threads 1
  mnistlab resume runs/latest training.epochs=40
  mnistlab resume runs/20261121-150000-my-sweep optimizer.lr=0.3,1.0
  mnistlab resume runs/20261121-150000-my-sweep --unprune 3
"""


def resume(
    path: options.RunOrSweep,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="Of a run: a greater length, training.epochs=N or training.steps=N. Of a sweep: "
            "more values V1,V2 for its grid, by their dotted path.",
            show_default=False,
            autocompletion=completion.sweep_values,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Resume although libraries, compiler settings or the processor have changed.",
        ),
    ] = False,
    unprune: Annotated[
        list[int] | None,
        typer.Option(
            "--unprune",
            metavar="TRIAL",
            help="Of a sweep with prune: continue the pruned trial of this number to its end; may "
            "be given several times.",
            show_default=False,
        ),
    ] = None,
    no_plots: options.NoPlots = False,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    workers: options.Workers = "auto",
    scheduler: options.Scheduler = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Resume an interrupted run or sweep; or make one longer.

    A run that is made longer, finished or not, ends with the bits of a run that had this length
    from the start. If its first steps would be different in a longer run, as with a cosine
    schedule, it is refused.
    """
    options.set_threads(threads)
    count = options.worker_count(workers)
    from mnistlab.cli.commands.reproduce import reproduce_options, tell_reproduction
    from mnistlab.cli.result import tell_result
    from mnistlab.python.commands import resume as command
    from mnistlab.python.commands.sweep import resume_sweep
    from mnistlab.reproduce.all_reports import resume_all
    from mnistlab.store.browse.found import is_sweep
    from mnistlab.store.report_dir import is_reproduction
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.sweep_result import tell_sweep
    from mnistlab.terminal.watched import run_options
    from mnistlab.terminal.watched_sweep import sweep_options

    if is_reproduction(path):
        _refuse_out_of_place(True, values, threads, count, None)
        if values or scheduler:
            out_of_place = values[0] if values else "--scheduler"
            raise UsageError(f"{out_of_place}: a reproduction takes no changes when it is resumed")
        with reproduce_options(data_dir, count, force=force, quiet=quiet) as reproduced_how:
            reproduced = resume_all(path, reproduced_how)
        return tell_reproduction(reproduced, quiet=quiet, json=json)
    if unprune and not is_sweep(path):
        raise UsageError("--unprune: is for sweeps; resume continues a pruned run by itself")
    _refuse_out_of_place(is_sweep(path), values, threads, count, scheduler)
    if is_sweep(path):
        with sweep_options(data_dir, workers=count, scheduler=scheduler, quiet=quiet) as how:
            swept = resume_sweep(
                path, values or (), how, force=force, plots=not no_plots, unprune=unprune or ()
            )
        return tell_sweep(swept, quiet=quiet, json=json)
    with run_options(data_dir, threads=threads, quiet=quiet) as trained_how:
        result = command.resume(
            path, trained_how, values=values or (), force=force, plots=not no_plots
        )
    return tell_result(result, quiet=quiet, json=json)


def _refuse_out_of_place(
    is_sweep: bool,
    values: list[str] | None,
    threads: int | None,
    workers: int | None,
    scheduler: str | None,
) -> None:
    """Raise UsageError for an option of sweeps given for a run, or of runs given for a sweep."""
    from mnistlab.support.errors import UsageError

    if is_sweep and threads is not None:
        raise UsageError(
            "--threads: is for runs; each trial of a sweep has one thread, see --workers"
        )
    if not is_sweep and workers is not None:
        raise UsageError("--workers: is for sweeps; a run has --threads")
    if not is_sweep and scheduler is not None:
        raise UsageError("--scheduler: is for sweeps; a run is resumed on this machine")
