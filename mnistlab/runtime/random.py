"""Counter-based random numbers: the same counter always gives the same number.

There is no state, so threads, order and restarts do not matter.
"""

from mnistlab.runtime.kernel import kernel

MASK = 0xFFFFFFFF


@kernel
def hash32(x: int) -> int:
    """A bijection of [0, 2³²) without visible patterns.

    The low 32 bits of a product are the same whether it overflows (compiled) or not (Python).

    Source: Wellons' search for hash functions, `lowbias32` (2018, public domain).
    """
    x = x ^ (x >> 16)
    x = (x * 0x7FEB352D) & MASK
    x = x ^ (x >> 15)
    x = (x * 0x846CA68B) & MASK
    return x ^ (x >> 16)


@kernel
def stream_key(seed: int, purpose: int, step: int, which: int) -> int:
    """One 32-bit key of a stream of numbers; `which` (0, 1, …) distinguishes a stream's keys."""
    seed, step = int(seed), int(step)  # interpreted, numpy's integers would warn of overflow
    key = hash32((seed & MASK) ^ (which * 0x9E3779B9 & MASK))
    key = hash32((key + (seed >> 32)) & MASK)
    key = hash32((key + purpose) & MASK)
    key = hash32((key + (step & MASK)) & MASK)
    return hash32((key + (step >> 32)) & MASK)


@kernel
def random32(key: int, other_key: int, index: int) -> int:
    """The stream's number at `index`, uniform on [0, 2³²)."""
    return hash32((other_key + hash32((key + index) & MASK)) & MASK)
