"""Soft targets of another run, against PyTorch; the same bits when resumed and in any order."""

import numpy as np
import pytest

from mnistlab.config import dump_yaml, load_run_config, run_config_from_mapping
from mnistlab.experiment.dataset import load_data
from mnistlab.experiment.model import load_model
from mnistlab.experiment.run_options import RunOptions
from mnistlab.experiment.runner import new_trainer
from mnistlab.python.commands.check import check
from mnistlab.python.commands.train import train as train_command
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.training.group import joint_key
from tools.short_runs import SHORT, StopAt, fingerprint, resume, train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("teacher")


@pytest.fixture(scope="module")
def teacher(folder):
    sections = {"data": {"train_limit": 300}, "training": {"epochs": 20}}
    return train(folder, {**sections, "optimizer": {"lr": 0.05}}).run_dir


def student(teacher, **keys):
    loss = {"type": "cross_entropy", "teacher": {"run": str(teacher), **keys}}
    return {"loss": loss, "seed": 5}


def trainer_of(folder, sections, **training):
    mapping = {**SHORT, **sections, "training": {**SHORT["training"], **training}}
    config = run_config_from_mapping(mapping)
    return new_trainer(config, load_data(config, folder / "data"))


@pytest.mark.parametrize("shuffle", ["epoch", "none", "replacement"])
@pytest.mark.parametrize(("temperature", "weight"), [(20.0, 0.7), (2.5, 1.0), (1.0, 0.3)])
def test_steps_are_those_of_pytorch(folder, teacher, shuffle, temperature, weight):
    torch = pytest.importorskip("torch")
    sections = student(teacher, temperature=temperature, weight=weight)
    trainer = trainer_of(folder, sections, shuffle=shuffle, dtype="float64", batch_size=9)
    trainer.compile()
    model, split = load_model(teacher), trainer.dataset.train
    names = ("dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias")
    parts = trainer.inference.tensors
    torch_tensors = [torch.tensor(parts[name].copy(), requires_grad=True) for name in names]
    W1, b1, W2, b2 = torch_tensors
    scale, offset = trainer.dataset.scale, trainer.dataset.offset
    order, losses = trainer.order(0), []
    for start in range(0, trainer.length.images, 9):
        batch = order[start : start + 9]
        images = np.asarray(split.images[batch])
        x = torch.tensor(images.reshape(len(batch), -1) * scale + offset)
        labels = torch.tensor(split.labels[batch].astype(np.int64))
        z = torch.relu(x @ W1 + b1) @ W2 + b2
        p = torch.softmax(torch.tensor(model.logits(images)).double() / temperature, 1)
        log_q = torch.log_softmax(z / temperature, 1)
        soft = torch.nn.functional.kl_div(log_q, p, reduction="batchmean") * temperature**2
        loss = weight * soft + (1 - weight) * torch.nn.functional.cross_entropy(z, labels)
        losses += [loss.item()] * len(batch)
        gradients = torch.autograd.grad(loss, torch_tensors)
        with torch.no_grad():
            for tensor, gradient in zip(torch_tensors, gradients, strict=True):
                tensor -= 0.1 * gradient
    trainer.train_to(trainer.length.steps_per_epoch)
    for name, tensor in zip(names, torch_tensors, strict=True):
        np.testing.assert_allclose(parts[name], tensor.detach().numpy(), rtol=1e-9, atol=1e-12)
    assert trainer.running()[0] == pytest.approx(np.mean(losses), rel=1e-9)


@pytest.mark.usefixtures("look_after_every_step")
def test_a_stopped_run_has_the_same_bits(folder, teacher, tmp_path):
    wanted = fingerprint(train(tmp_path / "whole", student(teacher)).run_dir)
    for step in (3, 7, 14):
        stopped = train(tmp_path / str(step), student(teacher), StopAt(step)).run_dir
        resume(stopped)
        assert fingerprint(stopped) == wanted


def test_its_gradients_pass_the_check(folder, teacher):
    config = run_config_from_mapping({**SHORT, **student(teacher)})
    assert check(config, data_dir=folder / "data").passed


def test_it_trains_alone(folder, teacher, monkeypatch):
    for module in ("group", "trainer"):  # as images that are mostly zero
        monkeypatch.setattr(f"mnistlab.training.{module}.nonzero_share", lambda *_: 0.1)
    model = {"model": {"type": "mlp", "hidden": [32]}}
    config = run_config_from_mapping({**SHORT, **student(teacher), **model})
    assert joint_key(config, load_data(config, folder / "data")) is None
    plain = run_config_from_mapping({**SHORT, **model})
    assert joint_key(plain, load_data(plain, folder / "data")) is not None


def test_a_teacher_without_weight_changes_nothing(folder, teacher, tmp_path):
    taught = train(tmp_path, student(teacher, weight=0.0)).run_dir
    plain = train(tmp_path, {"seed": 5}).run_dir
    for name in ("weights.safetensors", "predictions.csv", "layers.csv"):
        assert (taught / name).read_bytes() == (plain / name).read_bytes()


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"data": {"deskew": True}}, "its preparation of images is"),
        ({"loss": {"type": "mse"}, "model": {"output_activation": "sigmoid"}}, "a teacher needs"),
    ],
)
def test_a_teacher_of_other_images_or_outputs_is_refused(folder, tmp_path, sections, said):
    other = train(folder, {**sections, "training": {"epochs": 1}}).run_dir
    with pytest.raises(UsageError, match=said) as caught:
        train(tmp_path, student(other))
    assert "loss.teacher.run: " in str(caught.value)
    with pytest.raises(UsageError, match="no such run folder"):
        train(tmp_path, student(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("keys", "data", "said"),
    [
        ({"run": "/nowhere"}, {}, "no such run folder"),
        ({"weights": "epoch-7"}, {}, "has no epoch-7 weights"),
        ({}, {"resize": [12, 12]}, "cannot teach this run: its image size is"),
    ],
)
def test_a_wrong_teacher_is_named_with_its_position_also_by_check(
    folder, teacher, tmp_path, keys, data, said
):
    sections = {**student(teacher, **keys), "data": {**SHORT["data"], **data}}
    file = tmp_path / "student.yaml"
    file.write_text(dump_yaml(run_config_from_mapping({**SHORT, **sections})))
    lines = file.read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.strip().startswith("run:"))
    options = RunOptions(data_dir=folder / "data")
    for command in (
        lambda config: check(config, data_dir=folder / "data"),
        lambda config: train_command(config, tmp_path / "runs", options, plots=False),
    ):
        with pytest.raises(ConfigError, match=said) as caught:
            command(load_run_config(file))
        assert str(caught.value).startswith(f"{file}:{line}:10: loss.teacher.run: ")
    assert not (tmp_path / "runs").exists()
