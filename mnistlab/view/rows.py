"""A run, a sweep or a report as a row of the view's table."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnistlab.store.browse.listing import Entry
from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.browse.sweep_summary import ReportSummary
from mnistlab.store.browse.values import metrics_of, settings_of
from mnistlab.store.json_fields import as_json
from mnistlab.store.status import Status

# Runs that differ in nothing else are seeds of one experiment.
NOT_OF_A_GROUP = ("seed", "name")


def row_of(entry: Entry) -> dict[str, Any]:
    """The row, ready for JSON."""
    common: dict[str, Any] = {
        "folder": entry.path.name,
        "note": entry.notes.note,
        "tags": entry.notes.tags,
    }
    if isinstance(entry, RunSummary):
        return as_json({**common, **_run(entry)})
    progress = {"status": entry.status.words, "running": entry.status is Status.RUNNING}
    common |= {**progress, "started": entry.started}
    if isinstance(entry, ReportSummary):
        return as_json({"kind": "report", **common, "done": entry.done, "planned": entry.planned})
    trials = {status.value: count for status, count in entry.trials.items() if count}
    pending = entry.trials.get(Status.PENDING, 0)
    counts = {"done": sum(trials.values()) - pending, "planned": sum(trials.values())}
    tested = {"test_accuracy": entry.test_accuracy}
    return as_json(
        {
            "kind": "sweep",
            **common,
            **counts,
            "trials": trials,
            "best": _best(entry.best, entry.best_std),
            "metrics": {**tested, **entry.best},
        }
    )


def damaged_row(path: Path, faults: tuple[str, ...]) -> dict[str, Any]:
    """The row of a folder that cannot be read."""
    return {"kind": "damaged", "folder": path.name, "status": "cannot be read", "faults": faults}


def _run(run: RunSummary) -> dict[str, Any]:
    record, settings = run.record, settings_of(run)
    in_steps = run.planned is None
    return {
        "kind": "run",
        "status": run.record.status.words,
        "running": bool(run.alive),
        "started": record.started,
        "reason": record.reason,
        "done": record.steps if in_steps else record.epochs,
        "planned": run.planned_steps if in_steps else run.planned,
        "unit": "step" if in_steps else "epoch",
        "best": _best(run.best),
        "metrics": metrics_of(run),
        "seed": settings.get("seed"),
        "group": _group(settings),
    }


def _best(best: Mapping[str, float], std: float | None = None) -> dict[str, Any] | None:
    for metric, value in best.items():
        return {"metric": metric, "value": value, "std": std}
    return None


def _group(settings: Mapping[str, Any]) -> str:
    own = sorted((key, repr(v)) for key, v in settings.items() if key not in NOT_OF_A_GROUP)
    return hashlib.sha256(repr(own).encode(errors="surrogatepass")).hexdigest()[:16]
