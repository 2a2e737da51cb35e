"""Training labels made wrong on purpose."""

import numpy as np
import pytest

from mnistlab.data.label_changes import changed_labels

LABELS = np.random.default_rng(1).integers(0, 10, 5000).astype(np.uint8)
TRAINED = np.arange(1000, 4000)


def changed(noise=0.0, shuffle=False, seed=0, labels=LABELS, classes=range(10)):
    return changed_labels(labels, TRAINED, classes, noise=noise, shuffle=shuffle, seed=seed)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.29, 870), (1.0, 3000)])
def test_exactly_the_share_of_training_labels_is_another_class_and_no_other_label(share, count):
    wrong = changed(noise=share) != LABELS
    assert wrong[TRAINED].sum() == wrong.sum() == count


def test_every_other_class_is_as_likely():
    found = changed(noise=1.0)
    steps = (found[TRAINED].astype(int) - LABELS[TRAINED]) % 10
    counts = np.bincount(steps, minlength=10)
    assert counts[0] == 0
    expected = 3000 / 9
    assert ((counts[1:] - expected) ** 2 / expected).sum() < 8 + 5 * 4


def test_noise_stays_among_the_classes_that_are_kept():
    labels = np.where(LABELS < 5, 2, 7).astype(np.uint8)
    found = changed(noise=1.0, labels=labels, classes=[7, 2])
    np.testing.assert_array_equal(found[TRAINED], 9 - labels[TRAINED])


def test_one_class_has_no_other():
    labels = np.zeros_like(LABELS)
    np.testing.assert_array_equal(changed(noise=1.0, labels=labels, classes=[0]), labels)


def test_shuffled_labels_are_the_same_labels_in_another_order():
    found = changed(shuffle=True)
    np.testing.assert_array_equal(np.sort(found[TRAINED]), np.sort(LABELS[TRAINED]))
    assert 0.85 < (found != LABELS)[TRAINED].mean() < 0.95
    rest = np.setdiff1d(np.arange(5000), TRAINED)
    np.testing.assert_array_equal(found[rest], LABELS[rest])


@pytest.mark.parametrize("how", [{"noise": 0.5}, {"shuffle": True}])
def test_a_seed_always_gives_the_same_labels(how):
    np.testing.assert_array_equal(changed(seed=3, **how), changed(seed=3, **how))
    assert (changed(seed=3, **how) != changed(seed=4, **how)).any()
