"""Tables of runs as DataFrames."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mnistlab.python.arguments import items_of, refuse_no_text, texts_of
from mnistlab.python.shown_table import ShownTable
from mnistlab.support.metric_names import RUN_METRICS, SECONDS
from mnistlab.support.paths import PathLike

if TYPE_CHECKING:
    from mnistlab.store.browse.groups import Groups
    from mnistlab.store.browse.selection import Selection


def frame(rows: Sequence[Any], row_type: type) -> pd.DataFrame:
    """Dataclass rows as a DataFrame: a column for each field, NaN if not measured."""
    columns = {column.name: column.type for column in fields(row_type)}
    table = pd.DataFrame([asdict(row) for row in rows], columns=list(columns))
    optional = {name: float for name, kind in columns.items() if kind == float | None}
    return table.astype(optional)


def compare(
    paths: PathLike | Iterable[PathLike],
    *,
    where: str | None = None,
    group_by: str | Iterable[str] | None = None,
    metric: str | Iterable[str] | None = None,
    against: PathLike | None = None,
    sort: str | None = None,
    html: PathLike | None = None,
    data_dir: PathLike | None = None,
) -> pd.DataFrame:
    """Compare runs: the configuration keys that differ, and the metrics, a row for each run.

    `paths`: runs, sweeps (all their trials), folders of them; one, or several. The index is the
    run's folder; `status` is a column. The options are those of `mnistlab compare`:

    - `where`: a condition, `"val_accuracy > 0.97 and optimizer.type == 'sgd'"`;
    - `group_by`: keys, or "all": a row for each group of runs, with mean, standard deviation and
      95 % interval over the seeds;
    - `metric`: the metrics to show; the first orders the groups and is compared;
    - `against`: a baseline, to which the differences are tested;
    - `sort`: a key or a metric, `"-key"` reversed;
    - `html`: a file, to which one page of this comparison is written; `data_dir` has the images.

    Raises UsageError if there is no run, or a damaged one, or if an option cannot be used.
    """
    from mnistlab.store.browse.selection import groups_of, selected
    from mnistlab.support.errors import UsageError

    _refuse_no_texts(where=where, sort=sort)
    found = selected(
        paths_of(paths),
        where=where,
        metric=None if metric is None else ",".join(_names("metric", metric)),
        against=None if against is None else Path(against),
        sort=sort,
    )
    if found.comparison.faults:
        raise UsageError(*found.comparison.faults)
    groups = None if group_by is None else groups_of(found, _names("group_by", group_by))
    if html is not None:
        _write_page(Path(html), found, groups, data_dir)
    return _runs_frame(found) if groups is None else _groups_frame(groups)


def _write_page(
    page: Path, found: "Selection", groups: "Groups | None", data_dir: PathLike | None
) -> None:
    from mnistlab.pages.comparison_page import write_comparison_page
    from mnistlab.store.browse.selection import groups_of, sorted_runs
    from mnistlab.support.errors import UsageError

    shown = groups_of(found, ["all"]) if groups is None else groups
    folder = None if data_dir is None else Path(data_dir)
    if faults := write_comparison_page(page, sorted_runs(found), shown, data_dir=folder):
        raise UsageError(*faults)


def runs(
    paths: PathLike | Iterable[PathLike] | None = None,
    *,
    where: str | None = None,
    tag: str | Iterable[str] = (),
    sort: str | None = None,
) -> pd.DataFrame:
    """List the runs, sweeps and reports of folders, by default of that where runs are made.

    The index is the path. There is a column for everything that a condition of `where` may use:
    `kind`, `status`, `started`, `note`, `tags`, the metrics, and every key of a run's
    configuration. `tag`: only what has this tag, or all of several. Raises UsageError if there is
    no such folder, or if an entry is damaged.
    """
    from mnistlab.store.browse.listing import list_runs
    from mnistlab.store.browse.values import entry_values
    from mnistlab.support.errors import UsageError
    from mnistlab.support.paths import runs_dir

    _refuse_no_texts(where=where, sort=sort)
    tags = texts_of("tag", tag)
    folders = [runs_dir(None)] if paths is None else paths_of(paths)
    listing = list_runs(folders, where, sort, tags)
    if listing.faults:
        raise UsageError(*listing.faults)
    rows = [entry_values(entry) for entry in listing.entries]
    index = pd.Index([row.pop("path") for row in rows], name="path")
    described = ["kind", "folder", "status", "started", "note", "tags"]
    columns = dict.fromkeys([*described, *(key for row in rows for key in row)])
    table = pd.DataFrame(rows, index=index, columns=list(columns))
    metrics = [name for name in (*RUN_METRICS, SECONDS) if name in columns]
    return ShownTable(table.astype(dict.fromkeys(metrics, float)), "listing_html")


def paths_of(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    """One path, or several, as a list."""
    return [Path(path) for path in items_of("paths", paths)]


def _names(option: str, several: str | Iterable[str]) -> list[str]:
    from mnistlab.store.browse.selection import comma_separated

    return comma_separated(several) if isinstance(several, str) else texts_of(option, several)


def _refuse_no_texts(**options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            refuse_no_text(name, value)


def _runs_frame(found: "Selection") -> pd.DataFrame:
    from mnistlab.store.browse.selection import difference_numbers, sorted_runs

    comparison = sorted_runs(found)
    differences, _ = difference_numbers(found, comparison)
    rows = [
        {"status": one.run.record.status.value, **one.parameters, **one.metrics, **told}
        for one, told in zip(comparison.runs, differences, strict=True)
    ]
    index = pd.Index([str(one.run.path) for one in comparison.runs], name="run_dir")
    numbers = [*comparison.metrics, *differences[0]]
    table = pd.DataFrame(rows, index=index, columns=["status", *comparison.keys, *numbers])
    return ShownTable(table.astype(dict.fromkeys(numbers, float)), "comparison_html")


def _groups_frame(groups: "Groups") -> pd.DataFrame:
    from mnistlab.store.browse.groups import group_rows

    table = pd.DataFrame(group_rows(groups))
    whole = {*groups.keys, "runs", "seeds", "is_baseline"}
    numbers = {name: float for name in table.columns if name not in whole}
    return ShownTable(table.astype(numbers), "groups_html")
