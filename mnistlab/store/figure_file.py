"""A figure in a file that the user names: png, svg or pdf, by its ending."""

from pathlib import Path

from mnistlab.store.written_files import refuse_others, write_own
from mnistlab.support.errors import UsageError

FIGURE_FORMATS = ("png", "svg", "pdf")
SUFFIXES = tuple(f".{format}" for format in FIGURE_FORMATS)


def figure_format(path: Path) -> str:
    """The format of a figure's file; raises UsageError for another ending."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: must end in {', '.join(SUFFIXES)}")
    return path.suffix.removeprefix(".")


def refuse_figure_file(path: Path) -> None:
    """Raise UsageError for another ending, or for a file that mnistlab did not write."""
    figure_format(path)
    refuse_others([path])


def write_figure_file(path: Path, content: bytes) -> None:
    """Write a figure, in new folders if needed; raises UsageError if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_own(path, content, figure_format(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
