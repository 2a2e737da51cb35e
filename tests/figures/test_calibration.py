"""The bins and the expected calibration error, by hand and by brute force."""

import numpy as np
import pytest
from figure_helpers import faults
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.figures import style
from mnistlab.figures.run.calibration import calibration, reliability_diagram


def test_bins_means_and_error_of_a_case_worked_by_hand():
    probabilities = np.array([0.95, 0.91, 0.99, 0.55, 0.45])
    is_right = np.array([True, True, False, True, False])
    found = calibration(probabilities, is_right)
    assert found.counts.tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 3]
    np.testing.assert_allclose(found.accuracy[[4, 5, 9]], [0, 1, 2 / 3])
    np.testing.assert_allclose(found.confidence[[4, 5, 9]], [0.45, 0.55, 0.95])
    assert np.isnan(found.accuracy[0])
    expected = (1 * 0.45 + 1 * 0.45 + 3 * abs(2 / 3 - 0.95)) / 5
    assert found.error == pytest.approx(expected)


def test_the_ends_of_the_range_have_a_bin_and_an_edge_belongs_below():
    found = calibration(np.array([0.0, 1.0, 0.5]), np.array([True, True, True]))
    assert np.flatnonzero(found.counts).tolist() == [0, 4, 9]


def test_a_calibrated_network_has_no_calibration_error():
    probabilities = np.repeat([0.25, 0.75], 4)
    is_right = np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    assert calibration(probabilities, is_right).error == pytest.approx(0)


@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60))
def test_the_error_is_the_weighted_gap_of_the_bins(images):
    probabilities, is_right = map(np.array, zip(*images, strict=True))
    expected = 0.0
    for bin in range(10):
        low, high = bin / 10, (bin + 1) / 10
        # As the bins are told apart: by p * 10, whose rounding may differ from low < p.
        inside = (probabilities * 10 > bin) & (probabilities * 10 <= bin + 1)
        inside |= (probabilities == 0) & (bin == 0)
        assert (
            (probabilities[inside] >= low - 1e-6) & (probabilities[inside] <= high + 1e-6)
        ).all()
        if inside.any():
            gap = abs(is_right[inside].mean() - probabilities[inside].mean())
            expected += inside.sum() * gap / len(images)
    found = calibration(probabilities.astype(float), is_right)
    assert found.error == pytest.approx(expected, abs=1e-9)
    assert found.counts.sum() == len(images)


def test_the_diagram_draws_these_bins_and_no_empty_ones():
    probabilities = np.concatenate([np.full(30, 0.93), np.full(4, 0.42)])
    found = calibration(probabilities, np.arange(34) % 3 > 0)
    with style.drawing():
        figure = reliability_diagram(found, "test images", "run")
    _, upper, lower = figure.axes
    heights = {round(bar.get_x() + bar.get_width() / 2, 3): bar for bar in upper.patches}
    assert set(heights) == {0.45, 0.95}
    assert heights[0.95].get_height() == pytest.approx(20 / 30)
    assert heights[0.45].get_alpha() < 1  # fewer than ten images
    assert sorted(bar.get_height() for bar in lower.patches) == [4, 30]
    (dots,) = [line for line in upper.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(dots.get_xdata(), [0.42, 0.93])
    (diagonal,) = [line for line in upper.get_lines() if line.get_label() == "diagonal"]
    assert all(bar.get_zorder() < diagonal.get_zorder() for bar in upper.patches)
    assert 0 <= upper.get_ylim()[0] < upper.get_ylim()[1] <= 1
    assert faults(figure) == []


def test_each_mark_of_the_legend_looks_like_what_it_names():
    found = calibration(np.full(30, 0.93), np.arange(30) % 3 > 0)
    with style.drawing():
        figure = reliability_diagram(found, "test images", "run")
    canvas, upper, _ = figure.axes
    (bar,) = canvas.patches
    assert bar.get_facecolor() == upper.patches[0].get_facecolor()
    dot, dashes = canvas.get_lines()
    assert (dot.get_marker(), dashes.is_dashed()) == ("o", True)
    heading = canvas.texts[0].get_text()
    assert heading.startswith("Expected calibration error (ECE): ")
