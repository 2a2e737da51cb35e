"""A shift by whole pixels."""

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from mnistlab.blocks.augmentations import AugmentationBlock
from mnistlab.blocks.augmentations._ops import MapOperands, coordinates_of, image_keys
from mnistlab.blocks.section import NumberAlone, Section
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Op
from mnistlab.runtime.parts import rows_of
from mnistlab.runtime.random import random32

MOST_PIXELS = 1024


@kernel
def whole_shift(key: int, other_key: int, number: int, pixels: int) -> int:
    """A random integer from −pixels to pixels, all equally likely."""
    return ((random32(key, other_key, number) * (2 * pixels + 1)) >> 32) - pixels


@kernel
def shift_map(down: int, right: int, rows: np.ndarray, columns: np.ndarray) -> None:
    """Move the image down and right: it is sampled further up and left."""
    dy, dx = rows.dtype.type(down), rows.dtype.type(right)
    for p in range(rows.size):
        rows[p] -= dy
        columns[p] -= dx


class ShiftOperands(MapOperands):
    """Operands of a shift."""

    pixels: int


@kernel
def move_by_shift(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    for i in range(a, b):
        key, other_key = image_keys(op, step, first + i)
        ys, xs = coordinates_of(op, m, i)
        down = whole_shift(key, other_key, 0, op.pixels)
        shift_map(down, whole_shift(key, other_key, 1, op.pixels), ys, xs)


class Shift(Section):
    """A shift by whole pixels in each direction."""

    pixels: Annotated[int, Field(strict=True, ge=0, le=MOST_PIXELS)] = Field(
        description="The image moves by up to this many whole pixels up or down, and left or right."
    )


class ShiftAugmentation(AugmentationBlock):
    """An item of `augment`: a shift by whole pixels."""

    type: ClassVar[str] = "shift"
    shift: Annotated[Shift, NumberAlone(lambda pixels: {"pixels": pixels})] = Field(
        description="A shift by whole pixels; each shift is as likely."
    )

    def build(self, place: Any) -> Any:
        return Op(move_by_shift, ShiftOperands(**place.operands, pixels=self.shift.pixels))
