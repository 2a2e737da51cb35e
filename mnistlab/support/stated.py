"""A figure that a report or paper states."""

from typing import Self


class Stated(float):
    """A figure that stands as it was stated, to its last zero; arithmetic makes a plain number of
    it. `text` is how it was written, if that is known.
    """

    text: str | None

    def __new__(cls, value: float, text: str | None = None) -> Self:
        figure = super().__new__(cls, value)
        figure.text = text if text is not None else getattr(value, "text", None)
        return figure
