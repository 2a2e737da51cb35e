"""Selects the fastest of a dense layer's kernels, from shapes and the share of zeros."""

from typing import NamedTuple

from mnistlab.blocks.layers.dense.few_outputs import OUTPUTS, WIDE
from mnistlab.blocks.layers.dense.products import COLUMNS, ROWS, TILES
from mnistlab.blocks.layers.dense.sparse_hidden import BLOCK
from mnistlab.blocks.layers.dense.sparse_input import LISTED
from mnistlab.runtime.lanes import MOST_LANES, lanes_for
from mnistlab.runtime.params import rounded_up
from mnistlab.runtime.vectors import REGISTER

# Rows of a batch that a lane should have: with fewer, BLAS is inefficient; divide the columns.
ROWS_WORTH_DIVIDING = 64
# A weight beyond this size is read from the caches anew for every lane of rows.
SMALL_WEIGHT = 100_000
COLUMNS_WORTH_DIVIDING = 32
# A first layer that skips zero pixels does this part of the work, at a third of BLAS's speed.
MOST_NONZERO = 0.3
PIXELS_WORTH_LISTING, OUTPUTS_WORTH_LISTING = 64, 17
INPUTS_WORTH_LISTING = 4096
# A layer that skips zeros behind a ReLU has 0.4 to 0.6 of BLAS's speed on the rest; with AVX2 and
# a weight beyond the caches less.
MOST_NONZERO_INPUTS, MOST_NONZERO_INPUTS_OF_LARGE, LARGE_WEIGHT = 0.5, 0.3, 1_000_000
INPUTS_WORTH_SKIPPING, TILE_WORTH_SKIPPING = 128, 4 * REGISTER
ROWS_WORTH_SKIPPING, MOST_SKIPPING = 16, 2 * BLOCK
# Registers of a tile; and of how many a tile takes as long as it takes to find an input.
FEWEST_REGISTERS, MOST_REGISTERS, REGISTERS_OF_AN_INPUT = (
    (4, 8, 0) if REGISTER == 16 else (4, 10, 4)
)
MOST_OUTPUTS_OF_DIVIDED = 128
MOST_COLUMNS_OF_WHOLE_BLOCKS = 96
MOST_FEW_OUTPUTS = 16
# Sums in registers (products.py) against BLAS, on one thread: see docs/decisions.md.
ROWS_IN_REGISTERS, INPUTS_IN_REGISTERS, WEIGHT_IN_REGISTERS = 1024, 64, 400_000
ROWS_WORTH_A_COPY, ROWS_WORTH_LAYING_OUT = 24, 16
# The same of the gradient of the inputs (input_gradient.py). With AVX-512 it was not measured.
ROWS_OF_INPUT_GRADIENT, OUTPUTS_OF_INPUT_GRADIENT = 64 if REGISTER == 16 else 512, 4 * REGISTER
COLUMNS_OF_LONG_BLOCKS, LONG_BLOCK, SHORT_BLOCK = 128, 64, 32


def column_lanes(rows: int, inputs: int, outputs: int) -> int:
    """The number of lanes that divide a dense layer's outputs; 0: divide the rows."""
    lanes = min(lanes_for(rows * inputs * outputs), outputs // COLUMNS_WORTH_DIVIDING)
    fewest = ROWS_WORTH_DIVIDING * (2 if inputs * outputs <= SMALL_WEIGHT else MOST_LANES)
    by_rows = rows >= fewest or lanes < 2 or inputs < COLUMNS_WORTH_DIVIDING
    return 0 if by_rows else lanes


def sums_in_registers(rows: int, inputs: int, outputs: int) -> bool:
    """Whether the forward pass keeps its sums in registers (products.py); else it is BLAS's.

    A large weight comes from memory, and a copy of it is then worth its time.
    """
    suited = rows <= ROWS_IN_REGISTERS and inputs >= INPUTS_IN_REGISTERS and fills_tiles(outputs)
    return suited and (copies_columns(rows) or inputs * outputs <= WEIGHT_IN_REGISTERS)


def fills_tiles(outputs: int) -> bool:
    """Whether few columns of the last tile are none of its own."""
    return outputs >= COLUMNS and rounded_up(outputs, COLUMNS) <= 1.3 * outputs


def gradient_in_registers(rows: int, inputs: int, outputs: int) -> bool:
    """Whether the weights' gradient keeps its sums in registers (products.py); else it is BLAS's.

    A large weight was not measured with AVX-512.
    """
    measured = REGISTER < 16 or inputs * outputs <= WEIGHT_IN_REGISTERS
    suited = ROWS_WORTH_LAYING_OUT <= rows <= ROWS_IN_REGISTERS and inputs >= INPUTS_IN_REGISTERS
    return measured and suited and fills_tiles(outputs)


def input_gradient_in_registers(rows: int, outputs: int) -> bool:
    """Whether the gradient of the inputs keeps its sums in registers (input_gradient.py); else it
    is BLAS's.
    """
    return rows <= ROWS_OF_INPUT_GRADIENT and outputs >= OUTPUTS_OF_INPUT_GRADIENT


def copies_columns(rows: int) -> bool:
    """Whether the forward pass copies columns of the weights, for contiguous reading.

    With AVX-512 the copy cost more than it gained.
    """
    return REGISTER < 16 and rows >= ROWS_WORTH_A_COPY


def block_in_registers(outputs: int) -> int:
    """The inputs that are added at a time: their rows of a tile must not fall into the same sets of
    L1, as they do in a wide weight.
    """
    return LONG_BLOCK if outputs <= COLUMNS_OF_LONG_BLOCKS else SHORT_BLOCK


def tiles_in_registers(rows: int, inputs: int, outputs: int) -> int:
    """The tiles of columns that are copied together: as many as leave some for every lane."""
    if not copies_columns(rows):
        return 1
    return max(1, min(TILES, outputs // COLUMNS // lanes_for(rows * inputs * outputs)))


def parts_in_registers(rows: int, inputs: int, outputs: int) -> int:
    """The parts of the images: so many that all lanes have a tile's part."""
    tiles, blocks = -(-outputs // COLUMNS), -(-rows // ROWS)
    return max(1, min(lanes_for(rows * inputs * outputs) // tiles, blocks))


def skips_zero_pixels(nonzero_share: float, pixels: int, outputs: int) -> bool:
    """Whether a first dense layer uses non-zero pixels only (sparse_input.py).

    Listing the pixels takes as long as BLAS takes for ten outputs.
    """
    wide = pixels >= PIXELS_WORTH_LISTING and outputs >= OUTPUTS_WORTH_LISTING
    return wide and nonzero_share <= MOST_NONZERO


def sparse_input_work(pixels: int, outputs: int, nonzero_share: float) -> int:
    """The cost of such a layer for one image, in multiplications of a product."""
    return int(pixels * (5 + 2 * outputs * nonzero_share))


def may_skip_zero_inputs(inputs: int, outputs: int) -> bool:
    """Whether a dense layer of this shape skips zero inputs for some batch (sparse_hidden.py)."""
    if divides_inputs(inputs):
        return 2 * REGISTER <= outputs <= MOST_OUTPUTS_OF_DIVIDED
    return inputs >= INPUTS_WORTH_SKIPPING and sparse_hidden_tile(outputs) >= TILE_WORTH_SKIPPING


def skips_zero_inputs(nonzero: float, rows: int, inputs: int, outputs: int) -> bool:
    """Whether a dense layer skips inputs that are zero (sparse_hidden.py).

    `nonzero` is the share of non-zero inputs. With fewer rows, a weight's row is read for too few
    of them. With more, their gradients do not fit into L1.
    """
    fewest, most = (1, BLOCK) if divides_inputs(inputs) else (ROWS_WORTH_SKIPPING, MOST_SKIPPING)
    suited = fewest <= rows <= most and may_skip_zero_inputs(inputs, outputs)
    large = REGISTER < 16 and inputs * outputs >= LARGE_WEIGHT and not divides_inputs(inputs)
    return suited and nonzero <= (MOST_NONZERO_INPUTS_OF_LARGE if large else MOST_NONZERO_INPUTS)


def divides_inputs(inputs: int) -> bool:
    """Whether lanes divide such a layer's inputs in the forward pass, too; else they divide its
    outputs.

    Faster if the weights do not fit into the caches: they are then read and written once a step.
    """
    return inputs >= INPUTS_WORTH_LISTING


def sparse_hidden_tile(outputs: int) -> int:
    """The columns that such a layer processes at once: as many as leave registers for the rest.

    Of the possible widths, the fastest: every tile finds each non-zero input again, and the last
    one may have columns that do not exist.
    """
    registers = -(-outputs // REGISTER)
    possible = range(min(registers, FEWEST_REGISTERS), MOST_REGISTERS + 1)

    def cost(n: int) -> tuple[int, int]:
        return -(-registers // n) * (n + REGISTERS_OF_AN_INPUT), -n

    return REGISTER * min(possible, key=cost)


def sparse_hidden_block(tile: int) -> int:
    """The inputs processed at once in the forward pass: their part of a tile fits into L1."""
    return BLOCK // 2 if tile > MOST_COLUMNS_OF_WHOLE_BLOCKS else BLOCK


def has_few_outputs(outputs: int) -> bool:
    """Whether a layer has too few outputs for BLAS (few_outputs.py)."""
    return OUTPUTS <= outputs <= MOST_FEW_OUTPUTS


def few_outputs_row(inputs: int) -> int:
    """The elements of a row of the transposed weight of a layer of few outputs."""
    return -(-inputs // WIDE) * WIDE


def few_outputs_work(inputs: int, outputs: int) -> int:
    """The cost of a layer of few outputs for one image, in multiplications of a product."""
    return inputs * outputs


def few_outputs_lanes(rows: int, inputs: int, outputs: int) -> int:
    """The number of lanes that divide the inputs, for the weights' gradient."""
    return min(lanes_for(rows * inputs * outputs), -(-inputs // WIDE))


class InputPlan(NamedTuple):
    """How a layer that skips zero pixels divides its work."""

    tile: int  # columns of W that are processed at once and stored together: a vector
    tiles: int
    listed: int  # images that are listed together
    parts: int  # of a tile: parts of the images (forward), or of the pixels (backward)
    by_column: bool  # forward: lanes divide tiles and their parts; else the rows


def input_plan(rows: int, outputs: int) -> InputPlan:
    """For batches, or parts of batches, of `rows` images, and `outputs` units.

    Few rows: each core has its own tiles, which stay in its cache from step to step. Many rows:
    each core passes its own rows through the network.
    """
    # A row of a tile fills all registers but two: fewer tiles mean fewer loops.
    most = 128 if REGISTER == 16 else 112
    tiles = -(-outputs // most)
    tile = -(-outputs // (tiles * REGISTER)) * REGISTER
    listed = min(rows, LISTED)  # the more images share a row of W, the better
    return InputPlan(tile, tiles, listed, 2 if rows >= 16 else 1, by_column=rows <= 2 * LISTED)


def sparse_input_lanes(
    rows: int, pixels: int, outputs: int, nonzero_share: float, plan: InputPlan
) -> int:
    """The number of lanes that divide the parts of a layer's tiles."""
    work = int(rows * sparse_input_work(pixels, outputs, nonzero_share))
    return min(plan.tiles * plan.parts, lanes_for(work))
