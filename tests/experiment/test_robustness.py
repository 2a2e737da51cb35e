"""Disturbed images: what is done to them, and that the attack follows the loss's gradient."""

import numpy as np
import pytest
from scipy import ndimage

from mnistlab.data import Split
from mnistlab.experiment.model import load_model
from mnistlab.experiment.robustness import (
    FastGradientSign,
    GaussianNoise,
    Rotation,
    Shift,
    evaluate_robustness,
    shifted,
)
from tools.short_runs import train

LEARNT = {"training": {"epochs": 40, "dtype": "float64"}, "optimizer": {"lr": 0.05}}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robustness")
    sections = {**LEARNT, "data": {"train_limit": 300}, "model": {"type": "mlp", "hidden": [20]}}
    return load_model(train(folder, sections).run_dir, data_dir=folder / "data")


@pytest.fixture(scope="module")
def images(model):
    return model.split("test").gather()


def losses(model, images, labels):
    return model.evaluate(Split(images, labels, np.arange(len(images)))).losses


def test_the_attack_moves_pixels_as_finite_differences_say(model, images):
    pixels, labels = images[0][:3], images[1][:3]
    (attacked,) = FastGradientSign(0.1).applied(model, pixels, labels, 0.2, 0)
    moved = attacked.astype(int) - pixels
    gradient = model.input_gradient(pixels, labels)
    inside = (pixels > 60) & (pixels < 200)
    assert inside.sum() > 20
    for image, row, column in np.argwhere(inside)[:40]:
        above, below = pixels.copy(), pixels.copy()
        above[image, row, column] += 1
        below[image, row, column] -= 1
        slope = (losses(model, above, labels) - losses(model, below, labels))[image] / 2
        assert -gradient[image, row, column] == pytest.approx(slope, rel=1e-3, abs=1e-9)
        assert moved[image, row, column] == np.sign(slope) * 0.2 * 255


def test_the_attack_raises_the_loss_more_than_noise_of_its_size(model):
    attacked = evaluate_robustness(model, "test", FastGradientSign(0.1)).curve
    noisy = evaluate_robustness(model, "test", GaussianNoise(0.1)).curve
    assert attacked[0] == noisy[0]
    assert attacked[0].accuracy > 0.7
    assert [one.loss for one in attacked] == sorted(one.loss for one in attacked)
    assert attacked[-1].accuracy < noisy[-1].accuracy - 0.2


@pytest.mark.parametrize(("rows", "columns"), [(0, 2), (3, 0), (0, -1), (-4, 0), (2, -3)])
def test_a_shift_is_that_of_scipy(images, rows, columns):
    wanted = ndimage.shift(images[0][:5], (0, rows, columns), order=0)
    np.testing.assert_array_equal(shifted(images[0][:5], rows, columns), wanted)


def test_shifts_and_rotations_are_the_mean_over_their_directions(model, images):
    pixels, labels = images
    turned = [
        np.clip(np.rint(ndimage.rotate(pixels * 1.0, a, (1, 2), reshape=False, order=1)), 0, 255)
        for a in (20, -20)
    ]
    moved = [shifted(pixels, *by) for by in ((0, 2), (0, -2), (2, 0), (-2, 0))]
    for by, variants in ((Rotation(20), turned), (Shift(2), moved)):
        each = [losses(model, one.astype(np.uint8), labels).mean() for one in variants]
        last = evaluate_robustness(model, "test", by).curve[-1]
        assert last.strength == by.most
        assert last.loss == pytest.approx(np.mean(each), rel=1e-3)


def test_noise_has_its_standard_deviation_and_is_the_same_each_time(model, images):
    grey = np.full((50, 28, 28), 128, np.uint8)
    (first,), (again,) = (
        GaussianNoise(0.2).applied(model, grey, images[1][:50], 0.1, 3) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert first.std() == pytest.approx(0.1 * 255, rel=0.02)
    assert first.mean() == pytest.approx(128, abs=0.5)
