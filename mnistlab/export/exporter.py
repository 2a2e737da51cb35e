"""One file of a run's network, in the format asked for."""

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


@dataclass(frozen=True)
class Exported:
    """What an export has written, in the format of that name.

    `snippet` is Python that loads the file; `agreement` says how another program's answers compare
    with our own; `facts` are the format's.
    """

    file: Path
    format: str
    snippet: str | None
    agreement: Agreement | None
    facts: Mapping[str, str | int]


def refuse_to_overwrite(
    run_dir: RunDir, format: Format, output: Path | None, *, force: bool
) -> Path:
    """Where the file goes; raises UsageError where that would replace what mnistlab did not write,
    or what is a run's own. `force` lets any other file be replaced.
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
    """Write a run's network for other tools: to `output`, or `model.<ending>` in the run's folder.

    `pixels` is the type of the raw images that a network takes, in a format that holds a whole
    network. What can be checked is checked before anything is written. Raises UsageError where the
    file can't be written, or would replace one that mnistlab did not write (unless `force`) or
    one of a run's own; MnistlabError where the check fails.
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
    """Where the file goes; raises UsageError where that would replace what is a run's own."""
    own = run_dir.exported(format.ending)
    if output is None:
        return own
    file = output.expanduser().absolute()
    if file.is_dir():
        raise UsageError(f"{output}: is a folder; name the file to write, such as {own.name}")
    folders = (file.resolve().parent, file.resolve().parent.parent)
    if file.exists() and file.name != own.name and any((f / CONFIG_NAME).exists() for f in folders):
        raise UsageError(f"{output}: is a file of a run, and is not overwritten")
    return file
