"""Writes a run's network to one file, in the requested format."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from mnistlab.experiment.model import Model
from mnistlab.export.format import Agreement, Format, Pixels
from mnistlab.export.formats import usable
from mnistlab.store.run_dir import CONFIG_NAME, RunDir
from mnistlab.store.written_files import refuse_others, write_own
from mnistlab.support.errors import UsageError
from mnistlab.support.links import follow


@dataclass(frozen=True)
class Exported:
    """The result of an export, in the format of that name.

    `snippet` is Python code that loads the file. `agreement` compares another program's outputs
    with mnistlab's. `facts` are the format's.
    """

    file: Path
    format: str
    snippet: str | None
    agreement: Agreement | None
    facts: Mapping[str, str | int]


def refuse_to_overwrite(
    run_dir: RunDir, format: Format, output: Path | None, *, force: bool
) -> Path:
    """The path of the file; raises UsageError if it exists and mnistlab did not write it, or if it
    is one of a run's own files. `force` allows any other file to be replaced.
    """
    file = _place(run_dir, format, output)
    hint = "name another file with --output, or let it be overwritten with --force"
    refuse_others([file], force=force, hint=hint)
    return file


def export_model(
    model: Model,
    format_name: str,
    output: Path | None = None,
    pixels: Pixels = "uint8",
    *,
    force: bool = False,
) -> Exported:
    """Write a run's network for other tools, to `output` or to `model.<suffix>` in the run's
    folder.

    `pixels` is the type of the raw input images, in a format for a whole network. Everything that
    can be checked is checked before anything is written. Raises UsageError if the file cannot be
    written, or would replace a file that mnistlab did not write (unless `force`) or one of a run's
    own; MnistlabError if the format's check fails.
    """
    format = usable(format_name)
    if pixels not in get_args(Pixels):
        raise UsageError(f"pixels: found {pixels!r}, expected {' or '.join(get_args(Pixels))}")
    file = refuse_to_overwrite(model.run_dir, format, output, force=force)
    content = format.write(model, pixels)
    agreement = format.check(content, model, pixels) if format.check else None
    snippet = format.snippet(model, file) if format.snippet else None
    try:
        write_own(file, content, force=force)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    return Exported(file, format.name, snippet, agreement, format.facts)


def _place(run_dir: RunDir, format: Format, output: Path | None) -> Path:
    """The path of the file; raises UsageError if it is one of a run's own files."""
    own = run_dir.exported(format.ending)
    if output is None:
        return own
    file = follow(output.expanduser().absolute())
    if file.is_dir():
        raise UsageError(f"{output}: is a folder; name the file to write, such as {own.name}")
    folders = (file.resolve().parent, file.resolve().parent.parent)
    if file.exists() and file.name != own.name and any((f / CONFIG_NAME).exists() for f in folders):
        raise UsageError(f"{output}: is a file of a run, and is not overwritten")
    return file
