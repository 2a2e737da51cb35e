"""train.log: the messages of mnistlab during a run."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import TextIOWrapper
from pathlib import Path

from mnistlab.support.safe_files import open_to_append
from mnistlab.support.safe_text import one_line

logger = logging.getLogger(__name__)


class _OneLine(logging.Formatter):
    """Writes each record on one line, even if it has file names with line breaks."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


class RunLog(logging.FileHandler):
    """The log's file. If it cannot be written, that is reported once, and the run continues."""

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open_to_append(Path(self.baseFilename)), encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        self._give_up(sys.exc_info()[1])

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: BaseException | None) -> None:
        package = logging.getLogger("mnistlab")
        if self in package.handlers:
            package.removeHandler(self)
            logger.warning("%s: cannot be written: %s", self.baseFilename, error)


# The run whose log receives messages; None: messages concern all runs in progress.
_speaking: ContextVar[RunLog | None] = ContextVar("speaking", default=None)


@contextmanager
def at_level_of_logs() -> Iterator[None]:
    """Let mnistlab log the messages that belong into a run's log."""
    package = logging.getLogger("mnistlab")
    level = package.level
    package.setLevel(min(level or logging.INFO, logging.INFO))
    try:
        yield
    finally:
        package.setLevel(level)


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Also write mnistlab's messages to the file at `path`. Raises OSError if it cannot be created.

    Several runs may be in progress at once, each in its own context; each log gets its own
    messages.
    """
    handler = RunLog(path, encoding="utf-8")
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(lambda record: _speaking.get() in (None, handler))
    package = logging.getLogger("mnistlab")
    package.addHandler(handler)
    before = _speaking.set(handler)
    try:
        with at_level_of_logs():
            yield
    finally:
        _speaking.reset(before)
        handler.close()
        package.removeHandler(handler)
