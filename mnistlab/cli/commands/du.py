"""`mnistlab du`: what takes the space."""

from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import completion, options

ORDER = 20  # in --help
EXAMPLES = """\b
Examples:
  mnistlab du
  mnistlab du runs/latest
"""


def du(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Runs, sweeps, reports, or folders of them.  [default: the folder where runs are "
            "made]",
            show_default=False,
            autocompletion=completion.runs_and_sweeps,
        ),
    ] = None,
    runs_dir: options.RunsDir = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show what takes the space of each run, the largest first.

    A sweep counts with its trials. `mnistlab prune` removes checkpoints of finished runs.
    """
    from mnistlab.store.browse.found import folder_names
    from mnistlab.store.tidy.usage import KINDS, usage_at
    from mnistlab.support import paths as folders
    from mnistlab.support.text_format import human_bytes
    from mnistlab.terminal.output import print_json, print_table

    found = usage_at(paths or [folders.runs_dir(runs_dir)])
    whole = sum(one.total for one in found)
    if json:
        entries = [{"path": one.path, "bytes": one.total, **one.kinds} for one in found]
        print_json({"entries": entries, "bytes": whole})
        return
    shown = [kind for kind in KINDS if any(one.kinds[kind] for one in found)]
    names = folder_names([one.path for one in found])
    rows = [["folder", "all", *shown]]
    for name, one in zip(names, found, strict=True):
        sizes = [one.total, *(one.kinds[kind] for kind in shown)]
        rows.append([name, *(human_bytes(size) if size else "-" for size in sizes)])
    sums = [sum(one.kinds[kind] for one in found) for kind in shown]
    if len(found) > 1:
        rows.append(["together", *map(human_bytes, [whole, *sums])])
    print_table(rows, right=range(1, len(rows[0])), elsewhere="--json has all")
