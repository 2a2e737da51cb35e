"""Every combination of the values."""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from mnistlab.blocks.section import BareSection
from mnistlab.search import AllAtOnce, Search, SearchMethod
from mnistlab.search.space import Space, Values


class Grid(SearchMethod, BareSection):
    """Every combination of the values."""

    type: Literal["grid"] = "grid"

    draws: ClassVar[bool] = False
    grows_by_values: ClassVar[bool] = True
    noun: ClassVar[str] = "combinations"

    def start(self, space: Space) -> Search[Values]:
        return AllAtOnce(filter(space.is_new, space.combinations()))

    def asks(self, sizes: Sequence[int | None]) -> int:
        return math.prod(size or 1 for size in sizes)
