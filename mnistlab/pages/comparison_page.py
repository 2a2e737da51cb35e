"""The page of `mnistlab compare --html`: tables, curves, scatter, confusions, images."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mnistlab.figures import style
from mnistlab.pages.comparison_data import (
    PREDICTING_RUNS,
    GroupPredictions,
    curves_of,
    disputed,
    pictures_of,
    predictions_of_groups,
    read_as,
    short,
)
from mnistlab.pages.comparison_tables import (
    configuration_table,
    group_label,
    group_table,
    run_table,
)
from mnistlab.pages.page import measured, rendered_template, write_page
from mnistlab.pages.try_it import MOST_BYTES, RESERVED
from mnistlab.pages.try_two import two_networks
from mnistlab.store.browse.comparison import Comparison
from mnistlab.store.browse.found import folder_names
from mnistlab.store.browse.groups import Group, Groups
from mnistlab.support import text_format
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import is_accuracy, metric_title
from mnistlab.support.scale import on_scale
from mnistlab.support.text_format import counted, in_print, plain_yaml

SHOWN_GROUPS = 8  # with a colour of their own
COLOURS = tuple(colour.removeprefix("#").lower() for colour in style.PALETTE[:7])


def write_comparison_page(
    path: Path, comparison: Comparison, groups: Groups, *, data_dir: Path | None = None
) -> list[str]:
    """Write the page of compared runs and their groups; returns the faults of what it lacks, which
    the page has, too.

    Raises UsageError if the file exists and was not written by mnistlab, or cannot be written.
    """
    shown = _shown(groups)
    faults: list[str] = []
    predictions = predictions_of_groups(shown, faults.append)
    data = _data(comparison, groups, shown, predictions, curves_of(shown, faults.append))
    names = folder_names([one.run.path for one in comparison.runs])
    title = f"{counted(len(comparison.runs), 'run')} compared"
    values = {
        "kind": "comparison",
        "title": title,
        "lead": _lead(groups),
        "warnings": [*comparison.faults, *faults],
        "notes": groups.notes,
        "pictures": [],
        "colours": COLOURS,
        "tiles": _tiles(comparison, groups),
        "groups": group_table(groups) if _has_seeds(groups) else None,
        "runs": run_table(comparison, names, groups.metrics[0]),
        "configuration": configuration_table(comparison, names),
        "images": _images(shown, predictions, data_dir),
        "predicting_runs": PREDICTING_RUNS,
        "data": data,
        "try_two": None,
    }
    size = len(rendered_template("comparison.html", {**values, "palette": []}).encode())
    left = MOST_BYTES - RESERVED - size
    values["try_two"] = _try_two(groups, left, {"data_dir": data_dir})
    try:
        write_page(path, "comparison.html", values)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return faults


def _shown(groups: Groups) -> list[Group]:
    """The best groups, and the baseline in any case."""
    best = list(groups.groups[:SHOWN_GROUPS])
    baseline = [group for group in groups.groups[SHOWN_GROUPS:] if group.is_baseline]
    return [*best[: SHOWN_GROUPS - len(baseline)], *baseline]


def _try_two(groups: Groups, most_bytes: int, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The networks of the best group and of the baseline, or else of the last group; of a single
    group, of its first and last run. None if there is one run only.
    """
    best, *others = groups.groups
    baseline = next((group for group in others if group.is_baseline), None)
    other = baseline or (others[-1] if others else best)
    pair = [(best, best.runs[0]), (other, other.runs[-1 if other is best else 0])]
    if pair[0][1] is pair[1][1]:
        return None
    which = "the best group and of the last"
    if baseline is not None:
        which = "the best group and of the baseline"
    elif other is best:
        which = "the first run and of the last"
    titled = [(f"{one.run.path.name}: {group_label(of)}", one.run.path) for of, one in pair]
    lead = f"The networks of {which} are on this page."
    return two_networks(lead, titled, most_bytes, options)


def _has_seeds(groups: Groups) -> bool:
    return groups.has_baseline or any(len(group.runs) > 1 for group in groups.groups)


def _lead(groups: Groups) -> list[str]:
    best = groups.groups[0]
    summary = best.summaries.get(groups.metric)
    if summary is None:
        return []
    value = measured(summary.mean, groups.metric, summary.std)
    over = f" over {counted(summary.count, 'run')}" if summary.count > 1 else ""
    if summary.interval is not None:
        ends = in_print(
            text_format.interval(groups.metric, summary.interval.low, summary.interval.high)
        )
        over += f", 95 % interval of the mean {ends}"
    best_of = f"The best of {counted(len(groups.groups), 'group')}" if groups.keys else "All runs"
    return [f"{best_of} by {metric_title(groups.metric)}: {group_label(best)}, {value}{over}."]


def _tiles(comparison: Comparison, groups: Groups) -> list[tuple[str, str]]:
    statuses = Counter(one.run.record.status.words for one in comparison.runs)
    told = [(f"{count:,}", status) for status, count in statuses.items()]
    keys = f"{len(comparison.shown_keys):,}"
    return [*told, (f"{len(groups.groups):,}", "groups"), (keys, "keys that differ")]


def _images(
    shown: Sequence[Group], predictions: Sequence[GroupPredictions | None], data_dir: Path | None
) -> dict[str, Any] | None:
    """The images on which the runs of the shown groups disagree; None if none has predictions.

    `only` is the group that has predictions of these images if no other has.
    """
    known = [one for one in predictions if one is not None]
    names = _class_names(shown, predictions)
    if not names:
        return None
    indices = disputed(known)
    owners = [group for group, one in zip(shown, predictions, strict=True) if one is not None]
    run = owners[0].runs[0].run
    found = pictures_of(run.path, known[0].labels, indices, data_dir) if len(indices) else []
    missing = found if isinstance(found, str) else None
    drawn = found if isinstance(found, list) else [None] * len(indices)
    return {
        "missing": missing,
        "only": group_label(owners[0]) if len(owners) == 1 else None,
        "runs": sum(len(one.predicted) for one in known),
        "pictures": [
            {
                "address": address,
                "index": int(index),
                "label": names[known[0].labels[index]],
                "said": [
                    (group_label(group), read_as(one, index, names))
                    for group, one in zip(shown, predictions, strict=True)
                ],
            }
            for address, index in zip(drawn, indices, strict=True)
        ],
    }


def _class_names(
    shown: Sequence[Group], predictions: Sequence[GroupPredictions | None]
) -> list[str]:
    """The names of the classes of the predicted images, by number."""
    for group, one in zip(shown, predictions, strict=True):
        facts = group.runs[0].run.record.facts
        if one is not None and facts is not None:
            return facts.dataset.class_names
    return []


def _data(
    comparison: Comparison,
    groups: Groups,
    shown: Sequence[Group],
    predictions: Sequence[GroupPredictions | None],
    curves: Mapping[str, Any],
) -> Markup:
    """What the script draws, as JSON that cannot end the script's element."""
    keys = comparison.shown_keys
    classes = _class_names(shown, predictions)
    columns = [_column(key, [one.settings.get(key) for one in comparison.runs]) for key in keys]
    for name in comparison.metrics:
        values = [one.metrics[name] for one in comparison.runs]
        numbers = [short(value) if on_scale(value) else None for value in values]
        columns.append({**_column(name, numbers), "share": is_accuracy(name), "metric": True})
    document = {
        "metric": groups.metric,
        "larger": is_accuracy(groups.metric),
        "runs": folder_names([one.run.path for one in comparison.runs]),
        "columns": columns,
        "groups": list(map(group_label, shown)),
        "colours": COLOURS,
        "titles": {name: metric_title(name) for name in comparison.metrics},
        "curves": curves,
        "classes": classes,
        "confusions": [
            None if one is None or not classes else one.confusion(len(classes)).round(2).tolist()
            for one in predictions
        ],
    }
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _column(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """The values of every run under a name: numbers, or texts if one is no number."""
    present = [value for value in values if value is not None]
    is_number = bool(present) and all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in present
    )
    if not is_number:
        values = [None if value is None else plain_yaml(value) for value in values]
    return {"name": name, "number": is_number, "values": list(values)}
