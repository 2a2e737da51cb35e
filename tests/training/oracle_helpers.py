"""The engine and the second implementation: the same batches, and their difference at the end."""

import numpy as np
import pytest
from engine_helpers import next_boundary, tensors_of

TOLERANCE = 1e-10


def batches(config, count):
    """The places of each batch of an epoch, in the order of the files."""
    size = count if config.training.batch_size == "full" else config.training.batch_size
    starts = range(0, count, size)
    made = [range(start, min(start + size, count)) for start in starts]
    return [batch for batch in made if len(batch) == size or not config.training.drop_last]


def distance(a, b):
    """The largest difference, relative to the scale of the second."""
    return np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)


def assert_engine_follows(trainer, oracle, steps):
    """Both train `steps` steps, and agree in metrics, tensors, outputs and penalty."""
    config, dataset = trainer.config, trainer.dataset
    indices = dataset.train.indices
    epoch = [indices[list(batch)] for batch in batches(config, len(indices))]
    assert trainer.length.steps_per_epoch == len(epoch)
    while trainer.step < steps:
        trainer.clear_totals()
        oracle.clear()
        assert trainer.train_to(next_boundary(trainer))
        while oracle.step < trainer.step:
            oracle.take_step(epoch[oracle.step % len(epoch)], len(epoch), steps)
        assert trainer.running() == pytest.approx(oracle.running(), rel=TOLERANCE)
    found = tensors_of(trainer)
    assert found.keys() == oracle.tensors.keys()
    for name, expected in oracle.tensors.items():
        assert found[name].shape == expected.shape
        assert distance(found[name], expected) <= TOLERANCE, name
    for split in (dataset.train, dataset.validation, dataset.test):
        evaluation = trainer.evaluate(split)
        loss, accuracy, outputs = oracle.evaluate(split)
        assert evaluation.loss == pytest.approx(loss, rel=TOLERANCE)
        assert evaluation.accuracy == accuracy
        assert distance(evaluation.outputs, outputs) <= TOLERANCE
    assert trainer.penalty() == pytest.approx(oracle.penalty(), rel=TOLERANCE)
