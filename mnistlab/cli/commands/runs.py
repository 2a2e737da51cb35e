"""`mnistlab runs`: a list of runs and sweeps with their status and best metric."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistlab.cli import options
from mnistlab.store.status import Status

if TYPE_CHECKING:
    from mnistlab.store.browse.summary import RunSummary, SweepSummary

ORDER = 7  # in --help
EXAMPLES = """\b
Examples:
  mnistlab runs
  mnistlab runs runs/20261121-150000-my-sweep
  mnistlab runs --json
"""
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def runs(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="A folder of runs; or a sweep, whose trials are listed.  [default: the folder "
            "where runs are made]",
            show_default=False,
        ),
    ] = None,
    runs_dir: options.RunsDir = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """List runs and sweeps, the newest last.

    `best` is the best validation accuracy, or the metric of a sweep. A run whose process has died
    is shown as interrupted, not as running; `mnistlab resume` resumes it.
    """
    from mnistlab.store.browse.listing import list_runs
    from mnistlab.support import paths
    from mnistlab.terminal.output import print_json, print_lines, print_note, table

    listing = list_runs(folder or paths.runs_dir(runs_dir))
    if json:
        print_json({"folder": listing.folder, "entries": [_document(e) for e in listing.entries]})
    elif listing.entries:
        rows = [["folder", "status", "age", "done", "best", "test_accuracy"]]
        print_lines(table([*rows, *map(_row, listing.entries)], right=(2, 3, 5)))
    else:
        print_note(f"{listing.folder}: no run yet")
    for fault in listing.faults:
        print_note(fault)
    return 2 if listing.faults else 0


def _row(entry: "RunSummary | SweepSummary") -> list[str]:
    from mnistlab.store.browse.summary import RunSummary
    from mnistlab.terminal.output import metric_value

    if isinstance(entry, RunSummary):
        done, status = _length(entry), run_status(entry)
        tested, started = entry.record.metrics.get("test_accuracy"), entry.record.started
    else:
        total = sum(entry.trials.values())
        done = f"{total - entry.trials[Status.PENDING]}/{total} trials"
        status, tested, started = _sweep_status(entry), entry.test_accuracy, entry.started
    best = [f"{name} {metric_value(name, value)}" for name, value in entry.best.items()]
    test = metric_value("test_accuracy", tested)
    return [entry.path.name, status, _age(started), done, *(best or ["-"]), test]


def _length(run: "RunSummary") -> str:
    """Completed steps or epochs of a run, in the unit of its configuration."""
    if run.planned is None:
        return f"{run.record.steps}/{run.planned_steps} steps"
    return f"{run.record.epochs}/{run.planned} epochs"


def run_status(run: "RunSummary") -> str:
    """The status of a run, in words."""
    return "process died" if run.alive is False else run.record.status.words


def _sweep_status(sweep: "SweepSummary") -> str:
    bad = [
        f"{sweep.trials[s]} {s}" for s in (Status.DIVERGED, Status.FAILED) if sweep.trials.get(s)
    ]
    return ", ".join([sweep.status, *bad])


def _age(started: datetime) -> str:
    """The age in the largest unit of which it has at least one."""
    seconds = max(0, int((datetime.now(UTC) - started).total_seconds()))
    name, length = next((u for u in UNITS if seconds >= u[1]), UNITS[-1])
    return f"{seconds // length} {name}"


def _document(entry: "RunSummary | SweepSummary") -> dict[str, Any]:
    from mnistlab.store.browse.summary import RunSummary

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
        }
    return {
        "sweep_dir": entry.path,
        "status": entry.status,
        "started": entry.started,
        "best": entry.best,
        "trials": entry.trials,
        "best_run_dir": entry.best_run,
        "test_accuracy": entry.test_accuracy,
    }
