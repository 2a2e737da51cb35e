"""Training on augmented images: which images a step sees, and that they are always the same."""

import numpy as np
import pytest
from augmentation_oracle import augmented
from engine_helpers import config_of, dark_dataset, digest, next_boundary, train, trainer_of

from mnistlab.runtime.threads import engine_threads
from mnistlab.training import windows
from mnistlab.training.group import joint_key

SHIFT = {"shift": {"pixels": 2}}
AFFINE = {"affine": {"rotate": 20, "scale": 0.2, "shear": 10, "shift": 1.5}}
ELASTIC = {"elastic": {"alpha": 8.0, "sigma": 2.0}}
LISTS = {
    "shift": [SHIFT],
    "affine": [AFFINE],
    "elastic": [ELASTIC],
    "flip": ["flip"],
    "affine, then elastic": [AFFINE, ELASTIC],
    "elastic, then the others": [ELASTIC, {"flip": 0.3}, AFFINE, SHIFT],
    "the same twice": [SHIFT, SHIFT],
}
BATCHES = {"small": 7, "in parts": 100, "full": "full"}


def augmenting(augment, batch=7, seed=11, **training):
    training = {"batch_size": batch, "epochs": 3, "dtype": "float64", **training}
    return config_of(
        seed=seed, data={"augment": augment}, model={"hidden": [20]}, training=training
    )


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    """Several windows in an epoch."""
    monkeypatch.setattr(windows, "IMAGES", 40)


def seen(trainer, step):
    """The images and labels of a step, as the loop is given them."""
    window = trainer.window(trainer.memory_up_to(step + 1), step)
    first = (step % trainer.length.steps_per_epoch - window.first) * trainer.length.batch
    rows = window.memory.order[first : min(first + trainer.length.batch, window.images)]
    return window.memory.images[rows].copy(), window.memory.labels[rows].copy()


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("augment", LISTS.values(), ids=LISTS)
def test_a_step_sees_what_numpy_and_scipy_make_of_its_images(augment, batch):
    config, dataset = augmenting(augment, batch), dark_dataset()
    trainer = trainer_of(config, dataset)
    per_epoch, size = trainer.length.steps_per_epoch, trainer.length.batch
    for step in range(2 * per_epoch):
        epoch, place = divmod(step, per_epoch)
        order = trainer.order(epoch)[place * size : (place + 1) * size]
        trainer.step = step
        images, labels = seen(trainer, step)
        split = dataset.train
        expected = augmented(
            split.images[order], config.data.augment, config.seed, epoch, place * size
        )
        np.testing.assert_array_equal(images.reshape(expected.shape), expected)
        np.testing.assert_array_equal(labels, split.labels[order])


def test_float32_sees_the_same_images_but_for_roundings():
    trainers = [
        trainer_of(augmenting([AFFINE, ELASTIC], dtype=dtype), dark_dataset())
        for dtype in ("float32", "float64")
    ]
    found = [seen(trainer, 0)[0].astype(int) for trainer in trainers]
    difference = np.abs(found[0] - found[1])
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def images_of_epoch(trainer, epoch):
    per_epoch = trainer.length.steps_per_epoch
    trainer.step = epoch * per_epoch
    return np.concatenate([seen(trainer, epoch * per_epoch + n)[0] for n in range(per_epoch)])


def test_every_epoch_has_other_images_and_a_seed_always_the_same():
    def epoch(number, seed=11):
        trainer = trainer_of(augmenting([ELASTIC], seed=seed, shuffle="none"), dark_dataset())
        return images_of_epoch(trainer, number)

    first = epoch(0)
    np.testing.assert_array_equal(first, epoch(0))
    for other in (epoch(1), epoch(0, seed=12)):
        assert (first != other).any(axis=1).mean() > 0.9


def test_an_image_drawn_twice_in_an_epoch_is_augmented_each_time():
    trainer = trainer_of(augmenting([ELASTIC], shuffle="replacement"), dark_dataset())
    images, order = images_of_epoch(trainer, 0), trainer.order(0)
    first = [int(np.flatnonzero(order == number)[0]) for number in order]
    again = np.flatnonzero(np.array(first) != np.arange(len(order)))
    assert len(again) > 10
    assert all((images[place] != images[first[place]]).any() for place in again)


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_one_two_and_three_threads_leave_the_same_bits(batch):
    found = set()
    for threads in (1, 2, 3):
        with engine_threads(threads):
            trainer = trainer_of(augmenting([AFFINE, ELASTIC], batch), dark_dataset())
            assert trainer.program.augment[0].lanes > 2 or batch == 7
            assert train(trainer)
            found.add(digest(trainer.params))
    assert len(found) == 1


def test_training_resumed_at_any_step_leaves_the_same_bits():
    config, dataset = augmenting([AFFINE, ELASTIC]), dark_dataset()
    whole = trainer_of(config, dataset)
    weights = [whole.params.copy()]
    while whole.step < whole.length.steps:
        assert whole.train_to(whole.step + 1)
        weights.append(whole.params.copy())
    for step in range(1, whole.length.steps, 4):
        resumed = trainer_of(config, dataset)
        resumed.params[:], resumed.step = weights[step], step
        assert resumed.train_to(next_boundary(resumed))
        assert train(resumed)
        assert digest(resumed.params) == digest(whole.params)


def test_the_gradient_of_the_last_step_is_made_of_the_images_that_it_saw():
    config, dataset = augmenting([AFFINE, ELASTIC]), dark_dataset()
    trainer = trainer_of(config, dataset)
    assert trainer.program.fused
    before = trainer.params.copy()
    for stop in range(1, trainer.length.steps_per_epoch + 1):
        before[:] = trainer.params
        assert trainer.train_to(stop)
        moved = (before - trainer.params) / config.optimizer.lr
        np.testing.assert_allclose(trainer.last_gradient(), moved, atol=1e-12)


def test_evaluation_sees_the_images_as_they_are():
    dataset = dark_dataset()
    plain, augmenting_one = (trainer_of(augmenting(one), dataset) for one in ([], [ELASTIC]))
    for split in (dataset.train, dataset.test):
        np.testing.assert_array_equal(
            plain.evaluate(split).outputs, augmenting_one.evaluate(split).outputs
        )


def test_augmentations_that_change_nothing_train_as_none_do():
    nothing = [{"shift": 0}, {"affine": {}}, {"elastic": {"alpha": 0}}, {"flip": 0.0}]
    found = []
    for augment in ([], nothing):
        trainer = trainer_of(augmenting(augment), dark_dataset())
        assert train(trainer)
        found.append(digest(trainer.params))
    assert found[0] == found[1]


def test_networks_on_augmented_images_train_alone():
    dataset = dark_dataset()
    alone, together = (
        joint_key(augmenting(one, dtype="float32"), dataset) for one in ([ELASTIC], [])
    )
    assert together is not None
    assert alone is None
