"""Arguments and options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import completion
from mnistlab.support.near_names import did_you_mean
from mnistlab.support.numba_settings import MAX_THREADS, check_numba_settings
from mnistlab.support.run_weights import ALLOWED, FILES, weights_file
from mnistlab.support.whole_numbers import whole_number
from mnistlab.tracking.trackers import FOLLOWING

MAX_WORKERS = 10_000


def checked_weights(name: str) -> str:
    """The name of a run's weights; refused if no run has such weights."""
    if weights_file(name) is None:
        near = did_you_mean(name, FILES)
        raise typer.BadParameter(f"found {name!r}, must be {ALLOWED}{near}")
    return name


def checked_trackers(names: list[str] | None) -> list[str] | None:
    """The names of trackers; refused if there is no such tracker."""
    for name in names or ():
        if name not in FOLLOWING:
            raise typer.BadParameter(f"found {name!r}, must be {' or '.join(FOLLOWING)}")
    return names


Config = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG",
        help="The YAML file of the run.",
        show_default=False,
        autocompletion=completion.config_files,
    ),
]
RunsToExport = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN",
        help="The run's folder; for a tracker also several, and those of sweeps.",
        show_default=False,
        autocompletion=completion.runs_and_sweeps,
    ),
]
FirstRun = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="The folder of the run or sweep.",
        show_default=False,
        autocompletion=completion.runs_and_sweeps,
    ),
]
RunFolder = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="The folder of the run, sweep or report.",
        show_default=False,
        autocompletion=completion.runs_and_sweeps,
    ),
]
RunsTogether = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN",
        help="The run's folder; several, or a sweep's, are evaluated together.",
        show_default=False,
        autocompletion=completion.runs_and_sweeps,
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="EXPR",
        help='Only what matches a condition, such as "val_accuracy > 0.97 and optimizer.type == '
        "'sgd'\".",
        show_default=False,
    ),
]
RunOrSweep = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="The folder of the run or sweep.",
        autocompletion=completion.runs_and_sweeps,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Keys to set, by their dotted path; VALUE is YAML.",
        show_default=False,
        autocompletion=completion.overrides,
    ),
]
RunsDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="The folder for run folders.  [default: $MNISTLAB_RUNS_DIR, or runs]"
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The folder of the datasets, each in DIR/NAME.  [default: $MNISTLAB_DATA_DIR, or data "
        "in the user's cache folder]",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=MAX_THREADS,
        help="Number of threads; the result does not depend on it.  [default: the "
        "processors that this process may use]",
    ),
]
Workers = Annotated[
    str,
    typer.Option(
        metavar="N",
        help="For a sweep: the number of trials trained at the same time, each on its own "
        "processor; auto: the number of processors, or of a cluster's worker threads.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="For a sweep: train the trials on the workers of this Dask scheduler, 127.0.0.1:8786 "
        "or tls://HOST:PORT; local: start a scheduler and workers on this machine.",
        show_default=False,
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Overwrite a file that mnistlab did not write.")
]
Track = Annotated[
    list[str] | None,
    typer.Option(
        metavar="|".join(FOLLOWING),
        callback=checked_trackers,
        autocompletion=lambda: list(FOLLOWING),
        help="Also pass it on, while it trains, to this tracker, whose files are in the folder of "
        "runs (pip install 'mnistlab[tracking]'); can be repeated.",
        show_default=False,
    ),
]
NoPlots = Annotated[bool, typer.Option("--no-plots", help="Draw no figures.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only errors and warnings on stderr.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, all else on stderr.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Weights = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="final: the final weights; best: the best by validation; epoch-N: those kept after an "
        "epoch (training.snapshots).",
        callback=checked_weights,
        autocompletion=completion.weights,
    ),
]


def set_threads(threads: int | None) -> None:
    """Make numba's thread pool, which is created by the first loop, large enough for `--threads`.

    Never reduce the number: an existing pool cannot shrink.
    """
    if threads is not None:
        from mnistlab.support.host import available_cpus

        check_numba_settings()
        already = os.environ.get("NUMBA_NUM_THREADS", "")
        least = whole_number(already, MAX_THREADS) or 0
        os.environ["NUMBA_NUM_THREADS"] = str(max(threads, least, available_cpus()))


def worker_count(workers: str) -> int | None:
    """The number given by `--workers`; None for auto."""
    from mnistlab.support.errors import UsageError

    if workers == "auto":
        return None
    number = whole_number(workers, MAX_WORKERS)
    if not number:
        raise UsageError(
            f"--workers: found {workers!r}, must be auto or a number from 1 to {MAX_WORKERS}"
        )
    return number


def yaml_string(text: str) -> str:
    """The text as a quoted YAML string, so that `--name 007` is a name and not a number."""
    return "'" + text.replace("'", "''") + "'"
