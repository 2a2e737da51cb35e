"""A comparison of runs in each format of `mnistlab compare`."""

from collections.abc import Callable
from typing import Any

from mnistlab.store.browse.comparison import Comparison
from mnistlab.store.browse.found import folder_names
from mnistlab.store.browse.selection import (
    Selection,
    beside_baseline,
    difference_numbers,
    sorted_runs,
)
from mnistlab.store.csv_text import csv_text
from mnistlab.support.document_tables import latex_table, markdown_table
from mnistlab.support.metric_names import metric_title
from mnistlab.support.text_format import in_print
from mnistlab.terminal.comparison_table import print_comparison, written
from mnistlab.terminal.output import metric_value, print_json, print_note, print_result


def _print_table(selection: Selection) -> None:
    comparison, told = _with_differences(selection)
    print_comparison(comparison, told)


def _with_differences(selection: Selection) -> tuple[Comparison, list[list[str]]]:
    """The runs in their order, and the text of their differences to the baseline under a heading;
    nothing without one.
    """
    comparison = sorted_runs(selection)
    found = beside_baseline(selection, comparison)
    if found is None:
        return comparison, []
    from mnistlab.terminal.groups_table import BASELINE, DIFFERENCE, disagreement_cells

    beside, notes = found
    rows = [DIFFERENCE]
    for one, told in zip(comparison.runs, beside, strict=True):
        is_baseline = one.run.path == selection.baseline
        rows.append([BASELINE, "", ""] if is_baseline else disagreement_cells(told))
    notes.append(
        "difference: accuracy on the images of predictions.csv minus the baseline's, in percentage "
        "points; p: McNemar's test of these two networks, corrected by Holm; another seed gives "
        "other networks, --group-by compares configurations (docs/statistics.md)"
    )
    for note in notes:
        print_note(note)
    return comparison, rows


def _print_csv(selection: Selection) -> None:
    comparison = sorted_runs(selection)
    differences, notes = difference_numbers(selection, comparison)
    names = [*comparison.metrics, *differences[0]]
    rows: list[list[Any]] = [["run_dir", "status", *comparison.every_key, *names]]
    for one, told in zip(comparison.runs, differences, strict=True):
        values = [written(one, key) for key in comparison.every_key]
        numbers = [(one.metrics | told)[name] for name in names]
        cells = ["" if number is None else repr(float(number)) for number in numbers]
        rows.append([one.run.path, one.run.record.status, *values, *cells])
    print_result(csv_text(rows).removesuffix("\n"))
    for note in notes:
        print_note(note)


def _print_for_a_report(
    selection: Selection, table: Callable[[list[list[str]], range], str]
) -> None:
    """The runs as a table of a document: names, keys that differ, metrics as pages write them."""
    comparison, told = _with_differences(selection)
    keys, metrics = comparison.shown_keys, comparison.metrics
    names = folder_names([one.run.path for one in comparison.runs])
    rows = [["run", *keys, *map(metric_title, metrics)]]
    for name, one in zip(names, comparison.runs, strict=True):
        figures = [in_print(metric_value(metric, one.metrics[metric])) for metric in metrics]
        rows.append([name, *(written(one, key) for key in keys), *figures])
    if told:
        rows = [[*row, *cells] for row, cells in zip(rows, told, strict=True)]
    print_result(table(rows, range(1 + len(keys), len(rows[0]))))


def _print_json(selection: Selection) -> None:
    comparison = sorted_runs(selection)
    differences, notes = difference_numbers(selection, comparison)
    print_json(
        {
            "keys": comparison.keys,
            "metrics": comparison.metrics,
            **({"against": selection.baseline} if selection.baseline else {}),
            "runs": [
                {
                    "run_dir": one.run.path,
                    "status": one.run.record.status,
                    "alive": one.run.alive,
                    "parameters": one.parameters,
                    "metrics": {name: one.metrics[name] for name in comparison.metrics},
                    **told,
                }
                for one, told in zip(comparison.runs, differences, strict=True)
            ],
            **({"notes": notes} if selection.baseline else {}),
        }
    )


COMPARISON_FORMATS: dict[str, Callable[[Selection], None]] = {
    "table": _print_table,
    "csv": _print_csv,
    "markdown": lambda selection: _print_for_a_report(selection, markdown_table),
    "latex": lambda selection: _print_for_a_report(selection, latex_table),
    "json": _print_json,
}
