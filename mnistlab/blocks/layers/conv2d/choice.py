"""Selects the fastest of a convolution's kernels from its shape."""

from mnistlab.blocks.layers.conv2d import without_patches
from mnistlab.blocks.layers.conv2d.side_by_side import FILTERS, TILE
from mnistlab.runtime.vectors import REGISTER

# The minimum sizes for without_patches.py, which sums ROWS at once. Fewer filters go by tiles.
FILTERS_WORTH_ROWS, ROWS_OF_OUTPUT = 8, without_patches.ROWS
# With more weights, packing them for a single image takes longer than patches. For the gradient of
# the inputs they are turned, too. A patch of 1 × 1 is the pixel itself.
MOST_WEIGHTS_BY_ROWS, MOST_WEIGHTS_BACK_BY_ROWS = 150_000, 40_000
# With more filters BLAS computes the weights' gradient faster: all of them use a patch.
MOST_FILTERS_BY_ROWS = 64
# With fewer positions than this, a product by BLAS is faster.
POSITIONS_WORTH_TILES = 9
# Below this many maps, transforming patches, filters and sums costs more than it saves.
MAPS_WORTH_SQUARES, PRODUCTS_WORTH_SQUARES = 8, 128
MAPS_WORTH_SUMS = 32


def convolves_without_patches(filters: int, rows: int, columns: int) -> bool:
    """Whether a convolution without padding is computed by rows of output (without_patches.py),
    however many images there are.
    """
    return filters >= FILTERS_WORTH_ROWS and _fits_rows(filters, rows, columns)


def convolves_few_images_by_rows(weights: int, filters: int, rows: int, columns: int) -> bool:
    """Whether a convolution of too few images for a tile is, with padding or without."""
    return weights <= MOST_WEIGHTS_BY_ROWS and _fits_rows(filters, rows, columns)


def goes_back_by_rows(weights: int, channels: int, height: int, width: int, side: int) -> bool:
    """Whether the gradient of the inputs of so few images is computed by rows of the input."""
    few = weights <= MOST_WEIGHTS_BACK_BY_ROWS and side > 1
    return few and _fits_rows(channels, height, width)


def _fits_rows(filters: int, rows: int, columns: int) -> bool:
    return filters >= without_patches.FILTERS and rows >= ROWS_OF_OUTPUT and columns >= REGISTER


def convolves_side_by_side(images: int, filters: int, positions: int) -> bool:
    """Whether a convolution to `filters` maps is computed by tiles of images (side_by_side.py).

    `positions` is the number of output positions. A lane of fewer than half a tile of images is
    mostly empty.
    """
    return images >= TILE // 2 and filters >= FILTERS and positions >= POSITIONS_WORTH_TILES


def convolves_with_fewer_products(images: int, channels: int, filters: int, positions: int) -> bool:
    """Whether a 3 × 3 convolution from `channels` to `filters` maps uses fewer_products.py.

    With fewer maps the transforms take longer than the products that they save.
    """
    return (
        min(channels, filters) >= MAPS_WORTH_SQUARES
        and channels * filters >= PRODUCTS_WORTH_SQUARES
        and convolves_side_by_side(images, filters, positions)
    )


def sums_with_fewer_products(channels: int, filters: int) -> bool:
    """Whether the weights' gradient of such a convolution does, too."""
    return min(channels, filters) >= MAPS_WORTH_SUMS
