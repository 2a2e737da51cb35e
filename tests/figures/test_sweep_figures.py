"""The numbers behind a sweep's figures, and that none is drawn of nothing."""

import itertools
import math

import numpy as np
import pytest
from figure_helpers import faults
from matplotlib.colors import to_hex

from mnistlab.figures import style
from mnistlab.figures.sweep.stage.heat_map import cells, heat_map
from mnistlab.figures.sweep.stage.metric_by_parameter import metric_by_parameter
from mnistlab.figures.sweep_curves import NAMED, mean_curves, sweep_curves
from mnistlab.figures.sweep_points import (
    LearningCurve,
    SweepMetric,
    SweepPoint,
    finished,
    told_values,
    varied,
    wants_log_axis,
)
from mnistlab.figures.sweep_ranking import MAX_POINTS, ranking_dots
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


def test_a_panel_for_each_parameter_with_the_best_of_each_value():
    _, rate, hidden = metric_by_parameter(POINTS, ACCURACY, "s").axes
    assert (rate.get_xlabel(), hidden.get_xlabel()) == ("optimizer.lr", "model.hidden")
    assert rate.get_ylabel() == "validation accuracy (%)"
    assert rate.get_ylim() == hidden.get_ylim()
    assert (rate.get_xscale(), hidden.get_xscale()) == ("log", "linear")
    best = {line.get_label(): line for line in rate.get_lines()}["best"]
    np.testing.assert_allclose(best.get_xdata(), [1e-3, 1e-2, 0.1])
    np.testing.assert_allclose(best.get_ydata(), [1.0, 11.0, 21.0])
    assert [t.get_text() for t in hidden.get_xticklabels()] == ["[4]", "[8, 8]"]


def test_the_best_of_a_loss_is_the_least_and_incomplete_points_are_none():
    points = [*POINTS, SweepPoint({"optimizer.lr": 0.1, "model.hidden": [9]}, (0.0,), False)]
    rate = metric_by_parameter(points, LOSS, "s").axes[1]
    best = {line.get_label(): line for line in rate.get_lines()}["best"]
    np.testing.assert_allclose(best.get_ydata(), [0.0, 0.1, 0.2])


def test_a_zero_is_labelled_at_the_left_end_of_a_log_axis():
    points = [SweepPoint({"l2": v}, (0.5,)) for v in (0, 1e-4, 1e-3)]
    _, axes = metric_by_parameter(points, ACCURACY, "s").axes
    assert axes.get_xscale() == "log"
    places = dict(
        zip([t.get_text() for t in axes.get_xticklabels()], axes.get_xticks(), strict=True)
    )
    assert places["0.0001"] == 1e-4
    assert places["0"] == pytest.approx(1e-5)


@pytest.mark.parametrize("values", [(1e-300, 1e-3, 0), (1e308, 1, -1e308), (5e-324, 1e308)])
def test_values_without_an_axis_are_drawn_side_by_side(values):
    points = [SweepPoint({"l2": v}, (0.5,)) for v in values]
    figure = metric_by_parameter(points, ACCURACY, "s")
    figure.canvas.draw()
    assert list(figure.axes[1].get_xticks()) == list(range(len(values)))


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
    boxes = [t.get_window_extent() for t in figure.axes[1].get_xticklabels()]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def ranking(points, metric=ACCURACY, **options):
    """The figure of a ranking: its canvas and its panel."""
    figure = ranking_dots(points, metric, "Ranking", "s", **options)
    assert faults(figure) == []
    return figure.axes


def dots(panel) -> dict[float, float]:
    """The mean of each row as drawn, by the row."""
    found = [line for line in panel.get_lines() if line.get_label() == "mean"]
    return {float(line.get_ydata()[0]): float(line.get_xdata()[0]) for line in found}


def written(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_seeds_are_drawn_with_their_standard_deviation():
    point = SweepPoint({"lr": 1}, (0.8, 0.9))
    assert (point.mean, point.std) == (pytest.approx(0.85), pytest.approx(math.sqrt(0.005)))
    canvas, panel = ranking([point, SweepPoint({"lr": 2}, (0.5,))])
    assert written(canvas)[-3:] == ["mean ± sd", "85.00 ± 7.07 %", "50.00 %"]
    assert dots(panel) == pytest.approx({0: 85, 1: 50})
    bar = next(line for line in panel.get_lines() if len(line.get_xdata()) == 2)
    np.testing.assert_allclose(bar.get_xdata(), [85 - 7.071, 85 + 7.071], atol=1e-3)


def test_points_that_cannot_be_told_from_the_best_are_half_filled():
    points = [
        SweepPoint({"lr": n}, (value, value + 0.01), tied=n < 2)
        for n, value in enumerate((0.9, 0.89, 0.88))
    ]
    canvas, panel = ranking(points)
    marks = [line.get_fillstyle() for line in panel.get_lines() if line.get_label() == "mean"]
    assert marks == ["full", "left", "full"]
    assert any("half-filled" in text for text in written(canvas))
    canvas, panel = ranking(points, is_ranking=False)
    assert {line.get_fillstyle() for line in panel.get_lines()} == {"full"}
    assert not any("half-filled" in text for text in written(canvas))


@pytest.mark.parametrize(
    "values", [(0.99, 0.999, 1.0), (0.0, 0.001, 0.03), (0.5, 1.0), (0.95, 0.951, 0.952)]
)
def test_no_axis_shows_less_than_zero_or_more_than_all(values):
    points = [SweepPoint({"lr": n}, (v, 1.0, v)) for n, v in enumerate(values)]
    _, panel = ranking(points, chance=0.1)
    assert 0 <= panel.get_xlim()[0] < panel.get_xlim()[1] <= 100
    for line in panel.get_lines():
        if line.get_label() != "chance":
            assert 0 <= min(line.get_xdata()) <= max(line.get_xdata()) <= 100
    _, panel = metric_by_parameter(points, ACCURACY, "s").axes
    assert 0 <= panel.get_ylim()[0] < panel.get_ylim()[1] <= 100


def test_the_axis_separates_the_best_and_a_failed_point_is_an_arrow_with_its_value():
    values = (0.981, 0.979, 0.975, 0.974, 0.098)
    canvas, panel = ranking([SweepPoint({"lr": n}, (v,)) for n, v in enumerate(values)])
    low, high = panel.get_xlim()
    assert 90 < low < 97.4
    assert 98.1 < high < 99
    (arrow,) = [line for line in panel.get_lines() if line.get_label() == "beyond"]
    assert arrow.get_ydata() == 4
    assert low <= arrow.get_xdata() < low + 0.05 * (high - low)
    assert "9.80 %" in written(canvas)
    assert "An arrow: the value lies beyond the axis." in " ".join(written(canvas))


def test_a_point_that_half_an_axis_more_shows_is_on_the_axis():
    stated = ((0.9618, 0.9641), (0.9783, 0.9781), (0.9817, 0.9841))
    points = [SweepPoint({"lr": n}, (mean,), stated=said) for n, (mean, said) in enumerate(stated)]
    _, panel = ranking(points)
    assert panel.get_xlim()[0] < 96.18
    assert "beyond" not in {line.get_label() for line in panel.get_lines()}


def test_the_best_point_is_filled_and_winners_on_the_test_set_look_alike():
    points = [SweepPoint({"lr": n}, (v,)) for n, v in enumerate((0.9, 0.8, 0.7))]
    for is_ranking, expected in ((True, 1), (False, 0)):
        _, panel = ranking(points, is_ranking=is_ranking)
        means = [line for line in panel.get_lines() if line.get_label() == "mean"]
        filled = [line for line in means if line.get_markerfacecolor() == line.get_color()]
        assert len(filled) == expected
        assert all(line.get_ydata()[0] == 0 for line in filled)
    _, panel = ranking(points, LOSS)
    filled = [x for x in panel.get_lines() if x.get_markerfacecolor() == x.get_color()]
    assert [line.get_ydata()[0] for line in filled if line.get_label() == "mean"] == [2]


def test_the_chance_level_is_drawn_where_it_is_near():
    near = [SweepPoint({"lr": n}, (v,)) for n, v in enumerate((0.5, 0.3, 0.11))]
    far = [SweepPoint({"lr": n}, (v,)) for n, v in enumerate((0.95, 0.94, 0.93))]
    for points, expected in ((near, [[10, 10]]), (far, [])):
        canvas, panel = ranking(points, chance=0.1)
        lines = [x.get_xdata() for x in panel.get_lines() if x.get_label() == "chance"]
        np.testing.assert_allclose(lines, expected)
        assert ("the chance level, 10 %" in " ".join(written(canvas))) == bool(expected)


def test_a_cell_holds_the_best_over_what_it_leaves_open_with_its_deviation():
    points = [SweepPoint({"a": 1, "b": 2, "c": c}, (v,)) for c, v in ((1, 0.3), (2, 0.7), (3, 0.5))]
    points.append(SweepPoint({"a": 9, "b": 2, "c": 1}, (0.9,), complete=False))
    points.append(SweepPoint({"a": 1, "b": 2, "c": 4}, (0.78, 0.82)))
    points = finished(points)
    found = cells(points, ACCURACY, {"a": [1, 9], "b": [2]}, "a", "b")
    np.testing.assert_allclose(found.mean, [[80.0, np.nan]])
    np.testing.assert_allclose(found.std, [[math.sqrt(8), np.nan]])
    assert cells(points, LOSS, {"a": [1, 9], "b": [2]}, "a", "b").mean[0, 0] == 0.3


def test_a_heat_map_writes_every_value_and_frames_the_best():
    _, axes, _ = heat_map(POINTS, ACCURACY, "s").axes
    assert set(written(axes)) == {"0.00", "1.00", "10.00", "11.00", "20.00", "21.00"}
    (frame,) = axes.patches
    assert to_hex(frame.get_edgecolor()) == style.VERMILLION.lower()
    # Best is lr 0.1, third of the values, with [8, 8], second.
    assert axes.get_ylabel() == "optimizer.lr"
    assert (frame.get_x(), frame.get_y()) == (0.5, 1.5)


def test_of_three_parameters_each_pair_has_a_heat_map_all_on_one_scale_in_one_order():
    points = [
        SweepPoint({"a": a, "b": b, "c": c}, (a + b + c / 10, a + b))
        for a in (1, 2, 3) for b in (1, 2) for c in (1, 2, 3, 4)
    ]  # fmt: skip
    figure = heat_map(points, LOSS, "s")
    _, *panels, scale = figure.axes
    assert len({panel.get_images()[0].get_clim() for panel in panels}) == 1
    assert scale.get_ylabel() == "validation loss (mean per image)"
    # b has fewest values, c most: the former is never below the latter on the page.
    names = [(panel.get_xlabel(), panel.get_ylabel()) for panel in panels]
    assert names == [("b", "a"), ("b", "c"), ("a", "c")]
    assert all("\n± " in text for panel in panels for text in written(panel))
    assert faults(figure) == []


@pytest.mark.parametrize("others", [["model.hidden"], ["model.hidden", "optimizer.lr"]])
@pytest.mark.parametrize("long", ["optimizer.momentum", "regularization.label_smoothing"])
def test_the_long_name_of_a_parameter_of_few_values_fits_beside_its_heat_map(long, others):
    points = [
        SweepPoint(dict(zip([*others, long], values, strict=True)), (sum(values) / 9,))
        for values in itertools.product(*([1, 2] for _ in others), [0, 0.9])
    ]
    assert faults(heat_map(points, ACCURACY, "s")) == []


def rows(*values) -> list[MetricsRow]:
    return [MetricsRow(e, 10 * e, val_accuracy=v) for e, v in enumerate(values, start=1)]


def test_every_point_is_a_line_and_the_best_are_named():
    curves = [LearningCurve(f"lr {n}", rows(0.1, 0.5 - n / 100)) for n in range(NAMED + 3)]
    curves.append(LearningCurve("lr 99", rows(0.3, math.nan), diverged=True))
    figure = sweep_curves(curves, ACCURACY, "Curves", "s")
    canvas, axes = figure.axes
    assert set(written(axes)) == {f"lr {n}" for n in range(NAMED)}
    points = [line for line in axes.get_lines() if line.get_label() == "_point"]
    assert len(points) == NAMED + 3
    crosses = [line for line in axes.get_lines() if line.get_marker() == "X"]
    np.testing.assert_allclose(crosses[0].get_xydata(), [[1, 30]])
    note = " ".join(written(canvas))
    assert "Grey: 3 more points. Dotted, to a cross: 1 diverged." in note
    assert faults(figure) == []


def test_keys_that_end_in_the_same_part_are_told_apart():
    values = {"model.type": "mlp", "init.type": "zeros", "optimizer.lr": 0.1, "seed": 3}
    keys = ["model.type", "init.type", "optimizer.lr", "training.epochs"]
    assert told_values(values, keys) == ["model.type mlp", "init.type zeros", "lr 0.1"]
    (point, other) = (
        SweepPoint({"model.type": kind, "init.type": start}, (accuracy,))
        for kind, start, accuracy in (("mlp", "zeros", 0.1), ("cnn", "he_normal", 0.9))
    )
    dots = ranking_dots([point, other], ACCURACY, "Ranking", "s")
    labels = {text for axes in dots.axes for text in written(axes)}
    labels |= {label.get_text() for axes in dots.axes for label in axes.get_yticklabels()}
    assert {"model.type cnn  init.type he_normal", "model.type mlp  init.type zeros"} <= labels


def test_no_two_named_curves_look_alike():
    curves = [LearningCurve(f"lr {n}", rows(0.1, 0.5 - n / 100)) for n in range(NAMED)]
    _, axes = sweep_curves(curves, ACCURACY, "Curves", "s").axes
    lines = [line for line in axes.get_lines() if line.get_label() == "_point"]
    looks = {(to_hex(line.get_color()), line.is_dashed()) for line in lines}
    assert len(looks) == NAMED


def test_epochs_can_be_drawn_on_a_log_axis_with_whole_numbers():
    curves = [LearningCurve("a", rows(*np.linspace(0.1, 0.9, 200)))]
    figure = sweep_curves(curves, ACCURACY, "Curves", "s", log_epochs=True)
    _, axes = figure.axes
    assert axes.get_xscale() == "log"
    figure.canvas.draw()
    shown = {label.get_text() for label in axes.get_xticklabels()}
    assert {"1", "10", "100"} <= shown
    assert faults(figure) == []


@pytest.mark.parametrize("log_epochs", [False, True])
def test_a_single_epoch_has_the_only_tick_of_the_axis(log_epochs):
    curves = [LearningCurve(f"lr {n}", rows(0.5 - n / 10)) for n in range(2)]
    figure = sweep_curves(curves, ACCURACY, "Curves", "s", log_epochs=log_epochs)
    _, axes = figure.axes
    figure.canvas.draw()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1"]
    assert axes.get_xlim() == (0.5, 1.5)
    assert faults(figure) == []


def test_the_seeds_of_a_point_are_one_line_of_their_mean_in_a_band():
    curves = [LearningCurve("a", rows(0.1, last)) for last in (0.9, 0.8)]
    curves += [LearningCurve("b", rows(0.1, 0.7))]
    figure = sweep_curves(curves, ACCURACY, "Curves", "s")
    _, axes = figure.axes
    lines = [line.get_ydata() for line in axes.get_lines() if line.get_label() == "_point"]
    np.testing.assert_allclose(lines, [[10, 85], [10, 70]])
    (band,) = axes.collections
    low, high = band.get_paths()[0].get_extents().intervaly
    np.testing.assert_allclose([low, high], [10, 85 + math.sqrt(50)])


def test_a_mean_is_taken_where_every_seed_has_a_value():
    x, y = np.arange(1.0, 4.0), np.array([1.0, 2.0, 3.0])
    (found,) = mean_curves([("a", x, y), ("a", x[:2], y[:2] + 2)])
    np.testing.assert_array_equal(found.x, [1, 2])
    np.testing.assert_array_equal(found.mean, [2, 3])


def test_a_figure_has_only_as_many_points_as_are_readable_and_states_it():
    many = [SweepPoint({"lr": n}, (0.5,)) for n in range(MAX_POINTS + 5)]
    canvas, panel = ranking(many)
    assert len(dots(panel)) == MAX_POINTS
    assert f"The first {MAX_POINTS} of {MAX_POINTS + 5} points." in " ".join(written(canvas))


def test_stated_values_are_marks_beside_the_means_and_a_column_as_stated():
    points = [SweepPoint({"lr": 1}, (0.8, 0.82), stated=0.91041), SweepPoint({"lr": 2}, (0.7,))]
    canvas, panel = ranking(points)
    stated = {line.get_label(): line for line in panel.get_lines()}["stated"]
    np.testing.assert_allclose(stated.get_xydata(), [[91.041, 0]])
    assert written(canvas)[-3:] == ["stated", "91.041 %", ""]
    assert "81.00 ± 1.41 %" in written(canvas)


def test_no_text_is_cut_off_however_long():
    long = [
        SweepPoint(
            {"model.layers": [{"conv": {"filters": n, "kernel": 3}}] * 4, "$x_i$": n}, (0.5, 0.6)
        )
        for n in range(1, 7)
    ]
    title = "a name with $dollars$ and a very long tail " * 4
    curves = [LearningCurve("layers " * 30, rows(0.1, 0.2))]
    assert faults(ranking_dots(long, ACCURACY, title, title)) == []
    assert faults(sweep_curves(curves, ACCURACY, title, title)) == []
    assert faults(metric_by_parameter(long, ACCURACY, title)) == []
    assert faults(heat_map(POINTS, ACCURACY, title)) == []


def test_nothing_is_drawn_of_nothing():
    unmeasured = [SweepPoint({"lr": 1}, ()), SweepPoint({"lr": 2}, ())]
    for draw in (metric_by_parameter, heat_map):
        with pytest.raises(UsageError):
            draw(unmeasured, ACCURACY, "s")
    with pytest.raises(UsageError):
        ranking_dots(unmeasured, ACCURACY, "Ranking", "s")
    with pytest.raises(UsageError):
        sweep_curves([LearningCurve("x", rows(math.nan))], ACCURACY, "Curves", "s")
    with pytest.raises(UsageError):
        metric_by_parameter([SweepPoint({"lr": 1}, (0.5,))], ACCURACY, "s")


def test_what_varies_is_what_has_two_values():
    assert varied(POINTS) == ["optimizer.lr", "model.hidden"]
    assert varied([SweepPoint({"a": 1, "b": [1]}, ()), SweepPoint({"a": 1, "b": [2]}, ())]) == ["b"]


def test_the_axis_of_a_loss_has_no_chance_level_of_an_accuracy():
    """A line at 0.1 of the loss was called the chance level, 10 %."""
    points = [SweepPoint({"lr": v}, (v,)) for v in (0.05, 0.1, 0.3)]
    _, axes = ranking(points, LOSS, chance=0.1)
    assert "chance" not in [line.get_label() for line in axes.get_lines()]
    assert "chance" not in axes.figure.words.note
