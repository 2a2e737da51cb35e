import numpy as np
import pytest
from engine_helpers import config_of, train, trainer_of

from mnistlab.data import open_source, split
from mnistlab.training.gradcheck import check_gradients

pytestmark = pytest.mark.mnist


@pytest.fixture
def mnist(mnist_data_dir):
    return split(open_source("mnist", data_dir=mnist_data_dir, fetch_missing=False))


def test_an_epoch_of_softmax_regression_is_right_of_nine_in_ten(mnist):
    config = config_of(
        model={"type": "softmax"}, optimizer={"lr": 0.1}, training={"epochs": 1, "batch_size": 32}
    )
    trainer = trainer_of(config, mnist)
    before = trainer.evaluate(mnist.validation)
    assert train(trainer)
    after = trainer.evaluate(mnist.validation)
    assert len(after.labels) == 10_000
    assert before.accuracy < 0.5
    assert after.accuracy > 0.9
    assert after.loss < 0.4
    np.testing.assert_allclose(after.outputs.sum(axis=1), 1, rtol=1e-5)
    loss, accuracy = trainer.running()
    assert loss < 0.6
    assert accuracy > 0.85


@pytest.mark.parametrize(
    "sections",
    [
        {"model": {"type": "softmax"}, "regularization": {"l2": 1e-4}},
        {"model": {"hidden": [128], "activation": "relu"}},
        {"model": {"hidden": [30, 20], "activation": "relu"}, "init": {"type": "zeros"}},
        {
            "model": {"hidden": [64], "activation": "tanh", "output_activation": "sigmoid"},
            "loss": {"type": "binary_cross_entropy"},
        },
        {
            "model": {"hidden": [64], "activation": "sigmoid", "output_activation": "softmax"},
            "loss": {"type": "mse"},
        },
    ],
    ids=["softmax", "relu", "zeros", "bce", "mse"],
)
def test_gradients_on_real_images_are_right(mnist, sections):
    for tensor in check_gradients(config_of(**sections), mnist):
        assert tensor.error <= 1e-6, tensor
        assert tensor.passed
