"""Sweeps that are extended: grids by values and keys, random searches by trials."""

import pytest
from test_sweep_config import PLAIN, STAGED

from mnistlab.config.extend_sweep import extended
from mnistlab.config.load_sweep import parse_sweep
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps.space import checked_points


def test_a_grid_is_extended_by_values_and_by_keys_which_keep_their_present_value_first():
    source = parse_sweep(PLAIN, "s")
    more = extended(source, ["optimizer.lr=0.1,0.5", "model.hidden=[8]"]).config.parameters
    assert more["optimizer.lr"] == [0.1, 0.01, 0.5]
    assert more["model.hidden"] == [[128], [8]]
    assert extended(source, ["regularization.l2=1"]).config.parameters["regularization.l2"] == [
        *(1e-5, 1e-4, 1e-3),
        1,
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STAGED, "in stages cannot be extended"),
        (f"{PLAIN}method: {{type: random, trials: 2}}", "extended by a larger method.trials"),
    ],
)
def test_only_a_grid_is_extended(text, expected):
    with pytest.raises(ConfigError, match=expected):
        extended(parse_sweep(text, "s"), ["optimizer.lr=1"])


ZIPPED = """\
run: {data: {source: digits}, model: {type: mlp}}
parameters: {optimizer.lr: [0.01, 0.1], model.hidden: [[8], [16]]}
zip: [[optimizer.lr, model.hidden]]
"""


@pytest.mark.parametrize(
    ("lr", "hidden", "rates", "widths"),
    [
        ("0.1,0.3", "[20],[16]", [0.01, 0.1, 0.1, 0.3], [[8], [16], [20], [16]]),
        ("0.1", "[20]", [0.01, 0.1, 0.1], [[8], [16], [20]]),
        ("0.01,0.3", "[8],[16]", [0.01, 0.1, 0.3], [[8], [16], [16]]),  # the first is there
    ],
)
def test_values_that_move_together_are_paired_as_they_are_written(lr, hidden, rates, widths):
    more = extended(parse_sweep(ZIPPED, "s"), [f"optimizer.lr={lr}", f"model.hidden={hidden}"])
    assert more.config.parameters == {"optimizer.lr": rates, "model.hidden": widths}


def test_one_of_two_keys_that_move_together_is_not_extended_alone():
    with pytest.raises(ConfigError, match="moves values together"):
        extended(parse_sweep(ZIPPED, "s"), ["optimizer.lr=0.1,0.3"])


def test_a_key_that_differs_among_the_trials_does_not_become_a_parameter():
    text = "run: {data: {source: digits}}\nparameters: {optimizer.type: [sgd, adam]}"
    message = (
        r"optimizer\.lr: is 0\.1 in some trials and 0\.001 in others, which differ in "
        r"optimizer\.type; start another sweep"
    )
    with pytest.raises(ConfigError, match=message):
        extended(parse_sweep(text, "s"), ["optimizer.lr=0.01"])
    more = extended(parse_sweep(text, "s"), ["training.batch_size=16"])
    assert more.config.parameters["training.batch_size"] == [32, 16]


RANDOM = f"{PLAIN}method: {{type: random, trials: 3}}"


def test_a_random_search_is_extended_by_more_trials_and_keeps_those_that_it_has():
    source = parse_sweep(RANDOM, "s")
    more = extended(source, ["method.trials=5"])
    assert more.config.method.trials == 5
    before, after = checked_points(source), checked_points(more)
    assert [point.settings for _, point, _ in after[:3]] == [p.settings for _, p, _ in before]


@pytest.mark.parametrize("value", ["2", "many", "4,5"])
def test_a_random_search_is_not_extended_by_what_is_no_larger_number(value):
    with pytest.raises(
        ConfigError, match=r"method\.trials: found .*, must be a number of at least"
    ):
        extended(parse_sweep(RANDOM, "s"), [f"method.trials={value}"])


def test_a_random_search_of_more_trials_than_a_sweep_may_have_is_refused():
    text = RANDOM.replace("trials: 3", "trials: 20000")
    assert parse_sweep(text, "s").config.method.trials == 20_000
    with pytest.raises(ConfigError, match="makes 40,000 trials; at most 20,000 are allowed"):
        parse_sweep(text, "s", ["seeds=2"])
