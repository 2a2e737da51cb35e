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

    if as_csv and json:
        raise UsageError("--csv and --json: choose one of them")
    comparison = compare(paths)
    if sort is not None:
        comparison = comparison.sorted_by(sort)
    if json:
        print_json(_document(comparison))
    elif as_csv:
        _print_csv(comparison)
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
