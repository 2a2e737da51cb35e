"""`mnistlab reproduce`: run the experiments of papers and reports, compare the results."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnistlab.cli import options
from mnistlab.store.status import Status
from mnistlab.support.signals import exit_code_of

if TYPE_CHECKING:
    from mnistlab.reproduce.all_reports import Reproduction
    from mnistlab.reproduce.reproduction import ReproduceOptions
    from mnistlab.sweeps.sweep_callbacks import SweepCallback

ORDER = 11  # in --help
EXAMPLES = """\b
Examples:
  mnistlab reproduce --list
  mnistlab reproduce nielsen
  mnistlab reproduce papers
  mnistlab reproduce a c --full
  mnistlab reproduce reports --quick data.source=digits
"""
FAILED = 3


def reproduce(
    report: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REPORT...",
            help="The names of papers or course reports; papers, reports, or all; or your own "
            "folder with a report.yaml. KEY=VALUE behind them is set in every experiment.",
            show_default=False,
        ),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="List the papers and reports with their times.")
    ] = False,
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
    """Compare the results of papers and reports with measured ones.

    Long experiments run a share of their epochs, which the page states; --full runs them all.
    """
    if list_:
        return _list(json=json)
    count = options.worker_count(workers)
    from mnistlab.reproduce.all_reports import reproduce_all
    from mnistlab.support import paths
    from mnistlab.support.errors import UsageError

    if full and quick:
        raise UsageError("--full and --quick: give one of the two")
    given = report or []
    names = [name for name in given if "=" not in name]
    if not names:
        raise UsageError("REPORT: must be given; `mnistlab reproduce --list` lists the names")
    with reproduce_options(data_dir, count, force=False, quiet=quiet) as how:
        result = reproduce_all(
            names,
            "full" if full else "quick" if quick else "default",
            [argument for argument in given if "=" in argument],
            paths.runs_dir(runs_dir),
            how,
        )
    return tell_reproduction(result, quiet=quiet, json=json)


def _list(*, json: bool) -> int:
    """Print the papers and reports that are part of mnistlab, with the minutes that they take."""
    from mnistlab.reproduce.known import KINDS, known
    from mnistlab.terminal.output import print_json, print_line, print_table

    groups = {group: [one.load() for one in known(group)] for group in KINDS}
    if json:
        documents = {
            group: [
                {
                    "name": one.name,
                    "title": one.report.title,
                    "source": one.report.source,
                    "minutes": one.report.minutes and one.report.minutes.model_dump(),
                    "folder": one.folder,
                }
                for one in loaded
            ]
            for group, loaded in groups.items()
        }
        print_json(documents)
        return 0
    for group, loaded in groups.items():
        told = [one.report.minutes for one in loaded if one.report.minutes is not None]
        together = sum(one.default for one in told)
        print_line(f"{group}: `mnistlab reproduce {group}` runs all, about {together:.0f} minutes")
        rows = [["name", "minutes", "with --full", "title"]]
        for one in loaded:
            minutes = one.report.minutes
            times = (
                ["-", "-"] if minutes is None else [_whole(minutes.default), _whole(minutes.full)]
            )
            rows.append([one.name, *times, one.report.title])
        print_table(rows, right=(1, 2), first=(0, 3), least={3: 24})
        print_line("")
    print_line(
        "Minutes are those of two processors. --full runs every experiment at full length; by "
        "default long ones run a share."
    )
    return 0


def _whole(minutes: float) -> str:
    """Minutes without a fraction, at least one."""
    return f"{max(minutes, 1):,.0f}"


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
    from mnistlab.terminal.output import (
        print_how_to_resume,
        print_json,
        print_path,
        told_before_the_end,
    )

    if not quiet:
        _print_summary(result)
    if result.signal is not None:
        print_how_to_resume(result.signal, "finished trials are kept", result.resumable)
    with told_before_the_end(result.signal):
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
                print_path(written.report_dir.report)
    if result.signal is not None:
        return exit_code_of(result.signal)
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
            f"{document['kind']} {document['report']}: {stated} stated values compared with "
            f"measured ones, {seconds(document['seconds'])}"
        )
        for left_out in written.saved.left_out:
            print_note(f"  left out: {left_out.title}: {left_out.why}")
    counts = [f"{count} {status}" for status, count in result.trials.items() if count]
    print_note("")
    print_note(f"runs: {', '.join(counts) or 'none'}")
