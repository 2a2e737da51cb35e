"""The metrics of training and of evaluation."""

import math

import numpy as np
import pytest
from engine_helpers import CNN, digest, mlp_config, tensors_of, toy_dataset, train, trainer_of

from mnistlab.data import Split
from mnistlab.training.inference import EVALUATION_ROWS


def losses_before_each_step(config, dataset):
    """The loss and the number right of each batch, before its step, by evaluation."""
    trainer = trainer_of(config, dataset)
    found = []
    while trainer.step < trainer.length.steps:
        epoch, batch = divmod(trainer.step, trainer.length.steps_per_epoch)
        size = trainer.length.batch
        places = trainer.order(epoch)[batch * size : (batch + 1) * size]
        split = Split(dataset.train.images, dataset.train.labels, places)
        evaluation = trainer.evaluate(split)
        right = int((evaluation.predicted == evaluation.labels).sum())
        found.append((float(evaluation.losses.sum()), right, len(places)))
        trainer.train_to(trainer.step + 1)
    return np.array(found)


def test_running_metrics_are_means_over_the_images_since_they_were_cleared():
    dataset, config = toy_dataset(), mlp_config({"epochs": 3, "dtype": "float64"})
    expected = losses_before_each_step(config, dataset)
    trainer = trainer_of(config, dataset)
    trainer.train_to(6)
    loss, right, images = expected[:6].sum(axis=0)
    assert trainer.running() == pytest.approx((loss / images, right / images), rel=1e-12)
    trainer.clear_totals()
    trainer.train_to(12)
    trainer.train_to(14)
    loss, right, images = expected[6:14].sum(axis=0)
    assert images == 73
    assert trainer.running() == pytest.approx((loss / images, right / images), rel=1e-12)


def test_batch_metrics_are_the_last_batch_s_alone():
    dataset = toy_dataset()
    config = mlp_config({"epochs": 2, "dtype": "float64", "train_metrics": "batch"})
    expected = losses_before_each_step(config, dataset)
    trainer = trainer_of(config, dataset)
    trainer.train_to(6)
    loss, right, images = expected[5]
    assert images == 3
    assert trainer.running() == pytest.approx((loss / images, right / images), rel=1e-12)


def test_a_reported_loss_is_a_mean_though_the_gradient_be_a_sum():
    dataset = toy_dataset()
    losses = []
    for reduction in ("mean", "sum"):
        trainer = trainer_of(mlp_config(loss={"reduction": reduction}), dataset)
        trainer.train_to(1)
        losses.append((trainer.running(), trainer.evaluate(dataset.train).losses.shape))
    assert losses[0] == losses[1]


def test_nothing_measured_is_not_a_number():
    trainer = trainer_of(mlp_config(), toy_dataset())
    assert all(math.isnan(value) for value in trainer.running())


@pytest.mark.parametrize("count", [1, EVALUATION_ROWS, EVALUATION_ROWS + 1, 2 * EVALUATION_ROWS])
def test_evaluation_in_parts_is_evaluation_image_by_image(count):
    dataset = toy_dataset(train=count, validation=3)
    trainer = trainer_of(mlp_config({"dtype": "float64"}), dataset)
    whole = trainer.evaluate(dataset.train)
    images, labels = dataset.train.gather()
    weights = tensors_of(trainer)
    x = images.reshape(count, -1) / 255
    hidden = np.maximum(x @ weights["dense1.weight"] + weights["dense1.bias"], 0)
    z = hidden @ weights["dense2.weight"] + weights["dense2.bias"]
    y = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert whole.outputs.shape == y.shape
    np.testing.assert_allclose(whole.outputs, y, rtol=0, atol=1e-13)
    np.testing.assert_allclose(whole.losses, -np.log(y[np.arange(count), labels]), atol=1e-12)
    np.testing.assert_array_equal(whole.labels, labels)
    np.testing.assert_array_equal(whole.predicted, y.argmax(axis=1))


def test_an_evaluation_has_no_metrics_of_a_part_without_images():
    dataset = toy_dataset(validation=0)
    trainer = trainer_of(mlp_config(), dataset)
    assert len(dataset.validation) == 0
    evaluation = trainer.evaluate(dataset.validation)
    assert evaluation.outputs.shape == (0, 4)
    assert evaluation.losses.shape == (0,)


def test_evaluation_changes_neither_weights_nor_the_training_that_follows():
    dataset, config = toy_dataset(), mlp_config({"epochs": 2})
    plain, looked_at = trainer_of(config, dataset), trainer_of(config, dataset)
    assert train(plain)
    while looked_at.step < looked_at.length.steps:
        looked_at.train_to(looked_at.step + 1)
        looked_at.evaluate(dataset.test)
        looked_at.inference.activations(dataset.train.images[:5])
    assert digest(looked_at.params) == digest(plain.params)
    assert looked_at.running() == plain.running()


def dropout_and_its_like(rate, **sections):
    """Two trainers of the same weights, one of them without dropout."""
    dataset, layers = toy_dataset(), CNN["layers"]
    without = [layer for layer in layers if "dropout" not in layer]
    given = [{"dropout": rate} if "dropout" in layer else layer for layer in layers]
    for found in (given, without):
        yield trainer_of(mlp_config(model={**CNN, "layers": found}, **sections), dataset)


def test_nothing_is_dropped_in_evaluation():
    one, other = dropout_and_its_like(0.5)
    for split in (one.dataset.train, one.dataset.test):
        a, b = one.evaluate(split), other.evaluate(split)
        np.testing.assert_array_equal(a.outputs, b.outputs)
        np.testing.assert_array_equal(a.losses, b.losses)
    np.testing.assert_array_equal(one.evaluate(split).outputs, a.outputs)


def test_running_metrics_are_those_of_what_was_left():
    """The same weights and images: only dropped values make a difference."""
    one, other = dropout_and_its_like(0.5)
    one.train_to(1)
    other.train_to(1)
    assert abs(one.running()[0] - other.running()[0]) > 1e-3


def test_dropout_of_nothing_is_no_dropout():
    one, other = dropout_and_its_like(0.0)
    assert one.program.layers == other.program.layers
    assert train(one)
    assert train(other)
    assert digest(one.params) == digest(other.params)


def test_of_equal_outputs_the_first_is_predicted_in_training_as_in_evaluation():
    dataset = toy_dataset()
    config = mlp_config(init={"type": "zeros"}, optimizer={"lr": 1e-30})
    trainer = trainer_of(config, dataset)
    trainer.train_to(6)
    evaluation = trainer.evaluate(dataset.train)
    assert (evaluation.predicted == 0).all()
    share = float((dataset.train.gather()[1] == 0).mean())
    assert trainer.running() == pytest.approx((math.log(4), share), rel=1e-6)


def test_the_same_weights_are_evaluated_once_and_changed_ones_again(monkeypatch):
    trainer = trainer_of(mlp_config(), toy_dataset())
    asked = []
    evaluate = trainer.inference.evaluate

    def counted(split):
        asked.append(split)
        return evaluate(split)

    monkeypatch.setattr(trainer.inference, "evaluate", counted)
    test, validation = trainer.dataset.test, trainer.dataset.validation
    first = trainer.evaluate(test)
    assert trainer.evaluate(test) is first
    assert asked == [test]
    trainer.params[0] += 0.5
    changed = trainer.evaluate(test)
    assert changed.loss != first.loss
    trainer.evaluate(validation)
    assert asked == [test, test, validation]
    assert trainer.evaluate(test).loss == changed.loss
