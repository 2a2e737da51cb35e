"""A stream that may go away without ending the work that writes to it."""

import io
import os
from typing import Any, TextIO


class LastingStream(io.TextIOBase):
    """Writes to a terminal until that fails, as when its window is closed, and then to nothing."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    def write(self, text: str) -> int:
        try:
            return self._terminal.write(text)
        except OSError:
            self._write_nowhere()
            return len(text)

    def flush(self) -> None:
        try:
            self._terminal.flush()
        except OSError:
            self._write_nowhere()

    def _write_nowhere(self) -> None:
        self._terminal = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()

    @property
    def encoding(self) -> Any:
        """The terminal's: a bar is drawn by characters that it has."""
        return self._terminal.encoding
