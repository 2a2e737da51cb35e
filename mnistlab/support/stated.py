"""A number that a report or paper states."""

from typing import Self


class Stated(float):
    """A number as it was stated, with trailing zeros; arithmetic gives a plain number. `text` is
    the original text, if known.
    """

    text: str | None

    def __new__(cls, value: float, text: str | None = None) -> Self:
        figure = super().__new__(cls, value)
        figure.text = text if text is not None else getattr(value, "text", None)
        return figure
