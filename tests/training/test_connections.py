"""Convolutions whose filters see some of the input maps: the weights of the others are 0."""

import numpy as np
import pytest
from engine_helpers import config_of, tensors_of, toy_dataset, train, trainer_of, write_npz

from mnistlab.blocks.layers.conv2d import ops
from mnistlab.blocks.optimizers import OPTIMIZERS
from mnistlab.support.errors import UsageError
from mnistlab.training.gradcheck import check_gradients
from mnistlab.training.statistics import layer_statistics

CHANNELS, FILTERS = 8, 16
SEEN = [sorted({f % 8, (f + 1) % 8, (f * 3 + 2) % 8}) for f in range(FILTERS)]
ABSENT = np.array([[c not in maps for c in range(CHANNELS)] for maps in SEEN])
PRESENT = int((~ABSENT).sum())
# Wide enough for the fastest kernels, which know nothing of absent connections.
MODEL = {
    "type": "cnn",
    "layers": [
        {"conv": {"filters": CHANNELS, "kernel": 3, "padding": 1}},
        {"activation": "relu"},
        {"conv": {"filters": FILTERS, "kernel": 3, "connections": SEEN}},
        {"activation": "relu"},
    ],
}
PENALTIES = [
    {},
    {"l1": 1e-3, "l2": 1e-3, "mode": "gradient"},
    {"l1": 1e-3, "l2": 1e-3, "mode": "step"},
    {"l1": 1e-3, "mode": "proximal"},
    {"max_norm": 0.5},
]


def sections(**keys):
    training = {"epochs": 2, "batch_size": 20, **keys.pop("training", {})}
    return {"model": MODEL, "data": {"source": "digits"}, "training": training, **keys}


def trainer(**keys):
    return trainer_of(config_of(**sections(**keys)), toy_dataset(side=9))


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS.blocks))
@pytest.mark.parametrize("regularization", PENALTIES, ids=str)
def test_absent_weights_are_exactly_zero_before_and_after_training(optimizer, regularization):
    one = trainer(optimizer=optimizer, regularization=regularization)
    before = tensors_of(one)["conv2.weight"].copy()
    assert (before[ABSENT] == 0).all()
    assert (before[~ABSENT] != 0).all()
    assert train(one)
    after = tensors_of(one)["conv2.weight"]
    assert (after[ABSENT] == 0).all()
    assert (after[~ABSENT] != before[~ABSENT]).mean() > 0.9


@pytest.mark.parametrize("kernels", ["fast", "plain"])
def test_the_gradient_of_absent_weights_is_exactly_zero(kernels):
    one = trainer(training={"kernels": kernels})
    assert train(one)
    spec = next(spec for spec in one.program.tensors if spec.name == "conv2.weight")
    gradient = one.last_gradient()[spec.offset : spec.offset + spec.size].reshape(spec.shape)
    assert (gradient[ABSENT] == 0).all()
    assert (gradient[~ABSENT] != 0).mean() > 0.9


def test_parameters_are_counted_and_described_without_absent_connections():
    one = trainer()
    (layer,) = [layer for layer in one.program.layers if layer.name == "conv2"]
    assert layer.parameters == PRESENT * 9 + FILTERS
    assert one.program.parameters == sum(layer.parameters for layer in one.program.layers)
    assert next(s for s in layer_statistics(one) if s.layer == "conv2").zero_share == 0


def test_weights_are_drawn_for_the_mean_number_of_connections_of_a_filter():
    spec = next(spec for spec in trainer().program.tensors if spec.name == "conv2.weight")
    assert spec.fan_in == round(PRESENT * 9 / FILTERS)
    assert spec.fan_out == round(PRESENT * 9 / CHANNELS)


def test_stored_weights_of_absent_connections_are_refused(tmp_path):
    tensors = {name: one.copy() for name, one in tensors_of(trainer()).items()}
    path = write_npz(tmp_path / "start.npz", tensors)
    fits = trainer(init={"type": "file", "path": str(path)})
    np.testing.assert_array_equal(tensors_of(fits)["conv2.weight"], tensors["conv2.weight"])
    tensors["conv2.weight"][ABSENT] = 0.1
    write_npz(path, tensors)
    with pytest.raises(UsageError, match=r"conv2\.weight has weights for connections that"):
        trainer(init={"type": "file", "path": str(path)})


def test_an_input_map_that_there_is_not_is_refused():
    first = {"conv": {"filters": 2, "kernel": 3, "connections": [[0], [1]]}}
    with pytest.raises(
        UsageError, match=r"layers\.0\.conv\.connections: found input map 1, but the layer has 1 "
    ):
        trainer_of(
            config_of(**sections() | {"model": {"type": "cnn", "layers": [first]}}),
            toy_dataset(side=9),
        )


def test_check_calls_a_gradient_of_an_absent_connection_wrong(monkeypatch):
    def leave(op, m, lane, step, first, rows):
        m.grads[op.begin] = 1e-9

    left = type(ops.clear_gradient)(leave, parallel=False, is_view=False)
    config, dataset = config_of(**sections()), toy_dataset(side=9)
    assert all(one.passed for one in check_gradients(config, dataset))
    monkeypatch.setattr(ops, "clear_gradient", left)
    wrong = {one.name for one in check_gradients(config, dataset) if one.verdict == "wrong"}
    assert wrong == {"conv2.weight"}
