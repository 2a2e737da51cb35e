"""Streams of random numbers outside the kernels, defined by key and counter, without state."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What random numbers are for: each purpose has its own streams for a seed."""

    WEIGHTS = 1
    BIASES = 2
    ORDER = 3
    GRADIENT_CHECK = 4
    LABEL_NOISE = 0x4E_4F_49_53_45
    SHUFFLED_LABELS = 0x4C_41_42_45_4C_53
    PIXELS = 0x50_49_58_45_4C_53
    SHUFFLE_ONCE = 0x53_48_55_46_46_4C_45
    VALIDATION = 0x56_41_4C_49_44


def random_stream(seed: int, purpose: Purpose, index: int = 0) -> np.random.Generator:
    """Philox with the key (seed, purpose) and a counter that begins at (0, 0, index, 0).

    Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
    """
    key = np.array([seed, purpose], np.uint64)
    counter = np.array([0, 0, index, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
