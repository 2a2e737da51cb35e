"""The second engine's counted random numbers, and its error for what it does not know."""

import numpy as np

WORD = 2**32


class NoEquationError(Exception):
    """A value of the configuration that the second engine does not know."""

    def __init__(self, key, value):
        super().__init__(
            f"the second engine has no equation for {key} {value!r}: "
            "write it in tests/training/ from docs/maths.md"
        )


def hashed(x):
    """lowbias32 of uint64 numbers below 2³²."""
    x = np.asarray(x, np.uint64)
    x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x7FEB352D)) % np.uint64(WORD)
    x = ((x ^ (x >> np.uint64(15))) * np.uint64(0x846CA68B)) % np.uint64(WORD)
    return x ^ (x >> np.uint64(16))


def keys_of(seed, stream, step):
    """The two keys of a stream of random numbers."""
    keys = []
    for constant in (0, 0x9E3779B9):
        key = hashed(seed % WORD ^ constant)
        for word in (seed // WORD, stream, step % WORD, step // WORD):
            key = hashed((int(key) + word) % WORD)
        keys.append(int(key))
    return keys


def numbers_of(keys, places):
    """The numbers of a stream at these places, uint64 below 2³²."""
    inner = hashed((np.asarray(places, np.uint64) + np.uint64(keys[0])) % np.uint64(WORD))
    return hashed((inner + np.uint64(keys[1])) % np.uint64(WORD))
