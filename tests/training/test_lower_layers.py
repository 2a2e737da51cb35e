"""From a CNN's list of layers to tensors and sizes; and layers that do not fit."""

import numpy as np
import pytest
from engine_helpers import config_of, tensors_of, toy_dataset, trainer_of

from mnistlab.runtime.params import ALIGNMENT
from mnistlab.support.errors import UsageError
from mnistlab.training.lower import lower
from mnistlab.training.trainer import Trainer

RELU, FLATTEN = {"activation": "relu"}, "flatten"


def conv(filters=2, kernel=3, **keys):
    return {"conv": {"filters": filters, "kernel": kernel, **keys}}


def pool(**keys):
    return {"pool": keys}


def dense(units, **keys):
    return {"dense": {"units": units, **keys}}


def lowered(*layers, shape=(28, 28), classes=10, training=True, **model):
    config = config_of(model={"type": "cnn", "layers": list(layers), **model})
    return lower(config, shape, classes, rows=32, training=training)


def shapes(program):
    return {tensor.name: tensor.shape for tensor in program.tensors}


def heights_and_widths(program):
    return [layer.output_shape for layer in program.layers if layer.kind in ("conv", "pool")]


# Where the tensors lie.

ORDERS = {
    "dropout, dense": [{"dropout": 0.2}, dense(100)],
    "dropout twice, flatten, dense": [{"dropout": 0.2}, {"dropout": 0.1}, FLATTEN, dense(7), RELU],
    "activation, dropout, dense": [RELU, {"dropout": 0.2}, dense(100)],
    "dropout, pool, dense": [{"dropout": 0.2}, pool(), dense(100)],
    "dropout, convolution": [{"dropout": 0.2}, conv(9), RELU, {"dropout": 0.2}, dense(48)],
    "dense, dropout, dense": [dense(33), RELU, {"dropout": 0.2}, dense(100)],
}


@pytest.mark.parametrize("kernels", ["fast", "plain"])
@pytest.mark.parametrize("layers", ORDERS.values(), ids=ORDERS)
def test_training_and_evaluation_find_every_tensor_in_the_same_place(layers, kernels):
    model = {"type": "cnn", "layers": layers}
    config = config_of(model=model, training={"kernels": kernels})
    programs = [
        lower(config, (28, 28), 10, rows=rows, training=training, nonzero_share=share)
        for rows in (1, 32, 600)
        for training in (True, False)
        for share in (0.1, 1.0)
    ]
    assert {program.tensors for program in programs} == {programs[0].tensors}
    assert {program.sizes.parameters for program in programs} == {programs[0].sizes.parameters}


# The output layer.

OUTPUT_ADDED = {
    "nothing": ([], 784),
    "a convolution": ([conv(2)], 2 * 26 * 26),
    "a convolution after the activation": ([conv(2), RELU, FLATTEN], 2 * 26 * 26),
    "a pool": ([pool(size=2)], 14 * 14),
    "dense of other units": ([conv(2), dense(7), RELU], 7),
    "dense of one unit less": ([dense(9)], 9),
    "dropout alone": ([{"dropout": 0.5}], 784),
    "dense of as many units, then another": ([dense(10), RELU, dense(7)], 7),
}


@pytest.mark.parametrize(("layers", "fan_in"), OUTPUT_ADDED.values(), ids=OUTPUT_ADDED)
def test_an_output_layer_is_added_if_the_last_layer_with_weights_is_none(layers, fan_in):
    program = lowered(*layers)
    count = sum("dense" in layer for layer in layers) + 1
    assert program.tensors[-2].name == f"dense{count}.weight"
    assert program.tensors[-2].shape == (fan_in, 10)
    assert program.tensors[-1].shape == (10,)


NO_OUTPUT_ADDED = {
    "dense of one unit per class": [conv(2), FLATTEN, dense(10)],
    "an activation after it": [conv(2), dense(10), RELU],
    "dropout and flatten after it": [dense(10), {"dropout": 0.1}, FLATTEN],
    "another dense before it": [dense(10), RELU, dense(10)],
}


@pytest.mark.parametrize("layers", NO_OUTPUT_ADDED.values(), ids=NO_OUTPUT_ADDED)
def test_no_output_layer_is_added_after_a_dense_layer_of_one_unit_per_class(layers):
    program = lowered(*layers)
    count = sum("dense" in layer for layer in layers)
    names = [name for name in shapes(program) if name.startswith("dense")]
    assert names == [f"dense{n}.{kind}" for n in range(1, count + 1) for kind in ("weight", "bias")]


def test_the_number_of_output_units_is_the_datasets_number_of_classes():
    assert list(shapes(lowered(dense(10), classes=4))) == [
        "dense1.weight",
        "dense1.bias",
        "dense2.weight",
        "dense2.bias",
    ]
    assert list(shapes(lowered(dense(4), classes=4))) == ["dense1.weight", "dense1.bias"]


def test_the_model_s_bias_is_that_of_the_added_layer_alone():
    assert list(shapes(lowered(dense(7), bias=False))) == [
        "dense1.weight",
        "dense1.bias",
        "dense2.weight",
    ]
    assert list(shapes(lowered(dense(10), bias=False))) == ["dense1.weight", "dense1.bias"]


# Names and shapes.


def test_tensors_have_the_names_and_shapes_of_the_contract():
    program = lowered(
        conv(20, 3),
        RELU,
        pool(type="max", size=2, stride=2),
        conv(30, 5, bias="per_position"),
        pool(type="average"),
        conv(4, 1, bias="none"),
        {"dropout": 0.4},
        FLATTEN,
        dense(128),
        RELU,
        dense(16, bias=False),
    )
    assert shapes(program) == {
        "conv1.weight": (20, 1, 3, 3),
        "conv1.bias": (20,),
        "conv2.weight": (30, 20, 5, 5),
        "conv2.bias": (30, 9, 9),
        "conv3.weight": (4, 30, 1, 1),
        "dense1.weight": (4 * 4 * 4, 128),
        "dense1.bias": (128,),
        "dense2.weight": (128, 16),
        "dense3.weight": (16, 10),
        "dense3.bias": (10,),
    }
    assert program.parameters == sum(np.prod(shape) for shape in shapes(program).values())
    told = {layer.name: layer.parameters for layer in program.layers if layer.parameters}
    assert told == {
        "conv1": 20 * 9 + 20,
        "conv2": 30 * 20 * 25 + 30 * 81,
        "conv3": 120,
        "dense1": 64 * 128 + 128,
        "dense2": 128 * 16,
        "dense3": 170,
    }


def test_layers_tell_their_shapes_in_turn():
    program = lowered(conv(4, 3), RELU, pool(size=2), {"dropout": 0.1}, FLATTEN, dense(5))
    found = [(layer.name, layer.input_shape, layer.output_shape) for layer in program.layers]
    assert found == [
        ("conv1", (1, 28, 28), (4, 26, 26)),
        ("relu", (4, 26, 26), (4, 26, 26)),
        ("pool1", (4, 26, 26), (4, 13, 13)),
        ("dropout1", (4, 13, 13), (4, 13, 13)),
        ("flatten", (4, 13, 13), (676,)),
        ("dense1", (676,), (5,)),
        ("dense2", (5,), (10,)),
        ("softmax", (10,), (10,)),
    ]


def test_a_dense_layer_needs_no_flatten_before_it():
    one, other = lowered(conv(3), dense(5)), lowered(conv(3), FLATTEN, FLATTEN, dense(5))
    assert one.tensors == other.tensors
    assert shapes(one)["dense1.weight"] == (3 * 26 * 26, 5)


def test_fans_of_a_convolution_are_its_patch_by_channels_and_by_filters():
    program = lowered(conv(6, 3), conv(8, 5, bias="per_position"))
    fans = {tensor.name: (tensor.fan_in, tensor.fan_out) for tensor in program.tensors}
    assert fans["conv1.weight"] == (9, 6 * 9)
    assert fans["conv2.weight"] == (6 * 25, 8 * 25)


# Sizes.


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (conv(2, 3), (2, 26, 26)),
        (conv(2, 3, padding=1), (2, 28, 28)),
        (conv(2, 3, stride=2), (2, 13, 13)),
        (conv(2, 4, stride=3), (2, 9, 9)),
        (conv(2, 5, stride=4, padding=2), (2, 7, 7)),
        (conv(2, 28), (2, 1, 1)),
        (conv(2, 1, padding=3), (2, 34, 34)),
        (conv(2, 1, stride=40), (2, 1, 1)),
        (conv(2, 30, padding=1), (2, 1, 1)),
        (pool(size=2, stride=2), (1, 14, 14)),
        (pool(size=3), (1, 9, 9)),
        (pool(size=3, stride=2), (1, 13, 13)),
        (pool(size=2, stride=5), (1, 6, 6)),
        (pool(size=28), (1, 1, 1)),
    ],
    ids=str,
)
def test_sizes_round_down(layer, expected):
    assert heights_and_widths(lowered(layer)) == [expected]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((20, 31), [(2, 18, 29), (2, 9, 14), (3, 4, 7)]),
        ((9, 64), [(2, 7, 62), (2, 3, 31), (3, 1, 15)]),
        ((7, 7), [(2, 5, 5), (2, 2, 2), (3, 1, 1)]),
    ],
)
def test_images_of_other_sizes_and_sides_that_differ_are_taken(shape, expected):
    program = lowered(conv(2, 3), pool(size=2), conv(3, 2, stride=2), shape=shape)
    assert heights_and_widths(program) == expected
    assert shapes(program)["dense1.weight"] == (int(np.prod(expected[-1])), 10)
    assert program.pixels == shape[0] * shape[1]


def test_flattening_goes_channel_by_channel_then_row_by_row():
    """A convolution of 1 × 1 that copies the image, and a dense layer that reads one value."""
    dataset = toy_dataset(side=5, width=3)
    layers = [conv(2, 1), FLATTEN, dense(4)]
    sections = {"model": {"type": "cnn", "layers": layers, "output_activation": "identity"}}
    trainer = trainer_of(config_of(loss={"type": "mse"}, **sections), dataset)
    tensors = tensors_of(trainer)
    for value in tensors.values():
        value[...] = 0
    tensors["conv1.weight"][:, 0, 0, 0] = [1, 10]
    # Output 0 reads channel 0, row 3, column 1; output 1 reads channel 1, row 2, column 0.
    tensors["dense1.weight"][3 * 3 + 1, 0] = tensors["dense1.weight"][15 + 2 * 3, 1] = 1
    images, _ = dataset.test.gather()
    outputs = trainer.evaluate(dataset.test).outputs
    images = images.reshape(-1, 5, 3) / 255
    np.testing.assert_allclose(outputs[:, 0], images[:, 3, 1], rtol=1e-5)
    np.testing.assert_allclose(outputs[:, 1], 10 * images[:, 2, 0], rtol=1e-5)


# What does not fit.

UNFIT = {
    "a patch larger than the image": ([conv(2, 29)], "conv1.*29 × 29.*28 × 28"),
    "a patch larger than the padded image": (
        [conv(2, 31, padding=1)],
        "conv1.*31 × 31.*28 × 28.*padded by 1",
    ),
    "a pool larger than what is left": (
        [conv(2, 5), pool(size=8), pool(size=4)],
        "pool2.*4 × 4.*3 × 3",
    ),
    "a second convolution": ([conv(2, 20), RELU, conv(2, 10)], "conv2.*10 × 10.*9 × 9"),
    "a convolution after flatten": ([FLATTEN, conv(2)], "conv1.*flatten or dense"),
    "a convolution after dense": ([conv(2), dense(9), RELU, conv(2)], "conv2.*flatten or dense"),
    "a pool after flatten": ([pool(size=2), FLATTEN, RELU, pool(size=2)], "pool2.*flatten"),
    "a pool after dense": ([dense(16), pool(size=2)], "pool1.*dense"),
}


@pytest.mark.parametrize(("layers", "told"), UNFIT.values(), ids=UNFIT)
def test_a_layer_that_does_not_fit_is_named(layers, told):
    last = len(layers) - 1
    with pytest.raises(UsageError, match=rf"model\.layers\.{last}\.(conv|pool): {told}"):
        lowered(*layers)


@pytest.mark.parametrize("shape", [(3, 28), (28, 3)])
def test_a_patch_must_fit_both_ways(shape):
    assert heights_and_widths(lowered(conv(2, 3), shape=shape))
    with pytest.raises(UsageError, match="conv1"):
        lowered(conv(2, 4), shape=shape)


# Dropout.


def test_there_is_no_dropout_where_one_does_not_train():
    layers = [{"dropout": 0.1}, conv(2), {"dropout": 0.2}, dense(5), {"dropout": 0.3}]
    training, evaluation = lowered(*layers), lowered(*layers, training=False)
    names = [op.function.__name__ for op in training.gradient]
    assert names.count("dropout_forward") == 3
    assert names.count("dropout_backward") == 2  # none is sent down to the image
    assert not [op for op in evaluation.gradient if "dropout" in op.function.__name__]
    assert evaluation.tensors == training.tensors
    assert evaluation.sizes.parameters == training.sizes.parameters


def test_every_dropout_has_random_numbers_of_its_own():
    program = lowered({"dropout": 0.1}, conv(2), {"dropout": 0.2}, dense(5), {"dropout": 0.3})
    told = [
        (op.operands.stream, op.operands.rate)
        for op in program.forward
        if hasattr(op.operands, "stream")
    ]
    assert told == [(1, 0.1), (2, 0.2), (3, 0.3)]


def test_dropout_of_an_mlp_follows_each_hidden_layer_s_activation():
    config = config_of(model={"hidden": [9, 8], "dropout": 0.25})
    program = lower(config, (28, 28), 10, rows=32)
    kinds = [layer.kind for layer in program.layers]
    hidden = ["dense", "activation", "dropout"]
    assert kinds == [*hidden, *hidden, "dense", "activation"]


# The parameter vector and the workspace.


@pytest.mark.parametrize("bias", ["shared", "per_position", "none"])
def test_tensors_start_on_a_cache_line_and_do_not_overlap(bias):
    program = lowered(conv(3, 3, bias=bias), conv(5, 2, bias=bias), dense(7))
    turned = [op.operands for op in program.pack if op.function.__name__ == "transpose"]
    assert turned
    places = [(tensor.offset, tensor.size) for tensor in program.tensors]
    places += [(operands.transposed, operands.outputs * operands.row) for operands in turned]
    end = 0
    for offset, size in sorted(places):
        assert offset % ALIGNMENT == 0
        assert end <= offset < end + ALIGNMENT
        end = offset + size
    assert end <= program.sizes.parameters < end + ALIGNMENT


def test_the_first_layer_s_gradient_by_the_images_is_not_computed():
    names = [op.function.__name__ for op in lowered(conv(2), RELU, conv(2)).backward]
    assert names.count("conv2d_backward_input") == 1
    assert names.count("conv2d_backward_weights") == 2


def test_a_batch_of_one_image_trains():
    config = config_of(
        model={"type": "cnn", "layers": [conv(2), {"dropout": 0.5}, pool(size=2)]},
        training={"batch_size": 1, "steps": 3},
    )
    trainer = trainer_of(config, toy_dataset())
    before = trainer.params.copy()
    assert trainer.train_to(3)
    assert trainer.is_finite()
    assert np.abs(trainer.params - before).max() > 0


def test_a_trainer_refuses_a_model_that_does_not_fit_its_images():
    config = config_of(model={"type": "cnn", "layers": [conv(2, 7)]})
    with pytest.raises(UsageError, match="conv1"):
        Trainer(config, toy_dataset(side=6))
