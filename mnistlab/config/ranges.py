"""Values to try that are written as a range: `{logspace: [1e-5, 1e-3, 3]}`.

An integer key gets integers from every range.
"""

import math
from collections.abc import Mapping
from typing import Any

from mnistlab.blocks.section import is_whole, refuse
from mnistlab.config.key_types import number_types
from mnistlab.config.overrides import split_key
from mnistlab.config.run import RunConfig

Number = int | float

MAX_VALUES = 20_000
RANGES = {
    "logspace": "[low, high, count], low and high above 0 and count at least 2",
    "range": "[start, stop, step], step not 0 and leading from start towards stop",
    "uniform": "[low, high], low below high",
    "loguniform": "[low, high], above 0 and low below high",
}
DRAWN = ("uniform", "loguniform")


def checked_values(value: Any) -> list[Any] | dict[str, Any]:
    """The values to try for one key, a list or a range; anything else is refused."""
    if isinstance(value, list | tuple) and value:
        return list(value)
    if not isinstance(value, Mapping) or len(value) != 1 or not set(value) <= set(RANGES):
        refuse(
            "a list of the values to try, such as [0.1, 0.01], or {logspace: [low, high, count]}, "
            "{range: [start, stop, step]}, {uniform: [low, high]}, {loguniform: [low, high]}"
        )
    ((kind, numbers),) = value.items()
    if not isinstance(numbers, list | tuple) or not all(map(_is_real, numbers)):
        refuse(f"{kind}: {RANGES[kind]}")
    if not _is_range(kind, list(numbers)):
        most = "" if kind in DRAWN else f", and at most {MAX_VALUES:,} values"
        refuse(f"{kind}: {RANGES[kind]}{most}")
    return {kind: list(numbers)}


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_range(kind: str, numbers: list[Number]) -> bool:
    if len(numbers) != (2 if kind in DRAWN else 3):
        return False
    if kind == "range":
        start, stop, step = numbers
        return step != 0 and 0 <= (stop - start) / step < MAX_VALUES
    if kind == "logspace":
        return min(numbers) > 0 and is_whole(numbers[2]) and 2 <= numbers[2] <= MAX_VALUES
    return numbers[0] < numbers[1] and (kind == "uniform" or numbers[0] > 0)


def number_of_values(values: Any) -> int | None:
    """The number of values to try; None for a range of random numbers."""
    if not isinstance(values, Mapping):
        return len(values)
    ((kind, numbers),) = values.items()
    if kind in DRAWN:
        return None
    return int(numbers[2]) if kind == "logspace" else _steps(*numbers) + 1


def is_whole_range(key: str, values: Mapping[str, Any]) -> bool:
    """Whether a range gives integers for a key, by the key's types.

    `data.validation` may be a count of images or a share: a range from 1 on gives counts.
    """
    types = number_types(RunConfig, split_key(key))
    (numbers,) = values.values()
    return types == {int} or (types == {int, float} and min(numbers[:2]) >= 1)


def listed_values(key: str, values: Mapping[str, Any]) -> list[Number]:
    """Every value of a `logspace` or `range`, including its ends.

    Rounded, so that 1e-4 equals a written 0.0001 and gives the same trial. Raises ValueError for a
    range of random numbers.
    """
    ((kind, numbers),) = values.items()
    if kind == "logspace":
        low, high, count = numbers
        spaced = [_short(low * (high / low) ** (n / (count - 1))) for n in range(count)]
        return [round(value) for value in spaced] if is_whole_range(key, values) else spaced
    if kind != "range":
        raise ValueError("a range that is drawn from has no values of its own")
    start, stop, step = numbers
    stepped = [start + n * step for n in range(_steps(start, stop, step) + 1)]
    if all(map(is_whole, numbers)):
        return stepped
    stepped = [_short(value) for value in stepped]
    # The key refuses a fraction: a step that gives one is an error, and is not rounded.
    whole = is_whole_range(key, values)
    return [int(value) if whole and value.is_integer() else value for value in stepped]


def whole_bounds(key: str, values: Mapping[str, Any]) -> tuple[int, int] | None:
    """The smallest and largest integer of a range of random numbers; None if the key takes any
    number. If the range has no integer, the smallest is above the largest.
    """
    (numbers,) = values.values()
    if not is_whole_range(key, values):
        return None
    return math.ceil(numbers[0]), math.floor(numbers[1])


def _steps(start: Number, stop: Number, step: Number) -> int:
    if is_whole(start) and is_whole(stop) and is_whole(step):
        return int((stop - start) // step)
    # 0.1 + 2 * 0.1 is slightly above 0.3, but still the end of its range.
    return math.floor((stop - start) / step + 1e-9)


def _short(value: float) -> float:
    return float(f"{value:.12g}")
