"""The counter-based random numbers: their definition, and that they show no pattern."""

import math

import numpy as np
import pytest

from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.random import MASK, hash32, random32, stream_key

COUNT = 100_000
PINNED_HASHES = [0, 1753845952, 3507691905, 1734902346]
PINNED_KEYS = [604019821, 2526986546, 1755672835, 3369107910]
PINNED_STREAM = [1595291474, 19046421, 1463791506, 2105460882]


@kernel
def fill(key, other_key, first, numbers):
    for i in range(numbers.size):
        numbers[i] = random32(key, other_key, first + i)


def stream(seed=0, purpose=1, step=0, first=0, count=COUNT):
    """A stream's numbers from `first` on, as dropout makes its keys."""
    numbers = np.empty(count, np.int64)
    keys = [stream_key(seed, purpose, step, which) for which in (0, 1)]
    fill(*keys, first, numbers)
    return numbers


def lowbias32(x):
    """The hash as it was published, in 32-bit arithmetic that wraps."""
    x = np.array(x, np.uint32)
    x ^= x >> 16
    x *= np.uint32(0x7FEB352D)
    x ^= x >> 15
    x *= np.uint32(0x846CA68B)
    x ^= x >> 16
    return x


def undone(x):
    """The published inverse of the hash."""
    x = np.array(x, np.uint32)
    x ^= x >> 16
    x *= np.uint32(0x43021123)
    x ^= (x >> 15) ^ (x >> 30)
    x *= np.uint32(0x1D69E2A5)
    x ^= x >> 16
    return x


def some_numbers():
    drawn = np.random.default_rng(0).integers(0, 2**32, 2000)
    return [0, 1, 2, 2**31 - 1, 2**31, MASK, *map(int, drawn)]


def test_the_hash_is_lowbias32():
    numbers = some_numbers()
    assert [hash32(x) for x in numbers] == lowbias32(numbers).tolist()


def test_the_hash_has_an_inverse():
    numbers = some_numbers()
    assert undone([hash32(x) for x in numbers]).tolist() == numbers


def test_a_bit_of_the_input_turns_half_the_bits_of_the_hash():
    numbers = np.array(some_numbers(), np.uint32)
    for bit in range(32):
        turned = lowbias32(numbers) ^ lowbias32(numbers ^ np.uint32(1 << bit))
        share = np.unpackbits(turned.view(np.uint8)).mean()
        assert abs(share - 0.5) < 0.01


def test_a_number_is_hashed_with_each_key_in_turn():
    for key, other, index in [(0, 0, 0), (3, 5, 7), (MASK, 9, 4), (11, MASK, 2**32 + 1)]:
        inner = int(lowbias32((key + index) % 2**32))
        assert random32(key, other, index) == int(lowbias32((other + inner) % 2**32))


def key_by_words(seed, purpose, step, which):
    """Seed, purpose and step hashed in turn, 32 bits at a time, the low ones first."""
    key = int(lowbias32((seed % 2**32) ^ (which * 0x9E3779B9 % 2**32)))
    for word in (seed >> 32, purpose, step % 2**32, step >> 32):
        key = int(lowbias32((key + word) % 2**32))
    return key


@pytest.mark.parametrize("seed", [0, 1, MASK, 2**32, 2**63 - 1])
def test_a_key_is_the_words_of_seed_purpose_and_step_hashed_in_turn(seed):
    for purpose, step, which in [(0, 0, 0), (1, 0, 1), (7, 2**31, 0), (3, 2**40 + 1, 1)]:
        expected = key_by_words(seed, purpose, step, which)
        assert stream_key(seed, purpose, step, which) == expected


def test_the_numbers_stay_what_they_are():
    """Runs must be repeatable bit by bit: these values must never change."""
    assert [hash32(x) for x in (0, 1, 2, MASK)] == PINNED_HASHES
    assert [stream_key(0, 1, 0, 0), stream_key(0, 1, 0, 1)] == PINNED_KEYS[:2]
    assert [stream_key(42, 3, 1000, 0), stream_key(2**40, 1, 2**33, 1)] == PINNED_KEYS[2:]
    assert stream(seed=42, purpose=3, step=1000, count=4).tolist() == PINNED_STREAM


def test_seed_purpose_step_and_which_all_change_the_pair_of_keys():
    pairs = {
        (stream_key(seed, purpose, step, 0), stream_key(seed, purpose, step, 1))
        for seed in [*range(10), 2**32, 2**32 + 1, 2**62]
        for purpose in range(1, 8)
        for step in [*range(100), 2**32, 2**32 + 1]
    }
    assert len(pairs) == 13 * 7 * 102
    assert all(key != other for key, other in pairs)


def test_a_number_depends_on_its_place_alone_not_on_where_one_begins():
    np.testing.assert_array_equal(stream(first=1234, count=500), stream()[1234:1734])


def assert_uniform(counts):
    """Chi-squared of counts that should be equal: within five standard deviations of its mean."""
    expected, freedom = counts.sum() / counts.size, counts.size - 1
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_squared - freedom) < 5 * math.sqrt(2 * freedom)


@pytest.mark.parametrize("seed", [0, 1, 2**33])
@pytest.mark.parametrize("step", [0, 1, 1000])
def test_every_byte_of_a_stream_is_uniform(seed, step):
    numbers = stream(seed=seed, step=step)
    assert numbers.min() >= 0
    assert numbers.max() <= MASK
    for shift in (0, 8, 16, 24):
        assert_uniform(np.bincount((numbers >> shift) & 255, minlength=256))


# Two streams that might be related: the same counter, or the next one.
RELATED = {
    "the next step": {"step": 1},
    "the next stream": {"purpose": 2},
    "the next seed": {"seed": 1},
    "a seed's higher word": {"seed": 2**32},
    "a step's higher word": {"step": 2**32},
    "the other key's constant as seed": {"seed": 0x9E3779B9},
}


@pytest.mark.parametrize("other", RELATED.values(), ids=RELATED)
@pytest.mark.parametrize("shift", [-28, -1, 0, 1, 28])
def test_streams_are_independent_of_their_neighbours(other, shift):
    a, b = stream(first=100), stream(first=100 + shift, **other)
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(COUNT)
    # The joint counts of their highest four bits.
    assert_uniform(np.bincount((a >> 28) * 16 + (b >> 28), minlength=256))


@pytest.mark.parametrize("lag", [1, 2, 3, 7, 28, 32, 128, 784, 4096])
def test_places_of_a_stream_are_independent_of_those_near(lag):
    numbers = stream()
    a, b = numbers[:-lag], numbers[lag:]
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(COUNT)
    assert_uniform(np.bincount((a >> 28) * 16 + (b >> 28), minlength=256))
