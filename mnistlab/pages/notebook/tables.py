"""Tables of runs in a notebook: comparisons, groups of runs, and the list of a folder.

They are made from the DataFrame as it is when it is shown, also after a user has changed it.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.sweep_curves import sweep_curves
from mnistlab.figures.sweep_points import LearningCurve, SweepMetric
from mnistlab.pages.inline_svg import InlineSvg
from mnistlab.pages.notebook import Cell, Fragment, Table, html_of, link_to, svg_of
from mnistlab.pages.page import measured
from mnistlab.store.browse.comparison import MAIN_METRICS
from mnistlab.store.browse.found import folder_names, trial_name
from mnistlab.store.browse.selection import DIFFERENCES
from mnistlab.store.folder import Folder
from mnistlab.store.run_dir import RunDir
from mnistlab.store.status import Status
from mnistlab.support import text_format
from mnistlab.support.errors import LackingError, MnistlabError
from mnistlab.support.metric_names import (
    RUN_METRICS,
    SECONDS,
    is_accuracy,
    metric_title,
    metric_words,
)
from mnistlab.support.text_format import counted, in_print, plain_yaml, short_keys

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 30
MOST_CURVES = 12  # each reads the metrics.csv of a run
# The accuracies first, as a wide table is cut off on the right.
METRICS = (*MAIN_METRICS, *(n for n in RUN_METRICS if n not in MAIN_METRICS), SECONDS)
DESCRIBED = ("kind", "status", "started", "tags", "note")
# Neither tells two points apart.
NOT_OF_A_POINT = {"name", "seed", *METRICS, *DESCRIBED, *DIFFERENCES}

Row = Mapping[Any, Any]


def listing_html(table: "pd.DataFrame") -> str:
    """A list of runs, sweeps and reports as HTML: what they are, and their metrics."""
    columns = [name for name in (*DESCRIBED, *METRICS) if _tells(table, name)]
    title = "1 entry" if len(table) == 1 else f"{len(table):,} entries"
    return html_of(Fragment(title, "list of runs", tables=[_runs(table, columns)]))


def comparison_html(table: "pd.DataFrame") -> str:
    """Compared runs as HTML: the keys that differ, their metrics, and their learning curves."""
    columns = [name for name in table.columns if _tells(table, name)]
    if columns[:1] == ["status"] and table["status"].nunique() == 1:
        columns = columns[1:]
    figures, warnings = _curves(table)
    return html_of(
        Fragment(
            title=counted(len(table), "run"),
            kind="comparison",
            warnings=warnings,
            tables=[_runs(table, columns)],
            figures=figures,
        )
    )


def groups_html(table: "pd.DataFrame") -> str:
    """Groups of runs as HTML: mean, deviation and interval, and the difference to a baseline."""
    metrics = [name for name in METRICS if f"{name}_mean" in table.columns]
    names = list(table.columns)
    main = names[names.index("seeds") + 1].removesuffix("_mean")
    keys = names[: names.index("runs")]
    heads = [*keys, "runs", metric_title(main), "95 % interval"]
    heads += ["difference", "95 % interval", "p"] if "difference" in table.columns else []
    others = [name for name in metrics if name != main]
    rows = []
    for row in _records(table):
        shown = [_text(key, row[key]) for key in keys]
        shown += [
            str(row["runs"]),
            _mean(main, row),
            _interval(main, row, main, text_format.metric),
        ]
        if "difference" in table.columns:
            shown += _difference(main, row)
        rows.append([Cell(text) for text in [*shown, *(_mean(name, row) for name in others)]])
    heads += map(metric_title, others)
    words = frozenset(range(len(keys)))
    title = counted(len(table), "group")
    shown_table = Table(heads, rows, words, note=_more(table))
    return html_of(Fragment(title, "comparison", tables=[shown_table]))


def _runs(table: "pd.DataFrame", columns: Sequence[Any]) -> Table:
    """A row for each run, which leads to its page: what it is, its keys, its metrics, the
    differences to a baseline.
    """
    groups: tuple[Sequence[str], ...] = (DESCRIBED, METRICS, DIFFERENCES)
    described, metrics, differences = ([n for n in of if n in columns] for of in groups)
    keys = [name for name in columns if not any(name in of for of in groups)]
    order = [*described, *keys, *metrics, *differences]
    paths = [Path(path) for path in table.index[:MOST_ROWS]]
    names = [trial_name(name) for name in folder_names(paths)] if paths else []
    rows = []
    for path, name, row in zip(paths, names, _records(table), strict=True):
        first = link_to(Folder(path).report, name) or [Cell(name)]
        rows.append([*first, *(Cell(_text(column, row[column])) for column in order)])
    words = {place for place, name in enumerate(["run", *order]) if name in ("run", *DESCRIBED)}
    heads = ["run", *(metric_title(str(name)) for name in order)]
    return Table(heads, rows, frozenset(words), note=_more(table))


def _records(table: "pd.DataFrame") -> Sequence[Row]:
    return table.iloc[:MOST_ROWS].to_dict("records")


def _more(table: "pd.DataFrame") -> str:
    left = len(table) - MOST_ROWS
    return f"{left:,} more rows in the DataFrame" if left > 0 else ""


def _tells(table: "pd.DataFrame", name: Any) -> bool:
    """Whether a column has anything to show."""
    return name in table.columns and any(not _is_missing(value) for value in table[name])


def _is_missing(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, float) and math.isnan(value))


def _text(name: Any, value: Any) -> str:
    """A value as its column shows it; empty if there is none."""
    if _is_missing(value):
        return ""
    if name in METRICS:
        return measured(value, name)
    if name == "p_value":
        return text_format.p_value(value)
    if name in DIFFERENCES:  # of two networks' shares of correct images
        return text_format.difference("accuracy", value)
    if name == "started":  # to the minute
        return str(value)[:16].replace("T", " ")
    if name == "tags" and isinstance(value, list):
        return ", ".join(value)
    return value if isinstance(value, str) else plain_yaml(value)


def _mean(name: str, row: Row) -> str:
    mean, std = row[f"{name}_mean"], row[f"{name}_std"]
    return measured(mean, name, None if _is_missing(std) else std)


def _interval(name: str, row: Row, columns: str, written: Any) -> str:
    low, high = row[f"{columns}_low"], row[f"{columns}_high"]
    if _is_missing(low) or _is_missing(high):
        return "–"
    return in_print(text_format.interval(name, low, high, written))


def _difference(main: str, row: Row) -> list[str]:
    if row["is_baseline"]:
        return ["baseline", "", ""]
    if _is_missing(row["difference"]):
        return ["–", "–", "–"]
    return [
        text_format.difference(main, row["difference"]),
        _interval(main, row, "difference", text_format.difference),
        _text("p_value", row["p_value"]),
    ]


def _curves(table: "pd.DataFrame") -> tuple[list[InlineSvg], list[str]]:
    """The learning curves of the best runs, and what is damaged."""
    known = [name for name in MAIN_METRICS if _tells(table, name)]
    if not known:
        return [], []
    metric, keys = known[0], [n for n in table.columns if n not in NOT_OF_A_POINT]
    best = table.sort_values(metric, ascending=not is_accuracy(metric), kind="stable")
    curves: list[LearningCurve] = []
    warnings: list[str] = []
    for path, row in zip(best.index[:MOST_CURVES], _records(best), strict=False):
        try:
            rows = Artefacts(RunDir(Path(path))).metrics
        except MnistlabError as error:
            warnings += error.messages
            continue
        label = "  ".join(_values(keys, row)) or Path(path).name
        curves.append(LearningCurve(label, rows, row["status"] == Status.DIVERGED))
    shown = SweepMetric(metric, maximize=is_accuracy(metric))
    heading = f"{metric_words(metric).capitalize()} by epoch"
    try:
        return [svg_of(sweep_curves(curves, shown, heading, ""), heading)], warnings
    except LackingError:
        return [], warnings


def _values(keys: Sequence[Any], row: Row) -> list[str]:
    """The values of a run's keys in words: `lr 0.1`."""
    names = short_keys(map(str, keys))
    texts = {names[str(key)]: _text(key, row[key]) for key in keys}
    return [f"{name} {text}" for name, text in texts.items() if text]
