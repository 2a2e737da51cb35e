"""`mnistlab compare`: runs side by side, or groups of runs over their seeds."""

from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import completion, options

ORDER = 6  # in --help
EXAMPLES = """\b
Examples:
  mnistlab compare runs --sort val_accuracy
  mnistlab compare runs/20261121-142530-mlp-3fa9c1 runs/latest
  mnistlab compare runs --where "val_accuracy > 0.97 and optimizer.lr == 0.1"
  mnistlab compare runs --group-by model.hidden,optimizer.lr
  mnistlab compare runs --group-by all --against runs/latest
  mnistlab compare runs --html comparison.html
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
    where: options.Where = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="KEYS",
            help="Pool the runs that share the values of these keys, wherever they lie, over their "
            "seeds: KEY,KEY, or `all` for every key that differs.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Show only these metrics; the first orders the groups and is compared.  "
            "[default: all; val_accuracy]",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="The baseline: show the difference of every other group, or run, to it, with its "
            "95 % interval and a test.",
            show_default=False,
            autocompletion=completion.runs,
        ),
    ] = None,
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
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write one page with tables, curves, scatter, confusions and the images on which "
            "the runs disagree.",
            show_default=False,
        ),
    ] = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Print runs side by side, or groups of runs over their seeds.

    There is a column for each configuration key that differs and for each measured metric; a row
    for each where few runs do not fit the terminal otherwise. Losses and accuracies are those of
    the final weights. Seconds are training time without evaluation. docs/statistics.md has the
    equations of intervals and tests.
    """
    from mnistlab.store.browse.selection import comma_separated, groups_of, selected, sorted_runs
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.output import print_note

    formats = {"csv": as_csv, "markdown": markdown, "latex": latex, "html": html, "json": json}
    chosen = [name for name, is_chosen in formats.items() if is_chosen]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(f'--{name}' for name in chosen)}: choose one of them")
    faults: list[str] = []
    form = chosen[0] if chosen else "table"
    found = selected(paths, where=where, metric=metric, against=against, sort=sort)
    if html is not None:
        from mnistlab.pages.comparison_page import write_comparison_page
        from mnistlab.terminal.output import print_path

        groups = groups_of(found, ["all"] if group_by is None else comma_separated(group_by))
        faults += write_comparison_page(html, sorted_runs(found), groups, data_dir=data_dir)
        print_path(html)
    elif group_by is not None:
        from mnistlab.terminal.group_formats import GROUP_FORMATS

        GROUP_FORMATS[form](groups_of(found, comma_separated(group_by)))
    else:
        from mnistlab.terminal.comparison_formats import COMPARISON_FORMATS

        COMPARISON_FORMATS[form](found)
    faults += found.comparison.faults
    for fault in faults:
        print_note(fault)
    return 2 if faults else 0
