"""What a run's folder provides for display, and what it reports as missing."""

import json
import shutil

import numpy as np
import pytest
from run_helpers import edit_run_json

from mnistlab.experiment import artefacts as module
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.dataset import load_data
from mnistlab.experiment.runner import new_trainer
from mnistlab.runtime.params import views
from mnistlab.store.predictions import read_predictions
from mnistlab.store.run_dir import open_run
from mnistlab.support.errors import LackingError, UsageError
from mnistlab.training.trainer import Trainer
from tools.short_runs import StopAt, train


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return train(tmp_path_factory.mktemp("artefacts")).run_dir


def opened(path) -> Artefacts:
    return Artefacts(open_run(path))


def test_the_weights_of_the_start_are_drawn_again_from_the_seed(run_dir, tmp_path):
    run = opened(run_dir)
    trainer: Trainer = new_trainer(run.config, load_data(run.config, tmp_path))
    expected = views(trainer.program.tensors, trainer.params)
    assert set(run.initial_tensors) == set(expected) == set(run.model.tensors)
    for name, values in expected.items():
        np.testing.assert_array_equal(run.initial_tensors[name], values)
    assert not np.array_equal(
        run.model.tensors["dense1.weight"], run.initial_tensors["dense1.weight"]
    )


@pytest.mark.parametrize(
    ("sections", "part"),
    [
        ({}, "test"),
        ({"training": {"test": "never"}}, "validation"),
        ({"training": {"test": "never"}, "data": {"validation": 0}}, "train"),
    ],
)
def test_the_test_set_is_shown_only_where_the_run_has_looked_at_it(tmp_path, sections, part):
    run = opened(train(tmp_path, sections).run_dir)
    assert run.part == part
    assert run.split is getattr(run.dataset, part)
    if part == "train":
        with pytest.raises(LackingError, match="neither test nor validation"):
            _ = run.predictions
    else:
        assert len(run.predictions.labels) == len(run.split)


@pytest.mark.usefixtures("look_after_every_step")
def test_a_stopped_run_s_predictions_are_those_of_its_checkpoint(tmp_path):
    stopped = train(tmp_path, {}, StopAt(6))
    assert stopped.status == "interrupted"
    run = opened(stopped.run_dir)
    assert not run.run_dir.predictions.exists()
    said = run.model.evaluate(run.model.split("validation"))
    np.testing.assert_array_equal(run.predictions.predicted, said.predicted)
    np.testing.assert_allclose(run.predictions.probabilities, said.outputs.max(axis=1))
    assert run.model.step == 6


def test_a_damaged_file_is_read_once_and_its_error_raised_again(run_dir, tmp_path, monkeypatch):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    calls = []

    def read(path, written):
        calls.append(path)
        raise UsageError("damaged")

    monkeypatch.setattr(module, "read_metrics", read)
    run = opened(copy)
    for _ in range(3):
        with pytest.raises(UsageError, match="damaged"):
            _ = run.metrics
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("\n3,", "\n4,", 1), "index is 4, expected 3"),
        (lambda text: text.rsplit("\n", 4)[0] + "\n", "357 rows where 360 are expected"),
        (lambda text: text.replace("\n0,", "\n0,1", 1), "label is 1"),
    ],
)
def test_predictions_that_are_not_of_these_images_are_refused(run_dir, tmp_path, change, message):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    edit_run_json(copy, files={})
    path = copy / "predictions.csv"
    path.write_text(change(path.read_text()))
    with pytest.raises(UsageError, match=message) as refused:
        _ = opened(copy).predictions
    assert not isinstance(refused.value, LackingError)


def test_predictions_that_an_ended_run_has_lost_are_missed(run_dir, tmp_path):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    (copy / "predictions.csv").unlink()
    with pytest.raises(UsageError, match=r"predictions\.csv: is missing"):
        _ = opened(copy).predictions


def test_predictions_are_read_as_they_were_written(run_dir):
    expected = read_predictions(run_dir / "predictions.csv")
    np.testing.assert_array_equal(opened(run_dir).predictions.labels, expected.labels)


def test_another_dataset_under_the_same_name_is_refused(run_dir, tmp_path):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    record = json.loads((copy / "run.json").read_text())
    edit_run_json(copy, dataset={**record["dataset"], "sha256": "0" * 64})
    with pytest.raises(UsageError, match="has changed since the run was started"):
        _ = opened(copy).split


def test_a_run_that_was_stopped_before_anything_was_saved_has_no_model(run_dir, tmp_path):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    (copy / "weights.safetensors").unlink()
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(LackingError, match=r"weights\.safetensors is missing"):
        _ = opened(copy).model
    edit_run_json(copy, status="interrupted")
    with pytest.raises(LackingError, match="before its first save"):
        _ = opened(copy).model
