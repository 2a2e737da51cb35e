"""How many steps a run has, and which images each epoch uses in which order."""

import math
from dataclasses import replace

import numpy as np
import pytest
from engine_helpers import config_of, digest, mlp_config, toy_dataset, train, trainer_of

from mnistlab.data import Split
from mnistlab.support.errors import UsageError
from mnistlab.training.run_length import run_length
from mnistlab.training.trainer import Trainer


@pytest.mark.parametrize(
    ("training", "images", "expected"),
    [
        # (images per epoch, rows per batch, steps per epoch, steps)
        ({"epochs": 3, "batch_size": 10}, 53, (53, 10, 6, 18)),
        ({"epochs": 3, "batch_size": 10}, 50, (50, 10, 5, 15)),
        ({"epochs": 3, "batch_size": 10, "drop_last": True}, 53, (50, 10, 5, 15)),
        ({"epochs": 2, "batch_size": 10, "shuffle": "replacement"}, 53, (60, 10, 6, 12)),
        ({"epochs": 2, "batch_size": 10, "shuffle": "replacement"}, 50, (50, 10, 5, 10)),
        ({"epochs": 2, "batch_size": "full"}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": 100}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": 53, "drop_last": True}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": "full", "drop_last": True}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": 100, "shuffle": "replacement"}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": 1}, 3, (3, 1, 3, 6)),
        ({"steps": 7, "batch_size": 10}, 53, (53, 10, 6, 7)),
        ({"steps": 1, "batch_size": 10}, 53, (53, 10, 6, 1)),
    ],
    ids=str,
)
def test_a_run_s_steps_are_counted(training, images, expected):
    found = run_length(config_of(training=training), images)
    assert (found.images, found.batch, found.steps_per_epoch, found.steps) == expected
    assert found.epochs == math.ceil(expected[3] / expected[2])


@pytest.mark.parametrize("length", [{"epochs": 2}, {"steps": 7}])
def test_dropping_the_last_batch_of_fewer_images_than_a_batch_is_refused(length):
    config = config_of(training={**length, "batch_size": 1000, "drop_last": True})
    with pytest.raises(UsageError, match=r"^training\.drop_last: .*53 training images.*1000"):
        run_length(config, 53)


@pytest.mark.parametrize("length", [{"epochs": 2}, {"steps": 12}])
def test_epochs_and_steps_of_the_same_length_train_alike(length):
    dataset = toy_dataset()
    trainer = trainer_of(mlp_config(length), dataset)
    assert train(trainer)
    assert trainer.step == 12
    expected = trainer_of(mlp_config({"epochs": 5}), dataset)
    expected.train_to(6)
    expected.train_to(12)
    assert digest(trainer.params) == digest(expected.params)


def test_steps_may_end_within_an_epoch():
    trainer = trainer_of(mlp_config({"steps": 8}), toy_dataset())
    assert train(trainer)
    assert (trainer.step, trainer.epoch) == (8, 2)


def order_of(shuffle, epoch=0, seed=0, **training):
    config = mlp_config({"shuffle": shuffle, **training}, seed=seed)
    return Trainer(config, toy_dataset(shuffle_once=True)).order(epoch)


def test_unshuffled_epochs_take_the_images_as_they_lie():
    indices = toy_dataset(shuffle_once=True).train.indices
    for epoch in (0, 5):
        np.testing.assert_array_equal(order_of("none", epoch), indices)


def test_every_epoch_is_another_permutation_of_the_training_set():
    indices = toy_dataset(shuffle_once=True).train.indices
    orders = [order_of("epoch", epoch) for epoch in range(20)]
    for order in orders:
        assert order.dtype == np.int64
        np.testing.assert_array_equal(np.sort(order), np.sort(indices))
    assert len({order.tobytes() for order in [*orders, indices]}) == 21


@pytest.mark.parametrize("shuffle", ["epoch", "replacement"])
def test_an_order_is_the_seed_s_and_needs_no_epoch_before_it(shuffle):
    dataset = toy_dataset(shuffle_once=True)
    trainer = Trainer(mlp_config({"shuffle": shuffle}), dataset)
    in_turn = [trainer.order(epoch) for epoch in range(4)]
    np.testing.assert_array_equal(order_of(shuffle, 3), in_turn[3])
    assert not np.array_equal(order_of(shuffle, 3, seed=1), in_turn[3])


def test_every_image_is_in_every_place_equally_often():
    first = [order_of("epoch", epoch)[0] for epoch in range(530)]
    counts = np.bincount(np.searchsorted(np.arange(53), first), minlength=53)
    # Chi-squared of 52 degrees of freedom: five standard deviations above the mean.
    assert ((counts - 10.0) ** 2 / 10).sum() < 52 + 5 * math.sqrt(2 * 52)


def test_replacement_draws_full_batches_with_repeats_from_the_training_set_alone():
    dataset = toy_dataset(shuffle_once=True)
    orders = [order_of("replacement", epoch) for epoch in range(30)]
    assert {len(order) for order in orders} == {60}
    drawn = np.concatenate(orders)
    assert set(drawn) == set(dataset.train.indices)
    assert all(len(set(order)) < 53 for order in orders)


def test_validation_images_are_never_trained_on():
    """Training on a set with other validation images gives the same weights."""
    one, other = toy_dataset(), toy_dataset()
    blank = other.train.images.copy()
    blank[other.validation.indices] = 255
    other = replace(other, train=Split(blank, other.train.labels, other.train.indices))
    found = []
    for dataset in (one, other):
        trainer = trainer_of(mlp_config({"epochs": 2}), dataset)
        assert train(trainer)
        found.append(digest(trainer.params))
    assert found[0] == found[1]


@pytest.mark.parametrize("training", [{"batch_size": 100}, {"batch_size": "full"}], ids=str)
def test_a_batch_larger_than_the_data_is_the_full_batch(training):
    dataset = toy_dataset()
    expected = trainer_of(mlp_config({"epochs": 4, "batch_size": 53}), dataset)
    found = trainer_of(mlp_config({"epochs": 4, **training}), dataset)
    assert train(expected)
    assert train(found)
    assert digest(found.params) == digest(expected.params)
