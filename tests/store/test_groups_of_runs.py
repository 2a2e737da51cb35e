"""Runs in groups over their seeds, and groups beside a baseline."""

import json
import math

import pytest
from browse_helpers import make_run

from mnistlab.store.browse.comparison import compare
from mnistlab.store.browse.groups import against, group_rows, grouped
from mnistlab.support.errors import UsageError
from mnistlab.support.expressions import parsed

METRIC = "val_accuracy"


def seeded(folder, name, accuracies, **sections):
    """A run for each accuracy, with the seeds 0, 1, …"""
    return [
        make_run(
            folder / f"{name}{seed}",
            {"name": f"{name}{seed}", "seed": seed, **sections},
            metrics={METRIC: accuracy},
        )
        for seed, accuracy in enumerate(accuracies)
    ]


def rate(value):
    return {"optimizer": {"lr": value}}


def test_the_seeds_of_a_configuration_are_one_group_wherever_they_lie(tmp_path):
    seeded(tmp_path / "a", "x", [0.9, 0.92], **rate(0.1))
    make_run(tmp_path / "b" / "y", {"seed": 7, **rate(0.1)}, metrics={METRIC: 0.94})
    make_run(tmp_path / "b" / "z", {"seed": 7, **rate(0.2)}, metrics={METRIC: 0.95})
    comparison = compare([tmp_path / "a", tmp_path / "b"])
    for keys in (["optimizer.lr"], ["all"]):
        found = grouped(comparison, keys, METRIC)
        assert [dict(group.parameters) for group in found.groups] == [
            {"optimizer.lr": 0.2},
            {"optimizer.lr": 0.1},
        ]
        assert found.groups[1].seeds == (0, 1, 7)
        assert math.isclose(found.groups[1].summaries[METRIC].mean, 0.92)
        assert found.notes == ()


def test_a_run_that_repeats_another_counts_once(tmp_path):
    seeded(tmp_path, "x", [0.9, 0.92])
    make_run(tmp_path / "again", {"name": "again", "seed": 1}, metrics={METRIC: 0.92})
    found = grouped(compare([tmp_path]), ["optimizer.type"], METRIC)
    assert [group.seeds for group in found.groups] == [(0, 1)]
    assert found.notes == ("1 run with the configuration and seed of another one: counted once",)


def test_unfinished_runs_are_in_no_group_and_keys_that_vary_within_one_are_named(tmp_path):
    seeded(tmp_path, "x", [0.9, 0.92], **rate(0.1))
    make_run(tmp_path / "y", {"seed": 5, **rate(0.2)}, metrics={METRIC: 0.9})
    make_run(tmp_path / "z", {"seed": 9}, status="interrupted")
    found = grouped(compare([tmp_path]), ["model.type"], METRIC)
    assert len(found.groups[0].runs) == 3
    assert found.notes == (
        "1 run not finished: in no group",
        "runs of one group also differ in optimizer.lr",
    )
    with pytest.raises(UsageError, match="no run has finished"):
        grouped(compare([tmp_path / "z"]), ["seed"], METRIC)


def test_a_metric_that_a_run_of_a_group_lacks_has_no_mean(tmp_path):
    seeded(tmp_path, "x", [0.9, None], **rate(0.1))
    seeded(tmp_path, "y", [0.8, 0.7], **rate(0.2))
    found = grouped(compare([tmp_path]), ["optimizer.lr"], METRIC)
    assert [METRIC in group.summaries for group in found.groups] == [True, False]
    assert group_rows(found)[1][f"{METRIC}_mean"] is None


def test_an_unknown_key_is_named_with_the_nearest(tmp_path):
    seeded(tmp_path, "x", [0.9])
    with pytest.raises(UsageError, match=r"--group-by: found 'optimizr\.lr'.*mean optimizer\.lr\?"):
        grouped(compare([tmp_path]), ["optimizr.lr"], METRIC)


@pytest.fixture
def three(tmp_path):
    seeded(tmp_path, "a", [0.90, 0.94, 0.92, 0.96], **rate(0.1))
    seeded(tmp_path, "b", [0.91, 0.949, 0.932, 0.969], **rate(0.2))
    seeded(tmp_path, "c", [0.93, 0.90, 0.95, 0.92, 0.97], **rate(0.3))
    return tmp_path


def test_groups_are_compared_with_the_group_of_a_run_over_shared_seeds(three):
    groups = grouped(compare([three]), ["optimizer.lr"], METRIC)
    found = {g.parameters["optimizer.lr"]: g for g in against(groups, three / "a2").groups}
    assert found[0.1].is_baseline
    assert found[0.1].against is None
    told = found[0.2].against
    assert math.isclose(told.difference.estimate, 0.01)
    assert told.difference.pairs == (0, 1, 2, 3)
    assert told.p_value < 0.05
    assert math.isclose(told.improvement, 10 / 16)
    assert told.seeds_needed is None
    unsure = found[0.3].against
    assert unsure.difference.pairs == (0, 1, 2, 3)  # the fifth seed has no partner
    assert unsure.p_value > 0.05
    assert unsure.seeds_needed is not None


def test_the_rows_of_groups_have_intervals_and_a_bootstrap_from_five_seeds(three):
    groups = against(grouped(compare([three]), ["optimizer.lr"], METRIC), three / "a2")
    rows = {row["optimizer.lr"]: row for row in group_rows(groups)}
    assert rows[0.1]["seeds"] == [0, 1, 2, 3]
    assert rows[0.1][f"{METRIC}_low"] < 0.93 < rows[0.1][f"{METRIC}_high"]
    assert rows[0.1][f"{METRIC}_bootstrap_low"] is None
    assert rows[0.3][f"{METRIC}_bootstrap_low"] < 0.934 < rows[0.3][f"{METRIC}_bootstrap_high"]
    assert (rows[0.1]["is_baseline"], rows[0.1]["difference"]) == (True, None)
    assert rows[0.2]["difference_low"] < 0.01 < rows[0.2]["difference_high"]
    assert rows[0.2]["pairs"] == 4
    assert rows[0.2]["sign_flip_p_value"] == 2 / 16


def test_groups_can_be_sorted_by_a_key_or_a_metric(three):
    groups = grouped(compare([three]), ["optimizer.lr"], METRIC)
    orders = {
        key: [group.parameters["optimizer.lr"] for group in groups.sorted_by(key).groups]
        for key in ("optimizer.lr", "-optimizer.lr", METRIC, f"-{METRIC}")
    }
    assert orders["optimizer.lr"] == [0.1, 0.2, 0.3]
    assert orders["-optimizer.lr"] == [0.3, 0.2, 0.1]
    # Their means are 0.93, 0.94 and 0.934.
    assert orders[METRIC] == [0.2, 0.3, 0.1]
    assert orders[f"-{METRIC}"] == [0.1, 0.3, 0.2]
    with pytest.raises(UsageError, match="--sort: found 'x'"):
        groups.sorted_by("x")


def test_a_baseline_that_is_in_no_group_is_refused(three, tmp_path):
    run = make_run(tmp_path / "z", {"seed": 9}, status="interrupted")
    groups = grouped(compare([three], baseline=run), ["optimizer.lr"], METRIC)
    with pytest.raises(UsageError, match="is in no group"):
        against(groups, run)


def test_a_condition_keeps_the_runs_that_match_and_the_baseline(three):
    condition = parsed("optimizer.lr > 0.15 and seed < 2")
    names = {one.run.path.name for one in compare([three], condition).runs}
    assert names == {"b0", "b1", "c0", "c1"}
    kept = {one.run.path.name for one in compare([three], condition, three / "a0").runs}
    assert kept == {*names, "a0"}
    with pytest.raises(UsageError, match="none of 13 runs matches seed > 99"):
        compare([three], parsed("seed > 99"))
    with pytest.raises(UsageError, match=r"column 1.*no run has a key 'sed'"):
        compare([three], parsed("sed > 99"))


def test_a_run_without_a_seed_is_named(tmp_path):
    (run,) = seeded(tmp_path, "x", [0.9])
    record = json.loads((run / "run.json").read_text())
    record["config"]["seed"] = "three"
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(
        UsageError, match=r"run\.json: config\.seed: found 'three', expected a whole"
    ):
        grouped(compare([tmp_path]), ["optimizer.type"], METRIC)
