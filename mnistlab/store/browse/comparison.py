"""Compares runs: the keys of their configurations that differ, and their metrics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any, TypeVar

from mnistlab.store.browse.changed_data import settings_with_digests
from mnistlab.store.browse.found import runs_at
from mnistlab.store.browse.summary import RunSummary, read_run
from mnistlab.store.browse.values import matching, metrics_of, run_values
from mnistlab.support.collector import paused_collector
from mnistlab.support.errors import UsageError
from mnistlab.support.expressions import Expression
from mnistlab.support.metric_names import (
    PENALTY,
    RUN_METRICS,
    SECONDS,
    TEST,
    TRAINING,
    VALIDATION,
    is_accuracy,
)
from mnistlab.support.near_names import nearest
from mnistlab.support.text_format import counted

ABSENT = object()
MAIN_METRICS = (VALIDATION.accuracy, TEST.accuracy, TRAINING.accuracy)

Item = TypeVar("Item")


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
        refuse_unknown("--sort", name, (*self.keys, *self.metrics))
        values = [{**one.parameters, **one.metrics}.get(name) for one in self.runs]
        return replace(self, runs=tuple(in_order(key, self.runs, values)))

    @property
    def shown_keys(self) -> list[str]:
        """The keys that differ, without those that follow from another key's `type`."""
        return [k for k in self.keys if k != "name" and k not in self.implied]

    def with_metrics(self, names: Sequence[str]) -> "Comparison":
        """The same runs with these metrics alone; raises UsageError for one that no run has."""
        for name in names:
            refuse_unknown("--metric", name, self.metrics)
        return replace(self, metrics=tuple(dict.fromkeys(names)))

    @property
    def main_metric(self) -> str:
        """The metric that decides if none is named: the validation accuracy, if there is one."""
        known = (name for name in MAIN_METRICS if name in self.metrics)
        return next(known, self.metrics[0])


def in_order(key: str, items: Sequence[Item], values: Sequence[Any]) -> list[Item]:
    """The items in the order of their values: of an accuracy descending, of all else ascending;
    with `-` before the key reversed. Items without a value come last.
    """
    pairs = list(zip(values, items, strict=True))
    have = [pair for pair in pairs if pair[0] is not None]
    down = is_accuracy(key) != key.startswith("-")
    have.sort(key=lambda pair: _rank(pair[0]), reverse=down)
    return [item for _, item in (*have, *(pair for pair in pairs if pair[0] is None))]


def refuse_unknown(option: str, name: str, known: Sequence[str]) -> None:
    """Raise UsageError, with the nearest name, for a name that is not known."""
    if name not in known:
        near = nearest(name, known)
        hint = f"; did you mean {near}?" if near else ""
        raise UsageError(f"{option}: found {name!r}, choose from {', '.join(known)}{hint}")


@paused_collector()
def compare(
    paths: Iterable[Path], where: Expression | None = None, baseline: Path | None = None
) -> Comparison:
    """Compare the runs at the paths: runs, sweeps, and folders of both; of these, all that match
    a condition, and the folder of a baseline in any case.

    Raises UsageError if a path is none of these, if no run can be read, or if none matches.
    """
    runs, faults = read_runs([*paths, *([] if baseline is None else [baseline])])
    settings = settings_with_digests(runs)
    if where is not None:
        values = [run_values(run, own) for run, own in zip(runs, settings, strict=True)]
        kept = [
            matches or run.path == baseline
            for run, matches in zip(runs, matching(where, values), strict=True)
        ]
        if not any(kept):
            none = f"none of {counted(len(runs), 'run')} matches {where.text}"
            raise UsageError(*faults, f"{none}{where.percent_hint}")
        runs = list(compress(runs, kept))
        settings = list(compress(settings, kept))
    return comparison_of(runs, settings, faults)


def read_runs(paths: Iterable[Path]) -> tuple[list[RunSummary], list[str]]:
    """The runs at the paths, and the faults of those that cannot be read.

    Raises UsageError if a path has no run, or if none can be read.
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
    return runs, faults


def comparison_of(
    runs: Sequence[RunSummary], settings: Sequence[dict[str, Any]], faults: Sequence[str]
) -> Comparison:
    """The comparison of runs that were read, with their `settings_with_digests`."""
    keys = _differing(settings)
    metrics = [metrics_of(run) for run in runs]
    measured = [n for n in (*RUN_METRICS, SECONDS) if any(_tells(n, m.get(n)) for m in metrics)]
    return Comparison(
        every_key=tuple(dict.fromkeys(key for values in settings for key in values)),
        keys=tuple(keys),
        implied=frozenset(key for key in keys if _is_implied(key, keys, settings)),
        metrics=tuple(measured),
        runs=tuple(
            ComparedRun(
                run,
                values,
                {key: values[key] for key in keys if key in values},
                {name: found.get(name) for name in measured},
            )
            for run, values, found in zip(runs, settings, metrics, strict=True)
        ),
        faults=tuple(faults),
    )


def _tells(metric: str, value: float | None) -> bool:
    """Whether a value deserves a column: most runs have no penalty."""
    return value is not None and not (metric == PENALTY and value == 0)


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
    same. No type depends on itself: `activation.type` may be all that tells a mapping from a name.
    """
    parents = key.split(".")[:-1]
    types = [f"{'.'.join(parents[:depth])}.type" for depth in range(1, len(parents) + 1)]
    by_type = any(one in differing and one != key for one in types)
    present = [values[key] for values in flat if key in values]
    return by_type and len(present) < len(flat) and all(value == present[0] for value in present)


def _rank(value: Any) -> tuple[bool, Any]:
    """The sort key: numbers by size, then everything else as text."""
    is_number = isinstance(value, int | float)
    return (not is_number, value if is_number else str(value))
