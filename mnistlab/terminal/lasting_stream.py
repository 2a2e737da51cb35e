"""A stream that may go away without ending the work that writes to it."""

import os
from typing import Any, TextIO


class LastingStream:
    """Writes to a terminal until that fails, as when its window is closed, and then to nothing."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)

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
