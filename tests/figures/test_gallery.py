"""Every figure of real runs: what is drawn, what is left out and why, and the numbers."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from figure_helpers import faults, shown_texts

from mnistlab.config import run_config_from_mapping
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.run_options import RunOptions
from mnistlab.figures import style
from mnistlab.figures.gallery import (
    QUICK,
    Drawn,
    LeftOut,
    run_figures,
    save_each,
)
from mnistlab.figures.run import RUN_FIGURES
from mnistlab.python.commands.train import train as train_command
from mnistlab.store.checkpoint import save_tensors
from mnistlab.store.predictions import read_predictions
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.run_json import read_run_json, write_run_json
from mnistlab.support.errors import DataError, UsageError
from mnistlab.support.tensor_file import load_tensors

MLP = {
    "data": {"source": "digits", "train_limit": 300, "validation": 0.1},
    "model": {"type": "mlp", "hidden": [16], "activation": "tanh"},
    "optimizer": {"lr": 0.3},
    "training": {"epochs": 3},
}
CNN = {
    **MLP,
    "model": {
        "type": "cnn",
        "layers": [
            {"conv": {"filters": 3, "kernel": 5, "stride": 3, "bias": "per_position"}},
            {"activation": "relu"},
            "flatten",
            {"dense": {"units": 12}},
            {"activation": "relu"},
        ],
    },
}
NAMES = list(RUN_FIGURES)
pytestmark = pytest.mark.usefixtures("few_images_in_tsne")


def train(folder, mapping):
    config = run_config_from_mapping(mapping)
    result = train_command(
        config, folder / "runs", RunOptions(data_dir=folder / "data"), plots=False
    )
    return result.run_dir


@pytest.fixture(scope="module")
def mlp(tmp_path_factory):
    return train(tmp_path_factory.mktemp("mlp"), MLP)


def opened(path, **options) -> Artefacts:
    return Artefacts(open_run(path), **options)


def gallery(path, only=None) -> dict[str, Drawn | LeftOut]:
    return {found.name: found for found in run_figures(opened(path), only)}


def left_out(found) -> dict[str, str]:
    return {name: one.why for name, one in found.items() if isinstance(one, LeftOut)}


def pictures(found: Drawn) -> list[np.ndarray]:
    """Every image of a sheet, in the order in which it was drawn."""
    return [np.asarray(image.get_array()) for image in found.figure.axes[0].get_images()]


def copy_of(run_dir, tmp_path):
    return shutil.copytree(run_dir, tmp_path / "copy")


NOT_AUGMENTED = {"augmented": "its training images are not augmented"}
RUNS = {
    "cnn": (CNN, {}),
    "softmax": (
        {**MLP, "model": {"type": "softmax"}},
        dict.fromkeys(["output_weights", "tsne"], "it has no hidden layer")
        | {"feature_maps": "it has no convolution"},
    ),
    "two classes": (
        {**MLP, "data": {"source": "digits", "classes": [1, 9]}},
        {"feature_maps": "it has no convolution"},
    ),
    "not validated": (
        {
            **MLP,
            "data": {"source": "digits", "train_limit": 300, "validation": 0},
            "training": {"epochs": 1, "test": "never"},
        },
        dict.fromkeys(
            ["confusion_matrix", "confused_pairs", "mistakes", "samples", "calibration"],
            "the run evaluated neither test nor validation images",
        )
        | {"feature_maps": "it has no convolution"},
    ),
    "augmented": (
        {**MLP, "data": {**MLP["data"], "augment": [{"shift": 1}, {"elastic": {}}]}},
        {"feature_maps": "it has no convolution"},
    ),
    "diverged": (
        {**MLP, "model": {"type": "mlp", "hidden": [16]}, "optimizer": {"lr": 1e30}},
        dict.fromkeys(
            [n for n, figure in RUN_FIGURES.items() if figure.of_network],
            "the run diverged in its first epoch, before it had trained a network",
        )
        | dict.fromkeys(["learning_curves", "layer_statistics"], "no epoch was finished"),
    ),
    "no probabilities": (
        {
            **MLP,
            "model": {"type": "mlp", "hidden": [16], "output_activation": "identity"},
            "loss": {"type": "mse"},
            "optimizer": {"lr": 0.01},
        },
        {
            "calibration": "its outputs (identity) are not probabilities",
            "feature_maps": "it has no convolution",
        },
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_all_that_a_run_has_is_drawn_legibly_and_the_rest_left_out_with_a_word(tmp_path, name):
    mapping, expected = RUNS[name]
    found = gallery(train(tmp_path, mapping))
    assert list(found) == NAMES
    missing = left_out(found)
    if name != "diverged":
        assert missing.pop("last_steps") == "the run did not diverge"
    assert missing == expected | ({} if name == "augmented" else NOT_AUGMENTED)
    assert all(one.error is None for one in found.values() if isinstance(one, LeftOut))
    for one in found.values():
        if isinstance(one, Drawn):
            assert faults(one.figure) == [], one.name
            assert len(shown_texts(one.figure)) >= 5, one.name
            assert one.title
            assert one.how_to_read.endswith((".", "?"))


def with_cells(path: Path, figures: list[str], kept: set[str]) -> None:
    """Write values in turn into all rows of a table except its columns `kept`."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    names = head.split(",")
    rows = [
        ",".join(
            cell if name in kept else figures[number % len(figures)]
            for name, cell in zip(names, line.split(","), strict=True)
        )
        for number, line in enumerate(lines)
    ]
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


@pytest.mark.parametrize("figures", [["1e308"], ["-1e308", "1e308"], ["5e-324", "1e308"], ["-inf"]])
def test_tables_of_numbers_that_no_scale_holds_are_drawn_as_far_as_can_be(mlp, tmp_path, figures):
    folder = copy_of(mlp, tmp_path)
    write_run_json(RunDir(folder), {**read_run_json(RunDir(folder)), "files": {}})
    with_cells(folder / "metrics.csv", figures, {"epoch", "step"})
    with_cells(folder / "layers.csv", figures, {"epoch", "layer"})
    with_cells(folder / "predictions.csv", figures, {"index", "label", "predicted"})
    names = ["learning_curves", "mistakes", "samples", "calibration", "layer_statistics"]
    found = gallery(folder, [*names, "layer_sheet"])
    for one in found.values():
        assert isinstance(one, Drawn) or one.error is None
        if isinstance(one, Drawn):
            assert style.rendered(one.figure, "png")


@pytest.mark.parametrize("weight", [3e38, math.nan, math.inf])
def test_weights_that_are_no_numbers_leave_out_the_figures_of_their_range(mlp, tmp_path, weight):
    folder = copy_of(mlp, tmp_path)
    tensors, metadata = load_tensors(folder / "weights.safetensors")
    tensors["dense1.weight"][::2] = weight
    save_tensors(folder / "weights.safetensors", tensors, metadata)
    with np.errstate(all="ignore"):
        found = gallery(folder, ["layer_sheet", "weight_distributions"])
    told = "has weights or activations that are not finite"
    for name in ("layer_sheet", "weight_distributions"):
        assert math.isfinite(weight) != (told in left_out(found).get(name, ""))


def test_mistakes_are_the_most_confident_ones_of_predictions_csv(mlp):
    found = read_predictions(mlp / "predictions.csv")
    wrong = np.flatnonzero(found.labels != found.predicted)
    order = wrong[np.argsort(-found.probabilities[wrong], kind="stable")][:30]
    images = opened(mlp).dataset.test.images
    drawn = gallery(mlp, ["mistakes"])["mistakes"]
    np.testing.assert_array_equal(pictures(drawn), images[order])
    words = [text.get_text() for text in shown_texts(drawn.figure)]
    first = order[0]
    assert words[3] == f"{found.labels[first]}, predicted {found.predicted[first]}"


def test_the_matrix_counts_predictions_csv_and_states_the_run_s_accuracy(mlp):
    found = read_predictions(mlp / "predictions.csv")
    figure = gallery(mlp, ["confusion_matrix"])["confusion_matrix"].figure
    counts = np.zeros((10, 10), int)
    for text in figure.axes[1].texts:
        column, row = map(int, text.get_position())
        counts[row, column] = int(text.get_text().split("\n")[0].replace(",", ""))
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (found.labels, found.predicted), 1)
    np.testing.assert_array_equal(counts, expected)
    accuracy = (found.labels == found.predicted).mean()
    assert any(f"accuracy {accuracy:.2%}"[:-1] in t.get_text() for t in shown_texts(figure))


@pytest.mark.parametrize(
    ("model", "tolerance"), [({"type": "softmax"}, 1e-7), (MLP["model"], 2e-3)]
)
def test_saliency_is_what_finite_differences_of_the_outputs_give(tmp_path, model, tolerance):
    """Compared with the other classes: log p minus its mean over classes; a step is one byte of a
    pixel.
    """
    training = {"epochs": 3, "dtype": "float64"}
    run_dir = train(tmp_path, {**MLP, "model": model, "training": training})
    run = opened(run_dir)
    shown = pictures(gallery(run_dir, ["saliency"])["saliency"])
    assert len(shown) == 30
    image, for_read, for_second = shown[12:15]  # of the fifth image
    pixels = [(5, 9), (12, 14), (14, 10), (20, 15)]

    def scores(at: tuple[int, int], step: int) -> np.ndarray:
        moved = image.astype(int)
        moved[at] = np.clip(moved[at], 1, 254) + step
        log = np.log(run.model.outputs(moved[None].astype(np.uint8))[0])
        return log - log.mean()

    said = run.model.outputs(image[None])[0]
    best, second = np.argsort(-said)[:2]
    expected = np.array([(scores(at, 1) - scores(at, -1)) / 2 for at in pixels])
    size = np.abs(for_read).max()
    for values, k in ((for_read, best), (for_second, second)):
        drawn = [values[at] for at in pixels]
        np.testing.assert_allclose(drawn, expected[:, k], atol=tolerance * size)
    assert np.abs(expected[:, best]).max() > 0.05 * size


def test_the_weights_of_two_classes_are_those_of_the_two_that_were_kept(tmp_path):
    data = {"source": "digits", "classes": [9, 1]}
    run_dir = train(tmp_path, {**MLP, "data": data, "model": {"type": "softmax"}})
    drawn = pictures(gallery(run_dir, ["weights"])["weights"])
    weight = opened(run_dir).model.tensors["dense1.weight"]
    np.testing.assert_array_equal(drawn, weight.T.reshape(-1, 28, 28)[[1, 9]])


def test_damage_is_named_the_rest_drawn_and_the_exit_code_is_not_0(mlp, tmp_path):
    copy = copy_of(mlp, tmp_path)
    weights = copy / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    saved = save_each(run_figures(opened(copy)), copy)
    assert set(saved.figures) == {
        *("learning_curves", "confusion_matrix", "confused_pairs", "mistakes"),
        *("samples", "calibration", "layer_statistics"),
    }
    assert all(path.stat().st_size > 5000 for path in saved.figures.values())
    (damage,) = saved.damaged
    assert str(weights) in damage
    assert saved.exit_code == 2


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("metrics.csv", {"learning_curves", "layer_statistics", "layer_sheet"}),
        ("layers.csv", {"layer_statistics", "layer_sheet"}),
        (
            "run.json",
            set(NAMES) - {"learning_curves", "layer_statistics", "last_steps", "augmented"},
        ),
    ],
)
def test_only_what_needs_a_damaged_file_is_left_out(mlp, tmp_path, name, lost):
    copy = copy_of(mlp, tmp_path)
    text = (copy / name).read_text()
    (copy / name).write_text(text[: len(text) // 2].rsplit(",", 2)[0] + "\n")
    found = gallery(copy)
    damaged = {n for n, one in found.items() if isinstance(one, LeftOut) and one.error is not None}
    assert damaged == lost
    assert all(str(copy / name) in found[n].why for n in lost)


def test_without_the_dataset_what_needs_no_image_is_drawn(mlp, tmp_path, monkeypatch):
    def missing(*_arguments):
        raise DataError("the dataset is missing")

    monkeypatch.setattr("mnistlab.experiment.artefacts.load_data", missing)
    saved = save_each(run_figures(opened(mlp), ["calibration", "weights", "mistakes", "tsne"]), mlp)
    assert set(saved.figures) == {"calibration", "weights"}
    assert saved.exit_code == 4
    assert [one.name for one in saved.damaged["the dataset is missing"]] == ["mistakes", "tsne"]


def test_only_named_figures_are_drawn_and_an_unknown_name_is_answered_with_the_nearest(mlp):
    assert list(gallery(mlp, QUICK)) == [name for name in NAMES if name in QUICK]
    assert not gallery(mlp, ["last_steps"])["last_steps"].applies
    with pytest.raises(UsageError, match="did you mean calibration"):
        gallery(mlp, ["callibration"])
