"""`mnistlab lr-find`: a learning rate for a configuration, by a range test."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistlab.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnistlab.config import RunConfig
    from mnistlab.training.suggested_rate import RateRange

ORDER = 10  # in --help, beside `check`
EXAMPLES = """\b
Examples:
  mnistlab lr-find configs/mnist-mlp.yaml
  mnistlab lr-find configs/mnist-mlp.yaml optimizer.type=adam --seeds 5
  mnistlab lr-find my-experiment/mnistlab.yaml --write
"""

MOST_SEEDS = 100


def lr_find(
    config: options.Config,
    overrides: options.Overrides = None,
    seeds: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=MOST_SEEDS,
            help="The number of tests, with the seeds seed, seed + 1, ...; their median counts.",
        ),
    ] = 3,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Write the suggested rate into CONFIG; its comments and layout stay.",
        ),
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file of the figure: png, svg or pdf.  [default: lr-find-NAME.png in the "
            "folder for run folders]",
            show_default=False,
        ),
    ] = None,
    no_plots: options.NoPlots = False,
    runs_dir: options.RunsDir = None,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Suggest a learning rate, by a range test.

    The test trains for some hundred steps, while the learning rate rises from 1e-7 to 10. It
    prints the rate of the steepest descent of the loss, the edge of stability, above which the
    loss rises again, and the rate that these suggest as `optimizer.lr`. With a schedule, this is
    the rate before the schedule's factor: the peak of one_cycle, the beginning of cosine.

    If the loss does not fall at any rate, nothing is suggested, and the exit code is 1.
    """
    options.set_threads(threads)
    from mnistlab.config import load_run_config
    from mnistlab.config.load import warn_of
    from mnistlab.experiment.dataset import data_dir_of_file
    from mnistlab.python.commands import lr_find as command
    from mnistlab.support import paths
    from mnistlab.terminal.count_progress import watch_count
    from mnistlab.terminal.output import print_json
    from mnistlab.terminal.progress import watch_download, watch_messages

    if write:
        command.refuse_overrides(one.partition("=")[0] for one in overrides or ())
    run_config = load_run_config(config, overrides or ())
    warn_of(run_config)
    if figure is None and not no_plots:
        figure = paths.runs_dir(runs_dir) / f"lr-find-{run_config.name}.png"
    with (
        watch_download(quiet=quiet) as data_progress,
        watch_count(*command.TESTING_RATES, quiet=quiet) as progress,
    ):
        tell = watch_messages(quiet=quiet).on_message
        found = command.lr_find(
            run_config,
            seeds=seeds,
            data_dir=data_dir_of_file(config, paths.data_dir(data_dir), tell, run_config),
            figure=figure,
            write_to=config if write else None,
            threads=threads,
            progress=progress,
            tell=tell,
            data_progress=data_progress,
        )
    written = config if write and found.suggested is not None else None
    if json:
        print_json(_document(found, run_config, figure, written))
    else:
        trial = shlex.join(["mnistlab", "train", str(config), *(overrides or ())])
        _tell(found, run_config, trial, figure, written, quiet=quiet)
    return 0 if found.suggested is not None else 1


def _tell(
    found: "RateRange",
    run_config: "RunConfig",
    trial: str,
    figure: Path | None,
    written: Path | None,
    *,
    quiet: bool,
) -> None:
    """Print the rates on stdout; the figure's file and what follows from them on stderr.

    `trial` is the command that trains the configuration.
    """
    from mnistlab.terminal.output import print_lines, print_note, table_text

    rates = {
        "steepest descent": found.steepest,
        "edge of stability": found.edge,
        "suggested": found.suggested,
        "optimizer.lr so far": run_config.optimizer.lr,
    }
    rows = [[name, "-" if rate is None else f"{rate:.2g}"] for name, rate in rates.items()]
    print_lines(table_text([["learning rate", ""], *rows]))
    if not quiet:
        for text in _sentences(found, trial, figure, written):
            print_note(text)


def _sentences(
    found: "RateRange", trial: str, figure: Path | None, written: Path | None
) -> "Iterator[str]":
    if found.suggested is None:
        yield (
            "Nothing is suggested: the loss does not fall by more than it fluctuates, at any rate "
            f"from {found.rates[0]:g} to {found.rates[-1]:g}."
        )
    elif found.edge is None:
        yield f"The loss does not rise again up to a rate of {found.rates[-1]:g}."
    if written is not None:
        yield f"wrote optimizer.lr: {found.suggested:g} into {written}"
    elif found.suggested is not None:
        yield f"To try it: {trial} optimizer.lr={found.suggested:g}"
    if figure is not None:
        yield f"figure: {figure}"


def _document(
    found: "RateRange", run_config: "RunConfig", figure: Path | None, written: Path | None
) -> dict[str, Any]:
    return {
        "suggested": found.suggested,
        "steepest": found.steepest,
        "edge": found.edge,
        "lr": run_config.optimizer.lr,
        "figure": figure,
        "written": written,
        "rates": found.rates,
        "loss": found.loss,
        "losses": found.losses,
    }
