"""The names of classes along an axis, without names that cover each other."""

import math
from collections.abc import Sequence

# Of a name in the size of tick labels, in inches: its height, and the width of a letter.
HEIGHT, LETTER, GAP = 0.12, 0.082, 0.05


def class_ticks(names: Sequence[str], length: float, room: float) -> tuple[list[int], list[str]]:
    """The positions and names to show on an axis of `length` inches, where a name needs `room`:
    all, or every second, third, … if there are too many.
    """
    every = max(1, math.ceil(room * len(names) / length))
    shown = list(range(0, len(names), every))
    return shown, [names[place] for place in shown]


def width_of(names: Sequence[str]) -> float:
    """The width in inches that the longest name needs beside others."""
    return LETTER * max(map(len, names)) + GAP
