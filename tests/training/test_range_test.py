"""The range test: rates that rise, losses up to divergence."""

import numpy as np
import pytest
from engine_helpers import mlp_config, toy_dataset, trainer_of

from mnistlab.experiment.runner import with_initial_weights
from mnistlab.training.range_test import (
    DIVERGED,
    HIGHEST,
    LOWEST,
    RATES,
    STEPS,
    STEPS_OF_MEAN,
    RangeTrainer,
)


def range_trainer(config):
    trainer = with_initial_weights(RangeTrainer(config, toy_dataset()))
    trainer.compile()
    return trainer


def test_the_rate_rises_by_one_factor_from_the_lowest_to_the_highest():
    np.testing.assert_allclose([RATES[0], RATES[-1]], [LOWEST, HIGHEST])
    np.testing.assert_allclose(RATES[1:] / RATES[:-1], (HIGHEST / LOWEST) ** (1 / (STEPS - 1)))


@pytest.mark.parametrize("optimizer", [{}, {"momentum": 0.9}, {"type": "adam"}])
def test_a_loss_is_that_of_a_trainer_whose_rates_are_set_by_hand(optimizer):
    config = mlp_config(optimizer=optimizer)
    losses = range_trainer(config).losses()
    plain = trainer_of(config, toy_dataset())
    plain.rates = lambda first, last: RATES[first:last]
    for step in range(250):
        plain.clear_totals()
        plain.train_to(step + 1)
        assert plain.running()[0] == losses[step]


def test_the_schedule_of_the_configuration_plays_no_part():
    constant = range_trainer(mlp_config()).losses()
    cosine = range_trainer(mlp_config(lr_schedule={"type": "cosine"}, optimizer={"lr": 3.0}))
    np.testing.assert_array_equal(cosine.losses(), constant)


def test_a_momentum_that_rises_has_its_last_value():
    ramp = {"momentum": {"from": 0.1, "to": 0.9, "epochs": 2}}
    rising = range_trainer(mlp_config({"epochs": 5}, optimizer=ramp)).losses()
    last = range_trainer(mlp_config({"epochs": 5}, optimizer={"momentum": 0.9})).losses()
    np.testing.assert_array_equal(rising, last)


def test_it_ends_where_the_loss_is_far_above_the_first_ones_or_not_finite():
    seen = []
    config = mlp_config(model={"type": "softmax"}, loss={"reduction": "sum"})
    losses = range_trainer(config).losses(seen.append)
    count = int(np.isfinite(losses).sum())
    assert STEPS_OF_MEAN < count < STEPS
    assert np.isnan(losses[count:]).all()
    assert seen == list(range(1, len(seen) + 1))
    first = losses[:STEPS_OF_MEAN].mean()
    means = [losses[i - STEPS_OF_MEAN : i].mean() for i in range(STEPS_OF_MEAN, count)]
    assert max(means) <= DIVERGED * first
    last = losses[count - STEPS_OF_MEAN : count].mean()
    assert last > DIVERGED * first or len(seen) == count
