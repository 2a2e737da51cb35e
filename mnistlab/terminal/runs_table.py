"""The runs, sweeps and reproduced reports of a folder on the terminal."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from mnistlab.store.browse.found import folder_names
from mnistlab.store.browse.listing import Entry, Listing
from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.browse.sweep_summary import ReportSummary, SweepSummary
from mnistlab.store.status import Status
from mnistlab.support.metric_names import TEST
from mnistlab.support.text_format import counted
from mnistlab.terminal.output import metric_value, print_table
from mnistlab.terminal.tables import GAP, natural_width, widest
from mnistlab.terminal.width import terminal_width

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
HEADING = ["folder", "status", "age", "done", "best", TEST.accuracy, "tags", "note"]
SHORTEST_NOTE = 16
LOST = "trials that diverged or failed"
OTHERS = "other metrics and ranks"
SHORTEST_FOLDER = 12  # the time and a part of the name or the hash
FOLDER, STATUS, AGE, DONE, BEST, TESTED, TAGS, NOTE = range(len(HEADING))


def print_listing(listing: Listing) -> None:
    """Print a line for each entry; on a narrow terminal without the least important columns."""
    names = folder_names([entry.path for entry in listing.entries])
    described = zip(names, listing.entries, strict=True)
    rows = [HEADING, *([name, *_row(entry), *_notes(entry)] for name, entry in described)]
    used = max(
        (column + 1 for row in rows[1:] for column in (TAGS, NOTE) if row[column]), default=TAGS
    )
    rows = [row[:used] for row in rows]
    width = terminal_width(sys.stdout)
    if width is not None and natural_width(rows) > width:
        rows = _narrow(rows)
    print_table(
        rows,
        right=(AGE, DONE, TESTED),
        status=STATUS,
        first=(FOLDER, STATUS, BEST, TESTED, *range(TAGS, used), DONE, AGE),
        kept=3 if width is None or _folder_room(rows, width) >= SHORTEST_FOLDER else 2,
        least={NOTE: SHORTEST_NOTE} if used > NOTE else {},
        elsewhere="--json has all",
    )


def _folder_room(rows: Sequence[Sequence[str]], width: int) -> int:
    """The width that is left for folders beside the statuses and the best metrics."""
    return width - sum(
        len(GAP) + widest(row[column] for row in rows[1:]) for column in (STATUS, BEST)
    )


def _narrow(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The table with the metric of `best` in the heading, if all entries have the same one; and
    with separate columns for trials that diverged or failed, and for all but the first metric.
    """
    heading, *body = map(list, rows)
    others = []
    for row in body:
        row[BEST], _, told = row[BEST].partition(", ")
        others.append(told)
    metrics = {row[BEST].partition(" ")[0] for row in body} - {"-"}
    if len(metrics) == 1:
        (metric,) = metrics
        heading[BEST] = f"best {metric}"
        for row in body:
            row[BEST] = row[BEST].removeprefix(f"{metric} ")
    lost = []
    for row in body:
        row[STATUS], _, told = row[STATUS].partition(", ")
        lost.append(told)
    for title, cells in ((OTHERS, others), (LOST, lost)):
        if any(cells):
            heading = [*heading, title]
            body = [[*row, told] for row, told in zip(body, cells, strict=True)]
    return [heading, *body]


def _row(entry: Entry) -> list[str]:
    if isinstance(entry, RunSummary):
        done, status = _length(entry), entry.record.status.words
        tested = metric_value(TEST.accuracy, entry.record.metrics.get(TEST.accuracy))
        best = [f"{name} {metric_value(name, value)}" for name, value in entry.best.items()]
        best += [f"rank {entry.rank}"] if entry.rank is not None else []
        told = ", ".join(best) or "-"
        return [status, _age(entry.record.started), done, told, tested]
    if isinstance(entry, ReportSummary):
        done = f"{entry.done}/{entry.planned} experiments"
        return [entry.status.words, _age(entry.started), done, "-", "-"]
    total = sum(entry.trials.values())
    done = f"{total - entry.trials[Status.PENDING]}/{total} trials"
    best = [", ".join(_best(entry))] if entry.best else []
    tested = metric_value(TEST.accuracy, entry.test_accuracy, entry.test_accuracy_std)
    status, age = _sweep_status(entry), _age(entry.started)
    return [status, age, done, *(best or ["-"]), tested]


def _best(sweep: SweepSummary) -> list[str]:
    """The metrics of a sweep's best point; and how many trials are on the front, if it has one."""
    (name, value), *others = sweep.best.items()
    told = [f"{name} {metric_value(name, value, sweep.best_std)}"]
    told += [f"{other} {metric_value(other, value)}" for other, value in others]
    return [*told, *([f"front of {counted(len(sweep.front), 'trial')}"] if sweep.front else [])]


def _notes(entry: Entry) -> list[str]:
    return [" ".join(entry.notes.tags), entry.notes.note or ""]


def _length(run: RunSummary) -> str:
    """Completed steps or epochs of a run, in the unit of its configuration."""
    if run.planned is None:
        return f"{run.record.steps}/{run.planned_steps} steps"
    return f"{run.record.epochs}/{run.planned} epochs"


def _sweep_status(sweep: SweepSummary) -> str:
    bad = [
        f"{sweep.trials[s]} {s}" for s in (Status.DIVERGED, Status.FAILED) if sweep.trials.get(s)
    ]
    return ", ".join([sweep.status, *bad])


def _age(started: datetime) -> str:
    """The age in the largest unit of which it has at least one."""
    seconds = max(0, int((datetime.now(UTC) - started).total_seconds()))
    name, length = next((u for u in UNITS if seconds >= u[1]), UNITS[-1])
    return f"{seconds // length} {name}"
