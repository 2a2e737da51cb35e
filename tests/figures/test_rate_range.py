import numpy as np
import pytest
from figure_helpers import faults

from mnistlab.figures.rate_range import rate_range as drawn
from mnistlab.training.range_test import RATES, STEPS
from mnistlab.training.suggested_rate import rate_range


def losses(seeds, edge=0.3):
    rng = np.random.default_rng(2)
    fall = 0.3 + 2 / (1 + np.exp(4 * np.log10(RATES / 1e-3)))
    values = fall + 0.05 * rng.standard_normal((seeds, STEPS))
    values[:, edge < RATES] = np.nan
    return values


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("edge", [0.3, np.inf])
def test_the_figure_shows_the_curve_and_the_rates(seeds, edge):
    found = rate_range(losses(seeds, edge))
    figure = drawn(found, 0.05, "a run")
    assert faults(figure) == []
    axes = figure.axes[1]
    curves = [line for line in axes.lines if len(line.get_xdata()) == STEPS]
    assert len(curves) == seeds + 1
    np.testing.assert_array_equal(curves[-1].get_ydata(), found.loss)
    uprights = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2]
    rates = [found.steepest, found.suggested, found.edge, 0.05]
    assert uprights == [rate for rate in rates if rate is not None]
    assert f"{found.suggested:g} is suggested" in figure.words.heading


def test_a_test_without_a_fall_and_one_without_any_loss_can_be_drawn():
    for values in (np.full((2, STEPS), 2.3), np.full((2, STEPS), np.nan)):
        figure = drawn(rate_range(values), 0.05, "a run")
        assert faults(figure) == []
        assert figure.words.alt.endswith("The loss does not fall at any rate.")
