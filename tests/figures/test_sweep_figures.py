"""The numbers behind a sweep's figures, and that none is drawn of nothing."""

import itertools
import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from mnistlab.figures import style
from mnistlab.figures.sweep.stage.heat_map import cells, heat_map
from mnistlab.figures.sweep.stage.metric_by_parameter import metric_by_parameter
from mnistlab.figures.sweep_bars import MAX_BARS, bars
from mnistlab.figures.sweep_curves import NAMED, sweep_curves
from mnistlab.figures.sweep_points import (
    LearningCurve,
    SweepMetric,
    SweepPoint,
    varied,
    wants_log_axis,
)
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.errors import UsageError

ACCURACY = SweepMetric("val_accuracy", maximize=True)
LOSS = SweepMetric("val_loss", maximize=False)


def grid(**columns) -> list[SweepPoint]:
    """A point for each combination of two columns, with a mean of its own."""
    (a, xs), (b, ys) = columns.items()
    return [
        SweepPoint({a: x, b: y}, (0.1 * i + 0.01 * j,))
        for i, x in enumerate(xs)
        for j, y in enumerate(ys)
    ]


POINTS = grid(**{"optimizer.lr": [1e-3, 1e-2, 0.1], "model.hidden": [[4], [8, 8]]})


def assert_all_text_inside(figure) -> None:
    """Nothing written is cut off by the figure's edge."""
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [*axes.texts, axes.title]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
        texts += [axes.xaxis.label, axes.yaxis.label]
        legend = axes.get_legend()
        texts += legend.get_texts() if legend else []
    for text in texts:
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= -0.5, text
            assert box.y0 >= -0.5, text
            assert box.x1 <= width + 0.5, text
            assert box.y1 <= height + 0.5, text


def test_a_panel_for_each_parameter_with_the_best_of_each_value():
    rate, hidden = metric_by_parameter(POINTS, ACCURACY, "s").axes
    assert (rate.get_xlabel(), hidden.get_xlabel()) == ("optimizer.lr", "model.hidden")
    assert rate.get_ylabel() == "validation accuracy (%)"
    assert (rate.get_xscale(), hidden.get_xscale()) == ("log", "linear")
    best = {line.get_label(): line for line in rate.get_lines()}["best"]
    np.testing.assert_allclose(best.get_xdata(), [1e-3, 1e-2, 0.1])
    np.testing.assert_allclose(best.get_ydata(), [1.0, 11.0, 21.0])
    assert [t.get_text() for t in hidden.get_xticklabels()] == ["[4]", "[8, 8]"]


def test_the_best_of_a_loss_is_the_least_and_incomplete_points_are_none():
    points = [*POINTS, SweepPoint({"optimizer.lr": 0.1, "model.hidden": [9]}, (0.0,), False)]
    rate = metric_by_parameter(points, LOSS, "s").axes[0]
    best = {line.get_label(): line for line in rate.get_lines()}["best"]
    np.testing.assert_allclose(best.get_ydata(), [0.0, 0.1, 0.2])


def test_a_zero_stands_at_the_left_end_of_a_log_axis_and_says_so():
    points = [SweepPoint({"l2": v}, (0.5,)) for v in (0, 1e-4, 1e-3)]
    (axes,) = metric_by_parameter(points, ACCURACY, "s").axes
    assert axes.get_xscale() == "log"
    places = dict(
        zip([t.get_text() for t in axes.get_xticklabels()], axes.get_xticks(), strict=True)
    )
    assert places["0.0001"] == 1e-4
    assert places["0"] == pytest.approx(1e-5)


@pytest.mark.parametrize("values", [(1e-300, 1e-3, 0), (1e308, 1, -1e308), (5e-324, 1e308)])
def test_values_that_no_axis_can_hold_stand_side_by_side(values):
    points = [SweepPoint({"l2": v}, (0.5,)) for v in values]
    figure = metric_by_parameter(points, ACCURACY, "s")
    figure.canvas.draw()
    assert list(figure.axes[0].get_xticks()) == list(range(len(values)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.1, 0.2, 0.3], False), ([1e-3, 1e-2], True), ([0, 1e-3, 1], True), ([-1, 1, 100], False)],
)
def test_a_log_axis_is_for_positive_values_far_apart(values, expected):
    assert wants_log_axis(values) is expected


def test_ticks_that_would_lie_on_each_other_are_left_out():
    points = [SweepPoint({"lr": v}, (0.5,)) for v in (1e-3, 1.1e-3, 1.2e-3, 1e9)]
    figure = metric_by_parameter(points, ACCURACY, "s")
    figure.canvas.draw()
    boxes = [t.get_window_extent() for t in figure.axes[0].get_xticklabels()]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_seeds_are_drawn_with_their_standard_deviation():
    point = SweepPoint({"lr": 1}, (0.8, 0.9))
    assert (point.mean, point.std) == (pytest.approx(0.85), pytest.approx(math.sqrt(0.005)))
    (axes,) = bars([point, SweepPoint({"lr": 2}, (0.5,))], ACCURACY, "s").axes
    assert [t.get_text() for t in axes.texts] == ["85.00 ± 7.07", "50.00"]
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], [85, 50])


def test_a_cell_holds_the_best_over_what_it_leaves_open():
    points = [SweepPoint({"a": 1, "b": 2, "c": c}, (v,)) for c, v in ((1, 0.3), (2, 0.7), (3, 0.5))]
    points.append(SweepPoint({"a": 9, "b": 2, "c": 1}, (0.9,), complete=False))
    table = cells(points, ACCURACY, [1, 9], [2], ("a", "b"))
    np.testing.assert_allclose(table, [[70.0, np.nan]])
    assert cells(points, LOSS, [1, 9], [2], ("a", "b"))[0, 0] == 0.3


def test_a_heat_map_writes_every_value_and_frames_the_best():
    (axes,) = heat_map(POINTS, ACCURACY, "s").axes
    written = {t.get_text() for t in axes.texts}
    assert written == {"0.00", "1.00", "10.00", "11.00", "20.00", "21.00"}
    (frame,) = axes.patches
    assert to_hex(frame.get_edgecolor()) == style.VERMILLION.lower()
    # Best is lr 0.1, third of the values, with [8, 8], second.
    assert axes.get_ylabel() == "optimizer.lr"
    assert (frame.get_x(), frame.get_y()) == (0.5, 1.5)


def test_of_three_parameters_each_pair_has_a_heat_map():
    points = [
        SweepPoint({"a": a, "b": b, "c": c}, (a + b + c / 10,))
        for a in (1, 2) for b in (1, 2) for c in (1, 2)
    ]  # fmt: skip
    assert len(heat_map(points, LOSS, "s").axes) == 3


def rows(*values) -> list[MetricsRow]:
    return [MetricsRow(e, 10 * e, val_accuracy=v) for e, v in enumerate(values, start=1)]


def test_all_trials_are_curves_and_the_best_is_named_first():
    curves = [LearningCurve(f"lr {n}", rows(0.1, 0.5 - n / 100)) for n in range(NAMED + 3)]
    curves.append(LearningCurve("lr 99", rows(0.3, math.nan), diverged=True))
    figure = sweep_curves(curves, ACCURACY, "s")
    (axes,) = figure.axes
    assert axes.get_legend().get_texts()[0].get_text() == "lr 0"
    assert len(axes.get_legend().get_texts()) == NAMED
    assert len(axes.get_lines()) == len(curves) + 1  # and the cross
    crosses = [line for line in axes.get_lines() if line.get_marker() == "X"]
    np.testing.assert_allclose(crosses[0].get_xydata(), [[1, 30]])
    assert axes.texts[0].get_text() == "faint: 3 more trials\ncross: 1 diverged"


def test_curves_of_one_label_share_a_colour_and_a_name():
    curves = [LearningCurve(name, rows(0.1, last)) for name, last in [("a", 0.9), ("a", 0.8)]]
    curves += [
        LearningCurve("b", rows(0.1, 0.7)),
        LearningCurve("b", rows(0.2, math.nan), diverged=True),
    ]
    (axes,) = sweep_curves(curves, ACCURACY, "s").axes
    legend = axes.get_legend()
    names = {
        t.get_text(): h.get_color()
        for t, h in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert list(names) == ["a", "b"]
    drawn = {line.get_ydata()[-1]: line for line in axes.get_lines() if line.get_marker() != "X"}
    assert to_hex(drawn[90].get_color()) == to_hex(drawn[80].get_color()) == to_hex(names["a"])
    assert len({line.get_linewidth() for line in drawn.values()}) == 1
    assert to_hex(drawn[70].get_color()) == to_hex(drawn[20].get_color()) == to_hex(names["b"])
    assert axes.texts[0].get_text() == "cross: 1 diverged"


def test_no_more_bars_than_can_be_read_and_the_figure_says_so():
    many = [SweepPoint({"lr": n}, (0.5,)) for n in range(MAX_BARS + 5)]
    figure = bars(many, ACCURACY, "s")
    assert len(figure.axes[0].patches) == MAX_BARS
    assert f"the first {MAX_BARS} of {MAX_BARS + 5} points" in figure.texts[-1].get_text()


def test_stated_values_are_marks_beside_the_bars():
    (axes,) = bars([SweepPoint({"lr": 1}, (0.8,), stated=0.9)], ACCURACY, "s").axes
    stated = {line.get_label(): line for line in axes.get_lines()}["stated"]
    np.testing.assert_allclose(stated.get_xydata(), [[90, 0]])


def test_what_is_stated_is_written_as_stated_and_what_was_measured_is_not():
    points = [SweepPoint({"lr": 1}, (0.8, 0.82), stated=0.91041), SweepPoint({"lr": 2}, (0.7,))]
    figure = bars(points, ACCURACY, "s")
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == ["mean 81.00 ± 1.41", "stated 91.041", "70.00"]
    assert_all_text_inside(figure)


def test_no_text_is_cut_off_however_long():
    long = [
        SweepPoint(
            {"model.layers": [{"conv": {"filters": n, "kernel": 3}}] * 4, "$x_i$": n}, (0.5, 0.6)
        )
        for n in range(1, 7)
    ]
    title = "a name with $dollars$ and a very long tail " * 4
    curves = [LearningCurve("layers " * 30, rows(0.1, 0.2))]
    assert_all_text_inside(bars(long, ACCURACY, title))
    assert_all_text_inside(sweep_curves(curves, ACCURACY, title))
    assert_all_text_inside(metric_by_parameter(long, ACCURACY, title))
    assert_all_text_inside(heat_map(POINTS, ACCURACY, title))


def test_nothing_is_drawn_of_nothing():
    unmeasured = [SweepPoint({"lr": 1}, ()), SweepPoint({"lr": 2}, ())]
    for draw in (metric_by_parameter, heat_map, bars):
        with pytest.raises(UsageError):
            draw(unmeasured, ACCURACY, "s")
    with pytest.raises(UsageError):
        sweep_curves([LearningCurve("x", rows(math.nan))], ACCURACY, "s")
    with pytest.raises(UsageError):
        metric_by_parameter([SweepPoint({"lr": 1}, (0.5,))], ACCURACY, "s")


def test_what_varies_is_what_has_two_values():
    assert varied(POINTS) == ["optimizer.lr", "model.hidden"]
    assert varied([SweepPoint({"a": 1, "b": [1]}, ()), SweepPoint({"a": 1, "b": [2]}, ())]) == ["b"]
