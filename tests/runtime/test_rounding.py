"""Subnormal numbers are zero where requested, and nowhere else."""

import threading

import numpy as np
import pytest
from kernel_helpers import DTYPES

from mnistlab.runtime import rounding
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.rounding import restore, tiny_to_zero

pytestmark = pytest.mark.skipif(
    not (rounding._X86 or rounding._ARM), reason="nothing is done on this processor"
)


@kernel
def products(x, y, z):
    for i in range(x.size):
        z[i] = x[i] * y[i]


@kernel
def products_without_tiny_ones(x, y, z):
    before = tiny_to_zero()
    products(x, y, z)
    restore(before)


@kernel
def products_within_and_after(x, y, within, after):
    """Requested twice, one inside the other: the inner end is not the end."""
    outer = tiny_to_zero()
    inner = tiny_to_zero()
    products(x, y, within)
    restore(inner)
    products(x, y, after)
    restore(outer)


def factors(dtype):
    """Products that are normal; tiny; of a tiny number; zero; infinite; not a number."""
    tiny = np.finfo(dtype).tiny
    x = np.array([1, tiny, tiny / 4, -tiny, 0, np.inf, np.nan, 2 * tiny], dtype)
    y = np.array([3, 0.5, 1024, 0.5, 5, 2, 1, 0.5], dtype)
    return x, y, np.array([3, 0, 0, 0, 0, np.inf, np.nan, tiny], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_results_and_operands_are_zero_inside_and_normal_afterwards(dtype):
    x, y, flushed = factors(dtype)
    exact = x * y
    assert (exact != flushed)[1:4].all()
    for _ in range(2):
        z = np.empty_like(x)
        products_without_tiny_ones(x, y, z)
        np.testing.assert_array_equal(z, flushed)
        products(x, y, z)
        np.testing.assert_array_equal(z, exact)
        np.testing.assert_array_equal(x * y, exact)


def test_an_inner_end_leaves_the_outer_as_it_was():
    x, y, flushed = factors(np.float64)
    within, after = np.empty_like(x), np.empty_like(x)
    products_within_and_after(x, y, within, after)
    np.testing.assert_array_equal(within, flushed)
    np.testing.assert_array_equal(after, flushed)
    assert (x * y)[1] > 0


def test_other_threads_are_not_concerned():
    x, y, _ = factors(np.float64)
    z, seen = np.empty_like(x), []

    @kernel
    def begun_and_not_ended(x, y, z):
        tiny_to_zero()
        products(x, y, z)

    def run():
        begun_and_not_ended(x, y, z)
        seen.append((x * y)[1])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [0]
    assert (x * y)[1] > 0
