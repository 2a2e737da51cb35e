"""Lowers a list of augmentations to ops."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnistlab.blocks.augmentations import AugmentationBlock
from mnistlab.blocks.augmentations._coordinates import FRAME
from mnistlab.blocks.augmentations._reading import ReadOperands, begin_maps, read_images
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.lanes import row_lanes
from mnistlab.runtime.op import Op

# Dropout layers use the streams from 1 on.
FIRST_STREAM = 0x41_55_47_00
# The approximate cost of a pixel, in multiplications of a product.
WORK = 100


@dataclass(frozen=True)
class Place:
    """The context of an augmentation: the network's builder, and the operands of its map."""

    builder: Builder
    operands: dict[str, Any]


def build_augmentations(
    builder: Builder, augmentations: Sequence[AugmentationBlock], image_shape: tuple[int, int]
) -> tuple[Op, ...]:
    """The ops that augment images (height, width), one launch; none for an empty list.

    A pixel of the last augmentation's image is sampled from the image before it, and so on:
    coordinates are moved from the last augmentation to the first.
    """
    if not augmentations:
        return ()
    height, width = image_shape
    pixels = height * width
    image = {"coordinates": builder.take_slot(2 * pixels), "height": height, "width": width}

    def map_operands(number: int) -> dict[str, Any]:
        return {**image, "seed": builder.seed, "stream": FIRST_STREAM + number}

    # 32-bit words: the samples of each pixel and an image's neighbours; its bytes need fewer.
    words = pixels + 2 * (height + FRAME) * (width + FRAME)
    reading = ReadOperands(**image, **builder.take_scratch(words))
    ops = [
        Op(begin_maps, reading),
        *(
            one.build(Place(builder, map_operands(number)))
            for number, one in reversed(list(enumerate(augmentations)))
        ),
        Op(read_images, reading),
    ]
    lanes = row_lanes(builder.rows, WORK * pixels, 1)
    return tuple(
        replace(op, lanes=lanes, row_lanes=lanes, joins=number > 0) for number, op in enumerate(ops)
    )
