"""The runs that the options of a comparison select, and what is to be shown of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.store.browse.comparison import Comparison, compare
from mnistlab.store.browse.found import best_of
from mnistlab.store.run_dir import open_run
from mnistlab.support.expressions import parsed

# Both need numpy, for which the comparison of hundreds of runs does not wait.
if TYPE_CHECKING:
    from mnistlab.store.browse.agreement import Disagreement
    from mnistlab.store.browse.groups import Groups


@dataclass(frozen=True)
class Selection:
    """Compared runs. `metric` orders groups and is compared with the `baseline`, a run's folder."""

    comparison: Comparison
    metric: str
    baseline: Path | None = None
    sort: str | None = None


def selected(
    paths: Iterable[Path],
    *,
    where: str | None = None,
    metric: str | None = None,
    against: Path | None = None,
    sort: str | None = None,
) -> Selection:
    """The runs at the paths that match a condition; `metric` names those to show, the main one
    first: `val_accuracy,test_accuracy`. Of a sweep, `against` is the best trial.

    Raises UsageError, naming the option, for a value that cannot be used.
    """
    condition = None if where is None else parsed(where)
    baseline = None if against is None else open_run(best_of(against)).path
    comparison = compare(paths, condition, baseline)
    main = comparison.main_metric
    if metric is not None:
        names = comma_separated(metric)
        comparison, main = comparison.with_metrics(names), names[0]
    return Selection(comparison, main, baseline, sort)


def comma_separated(text: str) -> list[str]:
    """The names in `NAME,NAME`."""
    return [name.strip() for name in text.split(",")]


def sorted_runs(selection: Selection) -> Comparison:
    """The comparison in the order that was asked for."""
    comparison, sort = selection.comparison, selection.sort
    return comparison if sort is None else comparison.sorted_by(sort)


def groups_of(selection: Selection, keys: Sequence[str]) -> "Groups":
    """The runs in groups by these keys, beside the baseline, in the order that was asked for."""
    from mnistlab.store.browse.groups import against, grouped

    groups = grouped(selection.comparison, keys, selection.metric)
    if selection.baseline is not None:
        groups = against(groups, selection.baseline)
    return groups if selection.sort is None else groups.sorted_by(selection.sort)


def beside_baseline(
    selection: Selection, comparison: Comparison
) -> tuple[list["Disagreement | None"], list[str]] | None:
    """Each run of a comparison beside the baseline, and notes; None if there is no baseline."""
    if selection.baseline is None:
        return None
    from mnistlab.store.browse.agreement import disagreements

    runs = [one.run for one in comparison.runs]
    (baseline,) = (run for run in runs if run.path == selection.baseline)
    return disagreements(runs, baseline)


DIFFERENCES = ("difference", "difference_low", "difference_high", "p_value")


def difference_numbers(
    selection: Selection, comparison: Comparison
) -> tuple[list[dict[str, float | None]], list[str]]:
    """The numbers of each run's difference to the baseline, and notes; empty without one."""
    found = beside_baseline(selection, comparison)
    if found is None:
        return [{} for _ in comparison.runs], []
    beside, notes = found
    numbers: list[dict[str, float | None]] = []
    for one in beside:
        values: Sequence[float | None] = (None,) * 4
        if one is not None:
            test = one.mcnemar
            values = (test.difference, test.interval.low, test.interval.high, one.p_value)
        numbers.append(dict(zip(DIFFERENCES, values, strict=True)))
    return numbers, notes
