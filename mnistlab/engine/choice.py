"""Which of several ways to do the same work is taken: here alone, by shape and density.

How work is divided into lanes is fixed by its shape, never by the threads that there are, so that
no number of threads changes a bit. The figures behind the numbers stand in docs/decisions.md.
"""

from typing import Any, NamedTuple

from mnistlab.kernels.conv2d_direct import FILTERS_BACKWARD
from mnistlab.kernels.lit_pixels import LISTED
from mnistlab.kernels.narrow import OUTPUTS, WIDE
from mnistlab.kernels.sparse import BLOCK
from mnistlab.kernels.vectors import REGISTER

# Below this many multiplications a part is not worth the launch of a parallel loop (about 2 µs).
WORK_PER_LANE = 200_000
MOST_LANES = 8
ROWS_PER_LANE = 8
# Rows of a batch that a lane should have: with fewer, BLAS starves, and columns are divided.
ROWS_WORTH_DIVIDING = 64
COLUMNS_WORTH_DIVIDING = 32
# A first layer that skips dark pixels does this much of the work, at a third of BLAS's pace.
MOST_LIT = 0.3
PIXELS_WORTH_LISTING, OUTPUTS_WORTH_LISTING = 64, 17
INPUTS_WORTH_LISTING = 4096
MOST_NARROW = 16
COLUMNS_WORTH_PAIRING = 5
# What conv2d_direct.py sums at once.
FILTERS_WORTH_ROWS, ROWS_OF_OUTPUT = 8, 2
# Of more filters BLAS makes the weights' gradient sooner: a patch is used by all of them.
MOST_FILTERS_BY_ROWS = 64


def lanes_for(work: int) -> int:
    """Into how many lanes to split `work` multiplications (or a few times as many additions)."""
    return max(1, min(MOST_LANES, work // WORK_PER_LANE))


def row_lanes(rows: int, work_per_row: int, grain: int) -> int:
    """Into how many lanes to split `rows`, of which `grain` stay together."""
    return max(1, min(lanes_for(rows * work_per_row), -(-rows // max(grain, ROWS_PER_LANE))))


def column_lanes(rows: int, inputs: int, outputs: int) -> dict[str, Any]:
    """How to divide a dense layer by its outputs; nothing where it is to be divided by rows."""
    lanes = min(lanes_for(rows * inputs * outputs), outputs // COLUMNS_WORTH_DIVIDING)
    if rows >= 2 * ROWS_WORTH_DIVIDING or lanes < 2 or inputs < COLUMNS_WORTH_DIVIDING:
        return {}
    return {"lanes": lanes, "by_column": 1}


def skips_dark_pixels(lit_share: float, pixels: int, outputs: int) -> bool:
    """Whether a first dense layer works on lit pixels alone (kernels/lit_pixels.py).

    To list the pixels takes as long as BLAS takes for ten outputs.
    """
    wide = pixels >= PIXELS_WORTH_LISTING and outputs >= OUTPUTS_WORTH_LISTING
    return wide and lit_share <= MOST_LIT


def lit_work(pixels: int, outputs: int, lit_share: float) -> int:
    """What a layer that skips dark pixels costs for one image, in multiplications of a product."""
    return int(pixels * (5 + 2 * outputs * lit_share))


def skips_zeros(behind_relu: bool, rows: int, inputs: int, outputs: int) -> bool:
    """Whether a dense layer skips inputs that are zero (kernels/sparse.py).

    Worth it where the weights don't fit in the caches: they are then read and written once a step.
    """
    large = rows <= BLOCK and inputs >= INPUTS_WORTH_LISTING and 32 <= outputs <= 128
    return behind_relu and large and outputs % REGISTER == 0 and outputs % sparse_tile(outputs) == 0


def sparse_tile(outputs: int) -> int:
    """The columns that such a layer works on at once: as many as leave registers for the rest."""
    tiles = -(-outputs // (8 * REGISTER))
    return outputs // tiles


def convolves_by_rows(filters: int, rows: int, columns: int) -> bool:
    """Whether a convolution without padding goes by rows of output (kernels/conv2d_direct.py)."""
    return filters >= FILTERS_WORTH_ROWS and rows >= ROWS_OF_OUTPUT and columns >= REGISTER


def backward_scratch(filters: int, taps: int, rows: int, columns: int) -> int:
    """The elements of scratch that the weights' gradient of such a convolution takes."""
    groups = -(-filters // FILTERS_BACKWARD)
    vectors = rows * -(-columns // REGISTER) + groups * taps
    return vectors * FILTERS_BACKWARD * REGISTER


def pools_in_pairs(kind: str, size: int, stride: int, columns: int) -> bool:
    """Whether max pooling goes a row of 2 × 2 patches at a time (kernels/pool2d.py)."""
    return kind == "max" and size == stride == 2 and columns >= COLUMNS_WORTH_PAIRING


def is_narrow(outputs: int) -> bool:
    """Whether a layer's outputs are too few for BLAS (kernels/narrow.py)."""
    return OUTPUTS <= outputs <= MOST_NARROW


def narrow_stride(inputs: int) -> int:
    """The elements of a row of the turned weights of a layer of few outputs."""
    return -(-inputs // WIDE) * WIDE


def narrow_work(inputs: int, outputs: int) -> int:
    """What a layer of few outputs costs for one image, in multiplications of a product."""
    return inputs * outputs


def narrow_lanes(rows: int, inputs: int, outputs: int) -> int:
    """Into how many lanes the inputs are split, for the weights' gradient."""
    return min(lanes_for(rows * inputs * outputs), -(-inputs // WIDE))


class LitPlan(NamedTuple):
    """How a layer that skips dark pixels goes about it."""

    tile: int  # columns of W that are worked on at once, and lie together: a vector
    tiles: int
    listed: int  # images that are listed together
    parts: int  # of a tile: half the images, forward, or half the pixels, backward, each
    by_column: bool  # forward: lanes divide tiles and their parts; else the rows


def lit_plan(rows: int, outputs: int) -> LitPlan:
    """For batches of `rows` images, or parts of batches of that many, and `outputs` units.

    Few rows: each core works on tiles of its own, which stay in its cache from step to step. Many
    rows: each goes its own way up and down the network.
    """
    # A row of a tile fills all registers but two; the fewer tiles, the fewer loops.
    most = 128 if REGISTER == 16 else 112
    tiles = -(-outputs // most)
    tile = -(-outputs // (tiles * REGISTER)) * REGISTER
    listed = min(rows, LISTED)  # the more images share a row of W, the better
    return LitPlan(tile, tiles, listed, 2 if rows >= 16 else 1, by_column=rows <= LISTED)


def lit_lanes(rows: int, pixels: int, outputs: int, lit_share: float, plan: LitPlan) -> int:
    """Into how many lanes the parts of a layer's tiles are split."""
    work = int(rows * lit_work(pixels, outputs, lit_share))
    return min(plan.tiles * plan.parts, lanes_for(work))
