"""`mnistlab prune`: removes checkpoints of finished runs."""

from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import completion, options

ORDER = 21  # in --help
EXAMPLES = """\b
Examples:
  mnistlab prune runs/latest
  mnistlab prune runs --keep best
"""


def prune(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN",
            help="Runs, sweeps, reports, or folders of them.",
            show_default=False,
            autocompletion=completion.runs_and_sweeps,
        ),
    ],
    keep: Annotated[
        str,
        typer.Option(
            metavar="KEEP",
            help="weights: the best weights and those of training.snapshots stay; best: the best "
            "stay; none: neither.",
        ),
    ] = "weights",
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Remove checkpoints of finished runs, for good. The final weights always stay.

    A pruned run can be evaluated, compared and exported. It cannot be made longer by `mnistlab
    resume`. Runs that have not finished are left as they are, and so are weights that another run's
    configuration names.
    """
    from mnistlab.store.tidy.prune import prune as remove_checkpoints
    from mnistlab.support.text_format import counted, human_bytes
    from mnistlab.terminal.output import print_json, print_note

    pruned = remove_checkpoints(paths, keep)
    for reason in pruned.left:
        print_note(reason)
    if json:
        print_json({"removed": pruned.files, "bytes": pruned.bytes, "left": pruned.left})
    else:
        files = counted(len(pruned.files), "file")
        print_note(f"removed {files}, {human_bytes(pruned.bytes)}")
