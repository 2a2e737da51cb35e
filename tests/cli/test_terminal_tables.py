"""Tables and lines fit the terminal; what does not fit is named."""

import io
import sys
from pathlib import Path

import pytest
from cli_helpers import Terminal

from mnistlab.experiment.callbacks import Start
from mnistlab.store.metrics import MetricsRow
from mnistlab.terminal import colour, output, progress
from mnistlab.terminal.epoch_table import EpochTable
from mnistlab.terminal.tables import broken, shortened, table
from mnistlab.terminal.width import terminal_width, that_fit, wrapped

START = Start(Path("runs/x"), 10, 900, 90, evaluates_by_step=False)
BY_STEP = Start(Path("runs/x"), 100, 900_000, 9_000, evaluates_by_step=True)
ROW = MetricsRow(3, 270, 0.1, 0.12345, 0.961, 0.1456, 0.958, seconds=3.24)
TESTED = MetricsRow(10, 900, 0.1, 0.1, 0.97, 0.2, 0.96, 0.21, 0.955, seconds=10.8)
ROWS = [
    ["run", "optimizer.lr", "regularization.l2", "val_accuracy"],
    ["20261121-142530-mlp-3fa9c1", "0.1", "1e-05", "98.21%"],
    ["20261121-142530-mlp-91c0de", "0.01", "1e-05", "97.05%"],
]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("COLUMNS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_an_epoch_is_a_row_of_an_aligned_table_that_fits_60_columns():
    shown = EpochTable(START, 60)
    assert [*shown.lines(ROW), *shown.lines(TESTED)] == [
        "epoch  train loss  train acc  val loss  val acc  trained for",
        " 3/10      0.1235     96.10%    0.1456   95.80%        3.2 s",
        "10/10      0.1000     97.00%    0.2000   96.00%       10.8 s",
    ]


def test_a_row_of_a_table_has_the_test_figures_where_the_first_has_them():
    assert EpochTable(START, 80).lines(TESTED) == [
        "          train",
        "epoch      loss  train acc  val loss  val acc  test loss  test acc  trained for",
        "10/10    0.1000     97.00%    0.2000   96.00%     0.2100    95.50%       10.8 s",
    ]


def test_a_row_that_has_more_than_the_heading_gets_a_heading_of_its_own():
    shown = EpochTable(START, None)
    unvalidated = MetricsRow(1, 90, train_loss=float("nan"), train_accuracy=0.1)
    assert [line.split() for line in shown.lines(unvalidated)] == [
        ["epoch", "train", "loss", "train", "acc", "trained", "for"],
        ["1/10", "nan", "10.00%", "-"],
    ]
    assert len(shown.lines(ROW)) == 2


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("start", [START, BY_STEP, None])
@pytest.mark.parametrize("row", [ROW, TESTED])
def test_no_line_of_the_epoch_table_is_wider_than_the_terminal(width, start, row):
    assert max(map(len, EpochTable(start, width).lines(row))) <= width


def test_metrics_that_do_not_fit_are_named_above_the_epoch_table():
    note, *heading, row = EpochTable(BY_STEP, 60).lines(TESTED)
    assert note == "(no room for test loss, trained for; metrics.csv has all)"
    assert len(heading) == 2
    assert row.split() == ["10", "900", "0.1000", "97.00%", "0.2000", "96.00%", "95.50%"]


def test_a_table_that_is_too_wide_has_its_heading_on_several_lines():
    assert table(ROWS, right=(1, 2, 3), width=70).split("\n") == [
        "                                                                 val_",
        "run                         optimizer.lr  regularization.l2  accuracy",
        "20261121-142530-mlp-3fa9c1           0.1              1e-05    98.21%",
        "20261121-142530-mlp-91c0de          0.01              1e-05    97.05%",
    ]


def test_the_most_important_columns_stay_and_the_others_are_named():
    lines = table(ROWS, right=(1, 2, 3), width=50, first=(0, 3), elsewhere="--csv has all")
    assert lines.split("\n") == [
        "                            optimizer.      val_",
        "run                                 lr  accuracy",
        "20261121-142530-mlp-3fa9c1         0.1    98.21%",
        "20261121-142530-mlp-91c0de        0.01    97.05%",
        "(no room for regularization.l2; --csv has all)",
    ]


@pytest.mark.parametrize("width", range(20, 90, 7))
def test_no_line_of_a_table_is_wider_than_the_terminal(width):
    assert max(map(len, table(ROWS, right=(1, 2, 3), width=width).split("\n"))) <= width


def test_a_text_without_its_middle_keeps_both_ends():
    assert shortened("20261121-142530-mlp-3fa9c1", 15) == "2026112…-3fa9c1"
    assert broken("training.batch_size", 5) == ["training.", "batch_", "size"]


def test_chinese_and_japanese_characters_take_two_columns():
    assert table([["class", "n"], ["0 お", "1"], ["10", "2"]]).split("\n") == [
        "class  n",
        "0 お   1",
        "10     2",
    ]


def test_lines_break_between_words_and_never_within_a_number_or_a_path():
    assert wrapped("  loss 0.1234 of runs/a-very-long-name", 20) == [
        "  loss 0.1234 of",
        "  runs/a-very-long-name",
    ]


def test_metrics_that_do_not_fit_are_left_out_of_a_bar():
    parts = ["loss 0.25", "acc 92.50%", "4,800 images/s"]
    assert that_fit(parts, 25) == "loss 0.25  acc 92.50%"
    assert that_fit(parts, 30, least_first=True) == "acc 92.50%  4,800 images/s"
    assert that_fit(parts, 3) == ""


@pytest.mark.parametrize("columns", [60, 80])
def test_the_text_of_a_runs_bar_leaves_space_for_the_bar(monkeypatch, columns):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    bar = progress.RunBar()
    bar.on_start(START)
    bar.on_progress(progress.RunProgress(3, 300, 9_600_000, 2.0, 0.25, 0.925))
    bar.bar.refresh()
    bar.close()
    (line, *_) = [one for one in terminal.getvalue().split("\r") if "92.50%" in one]
    assert "loss 0.2500  acc 92.50%" in line
    assert line.count("━") >= progress.SHORTEST_BAR
    assert "…" not in line


def test_statuses_have_colours_on_a_terminal_alone(monkeypatch):
    text = "finished, 1 diverged"
    assert colour.coloured(text, Terminal()) == "\x1b[32mfinished\x1b[0m, 1 \x1b[31mdiverged\x1b[0m"
    assert colour.coloured(text, io.StringIO()) == text
    monkeypatch.setenv("NO_COLOR", "1")
    assert colour.coloured(text, Terminal()) == text


def test_a_name_in_a_table_has_no_colour_and_the_column_of_statuses_has(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    output.print_table([["run", "status"], ["failed", "failed"]], status=1)
    assert sys.stdout.getvalue() == "run     status\nfailed  \x1b[31mfailed\x1b[0m\n"


def test_lines_in_a_file_have_any_length_whatever_columns_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert (terminal_width(io.StringIO()), terminal_width(Terminal())) == (None, 60)
    monkeypatch.setenv("COLUMNS", "nonsense")
    assert (terminal_width(io.StringIO()), terminal_width(Terminal())) == (None, 80)


def test_notes_break_between_words_on_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stderr", Terminal())
    output.print_note("a loss of 0.12345678 is told")
    assert sys.stderr.getvalue() == "a loss of 0.12345678\nis told\n"


def test_the_lines_of_an_item_are_below_its_first_word():
    assert wrapped("- The network overfits from epoch 7", 20) == [
        "- The network",
        "  overfits from",
        "  epoch 7",
    ]


def test_a_value_and_its_unit_stay_on_one_line():
    assert wrapped("trial 6  val_accuracy 91.44%  4.9 s", 34) == [
        "trial 6  val_accuracy 91.44%",
        "4.9 s",
    ]
    assert wrapped("takes 12.5 MB, and 3 seconds", 12) == ["takes", "12.5 MB, and", "3 seconds"]
