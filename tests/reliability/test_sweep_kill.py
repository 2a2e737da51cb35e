"""A few rounds of `sweep_kill_rounds.py` and `search_kill_rounds.py`: parent, workers, both killed;
resumed, compared.
"""

import pytest

from tools import search_kill_rounds
from tools.sweep_kill_rounds import rounds


@pytest.mark.slow
def test_a_sweep_killed_at_random_moments_ends_on_the_same_bits():
    # Early, so that it is still at work when the third comes.
    report = rounds(3, ("optimizer.lr=1e-3,1e-4", "seeds=4"), spread=0.15)
    assert report.faults == []
    assert report.identical == report.trials == 8
    assert set(report.kills) == {"parent", "workers", "both"}


@pytest.mark.slow
def test_a_sweep_that_learns_and_prunes_ends_on_the_same_points_stops_and_bits():
    pytest.importorskip("optuna")
    values = (*search_kill_rounds.LEARNING[:4], "method={type: tpe, trials: 8, startup: 3}")
    report = search_kill_rounds.rounds(3, values, spread=0.15)
    assert report.faults == []
    assert report.identical == report.trials == 8
    assert set(report.kills) == {"parent", "workers", "both"}
