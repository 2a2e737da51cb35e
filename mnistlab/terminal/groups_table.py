"""Groups of runs as a table: on the terminal, or in a document."""

from collections.abc import Callable, Sequence

from mnistlab.statistics.hypothesis_tests import McNemar
from mnistlab.statistics.seeds import Interval
from mnistlab.store.browse.agreement import Disagreement
from mnistlab.store.browse.groups import Against, Group, Groups
from mnistlab.support import text_format
from mnistlab.support.metric_names import is_accuracy
from mnistlab.support.text_format import plain_yaml
from mnistlab.terminal.output import metric_value, print_note, print_table

BASELINE = "baseline"
DIFFERENCE = ["difference", "95 % interval", "p"]


def print_groups(groups: Groups) -> None:
    """Print a line for each group on stdout; on stderr what else is to be known.

    Where not all keys fit, those with the most values are shown: they tell the groups apart.
    """
    rows = group_table(groups)
    keys = len(groups.keys)
    metric, interval = keys + 1, keys + 2
    told = range(interval + 1, interval + 1 + len(DIFFERENCE)) if groups.has_baseline else ()
    telling = sorted(range(keys), key=lambda key: -len({row[key] for row in rows[1:]}))
    first = [metric, *telling, *told, interval]
    print_table(rows, right=range(keys, len(rows[0])), first=first, elsewhere="--csv has all")
    print_notes(groups)


def print_notes(groups: Groups) -> None:
    """Print on stderr which runs count, what is compared, and what would tell."""
    for note in [*groups.notes, *_what_would_tell(groups)]:
        print_note(note)


def group_table(
    groups: Groups,
    named: Callable[[str], str] = lambda metric: metric,
    written: Callable[[str], str] = lambda text: text,
) -> list[list[str]]:
    """A heading, and a row for each group: keys, number of runs, the main metric, the difference to
    the baseline, then the other metrics. `named` and `written` change a metric's name and the text
    of a number.
    """
    main, *others = groups.metrics
    heads = [named(main), "95 % interval of the mean"]
    told = DIFFERENCE if groups.has_baseline else []
    rows = [[*groups.keys, "runs", *heads, *told, *map(named, others)]]
    for group in groups.groups:
        keys = [
            plain_yaml(group.parameters[key]) if key in group.parameters else ""
            for key in groups.keys
        ]
        summary = group.summaries.get(main)
        interval = _interval(main, None if summary is None else summary.interval)
        cells = [_mean(main, group), interval]
        if groups.has_baseline:
            cells += [BASELINE, "", ""] if group.is_baseline else against_cells(main, group.against)
        cells += [_mean(name, group) for name in others]
        rows.append([*keys, str(len(group.runs)), *map(written, cells)])
    return rows


def _mean(metric: str, group: Group) -> str:
    summary = group.summaries.get(metric)
    return "-" if summary is None else metric_value(metric, summary.mean, summary.std)


def _interval(
    metric: str,
    interval: Interval | None,
    written: Callable[[str, float], str] = text_format.metric,
) -> str:
    if interval is None:
        return "-"
    return text_format.interval(metric, interval.low, interval.high, written)


def _p_value(value: float | None) -> str:
    return "-" if value is None else text_format.p_value(value)


def against_cells(metric: str, told: Against | None) -> list[str]:
    """The difference to the baseline, its interval and its p-value."""
    if told is None:
        return ["-", "-", "-"]
    difference = told.difference
    return [
        text_format.difference(metric, difference.estimate),
        _interval(metric, difference.interval, text_format.difference),
        _p_value(told.p_value),
    ]


def disagreement_cells(told: Disagreement | None) -> list[str]:
    """The same for two networks on the same images."""
    if told is None:
        return ["-", "-", "-"]
    found: McNemar = told.mcnemar
    return [
        text_format.difference("accuracy", found.difference),
        _interval("accuracy", found.interval, text_format.difference),
        _p_value(told.p_value),
    ]


def _what_would_tell(groups: Groups) -> list[str]:
    """What the columns of the baseline mean, and how many seeds would tell what is not told."""
    if not groups.has_baseline:
        return []
    points = ", in percentage points" if is_accuracy(groups.metric) else ""
    notes = [
        f"difference: {groups.metric} minus the baseline's{points}, over the seeds that both have: "
        "with the same seed they share the draws of the initial weights and the order of images; "
        "p: paired t-test, without two shared seeds Welch's, corrected by Holm (docs/statistics.md)"
    ]
    needed: Sequence[tuple[Group, int]] = [
        (group, group.against.seeds_needed)
        for group in groups.groups
        if group.against is not None and group.against.seeds_needed is not None
    ]
    for group, seeds in needed:
        named = ", ".join(f"{key} = {plain_yaml(v)}" for key, v in group.parameters.items())
        notes.append(f"cannot be told from the baseline: {named}; about {seeds:,} seeds would tell")
    return notes
