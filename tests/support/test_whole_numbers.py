import pytest

from mnistlab.support.whole_numbers import whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("255", 255), ("000000255", 255)])
def test_digits_are_the_number_that_they_spell(text, number):
    assert whole_number(text, 255) == number


@pytest.mark.parametrize("text", ["256", "9" * 6000, "", "-1", "+1", " 1", "1_0", "1.0", "²", "٣"])
def test_anything_else_and_what_is_too_large_is_no_number(text):
    assert whole_number(text, 255) is None
