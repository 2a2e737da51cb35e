"""Numbers are written with the digits that tell the truth."""

import pytest

from mnistlab.support.stated import Stated
from mnistlab.support.text_format import (
    as_stated,
    difference,
    duration_as_stated,
    in_print,
    interval,
    metric,
    probability,
    short_keys,
    unbroken,
    without_middle,
)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("test_accuracy", 0.91041, "91.041%"),
        ("test_accuracy", 0.909708, "90.9708%"),
        ("val_accuracy", 0.9, "90%"),
        ("val_accuracy", 1, "100%"),
        ("val_accuracy", 0.0, "0%"),
        ("test_loss", 0.29, "0.29"),
        ("test_loss", 12.3456789, "12.3456789"),
        ("penalty", 1e-5, "0.00001"),
        ("penalty", 1e-12, "1e-12"),
        ("test_loss", 1e300, "1e+300"),
        ("test_loss", -3, "-3"),
    ],
)
def test_a_stated_figure_has_every_digit(name, value, expected):
    assert as_stated(name, value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(40.4, "40.4 s"), (100, "100 s"), (1500, "25 min"), (1501.5, "1501.5 s"), (216000.0, "60 h")],
)
def test_a_stated_time_is_not_rounded_to_its_unit(seconds, expected):
    assert duration_as_stated(seconds) == expected


@pytest.mark.parametrize(
    ("text", "as_accuracy", "as_loss"),
    [
        ("0.93400", "93.400%", "0.93400"),
        ("0.9", "90%", "0.9"),
        ("1.0", "100%", "1.0"),
        ("9.10e-1", "91.0%", "0.910"),
        (".5", "50%", "0.5"),
    ],
)
def test_a_stated_number_is_shown_to_its_last_zero(text, as_accuracy, as_loss):
    figure = Stated(float(text), text)
    assert as_stated("test_accuracy", figure) == as_accuracy
    assert as_stated("test_loss", figure) == as_loss


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "> 99.9%"),
        (0.9996, "> 99.9%"),
        (0.9994, "99.9%"),
        (0.5, "50.0%"),
        (0.0006, "0.1%"),
        (0.0004, "< 0.1%"),
        (0.0, "< 0.1%"),
    ],
)
def test_a_probability_is_never_rounded_to_certainty(value, text):
    assert probability(value) == text


@pytest.mark.parametrize(
    ("name", "value", "std", "text"),
    [
        ("val_loss", 1.9474, 6.89e-4, "1.9474 ± 0.0007"),
        ("val_loss", 0.0612, 0.001, "0.0612 ± 0.0010"),
        ("val_loss", 5e-4, 2.5e-3, "0.0005 ± 0.0025"),
        ("val_loss", 5e-4, 2.5e-5, "5.00e-04 ± 2.50e-05"),
        ("val_loss", 2e5, 100.0, "2.00e+05 ± 1.00e+02"),
        ("val_accuracy", 0.9821, 1e-5, "98.21 ± 0.00%"),
        ("seconds", 12.34, 0.06, "12.3 ± 0.1 s"),
        ("seconds", 0.5, 0.06, "0.50 ± 0.06 s"),
    ],
)
def test_a_value_and_its_deviation_have_the_same_decimals(name, value, std, text):
    assert metric(name, value, std) == text


def test_the_ends_of_an_interval_have_the_same_decimals():
    assert interval("val_loss", 9.5e-4, 0.0012) == "0.0009 to 0.0012"
    assert interval("val_loss", -2e-4, 0.004, difference) == "-0.0002 to +0.0040"
    assert interval("val_accuracy", 0.971, 0.9762) == "97.10 to 97.62%"
    assert interval("seconds", 0.98, 1.04) == "1.0 to 1.0 s"


def test_a_key_is_short_unless_another_one_ends_in_the_same_part():
    keys = ("model.type", "init.type", "optimizer.lr", "seed", "data.seed")
    assert list(short_keys(keys).values()) == ["model.type", "init.type", "lr", "seed", "data.seed"]


def test_a_long_name_keeps_both_ends():
    assert without_middle("wide", 4) == "wide"
    names = [without_middle("a" * 40 + end, 12) for end in ("lr 0.1", "lr 0.2")]
    assert names == ["aaaaaa…r 0.1", "aaaaaa…r 0.2"]


def test_a_percentage_in_print_has_one_space():
    assert in_print("0.5% of 20 %, 3 times, %") == "0.5 % of 20 %, 3 times, %"


def test_no_line_ends_between_a_number_and_its_unit():
    text = unbroken("a 95 % interval, 1.2 ± 0.1 s, 20 MB of 3 epochs, 5 minutes, 7 s.")
    assert text.replace("\u00a0", "_") == (
        "a 95_% interval, 1.2_±_0.1_s, 20_MB of 3 epochs, 5 minutes, 7_s."
    )
