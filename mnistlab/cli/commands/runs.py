"""`mnistlab runs`: a list of runs and sweeps with their status and best metric."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistlab.cli import options

if TYPE_CHECKING:
    from mnistlab.store.browse.listing import Entry

ORDER = 7  # in --help
EXAMPLES = """\b
Examples:
  mnistlab runs
  mnistlab runs runs/20261121-150000-my-sweep
  mnistlab runs runs /data/older-runs --sort val_accuracy
  mnistlab runs --where "status == 'finished'" --sort val_accuracy
  mnistlab runs --tag good
"""


def runs(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Folders of runs, sweeps (their trials are listed), or runs.  [default: the "
            "folder where runs are made]",
            show_default=False,
        ),
    ] = None,
    where: options.Where = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG",
            help="Only what has this tag (see `mnistlab tag`); several: that has all of them.",
            show_default=False,
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Sort by any name that a condition may use: accuracies in descending order, all "
            "else in ascending order; -KEY reverses the order.  [default: by age]",
            show_default=False,
        ),
    ] = None,
    runs_dir: options.RunsDir = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """List runs and sweeps, the newest last.

    `best` is the best validation accuracy, or the metric of a sweep. A run whose process has died
    is shown as interrupted, not as running; `mnistlab resume` resumes it. Tags and notes are shown
    if there are any.
    """
    from mnistlab.store.browse.listing import list_runs
    from mnistlab.support.paths import runs_dir as runs_made_in
    from mnistlab.terminal.output import print_json, print_note
    from mnistlab.terminal.runs_table import print_listing

    listing = list_runs(paths or [runs_made_in(runs_dir)], where, sort, tag or ())
    if json:
        one = listing.folders[0] if len(listing.folders) == 1 else None
        entries = [_document(entry) for entry in listing.entries]
        print_json({"folder": one, "folders": listing.folders, "entries": entries})
    elif listing.entries:
        print_listing(listing)
    else:
        wanted = [*(f"the tag {one}" for one in tag or ()), *([where] if where else [])]
        found = f"nothing matches {' and '.join(wanted)}" if wanted else "no run yet"
        print_note(f"{', '.join(map(str, listing.folders))}: {found}")
    for fault in listing.faults:
        print_note(fault)
    return 2 if listing.faults else 0


def _document(entry: "Entry") -> dict[str, Any]:
    from mnistlab.store.browse.summary import RunSummary
    from mnistlab.store.browse.sweep_summary import ReportSummary
    from mnistlab.store.json_fields import as_json

    if isinstance(entry, RunSummary):
        return {
            "run_dir": entry.path,
            "status": entry.record.status,
            "started": entry.record.started,
            "best": entry.best,
            "alive": entry.alive,
            "epochs": entry.record.epochs,
            "planned_epochs": entry.planned,
            "steps": entry.record.steps,
            "planned_steps": entry.planned_steps,
            "metrics": entry.record.metrics,
            **({} if entry.rank is None else {"rank": entry.rank}),
            **as_json(entry.notes),
        }
    if isinstance(entry, ReportSummary):
        return {
            "report_dir": entry.path,
            "status": entry.status,
            "started": entry.started,
            "experiments": entry.done,
            "planned_experiments": entry.planned,
            **as_json(entry.notes),
        }
    return {
        "sweep_dir": entry.path,
        "status": entry.status,
        "started": entry.started,
        "best": entry.best,
        "best_std": entry.best_std,
        "trials": entry.trials,
        "best_run_dir": entry.best_run,
        "test_accuracy": entry.test_accuracy,
        "test_accuracy_std": entry.test_accuracy_std,
        **({"front": entry.front} if entry.front else {}),
        **as_json(entry.notes),
    }
