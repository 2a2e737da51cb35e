"""Figures of the inside of a network: feature maps, layers as images, the t-SNE map."""

import math
from dataclasses import replace

import numpy as np
import pytest
from figure_helpers import faults, shown_texts

from mnistlab.figures import style
from mnistlab.figures.run import tsne
from mnistlab.figures.run.feature_maps import feature_maps
from mnistlab.figures.run.layer_sheet import LayerImages, as_image, by_input, layer_sheet
from mnistlab.figures.run.tsne import embedding_map, label_places
from mnistlab.store.metrics import LayerRow, MetricsRow

RNG = np.random.default_rng(2)


def test_units_are_laid_row_by_row_in_the_rectangle_nearest_to_a_square():
    assert as_image(np.arange(16.0)).tolist() == np.arange(16.0).reshape(4, 4).tolist()
    assert as_image(np.arange(128.0)).shape == (8, 16)
    assert as_image(np.arange(10.0)).shape == (2, 5)
    of_prime = as_image(np.arange(11.0))
    assert np.isnan(of_prime).sum() == of_prime.size - 11
    assert np.nansum(of_prime) == sum(range(11))


def test_channels_are_averaged():
    maps = RNG.normal(size=(5, 3, 4))
    np.testing.assert_allclose(as_image(maps), maps.mean(axis=0))


def test_the_mean_weight_from_an_input_is_drawn_at_the_inputs_position():
    weights = RNG.normal(size=(12, 7))
    np.testing.assert_allclose(by_input(weights, (1, 3, 4)), weights.mean(axis=1).reshape(3, 4))
    filters = RNG.normal(size=(6, 2, 3, 3))
    np.testing.assert_allclose(by_input(filters, (2, 9, 9)), filters.mean(axis=(0, 1)))
    flattened = RNG.normal(size=(2 * 3 * 4, 5))
    expected = flattened.mean(axis=1).reshape(2, 3, 4).mean(axis=0)
    np.testing.assert_allclose(by_input(flattened, (2, 3, 4)), expected)


def layer(name: str, fan_in: int, fan_out: int, seen: tuple[int, ...]) -> LayerImages:
    start = RNG.normal(size=(fan_in, fan_out))
    change = np.full((fan_in, fan_out), 0.25)
    return LayerImages(name, seen, RNG.random((9, fan_out)), start - change, start)


def test_the_sheet_shows_means_weights_and_the_size_of_the_summed_updates():
    layers = [layer("dense1", 12, 16, (1, 3, 4)), layer("dense2", 16, 10, (16,))]
    metrics = [MetricsRow(e, 100 * e, train_accuracy=0.5 + e / 10) for e in (1, 2)]
    metrics += [MetricsRow(3, 300, train_accuracy=math.nan)]
    rows = [LayerRow(1, one.name, 0.0, 1.0, update_mean=1e-3) for one in layers]
    with style.drawing():
        figure = layer_sheet(layers, metrics, rows, "test images", "run")
    mean, weight, change, *_ = [p.get_array() for p in figure.axes[0].get_images()]
    np.testing.assert_allclose(mean, layers[0].activations.mean(axis=0).reshape(4, 4))
    np.testing.assert_allclose(weight, layers[0].weights.mean(axis=1).reshape(3, 4))
    np.testing.assert_allclose(change, 0.25)
    words = [text.get_text() for text in shown_texts(figure)]
    weights = layers[0].weights
    assert f"weights\nμ {weights.mean():.2g}, σ {weights.std():.2g}" in words
    assert words.count("change by training\nmean 0.25") == 2
    assert faults(figure) == []


def test_rounding_noise_is_of_one_colour():
    """The weights of softmax regression have a mean of zero over the classes, but for rounding."""
    noisy = layer("dense1", 12, 10, (1, 3, 4))
    weights = noisy.weights - noisy.weights.mean(axis=1, keepdims=True)
    weights[:, 0] += 1e-9 * RNG.normal(size=12)
    with style.drawing():
        figure = layer_sheet([replace(noisy, weights=weights)], [], [], "test images", "run")
    _, picture, _ = figure.axes[0].get_images()
    drawn = picture.norm(picture.get_array())
    assert np.ptp(drawn) < 1e-4
    assert abs(drawn.mean() - 0.5) < 1e-4


def test_the_accuracy_has_no_line_that_nothing_explains():
    metrics = [MetricsRow(e, 100 * e, train_accuracy=0.5) for e in (1, 2)]
    one = layer("dense1", 12, 10, (1, 3, 4))
    with style.drawing():
        figure = layer_sheet([one], metrics, [], "test images", "run")
    accuracy = next(a for a in figure.axes if a.get_title(loc="left") == "accuracy (%)")
    assert [line.get_label() for line in accuracy.get_lines()] == ["training"]


def test_of_many_filters_those_that_vary_most_are_shown_each_on_its_own_scale():
    maps = RNG.random((2, 20, 4, 4)) * np.arange(1, 21)[:, None, None]
    maps[:, 6] *= 100
    maps[:, 9] = 7  # a filter that says the same everywhere
    images = np.zeros((2, 8, 8), np.uint8)
    with style.drawing():
        figure = feature_maps(images, ["0", "1"], {"conv1": maps}, "test images", "run")
    picture = figure.axes[0].get_images()[-1].get_array().filled(np.nan)
    chosen = sorted(sorted(range(20), key=lambda k: -maps[:, k].std())[:16])
    assert 6 in chosen
    assert 9 not in chosen
    shown = maps[:, chosen]
    low = shown.min(axis=(0, 2, 3), keepdims=True)
    expected = (shown - low) / (shown.max(axis=(0, 2, 3), keepdims=True) - low)
    for column in range(len(chosen)):
        tile = picture[5:9, 5 * column : 5 * column + 4]
        np.testing.assert_allclose(tile, expected[1, column])
    assert faults(figure) == []


def test_two_labels_never_have_the_same_position():
    points = RNG.normal(size=(60, 2))
    labels = np.repeat([0, 1, 2], 20)
    places = label_places(points, labels, np.array([0.5, 0.2]))
    np.testing.assert_allclose(places[0], np.median(points[:20], axis=0))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (np.abs(places[a] - places[b]) >= [0.5, 0.2]).any()
    for label in (1, 2):
        middle = np.median(points[labels == label], axis=0)
        stands_on_a_point = (points[labels == label] == places[label]).all(axis=1).any()
        assert stands_on_a_point or np.allclose(places[label], middle)


def test_labels_of_classes_that_lie_on_each_other_stand_side_by_side():
    points, room = RNG.normal(size=(40, 2)) * 0.01, np.array([0.5, 0.2])
    places = list(label_places(points, np.arange(40) % 10, room).values())
    for number, place in enumerate(places):
        others = np.array(places[:number] + places[number + 1 :])
        assert (np.abs(others - place) >= room * (1 - 1e-9)).any(axis=1).all()


def test_labels_of_100_classes_look_at_few_places_of_the_grid(monkeypatch):
    """All places of the grid of 256 classes took minutes, and gigabytes."""
    looked_at = []

    class Watched(np.ndarray):
        def __sub__(self, taken):
            looked_at.append(len(self) * taken.shape[-2])
            return np.asarray(self) - np.asarray(taken)

    first_apart = tsne._first_apart
    monkeypatch.setattr(tsne, "_first_apart", lambda c, *rest: first_apart(c.view(Watched), *rest))
    points, room = RNG.normal(size=(1000, 2)), np.array([0.3, 0.1])
    assert len(label_places(points, np.arange(1000) % 100, room)) == 100
    assert sum(looked_at) < 100 * 100 * 4 * tsne.TOGETHER


def test_names_of_too_many_classes_stay_within_the_frame():
    labels = np.arange(1000) % 250
    names = [f"class {label}" for label in range(250)]
    points = RNG.normal(size=(1000, 2))
    with style.drawing():
        figure = embedding_map(points, labels, labels, names, "dense1", "test images", "run")
    axes = figure.axes[1]
    frame, drawn = axes.get_window_extent(), [t for t in axes.texts if t.get_text()]
    assert 30 < len(drawn) < 250
    for text in drawn:
        x, y = axes.transData.transform(text.get_position())
        assert frame.x0 - 75 < x < frame.x1 + 75
        assert frame.y0 - 20 < y < frame.y1 + 20


@pytest.mark.parametrize("names", [list("0123456789"), ["Ankle boot", *"abcdefgh", "$x"]])
def test_every_image_is_a_point_of_its_class_and_the_wrong_ones_are_ringed(names):
    labels = np.arange(40) % 10
    points = RNG.normal(size=(40, 2)) + 40 * np.stack([labels % 4, labels // 4], axis=1)
    predicted = labels.copy()
    predicted[[3, 8]] += 1
    with style.drawing():
        figure = embedding_map(points, labels, predicted, names, "dense1", "test images", "run")
    drawn = {c.get_label(): np.asarray(c.get_offsets()) for c in figure.axes[1].collections}
    np.testing.assert_allclose(drawn[names[4]], points[labels == 4])
    np.testing.assert_allclose(drawn["misclassified"], points[[3, 8]])
    assert len(drawn) == 11
    assert faults(figure) == []
