"""Which weights are shown as images, in what order, and on what scale."""

import numpy as np
import pytest
from figure_helpers import faults, shown_texts

from mnistlab.figures import style
from mnistlab.figures.run.output_weights import by_preference, output_weights
from mnistlab.figures.run.weight_distributions import distribution, weight_distributions
from mnistlab.figures.run.weights import filters, unit_weights
from mnistlab.figures.sheet import mosaic
from mnistlab.figures.weight_images import class_weights, strongest

RNG = np.random.default_rng(11)


def pictures(figure) -> list:
    return figure.axes[0].get_images()


def test_the_strongest_come_first():
    weights = np.array([[1.0, 1], [3, -4], [0, 2], [0, 0]])
    assert strongest(weights, 3).tolist() == [1, 2, 0]
    assert strongest(weights, 9).tolist() == [1, 2, 0, 3]


def test_every_class_is_a_picture_of_its_own_weights_on_one_scale_around_zero():
    weights = RNG.normal(size=(3, 6, 5))
    with style.drawing():
        figure = class_weights(weights, ["a", "b", "c"], "heading", "note", "run")
    drawn = pictures(figure)
    for picture, expected in zip(drawn, weights, strict=True):
        np.testing.assert_array_equal(picture.get_array(), expected)
    (limits,) = {picture.get_clim() for picture in drawn}
    assert limits[0] == -limits[1]
    assert {"a", "b", "c"} <= {text.get_text() for text in shown_texts(figure)}
    assert faults(figure) == []


def test_the_sheet_of_units_holds_the_60_of_largest_norm_in_order():
    units = RNG.normal(size=(80, 4, 4)) * np.arange(80)[:, None, None]
    with style.drawing():
        figure = unit_weights(units, "run")
    (picture,) = pictures(figure)
    order = np.argsort(-np.linalg.norm(units.reshape(80, -1), axis=1))[:60]
    expected = mosaic(units[order], 12, 2)
    np.testing.assert_array_equal(np.asarray(picture.get_array().filled(np.nan)), expected)
    assert "The 60 of 80 units" in shown_texts(figure)[2].get_text()
    assert faults(figure) == []


def test_a_filter_is_a_column_and_a_channel_a_row():
    weights = {"conv1": RNG.normal(size=(5, 1, 3, 3)), "conv2": RNG.normal(size=(4, 5, 2, 2))}
    with style.drawing():
        figure = filters(weights, "run")
    first, second = [np.asarray(p.get_array().filled(np.nan)) for p in pictures(figure)]
    assert first.shape == (3, 5 * 4 - 1)
    np.testing.assert_array_equal(first[:, 8:11], weights["conv1"][2, 0])
    assert second.shape == (5 * 3 - 1, 4 * 3 - 1)
    np.testing.assert_array_equal(second[6:8, 3:5], weights["conv2"][1, 2])
    assert faults(figure) == []


def test_of_a_large_convolution_the_strongest_filters_and_channels_are_shown():
    weights = RNG.normal(size=(64, 32, 3, 3))
    weights[7] = 0
    with style.drawing():
        figure = filters({"conv2": weights}, "run")
    (picture,) = pictures(figure)
    assert picture.get_array().shape == (16 * 4 - 1, 40 * 4 - 1)
    words = " ".join(text.get_text() for text in shown_texts(figure))
    assert "the 40 strongest of 64 filters over the 16 strongest of 32 channels" in words
    assert faults(figure) == []


def test_shares_of_zeros_and_of_small_weights_are_those_of_the_weights():
    weights = np.array([0.0, 0.0, 0.0005, -0.0009, 0.001, -0.5, 0.5, 0.25])
    found = distribution(weights)
    assert found.zero_share == 2 / 8
    assert found.small_share == 4 / 8
    assert found.std == pytest.approx(weights.std())


@pytest.mark.parametrize("size", [3, 100, 5000])
def test_bins_are_centred_on_zero_and_hold_every_weight(size):
    weights = RNG.normal(size=size)
    found = distribution(weights)
    assert found.counts.sum() == size
    assert len(found.counts) % 2 == 1
    np.testing.assert_allclose(found.edges, -found.edges[::-1])
    middle = len(found.counts) // 2
    assert found.edges[middle] < 0 < found.edges[middle + 1]


def test_weights_that_are_all_zero_are_drawn_as_one_bar_in_the_middle():
    with style.drawing():
        figure = weight_distributions({"dense1": np.zeros((4, 4))}, None, "run")
    assert distribution(np.zeros(16)).counts.max() == 16
    assert any("exactly zero 100 %" in text.get_text() for text in shown_texts(figure))
    assert faults(figure) == []


def test_a_layer_is_drawn_as_it_is_and_as_it_started():
    now, start = {"dense1": RNG.normal(size=400)}, {"dense1": RNG.normal(size=400) / 9}
    with style.drawing():
        figure = weight_distributions(now, start, "run")
    bars, line = figure.axes[1].patches
    found = distribution(now["dense1"])
    np.testing.assert_array_equal(bars.get_data().values, found.counts)
    expected = distribution(start["dense1"], found.edges).counts
    np.testing.assert_array_equal(line.get_data().values, expected)
    assert faults(figure) == []


def test_hidden_units_are_ordered_by_the_class_that_they_prefer():
    weights = RNG.normal(size=(4, 30))
    order = by_preference(weights)
    assert sorted(order) == list(range(30))
    prefers, strength = weights.argmax(axis=0)[order], weights.max(axis=0)[order]
    assert (np.diff(prefers) >= 0).all()
    for label in range(4):
        assert (np.diff(strength[prefers == label]) <= 0).all()
    with style.drawing():
        figure = output_weights(weights, ["a", "b", "c", "$d"], "dense2", "run")
    (picture,) = figure.axes[1].get_images()
    np.testing.assert_array_equal(picture.get_array(), weights[:, order])
    assert faults(figure) == []


def test_of_many_hidden_units_the_strongest_are_drawn():
    weights = RNG.normal(size=(10, 800))
    weights[:, 5] *= 100
    with style.drawing():
        figure = output_weights(weights, list("0123456789"), "dense2", "run")
    drawn = figure.axes[1].get_images()[0].get_array()
    assert drawn.shape == (10, 300)
    assert np.abs(drawn).max() == np.abs(weights).max()
    assert "300 strongest of 800 inputs" in " ".join(t.get_text() for t in shown_texts(figure))


def test_the_names_of_many_classes_do_not_cover_each_other():
    with style.drawing():
        figure = output_weights(RNG.normal(size=(250, 8)), list(map(str, range(250))), "l", "run")
    assert faults(figure) == []
