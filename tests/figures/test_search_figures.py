"""The figures of a search: the best trial so far, and what mattered."""

import math

import numpy as np
import pytest
from figure_helpers import faults

from mnistlab.figures.sweep.stage.best_so_far import TrialEnd, best_so_far
from mnistlab.figures.sweep.stage.contour import contour, local_mean
from mnistlab.figures.sweep.stage.heat_map import heat_map
from mnistlab.figures.sweep.stage.importance import added_errors, importance_bars, importances
from mnistlab.figures.sweep.stage.metric_by_parameter import metric_by_parameter
from mnistlab.figures.sweep.stage.parallel_coordinates import parallel_coordinates
from mnistlab.figures.sweep.stage.pareto import FrontPoint, pareto_front
from mnistlab.figures.sweep_points import SweepMetric, SweepPoint
from mnistlab.support.errors import LackingError

ACCURACY = SweepMetric("val_accuracy", maximize=True)
LOSS = SweepMetric("val_loss", maximize=False)


def line(axes) -> tuple[list, list]:
    (found,) = axes.get_lines()
    return found.get_xdata().tolist(), found.get_ydata().tolist()


def test_the_line_is_the_best_trial_up_to_each_by_number_and_by_training_time():
    trials = [TrialEnd(*one) for one in ((math.nan, 1.0), (0.5, 2.0), (0.4, 4.0), (0.8, 1.5))]
    figure = best_so_far(trials, ACCURACY, "s")
    _, by_trial, by_time = figure.axes
    assert line(by_trial) == ([1, 2, 3], [50, 50, 80])
    assert line(by_time) == ([3, 7, 8.5], [50, 50, 80])
    assert "reached by trial 3 of 4 after 8.5 of 8.5 seconds" in figure.words.alt
    assert "1 of 4 trials have no final metric" in figure.words.note
    assert faults(figure) == []


def test_the_best_loss_is_the_lowest():
    trials = [TrialEnd(value, 1.0) for value in (0.5, 0.7, 0.3)]
    assert line(best_so_far(trials, LOSS, "s").axes[1]) == ([0, 1, 2], [0.5, 0.5, 0.3])


def points(count: int = 40) -> list[SweepPoint]:
    """The learning rate matters most, the type a little, the seed not; the momentum only with
    SGD.
    """
    stream = np.random.default_rng(0)
    found = []
    for number in range(count):
        rate, kind = float(10 ** stream.uniform(-4, 0)), ["adam", "sgd"][number % 2]
        score = 0.9 - 0.1 * abs(math.log10(rate) + 2) - 0.05 * (kind == "sgd")
        parameters = {"optimizer.lr": rate, "optimizer.type": kind, "seed": number}
        more = {"optimizer.momentum": 0.9} if kind == "sgd" else {}
        found.append(SweepPoint(parameters | more, (score,)))
    return found


def test_the_parameter_that_decides_is_the_most_important_and_all_shares_are_one():
    shares = importances(points())
    assert shares["optimizer.lr"] > 0.7
    assert shares["seed"] < 0.1
    assert sum(shares.values()) == pytest.approx(1)
    assert shares == importances(points())


def test_the_added_errors_are_those_of_scikit_learn_up_to_the_shuffles():
    from sklearn.inspection import permutation_importance
    from sklearn.linear_model import LinearRegression

    inputs = np.random.default_rng(1).normal(size=(200, 3))
    outputs = inputs @ [2.0, 1.0, 0.0]
    model = LinearRegression().fit(inputs, outputs)
    stated = permutation_importance(
        model, inputs, outputs, scoring="neg_mean_squared_error", n_repeats=50, random_state=0
    )
    found = added_errors(model.predict, inputs, outputs)
    np.testing.assert_allclose(found, stated.importances_mean, rtol=0.1, atol=1e-12)


def test_its_bars_are_legible_however_long_the_keys():
    figure = importance_bars(points(), ACCURACY, "s")
    assert figure.axes[1].get_yticklabels()[0].get_text() == "optimizer.lr"
    assert figure.axes[1].patches[0].get_width() > 70
    assert faults(figure) == []
    long = [
        SweepPoint({f"model.layers.{'x' * 90}": n, "$a_b$": n % 3}, (0.5 + 0.01 * n,))
        for n in range(20)
    ]
    assert faults(importance_bars(long, ACCURACY, "s")) == []


def test_nothing_is_drawn_where_nothing_can_be_said():
    with pytest.raises(LackingError, match="no trial has finished"):
        best_so_far([TrialEnd(math.nan, 1.0)] * 12, ACCURACY, "s")
    with pytest.raises(LackingError, match="needs 20 finished points"):
        importances(points(12))
    equal = [SweepPoint(point.parameters, (0.5,)) for point in points()]
    with pytest.raises(LackingError, match="does not depend"):
        importances(equal)


def test_a_heat_map_of_points_drawn_at_random_is_left_out():
    drawn = [SweepPoint({"a": n, "b": (7 * n) % 11}, (0.5 + 0.01 * n,)) for n in range(11)]
    with pytest.raises(LackingError, match="most combinations of values were not tried"):
        heat_map(drawn, ACCURACY, "s")
    half = [SweepPoint({"a": n % 2, "b": n // 2}, (0.5 + 0.01 * n,)) for n in range(6)]
    assert len(heat_map(half, ACCURACY, "s").axes) > 1


def test_the_best_points_are_joined_only_where_few_values_were_tried():
    figure = metric_by_parameter(points(), ACCURACY, "s")
    joined = {axes.get_xlabel(): bool(axes.get_lines()) for axes in figure.axes[1:]}
    assert not joined["optimizer.lr"]
    assert joined["optimizer.type"]


SECONDS = SweepMetric("seconds", maximize=False)
PARAMETERS = SweepMetric("parameters", maximize=False)


def three_points() -> list[FrontPoint]:
    return [
        FrontPoint(4, (0.95, 9.0), on_front=True),
        FrontPoint(2, (0.90, 1.0), on_front=True),
        FrontPoint(1, (0.89, 2.0), on_front=False),
    ]


def test_the_front_is_filled_joined_and_named_by_its_trials():
    figure = pareto_front(three_points(), [ACCURACY, SECONDS], "s")
    _, axes = figure.axes
    dots = {one.get_label(): one.get_offsets().tolist() for one in axes.collections}
    assert dots == {"front": [[9, 95], [1, 90]], "other": [[2, 89]]}
    # With 5 seconds, the point of one second is the best one.
    (front,) = axes.get_lines()
    assert front.get_drawstyle() == "steps-post"
    assert front.get_xydata().tolist() == [[1, 90], [9, 95]]
    assert {text.get_text().strip() for text in axes.texts} == {"4", "2"}
    assert axes.get_xlabel() == "training time (s)"
    assert "trial 4: 95.00 %, 9.0 s; trial 2: 90.00 %, 1.0 s" in figure.words.alt
    assert faults(figure) == []


def test_three_metrics_have_two_panels_and_no_line():
    points = [
        FrontPoint(n, (0.9 + n / 100, 1.0 + n, 100.0 * (n % 3 + 1)), on_front=n % 2 == 0)
        for n in range(6)
    ]
    figure = pareto_front(points, [ACCURACY, SECONDS, PARAMETERS], "s")
    _, first, second = figure.axes
    assert [one.get_xlabel() for one in (first, second)] == [
        "training time (s)",
        "number of parameters",
    ]
    assert not first.get_lines()
    assert faults(figure) == []


def test_a_line_goes_through_all_parameters_and_the_best_one_is_red():
    some = points()
    figure = parallel_coordinates(
        [*some, SweepPoint({"seed": 99}, (), complete=False)], [ACCURACY], "s"
    )
    _, axes, _ = figure.axes
    (lines,) = [one for one in axes.collections if hasattr(one, "get_segments")]
    assert len(lines.get_segments()) == len(some)
    best = max(some, key=lambda point: point.mean)
    red = axes.get_lines()[0]
    rates = sorted(point.parameters["optimizer.lr"] for point in some)
    place = math.log(best.parameters["optimizer.lr"] / rates[0]) / math.log(rates[-1] / rates[0])
    assert red.get_ydata()[0] == pytest.approx(place)
    assert red.get_ydata()[-1] == pytest.approx(1)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        *("lr", "type", "seed", "momentum"),
        "validation accuracy (%)",
    ]
    assert "1 point without a final metric (pruned, diverged or failed) is left out" in (
        figure.words.note
    )
    assert faults(figure) == []


def test_a_lower_loss_is_the_best_line_and_other_metrics_have_their_axes():
    some = [
        SweepPoint({"a": n + 5, "b": n % 3}, (1 + abs(n - 4.0),), others=(float(n),))
        for n in range(12)
    ]
    _, axes, _ = parallel_coordinates(some, [LOSS, SECONDS], "s").axes
    assert axes.get_lines()[0].get_ydata()[:2] == pytest.approx([4 / 11, 0.5])
    assert len(axes.get_xticklabels()) == 4


@pytest.mark.parametrize("count", [9, 0])
def test_few_points_have_no_parallel_coordinates(count):
    with pytest.raises(LackingError, match="needs 10 finished points"):
        parallel_coordinates(points(count), [ACCURACY], "s")


def test_the_contour_is_the_local_mean_of_the_points():
    at = np.array([0.0, 1.0])
    grid = np.linspace(0.0, 1.0, 11)
    field = local_mean([at, at], np.array([3.0, 5.0]), [grid, grid])
    assert field[0, 0] == pytest.approx(3)
    assert field[-1, -1] == pytest.approx(5)
    assert np.isnan(field[0, -1])
    whole = local_mean([grid, grid], np.full(11, 2.0), [grid, grid])
    np.testing.assert_allclose(whole[np.isfinite(whole)], 2)


def numeric_points(count: int = 40) -> list[SweepPoint]:
    stream = np.random.default_rng(1)
    found = []
    for _ in range(count):
        rate, width = float(10 ** stream.uniform(-4, 0)), int(stream.integers(8, 200))
        score = 0.9 - 0.1 * abs(math.log10(rate) + 2) + 0.0005 * width
        found.append(SweepPoint({"optimizer.lr": rate, "width": width, "kind": "a"}, (score,)))
    return found


def test_the_contour_has_every_point_and_rings_the_best_one():
    some = numeric_points()
    figure = contour(some, ACCURACY, "s")
    _, axes, _ = figure.axes
    best = max(some, key=lambda point: point.mean).parameters
    ring = next(one for one in axes.collections if one.get_label() == "best")
    assert ring.get_offsets().tolist() == [[best["optimizer.lr"], best["width"]]]
    assert any(len(one.get_offsets()) == len(some) for one in axes.collections)
    assert (axes.get_xlabel(), axes.get_xscale()) == ("optimizer.lr", "log")
    assert (axes.get_ylabel(), axes.get_yscale()) == ("width", "linear")
    assert faults(figure) == []


@pytest.mark.parametrize(
    ("some", "lacking"),
    [
        (numeric_points(19), "needs 20 finished points"),
        (points(), "needs two numeric parameters of 8 values"),
    ],
)
def test_few_points_or_names_have_no_contour(some, lacking):
    some = [
        SweepPoint({k: v for k, v in p.parameters.items() if k != "seed"}, p.values) for p in some
    ]
    with pytest.raises(LackingError, match=lacking):
        contour(some, ACCURACY, "s")


FAR_BEHIND = (0.1, 0.2, 0.3, 0.25, 0.15, 0.12, 0.22, 0.28, 0.18, 2.4, 7079.0)


def test_a_figure_of_losses_counts_the_points_that_its_axis_leaves_out():
    """One loss of thousands set the axis of each panel: all other points lay on its lower end."""
    some = [
        SweepPoint({"lr": 0.1 + i, "batch": i % 3}, (loss,)) for i, loss in enumerate(FAR_BEHIND)
    ]
    by_parameter = metric_by_parameter(some, LOSS, "s")
    assert by_parameter.axes[1].get_ylim()[1] < 1
    assert "2 points far behind in validation loss lie outside." in by_parameter.words.note
    drawn = next(c for c in by_parameter.axes[1].collections if c.get_label() == "point")
    assert len(drawn.get_offsets()) == 9
    so_far = best_so_far([TrialEnd(loss, 1.0) for loss in FAR_BEHIND], LOSS, "s")
    assert "2 trials far behind in validation loss lie outside." in so_far.words.note
    lines = parallel_coordinates(some, [LOSS], "s")
    assert "Points far behind end at the end of the axis." in lines.words.note
    assert [faults(one) for one in (by_parameter, so_far, lines)] == [[], [], []]
    near = [SweepPoint(one.parameters, (0.5,)) for one in some]
    assert "behind" not in metric_by_parameter(near, LOSS, "s").words.note
    assert "behind" not in parallel_coordinates(near, [LOSS], "s").words.note


def test_of_several_metrics_the_best_line_is_that_of_the_first():
    some = [SweepPoint({"a": i, "b": i % 3}, (0.1 * i,), others=(i,)) for i in range(10)]
    costs = [ACCURACY, SweepMetric("parameters", maximize=False)]
    note = parallel_coordinates(some, costs, "s").words.note
    assert "Red: the best one in validation accuracy." in note


def test_a_heat_map_says_that_other_parameters_are_left_out_of_its_cells():
    """Those of many values, and those that only some points have, have no panel."""
    some = [
        SweepPoint(
            {"a": i % 2, "b": i // 2 % 2, "lr": 0.01 * i, **({"c": 1} if i % 2 else {})}, (v,)
        )
        for i, v in enumerate(np.linspace(0.1, 0.9, 40))
    ]
    note = heat_map(some, ACCURACY, "s").words.note
    assert "A cell shows the best value of the parameters left out." in note
