"""Explicit vectors, for kernels that must not depend on the compiler's auto-vectorisation.

A vector has `lanes` adjacent elements of an array and uses as many of the processor's registers as
needed: 64 float32 are four registers of AVX-512, eight of AVX2. `lanes` is a constant of the
kernel, a multiple of 4. Interpreted, a vector is a small numpy array.

vectors_compiled.py has the compiled versions.

At the end of an array, `count` is the number of lanes that exist. The others are loaded as zero and
not stored; a `count` of 0 or less touches no memory.
"""

from typing import Any

import numpy as np

from mnistlab.runtime.arithmetic import compiles_for

# The float32 numbers in a register of the processor that the compiler has been told of.
REGISTER = 16 if compiles_for("avx512f") else 8


def in_register(array: np.ndarray) -> int:
    """The numbers of the array's dtype in a register of that processor."""
    return REGISTER * 4 // array.itemsize


def load(array: np.ndarray, at: Any, lanes: int, count: int | None = None) -> np.ndarray:
    """The elements [at, at + lanes) of array (n,), or the first `count` of them."""
    vector = np.zeros(lanes, array.dtype)
    present = lanes if count is None else max(0, min(lanes, count))
    vector[:present] = array[at : at + present]
    return vector


def store(array: np.ndarray, at: Any, vector: np.ndarray, count: int | None = None) -> None:
    """Write a vector to [at, at + lanes) of array (n,), or the first `count` of its elements."""
    present = vector.size if count is None else max(0, min(vector.size, count))
    array[at : at + present] = vector[:present]


def spread(value: Any, lanes: int) -> np.ndarray:
    """The same number in every lane."""
    return np.full(lanes, value)


def load_pairs(array: np.ndarray, at: Any, lanes: int) -> tuple[np.ndarray, np.ndarray]:
    """The elements at, at + 2, … of array (n,), and the elements at + 1, at + 3, …"""
    pairs = array[at : at + 2 * lanes].reshape(lanes, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def store_pairs(array: np.ndarray, at: Any, a: np.ndarray, b: np.ndarray) -> None:
    """Write a₀ b₀ a₁ b₁ … to array (n,) from `at` on."""
    array[at : at + 2 * a.size] = np.stack([a, b], axis=1).ravel()


def larger(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The larger of two numbers in each lane, or NaN if one of them is NaN."""
    return np.where((b > a) | (b != b), b, a)


def where_larger(b: np.ndarray, a: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x in the lanes where b > a, else y."""
    return np.where(b > a, x, y)


def dot(a: np.ndarray, b: np.ndarray) -> Any:
    """Σ aᵢ bᵢ."""
    return (a * b).sum()


def sums_of(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """The sum of each of four vectors of at most 16 lanes, as a vector of 4."""
    return np.array([a.sum(), b.sum(), c.sum(), d.sum()], a.dtype)


def without_first(vector: np.ndarray, count: int) -> np.ndarray:
    """The vector with its first `count` lanes set to zero."""
    return np.where(np.arange(vector.size) < count, vector.dtype.type(0), vector)


def set_bits(array: np.ndarray, at: int, count: int) -> Any:
    """Which of the elements [at, at + count) of array (n,) are not zero: bit i for at + i.

    `count` is 1 to 64. NaN is not zero.
    """
    return sum(1 << i for i in range(count) if array[at + i] != 0)


def lowest_bit(bits: Any) -> Any:
    """The index of the lowest bit set in `bits`, which is not zero."""
    return (int(bits) & -int(bits)).bit_length() - 1


def prefetch(array: np.ndarray, at: int) -> None:
    """Tell the processor that element `at` of array (n,) will soon be read."""
