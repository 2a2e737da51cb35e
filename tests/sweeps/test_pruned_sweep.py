"""Sweeps that stop trials early: which, with which bits, and that they can go on."""

import dataclasses
import json
import shutil

import pytest

from mnistlab.config.load_sweep import parse_sweep
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json, write_run_json
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.sweeps.space import checked_points, chosen_later, repetitions
from mnistlab.sweeps.sweep_run import plan
from tools.here_executor import trials_in_this_process
from tools.short_sweeps import RUN, fingerprints, records, resume, rows, sweep

LONG = RUN.replace("epochs: 2", "epochs: 4")
LR = "optimizer.lr=0.5,0.3,0.2,0.1,0.05,1e-3,1e-4,1e-5,1e-6"
MEDIAN = "prune={type: median, startup: 3}"
ASHA = "prune={type: asha, reduction: 2}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with trials_in_this_process():
        return sweep(tmp_path_factory.mktemp("whole"), LR, text=LONG, workers=1)


@pytest.fixture(scope="module", params=[MEDIAN, ASHA, "prune={type: hyperband, reduction: 2}"])
def pruned(request, tmp_path_factory):
    with trials_in_this_process():
        return sweep(tmp_path_factory.mktemp("pruned"), LR, request.param, text=LONG, workers=1)


def copied(result, folder):
    copy = folder / "runs" / "copy"
    shutil.copytree(result.sweep_dir, copy, symlinks=True)
    return dataclasses.replace(result, sweep_dir=copy)


def test_some_trials_are_stopped_with_a_checkpoint_and_are_not_ranked(pruned, whole):
    assert pruned.trials["pruned"] >= 2
    assert pruned.trials["finished"] >= 1
    assert pruned.trials["pruned"] + pruned.trials["finished"] == 9
    assert pruned.left == 0
    stopped = [row for row in rows(pruned) if row.status == "pruned"]
    for row in stopped:
        folder = pruned.sweep_dir / row.run_dir
        assert json.loads((folder / "run.json").read_text())["epochs"] < 4
        assert list((folder / "checkpoints").glob("last*"))
        assert not (folder / "weights.safetensors").exists()
        assert row.metrics["val_accuracy"] is not None
    ranked = pruned.rankings[0][1]
    assert {point.first_trial.trial for point in ranked if point.rank is None} == {
        row.trial for row in stopped
    }
    full, found = fingerprints(whole), fingerprints(pruned)
    names = {row.run_dir.partition("/")[2] for row in stopped}
    assert {name: bits for name, bits in found.items() if name not in names} == {
        name: bits for name, bits in full.items() if name not in names
    }


@pytest.mark.usefixtures("trials_here")
def test_a_pruned_trial_goes_on_to_the_bits_of_one_that_was_never_stopped(pruned, whole, tmp_path):
    copy = copied(pruned, tmp_path)
    stopped = [row for row in rows(copy) if row.status == "pruned"]
    again = resume(copy, unprune=[row.trial for row in stopped[:2]])
    for row in stopped[:2]:
        name = row.run_dir.partition("/")[2]
        assert records(again)[name]["status"] == "finished"
        assert fingerprints(again)[name] == fingerprints(whole)[name]
    assert again.trials["finished"] == pruned.trials["finished"] + 2
    # The sweep remembers that they were stopped: no other trial is changed by it.
    before = records(again)
    assert resume(copy).already_ended
    assert records(copy) == before
    with pytest.raises(UsageError, match=f"trial {stopped[0].trial} is finished, not pruned"):
        resume(copy, unprune=[stopped[0].trial])
    with pytest.raises(UsageError, match="found 99, there is no such trial"):
        resume(copy, unprune=[99])


@pytest.mark.usefixtures("trials_here")
def test_a_wrong_number_of_a_trial_is_refused_before_anything_is_trained(pruned, tmp_path):
    copy = copied(pruned, tmp_path)
    (lost,) = copy.sweep_dir.glob("trials/0000-*")
    shutil.rmtree(lost)
    with pytest.raises(UsageError, match="found 99, there is no such trial"):
        resume(copy, unprune=[99])
    assert not lost.exists()


@pytest.mark.usefixtures("trials_here")
def test_the_ranking_is_written_before_a_trial_that_is_not_pruned_is_refused(pruned, tmp_path):
    copy = copied(pruned, tmp_path)
    done = next(row.trial for row in rows(copy) if row.status == "finished")
    (copy.sweep_dir / "ranking.csv").unlink()
    with pytest.raises(UsageError, match=f"trial {done} is finished, not pruned"):
        resume(copy, unprune=[done])
    assert (copy.sweep_dir / "ranking.csv").exists()


def test_all_points_of_a_pruned_grid_are_known_before_the_first_trial():
    source = parse_sweep(LONG, "s", [LR, MEDIAN])
    assert len(checked_points(source)) == len(plan(source)) == 9
    assert repetitions(source) == chosen_later(source) == []
    with pytest.raises(ConfigError, match=r"optimizer\.lr: found -1"):
        checked_points(parse_sweep(LONG, "s", [f"{LR},-1", MEDIAN]))


@pytest.mark.usefixtures("trials_here")
def test_a_sweep_that_has_ended_does_nothing_again(pruned):
    before = records(pruned)
    assert resume(pruned).already_ended
    assert records(pruned) == before


@pytest.mark.usefixtures("trials_here")
def test_lost_trials_are_stopped_and_promoted_at_the_same_epochs_again(pruned, tmp_path):
    copy = copied(pruned, tmp_path)
    for folder in sorted(copy.sweep_dir.glob("trials/*"))[1::2]:
        shutil.rmtree(folder)
    again = resume(copy)
    assert fingerprints(again) == fingerprints(pruned)
    assert [row.status for row in rows(again)] == [row.status for row in rows(pruned)]


@pytest.mark.usefixtures("trials_here")
def test_a_trial_that_died_between_its_evaluation_and_its_stop_stops_there(pruned, tmp_path):
    copy = copied(pruned, tmp_path)
    row = next(row for row in rows(copy) if row.status == "pruned")
    run_dir = RunDir(copy.sweep_dir / row.run_dir)
    write_run_json(run_dir, {**read_run_json(run_dir), "status": "running"})
    again = resume(copy)
    assert fingerprints(again) == fingerprints(pruned)
    assert rows(again)[row.trial].status == "pruned"


def test_with_two_workers_the_same_trials_are_stopped_as_with_one_and_parallel_2(tmp_path):
    first = sweep(tmp_path / "a", LR, ASHA, text=LONG, workers=2)
    with trials_in_this_process():
        second = sweep(tmp_path / "b", LR, ASHA, "parallel=2", text=LONG, workers=1)
    assert fingerprints(first) == fingerprints(second)
    assert [row.status for row in rows(first)] == [row.status for row in rows(second)]


@pytest.mark.usefixtures("trials_here")
def test_tpe_learns_from_trials_that_were_stopped_and_promoted(tmp_path):
    pytest.importorskip("optuna")
    values = (
        "optimizer.lr={loguniform: [1.0e-6, 1]}",
        "method={type: tpe, trials: 12, startup: 4}",
    )
    result = sweep(tmp_path / "a", *values, ASHA, text=LONG, workers=1)
    assert sum(result.trials.values()) == 12
    copy = copied(result, tmp_path)
    for folder in sorted(copy.sweep_dir.glob("trials/*"))[6:]:
        shutil.rmtree(folder)
    assert fingerprints(resume(copy)) == fingerprints(result)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("prune={type: medain}",), "did you mean 'median'"),
        (("prune={type: asha, reduction: 1}",), "prune.reduction: found 1"),
        (("prune={type: median, warmup: 0}",), "prune.warmup: found 0"),
        ((MEDIAN, "seeds=2"), "seeds must be 1"),
        ((MEDIAN, "metric.name=test_accuracy"), "prune: would choose by the test set"),
        ((MEDIAN, "training.evaluate_every=2"), "prune: compares trials epoch by epoch"),
    ],
)
def test_what_cannot_be_pruned_is_named(values, message):
    with pytest.raises(ConfigError) as raised:
        checked_points(parse_sweep(LONG, "s.yaml", [LR, *values]))
    assert any(message in told for told in raised.value.messages), raised.value.messages
