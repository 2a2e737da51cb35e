"""What MnistClassifier refuses, and warns of."""

import numpy as np
import pytest
from library_helpers import FAST

import mnistlab
from mnistlab.support.errors import UsageError


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_weights_of_samples_are_refused_with_what_to_do(images, method):
    train = getattr(mnistlab.Classifier(**FAST), method)
    with pytest.raises(TypeError, match=r"sample_weight is not supported.*repeat images"):
        train(*images, sample_weight=np.ones(200))
    with pytest.raises(TypeError, match="no argument 'weights'"):
        train(*images, weights=np.ones(200))


def test_numbers_that_are_lost_in_256_levels_bring_a_warning(images):
    X = images[0] / 255
    X[0, 0, 0] = 1e5
    with pytest.warns(UserWarning, match="of 256 levels"):
        mnistlab.Classifier(hidden=[4], epochs=1).fit(X, images[1])


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({"image_shape": (28, 27)}, (20, 784), "28 × 27 are 756 pixels, X has 784"),
        ({"image_shape": (14, 56)}, (20, 28, 28), "28 × 28 pixels; image_shape is 14 × 56"),
        ({"image_shape": 5}, (20, 784), "image_shape: found 5, must be"),
        ({"image_shape": (28, 28, 1)}, (20, 784), r"image_shape: found \(28, 28, 1\), must be"),
        ({"image_shape": (-28, -28)}, (20, 784), "image_shape: found .*, must be"),
        ({"image_shape": (28.0, 28.0)}, (20, 784), "image_shape: found .*, must be"),
        ({"image_shape": "ab"}, (20, 784), "image_shape: found 'ab', must be"),
        ({}, (0, 28, 28), r"Found array with 0 sample\(s\)"),
        ({}, (20, 2, 2, 1), "Found array with dim 4"),
    ],
)
def test_what_are_no_images_is_refused(options, shape, message):
    with pytest.raises(ValueError, match=message):
        mnistlab.Classifier(**options).fit(np.zeros(shape), np.arange(shape[0]) % 2)


def test_more_classes_than_a_byte_has_are_refused():
    with pytest.raises(ValueError, match="found 257"):
        mnistlab.Classifier().fit(np.eye(514), np.arange(514) % 257)


def test_a_wrong_parameter_is_named():
    with pytest.raises(mnistlab.ConfigError, match=r"model\.activation"):
        mnistlab.Classifier(activation="rellu").fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": 5}, "model: found 5, must be"),
        ({"model": ["mlp"]}, "model: found a list, must be"),
        ({"optimizer": 5}, "optimizer: found 5, must be"),
        ({"random_state": True}, "seed: found true, must be a whole number"),
    ],
)
def test_a_parameter_of_another_type_is_not_ignored(options, message):
    with pytest.raises(mnistlab.ConfigError, match=message):
        mnistlab.Classifier(**options).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("validation", [-1, 2.0, -0.5, "auto", True, np.nan, 1, 500, [3]])
def test_a_wrong_number_of_validation_images_is_named(images, validation):
    with pytest.raises(ValueError, match=r"^validation: found "):
        mnistlab.Classifier(validation=validation, **FAST).fit(*images)


def test_a_network_that_memory_does_not_hold_is_refused_before_any_is_taken(images):
    X, y = images
    with pytest.raises(UsageError, match=r"model\.hidden: training takes"):
        mnistlab.Classifier(hidden=[100_000] * 30).fit(X, y)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("label_noise", 0.2), ("shuffle_labels", True), ("class_names", ["a", "b", "c"])],
)
def test_keys_that_change_or_name_labels_are_refused(images, method, key, value):
    X, y = images
    classifier = mnistlab.Classifier({"data": {key: value}}, **FAST)
    with pytest.raises(UsageError, match=rf"data\.{key}: found"):
        classifier.fit(X, y) if method == "fit" else classifier.partial_fit(X, y, range(10))
