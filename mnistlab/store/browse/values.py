"""The values of a run, a sweep or a report by name, for conditions and for sorting."""

from collections.abc import Iterable, Mapping
from typing import Any

from mnistlab.added_keys import completed
from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.browse.sweep_summary import ReportSummary, SweepSummary
from mnistlab.support.expressions import Expression
from mnistlab.support.metric_names import RUN_METRICS, SECONDS, TEST


def settings_of(run: RunSummary) -> dict[str, Any]:
    """The whole configuration of a run by dotted path, with the keys that its version lacked."""
    return flattened(completed(run.record.config))


def flattened(config: Any) -> dict[str, Any]:
    """A configuration by dotted path; a list of plain values is one value."""
    values: dict[str, Any] = {}
    _flatten(config, "", values)
    return values


def _flatten(value: Any, path: str, values: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = enumerate(value)
    else:
        values[path] = value
        return
    for key, inner in items:
        below = f"{path}.{key}" if path else str(key)
        if isinstance(inner, dict | list):
            _flatten(inner, below, values)
        else:
            values[below] = inner


def metrics_of(run: RunSummary) -> dict[str, float | None]:
    """Every metric of a run's final weights, None if not measured; and the seconds of training."""
    measured = run.record.metrics
    return {**{n: measured.get(n) for n in RUN_METRICS}, SECONDS: run.record.seconds.train}


def run_values(run: RunSummary, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Every name that a condition may use of a run: its keys, its metrics, and what it is."""
    record = run.record
    return {
        **settings,
        **metrics_of(run),
        "kind": "run",
        "folder": run.path.name,
        "path": str(run.path),
        "status": record.status.value,
        "started": record.started.isoformat(),
        "epochs": record.epochs,
        "steps": record.steps,
        **({} if run.rank is None else {"rank": run.rank}),
        **_notes_of(run),
    }


def entry_values(entry: RunSummary | SweepSummary | ReportSummary) -> dict[str, Any]:
    """The same of an entry of a folder; a sweep has the metrics of its best point, and a report
    has none.
    """
    if isinstance(entry, RunSummary):
        return run_values(entry, settings_of(entry))
    common = {
        "folder": entry.path.name,
        "path": str(entry.path),
        "status": entry.status.value,
        "started": entry.started.isoformat(),
        **_notes_of(entry),
    }
    if isinstance(entry, ReportSummary):
        return {"kind": "report", **common}
    tested = {TEST.accuracy: entry.test_accuracy}
    return {"kind": "sweep", **common, **tested, **entry.best}


def _notes_of(entry: RunSummary | SweepSummary | ReportSummary) -> dict[str, Any]:
    """The user's note and tags. The list makes `'good' in tags` look for a whole tag."""
    return {"note": entry.notes.note, "tags": list(entry.notes.tags)}


def matching(where: Expression, values: list[dict[str, Any]]) -> list[bool]:
    """Which of several values match a condition.

    Raises UsageError that points at the first key that none of them has, if there are any.
    """
    if values:
        where.refuse_unknown(dict.fromkeys(key for one in values for key in one))
    return [where.matches(one) for one in values]
