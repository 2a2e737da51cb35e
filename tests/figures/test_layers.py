"""The numbers behind the layers' curves, and which panels exist."""

import math
from dataclasses import replace

import numpy as np
import pytest
from figure_helpers import faults

from mnistlab.figures import style
from mnistlab.figures.run.layer_statistics import layer_statistics
from mnistlab.figures.run_data import epochs_at_rest, relative_updates
from mnistlab.store.metrics import LayerRow, MetricsRow
from mnistlab.support.errors import LackingError


def rows(epochs: int = 4, **constant) -> list[LayerRow]:
    made = [
        LayerRow(
            epoch=epoch,
            layer=layer,
            weight_mean=0.3,
            weight_std=0.4,
            zero_share=0.0,
            update_mean=0.01 / epoch**4,
            gradient_norm=10.0**-epoch,
            activation_mean=scale * epoch,
            activation_std=scale,
            inactive_share=0.25 if layer == "dense1" else None,
        )
        for epoch in range(1, epochs + 1)
        for layer, scale in (("dense1", 1.0), ("dense2", 3.0))
    ]
    return [replace(row, **constant) for row in made]


def panels(found: list[LayerRow]) -> dict[str, object]:
    """Each panel by its title."""
    with style.drawing():
        figure = layer_statistics(found, "run")
    assert faults(figure) == []
    return {axes.get_title(loc="left"): axes for axes in figure.axes[1:]}


def lines(axes) -> dict[str, list[float]]:
    return {
        line.get_label(): np.asarray(line.get_ydata()).tolist()
        for line in axes.get_lines()
        if not line.get_label().startswith("_")
    }


def test_an_update_is_measured_by_the_weights_root_mean_square():
    found = rows(1, weight_mean=0.3, weight_std=0.4, update_mean=0.05)
    np.testing.assert_allclose(relative_updates(found), 0.1)
    assert np.isnan(relative_updates(rows(1, weight_mean=0.0, weight_std=0.0))).all()
    assert np.isnan(relative_updates(rows(1, update_mean=None))).all()


def test_each_layer_is_a_line_of_its_own_values_and_a_panel_none_measured_is_not_there():
    drawn = panels(rows())
    assert len(drawn) == 6
    assert lines(drawn["activations: mean"]) == {
        "dense1": [1.0, 2.0, 3.0, 4.0],
        "dense2": [3.0, 6.0, 9.0, 12.0],
    }
    assert lines(drawn["dead or saturated"])["dense1"] == [0.25] * 4
    assert lines(drawn["dead or saturated"])["dense2"] == []
    assert "dead or saturated" not in panels(rows(inactive_share=None))


def test_what_spans_much_has_a_log_axis_of_which_six_decades_are_shown():
    drawn = panels(rows(12))
    gradient = drawn["norm of the gradient"]
    assert gradient.get_yscale() == "log"
    low, high = gradient.get_ylim()
    assert 1e5 < high / low < 1e7
    assert drawn["activations: mean"].get_yscale() == "linear"


def test_an_update_at_a_rate_of_zero_does_not_flatten_the_others():
    made = [replace(row, update_mean=1e-3 / row.epoch) for row in rows(6)]
    made = [replace(row, update_mean=1e-12) if row.epoch == 6 else row for row in made]
    with style.drawing():
        figure = layer_statistics(made, "run", at_rest={6})
    updates = figure.axes[1]
    low, high = updates.get_ylim()
    assert high / low < 100
    assert len(lines(updates)["dense1"]) == 5
    note = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "Updates at a learning rate of zero are left out." in note
    metrics = [MetricsRow(e, e, lr=lr) for e, lr in enumerate((0.1, 0.05, 1e-5), start=1)]
    assert epochs_at_rest(metrics) == {3}


def test_noise_on_a_constant_is_not_blown_up():
    noisy = [replace(row, activation_mean=0.1 + 1e-9 * row.epoch) for row in rows()]
    low, high = panels(noisy)["activations: mean"].get_ylim()
    assert high - low > 0.005


def test_a_dead_network_s_gradient_of_zero_is_drawn():
    drawn = panels(rows(gradient_norm=0.0, update_mean=0.0))
    assert lines(drawn["norm of the gradient"])["dense1"] == [0.0] * 4
    assert drawn["norm of the gradient"].get_yscale() == "linear"


def test_values_that_are_no_numbers_end_a_line():
    diverged = [
        replace(row, gradient_norm=math.inf if row.epoch > 2 else row.gradient_norm)
        for row in rows()
    ]
    assert len(lines(panels(diverged)["norm of the gradient"])["dense1"]) == 2


def test_nothing_measured_is_refused():
    nothing = [LayerRow(epoch=1, layer="dense1", weight_mean=math.nan)]
    with pytest.raises(LackingError):
        layer_statistics(nothing, "run")


def test_one_epoch_is_drawn_as_markers():
    (line,) = [
        line
        for line in panels(rows(1))["activations: mean"].get_lines()
        if line.get_label() == "dense1"
    ]
    assert line.get_marker() == "o"


def test_of_ten_thousand_layers_some_are_drawn_from_the_first_to_the_last():
    one = rows(1)[0]
    many = [replace(one, layer=f"dense{number}") for number in range(10_000)]
    with style.drawing():
        figure = layer_statistics(many, "run")
    drawn = list(lines(figure.axes[1]))
    style.rendered(figure, "png")
    assert len(drawn) == 24
    assert (drawn[0], drawn[-1]) == ("dense0", "dense9999")
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "Of 10,000 layers, 24 are drawn." in " ".join(words.split())
    assert faults(figure) == []
