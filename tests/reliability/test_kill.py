"""Two rounds of `kill_rounds.py`: killed with -9 at a random moment, resumed, compared.

The run has the most state: Adam's, dropout's and early stopping's. tests/experiment/test_resume.py
stops other networks and optimizers after any step; the tool kills four kinds of run.
"""

import pytest

from tools.kill_rounds import rounds

COUNT = 2  # the second is killed again once it is resumed


@pytest.mark.long
def test_a_run_killed_at_a_random_moment_ends_on_the_same_bits():
    report = rounds("mlp", COUNT)
    assert report.faults == []
    assert report.identical == report.rounds == COUNT
