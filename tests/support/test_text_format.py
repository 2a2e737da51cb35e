"""Numbers are written with the digits that tell the truth."""

import pytest

from mnistlab.support.stated import Stated
from mnistlab.support.text_format import as_stated, duration_as_stated, probability


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
