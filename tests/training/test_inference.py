"""Evaluation: compared with the trainer and finite differences, and its memory."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from engine_helpers import config_of, dark_dataset, random_tensors, toy_dataset, trainer_of

from mnistlab.blocks.layers.dense.choice import MOST_NONZERO
from mnistlab.data import Split
from mnistlab.runtime.table import Table
from mnistlab.training.inference import EVALUATION_ROWS, Inference

SHAPE, CLASSES = (7, 6), 4
CNN = {
    "type": "cnn",
    "layers": [
        {"conv": {"filters": 3, "kernel": 3, "padding": 1}},
        {"activation": "tanh"},
        {"dropout": 0.2},
        {"pool": {"type": "max"}},
        {"conv": {"filters": 2, "kernel": 2}},
        {"activation": "sigmoid"},
        {"dense": {"units": 5}},
    ],
}
MSE = {"loss": {"type": "mse"}}
BINARY = {"loss": {"type": "binary_cross_entropy"}}


def inference_of(seed=1, scale=1 / 255, offset=0.0, **sections) -> Inference:
    """A compiled network in float64 with random weights."""
    config = config_of(**{"training": {"dtype": "float64"}, **sections})
    return filled(Inference(config, SHAPE, CLASSES, scale, offset), seed)


def filled(inference: Inference, seed=1) -> Inference:
    """A network compiled, with random weights."""
    inference.compile()
    tensors = inference.tensors
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    for name, values in random_tensors(shapes, seed=seed).items():
        tensors[name][:] = values
    return inference


def images_of(count: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 255, (count, *SHAPE), dtype=np.uint8)


@pytest.mark.parametrize("model", [{"type": "softmax"}, {"hidden": [8, 5], "dropout": 0.3}, CNN])
def test_alone_it_gives_the_outputs_of_a_trainer_with_the_same_weights(model):
    dataset = toy_dataset(labelled=CLASSES, side=SHAPE[0], width=SHAPE[1], normalize="standardize")
    config = config_of(model=model, training={"epochs": 1, "batch_size": 10})
    trainer = trainer_of(config, dataset)
    trainer.train_to(3)
    alone = Inference(config, SHAPE, CLASSES, dataset.scale, dataset.offset)
    alone.compile()
    alone.params[:] = trainer.params
    ours, theirs = alone.evaluate(dataset.test), trainer.evaluate(dataset.test)
    np.testing.assert_array_equal(ours.outputs, theirs.outputs)
    np.testing.assert_array_equal(ours.losses, theirs.losses)
    images, _ = dataset.test.gather()
    np.testing.assert_array_equal(alone.outputs(images), theirs.outputs)


def test_a_trainer_shares_its_weights_with_what_it_evaluates_by():
    trainer = trainer_of(config_of(training={"batch_size": 10}), toy_dataset())
    before = trainer.evaluate(trainer.dataset.test).loss
    trainer.train_to(1)
    assert trainer.inference.params is trainer.params
    assert trainer.evaluate(trainer.dataset.test).loss != before


def test_activations_are_what_the_next_layer_is_given():
    inference = inference_of(model=CNN)
    images = images_of(EVALUATION_ROWS + 3)
    found = inference.activations(images)
    shapes = {name: values.shape[1:] for name, values in found.items()}
    assert shapes == {
        "conv1": (3, 7, 6),
        "pool1": (3, 3, 3),
        "conv2": (2, 2, 2),
        "dense1": (5,),
        "dense2": (CLASSES,),
    }
    count = len(images)
    blocks = found["conv1"][:, :, :6, :6].reshape(count, 3, 3, 2, 3, 2)
    np.testing.assert_array_equal(found["pool1"], blocks.max(axis=(3, 5)))
    tensors = inference.tensors
    flat = found["conv2"].reshape(count, -1)
    dense = flat @ tensors["dense1.weight"] + tensors["dense1.bias"]
    np.testing.assert_allclose(found["dense1"], dense, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(found["dense2"], inference.outputs(images))
    assert ((found["conv2"] > 0) & (found["conv2"] < 1)).all()  # after the sigmoid


def test_only_the_layers_asked_for_are_copied():
    inference = inference_of(model=CNN)
    assert list(inference.activations(images_of(2), ["pool1"])) == ["pool1"]
    with pytest.raises(KeyError, match="dense7"):
        inference.activations(images_of(2), ["dense7"])


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param({"model": {"type": "softmax"}}, id="softmax"),
        pytest.param({"model": {"hidden": [9], "activation": "tanh", "dropout": 0.5}}, id="mlp"),
        pytest.param({"model": CNN}, id="cnn"),
        pytest.param({"model": {"hidden": [9], "activation": "sigmoid"}, **MSE}, id="mse"),
        pytest.param({"model": {"hidden": [9], "output_activation": "sigmoid"}, **BINARY}, id="b"),
        pytest.param({"model": {"type": "cnn", "layers": [{"pool": {"size": 3}}]}}, id="pool"),
        pytest.param({"loss": {"reduction": "sum"}, "model": {"type": "softmax"}}, id="sum"),
    ],
)
def test_the_gradient_by_pixels_is_that_of_finite_differences(sections):
    # One byte is a small step if the network's scale is small.
    inference = inference_of(scale=1e-5, offset=0.1, **sections)
    image = images_of(1, seed=4)[0]  # not within a byte of where max pooling changes its mind
    stepped = np.repeat(image[None], 2 * image.size, axis=0)
    pixels = np.arange(image.size)
    flat = stepped.reshape(2, image.size, image.size)
    flat[0, pixels, pixels] += 1
    flat[1, pixels, pixels] -= 1
    for label in range(CLASSES):
        found = inference.input_gradient(image[None], np.array([label]))[0]
        losses = minus_loss(inference, stepped, label).reshape(2, *SHAPE)
        differences = (losses[0] - losses[1]) / 2
        np.testing.assert_allclose(found, differences, rtol=0, atol=1e-5 * abs(found).max())
        assert abs(found).max() > 1e-9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_the_gradient_by_pixels_has_its_direction_where_the_probability_rounds_to_1(loss, dtype):
    output = "softmax" if loss == "cross_entropy" else "sigmoid"
    inference = inference_of(
        model={"hidden": [9], "output_activation": output},
        loss={"type": loss},
        training={"dtype": dtype},
    )
    inference.tensors["dense2.weight"][:] *= 60 if dtype == "float64" else 30
    images = images_of(40)
    logits, labels = inference.logits(images), inference.outputs(images).argmax(axis=1)
    probability = np.take_along_axis(inference.outputs(images), labels[:, None], axis=1)[:, 0]
    assert (probability == 1).sum() > 5
    found = inference.input_gradient(images, labels).reshape(40, -1)
    w = {name: tensor.astype(np.longdouble) for name, tensor in inference.tensors.items()}
    x = images.reshape(40, -1).astype(np.longdouble) / 255
    hidden = x @ w["dense1.weight"] + w["dense1.bias"]
    z = logits.astype(np.longdouble)
    if loss == "cross_entropy":
        dz = np.exp(z - z.max(axis=1, keepdims=True))
        dz /= dz.sum(axis=1, keepdims=True)
        rows = np.arange(40)
        dz[rows, labels] = 0
        dz[rows, labels] = -dz.sum(axis=1)
    else:
        dz = 1 / (1 + np.exp(-z))
        rows = np.arange(40)
        dz[rows, labels] = -1 / (1 + np.exp(z[rows, labels]))
    dh = (dz @ w["dense2.weight"].T) * (hidden > 0)
    expected = -(dh @ w["dense1.weight"].T) / 255
    largest = abs(expected).max(axis=1, keepdims=True)
    seen = largest[:, 0] > 1e-30  # others are beyond float32
    assert (seen & (probability == 1)).sum() > 5
    np.testing.assert_allclose(
        (found / largest)[seen], (expected / largest)[seen], rtol=0, atol=1e-4
    )


def minus_loss(inference: Inference, images: np.ndarray, label: int) -> np.ndarray:
    labels = np.full(len(images), label, np.uint8)
    return -inference.evaluate(Split(images, labels, np.arange(len(images)))).losses


def test_every_image_has_its_own_gradient_whatever_the_batch():
    inference = inference_of(model=CNN)
    images, classes = images_of(EVALUATION_ROWS + 2), np.arange(EVALUATION_ROWS + 2) % CLASSES
    together = inference.input_gradient(images, classes)
    for index in (0, 1, EVALUATION_ROWS - 1, EVALUATION_ROWS + 1):
        alone = inference.input_gradient(images[index : index + 1], classes[index : index + 1])
        np.testing.assert_allclose(together[index], alone[0], rtol=1e-12, atol=0)


@pytest.mark.parametrize("units", [17, 96, 130])  # a tile less than a vector, a whole one, two
@pytest.mark.parametrize("lit", [0.2, 0.6])
def test_only_the_non_zero_pixels_of_sparse_images_are_used(units, lit):
    config = config_of(model={"hidden": [units]}, training={"dtype": "float64"})
    dataset = dark_dataset(train=EVALUATION_ROWS + 70, side=9, lit=lit)
    inference = filled(Inference(config, dataset.image_shape, CLASSES, 1 / 255, 0.0))
    before = inference.params.copy()
    # Without the other program's table, so that only the right one has outputs.
    other = "evaluate" if lit < MOST_NONZERO else "evaluate sparse"
    inference.tables[other] = Table(inference.tables[other].rows[:0], None)
    found = inference.evaluate(dataset.train)
    images, labels = dataset.train.gather()
    weights = inference.tensors
    x = images.reshape(len(images), -1) / 255
    hidden = x @ weights["dense1.weight"] + weights["dense1.bias"]
    z = np.maximum(hidden, 0) @ weights["dense2.weight"] + weights["dense2.bias"]
    y = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.outputs, y, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(found.losses, -np.log(y[np.arange(len(y)), labels]), atol=1e-11)
    layer = inference.activations(images, ["dense1"])["dense1"]
    np.testing.assert_allclose(layer, np.maximum(hidden, 0), rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(inference.params, before)


def test_zero_bytes_are_skipped_whose_network_input_is_not_zero():
    config = config_of(model={"hidden": [17]}, training={"dtype": "float64"})
    dataset = dark_dataset()
    inference = filled(Inference(config, dataset.image_shape, CLASSES, 1 / 255, -0.5))
    inference.tables["evaluate"] = Table(inference.tables["evaluate"].rows[:0], None)
    images, weights = dataset.test.images[dataset.test.indices], inference.tensors
    x = images.reshape(len(images), -1) / 255 - 0.5
    hidden = np.maximum(x @ weights["dense1.weight"] + weights["dense1.bias"], 0)
    z = hidden @ weights["dense2.weight"] + weights["dense2.bias"]
    y = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    outputs = inference.evaluate(dataset.test).outputs
    np.testing.assert_allclose(outputs, y, rtol=1e-11, atol=1e-15)


def test_two_threads_may_ask_the_same_network_at_once():
    config = config_of(model={"hidden": [130]}, training={"dtype": "float64"})
    dataset = dark_dataset(train=2000)
    inference = filled(Inference(config, dataset.image_shape, CLASSES, 1 / 255, 0.0))
    expected = inference.evaluate(dataset.train).outputs
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(inference.evaluate, [dataset.train] * 20))
    for one in found:
        np.testing.assert_array_equal(one.outputs, expected)


def test_a_model_trained_on_a_full_batch_is_looked_at_in_little_memory():
    config = config_of(model={"hidden": [500]}, training={"batch_size": "full", "epochs": 1})
    images = np.zeros((3, 28, 28), np.uint8)
    inference = Inference(config, (28, 28), 10, 1 / 255, 0.0)
    inference.compile()
    inference.input_gradient(images, np.zeros(3, int))  # what is loaded once is loaded now
    tracemalloc.start()
    try:
        again = Inference(config, (28, 28), 10, 1 / 255, 0.0)
        again.tables = inference.tables
        again.outputs(images)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * again.params.nbytes  # a second copy is in another order


@pytest.mark.parametrize(("lit", "kind"), [(0.2, " sparse"), (0.6, "")])
def test_a_trainer_compiles_the_program_of_its_images_and_the_other_when_it_is_needed(lit, kind):
    config = config_of(model={"hidden": [17]}, training={"dtype": "float64"})
    trainer = trainer_of(config, dark_dataset(lit=lit))
    inference, others = trainer.inference, dark_dataset(lit=0.8 - lit).test
    assert set(inference.tables) == {f"pack{kind}", f"evaluate{kind}"}
    outputs = inference.evaluate(others).outputs
    assert set(inference.tables) == set(inference.lists)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-12)
