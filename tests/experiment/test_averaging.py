"""`training.average_last`: the final weights are the mean of the weights after the last epochs."""

import numpy as np
import pytest

from mnistlab.config import run_config_from_mapping
from mnistlab.python.commands.evaluate import evaluate
from mnistlab.store.metrics import read_metrics
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import read_run_record
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.support.tensor_file import load_tensors
from tools.short_runs import StopAt, fingerprint, resume, train

AVERAGE = {
    "optimizer": {"type": "adam", "lr": 0.01},
    "training": {"epochs": 6, "average_last": 3, "snapshots": 1},
}


def averaged(folder, **training):
    return train(folder, {**AVERAGE, "training": {**AVERAGE["training"], **training}}).run_dir


def tensors(run_dir, name):
    return load_tensors(run_dir / f"{name}.safetensors")[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_final_weights_are_the_mean_that_pytorch_takes_of_the_last_epochs(tmp_path, dtype):
    torch = pytest.importorskip("torch")
    run_dir = averaged(tmp_path, dtype=dtype)
    mean = None
    for epoch in (4, 5, 6):
        kept = tensors(run_dir, f"checkpoints/epoch-{epoch}")
        model = torch.nn.ParameterDict(
            {name.replace(".", "_"): torch.tensor(one).double() for name, one in kept.items()}
        )
        mean = mean or torch.optim.swa_utils.AveragedModel(model)
        mean.update_parameters(model)
    for name, tensor in tensors(run_dir, "weights").items():
        wanted = mean.module[name.replace(".", "_")].detach().numpy()
        assert tensor.dtype == dtype
        rounding = np.finfo(dtype).eps
        np.testing.assert_allclose(tensor, wanted, rtol=rounding, atol=rounding / 10)


def test_the_final_metrics_are_those_of_the_mean_and_metrics_csv_those_of_each_epoch(tmp_path):
    run_dir = averaged(tmp_path)
    final = read_run_record(RunDir(run_dir)).metrics
    for part, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        scores = evaluate(run_dir, split=part, data_dir=tmp_path / "data")
        assert final[f"{name}_accuracy"] == scores.accuracy
        assert final[f"{name}_loss"] == pytest.approx(scores.loss, rel=1e-6)
    plain = train(tmp_path / "plain", {**AVERAGE, "training": {"epochs": 6}}).run_dir
    rows, alone = (read_metrics(one / "metrics.csv") for one in (run_dir, plain))
    assert [row.val_loss for row in rows] == [row.val_loss for row in alone]
    assert [row.test_loss for row in rows] == [None] * 6
    best = "checkpoints/best"
    for name, tensor in tensors(plain, best).items():
        np.testing.assert_array_equal(tensors(run_dir, best)[name], tensor)


def test_an_epoch_that_the_end_cuts_short_is_one_of_the_last(tmp_path):
    run_dir = averaged(tmp_path, epochs=None, steps=23, average_last=2)
    cut = train(tmp_path, {**AVERAGE, "training": {"epochs": None, "steps": 23}}).run_dir
    last, before = tensors(cut, "weights"), tensors(run_dir, "checkpoints/epoch-4")
    for name, tensor in tensors(run_dir, "weights").items():
        mean = (last[name].astype(float) + before[name]) / 2
        np.testing.assert_allclose(tensor, mean, rtol=1e-7)


@pytest.mark.usefixtures("look_after_every_step")
def test_a_stopped_run_has_the_same_mean(tmp_path):
    wanted = fingerprint(averaged(tmp_path / "whole"))
    for step in (14, 15, 16, 22, 29):
        stopped = train(tmp_path / str(step), AVERAGE, StopAt(step)).run_dir
        resume(stopped)
        assert fingerprint(stopped) == wanted


def test_a_longer_run_averages_its_own_last_epochs(tmp_path):
    wanted = averaged(tmp_path / "whole", epochs=9)
    short = averaged(tmp_path)
    with pytest.raises(UsageError) as caught:
        resume(short, "training.epochs=7")
    assert str(caught.value) == (
        "training.average_last: the mean has begun with the weights after epoch 4, and would begin "
        "with those after epoch 5; a run with 8 epochs or more can be resumed"
    )
    resume(short, "training.epochs=9")
    assert fingerprint(short) == fingerprint(wanted)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"epochs": 3, "average_last": 4}, "found 4, must be at most training.epochs, 3"),
        (
            {"average_last": 2, "early_stopping": {"patience": 2}},
            "cannot be combined with training.early_stopping",
        ),
    ],
)
def test_an_average_that_cannot_be_is_refused(training, said):
    with pytest.raises(ConfigError, match=f"training.average_last: {said}"):
        run_config_from_mapping({"training": training})
