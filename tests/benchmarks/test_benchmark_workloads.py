"""The rows of the benchmark: their layers are the engine's, their operations are
counted correctly.
"""

import pytest

from benchmarks import network
from benchmarks.workloads import WORKLOADS, config_of
from mnistlab.config import run_config_from_mapping
from mnistlab.training.lower import lower

IMAGE, CLASSES = (28, 28), 10

# Multiplications of one image: twice (forward, weights) in the first layer, and three times in the
# layers after it (the gradient of their input too).
MULTIPLICATIONS = {
    "W1": 2 * 784 * 10,
    "W2": 2 * 784 * 784 + 3 * 784 * 10,
    "W3": 2 * 20 * 9 * 13 * 13 + 3 * 3380 * 10,
    "W4": 2 * 784 * 100 + 3 * 100 * 10,
    "W5": 2 * 784 * 256 + 3 * (256 * 128 + 128 * 10),
    "W6": 2 * 64 * 9 * 26 * 26 + 3 * (64 * 26 * 26 * 128 + 128 * 10),
    "W7": 2 * 784 * 256 + 3 * (256 * 128 + 128 * 10),
    "C1": 2 * 16 * 9 * 784 + 3 * 16 * 14 * 14 * 10,
    "C2": 2 * 16 * 9 * 784 + 3 * (32 * 16 * 9 * 14 * 14 + 32 * 14 * 14 * 10),
    "C3": 2 * 6 * 25 * 784 + 3 * (16 * 6 * 25 * 100 + 400 * 120 + 120 * 84 + 84 * 10),
    "C4": 2 * 32 * 9 * 26 * 26 + 3 * (64 * 32 * 9 * 24 * 24 + 64 * 12 * 12 * 128 + 128 * 10),
    "O1": 2 * 784 * 512 + 3 * (512 * 256 + 256 * 10),
    "O2": 2 * 784 * 800 + 3 * (800 * 800 + 800 * 10),
    "B1": 2 * 784 * 128 + 3 * 128 * 10,
    "B2": 2 * 784 * 30 + 3 * 30 * 10,
    "B3": 2 * 784 * 2500 + 3 * (2500 * 2000 + 2000 * 1500 + 1500 * 1000 + 1000 * 500 + 500 * 10),
    "D1": 2 * 784 * 128 + 3 * 128 * 10,
    "D2": 2 * 784 * 128 + 3 * 128 * 10,
}


def layers_of(row):
    return network.layers(config_of(row), IMAGE, CLASSES)


def parameters(layer):
    if isinstance(layer, network.Dense):
        return layer.units * (layer.inputs + layer.bias)
    if isinstance(layer, network.Conv):
        return layer.filters * (layer.channels * layer.kernel**2 + layer.bias)
    return 0


def test_the_rows_are_counted():
    assert list(WORKLOADS) == list(MULTIPLICATIONS)


@pytest.mark.parametrize("row", WORKLOADS)
def test_operations_are_two_for_each_multiplication_of_the_three_products(row):
    assert network.flops_per_image(layers_of(row)) == 2 * MULTIPLICATIONS[row]


@pytest.mark.parametrize("row", WORKLOADS)
def test_the_peers_train_as_many_parameters_as_the_engine(row):
    program = lower(config_of(row), IMAGE, CLASSES, 32)
    assert sum(map(parameters, layers_of(row))) == program.parameters


def test_evaluation_is_one_product():
    assert network.flops_per_image(layers_of("W2"), training=False) == 2 * (784 * 784 + 784 * 10)


def test_padding_strides_and_pools_have_the_engines_sizes():
    layers = [
        {"conv": {"filters": 6, "kernel": 5, "padding": 2}},
        {"pool": {"size": 3, "stride": 2}},
        {"conv": {"filters": 7, "kernel": 4, "stride": 2, "bias": "none"}},
        {"dense": {"units": 30, "bias": False}},
    ]
    config = run_config_from_mapping({"model": {"type": "cnn", "layers": layers}})
    found = network.layers(config, IMAGE, CLASSES)
    assert sum(map(parameters, found)) == lower(config, IMAGE, CLASSES, 8).parameters
    # 28 padded to 32, minus 4; pooled to 13; (13 - 4) // 2 + 1 = 5.
    products = 2 * 6 * 25 * 28 * 28 + 3 * (7 * 6 * 16 * 5 * 5 + 7 * 25 * 30 + 30 * 10)
    assert network.flops_per_image(found) == 2 * products


def test_what_the_peers_lack_is_refused_and_not_left_out():
    sigmoid = {"model": {"type": "mlp", "output_activation": "sigmoid"}, "loss": {"type": "mse"}}
    with pytest.raises(ValueError, match="cross-entropy"):
        network.layers(run_config_from_mapping(sigmoid), IMAGE, CLASSES)
    places = [{"conv": {"filters": 2, "kernel": 3, "bias": "per_position"}}]
    config = run_config_from_mapping({"model": {"type": "cnn", "layers": places}})
    with pytest.raises(ValueError, match="bias per position"):
        network.layers(config, IMAGE, CLASSES)
