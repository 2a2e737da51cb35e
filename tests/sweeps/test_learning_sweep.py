"""Sweeps whose method learns: one point after the other, resumed to the same points."""

import shutil

import pytest

from mnistlab.config.load_sweep import parse_sweep
from mnistlab.support.errors import ConfigError
from tools.short_sweeps import RUN, Heard, fingerprints, records, resume, rows, sweep

pytest.importorskip("optuna")
TPE = (
    "optimizer.lr={loguniform: [1.0e-4, 1]}",
    "training.batch_size={uniform: [4, 20]}",
    "model.activation=relu,{type: leaky_relu, alpha: 0.1}",
    "method={type: tpe, trials: 8, startup: 3}",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    from tools.here_executor import trials_in_this_process

    with trials_in_this_process():
        return sweep(tmp_path_factory.mktemp("tpe"), *TPE, workers=1)


def test_each_point_is_trained_once_and_the_number_of_points_in_training_is_recorded(undisturbed):
    assert undisturbed.trials == {"finished": 8, "diverged": 0, "failed": 0}
    assert [row.trial for row in rows(undisturbed)] == list(range(8))
    assert len({repr(row.parameters) for row in rows(undisturbed)}) == 8
    assert "parallel: 1\n" in (undisturbed.sweep_dir / "sweep.yaml").read_text()


@pytest.mark.usefixtures("trials_here")
def test_a_sweep_whose_last_trials_are_lost_asks_for_the_same_points_again(undisturbed, tmp_path):
    copy = tmp_path / "runs" / "copy"
    shutil.copytree(undisturbed.sweep_dir, copy, symlinks=True)
    lost = sorted(copy.glob("trials/*"))[5:]
    for folder in lost:
        shutil.rmtree(folder)
    again = resume(_at(undisturbed, copy), workers=2)
    assert fingerprints(again) == fingerprints(undisturbed)
    assert (copy / "trials.csv").read_text() == (undisturbed.sweep_dir / "trials.csv").read_text()
    for name, record in records(undisturbed).items():
        assert (records(again)[name] == record) is (copy / "trials" / name not in lost)


@pytest.mark.usefixtures("trials_here")
def test_more_trials_continue_the_search(undisturbed, tmp_path):
    copy = tmp_path / "runs" / "copy"
    shutil.copytree(undisturbed.sweep_dir, copy, symlinks=True)
    longer = resume(_at(undisturbed, copy), "method.trials=10")
    whole = sweep(tmp_path / "whole", *TPE[:3], TPE[3].replace("8", "10"), workers=1)
    assert len(fingerprints(longer)) == 10
    assert fingerprints(longer) == fingerprints(whole)


def test_with_two_workers_two_points_are_in_training_and_order_of_ends_changes_nothing(tmp_path):
    heard = Heard()
    first = sweep(tmp_path / "a", *TPE, workers=2, callbacks=[heard])
    second = sweep(tmp_path / "b", *TPE, "parallel=2", workers=1)
    assert max(progress.running for progress in heard.progress) == 2
    assert fingerprints(first) == fingerprints(second)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("method={type: tpe}",), "method.trials: must be given"),
        (("method={type: tpe, trials: 0}",), "method.trials: found 0"),
        (("method={type: tpe, trials: 5, startup: 0}",), "method.startup: found 0"),
        (
            ("method={type: cma, trials: 5}",),
            "parameters: has 1 range; method cma needs at least 2",
        ),
        (("method={type: tpe, trials: 5}", "parallel=0"), "parallel: found 0"),
        (("method={type: tpee, trials: 5}",), "did you mean 'tpe'"),
        (("method={type: qmc, trials: 5, sequence: sobel}",), "did you mean 'sobol'"),
    ],
)
def test_a_wrong_key_is_named(values, message):
    with pytest.raises(ConfigError) as raised:
        parse_sweep(RUN, "s.yaml", ["optimizer.lr={loguniform: [1.0e-4, 1]}", *values])
    assert any(message in told for told in raised.value.messages), raised.value.messages


def _at(result, folder):
    import dataclasses

    return dataclasses.replace(result, sweep_dir=folder)
