"""`mnistlab data`: list, download and describe datasets."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnistlab.cli import completion, options

if TYPE_CHECKING:
    from mnistlab.data import SourceInfo

ORDER = 12  # in --help
EXAMPLES = """\b
Examples:
  mnistlab data list
  mnistlab data fetch mnist
  mnistlab data info mnist
"""
LIST_EXAMPLES = """\b
Example:
  mnistlab data list --data-dir ~/datasets
"""
FETCH_EXAMPLES = """\b
Example:
  mnistlab data fetch fashion-mnist
"""
INFO_EXAMPLES = """\b
Examples:
  mnistlab data info digits
  mnistlab data info idx --path my-images
"""

app = typer.Typer(
    name="data",
    help="List, download and describe datasets.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command("list", epilog=LIST_EXAMPLES)
def list_(
    data_dir: options.DataDir = None, json: options.Json = False, debug: options.Debug = False
) -> None:
    """List the datasets, and whether they are downloaded."""
    from mnistlab.data import list_datasets
    from mnistlab.support import paths
    from mnistlab.support.text_format import human_bytes
    from mnistlab.terminal.output import print_json, print_lines, print_table

    listings = list_datasets(paths.data_dir(data_dir))
    if json:
        print_json({"datasets": listings})
        return
    rows = [["name", "state", "size", "what", "where"]]
    for item in listings:
        size = human_bytes(item.bytes) if item.bytes else "-"
        rows.append([item.name, item.status, size, item.description, str(item.path or "-")])
    print_table(rows, right=(2,), first=(0, 1, 2, 4), least={4: 16}, elsewhere="--json has all")
    for item in listings:
        if item.problem:
            print_lines(f"\n{item.name} is {item.status}:\n{item.problem}")


@app.command(epilog=FETCH_EXAMPLES)
def fetch(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A name of `mnistlab data list`.",
            autocompletion=completion.fetched,
        ),
    ],
    data_dir: options.DataDir = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Download and verify a dataset, print its folder."""
    from mnistlab import data
    from mnistlab.data.sources import published
    from mnistlab.support import paths
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.output import print_json, print_note, print_path
    from mnistlab.terminal.progress import watch_download

    if name in data.SOURCES and name not in published():
        raise UsageError(f"{name}: is not a downloadable dataset; there is nothing to fetch")
    _refuse_unknown(name, published())
    with watch_download(quiet=quiet) as progress:
        folder = data.fetch(name, paths.data_dir(data_dir), progress)
    if not quiet:
        print_note(f"{name}: complete and checked")
    if json:
        print_json({"name": name, "path": folder})
    else:
        print_path(folder)


@app.command(epilog=INFO_EXAMPLES)
def info(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A name of `mnistlab data list`, or the format of your own files.",
            autocompletion=completion.sources,
        ),
    ],
    path: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Your own files, or their folder.")
    ] = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show what is in a dataset."""
    from mnistlab import data
    from mnistlab.data.sources import SOURCES, with_path
    from mnistlab.support import paths
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.output import print_json

    _refuse_unknown(name, SOURCES)
    if SOURCES[name].takes_path and path is None:
        raise UsageError(f"{name}: needs the path of your files: --path PATH")
    if not SOURCES[name].takes_path and path is not None:
        raise UsageError(f"{name}: takes no --path; only {', '.join(with_path())} does")
    folder = paths.data_dir(data_dir)
    # Asking what is in a dataset is no reason to download it.
    described = data.describe(data.open_source(name, path, data_dir=folder, fetch_missing=False))
    if json:
        print_json(described)
    else:
        _print_info(described)


def _refuse_unknown(name: str, known: Collection[str]) -> None:
    """Raises UsageError with the nearest name if there is no such dataset."""
    from mnistlab.support.errors import UsageError
    from mnistlab.support.near_names import nearest

    if name not in known:
        near = nearest(name.lower(), known)
        hint = f"did you mean {near}? " if near else ""
        raise UsageError(f"{name}: no such dataset; {hint}choose from {', '.join(known)}")


def _print_info(info: "SourceInfo") -> None:
    from mnistlab.terminal.output import print_line, print_lines, print_table

    height, width = info.image_shape
    print_line(f"{info.name}: {height} x {width} pixels, {len(info.class_names)} classes")
    print_lines(f"SHA-256 of its content: {info.sha256}\n")
    splits = (info.train, info.test)
    rows = [["", "train", "test"], ["images", *(f"{split.count:,}" for split in splits)]]
    for label, class_name in enumerate(info.class_names):
        what = f"label {label}" + ("" if class_name == str(label) else f", {class_name}")
        rows.append([what, *(f"{split.per_class[label]:,}" for split in splits)])
    rows.append(["pixel mean (0 to 255)", *(f"{split.mean:.2f}" for split in splits)])
    rows.append(["pixel std", *(f"{split.std:.2f}" for split in splits)])
    print_table(rows, right=(1, 2))
