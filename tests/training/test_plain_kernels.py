"""`training.kernels: plain` trains with the plain definitions, to the same weights
up to rounding.
"""

import numpy as np
import pytest
from engine_helpers import config_of, dark_dataset, train, trainer_of
from fast_path_helpers import cnn, mlp, skip_zeros_of_few

PLAIN = {
    "dense_forward",
    "dense_backward_weights",
    "dense_backward_input",
    "conv2d_forward",
    "conv2d_backward_weights",
    "conv2d_backward_input",
    "sum_lane_grads",
    "max_pool_forward",
    "max_pool_backward",
}
# Ops that have one form only.
OTHERS = {
    "gather",
    "activation_forward",
    "activation_backward",
    "dropout_forward",
    "dropout_backward",
    "cross_entropy_head",
    "record_batch",
    "sgd",
    "momentum",
    "penalty_gradient",
}
POOLED = {
    "type": "cnn",
    "layers": [
        {"conv": {"filters": 8, "kernel": 2}},
        {"activation": "tanh"},
        {"pool": {"size": 2}},
        {"conv": {"filters": 9, "kernel": 2}},
    ],
}
MODELS = {
    "sparse input": mlp(40, dropout=0.2),
    "tiles": mlp(200),
    "few outputs": mlp(9, 7),
    "behind a relu": cnn(64),
    "convolutions and pools": POOLED,
}


@pytest.mark.parametrize("optimizer", [{"lr": 0.1}, {"lr": 0.05, "momentum": 0.9}], ids=str)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_plain_kernels_train_to_the_same_weights(monkeypatch, model, optimizer):
    skip_zeros_of_few(monkeypatch)
    dataset = dark_dataset(side=36 if model is POOLED else 9)

    def trained(kernels):
        training = {"epochs": 1, "batch_size": 20, "dtype": "float64", "kernels": kernels}
        penalty = {"l2": 1e-3}
        trainer = trainer_of(
            config_of(model=model, optimizer=optimizer, training=training, regularization=penalty),
            dataset,
        )
        assert train(trainer)
        return trainer

    plain, fast = trained("plain"), trained("fast")
    names = {op.function.__name__ for op in plain.program.training["step"]}
    assert names <= PLAIN | OTHERS
    assert {op.function.__name__ for op in fast.program.training["step"]} - PLAIN - OTHERS
    assert not plain.program.pack
    for tensor in plain.program.tensors:
        part = slice(tensor.offset, tensor.offset + tensor.size)
        np.testing.assert_allclose(plain.params[part], fast.params[part], rtol=1e-9, atol=1e-11)
    plain_loss, fast_loss = (each.evaluate(dataset.test).loss for each in (plain, fast))
    assert plain_loss == pytest.approx(fast_loss, rel=1e-10)
