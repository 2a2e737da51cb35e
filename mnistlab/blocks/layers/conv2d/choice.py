"""Which of a convolution's kernels is the quickest, from its shape."""

from mnistlab.blocks.layers.conv2d.side_by_side import FILTERS, TILE
from mnistlab.blocks.layers.conv2d.without_patches import FILTERS_BACKWARD
from mnistlab.runtime.vectors import REGISTER

# What without_patches.py sums at once.
FILTERS_WORTH_ROWS, ROWS_OF_OUTPUT = 8, 2
# Of more filters BLAS makes the weights' gradient sooner: a patch is used by all of them.
MOST_FILTERS_BY_ROWS = 64
# Where a filter has fewer places than this in an image, a product by BLAS is sooner made.
POSITIONS_WORTH_TILES = 9


def convolves_without_patches(filters: int, rows: int, columns: int) -> bool:
    """Whether a convolution without padding goes by rows of output (without_patches.py)."""
    return filters >= FILTERS_WORTH_ROWS and rows >= ROWS_OF_OUTPUT and columns >= REGISTER


def backward_scratch(filters: int, taps: int, rows: int, columns: int) -> int:
    """The elements of scratch that the weights' gradient of such a convolution takes."""
    groups = -(-filters // FILTERS_BACKWARD)
    vectors = rows * -(-columns // REGISTER) + groups * taps
    return vectors * FILTERS_BACKWARD * REGISTER


def convolves_side_by_side(images: int, filters: int, positions: int) -> bool:
    """Whether a convolution to `filters` maps goes by tiles of images (side_by_side.py).

    `positions` are those of an output. A lane of fewer than half a tile of images is mostly empty.
    """
    return images >= TILE // 2 and filters >= FILTERS and positions >= POSITIONS_WORTH_TILES
