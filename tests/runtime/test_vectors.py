"""Vectors: what is loaded, stored and summed, and that nothing else is changed."""

import numpy as np
import pytest
from kernel_helpers import DTYPES, TOLERANCE, assert_interpreted_equals_compiled, normal

from mnistlab.runtime.elementary import fma
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.vectors import (
    dot,
    larger,
    load,
    load_pairs,
    lowest_bit,
    prefetch,
    set_bits,
    spread,
    store,
    store_pairs,
    sums_of,
    where_larger,
    without_first,
)

LANES = [8, 16, 88, 112, 128]  # whole pieces, and with half a piece at the end
# The compiler takes longest; in float64, two of them have all kinds of pieces.
LANES_AND_DTYPES = [*((lanes, np.float32) for lanes in LANES), (16, np.float64), (88, np.float64)]
COUNTED, WHOLE, SUMMED, TAKEN_OFF, SPREAD, DOT, WITHOUT = range(7)


def vector_kernel(lanes):
    """Everything that is done with vectors of so many lanes; `work` is one of the names above."""

    @kernel
    def vectors(work, a, b, at, loaded, stored, number, y):
        prefetch(a, at)
        if work == COUNTED:
            store(y, at, load(a, at, lanes, loaded), stored)
        elif work == WHOLE:
            store(y, at, load(a, at, lanes))
        elif work == SUMMED:
            store(y, at, fma(load(a, at, lanes), load(b, at, lanes), load(y, at, lanes)))
        elif work == TAKEN_OFF:
            one = spread(a.dtype.type(1), lanes)
            more = fma(spread(number, lanes), one, load(a, at, lanes))
            store(y, at, fma(spread(-number, lanes), one, more))
        elif work == WITHOUT:
            store(y, at, without_first(load(a, at, lanes), loaded))
        elif work == SPREAD:
            store(y, at, spread(number, lanes))
        else:
            y[at] = dot(load(a, at, lanes), load(b, at, lanes))

    return vectors


KERNELS = {lanes: vector_kernel(lanes) for lanes in LANES}


@kernel
def bits_of(array, at, count):
    bits = set_bits(array, at, count)
    return bits, lowest_bit(bits) if bits != 0 else bits


def both(lanes, work, dtype, at=3, loaded=0, stored=0, number=0.25, a=None, b=None):
    """What the compiled kernel leaves in y, seen to be what the interpreted one does; a, b, y."""
    size = at + lanes + 5

    def make():
        made = [
            normal(size, dtype, seed) if given is None else np.array(given, dtype)
            for seed, given in enumerate((a, b, None))
        ]
        return (work, made[0], made[1], at, loaded, stored, dtype(number), made[2])

    assert_interpreted_equals_compiled(KERNELS[lanes], make)
    _, x, z, *_, before = make()
    arguments = make()
    KERNELS[lanes](*arguments)
    return x, z, before, arguments[-1]


@pytest.mark.parametrize(("lanes", "dtype"), LANES_AND_DTYPES)
def test_of_a_count_of_lanes_so_many_are_loaded_and_stored_and_the_others_are_zero(lanes, dtype):
    counts = [-(2**40), -1, 0, 1, 2, lanes // 2 + 1, lanes - 1, lanes, lanes + 1, 2**40]
    for loaded in counts:
        for stored in counts:
            a, _, before, y = both(lanes, COUNTED, dtype, loaded=loaded, stored=stored)
            there, written = (max(0, min(lanes, count)) for count in (loaded, stored))
            expected = before.copy()
            expected[3 : 3 + written] = np.where(np.arange(lanes) < there, a[3:][:lanes], 0)[
                :written
            ]
            np.testing.assert_array_equal(y, expected, f"{loaded} loaded, {stored} stored")


@pytest.mark.parametrize(("lanes", "dtype"), LANES_AND_DTYPES)
def test_a_vector_is_stored_at_any_offset_and_nowhere_else(lanes, dtype):
    for at in (0, 1, 7, 64):
        a, _, expected, y = both(lanes, WHOLE, dtype, at=at)
        expected[at : at + lanes] = a[at : at + lanes]
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(("lanes", "dtype"), LANES_AND_DTYPES)
def test_fma_spread_and_dot_are_what_they_say(lanes, dtype):
    here, tolerance = slice(3, 3 + lanes), TOLERANCE[np.dtype(dtype)]
    a, b, c, y = both(lanes, SUMMED, dtype)
    exact = a.astype(np.float64) * b + c
    np.testing.assert_allclose(y[here], exact[here], rtol=0, atol=tolerance)
    *_, expected, y = both(lanes, SPREAD, dtype, number=-0.1)
    expected[here] = dtype(-0.1)
    np.testing.assert_array_equal(y, expected)
    a, b, _, y = both(lanes, DOT, dtype)
    exact = float(a[here].astype(np.float64) @ b[here])
    assert y[3] == pytest.approx(exact, abs=lanes * tolerance)


def sums_kernel(lanes):
    """The sums of four neighbouring vectors of so many lanes, in y from `at` on."""

    @kernel
    def sums(a, at, y):
        b, c = load(a, at + lanes, lanes), load(a, at + 2 * lanes, lanes)
        d = load(a, at + 3 * lanes, lanes)
        store(y, at, sums_of(load(a, at, lanes), b, c, d))

    return sums


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_the_sums_of_four_vectors_are_a_vector(lanes, dtype):
    sums = sums_kernel(lanes)

    def make():
        return normal(4 * lanes + 3, dtype), 2, normal(9, dtype, 1)

    assert_interpreted_equals_compiled(sums, make)
    a, at, y = make()
    expected = y.astype(np.float64)
    expected[2:6] = a[2 : 2 + 4 * lanes].astype(np.float64).reshape(4, lanes).sum(axis=1)
    sums(a, at, y)
    np.testing.assert_allclose(y, expected, rtol=0, atol=lanes * TOLERANCE[np.dtype(dtype)])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sum_keeps_its_order_though_fast_math_would_let_it_change(dtype):
    large = dtype(1e30)
    y = both(88, TAKEN_OFF, dtype, number=large)[-1]
    np.testing.assert_array_equal(y[3:91], 0)
    # Halves on halves the large ones meet first; in the order of the lanes 7 would be lost.
    a = np.tile([large, 1, 1, 1, 1, 1, 1, 1], 2)
    a[8] = -large
    assert both(16, DOT, dtype, at=0, a=[*a, *[0] * 5], b=[1] * 21)[-1][0] == 14


@pytest.mark.parametrize("dtype", [np.uint8, *DTYPES])
def test_the_bits_are_those_of_the_elements_that_are_not_zero(dtype):
    rng = np.random.default_rng(0)
    for count in (1, 5, 63, 64):
        for share in (0.0, 0.1, 0.9, 1.0):
            array = np.where(rng.random(80) < share, rng.integers(1, 256, 80), 0).astype(dtype)
            at = int(rng.integers(0, 16))
            assert_interpreted_equals_compiled(
                bits_of, lambda array=array, at=at, count=count: (array, at, count)
            )
            found, lowest = bits_of(array, at, count)
            lit = np.flatnonzero(array[at : at + count])
            assert found == sum(1 << int(k) for k in lit)
            assert lit.size == 0 or lowest == lit[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_and_the_smallest_numbers_are_not_zero_and_minus_zero_is(dtype):
    smallest = np.nextafter(dtype(0), dtype(1))
    array = np.array([0.0, np.nan, -0.0, smallest, -smallest, np.inf, 0], dtype)
    assert bits_of(array, 0, 7)[0] == 0b0111010


@pytest.mark.parametrize(("lanes", "dtype"), LANES_AND_DTYPES)
def test_the_first_lanes_are_blanked(lanes, dtype):
    for count in (-1, 0, 1, 5, lanes - 1, lanes, lanes + 1):
        a, _, expected, y = both(lanes, WITHOUT, dtype, loaded=count)
        expected[3 : 3 + lanes] = np.where(np.arange(lanes) < count, 0, a[3 : 3 + lanes])
        np.testing.assert_array_equal(y, expected)


@kernel
def paired(a, b, at, evens, odds, largest, chosen, y):
    x, other = load_pairs(a, at, 16)
    z = load(b, at, 16)
    store(evens, 0, x)
    store(odds, 0, other)
    store(largest, 0, larger(x, z))
    store(chosen, 0, where_larger(z, x, spread(a.dtype.type(1), 16), spread(a.dtype.type(2), 16)))
    store_pairs(y, at, x, z)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pairs_are_loaded_and_stored(dtype):
    def make():
        return normal(40, dtype), normal(40, dtype, 1), 3, *(
            np.full(16, np.nan, dtype) for _ in range(4)
        ), normal(40, dtype, 2)  # fmt: skip

    assert_interpreted_equals_compiled(paired, make)
    a, b, at, evens, odds, *_, y = arguments = make()
    expected = y.copy()
    paired(*arguments)
    np.testing.assert_array_equal(evens, a[at : at + 32 : 2])
    np.testing.assert_array_equal(odds, a[at + 1 : at + 32 : 2])
    expected[at : at + 32 : 2], expected[at + 1 : at + 32 : 2] = evens, b[at : at + 16]
    np.testing.assert_array_equal(y, expected)


def test_the_larger_of_two_is_that_which_is_nan():
    a, b = np.zeros(40), np.ones(40)
    a[0], b[1], b[2] = np.nan, np.nan, -1
    arguments = [a, b, 0, *np.zeros((4, 16)), np.zeros(40)]
    paired(*arguments)
    largest, chosen = arguments[5:7]
    np.testing.assert_array_equal(largest[:4], [np.nan, np.nan, 0, 1])
    np.testing.assert_array_equal(chosen[:4], [2, 2, 2, 1])
