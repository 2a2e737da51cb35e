"""A few rounds of `kill_rounds.py`: parent, workers and both killed with -9, resumed, compared."""

import pytest
from kill_rounds import rounds


@pytest.mark.slow
def test_a_sweep_killed_at_random_moments_ends_on_the_same_bits():
    # Early, so that it is still at work when the third comes.
    report = rounds(3, ("optimizer.lr=1e-3,1e-4", "seeds=3"), spread=0.4)
    assert report.faults == []
    assert report.identical == report.trials == 6
    assert set(report.kills) == {"parent", "workers", "both"}
