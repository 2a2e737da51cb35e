"""The budget of a sweep: after which trial no other begins."""

import shutil

import pytest

from mnistlab.config.load_sweep import parse_sweep
from mnistlab.store.status import Status
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps.budget import Budget
from mnistlab.sweeps.results import TrialRow
from tools.short_sweeps import RUN, Heard, fingerprints, resume, rows, sweep

LR = "optimizer.lr=0.5,0.1,0.05,0.01,0.005,0.001"


def spent(stop: str, *values: float | None, metric: str = "val_accuracy") -> str | None:
    source = parse_sweep(RUN, "s", [LR, f"stop={stop}", f"metric.name={metric}"])
    told = [
        TrialRow(
            number,
            Status.DIVERGED if value is None else Status.FINISHED,
            (),
            {},
            {metric: value},
            "",
        )
        for number, value in enumerate(values)
    ]
    return Budget(source.config).spent(told)


@pytest.mark.parametrize(
    ("stop", "values", "expected"),
    [
        ("{trials: 3}", (0.1, 0.2), None),
        ("{trials: 3}", (0.1, None, 0.2), "3 trials have ended"),
        ("{reached: 0.9}", (0.1, 0.89, None), None),
        ("{reached: 0.9}", (0.1, 0.9), "trial 1 has reached val_accuracy 90.00%"),
        ("{plateau: {trials: 2}}", (0.5, 0.4), None),
        ("{plateau: {trials: 2}}", (0.5, 0.4, None), "no better val_accuracy than 50.00% in 2 tr"),
        ("{plateau: {trials: 2}}", (0.5, 0.4, 0.6, 0.6), None),
        ("{plateau: {trials: 2, min_delta: 0.2}}", (0.5, 0.4, 0.6), "than 50.00% in 2 trials"),
        ("{plateau: {trials: 2}}", (None, None, None), None),
        ("{minutes: 5}", (0.1,), None),
        ("{minutes: 1.0e-9}", (), "1e-09 minutes have passed"),
    ],
)
def test_no_trial_begins_after_a_limit(stop, values, expected):
    found = spent(stop, *values)
    assert found is None if expected is None else expected in found


def test_of_a_loss_a_lower_value_is_better():
    assert spent("{reached: 0.3}", 0.5, 0.31, metric="val_loss") is None
    assert "trial 1" in spent("{reached: 0.3}", 0.5, 0.29, metric="val_loss")
    assert spent("{plateau: {trials: 2}}", 0.5, 0.6, 0.4, metric="val_loss") is None


@pytest.mark.usefixtures("trials_here")
@pytest.mark.parametrize("stop", ["{trials: 3}", "{plateau: {trials: 2, min_delta: 1}}"])
def test_a_sweep_ends_there_and_a_resumed_one_runs_nothing_more(stop, tmp_path):
    heard = Heard()
    result = sweep(tmp_path, LR, f"stop={stop}", callbacks=[heard])
    assert [row.trial for row in rows(result)] == [0, 1, 2]
    assert result.trials["finished"] == 3
    assert result.left == 0
    assert len(result.rankings[0][1]) == 3
    assert any("no further trial begins" in text for text in heard.messages)
    assert resume(result).already_ended
    assert len(rows(result)) == 3


@pytest.mark.usefixtures("trials_here")
def test_a_trial_that_was_in_training_at_a_kill_is_finished_after_the_limit(tmp_path):
    whole = sweep(tmp_path / "whole", LR)
    result = sweep(tmp_path, LR, "stop={reached: 0.0}")
    assert [row.trial for row in rows(result)] == [0]
    (begun,) = whole.sweep_dir.glob("trials/0001-*")
    folder = result.sweep_dir / "trials" / begun.name
    folder.mkdir()
    shutil.copy(begun / "config.yaml", folder)
    again = resume(result)
    assert (again.trials["finished"], again.left) == (2, 0)
    assert [row.trial for row in rows(again)] == [0, 1]
    assert fingerprints(again)[begun.name] == fingerprints(whole)[begun.name]
    assert resume(again).already_ended


@pytest.mark.usefixtures("trials_here")
def test_no_minutes_are_no_trials(tmp_path):
    result = sweep(tmp_path, LR, "stop={minutes: 1.0e-9}")
    assert rows(result) == []
    assert result.best is None


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        ("{}", "stop: must have at least one of minutes, trials, plateau, reached"),
        ("{trials: 0}", "stop.trials: found 0"),
        ("{minutes: -1}", "stop.minutes: found -1"),
        ("{plateau: {min_delta: 0.1}}", "stop.plateau.trials: must be given"),
        ("{plato: 3}", "plateau"),
    ],
)
def test_a_wrong_budget_is_named(stop, message):
    with pytest.raises(ConfigError) as raised:
        parse_sweep(RUN, "s.yaml", [LR, f"stop={stop}"])
    assert any(message in told for told in raised.value.messages), raised.value.messages
