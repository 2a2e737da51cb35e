"""The numbers behind the learning curves, and that no texts of the figure overlap."""

import math
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from figure_helpers import faults, shown_texts
from matplotlib.colors import to_hex

from mnistlab.figures import style
from mnistlab.figures.line_labels import spread
from mnistlab.figures.run.learning_curves import learning_curves
from mnistlab.figures.run_data import Rates
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.errors import UsageError


def run(epochs: int, **constant) -> list[MetricsRow]:
    rows = [
        MetricsRow(
            epoch=e,
            step=100 * e,
            lr=0.1,
            train_loss=1 / e,
            train_accuracy=1 - 0.1 / e,
            val_loss=0.5 + (e - 3) ** 2 / 100,
            val_accuracy=0.9 - (e - 4) ** 2 / 1000,
        )
        for e in range(1, epochs + 1)
    ]
    return [replace(row, **constant) for row in rows]


def lines(axes) -> dict[str, np.ndarray]:
    """Each labelled line's points, shape (points, 2)."""
    return {
        line.get_label(): np.column_stack(line.get_data())
        for line in axes.get_lines()
        if not line.get_label().startswith("_")
    }


def written(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_each_measured_split_is_a_line_of_its_own_values_by_epoch():
    rows = run(6)
    _, loss, accuracy, rate = learning_curves(rows, "run").axes
    epochs = np.arange(1, 7)
    expected = np.column_stack([epochs, [row.train_loss for row in rows]])
    np.testing.assert_allclose(lines(loss)["train"], expected)
    percent = np.column_stack([epochs, [100 * row.val_accuracy for row in rows]])
    np.testing.assert_allclose(lines(accuracy)["val"], percent)
    assert set(lines(loss)) == {"train", "val", "best"}
    assert [axes.get_xlabel() for axes in (loss, accuracy, rate)] == ["epoch"] * 3
    assert loss.get_ylabel() == "loss (mean per image)"
    assert accuracy.get_ylabel() == "accuracy (%)"


def test_the_best_validation_point_is_ringed_and_named():
    _, loss, accuracy, _ = learning_curves(run(6), "run").axes
    np.testing.assert_allclose(lines(loss)["best"], [[3, 0.5]])
    np.testing.assert_allclose(lines(accuracy)["best"], [[4, 90.0]])
    assert loss.get_title(loc="left") == "best validation 0.5000, epoch 3"
    assert accuracy.get_title(loc="left") == "best validation 90.00 %, epoch 4"


def test_final_values_are_written_in_the_colours_of_their_splits():
    rows = run(5)
    rows[-1] = replace(rows[-1], test_loss=0.3, test_accuracy=0.9123)
    _, loss, accuracy, _ = learning_curves(rows, "run").axes
    assert written(loss) == ["training 0.2000", "validation 0.5400", "test 0.3000"]
    assert written(accuracy) == ["training 98.00 %", "validation 89.90 %", "test 91.23 %"]
    for axes in (loss, accuracy):
        colours = [to_hex(text.get_color()).upper() for text in axes.texts]
        assert colours == list(style.SPLIT_COLOURS.values())


def test_a_test_measured_at_the_end_alone_is_one_marker():
    rows = run(5)
    rows[-1] = replace(rows[-1], test_loss=0.3)
    loss = learning_curves(rows, "run").axes[1]
    np.testing.assert_allclose(lines(loss)["test"], [[5, 0.3]])
    (line,) = [line for line in loss.get_lines() if line.get_label() == "test"]
    assert line.get_marker() == "D"


def test_what_was_not_measured_is_left_out():
    rows = run(4, val_loss=None, val_accuracy=None)
    _, loss, accuracy, _ = learning_curves(rows, "run").axes
    assert set(lines(loss)) == set(lines(accuracy)) == {"train"}
    assert loss.get_title(loc="left") == ""
    only_loss = learning_curves(run(4, train_accuracy=None, val_accuracy=None), "run")
    assert len(only_loss.axes) == 3


def test_several_rows_an_epoch_are_drawn_by_step_without_markers():
    rows = [replace(row, epoch=1 + i // 10) for i, row in enumerate(run(40))]
    _, loss, _, rate = learning_curves(rows, "run").axes
    assert lines(loss)["train"][:, 0].tolist() == [100 * (i + 1) for i in range(40)]
    assert loss.get_xlabel() == rate.get_xlabel() == "step"
    assert {line.get_marker() for line in loss.get_lines() if line.get_label() != "best"} == {""}


def test_a_split_measured_every_few_rows_is_one_line_through_them():
    rows = [replace(row, val_loss=row.val_loss if row.epoch % 3 == 0 else None) for row in run(9)]
    assert lines(learning_curves(rows, "run").axes[1])["val"][:, 0].tolist() == [3, 6, 9]


def test_a_run_of_one_epoch_is_drawn_as_markers_over_one_tick():
    figure = learning_curves(run(1), "run")
    loss = figure.axes[1]
    assert [line.get_marker() for line in loss.get_lines()] == ["o", "s"]
    assert loss.get_xticks().tolist() == [1]
    assert "best" not in lines(loss)


def test_a_diverged_run_is_drawn_up_to_its_end_which_is_marked():
    rows = [replace(row, train_loss=0.1 * 10**row.epoch) for row in run(5)]
    rows.append(MetricsRow(6, 600, 0.1, math.nan, 0.098, math.inf, 0.1))
    figure = learning_curves(rows, "run")
    canvas, loss, accuracy, _ = figure.axes
    assert lines(loss)["train"][:, 0].tolist() == [1, 2, 3, 4, 5]
    assert lines(accuracy)["train"][-1].tolist() == [6, 9.8]
    assert lines(loss)["diverged"][:, 0].tolist() == [6, 6]
    assert written(canvas)[0] == "Learning curves: diverged by epoch 6"
    assert loss.get_yscale() == "log"


@pytest.mark.parametrize("rows", [[], [MetricsRow(1, 10, 0.1, math.nan, val_loss=math.inf)]])
def test_a_run_without_a_finite_value_is_refused_rather_than_drawn_empty(rows):
    with pytest.raises(UsageError, match=r"no finite loss or accuracy|no epoch was finished"):
        learning_curves(rows, "run")


@pytest.mark.parametrize(
    ("rates", "scale"),
    [
        ([0.1] * 4, "linear"),
        ([0.1, 0.08, 0.05, 0.02], "linear"),
        ([0.1, 0.05, 0.01, 0.001], "log"),
        ([0.1, 0.05, 0.01, 0.0], "linear"),
        ([0.1, 0.07, 0.02, 1e-9], "linear"),
        ([None] * 4, "linear"),
    ],
)
def test_the_learning_rate_has_a_panel_on_a_log_axis_where_it_varies_much(rates, scale):
    rows = [replace(row, lr=lr) for row, lr in zip(run(4), rates, strict=True)]
    rate = learning_curves(rows, "run").axes[-1]
    drawn = rate.get_lines()[0].get_ydata().tolist()
    assert drawn == [lr for lr in rates if lr is not None]
    assert rate.get_yscale() == scale
    low, high = rate.get_ylim()
    assert all(low <= lr <= high for lr in drawn)
    assert rate.get_position().height < 0.2


def test_the_learning_rate_is_drawn_by_step_so_that_a_warm_up_within_an_epoch_shows():
    values = np.concatenate([np.linspace(0.01, 0.1, 50), np.full(250, 0.1)])
    rates = Rates(np.arange(1, 301), values, 100)
    rate = learning_curves(run(3), "run", rates=rates).axes[-1]
    line = rate.get_lines()[0]
    np.testing.assert_allclose(line.get_xdata(), np.arange(1, 301) / 100)
    np.testing.assert_allclose(line.get_ydata(), values)
    low, high = rate.get_xlim()
    assert low <= 0.01
    assert high >= 3
    figure = rate.get_figure()
    assert rate.get_position().height * figure.get_figheight() > 0.9


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_learning_rates_of_a_run_of_one_row_are_drawn_to_its_end(epochs):
    rows = [replace(run(1)[0], epoch=epochs, step=100 * epochs)]
    rates = Rates(np.arange(1, 100 * epochs + 1), np.full(100 * epochs, 0.1), 100)
    rate = learning_curves(rows, "run", rates=rates).axes[-1]
    low, high = rate.get_xlim()
    assert 0.0 > low > -0.1 * epochs
    assert epochs <= high < 1.1 * epochs


def test_stated_values_are_dashed_lines_in_the_colour_of_their_split():
    reference = {"source": "a report", "test_accuracy": 0.9087, "val_objective": 0.4}
    _, loss, accuracy, _ = learning_curves(run(4), "run", reference).axes
    assert "stated" not in lines(loss)
    np.testing.assert_allclose(lines(accuracy)["stated"][:, 1], 90.87)
    assert "test stated 90.87 %" in written(accuracy)


def crowded() -> list[MetricsRow]:
    rows = [replace(row, val_loss=0.501, val_accuracy=0.9801) for row in run(12)]
    last = {"train_loss": 0.5, "train_accuracy": 0.98, "test_loss": 0.5, "test_accuracy": 0.98}
    return [*rows[:-1], replace(rows[-1], **last)]


def many_steps() -> list[MetricsRow]:
    rows = [
        replace(row, epoch=1, step=12_345 * row.epoch, train_loss=1e-5, val_accuracy=0.9)
        for row in run(300)
    ]
    return [*rows[:-1], replace(rows[-1], lr=1.2345e-7, val_loss=math.nan)]


@pytest.mark.parametrize("rows", [crowded(), many_steps(), run(1), run(10)])
def test_no_text_overlaps_another_or_is_cut_off(rows):
    reference = {f"{s}_{q}": 0.98 for s in ("train", "val", "test") for q in ("loss", "accuracy")}
    figure = learning_curves(rows, "20261121-142530-a-rather-long-name-of-a-run-3fa9c1", reference)
    assert len(shown_texts(figure)) > 15
    assert faults(figure) == []


def test_spread_labels_keep_their_order_and_distance_and_stay_in_the_axes():
    wanted = np.array([50.0, 51.0, 49.0, 99.0, 10.0])
    placed = spread(wanted, 12.0, 100.0)
    assert placed[4] == 10.0
    order = np.argsort(wanted)
    assert (np.diff(placed[order]) >= 12 - 1e-9).all()
    assert placed.min() >= 6
    assert placed.max() <= 94 + 1e-9
    assert placed[[0, 1, 2]].mean() == pytest.approx(50)


def test_labels_that_do_not_meet_stay_where_they_belong():
    wanted = np.array([20.0, 40.0, 80.0])
    np.testing.assert_allclose(spread(wanted, 10.0, 100.0), wanted)


def test_the_users_own_settings_are_neither_changed_nor_needed():
    with matplotlib.rc_context({"font.size": 31}):
        before = dict(matplotlib.rcParams)
        figure = learning_curves(run(3), "run")
        assert dict(matplotlib.rcParams) == before
    assert figure.axes[1].xaxis.label.get_size() == style.MEDIUM


def test_a_title_with_dollar_signs_is_no_mathematics():
    figure = learning_curves(run(3), "a $x_{ b$")
    style.rendered(figure)
    assert "a $x_{ b$" in written(figure.axes[0])


def test_the_learning_rate_of_one_epoch_has_whole_epochs_as_ticks():
    """Ticks at parts of the epoch were written 0 0 0 0 1 1 1 1."""
    rates = Rates(np.arange(1, 6), np.linspace(0.1, 0.01, 5), 5)
    panel = learning_curves(run(1), "r", rates=rates).axes[-1]
    panel.figure.canvas.draw()
    low, high = panel.get_xlim()
    shown = [tick for tick in panel.get_xticks() if low <= tick <= high]
    assert shown == [1.0]
