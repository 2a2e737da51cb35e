"""The positions on a sheet, and that the test of its texts can fail."""

import numpy as np
import pytest
from figure_helpers import faults
from matplotlib.text import Text

from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet, around_zero, mosaic, shortened


def test_a_mosaic_lays_images_row_by_row_with_gaps_of_nan():
    images = np.arange(3 * 2 * 2).reshape(3, 2, 2)
    nan = np.nan
    expected = [
        [0, 1, nan, 4, 5],
        [2, 3, nan, 6, 7],
        [nan] * 5,
        [8, 9, nan, nan, nan],
        [10, 11, nan, nan, nan],
    ]
    np.testing.assert_array_equal(mosaic(images, columns=2, gap=1), expected)


def test_the_scale_is_centred_on_zero_and_marks_values_beyond_it():
    values = np.concatenate([np.linspace(-1, 1, 2001), [50.0]])
    (low, high), extend = around_zero(values, share=0.99)
    assert low == -high
    assert 0.95 < high < 1
    assert extend == "both"
    assert around_zero(values, share=1.0) == ((-50.0, 50.0), "neither")


def test_a_scale_is_never_empty_even_of_zeros_and_never_lost_to_a_lone_value():
    assert around_zero(np.zeros(5)) == ((-1.0, 1.0), "neither")
    lone = np.zeros(100_000)
    lone[7] = -3
    assert around_zero(lone) == ((-3.0, 3.0), "neither")


def test_parts_are_at_their_positions_in_inches():
    with style.drawing():
        sheet = Sheet(3.0, "Heading", "one line", run="run")
        axes = sheet.panel(2.0, 0.5, 4.0, 1.5)
        sheet.picture(2.0, 0.5, 4.0, np.zeros((3, 8)), style.PICTURE, (0, 1))
    figure = sheet.figure
    figure.canvas.draw()
    panel = axes.get_window_extent()
    (picture,) = sheet.canvas.get_images()
    extent = picture.get_window_extent()
    dpi = figure.dpi
    assert np.allclose(panel.bounds, extent.bounds)
    assert np.isclose(panel.x0, 2.0 * dpi)
    assert np.isclose(panel.y1, (3.0 - 0.5) * dpi)
    assert np.isclose(panel.width, 4.0 * dpi)
    assert figure.get_size_inches().tolist() == [style.WIDTH, sheet.top + 3.0]


def test_words_on_others_and_words_cut_off_are_found():
    with style.drawing():
        sheet = Sheet(1.0, "Heading", run="name")
        sheet.write(MARGIN, 0.5, "first")
        sheet.write(MARGIN + 0.1, 0.5, "second")
        sheet.write(style.WIDTH - 0.05, 0.5, "third")
    assert faults(sheet.figure) == ["'second' lies on 'first'", "'third' is cut off"]


def test_a_run_of_any_name_is_written_as_it_is_and_fits():
    with style.drawing():
        sheet = Sheet(1.0, "Confusion matrix: accuracy 98.40 %", "note", "$x_{$ " + "y" * 90)
    assert faults(sheet.figure) == []
    assert all(not text.get_parse_math() for text in sheet.figure.findobj(Text) if text.get_text())
    assert any("$x_{$ yyy" in text.get_text() for text in sheet.figure.findobj(Text))


@pytest.mark.parametrize(
    ("heading", "written"),
    [
        ("Learning curves", "Learning curves"),
        (
            "Chapter 3: cross-entropy summed over the outputs, λ = 5.0, learning rate 0.1",
            "Chapter 3: cross-entropy summed over the outputs, …",
        ),
        (
            "Momentum, whatever the learning rate and the size of a batch may be here",
            "Momentum, whatever the learning rate and the size of a …",
        ),
    ],
)
def test_a_heading_that_is_too_long_ends_behind_a_phrase(heading, written):
    assert shortened(heading) == written
