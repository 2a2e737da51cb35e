"""`mnistlab note`: a run's note."""

from typing import Annotated

import typer

from mnistlab.cli import options

ORDER = 16  # in --help
EXAMPLES = """\b
Examples:
  mnistlab note runs/latest "the rate was too high: the loss jumps in epoch 3"
  mnistlab note runs/latest
  mnistlab note runs/latest ""
"""


def note(
    path: options.RunFolder,
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            help='The note, which replaces the one before; "" removes it; without TEXT the note is '
            "printed.",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Keep a note beside a run, or print it.

    The note is stored in notes.json in the run's folder; the run's own record is not changed.
    `mnistlab runs` shows it, and conditions can use it: --where "'too high' in note".
    """
    from mnistlab.store.browse.found import open_entry
    from mnistlab.store.notes import read_notes, set_note
    from mnistlab.terminal.output import print_json, print_line, print_note

    folder = open_entry(path)
    notes = read_notes(folder) if text is None else set_note(folder, text)
    if json:
        print_json({"path": folder, "note": notes.note, "tags": notes.tags})
    elif notes.note is None:
        print_note(f"{folder}: has no note")
    else:
        for line in notes.note.splitlines():
            print_line(line)
