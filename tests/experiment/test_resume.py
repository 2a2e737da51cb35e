"""A resumed run ends with the bits of one that was never stopped, or says why it cannot."""

import json
import logging

import pytest
from run_helpers import edit_run_json

from mnistlab.cli.result import tell_result
from mnistlab.store.metrics import read_layers, read_metrics
from mnistlab.support.errors import UsageError
from tools.short_runs import StopAt, fingerprint, resume, train

CNN = {
    "type": "cnn",
    "layers": [
        {"conv": {"filters": 2, "kernel": 3, "stride": 3}},
        {"activation": "relu"},
        {"pool": {"size": 2}},
        "batch_norm",
        {"dropout": 0.2},
    ],
}
RUNS = {
    "sgd": {},
    "momentum, cosine": {
        "optimizer": {"type": "sgd", "momentum": 0.9, "nesterov": True},
        "lr_schedule": {"type": "cosine", "cycles": 2, "warmup": 3},
    },
    "a momentum that rises": {
        "optimizer": {"momentum": {"from": 0.5, "to": 0.95, "epochs": 2}},
    },
    "max-norm": {
        "optimizer": {"type": "adam", "lr": 0.01},
        "regularization": {"max_norm": 0.5},
    },
    "a clipped gradient": {"optimizer": {"lr": 0.3, "clip_value": 0.1, "clip_norm": 0.2}},
    "adagrad": {"optimizer": {"type": "adagrad", "lr": 0.05}},
    "adadelta": {"optimizer": "adadelta"},
    "milestones": {"lr_schedule": {"type": "milestones", "at": {"1": 0.5}}},
    "phases": {
        "lr_schedule": {
            "type": "phases",
            "phases": [{"epochs": 1, "type": "linear", "final": 3.0}, "cosine"],
        }
    },
    "plateau": {
        "optimizer": {"lr": 0.5},
        "lr_schedule": {
            "type": "plateau",
            "monitor": "train_loss",
            "factor": 0.5,
            "patience": 1,
            "min_delta": 0.2,
        },
        "training": {"evaluate_every": 2},
    },
    "velocity step, replacement": {
        "optimizer": {"type": "sgd", "momentum": 0.5, "velocity": "step"},
        "lr_schedule": {"type": "inverse_time", "decay": 0.01},
        "training": {"shuffle": "replacement", "train_metrics": "batch"},
    },
    "adam, dropout, by steps": {
        "model": {"type": "mlp", "hidden": [6, 5], "dropout": 0.4},
        "optimizer": {"type": "adam", "lr": 0.01},
        "training": {"evaluate_every": 2, "test": "every", "train_metrics": "full"},
    },
    "adamw, one cycle": {
        "optimizer": {"type": "adamw", "lr": 0.01},
        "lr_schedule": {"type": "one_cycle"},
        "training": {"drop_last": True, "checkpoint_every": 2},
    },
    "rmsprop, early stopping": {
        "optimizer": {"type": "rmsprop", "lr": 0.05},
        "training": {
            "epochs": 9,
            "evaluate_every": 3,
            "early_stopping": {"monitor": "val_loss", "patience": 2},
        },
    },
    "batch norm, early stopping": {
        "model": {"type": "mlp", "hidden": [6, 5], "batch_norm": True},
        "optimizer": {"type": "sgd", "momentum": 0.9},
        "training": {
            "epochs": 5,
            "evaluate_every": 3,
            "early_stopping": {"monitor": "val_loss", "patience": 2},
        },
    },
    "cnn, steps": {
        "model": CNN,
        "training": {"epochs": None, "steps": 13, "shuffle": "none"},
        "regularization": {"l1": 1e-3, "l2": 1e-3, "mode": "step"},
    },
    "batch norm, augmentation, max-norm, a rising momentum, smoothed labels": {
        "data": {"augment": [{"affine": {"rotate": 10, "shift": 1}}, {"elastic": {"alpha": 4}}]},
        "model": CNN,
        "loss": {"type": "cross_entropy", "label_smoothing": 0.1},
        "optimizer": {"momentum": {"from": 0.5, "to": 0.95, "epochs": 2}},
        "regularization": {"max_norm": 0.5},
    },
}


@pytest.mark.long
@pytest.mark.parametrize("name", RUNS)
@pytest.mark.usefixtures("look_after_every_step")
def test_a_run_stopped_after_any_step_ends_on_the_same_bits(tmp_path, name):
    sections = RUNS[name]
    # One run is stopped after each of its steps; the others, which differ in their state alone,
    # after every third, each beginning with another.
    first, every = (1, 1) if name == "sgd" else (1 + list(RUNS).index(name) % 3, 3)
    whole = train(tmp_path / "whole", sections)
    wanted = fingerprint(whole.run_dir)
    steps = read_metrics(whole.run_dir / "metrics.csv")[-1].step
    assert steps >= 6
    for step in range(first, steps, every):
        stopped = train(tmp_path / str(step), sections, StopAt(step))
        assert stopped.status == "interrupted"
        assert stopped.signal is not None
        ended = resume(stopped.run_dir)
        assert ended.status == whole.status
        assert ended.metrics == whole.metrics
        assert fingerprint(stopped.run_dir) == wanted, f"stopped at step {step}"


@pytest.mark.usefixtures("look_after_every_step")
def test_a_run_may_be_stopped_again_and_again(tmp_path):
    wanted = fingerprint(train(tmp_path / "whole").run_dir)
    result = train(tmp_path, None, StopAt(2))
    for step in (5, 6, 11):
        assert result.status == "interrupted"
        result = resume(result.run_dir, callbacks=[StopAt(step)])
    result = resume(result.run_dir)
    assert fingerprint(result.run_dir) == wanted
    told = json.loads((result.run_dir / "run.json").read_text())
    assert len(told["resumed"]) == 4
    assert told["status"] == "finished"


@pytest.mark.usefixtures("look_after_every_step")
@pytest.mark.parametrize(
    ("step", "epochs", "told"), [(2, 0, "0 epochs (2 steps)"), (7, 1, "1 epoch (7 steps)")]
)
def test_an_epoch_that_was_cut_is_not_counted(tmp_path, capsys, step, epochs, told):
    stopped = train(tmp_path, None, StopAt(step))
    assert (stopped.epochs, stopped.steps) == (epochs, step)
    record = json.loads((stopped.run_dir / "run.json").read_text())
    assert (record["epochs"], record["steps"]) == (epochs, step)
    tell_result(stopped, quiet=False, json=False)
    assert f"interrupted after {told}" in capsys.readouterr().err
    ended = resume(stopped.run_dir)
    assert (ended.epochs, ended.steps) == (3, 15)


@pytest.mark.parametrize(
    "measured",
    [
        {"validation": 0.2},
        {"validation": 0, "test": "end"},
        {"validation": 0, "test": "every"},
    ],
)
def test_a_run_of_one_step_has_diverged_where_the_loss_behind_it_is_no_number(tmp_path, measured):
    validation = measured.pop("validation")
    result = train(
        tmp_path,
        {
            "data": {"normalize": "none", "validation": validation},
            "model": {"type": "mlp", "hidden": [64, 64]},
            "loss": {"type": "mse"},
            "optimizer": {"lr": 1e12},
            "training": {"steps": 1, "epochs": None, **measured},
        },
    )
    assert (result.status, result.steps) == ("diverged", 1)
    assert "the weights kept are those of step 0" in result.advice
    assert resume(result.run_dir).status == "diverged"


def test_a_run_that_diverges_in_its_first_epoch_has_done_none(tmp_path):
    result = train(tmp_path, {"optimizer": {"type": "sgd", "lr": 1e30}})
    assert (result.status, result.epochs) == ("diverged", 0)
    assert 0 < result.steps < 5
    again = resume(result.run_dir)
    assert (again.epochs, again.steps) == (0, result.steps)


@pytest.mark.usefixtures("look_after_every_step")
def test_rows_written_after_the_checkpoint_are_cut_back(tmp_path):
    stopped = train(tmp_path, None, StopAt(7)).run_dir
    with (stopped / "metrics.csv").open("a") as file:
        file.write("2,10,0.1,1,1,1,1,,,0,1\n")
    with (stopped / "layers.csv").open("a") as file:
        file.write("2,dense1,1,1,1,1,1,1,1,\n")
    resume(stopped)
    assert [row.step for row in read_metrics(stopped / "metrics.csv")] == [5, 10, 15]
    assert [row.epoch for row in read_layers(stopped / "layers.csv")] == [1, 1, 2, 2, 3, 3]


def test_a_run_that_died_before_its_first_checkpoint_starts_anew(tmp_path):
    wanted = fingerprint(train(tmp_path / "whole").run_dir)
    run_dir = train(tmp_path).run_dir
    for path in [
        *run_dir.glob("checkpoints/*"),
        run_dir / "run.json",
        run_dir / "weights.safetensors",
    ]:
        path.unlink()
    resume(run_dir)
    assert fingerprint(run_dir) == wanted


def test_a_finished_run_is_left_as_it_is(tmp_path):
    run_dir = train(tmp_path).run_dir
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*") if path.is_file()}
    result = resume(run_dir)
    assert result.already_ended
    assert result.status == "finished"
    assert result.metrics["test_accuracy"] is not None
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_run_killed_between_its_last_checkpoint_and_its_end_is_ended(tmp_path):
    for number, sections in enumerate(
        ({}, RUNS["rmsprop, early stopping"], {"optimizer": {"type": "sgd", "lr": 1e30}})
    ):
        result = train(tmp_path / str(number), sections)
        wanted = fingerprint(result.run_dir)
        edit_run_json(result.run_dir, status="running")
        (result.run_dir / "weights.safetensors").unlink()
        again = resume(result.run_dir)
        assert (again.status, again.advice) == (result.status, result.advice)
        assert fingerprint(result.run_dir) == wanted


@pytest.mark.usefixtures("look_after_every_step")
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, caplog):
    wanted = fingerprint(train(tmp_path / "whole").run_dir)
    stopped = train(tmp_path, None, StopAt(12)).run_dir
    last = stopped / "checkpoints" / "last.safetensors"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        resume(stopped)
    assert "last.safetensors" in caplog.text
    assert fingerprint(stopped) == wanted


@pytest.mark.usefixtures("look_after_every_step")
def test_a_run_whose_checkpoints_are_all_damaged_is_refused(tmp_path):
    stopped = train(tmp_path, None, StopAt(12)).run_dir
    for path in stopped.glob("checkpoints/last*"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UsageError, match=r"last\.safetensors"):
        resume(stopped)
