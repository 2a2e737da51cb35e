"""The rates that follow from curves whose fall and edge are known."""

import numpy as np
import pytest

from mnistlab.training.range_test import RATES, STEPS
from mnistlab.training.suggested_rate import RISE, rate_range

FALL, EDGE = 1e-3, 0.3  # where these curves fall most steeply, and rise again


def curve(noise=0.0, seed=0, edge=EDGE, first=2.3, low=0.3):
    """A loss that falls around FALL by a logistic curve, and explodes at `edge`."""
    decades = np.log10(RATES / FALL)
    loss = low + (first - low) / (1 + np.exp(4 * decades))
    loss = loss + noise * np.random.default_rng(seed).standard_normal(STEPS)
    loss[edge < RATES] = 50.0
    loss[np.searchsorted(RATES, edge) + 3 :] = np.nan
    return loss


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_steepest_descent_and_the_edge_are_found_also_under_noise(noise):
    found = rate_range(np.array([curve(noise, seed) for seed in range(3)]))
    assert 0.6 * FALL < found.steepest < 1.6 * FALL
    assert 0.7 * EDGE < found.edge < 1.3 * EDGE
    assert found.suggested == float(f"{np.sqrt(found.steepest * found.edge):.2g}")


def test_one_seed_of_three_that_explodes_early_does_not_count():
    calm = rate_range(np.array([curve(0.05, seed) for seed in range(3)]))
    one = rate_range(np.array([curve(0.05, 0), curve(0.05, 1), curve(0.05, 2, edge=1e-5)]))
    assert 0.7 < one.edge / calm.edge < 1.4


def test_an_explosion_does_not_move_the_edge_whatever_its_size():
    small, large = curve(), curve()
    large[large == 50.0] = 1e30
    assert rate_range(large[None]).edge == rate_range(small[None]).edge


def test_a_loss_that_is_bounded_has_its_edge_where_it_lost_a_share_of_its_fall():
    loss = curve(edge=np.inf)
    loss[RATES > EDGE] = 2.0  # below the first losses
    found = rate_range(loss[None])
    assert found.loss[-1] > 0.3 + RISE * 2.0
    assert 0.7 * EDGE < found.edge < 1.3 * EDGE


def test_without_a_rise_there_is_no_edge_and_the_steepest_descent_counts():
    found = rate_range(curve(0.05, edge=np.inf)[None])
    assert found.edge is None
    assert found.suggested == float(f"{found.steepest:.2g}")


@pytest.mark.parametrize(
    "losses",
    [
        np.full(STEPS, 2.3),
        2.3 + 0.1 * np.random.default_rng(1).standard_normal(STEPS),
        np.full(STEPS, np.nan),
        2.3 + np.linspace(0, 1, STEPS),
    ],
    ids=["flat", "noise", "never finite", "rising"],
)
def test_nothing_is_suggested_if_the_loss_falls_nowhere(losses):
    found = rate_range(losses[None])
    assert (found.steepest, found.edge, found.suggested) == (None, None, None)


def test_the_scale_of_the_loss_does_not_matter():
    one, other = curve(0.02)[None], 1000 * curve(0.02)[None]
    assert rate_range(one).suggested == rate_range(other).suggested
