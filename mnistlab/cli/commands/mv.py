"""`mnistlab mv`: renames a run."""

from typing import Annotated

import typer

from mnistlab.cli import options

ORDER = 19  # in --help
EXAMPLES = """\b
Example:
  mnistlab mv runs/20261121-150000-mlp-3fa9c1 best-mlp
"""


def mv(
    path: options.RunFolder,
    name: Annotated[
        str,
        typer.Argument(metavar="NEWNAME", help="The new name of the folder.", show_default=False),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Rename what the configuration of another run names.")
    ] = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Rename a run, a sweep or a report in its folder.

    runs/latest still points to it. A run that is being trained, and a trial, which its sweep finds
    by its name, are not renamed.
    """
    from mnistlab.store.tidy.move import rename
    from mnistlab.terminal.output import print_json, print_path

    new = rename(path, name, force=force)
    if json:
        print_json({"path": new})
    else:
        print_path(new)
