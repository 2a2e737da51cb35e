"""Every combination of the values, or a share of them."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_serializer

from mnistlab.blocks.section import Share
from mnistlab.search import AllAtOnce, Search, SearchMethod
from mnistlab.search.axes import Values
from mnistlab.search.space import Space


class Grid(SearchMethod):
    """Every combination of the values."""

    type: Literal["grid"] = "grid"
    share: Annotated[Share, Field(gt=0)] = Field(
        default=1.0,
        description="The share of the combinations that is tried: drawn at random without "
        "replacement, from the run's seed.",
    )

    draws: ClassVar[bool] = False
    grows_by: ClassVar[tuple[str, ...]] = ("share",)
    noun: ClassVar[str] = "combinations"

    @property
    def grows_by_values(self) -> bool:  # type: ignore[override]
        """A larger grid has every combination of this one, but not every one of its draws."""
        return self.share == 1

    @model_serializer
    def _as_written(self) -> Any:
        # As before there was a share: sweeps of all combinations are compared by their text.
        return self.type if self.share == 1 else {"type": self.type, "share": self.share}

    def start(self, space: Space) -> Search[Values]:
        found = list(filter(space.is_new, space.combinations()))
        kept = space.stream("share of the grid").permutation(len(found))[: self._of(len(found))]
        # In the order of the grid: points that can be trained together follow each other.
        return AllAtOnce(found[number] for number in sorted(kept.tolist()))

    def asks(self, sizes: Sequence[int | None]) -> int:
        return self._of(math.prod(size or 1 for size in sizes))

    def _of(self, count: int) -> int:
        return math.ceil(self.share * count)
