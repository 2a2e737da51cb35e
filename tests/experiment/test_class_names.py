"""Names of the classes, from the configuration."""

import json

import pytest

from mnistlab.support.errors import ConfigError, UsageError
from tools.short_runs import train

NAMES = [f"number {label}" for label in range(10)]


def test_the_names_of_a_configuration_are_those_of_its_run(tmp_path):
    run_dir = train(tmp_path, {"data": {"class_names": NAMES}}).run_dir
    record = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    assert record["dataset"]["class_names"] == NAMES


def test_too_few_names_are_refused(tmp_path):
    with pytest.raises((ConfigError, UsageError), match=r"data\.class_names: found 9 names.*10"):
        train(tmp_path, {"data": {"class_names": NAMES[1:]}})


@pytest.mark.parametrize("names", [["a", "a"], ["a"], ["a", "\x1b[2J"], ["a", ""]])
def test_names_that_are_none_are_refused(tmp_path, names):
    with pytest.raises(ConfigError, match=r"data\.class_names"):
        train(tmp_path, {"data": {"class_names": names}})
