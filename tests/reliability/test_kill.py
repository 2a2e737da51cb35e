"""A few rounds of `kill_rounds.py`: killed with -9 at a random moment, resumed, compared."""

import pytest

from tools.kill_rounds import KINDS, rounds


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_at_a_random_moment_ends_on_the_same_bits(kind):
    count = 2 if kind == "mlp" else 1  # the second is killed again once it is resumed
    report = rounds(kind, count)
    assert report.faults == []
    assert report.identical == report.rounds == count
