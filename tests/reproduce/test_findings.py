"""The findings of a report: what they may contain, and that they run no code and do not hang."""

import pytest

from mnistlab.reproduce.findings import (
    NOT_MEASURED,
    FindingError,
    MeasuredRows,
    PlannedPoints,
    filled,
    functions_of,
)

POINTS = {
    "rates": [{"parameters": {"optimizer.lr": 0.1}}, {"parameters": {"optimizer.lr": 0.01}}],
    "staged": [
        {"stage": "lr", "from": None, "parameters": {"optimizer.lr": 0.1}},
        {"stage": "l2", "from": "lr", "parameters": {"regularization.l2": 0.1}},
    ],
}
PLANNED = functions_of(PlannedPoints(POINTS))


class Fixed:
    """Every number is this one."""

    def __init__(self, value):
        self.value = value

    def of_row(self, *_, **__):
        return self.value

    def best(self, *_, **__):
        return self.value

    def seconds_per_epoch(self, *_, **__):
        return self.value


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("At 0.1 it is {{ measured('x', 'test_accuracy') | percent }}.", "At 0.1 it is 25.00 %."),
        ("{{ spread('x', 'test_accuracy', {'a': [1, None]}, 's') | points }}", "25.00"),
        ("{{ (best('x', 'val_loss') - 2 * 1) / -4 | number }}", "is not a number"),
        ("{{ ((best('x', 'val_loss') - 2 * 1) / -4) | number }}", "0.4375"),
        ("{{ seconds_per_epoch('x', stage='s') | duration }}", "0.25 s"),
        ("{{ 1 + 1 }} {{ 'words' }}", "2 words"),
    ],
)
def test_a_finding_is_text_with_numbers(template, expected):
    functions = functions_of(Fixed(0.25))
    if expected == "is not a number":
        with pytest.raises(FindingError, match=expected):
            filled(template, functions)
    else:
        assert filled(template, functions) == expected


def test_a_value_that_was_not_measured_is_named_even_in_arithmetic():
    functions = functions_of(Fixed(None))
    assert filled("{{ measured('x', 'val_loss') }}", functions) == NOT_MEASURED
    assert filled("{{ (1 - best('x', 'val_loss')) | percent }}", functions) == NOT_MEASURED


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ measured.func('__class__', 'x') }}", "Call"),
        ("{{ measured.__globals__ }}", "Getattr"),
        ("{{ ''['__class__'] }}", "Getitem"),
        ("{{ measured }}", "Name"),
        ("{% for n in range(10**9) %}{% endfor %}", "For"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "Macro"),
        ("{{ range(1000000000) }}", "there is no function 'range'"),
        ("{{ 9**9**9**9 }}", "Pow"),
        ("{{ 'x' * 10000000000 }}", "'x' is not a number"),
        ("{{ [0] * 10000000000 }}", r"\[0\] is not a number"),
        ("{{ 1/0 }}", "division by zero"),
        ("{{ 1e308 * 10 | nothing }}", "there is no filter 'nothing'"),
        ("{{ 'x' | percent }}", "'x' is not a number"),
        ("{{ measured('rates') }}", "missing 1 required positional argument"),
        ("{{ measured('rates', 'test_accuracy', *[1]) }}", "Call"),
        ("{{ measured('rats', 'test_accuracy') }}", "there is no experiment 'rats'"),
        ("{{ measured([], 'test_accuracy') }}", "cannot be computed"),
        ("{{ measured('rates', 'accuracy') }}", "there is no metric 'accuracy'"),
        ("{{ measured('rates', 'val_loss', {'optimizer.lr': 1}) }}", "no point of rates has"),
        ("{{ measured('rates', 'val_loss', 3) }}", "cannot be computed"),
        ("{{ measured('staged', 'val_loss', {}, 'l1') }}", "in stage l1"),
        ("{{ stated(", "is not a template"),
        (f"{{{{ {'(' * 5000}1{')' * 5000} }}}}", "nested too deeply"),
        (f"{{{{ {'9' * 5000} }}}}", "cannot be computed"),
    ],
)
def test_what_a_finding_may_not_hold_is_refused(template, message):
    with pytest.raises(FindingError, match=message):
        filled(template, PLANNED)


def test_values_that_a_stage_takes_over_are_not_known_before_it_is_run():
    filled("{{ measured('staged', 'val_loss', {'optimizer.lr': 0.1}, 'l2') }}", PLANNED)
    with pytest.raises(FindingError, match="no point"):
        filled("{{ measured('staged', 'val_loss', {'optimizer.momentum': 0.1}, 'lr') }}", PLANNED)


def test_a_quotient_of_two_measurements_passes_the_check_before_they_are_made():
    filled("{{ 1 / (best('rates', 'val_loss') - best('staged', 'val_loss')) }}", PLANNED)


def test_the_numbers_of_no_experiment_are_asked_for_in_vain():
    with pytest.raises(FindingError, match="there is no experiment"):
        filled("{{ best('rates', 'val_loss') }}", functions_of(MeasuredRows({})))
