"""A mirror image, left for right."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from mnistlab.blocks.augmentations import AugmentationBlock
from mnistlab.blocks.augmentations._coordinates import uniform
from mnistlab.blocks.augmentations._ops import MapOperands, coordinates_of, image_keys
from mnistlab.blocks.section import Share
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Op
from mnistlab.runtime.parts import rows_of


@kernel
def flip_map(width: int, columns: np.ndarray) -> None:
    """Sample the image from right to left."""
    last = columns.dtype.type(width - 1)
    for p in range(columns.size):
        columns[p] = last - columns[p]


class FlipOperands(MapOperands):
    """Operands of a flip."""

    probability: float


@kernel
def move_by_flip(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    for i in range(a, b):
        key, other_key = image_keys(op, step, first + i)
        if uniform(key, other_key, 0, 0.0, 1.0) < op.probability:
            flip_map(op.width, coordinates_of(op, m, i)[1])


class FlipAugmentation(AugmentationBlock):
    """An item of `augment`: a mirror image."""

    type: ClassVar[str] = "flip"
    flip: Share = Field(
        default=0.5,
        description="The probability of a mirror image, left for right. For clothes, not digits.",
    )

    def build(self, place: Any) -> Any:
        return Op(move_by_flip, FlipOperands(**place.operands, probability=self.flip))
