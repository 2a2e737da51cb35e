"""The combinations of values of a sweep's parameters."""

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# After this many draws without a new point, the remaining points are listed instead.
REPEATS_IN_A_ROW = 100
# More combinations than this are never listed and shuffled.
MOST_SHUFFLED = 1_000_000


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


class Rules:
    """Which values belong to a combination, and which combinations are allowed."""

    def is_tried(self, key: str, values: Values) -> bool:
        """Whether a key has a value beside the values of the keys above."""
        return True

    def allows(self, values: Values) -> bool:
        """Whether a combination is not excluded."""
        return True


class Space:
    """The combinations of values that a search may ask for.

    `identity` is equal for combinations that give the same configuration. A draw depends only on
    `seed`, `label` (of the stage), the keys and the number of the draw. `grids` are the axes of
    several grids, of which the combinations are the union.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        seed: int,
        label: str,
        identity: Callable[[Values], str],
        *,
        grids: Sequence[Sequence[Axis]] = (),
        rules: Rules | None = None,
    ) -> None:
        self.axes = axes
        self._grids = grids or [axes]
        self._rules = rules or Rules()
        self.seed = seed
        self.label = label
        self._identity = identity
        self._had: set[str] = set()
        self._draws = 0

    @property
    def ranges(self) -> dict[str, Range]:
        """The ranges of all keys that have one."""
        axes = [axis for axis in self.axes if isinstance(axis, RangeAxis)]
        return {key: one for axis in axes for key, one in axis.ranges.items()}

    def stream(self, purpose: str, number: int = 0) -> np.random.Generator:
        """Random numbers that depend on the run's seed, the stage, the purpose and the number."""
        name = hashlib.sha256(f"{self.label} {purpose}".encode()).digest()[:8]
        key = [self.seed % 2**64, int.from_bytes(name, "little")]
        counter = np.array([0, number, 0, 0], dtype=np.uint64)
        return np.random.Generator(
            np.random.Philox(key=np.array(key, dtype=np.uint64), counter=counter)
        )

    def is_new(self, values: Values) -> bool:
        """Whether they are allowed and their configuration is seen for the first time; the next
        time it is not new.
        """
        if not self._rules.allows(values):
            return False
        identity = self._identity(values)
        is_new = identity not in self._had
        self._had.add(identity)
        return is_new

    def combinations(self) -> Iterator[Values]:
        """Every combination, the last key changing first; no axis may have real numbers."""
        for axes in self._grids:
            for parts in itertools.product(*(axis.choices() for axis in axes)):
                yield self._merged(parts)

    def is_tried(self, axis: Axis, values: Values) -> bool:
        """Whether an axis has a value beside the values of the axes before it."""
        return all(self._rules.is_tried(key, values) for key in axis.keys)

    def draw(self, count: int) -> list[Values]:
        """Draw `count` new combinations at random, or fewer if there are no more.

        A second call continues from the first, so that a larger `count` only adds points.
        """
        found: list[Values] = []
        repeats = 0
        while len(found) < count and repeats < REPEATS_IN_A_ROW:
            values = self._drawn(self._draws)
            self._draws += 1
            if self.is_new(values):
                found.append(values)
                repeats = 0
            else:
                repeats += 1
        # A random draw rarely finds one of the few remaining combinations.
        left = self._shuffled() if len(found) < count else iter(())
        found.extend(itertools.islice(filter(self.is_new, left), count - len(found)))
        return found

    @property
    def dimensions(self) -> int:
        """The number of shares that `at` takes: one for each list and each range."""
        return sum(axis.dimensions for axis in self.axes)

    def at(self, shares: Sequence[float]) -> Values:
        """The combination at a point of the unit cube."""
        parts, begin = [], 0
        for axis in self.axes:
            parts.append(axis.at(shares[begin : begin + axis.dimensions]))
            begin += axis.dimensions
        return self._merged(parts)

    def ends(self) -> list[Values]:
        """A few combinations that together have every listed value and both ends of each range."""
        ends = [axis.ends() for axis in self.axes]
        most = max(map(len, ends))
        found = [self._merged([some[min(n, len(some) - 1)] for some in ends]) for n in range(most)]
        return list(filter(self._rules.allows, found))

    def _drawn(self, draw: int) -> Values:
        """The combination of one draw."""
        return self._merged([a.drawn(self.stream(" ".join(a.keys), draw)) for a in self.axes])

    def _shuffled(self) -> Iterator[Values]:
        """Every combination in random order; empty if there are too many to list, or if a key takes
        real numbers.
        """
        sizes = [axis.size for axis in self.axes]
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes) or math.prod(known) > MOST_SHUFFLED:
            return
        every = " ".join(key for axis in self.axes for key in axis.keys)
        order = self.stream(every).permutation(math.prod(known))
        choices = [axis.choices() for axis in self.axes]
        for number in order:
            places = np.unravel_index(int(number), known)
            yield self._merged([some[int(at)] for some, at in zip(choices, places, strict=True)])

    def _merged(self, parts: Sequence[Values]) -> Values:
        """The values of all axes, without keys that are not tried beside those before them."""
        merged: dict[str, Choice | int | float] = {}
        for values in parts:
            if all(self._rules.is_tried(key, merged) for key in values):
                merged |= values
        return merged
