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
