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

from mnistlab.blocks.layers.conv2d import choice
from mnistlab.runtime.threads import engine_threads
from mnistlab.training.gradcheck import check_gradients


@pytest.fixture(autouse=True)
def squares_for_the_gradient(monkeypatch):
    """With AVX2, too, where they are not chosen."""
    monkeypatch.setattr(choice, "GRADIENT_SQUARES", 0.1)


HEIGHT, WIDTH = 40, 39
# 40 × 39 → 8 × 38 × 37 → 8 × 19 × 18 → 9 × 18 × 17 → 9 × 9 × 8 → 6 → 4: rows end within a vector,
# and 9 filters are one more than are summed at once.
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
    "conv2.bias": (9, 18, 17),
    "dense1.weight": (648, 6),
    "dense1.bias": (6,),
    "dense2.weight": (6, 4),
    "dense2.bias": (4,),
}
BACK = "backward_input_without_patches"
FAST = {
    "forward_without_patches",
    "backward_weights_without_patches",
    "max_pool_forward_2",
    "max_pool_backward_2",
}


def convolutional(folder, layers, shapes, scale, training, dtype, **sections):
    """(configuration, start): a CNN that starts from drawn weights and takes images in order."""
    start = random_tensors(shapes, scale=scale)
    config = config_of(
        model={"type": "cnn", "layers": layers},
        init={"type": "file", "path": str(write_npz(folder / "start.npz", start))},
        training={"shuffle": "none", "dtype": dtype, **training},
        data={"source": "digits"},
        **sections,
    )
    return config, start


def prepared(folder, dtype="float64", batch=10, **sections):
    training = {"steps": 30, "batch_size": batch}
    config, start = convolutional(folder, LAYERS, SHAPES, 0.2, training, dtype, **sections)
    return toy_dataset(side=HEIGHT, width=WIDTH), config, start


def names_of(program):
    return {op.function.__name__ for op in (*program.training["step"], *program.gradient)}


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


def test_too_few_images_for_a_tile_train_by_rows_as_the_equations_say(tmp_path):
    dataset, config, start = prepared(tmp_path, batch=3)
    trainer = trainer_of(config, dataset)
    assert names_of(trainer.program) >= {*FAST, BACK}
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), 30)


def test_other_pools_and_one_image_to_three_maps_are_left_to_the_plain_definition():
    layers = [
        {"conv": {"filters": 3, "kernel": 3, "padding": 1}},
        {"pool": {"type": "max", "size": 3, "stride": 2}},
    ]
    config = config_of(
        model={"type": "cnn", "layers": layers},
        data={"source": "digits"},
        training={"batch_size": 1, "epochs": 1},
    )
    trainer = trainer_of(config, toy_dataset(side=HEIGHT, width=WIDTH))
    assert not names_of(trainer.program) & ({*FAST, BACK} | SIDE_BY_SIDE)


# 20 × 37 → 6 × 10 × 19 → 7 × 10 × 19 → 5 × 9 × 18 → 4: fewer filters than eight, padding, a stride.
FEW = [
    {"conv": {"filters": 6, "kernel": 5, "padding": 2, "stride": 2}},
    {"activation": "tanh"},
    {"conv": {"filters": 7, "kernel": 3, "padding": 1, "bias": "per_position"}},
    {"activation": "relu"},
    {"conv": {"filters": 5, "kernel": 2, "bias": "none"}},
    {"activation": "tanh"},
]
FEW_SHAPES = {
    "conv1.weight": (6, 1, 5, 5),
    "conv1.bias": (6,),
    "conv2.weight": (7, 6, 3, 3),
    "conv2.bias": (7, 10, 19),
    "conv3.weight": (5, 7, 2, 2),
    "dense1.weight": (810, 4),
    "dense1.bias": (4,),
}


def few(folder, dtype="float64", batch=3, **sections):
    training = {"steps": 20, "batch_size": batch}
    config, start = convolutional(folder, FEW, FEW_SHAPES, 0.2, training, dtype, **sections)
    return toy_dataset(side=20, width=37), config, start


@pytest.mark.parametrize("batch", [1, 3])
def test_few_images_train_by_rows_with_padding_and_stride_as_the_equations_say(batch, tmp_path):
    dataset, config, start = few(tmp_path, batch=batch, optimizer={"lr": 0.05, "momentum": 0.9})
    trainer = trainer_of(config, dataset)
    names = names_of(trainer.program)
    assert names >= {"forward_without_patches", "backward_weights_without_patches", BACK}
    assert not [name for name in names if name.startswith("conv2d")]
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), 20)


SIDE_BY_SIDE = {
    "forward_side_by_side",
    "backward_input_side_by_side",
    "backward_weights_side_by_side",
}
# 10 × 11 → 6 × 10 × 11 → 6 × 5 × 5 → 7 × 3 × 3 → 4; a batch of 37 is a ragged number of tiles.
TILED = [
    {"conv": {"filters": 6, "kernel": 5, "padding": 2}},
    {"activation": "tanh"},
    {"pool": {"type": "average", "size": 2, "stride": 2}},
    {"conv": {"filters": 7, "kernel": 3, "padding": 1, "stride": 2, "bias": "per_position"}},
    {"activation": "relu"},
]
TILED_SHAPES = {
    "conv1.weight": (6, 1, 5, 5),
    "conv1.bias": (6,),
    "conv2.weight": (7, 6, 3, 3),
    "conv2.bias": (7, 3, 3),
    "dense1.weight": (63, 4),
    "dense1.bias": (4,),
}


def tiled(folder, dtype="float64", **sections):
    training = {"steps": 20, "batch_size": 37}
    config, start = convolutional(folder, TILED, TILED_SHAPES, 0.2, training, dtype, **sections)
    return toy_dataset(side=10, width=11), config, start


@pytest.mark.parametrize("optimizer", [{"lr": 0.05}, {"type": "adam", "lr": 0.005}])
def test_images_side_by_side_train_as_the_equations_say(optimizer, tmp_path):
    dataset, config, start = tiled(tmp_path, optimizer=optimizer)
    trainer = trainer_of(config, dataset)
    assert names_of(trainer.program) >= SIDE_BY_SIDE
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), 20)


FEWER_PRODUCTS = {
    "forward_fewer_products",
    "backward_input_fewer_products",
    "backward_weights_fewer_products",
}
# 10 × 9 → 8 × 10 × 9 → 33 × 10 × 9 → 32 × 8 × 7 → 4: odd sides, and as many maps as are worth it.
SQUARED = [
    {"conv": {"filters": 8, "kernel": 3, "padding": 1}},
    {"activation": "tanh"},
    {"conv": {"filters": 33, "kernel": 3, "padding": 1, "bias": "per_position"}},
    {"activation": "tanh"},
    {"conv": {"filters": 32, "kernel": 3}},
    {"activation": "relu"},
]
SQUARED_SHAPES = {
    "conv1.weight": (8, 1, 3, 3),
    "conv1.bias": (8,),
    "conv2.weight": (33, 8, 3, 3),
    "conv2.bias": (33, 10, 9),
    "conv3.weight": (32, 33, 3, 3),
    "conv3.bias": (32,),
    "dense1.weight": (1792, 4),
    "dense1.bias": (4,),
}


def squared(folder, dtype="float64", **sections):
    training = {"steps": 6, "batch_size": 37}
    config, start = convolutional(folder, SQUARED, SQUARED_SHAPES, 0.1, training, dtype, **sections)
    return toy_dataset(side=10, width=9), config, start


def test_fewer_products_train_as_the_equations_say(tmp_path):
    dataset, config, start = squared(tmp_path, optimizer={"lr": 0.05, "momentum": 0.9})
    trainer = trainer_of(config, dataset)
    assert names_of(trainer.program) >= FEWER_PRODUCTS
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), 6)


# 16 × 16 → 16 → 32 maps: forward with fewer products, the weights' gradient by rows of images that
# it frames itself.
MIXED = [
    {"conv": {"filters": 16, "kernel": 3, "padding": 1, "bias": "none"}},
    {"activation": "tanh"},
    {"conv": {"filters": 32, "kernel": 3, "padding": 1}},
    {"activation": "tanh"},
]
MIXED_SHAPES = {
    "conv1.weight": (16, 1, 3, 3),
    "conv2.weight": (32, 16, 3, 3),
    "conv2.bias": (32,),
    "dense1.weight": (8192, 4),
    "dense1.bias": (4,),
}


def mixed(folder, dtype="float64", **sections):
    training = {"steps": 6, "batch_size": 16}
    config, start = convolutional(folder, MIXED, MIXED_SHAPES, 0.1, training, dtype, **sections)
    return toy_dataset(side=16, width=16), config, start


def test_kernels_of_several_kinds_in_one_layer_train_as_the_equations_say(tmp_path):
    dataset, config, start = mixed(tmp_path, optimizer={"lr": 0.05, "momentum": 0.9})
    trainer = trainer_of(config, dataset)
    frames = [getattr(op.operands, "frames", 0) for op in trainer.program.training["step"]]
    assert names_of(trainer.program) >= {"forward_fewer_products"}
    assert sum(frames) == 2  # conv1's forward pass, and the gradient of conv2's weights
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), 6)


NETWORKS = [prepared, few, tiled, squared, mixed]


@pytest.mark.parametrize("network", NETWORKS)
def test_their_gradients_are_right(network, tmp_path):
    dataset, config, _ = network(tmp_path)
    for tensor in check_gradients(config, dataset):
        assert tensor.passed, tensor
        assert tensor.error < 1e-7


@pytest.mark.parametrize("network", NETWORKS)
def test_no_number_of_threads_changes_a_bit(network, tmp_path):
    digests = set()
    for threads in (1, 2, 3):
        dataset, config, _ = network(tmp_path, dtype="float32")
        with engine_threads(threads):
            trainer = trainer_of(config, dataset)
            assert train(trainer)
        digests.add(digest(trainer.params))
    assert len(digests) == 1
    assert np.isfinite(trainer.params).all()


@pytest.mark.parametrize("bias", ["shared", "per_position", "none"])
@pytest.mark.parametrize("stride", [2, 3])
def test_a_stride_is_no_hindrance(stride, bias, tmp_path):
    height, width, side = 11, 17 * stride + 1, 3
    conv = {"filters": 9, "kernel": side, "stride": stride, "bias": bias}
    rows, columns = (height - side) // stride + 1, (width - side) // stride + 1
    shapes = {"conv1.weight": (9, 1, side, side), "conv1.bias": {
        "shared": (9,), "per_position": (9, rows, columns), "none": None}[bias],
        "dense1.weight": (9 * rows * columns, 4), "dense1.bias": (4,)}  # fmt: skip
    start = random_tensors({name: s for name, s in shapes.items() if s}, scale=0.2)
    config = config_of(
        model={"type": "cnn", "layers": [{"conv": conv}, {"activation": "tanh"}, "flatten"]},
        init={"type": "file", "path": str(write_npz(tmp_path / "start.npz", start))},
        training={"steps": 12, "batch_size": 10, "shuffle": "none", "dtype": "float64"},
        data={"source": "digits"},
        optimizer={"lr": 0.05},
    )
    dataset = toy_dataset(side=height, width=width)
    trainer = trainer_of(config, dataset)
    assert names_of(trainer.program) >= {
        "forward_without_patches",
        "backward_weights_without_patches",
    }
    assert_engine_follows(trainer, LayeredOracle(config, dataset, start), 12)
