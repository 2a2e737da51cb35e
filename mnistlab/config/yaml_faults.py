"""Explains why text is not YAML, in plain words instead of the parser's."""

import re
from collections.abc import Callable
from typing import Any

CLOSING = {"[": "]", "{": "}"}
NO_COLON = "found a new key, but the line above has no ':' behind its own"


def yaml_fault(error: Any, text: str, line_of: Callable[[Any], str]) -> str:
    """One sentence about PyYAML's error; for a rare error, its own words.

    `line_of` converts one of PyYAML's marks to ` of line 3`, or to an empty text if there are no
    lines.
    """
    reason = ", ".join(filter(None, (error.context, error.problem)))
    for pattern, words in _FAULTS.items():
        if found := re.search(pattern, reason):
            return words(error, text, line_of, *found.groups())
    return reason


def _tab(error: Any, text: str, line_of: Any) -> str:
    return "found a tab; replace it by spaces, as tabs cannot indent"


def _sign(error: Any, text: str, line_of: Any, sign: str) -> str:
    return f"found {sign} at the beginning of a text; put the text in quotes"


def _colon(error: Any, text: str, line_of: Any) -> str:
    line = text.split("\n")[error.problem_mark.line]
    if re.search(r":\s", line[: error.problem_mark.column]):
        return "found a second ': ' in a line; put the text in quotes, or its key in the next line"
    if _indent(line) > _indent(_line_above(error, text)):
        return "the line is indented more than the line above; indent both alike"
    return NO_COLON


def _less(error: Any, text: str, line_of: Any) -> str:
    above = _line_above(error, text)
    # After a comment, the parser misses the ':' only at the next key.
    if _indent(above) == error.problem_mark.column and not re.search(r":(\s|$)", above):
        return NO_COLON
    return "the line's indent is that of no line above; indent all keys of a section alike"


def _line_above(error: Any, text: str) -> str:
    """The last line before the error that is neither empty nor a comment."""
    lines = text.split("\n")[: error.problem_mark.line]
    return next((one for one in reversed(lines) if re.match(r"\s*[^\s#]", one)), "")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _item(error: Any, text: str, line_of: Any) -> str:
    return "a list's item (- …) and a key (key: …) cannot have the same indent in a section"


def _bracket(error: Any, text: str, line_of: Any, got: str) -> str:
    opened = text[error.context_mark.index]
    closing = CLOSING[opened]
    if got in CLOSING.values():
        return f"found {got!r}, must be {closing!r}, as {opened!r}{_at(error, line_of)} is open"
    return f"{opened!r}{_at(error, line_of)} is not closed by {closing!r}, or a comma is missing"


def _behind(error: Any, text: str, line_of: Any, got: str) -> str:
    return f"found {got!r} behind the end of a value"


def _open_end(error: Any, text: str, line_of: Any) -> str:
    return "a bracket, '[' or '{', is not closed"


def _quote(error: Any, text: str, line_of: Any) -> str:
    return f"the quote {text[error.context_mark.index]}{_at(error, line_of)} is not closed"


def _at(error: Any, line_of: Any) -> str:
    return str(line_of(error.context_mark))


# PyYAML's message as a pattern, and the function that explains it from the pattern's groups.
_FAULTS: dict[str, Callable[..., str]] = {
    r"found character '\\t'": _tab,
    r"found character ('.') that cannot start": _sign,
    r"mapping values are not allowed": _colon,
    r"but found '<block (?:mapping|sequence) start>'": _less,
    r"expected <block end>, but found '[?-]'": _item,
    r"while parsing a flow (?:sequence|mapping), expected ',' or '.', but got '(.+)'": _bracket,
    r"while parsing a flow node, .* but found '<stream end>'": _open_end,
    r"expected '<document start>', but found '(.+)'": _behind,
    r"while scanning a quoted scalar, found unexpected end of stream": _quote,
}
