"""What a value that no key takes was probably meant to be: `10%` is 0.1, `0,05` is 0.05, `(64, 32)`
is a list.
"""

import re
from collections.abc import Callable
from typing import Any

from mnistlab.config.scalars import MAX_DIGITS, Scalar, read_scalar

# A text, and what it means in the words of YAML. The groups of a pattern are numbers.
_NOTATIONS: dict[re.Pattern[str], Callable[[str, str], str]] = {
    re.compile(r"([-+]?\d+),(\d+)"): lambda whole, part: f"{whole}.{part}",
    re.compile(r"([-+]?\d+(?:[.,]\d+)?)()\s*%"): lambda share, _: _percent(share),
    re.compile(r"(\d+)\s*/\s*([1-9]\d*)"): lambda above, below: f"{int(above) / int(below):g}",
    re.compile(r"(10)\s*(?:\^|\*\*)\s*([-+]?\d+)"): lambda _, exponent: f"1e{exponent}",
    re.compile(r"(nil|none)()", re.IGNORECASE): lambda *_: "null",
}
_BETWEEN_ITEMS = re.compile(r"\s*[,;x×]\s*|\s+")


def meant_scalar(value: Any) -> tuple[str, Scalar] | None:
    """The word, and its value, that a value was probably meant to be; None if there is none."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}", int(value)
    if not isinstance(value, str) or len(value) > MAX_DIGITS:
        return None
    text = value.strip().lstrip("=").strip()
    word = next((_said(text, *one) for one in _NOTATIONS.items() if one[0].fullmatch(text)), text)
    meant = read_scalar(word)
    return None if isinstance(meant, str) else (word, meant)


def _said(text: str, notation: re.Pattern[str], meaning: Callable[[str, str], str]) -> str:
    found = notation.fullmatch(text)
    assert found is not None
    return meaning(*found.groups())


def _percent(share: str) -> str:
    return f"{float(share.replace(',', '.')) / 100:g}"


def meant_items(value: str) -> list[str]:
    """The items of a text that was probably meant to be a list: `64,32`, `(64, 32)`, `64x32`."""
    inside = value.strip().strip("()[]{}").strip()
    return _BETWEEN_ITEMS.split(inside) if inside else []
