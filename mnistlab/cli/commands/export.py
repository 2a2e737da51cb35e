"""`mnistlab export`: a run's network for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mnistlab.cli import options
from mnistlab.export.formats import FORMATS

if TYPE_CHECKING:
    from mnistlab.export.exporter import Exported

    FormatName = str
else:
    FormatName = Literal[tuple(FORMATS)]

ORDER = 8  # in --help
EXAMPLES = """\b
Examples:
  mnistlab export runs/latest --format onnx
  mnistlab export runs/latest --format safetensors --output digits.safetensors
"""


def export(
    run: options.Run,
    format: Annotated[FormatName, typer.Option(help="The format.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The file to write.  [default: model.FORMAT in the run's folder]"
        ),
    ] = None,
    weights: options.Weights = "final",
    pixels: Annotated[
        Literal["uint8", "float32"],
        typer.Option(help="For ONNX: the input's type; pixels are 0 to 255 in both."),
    ] = "uint8",
    force: options.Force = False,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Write a run's network for other tools."""
    options.set_threads(threads)
    from mnistlab.python.commands import export as command
    from mnistlab.terminal.output import print_json, print_result
    from mnistlab.terminal.progress import watch_messages

    exported = command.export(
        run,
        format,
        output=output,
        weights=weights,
        pixels=pixels,
        force=force,
        data_dir=data_dir,
        threads=threads,
        tell=watch_messages(quiet=quiet).on_message,
    )
    if not quiet:
        _tell(exported)
    if json:
        print_json(_document(exported))
    else:
        print_result((exported.snippet or str(exported.file)).removesuffix("\n"))
    return 0


export.__doc__ = "\n\n".join(
    [
        "Write a run's network for other tools.",
        *(format.description for format in FORMATS.values()),
        "A file that an earlier export wrote is overwritten. Any other existing file is an error, "
        "unless --force is given.",
    ]
)


def _tell(exported: "Exported") -> None:
    """Print on stderr what was written."""
    from mnistlab.terminal.output import print_note

    if exported.agreement is not None:
        program = exported.agreement.program
        same = f"on {exported.agreement.what} {program} and mnistlab give the same outputs"
        print_note(f"{same}; largest difference {exported.agreement.largest_difference:.1e}")
    facts = (f"{name} {value}" for name, value in exported.facts.items())
    print_note(", ".join([f"wrote {exported.file}", *facts]))


def _document(exported: "Exported") -> dict[str, Any]:
    document: dict[str, Any] = {"file": exported.file, "format": exported.format, **exported.facts}
    if exported.snippet is not None:
        document["snippet"] = exported.snippet
    if exported.agreement is not None:
        document["checked_images"] = exported.agreement.images
        document["checked_on"] = exported.agreement.what
        document["largest_difference"] = exported.agreement.largest_difference
    return document
