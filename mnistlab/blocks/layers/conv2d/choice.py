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
# What transforming patches, filters and sums is worth.
MAPS_WORTH_SQUARES, PRODUCTS_WORTH_SQUARES = 8, 128
MAPS_WORTH_SUMS = 32


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


def convolves_with_fewer_products(images: int, channels: int, filters: int, positions: int) -> bool:
    """Whether a 3 × 3 convolution from `channels` to `filters` maps goes by fewer_products.py.

    Below so many of either the transforms take longer than the products that they save.
    """
    return (
        min(channels, filters) >= MAPS_WORTH_SQUARES
        and channels * filters >= PRODUCTS_WORTH_SQUARES
        and convolves_side_by_side(images, filters, positions)
    )


def sums_with_fewer_products(channels: int, filters: int) -> bool:
    """Whether the weights' gradient of such a convolution does, too."""
    return min(channels, filters) >= MAPS_WORTH_SUMS
