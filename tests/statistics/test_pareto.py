"""Domination ranks, against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.statistics.pareto import domination_ranks


def by_definition(scores: list[tuple[float, ...]]) -> list[int]:
    """Take the points that no other dominates away, again and again."""
    table = np.array(scores)
    left, ranks, rank = set(range(len(scores))), [0] * len(scores), 0
    while left:
        rank += 1
        front = {
            a
            for a in left
            if not any((table[b] >= table[a]).all() and (table[b] > table[a]).any() for b in left)
        }
        for point in front:
            ranks[point] = rank
        left -= front
    return ranks


SCORES = st.integers(1, 4).flatmap(
    lambda count: st.lists(st.tuples(*[st.integers(0, 6)] * count), min_size=1, max_size=30)
)


@given(SCORES)
def test_ranks_are_those_of_the_definition(scores):
    assert domination_ranks(scores) == by_definition(scores)


def test_one_score_orders_all_points_and_equal_ones_share_a_rank():
    assert domination_ranks([(0.5,), (0.9,), (0.5,), (0.1,)]) == [2, 1, 2, 3]


def test_no_point_has_no_rank():
    assert domination_ranks([]) == []


@pytest.mark.parametrize("scores", [[(1, 3), (2, 2), (3, 1)], [(1, 1), (1, 1)]])
def test_points_that_none_dominates_are_all_on_the_front(scores):
    assert set(domination_ranks(scores)) == {1}
