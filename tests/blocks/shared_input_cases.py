"""Cases of the kernels of networks side by side against the interpreted ones."""

import numpy as np
import pytest
from kernel_helpers import normal

from mnistlab.blocks.layers.dense import shared_input, shared_input_ops
from mnistlab.blocks.layers.dense.sparse_input import LISTED, words_of
from mnistlab.runtime.vectors import REGISTER

SIZE, IMAGES, COLUMNS = 75, 5, 13  # pixels that end within a word


def bits(seed=0):
    """The non-zero pixels of IMAGES images, as bits."""
    drawn = np.random.default_rng(seed).integers(0, 2**63, IMAGES * words_of(SIZE))
    return drawn.astype(np.uint64)


def listed(t):
    words = LISTED * shared_input.lane_words.py_func(SIZE) * REGISTER
    return bits(), SIZE, IMAGES, np.ones(words, np.uint64)


def columns(seed):
    return np.random.default_rng(seed).integers(0, 2**32, COLUMNS).astype(np.uint32)


def penalty(t, seed):
    """A strength for each column; every third has none."""
    strengths = np.abs(normal(COLUMNS, t, seed, 1e-3))
    strengths[::3] = 0
    return strengths


def descent(_):
    """Only float32, the dtype of all networks side by side: their steps are dithered."""
    W = normal(SIZE * COLUMNS, np.float32)
    return W, penalty(np.float32, 1), penalty(np.float32, 2), columns(3), columns(4)


def threshold(_):
    W = normal(SIZE * COLUMNS, np.float32, scale=1e-3)
    return W, penalty(np.float32, 1), columns(3), columns(4)


def copied(t):
    return normal(200, t), 3, 40, normal(200, t, 1), 5, 45, 4, 2 * REGISTER + 3


def shared_input_cases():
    yield pytest.param(shared_input.lane_words, lambda t: (SIZE,), id="words of a lane")
    yield pytest.param(shared_input.list_by_lanes, listed, id="pixels listed by lanes")
    yield pytest.param(shared_input.bits_reversed, lambda t: (5,), id="bits reversed")
    yield pytest.param(shared_input.descent_by_columns, descent, id="penalties by columns")
    yield pytest.param(shared_input.threshold_by_columns, threshold, id="thresholds by columns")
    yield pytest.param(shared_input_ops.copy_rows, copied, id="rows copied")
