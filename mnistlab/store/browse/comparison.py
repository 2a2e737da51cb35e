"""Compares runs: the keys of their configurations that differ, and their metrics."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnistlab.added_keys import completed
from mnistlab.store.browse.found import runs_at
from mnistlab.store.browse.summary import RunSummary, read_run
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import PENALTY, RUN_METRICS, is_accuracy

SECONDS = "seconds"  # of training steps only
ABSENT = object()


@dataclass(frozen=True)
class ComparedRun:
    """One run: `settings` is its whole configuration by dotted path, `parameters` the keys that
    differ, `metrics` what was measured, including the seconds of training.
    """

    run: RunSummary
    settings: dict[str, Any]
    parameters: dict[str, Any]
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class Comparison:
    """Compared runs.

    `every_key` are all keys by dotted path; `keys` are those that differ. `implied` are those of
    `keys` that follow from another key's `type`, such as `optimizer.beta1`, which only Adam has.
    `metrics` were measured in some run; the penalty is included if some run has one. `faults`
    describe runs that could not be read.
    """

    every_key: tuple[str, ...]
    keys: tuple[str, ...]
    implied: frozenset[str]
    metrics: tuple[str, ...]
    runs: tuple[ComparedRun, ...]
    faults: tuple[str, ...]

    def sorted_by(self, key: str) -> "Comparison":
        """The runs in another order: accuracies descending, everything else ascending; with `-`
        before the key reversed. Runs without a value come last.

        Raises UsageError, with the nearest name, for an unknown key.
        """
        name = key.removeprefix("-")
        known = (*self.keys, *self.metrics)
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"--sort: found {name!r}, choose from {', '.join(known)}{hint}")
        values = {one.run.path: {**one.parameters, **one.metrics}.get(name) for one in self.runs}
        have = [one for one in self.runs if values[one.run.path] is not None]
        lack = [one for one in self.runs if values[one.run.path] is None]
        down = is_accuracy(name) != key.startswith("-")
        have.sort(key=lambda one: _rank(values[one.run.path]), reverse=down)
        return replace(self, runs=(*have, *lack))


def compare(paths: Iterable[Path]) -> Comparison:
    """Compare the runs at the paths: runs, sweeps, and folders of both.

    Raises UsageError if a path is none of these, or if no run can be read.
    """
    runs: list[RunSummary] = []
    faults: list[str] = []
    for path in runs_at(paths):
        try:
            runs.append(read_run(path))
        except UsageError as error:
            faults += error.messages
    if not runs:
        raise UsageError(*(faults or ["there is no run to compare"]))
    flat = [dict(flattened(completed(run.record.config))) for run in runs]
    keys = _differing(flat)
    metrics = [{**run.record.metrics, SECONDS: run.record.seconds.train} for run in runs]
    measured = [n for n in (*RUN_METRICS, SECONDS) if any(_tells(n, m.get(n)) for m in metrics)]
    return Comparison(
        every_key=tuple(dict.fromkeys(key for values in flat for key in values)),
        keys=tuple(keys),
        implied=frozenset(key for key in keys if _is_implied(key, keys, flat)),
        metrics=tuple(measured),
        runs=tuple(
            ComparedRun(
                run,
                values,
                {key: values[key] for key in keys if key in values},
                {name: found.get(name) for name in measured},
            )
            for run, values, found in zip(runs, flat, metrics, strict=True)
        ),
        faults=tuple(faults),
    )


def _tells(metric: str, value: float | None) -> bool:
    """Whether a value deserves a column: most runs have no penalty."""
    return value is not None and not (metric == PENALTY and value == 0)


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """A configuration as (dotted path, value); a list of plain values is one value."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        items = enumerate(value)
    if not items:
        yield path, value
    for key, inner in items:
        yield from flattened(inner, f"{path}.{key}" if path else str(key))


def _differing(flat: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys whose values differ, in the order of the configurations."""
    keys = dict.fromkeys(key for values in flat for key in values)
    first = flat[0]
    return [
        key
        for key in keys
        if any(values.get(key, ABSENT) != first.get(key, ABSENT) for values in flat)
    ]


def _is_implied(key: str, differing: Sequence[str], flat: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a key's presence depends only on a `type` beside it, and its value is always the
    same.
    """
    parents = key.split(".")[:-1]
    by_type = any(
        f"{'.'.join(parents[:depth])}.type" in differing for depth in range(1, len(parents) + 1)
    )
    present = [values[key] for values in flat if key in values]
    return by_type and len(present) < len(flat) and all(value == present[0] for value in present)


def _rank(value: Any) -> tuple[bool, Any]:
    """The sort key: numbers by size, then everything else as text."""
    is_number = isinstance(value, int | float)
    return (not is_number, value if is_number else str(value))
