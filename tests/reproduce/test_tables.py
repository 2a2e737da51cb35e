"""The text of a row of a report's table."""

from dataclasses import replace
from pathlib import Path

from mnistlab.reproduce.findings import MeasuredRows, filled, functions_of
from mnistlab.reproduce.manifest import Table
from mnistlab.reproduce.measured import METRICS, Measured, Row
from mnistlab.reproduce.tables import RenderedTable, rendered_table, row_names
from mnistlab.store.status import Status

NOTHING = Measured(stated=None, mean=None, std=None, values=())


def row(accuracy: Measured, *statuses: str) -> Row:
    return Row(
        stage=None,
        parameters={},
        metrics={name: NOTHING for name in METRICS} | {"test_accuracy": accuracy},
        statuses=tuple(map(Status, statuses)),
        run_dirs=(Path("trials/0000"),),
        epochs=1,
        images=60,
        seconds=1.5,
        stated_seconds=None,
        stated_in=None,
        full_length=None,
    )


def cells(one: Row) -> tuple[str, ...]:
    table = Table(title="One row", experiment="alone", metrics=["test_accuracy"])
    (found,) = rendered_table(table, [one], None).rows
    return found


def test_a_diverged_seed_is_reported_with_the_mean_of_the_others():
    accuracy = Measured(stated=0.934008, mean=0.5, std=0.1, values=(0.4, 0.6))
    assert cells(row(accuracy, "diverged", "finished", "finished")) == (
        "alone",
        "93.4008 %",
        "50.00 ± 127.06 %, 1 diverged",  # Student's t for two seeds is 12.706
        "3",
        "1.5 s",
    )
    assert (accuracy.lowest, accuracy.highest) == (0.4, 0.6)


def test_where_no_seed_finished_there_is_only_what_became_of_them():
    assert cells(row(NOTHING, "diverged", "failed")) == (
        "alone",
        "1 diverged, 1 failed",
        "2",
        "1.5 s",
    )
    assert cells(row(NOTHING, "diverged")) == ("alone", "diverged", "1.5 s")


def test_a_metric_that_finished_runs_do_not_have_is_a_dash():
    assert cells(row(NOTHING, "finished")) == ("alone", "–", "1.5 s")


def test_a_stated_time_and_the_sentence_below_have_every_digit_stated():
    accuracy = Measured(stated=0.91041, mean=0.9, std=None, values=(0.9,))
    table = Table(title="One row", experiment="alone", metrics=["test_accuracy"])
    one = replace(row(accuracy, "finished"), stated_seconds=40.4)
    shown = rendered_table(table, [one], None)
    assert shown.rows == (("alone", "91.041 %", "90.00 %", "40.4 s → 1.5 s"),)
    assert "90.00 % where 91.041 % is stated (-1.04 points)" in shown.notes[0]


def test_a_finding_says_what_was_stated_and_rounds_what_was_measured():
    accuracy = Measured(stated=0.91041, mean=0.90123456, std=None, values=(0.90123456,))
    functions = functions_of(MeasuredRows({"alone": [row(accuracy, "finished")]}))
    template = "{{ measured('alone', 'test_accuracy') | percent }} for "
    template += "{{ stated('alone', 'test_accuracy') | percent }}, "
    template += "{{ stated('alone', 'test_loss') | number }}"
    assert filled(template, functions) == "90.12 % for 91.041 %, (not measured)"


def test_a_stated_value_lies_in_the_interval_of_the_seeds_or_it_does_not():
    values = (0.97, 0.98, 0.99)  # mean 0.98, half of the interval 4.303 · 0.01 / √3 = 0.0248
    one = row(Measured(stated=0.9561, mean=0.98, std=0.01, values=values), *["finished"] * 3)
    assert one.metrics["test_accuracy"].is_within is True
    assert replace(one.metrics["test_accuracy"], stated=0.954).is_within is False
    assert Measured(stated=0.9, mean=0.9, std=None, values=(0.9,)).is_within is None
    table = Table(title="One row", experiment="alone", metrics=["test_accuracy"])
    notes = rendered_table(table, [replace(one, stated_in="Table 3")], None).notes
    assert notes[-1] == "1 of 1 stated accuracy reached or passed, 1 within the 95 % interval."
    shown = rendered_table(table, [replace(one, stated_in="Table 3")], None)
    assert shown.rows[0][-4:] == ("98.00 ± 2.48 %", "3", "Table 3", "1.5 s")


def test_a_row_is_named_by_its_words_and_by_the_head_of_what_says_nothing_alone():
    heads = ("activation", "units", "batch normalisation", "rate", "test accuracy")
    rows = (("relu", "30", "true", "1.0e-05", "98.10 %"), ("tanh", "[30, 10]", "false", "0.1", ""))
    shown = RenderedTable("title", heads, rows, parameters=4, notes=(), finding=None)
    assert row_names(shown) == [
        "relu, units 30, batch normalisation true, rate 1.0e-05",
        "tanh, [30, 10], batch normalisation false, rate 0.1",
    ]
