"""`mnistlab examples`: the example files that come with mnistlab."""

from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import options

ORDER = 13.5  # in --help, behind `init`
EXAMPLES = """\b
Examples:
  mnistlab examples
  mnistlab examples .
  mnistlab init --example mnist-cnn
"""


def examples(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="Where to copy all of them; no file is overwritten.  [default: list them]",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """List the example configurations, or copy all example files.

    `mnistlab init --example NAME` writes one configuration. With FOLDER, all configurations are
    copied into FOLDER/configs, and a picture and a tour of the Python API into FOLDER/examples: the
    paths of the documentation's commands.
    """
    if folder is None:
        _list(json)
    else:
        _copy(folder, json)


def _list(json: bool) -> None:
    from mnistlab.config.examples import examples as known_examples
    from mnistlab.terminal.output import print_json, print_lines, print_table

    known = known_examples()
    if json:
        fields = ("name", "kind", "about", "path")
        print_json({"examples": [{key: getattr(one, key) for key in fields} for one in known]})
        return
    print_table([["name", "kind", "what"], *([one.name, one.kind, one.about] for one in known)])
    print_lines("`mnistlab init --example NAME` writes one of them; `mnistlab examples .` all.")


def _copy(folder: Path, json: bool) -> None:
    from mnistlab.support.example_files import all_example_files
    from mnistlab.support.new_files import write_new
    from mnistlab.terminal.output import print_json, print_line

    folder = folder.expanduser()
    contents = {folder / path: content for path, content in all_example_files().items()}
    write_new(contents)
    if json:
        print_json({"files": list(contents)})
        return
    for path in contents:
        print_line(str(path))
