"""A run's model loaded again: it gives the run's results, or an error if its files
are incomplete.
"""

import json
import shutil

import numpy as np
import pytest
from run_helpers import edit_run_json

from mnistlab.experiment.model import load_model
from mnistlab.store.checkpoint import load_tensors, save_tensors
from mnistlab.store.metrics import read_metrics
from mnistlab.store.predictions import read_predictions
from mnistlab.support.errors import UsageError
from tools.short_runs import StopAt, train

# The best evaluation is not the last: the rate is far too high by then.
UPS_AND_DOWNS = {
    "data": {"train_limit": 300, "normalize": "standardize"},
    "lr_schedule": {"type": "linear", "final": 30.0, "steps": 60},
    "training": {"epochs": 6, "batch_size": 30},
}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return train(tmp_path_factory.mktemp("model"), UPS_AND_DOWNS).run_dir


def copy_of(run_dir, tmp_path):
    return shutil.copytree(run_dir, tmp_path / "copy")


def test_it_measures_what_the_run_measured(run_dir):
    model = load_model(run_dir)
    row = read_metrics(run_dir / "metrics.csv")[-1]
    tested = model.evaluate(model.split("test"))
    validated = model.evaluate(model.split("validation"))
    assert (tested.loss, tested.accuracy) == (row.test_loss, row.test_accuracy)
    assert (validated.loss, validated.accuracy) == (row.val_loss, row.val_accuracy)
    assert model.step == row.step
    predictions = read_predictions(run_dir / "predictions.csv")
    np.testing.assert_array_equal(tested.predicted, predictions.predicted)


def test_the_best_weights_have_the_metrics_of_the_best_row(run_dir):
    rows = read_metrics(run_dir / "metrics.csv")
    best = max(rows, key=lambda row: (row.val_accuracy, -row.val_loss))
    assert best is not rows[-1]
    model = load_model(run_dir, "best")
    assert model.step == best.step
    assert model.evaluate(model.split("validation")).loss == best.val_loss


def test_images_are_scaled_as_in_training_without_the_dataset(run_dir, tmp_path):
    model = load_model(run_dir, data_dir=tmp_path)
    images, _ = model.split("test").gather()
    alone = load_model(run_dir)
    np.testing.assert_array_equal(alone.outputs(images), model.evaluate(model.dataset.test).outputs)
    assert "dataset" not in vars(alone)  # never opened
    assert alone.class_names == list("0123456789")
    assert alone.image_shape == (28, 28)


@pytest.mark.usefixtures("look_after_every_step")
def test_a_stopped_run_has_the_weights_of_its_last_checkpoint(tmp_path):
    run = train(tmp_path, None, StopAt(7)).run_dir
    model = load_model(run)
    assert model.step == 7
    assert model.weights == run / "checkpoints" / "last.safetensors"
    saved, _ = load_tensors(model.weights)
    used = np.concatenate([tensor.ravel() for tensor in model.tensors.values()])
    assert np.isin(used, saved["params"]).all()
    assert np.abs(used).sum() > 0


def test_weights_that_are_not_the_models_are_named_one_by_one(run_dir, tmp_path):
    copy = copy_of(run_dir, tmp_path)
    tensors, _ = load_tensors(copy / "weights.safetensors")
    tensors["dense1.weight"] = tensors["dense1.weight"][:-1]
    tensors["dense9.bias"] = tensors.pop("dense2.bias")
    save_tensors(copy / "weights.safetensors", tensors, {})
    with pytest.raises(UsageError) as error:
        load_model(copy)
    assert [message.split(": ", 1)[1] for message in error.value.messages] == [
        "dense1.weight is float32 (783, 6), the model's is float32 (784, 6)",
        "dense2.bias is missing, the model's is float32 (10,)",
        "dense9.bias is float32 (10,), the model's is missing",
    ]


def test_a_run_without_validation_has_no_best_weights(tmp_path):
    run = train(tmp_path, {"data": {"validation": 0}, "training": {"epochs": 1}}).run_dir
    with pytest.raises(UsageError, match=r"has no best weights: that needs validation images"):
        load_model(run, "best")
    with pytest.raises(UsageError, match=r"has no validation images: data.validation is 0"):
        load_model(run).split("validation")


def test_a_run_without_any_weights_raises_an_error(run_dir, tmp_path):
    copy = copy_of(run_dir, tmp_path)
    for file in [copy / "weights.safetensors", *copy.glob("checkpoints/*")]:
        file.unlink()
    with pytest.raises(UsageError, match=r"has no weights: weights\.safetensors is missing"):
        load_model(copy)
    edit_run_json(copy, status="interrupted")
    with pytest.raises(UsageError, match="has no weights: it was stopped before its first save"):
        load_model(copy)
    with pytest.raises(UsageError, match="has no best weights: it has no final ones either"):
        load_model(copy, "best")


def test_other_data_under_the_same_name_are_refused(run_dir, tmp_path):
    copy = copy_of(run_dir, tmp_path)
    record = json.loads((copy / "run.json").read_text())
    edit_run_json(copy, dataset={**record["dataset"], "sha256": "0" * 64})
    model = load_model(copy)
    with pytest.raises(UsageError, match="the dataset digits has changed since the run"):
        model.split("test")


def test_a_configuration_that_was_changed_since_is_refused(run_dir, tmp_path):
    copy = copy_of(run_dir, tmp_path)
    config = copy / "config.yaml"
    config.write_text(config.read_text().replace("activation: relu", "activation: tanh"))
    with pytest.raises(UsageError, match=r"model.activation: was 'relu', is 'tanh'") as told:
        load_model(copy)
    assert told.value.messages[0] == f"{config}: has changed since the run was started:"


@pytest.mark.parametrize("missing", ["image_shape", "class_names", "scale"])
def test_a_run_json_that_does_not_say_what_is_needed_is_named(run_dir, tmp_path, missing):
    copy = copy_of(run_dir, tmp_path)
    record = json.loads((copy / "run.json").read_text())
    record["dataset"].pop(missing)
    edit_run_json(copy, dataset=record["dataset"])
    with pytest.raises(UsageError, match=rf"run.json: dataset.{missing}: is missing"):
        load_model(copy)
