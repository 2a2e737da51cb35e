"""The colours of statuses, where a terminal shows colours."""

import os
import re
from typing import TextIO

from mnistlab.store.status import Status

GREEN, RED, YELLOW, CYAN = 32, 31, 33, 36
COLOURS = {
    Status.FINISHED.words: GREEN,
    Status.STOPPED_EARLY.words: GREEN,
    Status.RUNNING.words: CYAN,
    Status.INTERRUPTED.words: YELLOW,
    Status.PRUNED.words: YELLOW,
    Status.DIVERGED.words: RED,
    Status.FAILED.words: RED,
}
_WORDS = re.compile(rf"\b(?:{'|'.join(COLOURS)})\b")


def has_colour(stream: TextIO) -> bool:
    """Whether to show colours: on a terminal that has them, unless NO_COLOR is set."""
    unwanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not unwanted and stream.isatty()


def coloured(text: str, stream: TextIO) -> str:
    """A text with its statuses in colour, if the stream has colours."""
    if not has_colour(stream):
        return text
    return _WORDS.sub(lambda found: f"\x1b[{COLOURS[found[0]]}m{found[0]}\x1b[0m", text)
