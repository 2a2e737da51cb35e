"""The figures of a search: the best trial so far, and what mattered."""

import math

import numpy as np
import pytest
from figure_helpers import faults

from mnistlab.figures.sweep.stage.best_so_far import TrialEnd, best_so_far
from mnistlab.figures.sweep.stage.heat_map import heat_map
from mnistlab.figures.sweep.stage.importance import importance_bars, importances
from mnistlab.figures.sweep.stage.metric_by_parameter import metric_by_parameter
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
