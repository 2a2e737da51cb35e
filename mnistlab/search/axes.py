"""The values of a sweep's parameters: lists and ranges."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Choice:
    """One of the values listed for a key, by its index in the list."""

    number: int
    value: Any = field(compare=False)


# A combination of values, each by its key's dotted path: a choice, or a number from a range.
Values = Mapping[str, Choice | int | float]


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high`; only integers if `whole`. In a `logarithmic` range equal
    factors are equally likely.
    """

    low: float
    high: float
    logarithmic: bool
    whole: bool

    @property
    def size(self) -> int | None:
        """The number of values; None for a range of real numbers."""
        return int(self.high) - int(self.low) + 1 if self.whole else None

    def nearest(self, number: float) -> int | float:
        """The nearest number of the range, with six digits, which are enough for a search and
        readable.
        """
        number = min(max(number, self.low), self.high)
        return round(number) if self.whole else float(f"{number:.6g}")

    def moved(self, number: float, share: float) -> int | float:
        """Another number, moved by a share of the range's length, down if negative. In a
        logarithmic range the length is that of the logarithms.
        """
        if self.logarithmic:
            return self.nearest(number * (self.high / self.low) ** share)
        return self.nearest(number + (self.high - self.low) * share)

    def drawn(self, stream: np.random.Generator) -> int | float:
        """A random number; an integer is as likely as the real numbers that round to it."""
        low, high = self._around()
        if self.logarithmic:
            return self.nearest(float(np.exp(stream.uniform(np.log(low), np.log(high)))))
        return self.nearest(float(stream.uniform(low, high)))

    def at(self, share: float) -> int | float:
        """The number at a share, from 0 to 1, of the range."""
        low, high = self._around()
        if self.logarithmic:
            return self.nearest(low * (high / low) ** share)
        return self.nearest(low + (high - low) * share)

    def _around(self) -> tuple[float, float]:
        """The ends of the real numbers whose nearest number is in the range."""
        around = 0.5 if self.whole else 0.0
        return self.low - around, self.high + around


@dataclass(frozen=True)
class ListedAxis:
    """Keys that change together through lists of values; usually one key."""

    values: Sequence[Values]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys, by their dotted paths."""
        return tuple(self.values[0])

    @property
    def size(self) -> int | None:
        """The number of combinations."""
        return len(self.values)

    def choices(self) -> Sequence[Values]:
        """Every combination of the keys, in order."""
        return self.values

    def ends(self) -> Sequence[Values]:
        """Combinations that together have every value."""
        return self.values

    def drawn(self, stream: np.random.Generator) -> Values:
        """A combination drawn at random."""
        return self.values[int(stream.integers(len(self.values)))]

    @property
    def dimensions(self) -> int:
        """The number of shares that `at` takes."""
        return 1

    def at(self, shares: Sequence[float]) -> Values:
        """The combination at a share, from 0 to 1, of the list."""
        (share,) = shares
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    @property
    def is_ordered(self) -> bool:
        """Whether the values are those of one key, and numbers in ascending or descending order."""
        if len(self.keys) > 1:
            return False
        plain = [
            one.value for row in self.values for one in row.values() if isinstance(one, Choice)
        ]
        if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in plain):
            return False
        return plain in (sorted(set(plain)), sorted(set(plain), reverse=True))


@dataclass(frozen=True)
class RangeAxis:
    """Keys whose values are numbers from ranges; usually one key."""

    ranges: Mapping[str, Range]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys, by their dotted paths."""
        return tuple(self.ranges)

    @property
    def size(self) -> int | None:
        """The number of combinations; None if a key takes real numbers."""
        sizes = [one.size for one in self.ranges.values()]
        known = [size for size in sizes if size is not None]
        return math.prod(known) if len(known) == len(sizes) else None

    def choices(self) -> Sequence[Values]:
        """Every combination of the keys, in order; only for integers."""
        columns = [range(int(one.low), int(one.high) + 1) for one in self.ranges.values()]
        return [
            dict(zip(self.ranges, numbers, strict=True)) for numbers in itertools.product(*columns)
        ]

    def ends(self) -> Sequence[Values]:
        """The smallest and the largest numbers."""
        return [
            {key: one.nearest(one.low) for key, one in self.ranges.items()},
            {key: one.nearest(one.high) for key, one in self.ranges.items()},
        ]

    def drawn(self, stream: np.random.Generator) -> Values:
        """Independent random numbers."""
        return {key: one.drawn(stream) for key, one in self.ranges.items()}

    @property
    def dimensions(self) -> int:
        """The number of shares that `at` takes."""
        return len(self.ranges)

    def at(self, shares: Sequence[float]) -> Values:
        """The numbers at shares, from 0 to 1, of the ranges."""
        pairs = zip(self.ranges.items(), shares, strict=True)
        return {key: one.at(float(share)) for (key, one), share in pairs}


Axis = ListedAxis | RangeAxis
