"""`training.average_last`: the final weights are the mean of the weights after the last epochs."""

import numpy as np
import pytest

from mnistlab.config import run_config_from_mapping
from mnistlab.data import open_source
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


NORMALISED = {
    **AVERAGE,
    "model": {"type": "mlp", "hidden": [6], "batch_norm": True, "dropout": 0.2},
    "data": {"augment": [{"affine": {"rotate": 15, "shift": 2}}]},
}


@pytest.mark.parametrize("batch_size", [9, 40])
def test_running_statistics_are_those_that_pytorch_measures_with_the_mean(tmp_path, batch_size):
    """In the order of the images, so that both have the same batches."""
    torch = pytest.importorskip("torch")
    keys = {"shuffle": "none", "dtype": "float64", "batch_size": batch_size}
    model = {"type": "mlp", "hidden": [6], "batch_norm": True}
    sections = {**AVERAGE, "model": model, "training": {**AVERAGE["training"], **keys}}
    run_dir = train(tmp_path, sections).run_dir
    kept = {name: torch.tensor(one) for name, one in tensors(run_dir, "weights").items()}
    network = torch.nn.Sequential(
        torch.nn.Linear(784, 6), torch.nn.BatchNorm1d(6), torch.nn.ReLU(), torch.nn.Linear(6, 10)
    ).double()
    with torch.no_grad():
        for number, layer in ((1, network[0]), (2, network[3])):
            layer.weight.copy_(kept[f"dense{number}.weight"].T)
            layer.bias.copy_(kept[f"dense{number}.bias"])
    images = open_source("digits", data_dir=tmp_path).train_images[:43].reshape(43, -1) / 255
    batches = torch.split(torch.from_numpy(images), batch_size)
    torch.optim.swa_utils.update_bn(batches, network)
    for name, found in (("mean", network[1].running_mean), ("variance", network[1].running_var)):
        mine = kept[f"batch_norm1.running_{name}"]
        torch.testing.assert_close(mine, found, rtol=1e-10, atol=1e-12)
    last = load_tensors(run_dir / "checkpoints/epoch-6.safetensors")[0]
    assert not np.allclose(last["batch_norm1.running_mean"], kept["batch_norm1.running_mean"])


def test_the_evaluated_network_is_the_one_that_is_kept(tmp_path):
    run_dir = train(tmp_path, NORMALISED).run_dir
    final = read_run_record(RunDir(run_dir)).metrics
    scores = evaluate(run_dir, split="test", data_dir=tmp_path / "data")
    assert final["test_loss"] == pytest.approx(scores.loss, rel=1e-6)


@pytest.mark.usefixtures("look_after_every_step")
@pytest.mark.parametrize("sections", [AVERAGE, NORMALISED], ids=["plain", "normalised"])
def test_a_stopped_run_has_the_same_mean(tmp_path, sections):
    wanted = fingerprint(train(tmp_path / "whole", sections).run_dir)
    for step in (14, 15, 16, 22, 29):
        stopped = train(tmp_path / str(step), sections, StopAt(step)).run_dir
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
