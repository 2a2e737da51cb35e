"""The values that a sweep's parameters may have together: of a grid, or drawn at random."""

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mnistlab.config.load_sweep import value_nodes
from mnistlab.config.places import Node
from mnistlab.config.ranges import number_of_values, whole_bounds

Settings = dict[str, Node]

# More combinations than this are never written out to be shuffled.
MOST_SHUFFLED = 1_000_000


@dataclass(frozen=True)
class Candidates:
    """The combinations of `parameters`.

    `groups` are the keys that are crossed, each with those that move together with it. What is
    drawn depends on `seed`, `label`, the keys and the number of the draw alone.
    """

    parameters: Node
    groups: Sequence[Sequence[str]]
    seed: int
    label: str

    def grid(self) -> Iterator[Settings]:
        """Every combination, the last key changing first."""
        for combination in itertools.product(*map(self._choices, self.groups)):
            yield _merged(combination)

    def drawn(self, draw: int) -> Settings:
        """The combination of one draw."""
        values: Settings = {}
        for group, choices in zip(self.groups, self._listed, strict=True):
            stream = _stream(self.seed, f"{self.label} {' '.join(group)}", draw)
            if choices is not None:
                values |= choices[int(stream.integers(len(choices)))]
            else:
                values |= {key: self._drawn_value(key, stream) for key in group}
        return values

    def shuffled(self) -> Iterator[Settings]:
        """Every combination in an order of chance; nothing where there are too many to list, or
        where a key takes any number of a range."""
        sizes = [self._size(group) for group in self.groups]
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes) or math.prod(known) > MOST_SHUFFLED:
            return
        every = " ".join(key for group in self.groups for key in group)
        order = _stream(self.seed, f"{self.label} {every}", 0).permutation(math.prod(known))
        choices = [self._choices(group) for group in self.groups]
        for number in order:
            places = np.unravel_index(int(number), known)
            yield _merged([some[int(at)] for some, at in zip(choices, places, strict=True)])

    @cached_property
    def _listed(self) -> list[list[Settings] | None]:
        """The combinations of each group, None of those that are drawn from a range."""
        return [self._choices(group) if self._is_listed(group) else None for group in self.groups]

    def _node(self, key: str) -> Node:
        node = self.parameters.child(key)
        assert node is not None
        return node

    def _is_listed(self, group: Sequence[str]) -> bool:
        """Whether the values of a group are listed; keys that move together all are, or none."""
        return number_of_values(self._node(group[0]).plain()) is not None

    def _size(self, group: Sequence[str]) -> int | None:
        """How many combinations a group has; None of a range of any numbers."""
        if self._is_listed(group):
            return number_of_values(self._node(group[0]).plain())
        bounds = [whole_bounds(key, self._node(key).plain()) for key in group]
        known = [high - low + 1 for low, high in (one for one in bounds if one is not None)]
        return math.prod(known) if len(known) == len(group) else None

    def _choices(self, group: Sequence[str]) -> list[Settings]:
        """The combinations of a group, of whole numbers where it is a range that is drawn from."""
        columns = [self._values(key) for key in group]
        together = zip(*columns, strict=True) if self._is_listed(group) else None
        return [
            dict(zip(group, values, strict=True))
            for values in together or itertools.product(*columns)
        ]

    def _values(self, key: str) -> list[Node]:
        node = self._node(key)
        if number_of_values(node.plain()) is not None:
            return value_nodes(key, node)
        bounds = whole_bounds(key, node.plain())
        assert bounds is not None
        return [Node(n, node.place, node.key_place) for n in range(bounds[0], bounds[1] + 1)]

    def _drawn_value(self, key: str, stream: np.random.Generator) -> Node:
        """A value of a range; every whole number is as likely as the numbers that round to it."""
        node = self._node(key)
        ((kind, (low, high)),) = node.plain().items()
        bounds = whole_bounds(key, node.plain())
        if bounds is not None:
            low, high = bounds[0] - 0.5, bounds[1] + 0.5
        if kind == "uniform":
            number = float(stream.uniform(low, high))
        elif kind == "loguniform":
            number = float(np.exp(stream.uniform(np.log(low), np.log(high))))
        else:
            raise ValueError(f"no range {kind!r} that is drawn from")
        if bounds is not None:
            value: int | float = min(max(round(number), bounds[0]), bounds[1])
        else:
            # Six digits say all that a search can use, and can be read.
            value = float(f"{number:.6g}")
        return Node(value, node.place, node.key_place)


def _merged(combination: Sequence[Settings]) -> Settings:
    return {key: node for values in combination for key, node in values.items()}


def _stream(seed: int, name: str, draw: int) -> np.random.Generator:
    purpose = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    key = np.array([seed % 2**64, purpose], dtype=np.uint64)
    counter = np.array([0, draw, 0, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
