"""The tables of a comparison's page: groups, runs, and the keys in which they differ."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mnistlab.pages.comparison_data import short
from mnistlab.pages.page import measured
from mnistlab.store.browse.comparison import ComparedRun, Comparison
from mnistlab.store.browse.groups import Group, Groups
from mnistlab.support import text_format
from mnistlab.support.metric_names import metric_title
from mnistlab.support.text_format import in_print, plain_yaml, short_keys

FEW_RUNS = 6  # whose configurations stand side by side
MOST_VALUES = 6  # of a key, that are listed


def group_label(group: Group) -> str:
    """The values of a group's keys, by the last part of each key that no other one ends in."""
    names = short_keys(group.parameters)
    named = (f"{names[key]} {plain_yaml(value)}" for key, value in group.parameters.items())
    return ", ".join(named) or "all runs"


def _table(heads: Sequence[str], numeric: set[int], rows: list[Any]) -> dict[str, Any]:
    """A sortable table: a row is its cells, each a text and the value by which it is sorted."""
    return {"heads": heads, "numeric": numeric, "rows": rows}


def group_table(groups: Groups) -> dict[str, Any]:
    """A row for each group: its metric, its keys, its runs, its difference to the baseline, its
    other metrics.

    The metric stands before the keys, which may be many: a phone shows only the first columns.
    """
    main, *others = groups.metrics
    told = ["difference", "95 % interval", "p"] if groups.has_baseline else []
    heads = [metric_title(main), *groups.keys, "runs", "95 % interval of the mean", *told]
    heads += map(metric_title, others)
    rows = []
    for group in groups.groups:
        cells = [_mean(main, group)]
        cells += [_setting(group.parameters.get(key)) for key in groups.keys]
        cells.append((str(len(group.runs)), str(len(group.runs))))
        summary = group.summaries.get(main)
        interval = None if summary is None else summary.interval
        cells.append(_interval(main, interval, text_format.metric))
        if groups.has_baseline:
            cells += _difference(main, group)
        cells += [_mean(name, group) for name in others]
        rows.append(cells)
    return _table(heads, {0, *range(1 + len(groups.keys), len(heads))}, rows)


def _setting(value: Any) -> tuple[str, str]:
    text = plain_yaml(value)
    return text, text


def _mean(name: str, group: Group) -> tuple[str, str]:
    summary = group.summaries.get(name)
    if summary is None:
        return "–", ""
    return measured(summary.mean, name, summary.std), repr(summary.mean)


def _interval(name: str, interval: Any, written: Any) -> tuple[str, str]:
    if interval is None:
        return "–", ""
    text = text_format.interval(name, interval.low, interval.high, written)
    return in_print(text), repr(interval.low)


def _difference(name: str, group: Group) -> list[tuple[str, str]]:
    told = group.against
    if told is None:
        return [("baseline" if group.is_baseline else "–", ""), ("", ""), ("", "")]
    one = told.difference
    p_value = told.p_value
    return [
        (text_format.difference(name, one.estimate), repr(one.estimate)),
        _interval(name, one.interval, text_format.difference),
        ("–", "") if p_value is None else (text_format.p_value(p_value), repr(p_value)),
    ]


def run_table(comparison: Comparison, names: Sequence[str], main: str) -> dict[str, Any]:
    """A row for each run: the metric `main`, its name, its other metrics and its keys."""
    keys = comparison.shown_keys
    metrics = [metric for metric in comparison.metrics if metric != main]
    statuses = [one.run.record.status.words for one in comparison.runs]
    told = ["status"] if len(set(statuses)) > 1 else []
    rows = []
    for name, status, one in zip(names, statuses, comparison.runs, strict=True):
        cells = [_metric(main, one.metrics.get(main)), (name, name)]
        cells += [(status, status)] if told else []
        cells += [_metric(metric, one.metrics[metric]) for metric in metrics]
        cells += [_setting(one.settings[key]) if key in one.settings else ("", "") for key in keys]
        rows.append(cells)
    heads = [metric_title(main), "run", *told, *map(metric_title, metrics), *keys]
    return _table(heads, {0, *range(2 + len(told), len(heads))}, rows)


def _metric(name: str, value: float | None) -> tuple[str, str]:
    return measured(value, name), "" if value is None else repr(short(value))


def configuration_table(comparison: Comparison, names: Sequence[str]) -> dict[str, Any]:
    """The keys that differ: the value of each of few runs, or how many of many runs have it."""
    keys = [key for key in comparison.keys if key != "name"]
    if len(comparison.runs) <= FEW_RUNS:
        rows = [[key, *(_value(one, key) for one in comparison.runs)] for key in keys]
        return {"heads": ["key", *names], "rows": rows}
    rows = []
    for key in keys:
        counts = Counter(_value(one, key) for one in comparison.runs)
        most = [f"{value} ({count:,})" for value, count in counts.most_common(MOST_VALUES)]
        more = len(counts) - MOST_VALUES
        rows.append([key, ", ".join(most) + (f" and {more:,} more" if more > 0 else "")])
    return {"heads": ["key", "values, and how many runs have them"], "rows": rows}


def _value(one: ComparedRun, key: str) -> str:
    return plain_yaml(one.settings[key]) if key in one.settings else "–"
