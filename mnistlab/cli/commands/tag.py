"""`mnistlab tag`: the tags of runs."""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from mnistlab.cli import completion, options

ORDER = 17  # in --help
EXAMPLES = """\b
Examples:
  mnistlab tag runs/latest +good
  mnistlab tag runs/latest +paper -good
  mnistlab tag runs/latest
"""


class Command(TyperCommand):
    """Takes `-old` as a tag to remove, unless it is an option of the command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line with the tags to remove after all options."""
        if "--" not in args:
            options = {"-", *(name for one in self.get_params(ctx) for name in one.opts)}
            is_tag = [a[:1] == "-" and a[:2] != "--" and a not in options for a in args]
            others = [word for word, removed in zip(args, is_tag, strict=True) if not removed]
            args = [*others, "--", *(w for w, removed in zip(args, is_tag, strict=True) if removed)]
        return super().parse_args(ctx, args)


def tag(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|+TAG|-TAG",
            help="The folders of runs, sweeps or reports; tags to add begin with +, tags to remove "
            "with -.",
            show_default=False,
            autocompletion=completion.runs_and_sweeps,
        ),
    ],
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Add and remove tags of runs, or print them.

    Tags are stored in notes.json in the run's folder; the run's own record is not changed.
    `mnistlab runs --tag good` lists what has a tag. Conditions can use them: --where "'good' in
    tags".
    """
    from pathlib import Path

    from mnistlab.store.browse.found import open_entry
    from mnistlab.store.notes import change_tags, not_there, read_notes, refuse_no_tag
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.output import print_json, print_line, print_note

    named = [word for word in words if word[:1] not in ("+", "-")]
    for word in named[1:]:  # the first is the run of all tags
        if not Path(word).exists():
            raise UsageError(
                f"{word}: no such run folder; a tag to add is +{word}, to remove -{word}"
            )
    folders = [open_entry(Path(word)) for word in named]
    if not folders:
        raise UsageError(f"tag: no run is named before {' '.join(words)}")
    add = [word[1:] for word in words if word[:1] == "+"]
    remove = [word[1:] for word in words if word[:1] == "-"]
    for one in (*add, *remove):
        refuse_no_tag(one)
    before = dict.fromkeys(tag for folder in folders for tag in read_notes(folder).tags)
    stored = [(folder, change_tags(folder, add, remove)) for folder in folders]
    for text in not_there(remove, before):
        print_note(text)
    if json:
        print_json({"runs": [{"path": f, "note": n.note, "tags": n.tags} for f, n in stored]})
        return
    for folder, notes in stored:
        print_line(f"{folder}: {' '.join(notes.tags) or 'no tags'}")
