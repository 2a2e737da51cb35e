"""Networks with batch normalisation: whole batches, running statistics, what is refused."""

from itertools import product

import numpy as np
import pytest
from engine_helpers import config_of, digest, tensors_of, toy_dataset, train, trainer_of

from mnistlab.data import Split
from mnistlab.runtime import builder, lanes
from mnistlab.support.errors import UsageError
from mnistlab.training.lower import lower
from mnistlab.training.statistics import layer_statistics
from mnistlab.training.trainer import Trainer

MLP = {"type": "mlp", "hidden": [9, 8], "batch_norm": True}
MAPS = {
    "type": "cnn",
    "layers": [{"conv": {"filters": 3, "kernel": 3}}, "batch_norm", {"activation": "relu"}],
}
MODELS = {"units": MLP, "maps": MAPS}
BATCH = 20


def trained(model, dataset=None, **training):
    keys = {"batch_size": BATCH, "epochs": 3, "dtype": "float32", **training}
    trainer = trainer_of(config_of(model=model, training=keys), dataset or toy_dataset())
    assert train(trainer)
    return trainer


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_batch_larger_than_a_part_has_the_bits_of_one_that_is_not(monkeypatch, model):
    wanted = digest(trained(model, batch_size="full").params)
    monkeypatch.setattr(builder, "MOST_ROWS", 7)
    assert digest(trained(model, batch_size="full").params) == wanted


def test_the_statistics_are_those_of_the_whole_batch_whatever_the_lanes(monkeypatch):
    monkeypatch.setattr(lanes, "WORK_PER_LANE", 1)
    model = {"type": "cnn", "layers": ["flatten", "batch_norm"]}
    dataset = toy_dataset(train=BATCH)
    images = dataset.train.images[dataset.train.indices].reshape(BATCH, -1) * dataset.scale
    mean, variance = 0.1 * images.mean(axis=0), 0.9 + 0.1 * images.var(axis=0, ddof=1)
    monkeypatch.setattr(lanes, "ROWS_PER_LANE", 1)
    for kernels, most in product(("fast", "plain"), (1, 2, 4, 8)):
        monkeypatch.setattr(lanes, "MOST_LANES", most)
        trainer = trained(model, dataset, epochs=1, kernels=kernels)
        assert max(op.lanes for op in trainer.program.forward) == most
        found = tensors_of(trainer)
        np.testing.assert_allclose(found["batch_norm1.running_mean"], mean, rtol=1e-6)
        np.testing.assert_allclose(found["batch_norm1.running_variance"], variance, rtol=1e-6)


def test_an_image_is_evaluated_by_running_statistics_whatever_the_batch():
    trainer = trained(MLP)
    split = trainer.dataset.train
    alone = Split(split.images, split.labels, split.indices[:1])
    together = trainer.evaluate(split).outputs[0]
    np.testing.assert_allclose(trainer.evaluate(alone).outputs[0], together, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 26])
def test_a_batch_with_one_value_of_a_channel_is_refused(batch_size):
    """53 images: the last batch of 26 has one."""
    config = config_of(model=MLP, training={"batch_size": batch_size})
    with pytest.raises(UsageError, match="batch_norm1 needs at least two values") as refusal:
        Trainer(config, toy_dataset())
    assert str(refusal.value).startswith("model: ")
    Trainer(config_of(model=MAPS, training={"batch_size": batch_size}), toy_dataset())


def test_a_short_last_batch_may_be_dropped_instead():
    trained(MLP, batch_size=26, drop_last=True)


def test_running_statistics_are_no_parameters():
    program = lower(config_of(model=MLP), (6, 6), 4, BATCH)
    layers = [layer for layer in program.layers if layer.kind == "batch_norm"]
    assert [layer.parameters for layer in layers] == [18, 16]
    assert program.parameters == sum(layer.parameters for layer in program.layers)
    updated = {getattr(op.operands, "weight", None) for op in program.step}
    fixed = [tensor for tensor in program.tensors if not tensor.trained]
    assert [tensor.kind for tensor in fixed] == ["running_mean", "running_variance"] * 2
    assert not updated & {tensor.offset for tensor in fixed}


def test_a_network_has_the_same_initial_weights_with_and_without_it():
    with_it, without = (
        tensors_of(trainer_of(config_of(model={**MLP, "batch_norm": given}), toy_dataset()))
        for given in (True, False)
    )
    for name, tensor in without.items():
        np.testing.assert_array_equal(with_it[name], tensor)
    assert set(with_it) - set(without) == {
        f"batch_norm{number}.{kind}"
        for number in (1, 2)
        for kind in ("scale", "shift", "running_mean", "running_variance")
    }


def test_the_row_of_a_layer_has_the_activation_behind_its_normalisation():
    rows = {row.layer: row for row in layer_statistics(trained(MLP))}
    assert list(rows) == ["dense1", "dense2", "dense3"]
    assert rows["dense1"].inactive_share is not None
    assert rows["dense1"].activation_mean > 0  # of a ReLU
