"""Rotation, scale, shear and shift together. Source: LeCun et al. (1998), Simard et al. (2003)."""

import math
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from mnistlab.blocks.augmentations import AugmentationBlock
from mnistlab.blocks.augmentations._coordinates import uniform
from mnistlab.blocks.augmentations._ops import MapOperands, coordinates_of, image_keys
from mnistlab.blocks.section import NonNegative, Section, ShareBelowOne
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Op
from mnistlab.runtime.parts import rows_of

RADIANS = math.pi / 180


@kernel
def affine_map(
    height: int,
    width: int,
    angle: float,
    scale: float,
    shear: float,
    down: float,
    right: float,
    rows: np.ndarray,
    columns: np.ndarray,
) -> None:
    """Shear, rotate anticlockwise, scale and shift the image about its middle; angles in radians.

    The coordinates are transformed by the inverse: with the middle as the origin, (u, v) is (y −
    down, x − right) / scale rotated clockwise, and the result is (u, v − u · tan shear).
    """
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    slant = math.tan(shear)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    number = rows.dtype.type
    yy, yx = number(cos), number(sin)
    xy, xx = number(-sin - slant * cos), number(cos - slant * sin)
    from_y, from_x = number(middle_y + down), number(middle_x + right)
    to_y, to_x = number(middle_y), number(middle_x)
    for p in range(rows.size):
        y, x = rows[p] - from_y, columns[p] - from_x
        rows[p] = to_y + yy * y + yx * x
        columns[p] = to_x + xy * y + xx * x


class AffineOperands(MapOperands):
    """Operands of an affine map: the ranges of its numbers; angles in radians."""

    rotate: float
    scale: float
    shear: float
    shift: float


@kernel
def move_by_affine(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    for i in range(a, b):
        key, other_key = image_keys(op, step, first + i)
        ys, xs = coordinates_of(op, m, i)
        affine_map(
            op.height,
            op.width,
            uniform(key, other_key, 0, -op.rotate, op.rotate),
            uniform(key, other_key, 1, 1 - op.scale, 1 + op.scale),
            uniform(key, other_key, 2, -op.shear, op.shear),
            uniform(key, other_key, 3, -op.shift, op.shift),
            uniform(key, other_key, 4, -op.shift, op.shift),
            ys,
            xs,
        )


class Affine(Section):
    """Rotation, scale, shear and shift, each drawn uniformly from its range."""

    rotate: Annotated[NonNegative, Field(le=180)] = Field(
        default=0.0, description="The image turns by up to this many degrees, left or right."
    )
    scale: ShareBelowOne = Field(
        default=0.0,
        description="Its size changes by up to this share: 0.1 is a factor of 0.9 to 1.1.",
    )
    shear: Annotated[NonNegative, Field(le=80)] = Field(
        default=0.0, description="Upright lines slant by up to this many degrees, left or right."
    )
    shift: Annotated[NonNegative, Field(le=1024)] = Field(
        default=0.0,
        description="It moves by up to this many pixels up or down, and left or right; parts of "
        "pixels count.",
    )


class AffineAugmentation(AugmentationBlock):
    """An item of `augment`: an affine map about the middle of the image."""

    type: ClassVar[str] = "affine"
    affine: Affine = Field(description="Rotation, scale, shear and shift in one.")

    def build(self, place: Any) -> Any:
        own = self.affine
        operands = AffineOperands(
            **place.operands,
            rotate=own.rotate * RADIANS,
            scale=own.scale,
            shear=own.shear * RADIANS,
            shift=own.shift,
        )
        return Op(move_by_affine, operands)
