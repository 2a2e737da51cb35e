"""How wide lines may be."""

import os
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from mnistlab.support.text_format import NO_BREAK, unbroken
from mnistlab.support.whole_numbers import whole_number

USUAL, NARROWEST, WIDEST = 80, 20, 100_000


def terminal_width(stream: TextIO) -> int | None:
    """The columns of a stream's terminal, or COLUMNS of the environment; None if it is not a
    terminal, so that lines have no limit.
    """
    if not stream.isatty():
        return None
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    wish = whole_number(os.environ.get("COLUMNS", ""), WIDEST)
    # Some programs start a terminal of width 0.
    return max(NARROWEST, wish or columns or USUAL)


def columns_of(text: str) -> int:
    """The columns of a text on a terminal: two for a Chinese or Japanese character."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    marks = sum(unicodedata.combining(character) != 0 for character in text)
    return len(text) + wide - marks


def wrapped(text: str, width: int | None) -> list[str]:
    """A line broken between words, so that no number, path or value with its unit is split.

    Its indent is kept; the lines of an item that begins with `- ` are below its first word.
    """
    if width is None or columns_of(text) <= width:
        return [text]
    body = text.lstrip()
    mark = "- " if body.startswith("- ") else ""
    lines = textwrap.wrap(
        unbroken(text),
        width,
        subsequent_indent=" " * (len(text) - len(body) + len(mark)),
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return [line.replace(NO_BREAK, " ") for line in lines] or [text]


def that_fit(parts: Sequence[str], width: int, *, least_first: bool = False) -> str:
    """The parts, separated by two blanks, that fit into `width` columns.

    The last ones are left out or, with the least important first, the first ones.
    """
    fitting = list(parts)
    while fitting and columns_of("  ".join(fitting)) > width:
        fitting.pop(0 if least_first else -1)
    return "  ".join(fitting)
