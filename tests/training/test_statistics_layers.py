"""The statistics of a CNN's layers are those of their outputs, whatever follows."""

import numpy as np
import pytest
from engine_helpers import config_of, tensors_of, toy_dataset, trainer_of

from mnistlab.training.statistics import layer_statistics

FOLLOWED_BY = {
    "an activation": [{"activation": "relu"}],
    "a pool": [{"pool": {"type": "max"}}, {"activation": "relu"}],
    "dropout": [{"dropout": 0.3}, {"activation": "relu"}],
    "flatten": ["flatten", {"dense": {"units": 5}}, {"activation": "relu"}],
    "the output layer": [],
}


@pytest.mark.parametrize("following", FOLLOWED_BY.values(), ids=FOLLOWED_BY)
def test_a_convolution_s_statistics_are_those_of_its_own_output(following):
    """A convolution of 1 × 1, whose output is known: 2 x − 1/2, and after a ReLU no less than 0."""
    dataset = toy_dataset()
    layers = [{"conv": {"filters": 1, "kernel": 1}}, *following]
    config = config_of(model={"type": "cnn", "layers": layers}, training={"dtype": "float64"})
    trainer = trainer_of(config, dataset)
    tensors_of(trainer)["conv1.weight"][...] = 2
    tensors_of(trainer)["conv1.bias"][...] = -0.5
    values = 2 * (dataset.train.gather()[0] / 255) - 0.5
    if following == [{"activation": "relu"}]:
        values = np.maximum(values, 0)
    found = layer_statistics(trainer)[0]
    assert found.layer == "conv1"
    assert found.activation_mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.activation_std == pytest.approx(values.std(), rel=1e-12)


@pytest.mark.parametrize("weight", [1e200, np.inf, np.nan])
def test_statistics_of_weights_that_overflow_are_had_without_a_warning(weight):
    trainer = trainer_of(config_of(training={"dtype": "float64"}), toy_dataset())
    tensors_of(trainer)["dense1.weight"][0] = weight
    found = layer_statistics(trainer)[0]
    assert found.layer == "dense1"
    assert not np.isfinite(found.weight_std)
