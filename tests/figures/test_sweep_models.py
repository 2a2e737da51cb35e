"""Models side by side: a row for each, all on one scale."""

import numpy as np
from figure_helpers import faults, shown_texts

from mnistlab.figures import style
from mnistlab.figures.side_by_side import COLUMNS, ModelImages
from mnistlab.figures.sweep.models.feature_maps import feature_maps_side_by_side
from mnistlab.figures.sweep.models.weights import weights_side_by_side

RNG = np.random.default_rng(4)


def test_a_row_holds_one_model_and_all_rows_share_a_scale():
    large, small = RNG.normal(size=(10, 7, 5)), RNG.normal(size=(10, 7, 5)) / 100
    models = [ModelImages(["l1", "lr 0.1"], large), ModelImages(["l2"], small)]
    with style.drawing():
        figure = weights_side_by_side(models, list("0123456789"), "note", "sweep")
    drawn = figure.axes[0].get_images()
    np.testing.assert_array_equal([p.get_array() for p in drawn], [*large, *small])
    assert len({picture.get_clim() for picture in drawn}) == 1
    tops = [picture.get_extent()[3] for picture in drawn]
    assert len(set(tops[:10])) == len(set(tops[10:])) == 1
    assert tops[0] < tops[10]
    assert faults(figure) == []


def test_no_more_pictures_than_columns_and_long_names_are_cut():
    models = [ModelImages([f"stage {'x' * 40}", "a 1", "b 2", "c 3"], RNG.random((30, 3, 3)))] * 3
    with style.drawing():
        figure = weights_side_by_side(models, (), "note", "sweep")
    assert len(figure.axes[0].get_images()) == 3 * COLUMNS
    assert faults(figure) == []
    assert any("…xxx" in text.get_text() for text in shown_texts(figure))


def test_maps_have_a_scale_each_and_are_beside_the_image():
    maps = RNG.random((4, 6, 6)) * np.array([1, 10, 100, 0])[:, None, None]
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    with style.drawing():
        figure = feature_maps_side_by_side(image, [ModelImages(["one"], maps)], "note", "sweep")
    *drawn, shown = [np.asarray(p.get_array()) for p in figure.axes[0].get_images()]
    np.testing.assert_array_equal(shown, image)
    for found, expected in zip(drawn[:3], maps[:3], strict=True):
        np.testing.assert_allclose(found, (expected - expected.min()) / np.ptp(expected))
    assert (drawn[3] == 0).all()
    assert faults(figure) == []
