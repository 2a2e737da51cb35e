"""`mnistlab export`: a run's network for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mnistlab.cli import options
from mnistlab.export.formats import FORMATS
from mnistlab.tracking.trackers import TRACKERS

if TYPE_CHECKING:
    from mnistlab.export.exporter import Exported
    from mnistlab.python.commands.export_tracked import ExportedRuns

    FormatName = str
else:
    FormatName = Literal[(*FORMATS, *TRACKERS)]

ORDER = 8  # in --help
EXAMPLES = """\b
Examples:
  mnistlab export runs/latest --format onnx
  mnistlab export runs/latest --format safetensors --output digits.safetensors
  mnistlab export runs/latest runs/20261121-142530-mlp-3fa9c1 --format mlflow
"""


def export(
    runs: options.RunsToExport,
    format: Annotated[FormatName, typer.Option(help="The format.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The file to write, or the tracker's folder.  [default: model.FORMAT in the run's "
            "folder; for a tracker the folder FORMAT beside the run]",
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
    """Write a run's network, or its history, for other tools."""
    if format in TRACKERS:
        _refuse_options_of_networks(weights, pixels, force=force)
        return _to_tracker(runs, format, output, quiet=quiet, json=json)
    options.set_threads(threads)
    from mnistlab.python.commands import export as command
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.output import print_json, print_result
    from mnistlab.terminal.progress import watch_messages

    if len(runs) > 1:
        raise UsageError(f"{format}: is a format of one network; found {len(runs)} runs")
    exported = command.export(
        runs[0],
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
        "Write a run's network, or its history, for other tools.",
        *(format.description for format in FORMATS.values()),
        "For an experiment tracker, metrics, parameters, figures and files of runs, or of the "
        "trials of sweeps:",
        *(tracker.description for tracker in TRACKERS.values()),
        "A file that an earlier export wrote is overwritten. Any other existing file is an error, "
        "unless --force is given.",
    ]
)


def _refuse_options_of_networks(weights: str, pixels: str, *, force: bool) -> None:
    """Raise UsageError for an option that a tracker does not have."""
    from mnistlab.support.errors import UsageError

    given = {"--weights": weights != "final", "--pixels": pixels != "uint8", "--force": force}
    for option in (name for name, value in given.items() if value):
        raise UsageError(f"{option}: is for networks; a tracker receives a run's history")


def _to_tracker(
    runs: list[Path], tracker: str, output: Path | None, *, quiet: bool, json: bool
) -> int:
    """Pass runs and sweeps on to a tracker, and print where they are."""
    from mnistlab.python.commands.export_tracked import export_tracked
    from mnistlab.support.text_format import counted
    from mnistlab.terminal.output import print_json, print_note, print_result

    exported: ExportedRuns = export_tracked(runs, tracker, output)
    if not quiet:
        print_note(f"{counted(exported.runs, 'run')}: {exported.shown_by} them")
    if json:
        found = {"format": tracker, "folder": exported.folder, "runs": exported.runs}
        print_json(found)
    else:
        print_result(str(exported.folder))
    return 0


def _tell(exported: "Exported") -> None:
    """Print on stderr what was written."""
    from mnistlab.support.paths import as_typed
    from mnistlab.terminal.output import print_note

    if exported.agreement is not None:
        program = exported.agreement.program
        same = f"on {exported.agreement.what} {program} and mnistlab give the same outputs"
        print_note(f"{same}; largest difference {exported.agreement.largest_difference:.1e}")
    facts = (f"{name} {value}" for name, value in exported.facts.items())
    print_note(", ".join([f"wrote {as_typed(exported.file)}", *facts]))


def _document(exported: "Exported") -> dict[str, Any]:
    document: dict[str, Any] = {"file": exported.file, "format": exported.format, **exported.facts}
    if exported.snippet is not None:
        document["snippet"] = exported.snippet
    if exported.agreement is not None:
        document["checked_images"] = exported.agreement.images
        document["checked_on"] = exported.agreement.what
        document["largest_difference"] = exported.agreement.largest_difference
    return document
