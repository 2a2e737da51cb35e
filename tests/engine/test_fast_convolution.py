"""Convolutions by rows and pools in pairs train as the equations say, where they are chosen."""

import numpy as np
import pytest
from engine_helpers import (
    config_of,
    digest,
    random_tensors,
    toy_dataset,
    train,
    trainer_of,
    write_npz,
)
from layered_oracle import LayeredOracle
from oracle_helpers import assert_engine_follows

from mnistlab.engine.gradcheck import check_gradients
from mnistlab.engine.threads import engine_threads

HEIGHT, WIDTH = 22, 21
# 22 × 21 → 8 × 20 × 19 → 8 × 10 × 9 → 9 × 9 × 8 → 9 × 4 × 4 → 6 → 4: a row of 19 is one vector of
# 32 lanes, one of 8 half a vector of 16; 9 filters are one more than are summed at once.
LAYERS = [
    {"conv": {"filters": 8, "kernel": 3}},
    {"activation": "tanh"},
    {"pool": {"type": "max", "size": 2, "stride": 2}},
    {"conv": {"filters": 9, "kernel": 2, "bias": "per_position"}},
    {"activation": "leaky_relu"},
    {"pool": {"type": "max", "size": 2, "stride": 2}},
    "flatten",
    {"dense": {"units": 6}},
    {"activation": "tanh"},
]
SHAPES = {
    "conv1.weight": (8, 1, 3, 3),
    "conv1.bias": (8,),
    "conv2.weight": (9, 8, 2, 2),
    "conv2.bias": (9, 9, 8),
    "dense1.weight": (144, 6),
    "dense1.bias": (6,),
    "dense2.weight": (6, 4),
    "dense2.bias": (4,),
}
FAST = {
    "direct_forward_32",
    "direct_forward_16",
    "direct_backward_input_16",
    "direct_backward_weights_32",
    "direct_backward_weights_16",
    "max_pool_forward_2",
    "max_pool_backward_2",
}


def prepared(folder, dtype="float64", **sections):
    tensors = random_tensors(SHAPES, scale=0.2)
    path = write_npz(folder / "start.npz", tensors)
    training = {"steps": 30, "batch_size": 10, "shuffle": "none", "dtype": dtype}
    config = config_of(
        model={"type": "cnn", "layers": LAYERS},
        init={"type": "file", "path": str(path)},
        training=training,
        data={"source": "digits"},
        **sections,
    )
    return toy_dataset(side=HEIGHT, width=WIDTH), config, tensors


def names_of(program):
    return {op.function.__name__ for op in (*program.training, *program.gradient)}


@pytest.mark.parametrize(
    "optimizer",
    [{"lr": 0.05}, {"lr": 0.02, "momentum": 0.9}, {"type": "adam", "lr": 0.005}],
    ids=["sgd", "momentum", "adam"],
)
def test_the_engine_trains_as_the_equations_say(optimizer, tmp_path):
    dataset, config, start = prepared(tmp_path, optimizer=optimizer)
    trainer = trainer_of(config, dataset)
    assert names_of(trainer.program) >= FAST
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), 30)


def test_their_gradients_are_right(tmp_path):
    dataset, config, _ = prepared(tmp_path)
    for tensor in check_gradients(config, dataset):
        assert tensor.passed, tensor
        assert tensor.error < 1e-7


def test_no_number_of_threads_changes_a_bit(tmp_path):
    digests = set()
    for threads in (1, 2, 3):
        dataset, config, _ = prepared(tmp_path, dtype="float32")
        with engine_threads(threads):
            trainer = trainer_of(config, dataset)
            assert train(trainer)
        digests.add(digest(trainer.params))
    assert len(digests) == 1
    assert np.isfinite(trainer.params).all()


def test_few_filters_and_other_strides_are_left_to_the_plain_definition(tmp_path):
    layers = [
        {"conv": {"filters": 7, "kernel": 3}},
        {"conv": {"filters": 8, "kernel": 3, "stride": 2}},
        {"conv": {"filters": 8, "kernel": 3, "padding": 1}},
        {"pool": {"type": "max", "size": 3, "stride": 2}},
    ]
    config = config_of(model={"type": "cnn", "layers": layers}, data={"source": "digits"})
    trainer = trainer_of(config, toy_dataset(side=HEIGHT, width=WIDTH))
    assert not names_of(trainer.program) & FAST
