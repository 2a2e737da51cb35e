"""Groups of runs in each format of `mnistlab compare --group-by`."""

from collections.abc import Callable
from typing import Any

from mnistlab.store.browse.groups import Groups, group_rows
from mnistlab.store.csv_text import csv_text
from mnistlab.support.document_tables import latex_table, markdown_table
from mnistlab.support.metric_names import metric_title
from mnistlab.support.text_format import in_print, plain_yaml
from mnistlab.terminal.groups_table import group_table, print_groups, print_notes
from mnistlab.terminal.output import print_json, print_result


def _print_csv(groups: Groups) -> None:
    rows = group_rows(groups)
    cells = [[_cell(value) for value in row.values()] for row in rows]
    print_result(csv_text([list(rows[0]), *cells]).removesuffix("\n"))
    print_notes(groups)


def _cell(value: Any) -> str:
    return "" if value is None else plain_yaml(value)


def _print_for_a_report(groups: Groups, table: Callable[[list[list[str]], range], str]) -> None:
    rows = group_table(groups, metric_title, in_print)
    print_result(table(rows, range(len(groups.keys), len(rows[0]))))
    print_notes(groups)


def _print_json(groups: Groups) -> None:
    rows = group_rows(groups)
    for row, group in zip(rows, groups.groups, strict=True):
        for key in groups.keys:
            del row[key]
        row["parameters"] = group.parameters
        row["run_dirs"] = [one.run.path for one in group.runs]
    print_json(
        {
            "keys": groups.keys,
            "metric": groups.metric,
            "metrics": groups.metrics,
            "groups": rows,
            "notes": groups.notes,
        }
    )


GROUP_FORMATS: dict[str, Callable[[Groups], None]] = {
    "table": print_groups,
    "csv": _print_csv,
    "markdown": lambda groups: _print_for_a_report(groups, markdown_table),
    "latex": lambda groups: _print_for_a_report(groups, latex_table),
    "json": _print_json,
}
