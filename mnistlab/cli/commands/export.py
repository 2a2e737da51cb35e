"""`mnistlab export`: a run's network for other tools."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistlab.cli import options

if TYPE_CHECKING:
    from mnistlab.export import Exported

ORDER = 8  # in --help
EXAMPLES = """\b
Examples:
  mnistlab export runs/latest --format onnx
  mnistlab export runs/latest --format safetensors --output digits.safetensors
"""


class FormatOption(StrEnum):
    """What a network can be exported to."""

    onnx = "onnx"
    safetensors = "safetensors"
    npz = "npz"


class PixelsOption(StrEnum):
    """What an ONNX model takes an image's pixels as."""

    uint8 = "uint8"
    float32 = "float32"


def export(
    run: options.Run,
    format: Annotated[FormatOption, typer.Option(help="The format.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The file to write.  [default: model.FORMAT in the run's folder]"
        ),
    ] = None,
    weights: options.Weights = options.WeightsOption.final,
    pixels: Annotated[
        PixelsOption, typer.Option(help="For ONNX: what the input takes; from 0 to 255 in both.")
    ] = PixelsOption.uint8,
    force: options.Force = False,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Write a run's network for other tools.

    onnx takes raw images (N, height, width), normalises them itself, and gives probabilities
    (N, classes), then logits. onnxruntime must say what mnistlab says before it is written: on the
    test images, or on random ones where these are not on this machine.

    safetensors has PyTorch's names and layout; the Python that loads it is printed. npz has the
    arrays under mnistlab's names.

    A file that an earlier export wrote is renewed. Any other is left as it is, unless --force.
    """
    options.set_threads(threads)
    from mnistlab.python.commands import export as command
    from mnistlab.support import paths
    from mnistlab.terminal.output import print_json, print_result
    from mnistlab.terminal.progress import watch_messages

    exported = command.export(
        run,
        format.value,
        output=output,
        weights=weights.value,
        pixels=pixels.value,
        force=force,
        data_dir=paths.data_dir(data_dir),
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


def _tell(exported: "Exported") -> None:
    """What was written, on stderr."""
    from mnistlab.terminal.output import print_note

    if exported.agreement is not None:
        same = f"on {exported.agreement.what} onnxruntime says what mnistlab says"
        print_note(f"{same}, to {exported.agreement.largest_difference:.1e}")
    opset = f", ONNX opset {exported.opset}" if exported.opset else ""
    print_note(f"wrote {exported.file}{opset}")


def _document(exported: "Exported") -> dict[str, Any]:
    document: dict[str, Any] = {"file": exported.file, "format": exported.format}
    if exported.snippet is not None:
        document["snippet"] = exported.snippet
    if exported.agreement is not None:
        document["opset"] = exported.opset
        document["checked_images"] = exported.agreement.images
        document["checked_on"] = exported.agreement.what
        document["largest_difference"] = exported.agreement.largest_difference
    return document
