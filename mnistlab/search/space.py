"""The combinations of values of a sweep's parameters."""

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mnistlab.search.axes import Axis, Choice, Range, RangeAxis, Values

# After this many draws without a new point, the remaining points are listed instead.
REPEATS_IN_A_ROW = 100
# More combinations than this are never listed and shuffled.
MOST_SHUFFLED = 1_000_000


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
    several grids, of which the combinations are the union. `scores` is the number of scores that
    the result of a combination has.
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
        scores: int = 1,
    ) -> None:
        self.axes = axes
        self.scores = scores
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
