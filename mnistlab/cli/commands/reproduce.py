"""`mnistlab reproduce`: run a report's experiments, compare stated and measured results."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnistlab.cli import options
from mnistlab.store.status import Status

if TYPE_CHECKING:
    from mnistlab.reproduce.all_reports import Reproduction
    from mnistlab.reproduce.reproduction import ReproduceOptions
    from mnistlab.sweeps.sweep_callbacks import SweepCallback

ORDER = 11  # in --help
EXAMPLES = """\b
Examples:
  mnistlab reproduce a
  mnistlab reproduce all --quick
  mnistlab reproduce c e --full
  mnistlab reproduce all --quick data.source=digits
"""
FAILED = 3


def reproduce(
    report: Annotated[
        list[str],
        typer.Argument(
            metavar="REPORT...",
            help="a, b, c, d, e, several of them, or all; or your own folder with a report.yaml. "
            "KEY=VALUE behind them is set in every experiment.",
            show_default=False,
        ),
    ],
    full: Annotated[
        bool, typer.Option("--full", help="Run every experiment with all its epochs.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A scaled-down run that only tests that everything works."),
    ] = False,
    runs_dir: options.RunsDir = None,
    data_dir: options.DataDir = None,
    workers: options.Workers = "auto",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Compare a report's results with measured ones."""
    count = options.worker_count(workers)
    from mnistlab.reproduce.all_reports import reproduce_all
    from mnistlab.support import paths
    from mnistlab.support.errors import UsageError

    if full and quick:
        raise UsageError("--full and --quick: give one of the two")
    names = [name for name in report if "=" not in name]
    if not names:
        raise UsageError("REPORT: must be given: a, b, c, d, e or all")
    with reproduce_options(data_dir, count, force=False, quiet=quiet) as how:
        result = reproduce_all(
            names,
            "full" if full else "quick" if quick else "default",
            [argument for argument in report if "=" in argument],
            paths.runs_dir(runs_dir),
            how,
        )
    return tell_reproduction(result, quiet=quiet, json=json)


@contextmanager
def reproduce_options(
    data_dir: Path | None, workers: int | None, *, force: bool, quiet: bool
) -> Iterator["ReproduceOptions"]:
    """The options of a reproduction, with its progress shown on stderr."""
    from mnistlab.reproduce.reproduction import ReproduceOptions
    from mnistlab.support import paths
    from mnistlab.support.host import available_cpus
    from mnistlab.sweeps.sweep_options import SweepOptions
    from mnistlab.sweeps.sweep_run import worker_count
    from mnistlab.terminal.progress import watch_download, watch_messages

    with watch_download(quiet=quiet) as data_progress:
        yield ReproduceOptions(
            SweepOptions(
                data_dir=paths.data_dir(data_dir),
                workers=worker_count(workers, available_cpus()),
                argv=sys.argv,
                data_progress=data_progress,
            ),
            watch=lambda heading: _watched(heading, quiet=quiet),
            tell=watch_messages(quiet=quiet).on_message,
            force=force,
        )


@contextmanager
def _watched(heading: str, *, quiet: bool) -> Iterator["SweepCallback"]:
    """One experiment's progress under its heading."""
    from mnistlab.terminal.output import print_note
    from mnistlab.terminal.sweep_progress import watch_sweep

    if not quiet:
        print_note("")
        print_note(heading)
    with watch_sweep(quiet=quiet) as watcher:
        yield watcher


def tell_reproduction(result: "Reproduction", *, quiet: bool, json: bool) -> int:
    """Print how the reports went, their pages or their document last; returns the exit code."""
    from mnistlab.terminal.output import print_how_to_resume, print_json, print_result

    if not quiet:
        _print_summary(result)
    if result.signal is not None:
        print_how_to_resume(result.signal, "finished trials are kept", result.resumable)
    if json:
        print_json(
            {
                "status": Status.FINISHED if result.signal is None else Status.INTERRUPTED,
                "trials": result.trials,
                "reports": [written.document for written in result.reports],
            }
        )
    else:
        for written in result.reports:
            print_result(str(written.report_dir.report))
    if result.signal is not None:
        return 128 + result.signal
    damage = max((written.saved.exit_code for written in result.reports), default=0)
    return FAILED if result.trials["failed"] and not result.already_ended else damage


def _print_summary(result: "Reproduction") -> None:
    from mnistlab.support.text_format import seconds
    from mnistlab.terminal.output import print_note

    if result.already_ended:
        print_note("nothing left to do: every experiment has already ended")
    for written in result.reports:
        document = written.document
        rows = [row for table in document["tables"] for row in table["rows"]]
        stated = sum(one["stated"] is not None for row in rows for one in row["metrics"].values())
        print_note("")
        print_note(
            f"report {document['report']}: {stated} stated values compared with measured ones, "
            f"{seconds(document['seconds'])}"
        )
        for left_out in written.saved.left_out:
            print_note(f"  left out: {left_out.title}: {left_out.why}")
    counts = [f"{count} {status}" for status, count in result.trials.items() if count]
    print_note("")
    print_note(f"runs: {', '.join(counts) or 'none'}")
