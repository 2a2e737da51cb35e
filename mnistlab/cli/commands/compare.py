"""`mnistlab compare`: runs side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistlab.cli import options

if TYPE_CHECKING:
    from mnistlab.store.browse.comparison import Comparison

ORDER = 6  # in --help
EXAMPLES = """\b
Examples:
  mnistlab compare runs --sort val_accuracy
  mnistlab compare runs/20261121-142530-mlp-3fa9c1 runs/20261121-143002-mlp-91c0de
  mnistlab compare runs/20261121-150000-my-sweep --csv > my-sweep.csv
  mnistlab compare runs --latex > table.tex
"""


def compare(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Runs, sweeps (all their trials), or folders of them.",
            show_default=False,
        ),
    ],
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Sort by a metric or a key: accuracies in descending order, all else in ascending "
            "order; -KEY reverses the order.",
        ),
    ] = None,
    as_csv: Annotated[
        bool,
        typer.Option(
            "--csv", help="Print a CSV file with all keys, also those that do not differ."
        ),
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown, for a report.")
    ] = False,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the table as a LaTeX tabular, for a report.")
    ] = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Print runs side by side.

    There is a column for each configuration key that differs and for each measured metric; a row
    for each where few runs do not fit the terminal otherwise. Losses and accuracies are those of
    the final weights. Seconds are training time without evaluation.
    """
    from mnistlab.store.browse.comparison import compare
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.comparison_table import print_comparison
    from mnistlab.terminal.output import print_json, print_note

    formats = {"--csv": as_csv, "--markdown": markdown, "--latex": latex, "--json": json}
    chosen = [name for name, is_chosen in formats.items() if is_chosen]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)}: choose one of them")
    comparison = compare(paths)
    if sort is not None:
        comparison = comparison.sorted_by(sort)
    if json:
        print_json(_document(comparison))
    elif as_csv:
        _print_csv(comparison)
    elif markdown or latex:
        _print_for_a_report(comparison, latex=latex)
    else:
        print_comparison(comparison)
    for fault in comparison.faults:
        print_note(fault)
    return 2 if comparison.faults else 0


def _print_csv(comparison: "Comparison") -> None:
    from mnistlab.store.csv_text import csv_text
    from mnistlab.terminal.comparison_table import written
    from mnistlab.terminal.output import print_result

    rows: list[list[Any]] = [["run_dir", "status", *comparison.every_key, *comparison.metrics]]
    for one in comparison.runs:
        values = [written(one, key) for key in comparison.every_key]
        figures = [one.metrics[metric] for metric in comparison.metrics]
        cells = ["" if figure is None else repr(float(figure)) for figure in figures]
        rows.append([one.run.path, one.run.record.status, *values, *cells])
    print_result(csv_text(rows).removesuffix("\n"))


def _print_for_a_report(comparison: "Comparison", *, latex: bool) -> None:
    """The runs as a table of a document: names, keys that differ, metrics as pages write them."""
    from mnistlab.support.document_tables import latex_table, markdown_table
    from mnistlab.support.metric_names import SPLIT_METRICS, metric_words
    from mnistlab.support.text_format import in_print
    from mnistlab.terminal.comparison_table import folder_names, shown_keys, written
    from mnistlab.terminal.output import metric_value, print_result

    keys, metrics = shown_keys(comparison), comparison.metrics
    names = folder_names([one.run.path for one in comparison.runs])
    heads = [metric_words(name) if name in SPLIT_METRICS else name for name in metrics]
    rows = [["run", *keys, *heads]]
    for name, one in zip(names, comparison.runs, strict=True):
        figures = [in_print(metric_value(metric, one.metrics[metric])) for metric in metrics]
        rows.append([name, *(written(one, key) for key in keys), *figures])
    table = latex_table if latex else markdown_table
    print_result(table(rows, right=range(1 + len(keys), len(rows[0]))))


def _document(comparison: "Comparison") -> dict[str, Any]:
    return {
        "keys": comparison.keys,
        "metrics": comparison.metrics,
        "runs": [
            {
                "run_dir": one.run.path,
                "status": one.run.record.status,
                "alive": one.run.alive,
                "parameters": one.parameters,
                "metrics": one.metrics,
            }
            for one in comparison.runs
        ],
    }
