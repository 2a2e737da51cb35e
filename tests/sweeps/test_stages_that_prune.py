"""Stages whose trials may be stopped early, or whose points begin one by one."""

import pytest

from mnistlab.config.load_sweep import parse_sweep
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps.space import checked_points
from tools.short_sweeps import rows, sweep

RUN = """\
run:
  data: {source: digits, validation: 0.1, train_limit: 320}
  model: {type: mlp, hidden: [16], dropout: 0.1}
  optimizer: {type: sgd, lr: 0.1, momentum: 0.9}
  training: {epochs: 4, batch_size: 32}
parallel: 1
"""
TWO = """\
stages:
  - {name: a, parameters: {optimizer.lr: [0.03, 0.02, 0.01]}}
  - {name: b, parameters: {optimizer.momentum: [0.8, 0.5]}}
"""
# Momentum 0.9 was trained to the end in stage a; in stage b it would be stopped early.
SHARED = """\
prune: {type: asha, reduction: 2}
stages:
  - {name: a, parameters: {optimizer.lr: [0.02, 0.05, 0.3, 0.1]}}
  - {name: b, from: a, parameters: {optimizer.momentum: [0.5, 0.9, 0.7, 0.95]}}
  - {name: c, from: b, parameters: {training.batch_size: [32, 64, 48, 16]}}
refit: [b]
"""


@pytest.mark.usefixtures("trials_here")
@pytest.mark.parametrize(
    "how", ["prune: {type: median, startup: 1}\n", "method: {type: tpe, trials: 2}\n"]
)
def test_stages_that_do_not_build_on_each_other_are_searched_at_the_same_time(how, tmp_path):
    if "tpe" in how:
        pytest.importorskip("optuna")
    result = sweep(tmp_path, text=RUN + how + TWO, workers=1)
    assert [stage for stage, _ in result.rankings] == ["a", "b"]
    assert [len(ranked) for _, ranked in result.rankings] == [2 if "tpe" in how else 3, 2]
    assert all(ranked[0].rank == 1 for _, ranked in result.rankings)


@pytest.mark.usefixtures("trials_here")
def test_the_next_stage_and_the_refit_have_the_winner_that_is_ranked_first(tmp_path):
    result = sweep(tmp_path, text=RUN + SHARED, workers=1)
    ranked = dict(result.rankings)
    first = ranked["b"][0]
    assert first.rank == 1
    (shared,) = [row for row in rows(result) if {"a", "b"} <= {*row.stages}]
    assert first.first_trial.trial == shared.trial
    momentum = first.parameters["optimizer.momentum"]
    told = {row.trial: row for row in rows(result)}
    of_c = [told[point.first_trial.trial] for point in ranked["c"]]
    assert {row.parameters["optimizer.momentum"] for row in of_c} == {momentum}
    assert dict(result.refits)["b"].parameters["optimizer.momentum"] == momentum


def test_a_refit_that_would_follow_a_validation_metric_is_refused_before_the_first_trial():
    schedule = "lr_schedule: {type: plateau, patience: 1%s}\n  training"
    text = RUN + TWO + "refit: [a]\n"
    fails = text.replace("training", schedule % "", 1)
    message = r"refit: trains without validation images, but lr_schedule\.monitor is val_loss"
    with pytest.raises(ConfigError, match=message):
        checked_points(parse_sweep(fails, "s"))
    assert checked_points(parse_sweep(fails.replace("refit: [a]\n", ""), "s"))
    runs = text.replace("training", schedule % ", monitor: train_loss", 1)
    assert checked_points(parse_sweep(runs, "s"))
