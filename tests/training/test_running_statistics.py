"""Running statistics measured with given weights: bits on threads, what they depend on."""

import numpy as np
import pytest
from engine_helpers import config_of, digest, toy_dataset, train, trainer_of

from mnistlab.runtime import lanes
from mnistlab.runtime.threads import engine_threads
from mnistlab.training.running_statistics import measure_running_statistics

MLP = {"type": "mlp", "hidden": [9, 8], "batch_norm": True, "dropout": 0.2}
CNN = {
    "type": "cnn",
    "layers": [{"conv": {"filters": 3, "kernel": 3}}, "batch_norm", {"activation": "relu"}],
}
AUGMENT = [{"affine": {"rotate": 10, "shift": 1}}]


def measured(model, threads=2, **sections):
    """A trainer after training, with its statistics measured once more; and those before."""
    training = {"batch_size": 20, "epochs": 2, "dtype": "float32"}
    with engine_threads(threads):
        trainer = trainer_of(config_of(model=model, training=training, **sections), toy_dataset())
        assert train(trainer)
        before = trainer.params.copy()
        measure_running_statistics(trainer)
    return trainer, before


@pytest.mark.parametrize("augment", [[], AUGMENT], ids=["images", "augmented"])
@pytest.mark.parametrize("model", [MLP, CNN], ids=["units", "maps"])
def test_one_two_and_three_threads_measure_the_same_bits(monkeypatch, model, augment):
    monkeypatch.setattr(lanes, "WORK_PER_LANE", 1)
    monkeypatch.setattr(lanes, "ROWS_PER_LANE", 1)
    trainers = [measured(model, threads, data={"augment": augment})[0] for threads in (1, 2, 3)]
    assert max(op.lanes for op in trainers[0].program.forward) >= 3
    assert len({digest(trainer.params) for trainer in trainers}) == 1


@pytest.mark.parametrize("kernels", ["fast", "plain"])
def test_a_second_measurement_changes_nothing_and_weights_are_never_changed(kernels):
    training = {"batch_size": 20, "epochs": 2, "dtype": "float32", "kernels": kernels}
    trainer = trainer_of(config_of(model=MLP, training=training), toy_dataset())
    assert train(trainer)
    totals, before = trainer.memory.totals.copy(), trainer.params.copy()
    measure_running_statistics(trainer)
    once = trainer.params.copy()
    measure_running_statistics(trainer)
    np.testing.assert_array_equal(trainer.params, once)
    np.testing.assert_array_equal(trainer.memory.totals, totals)
    for tensor in trainer.program.tensors:
        own = slice(tensor.offset, tensor.offset + tensor.size)
        assert np.array_equal(before[own], once[own]) == tensor.trained


def test_a_network_without_statistics_stays_as_it_is():
    trainer, before = measured({"type": "mlp", "hidden": [9]})
    np.testing.assert_array_equal(trainer.params, before)
