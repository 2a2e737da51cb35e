import json
import re
import shutil

import numpy as np
import pytest
from browse_helpers import held
from matplotlib.figure import Figure
from safetensors.numpy import load_file

import mnistlab
from mnistlab.support.errors import LackingError


def test_metrics_are_a_table_with_nan_where_nothing_was_measured(trained):
    table = trained.metrics
    assert table["epoch"].tolist() == [1, 2, 3]
    assert table["test_accuracy"].isna().tolist() == [True, True, False]
    assert table["epoch"].dtype == np.int64
    assert set(table.drop(columns=["epoch", "step"]).dtypes) == {np.dtype(np.float64)}
    final = trained.final_metrics
    assert table["val_accuracy"].iloc[-1] == final["val_accuracy"]


def test_layers_and_predictions_are_tables(trained):
    assert trained.layers["layer"].tolist()[:2] == ["dense1", "dense2"]
    predictions = trained.predictions
    assert len(predictions) == 360
    accuracy = (predictions["label"] == predictions["predicted"]).mean()
    assert accuracy == pytest.approx(trained.final_metrics["test_accuracy"], abs=1e-12)


def test_weights_are_those_of_the_files_and_a_copy(trained):
    final = load_file(trained.path / "weights.safetensors")
    assert trained.weights.keys() == final.keys()
    trained.weights["dense1.weight"][:] = 0
    assert all(np.array_equal(trained.weights[name], final[name]) for name in final)
    best = load_file(trained.path / "checkpoints" / "best.safetensors")
    assert all(np.array_equal(trained.best_weights[name], best[name]) for name in best)


def test_it_predicts_what_it_predicted_of_the_test_images_however_they_are_shaped(trained, digits):
    images, told = digits.test_images, trained.predictions
    probabilities = trained.predict_proba(images)
    assert probabilities.shape == (360, 10)
    assert np.allclose(probabilities.max(axis=1), told["probability"])
    for given in (images, images.reshape(360, -1), images.astype(np.float64), images.tolist()):
        assert np.array_equal(trained.predict(given), told["predicted"])
    assert trained.predict(images[7]).tolist() == [told["predicted"][7]]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 27, 28), np.uint8), "for images of 28 × 28 pixels"),
        (np.zeros(784), "for images of 28 × 28 pixels"),
        (np.zeros((0, 28, 28), np.uint8), "found no image"),
        (np.full((1, 28, 28), 256), "pixels of 256 to 256: expected 0 to 255"),
        (np.full((1, 28, 28), -1.0), "expected 0 to 255"),
        (np.full((1, 28, 28), np.nan), "expected 0 to 255"),
        (np.full((1, 28, 28), 0.5), "multiply by 255"),
        (np.eye(28, dtype=bool), "multiply by 255"),
        (np.zeros((1, 28, 28), bool), "multiply by 255"),
        (np.eye(28, dtype=np.uint8), "pixels of 0 to 1: multiply by 255"),
        (np.eye(28, dtype=np.int64), "pixels of 0 to 1: multiply by 255"),
    ],
)
def test_what_are_no_images_of_0_to_255_is_refused(trained, images, message):
    with pytest.raises(ValueError, match=message):
        trained.predict(images)


def test_black_images_and_those_of_a_pixel_above_one_are_predicted(trained):
    dark = np.eye(28, dtype=np.uint8)
    dark[0, 0] = 2
    assert trained.predict(np.stack([dark, np.zeros_like(dark)])).shape == (2,)


def test_it_evaluates_on_a_part_with_either_weights(trained):
    scores = trained.evaluate()
    assert scores.accuracy == pytest.approx(trained.final_metrics["test_accuracy"])
    best = trained.evaluate("validation", weights="best")
    assert best.accuracy == pytest.approx(trained.metrics["val_accuracy"].max())
    assert "Model(" not in repr(best)
    for wrong in ({"split": "tst"}, {"weights": "bset"}):
        with pytest.raises(ValueError, match="must be "):
            trained.evaluate(**wrong)
    assert best.confusion.sum() == best.images == trained.record["dataset"]["images"]["validation"]


def test_figures_are_drawn_when_asked(trained):
    assert "confusion_matrix" in trained.figure_names
    assert isinstance(trained.figure("learning_curves"), Figure)
    with pytest.raises(mnistlab.UsageError, match="did you mean weights"):
        trained.figure("weight")
    with pytest.raises(LackingError, match="feature_maps"):
        trained.figure("feature_maps")  # it has no convolution
    saved = trained.visualize(["weights"], format="svg")
    assert saved == {"weights": trained.path / "plots" / "weights.svg"}
    assert saved["weights"].exists()
    assert list(trained.visualize("weights")) == ["weights"]
    with pytest.raises(ValueError, match="format: found 'gif', must be one of png, svg, pdf"):
        trained.visualize(["weights"], format="gif")


def test_a_run_is_usable_as_its_path(trained):
    again = mnistlab.load_run(trained)
    assert again.path == trained.path
    assert repr(again).startswith(f"<Run {trained.path}: finished, train_accuracy 0.")


def test_picture_files_are_predicted_and_other_files_are_named(trained, tmp_path):
    (tmp_path / "no.png").write_text("no")
    answers = trained.predict_files(tmp_path / "no.png")
    assert answers.predictions == []
    assert [one.image.name for one in answers.unread] == ["no.png"]


def test_a_path_without_a_run_is_described(trained, tmp_path):
    with pytest.raises(mnistlab.UsageError, match="is a folder of runs"):
        mnistlab.load_run(trained.path.parent)
    with pytest.raises(mnistlab.UsageError, match="is one run, not a sweep"):
        mnistlab.load_sweep(trained)
    with pytest.raises(mnistlab.UsageError, match="no such"):
        mnistlab.load_sweep(tmp_path / "nothing")


def test_a_run_that_has_only_begun_can_be_looked_at(trained, tmp_path):
    (tmp_path / "config.yaml").write_text((trained.path / "config.yaml").read_text())
    run = mnistlab.load_run(tmp_path)
    with held(tmp_path):
        assert run.status == "running"
    assert (run.status, run.record, run.final_metrics) == ("interrupted", {}, {})
    with pytest.raises(mnistlab.UsageError, match=r"no predictions\.csv; the run is interrupted"):
        run.predictions  # noqa: B018


def test_a_damaged_file_is_named(trained, tmp_path):
    (tmp_path / "config.yaml").write_text((trained.path / "config.yaml").read_text())
    (tmp_path / "run.json").write_text(json.dumps({"status": "finished"})[:-3])
    with pytest.raises(mnistlab.UsageError, match=r"run\.json:1:"):
        mnistlab.load_run(tmp_path).status  # noqa: B018


@pytest.mark.parametrize("name", ["metrics", "layers", "predictions"])
def test_a_table_with_another_digit_in_it_is_refused(trained, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(trained.path, copy)
    path = copy / f"{name}.csv"
    path.write_text(re.sub(r"\d(?=\D*$)", lambda last: str(9 - int(last[0])), path.read_text()))
    with pytest.raises(mnistlab.UsageError, match=rf"{name}\.csv: is damaged"):
        getattr(mnistlab.load_run(copy), name)


def test_a_dataset_is_arrays(digits):
    assert digits.train_images.shape == (1437, 28, 28)
    assert digits.test_labels.dtype == np.uint8
    with pytest.raises(mnistlab.UsageError, match="choose from"):
        mnistlab.load_dataset("digit")
