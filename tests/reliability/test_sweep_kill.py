"""A few rounds of `sweep_kill_rounds.py`: parent, workers, both killed; resumed, compared."""

import pytest

from tools.sweep_kill_rounds import rounds


@pytest.mark.long
def test_a_sweep_killed_at_random_moments_ends_on_the_same_bits():
    # Early, so that it is still at work when the third comes.
    report = rounds(3, ("optimizer.lr=1e-3,1e-4", "seeds=4"), spread=0.15)
    assert report.faults == []
    assert report.identical == report.trials == 8
    assert set(report.kills) == {"parent", "workers", "both"}
