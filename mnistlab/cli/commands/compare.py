"""`mnistlab compare`: runs side by side."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistlab.cli import options
from mnistlab.store.status import Status

if TYPE_CHECKING:
    from mnistlab.store.browse.comparison import ComparedRun, Comparison

ORDER = 6  # in --help
EXAMPLES = """\b
Examples:
  mnistlab compare runs --sort val_accuracy
  mnistlab compare runs/20261121-142530-mlp-3fa9c1 runs/20261121-143002-mlp-91c0de
  mnistlab compare runs/20261121-150000-my-sweep --csv > my-sweep.csv
"""
WIDEST_CELL = 32


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

    There is a column for each configuration key that differs and for each measured metric. Losses
    and accuracies are those of the final weights. Seconds are training time without evaluation.
    """
    from mnistlab.store.browse.comparison import compare
    from mnistlab.support.errors import UsageError
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
        _print_table(comparison)
    for fault in comparison.faults:
        print_note(fault)
    return 2 if comparison.faults else 0


def _print_table(comparison: "Comparison") -> None:
    from mnistlab.cli.commands.runs import run_status
    from mnistlab.terminal.output import metric_value, print_lines, print_note, table

    runs = comparison.runs
    keys = [k for k in comparison.keys if k != "name" and k not in comparison.implied]
    names = _names([one.run.path for one in runs])
    statuses = [run_status(one.run) for one in runs]
    told = ["status"] if set(statuses) != {Status.FINISHED.words} else []
    rows = [["run", *told, *keys, *comparison.metrics]]
    for one, name, status in zip(runs, names, statuses, strict=True):
        values = [_shortened(_written(one, key)) for key in keys]
        figures = [metric_value(metric, one.metrics[metric]) for metric in comparison.metrics]
        rows.append([name, *([status] if told else []), *values, *figures])
    print_lines(table(rows, right=range(1 + len(told), len(rows[0]))))
    if comparison.implied:
        more = ", ".join(key for key in comparison.keys if key in comparison.implied)
        print_note(f"keys that only some runs have, because of their type: {more}")
    if len(runs) > 1 and not comparison.keys:
        print_note("all runs have the same configuration")


def _names(folders: list[Path]) -> list[str]:
    """The folders relative to the innermost folder that contains all of them."""
    above = os.path.commonpath([folder.parent for folder in folders])
    return [str(folder.relative_to(above)) for folder in folders]


def _written(one: "ComparedRun", key: str) -> str:
    """A value as YAML; empty if the run has no such key."""
    return plain_yaml(one.settings[key]) if key in one.settings else ""


def plain_yaml(value: Any) -> str:
    """A value of a configuration as YAML on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(plain_yaml, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 3]}..."


def _print_csv(comparison: "Comparison") -> None:
    from mnistlab.store.csv_text import csv_text
    from mnistlab.terminal.output import print_result

    rows: list[list[Any]] = [["run_dir", "status", *comparison.every_key, *comparison.metrics]]
    for one in comparison.runs:
        values = [_written(one, key) for key in comparison.every_key]
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
