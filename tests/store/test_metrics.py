"""What is written into a table is read back to the bit; damage is named by file and row."""

import logging
import math

import numpy as np
import pytest

from mnistlab.store.metrics import (
    LAYERS,
    METRICS,
    LayerRow,
    MetricsRow,
    TableWriter,
    read_layers,
    read_metrics,
)
from mnistlab.store.predictions import read_predictions, write_predictions
from mnistlab.support.errors import UsageError

HEADER = (
    "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,"
    "test_loss,test_accuracy,penalty,seconds"
)
ROWS = [
    MetricsRow(1, 100, 0.1, 1 / 3, 0.9, 0.4, 0.88, seconds=1.5),
    MetricsRow(1, 200, 1e-300, 5e-324, 0.95, 0.3, 0.9, 0.31, 0.91, 0.0, 3.25),
    MetricsRow(2, 300, 0.1, 1.7976931348623157e308, seconds=4.0),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.csv"


def written(path, rows=ROWS):
    writer = TableWriter(METRICS, path)
    for row in rows:
        writer.append(row)
    return writer


def test_rows_are_read_back_to_the_bit(path):
    written(path)
    assert read_metrics(path) == ROWS


def test_the_file_has_the_contracts_header_and_blanks_for_what_was_not_measured(path):
    written(path, ROWS[:1])
    text = path.read_text()
    assert text == f"{HEADER}\n1,100,0.1,{1 / 3!r},0.9,0.4,0.88,,,,1.5\n"


def test_a_measured_nan_or_infinity_is_written_and_differs_from_a_blank(path):
    written(path, [MetricsRow(1, 10, train_loss=math.nan, val_loss=math.inf)])
    assert path.read_text().splitlines()[1] == "1,10,,nan,,inf,,,,,"
    (row,) = read_metrics(path)
    assert math.isnan(row.train_loss)
    assert row.val_loss == math.inf
    assert row.train_accuracy is None


def test_numpy_numbers_are_written_as_plain_ones(path):
    written(path, [MetricsRow(np.int64(1), np.int64(10), np.float64(0.1), np.float32(0.1))])
    assert path.read_text().splitlines()[1].startswith(f"1,10,0.1,{float(np.float32(0.1))!r},")


def test_a_resumed_run_keeps_the_rows_up_to_its_checkpoint(path):
    held = written(path, ROWS[:2]).written
    whole = TableWriter(METRICS, path, held)
    whole.append(ROWS[2])
    assert read_metrics(path, whole.written) == ROWS
    again = TableWriter(METRICS, path, held)
    assert read_metrics(path, again.written) == ROWS[:2]
    assert again.written == held


@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: c.replace(b"0.9", b"0.8")])
def test_a_run_does_not_go_on_from_rows_that_it_did_not_write(path, damage):
    held = written(path).written
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UsageError, match=r"metrics\.csv: is damaged"):
        TableWriter(METRICS, path, held)


def test_a_figure_that_was_changed_is_no_figure_of_the_run(path):
    held = written(path).written
    assert read_metrics(path, held) == ROWS
    path.write_text(path.read_text().replace("0.88", "0.89"))
    assert read_metrics(path)[0].val_accuracy == 0.89
    with pytest.raises(UsageError, match=r"metrics\.csv: is damaged, or was edited"):
        read_metrics(path, held)


def test_a_torn_last_row_is_left_out_with_a_warning_and_gone_after_a_cut(path, caplog):
    held = written(path).written
    with path.open("a") as file:
        file.write("2,400,0.1,0.2,0.9,0.3,0.9,,,,5.2")  # complete except for its end
    with caplog.at_level(logging.WARNING):
        assert read_metrics(path) == ROWS
    assert f"{path}:5" in caplog.text
    TableWriter(METRICS, path, held)
    assert path.read_text().endswith(",4.0\n")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,2,3", "3 values where 11"),
        ("1,400,0.1,O.2,,,,,,,", "train_loss is 'O.2'"),
        (",400,0.1,,,,,,,,", "epoch is ''"),
        ("1,4.5,0.1,,,,,,,,", "step is '4.5'"),
        ("1,400,0.1,,,,,,,,,", "12 values where 11"),
        ("", "1 values where 11"),
        ("1,400,\x00,,,,,,,,", "lr is"),
    ],
)
def test_a_damaged_row_is_named_by_file_and_row(path, row, message):
    written(path)
    with path.open("a") as file:
        file.write(row + "\n" + "3,500,,,,,,,,,\n")
    with pytest.raises(UsageError, match=r"metrics\.csv:5: ") as caught:
        read_metrics(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"epoch,step\n", HEADER.encode(), b"\xff\xfe\n"])
def test_a_file_without_the_header_is_no_table(path, content):
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"metrics\.csv"):
        read_metrics(path)


def test_a_missing_table_is_named(path):
    with pytest.raises(UsageError, match=r"metrics\.csv: cannot be read: No such file"):
        read_metrics(path)


def test_a_table_saved_with_windows_line_ends_is_read(path):
    written(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_metrics(path) == ROWS


def test_layers_are_read_back_and_cut_back(tmp_path):
    path = tmp_path / "layers.csv"
    rows = [
        LayerRow(epoch, layer, 0.1, 0.2, 0.0, 1e-5, 3.0, None, None, None)
        for epoch in (1, 2)
        for layer in ("dense1", "dense2")
    ]
    writer = TableWriter(LAYERS, path)
    writer.append(*rows[:2])
    held = writer.written
    writer.append(*rows[2:], fsync=True)
    assert read_layers(path) == rows
    assert path.read_text().splitlines()[0] == (
        "epoch,layer,weight_mean,weight_std,zero_share,update_mean,gradient_norm,"
        "activation_mean,activation_std,inactive_share"
    )
    TableWriter(LAYERS, path, held)
    assert read_layers(path) == rows[:2]


def test_predictions_are_read_back_with_nine_digits_of_probability(tmp_path):
    path = tmp_path / "predictions.csv"
    probabilities = np.array([1 / 3, 1.0, 1.23456789123e-12])
    write_predictions(path, np.array([7, 2, 1]), np.array([7, 3, 1]), probabilities)
    assert path.read_text() == (
        "index,label,predicted,probability\n0,7,7,0.333333333\n1,2,3,1.0\n2,1,1,1.23456789e-12\n"
    )
    found = read_predictions(path)
    assert found.labels.tolist() == [7, 2, 1]
    assert found.predicted.tolist() == [7, 3, 1]
    np.testing.assert_allclose(found.probabilities, probabilities, rtol=5e-9)


def test_an_empty_table_of_predictions_is_read_as_empty_columns(tmp_path):
    nothing = np.zeros(0, dtype=np.int64)
    write_predictions(tmp_path / "p.csv", nothing, nothing, np.zeros(0))
    assert read_predictions(tmp_path / "p.csv").probabilities.shape == (0,)


def test_a_row_lost_from_the_predictions_is_noticed(tmp_path):
    path = tmp_path / "predictions.csv"
    ten = np.arange(10)
    write_predictions(path, ten, ten, np.full(10, 0.5))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:4] + lines[5:]))
    with pytest.raises(UsageError, match=r"predictions\.csv:5: index is 4, expected 3"):
        read_predictions(path)


@pytest.mark.parametrize("label", ["9" * 6000, "9" * 30])
def test_a_label_of_many_digits_is_named_in_short(tmp_path, label):
    path = tmp_path / "predictions.csv"
    path.write_text(f"index,label,predicted,probability\n0,{label},7,0.5\n")
    with pytest.raises(UsageError, match=r"csv:2: label is '9{30}…?', not a number"):
        read_predictions(path)


def test_predictions_of_different_lengths_are_refused(tmp_path):
    with pytest.raises(ValueError, match="one shape"):
        write_predictions(tmp_path / "p.csv", np.arange(3), np.arange(2), np.ones(3))
    with pytest.raises(ValueError, match="one shape"):
        write_predictions(tmp_path / "p.csv", np.arange(3), np.arange(3), np.ones((3, 10)))
