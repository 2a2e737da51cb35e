"""`mnistlab rm`: moves runs to the trash."""

from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import completion, options

ORDER = 18  # in --help
EXAMPLES = """\b
Examples:
  mnistlab rm runs/20261121-150000-mlp-3fa9c1
  mnistlab rm --purge
"""


def rm(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN",
            help="The folders of runs, sweeps or reports.",
            show_default=False,
            autocompletion=completion.runs_and_sweeps,
        ),
    ] = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete for good what is in the trash.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Remove a part of a sweep or report, and what another run still names."
        ),
    ] = False,
    runs_dir: options.RunsDir = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Move runs, sweeps and reports to the trash; --purge empties it.

    The trash is the folder .trash in the folder of runs: move a folder back to restore it. A run
    that is being trained is never removed.
    """
    from mnistlab.store.tidy.move import (
        empty_trash,
        move_to_trash,
        purge_command,
        trash_of,
    )
    from mnistlab.support import paths as folders
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.output import print_json, print_note, print_path

    around = folders.runs_dir(runs_dir)
    if purge:
        if paths:
            raise UsageError(f"--purge: empties the trash, and takes no run; found {paths[0]}")
        purged = empty_trash(around)
        if json:
            print_json({"purged": purged})
        else:
            trash = folders.as_typed(trash_of(around))
            print_note(f"deleted for good from {trash}: {len(purged)}")
        return
    if not paths:
        raise UsageError("rm: no run is named; --purge empties the trash")
    moved = move_to_trash(paths, around, force=force)
    if json:
        print_json({"removed": [{"path": old, "trash": new} for old, new in moved.items()]})
        return
    for new in moved.values():
        print_path(new)
    it = "it" if len(moved) == 1 else "them"
    print_note(f"moved to the trash; `{purge_command(around)}` deletes {it} for good")
