"""Which point is best, what counts as a tie, and the tables that show it."""

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from mnistlab.config.load_sweep import load_sweep
from mnistlab.config.objectives import Metric
from mnistlab.config.sweep import StatedPoint
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.metric_names import SPLIT_METRICS
from mnistlab.sweeps.ranking import mean_metrics, rank, ranking_of, stages_of
from mnistlab.sweeps.ranking_csv import ranking_text
from mnistlab.sweeps.results import TrialRow, read_trials, trials_text

ACCURACY, LOSS = Metric(name="val_accuracy"), Metric(name="val_loss", goal="minimize")


def row(number: int, value: float | None, status: str = "finished", **parameters) -> TrialRow:
    metrics = {**dict.fromkeys(SPLIT_METRICS), "val_accuracy": value, "val_loss": value}
    return TrialRow(number, Status(status), (), parameters, metrics, f"trials/{number:04d}-0")


def test_the_best_mean_comes_first_for_metrics_to_maximise_and_to_minimise():
    rows = [row(0, 0.7, lr=1), row(1, 0.9, lr=2), row(2, 0.8, lr=3)]
    assert [p.parameters["lr"] for p in rank(rows, [ACCURACY])] == [2, 3, 1]
    assert [p.parameters["lr"] for p in rank(rows, [LOSS])] == [1, 3, 2]
    assert [p.rank for p in rank(rows, [ACCURACY])] == [1, 2, 3]


def test_seeds_of_a_point_are_one_with_mean_and_sample_deviation():
    rows = [row(n, value, lr=1, seed=n) for n, value in enumerate([0.8, 0.9, 0.94])]
    (point,) = rank(rows, [ACCURACY])
    assert point.parameters == {"lr": 1}
    assert math.isclose(point.mean, 0.88)
    assert math.isclose(point.std, math.sqrt((0.08**2 + 0.02**2 + 0.06**2) / 2))
    assert mean_metrics(point)["val_loss"] == (point.mean, point.std)
    assert mean_metrics(point)["test_loss"] == (None, None)


def seeded(values: dict[int, tuple[float, ...]]) -> list[TrialRow]:
    return [
        row(10 * lr + s, v, lr=lr, seed=s) for lr, vs in values.items() for s, v in enumerate(vs)
    ]


def test_points_that_cannot_be_told_from_the_winner_by_their_seeds_share_its_rank():
    rows = seeded(
        {
            1: (0.90, 0.94, 0.92, 0.96),
            # As far from the winner on each seed as the next on the mean: pairing tells it.
            2: (0.8891, 0.9292, 0.9089, 0.9488),
            3: (0.96, 0.86, 0.95, 0.86),
            4: (0.50, 0.51, 0.52, 0.50),
        }
    )
    found = {p.parameters["lr"]: (p.rank, p.tied) for p in rank(rows, [ACCURACY])}
    assert found == {1: (1, True), 2: (2, False), 3: (1, True), 4: (4, False)}
    winner, second, *_ = rank(rows, [ACCURACY])
    assert (winner.behind, winner.p_value) == (None, None)
    assert second.behind.pairs == (0, 1, 2, 3)
    assert math.isclose(second.behind.estimate, 0.011)
    assert second.p_value < 0.05


def test_three_seeds_tell_apart_only_what_lies_far_apart():
    rows = seeded({1: (0.980, 0.985, 0.982), 2: (0.975, 0.979, 0.981), 3: (0.1, 0.2, 0.15)})
    assert [p.tied for p in rank(rows, [ACCURACY])] == [True, True, False]


def test_seeds_of_a_damaged_table_are_paired_with_none():
    rows = [row(n, 0.9 - 0.01 * n, lr=n % 2, seed=["a", n][n % 2]) for n in range(6)]
    assert [p.behind.pairs for p in rank(rows, [ACCURACY])[1:]] == [()]


def test_p_values_are_corrected_for_the_number_of_points():
    values = {1: (0.90, 0.94, 0.92, 0.96), 2: (0.891, 0.929, 0.907, 0.948)}
    alone = rank(seeded(values), [ACCURACY])[1]
    others = {lr: (0.90, 0.91, 0.93, 0.90) for lr in range(3, 9)}
    among = next(p for p in rank(seeded(values | others), [ACCURACY]) if p.parameters["lr"] == 2)
    assert math.isclose(among.p_value, 7 * alone.p_value)


def test_the_best_of_equal_points_is_left_out_of_the_first_rank_in_5_percent_at_most():
    rng = np.random.default_rng(0)
    left_out = 0
    for values in rng.normal(0.9, 0.01, (200, 5, 4)):
        found = rank(seeded({lr: tuple(of) for lr, of in enumerate(values.tolist())}), [ACCURACY])
        left_out += next(not p.tied for p in found if p.parameters["lr"] == 0)
    # 99.9 % of the counts of 5 % in 200 are below.
    assert left_out <= 20


@pytest.mark.parametrize("loss", [1e308, -1e308, math.inf, math.nan])
def test_a_point_with_a_figure_of_which_no_mean_can_be_taken_has_no_rank(loss):
    rows = [row(0, loss, lr=1), row(1, loss, lr=1, seed=2), row(2, 0.5, lr=2)]
    assert [(p.parameters["lr"], p.rank) for p in rank(rows, [LOSS])] == [(2, 1), (1, None)]
    assert mean_metrics(rank(rows, [LOSS])[1])["val_loss"] == (None, None)


def test_without_seeds_only_equal_points_are_tied():
    rows = [row(0, 0.9, lr=1), row(1, 0.9, lr=2), row(2, 0.8999, lr=3)]
    assert [(p.rank, p.tied) for p in rank(rows, [ACCURACY])] == [(1, True), (1, True), (3, False)]


def test_points_that_diverged_failed_or_are_pending_have_no_rank_and_come_last():
    rows = [
        row(0, 0.99, "diverged", lr=1),
        row(1, None, "failed", lr=2),
        row(2, None, "pending", lr=3),
        row(3, math.nan, lr=4),
        row(4, 0.1, lr=5),
    ]
    found = rank(rows, [ACCURACY])
    assert [p.parameters["lr"] for p in found] == [5, 1, 2, 3, 4]
    assert [p.rank for p in found] == [1, None, None, None, None]


def test_a_point_of_which_one_seed_diverged_is_not_ranked_by_the_others():
    rows = [row(0, 0.9, lr=1, seed=0), row(1, 0.9, "diverged", lr=1, seed=1), row(2, 0.2, lr=2)]
    assert [p.parameters["lr"] for p in rank(rows, [ACCURACY])] == [2, 1]


def test_stated_values_are_in_the_rows_of_their_points():
    rows = [row(0, 0.9, lr=1, l1=0), row(1, 0.8, lr=2, l1=0)]
    stated = [
        StatedPoint(stage="other", parameters={"lr": 1}, val_accuracy=0.1),
        StatedPoint(parameters={"lr": 1.0}, val_accuracy=0.5),
        StatedPoint(parameters={"lr": 2, "l2": 0}, val_accuracy=0.6),
    ]
    assert [p.stated for p in rank(rows, [ACCURACY], "stage", stated)] == [0.5, None]
    text = ranking_text([(None, rank(rows, [ACCURACY], None, stated))], ["val_accuracy"])
    table = list(csv.DictReader(io.StringIO(text)))
    assert [line["stated"] for line in table] == ["0.5", ""]
    assert [line["val_accuracy_mean"] for line in table] == ["0.9", "0.8"]
    assert [line["p_value"] for line in table] == ["", ""]
    assert [line["val_accuracy_behind"] for line in table] == ["", repr(0.9 - 0.8)]
    text = ranking_text([(None, rank(seeded({1: (0.9, 0.8)}), [ACCURACY]))], ["val_accuracy"])
    (line,) = csv.DictReader(io.StringIO(text))
    assert float(line["val_accuracy_low"]) < 0.8 < 0.9 < float(line["val_accuracy_high"])


def test_trials_are_read_back_as_they_were_written(tmp_path):
    values = [[3, 4], {"type": "normal", "std": 0.5}, 'a, "b"', None, 1e-05, True, 2, "1e-3"]
    rows = [row(n, 1 / 3, x=value) for n, value in enumerate(values)]
    rows.append(
        TrialRow(9, Status.FAILED, ("lr", "l1"), {}, dict.fromkeys(SPLIT_METRICS), "trials/9")
    )
    sweep_dir = SweepDir(tmp_path)
    sweep_dir.trials_csv.write_text(trials_text(rows))
    assert read_trials(sweep_dir) == rows


STAGES = """
run: {data: {source: digits}, training: {epochs: 1}}
stages:
  - {name: rate, parameters: {optimizer.lr: [0.1, 0.2]}}
  - {name: l2, from: rate, parameters: {regularization.l2: [0.0, 0.1]}}
reference:
  - {stage: rate, parameters: {optimizer.lr: 0.1}, val_accuracy: 0.75}
"""


def test_a_trial_that_two_stages_share_is_ranked_in_each_by_what_that_stage_varies(tmp_path):
    (tmp_path / "s.yaml").write_text(STAGES)
    config = load_sweep(tmp_path / "s.yaml").config
    rate, penalty = "optimizer.lr", "regularization.l2"
    shared = row(0, 0.9, **{rate: 0.1, penalty: 0.0})
    rows = [
        replace(shared, stages=("rate", "l2")),
        replace(row(1, 0.8, **{rate: 0.2}), stages=("rate",)),
        replace(row(2, 0.7, **{rate: 0.1, penalty: 0.1}), stages=("l2",)),
    ]
    assert stages_of(config) == ["rate", "l2"]
    found = ranking_of(config, rows, "rate")
    assert [point.parameters for point in found] == [{rate: 0.1}, {rate: 0.2}]
    assert [point.stated for point in found] == [0.75, None]
    found = ranking_of(config, rows, "l2")
    assert [point.parameters for point in found] == [
        {rate: 0.1, penalty: 0.0},
        {rate: 0.1, penalty: 0.1},
    ]
