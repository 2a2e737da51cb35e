"""A safetensors file in PyTorch's layout; if PyTorch is installed, its snippet is run."""

import numpy as np
import pytest
from export_helpers import MODELS, PIXELS, random_images, random_model
from safetensors.numpy import load_file

from mnistlab.export.exporter import export_model
from mnistlab.support.errors import UsageError


def test_tensors_have_the_names_and_layout_of_an_nn_sequential(tmp_path):
    model = random_model(tmp_path, MODELS["cnn"])
    ours, theirs = model.tensors, load_file(export_model(model, "safetensors").file)
    assert list(theirs) == [
        f"{number}.{kind}" for number in (0, 5, 7) for kind in ("bias", "weight")
    ]
    for name, number in {"conv1": 0, "dense1": 5, "dense2": 7}.items():
        weight = ours[f"{name}.weight"]
        turned = weight if name == "conv1" else weight.T
        np.testing.assert_array_equal(theirs[f"{number}.weight"], turned)
        np.testing.assert_array_equal(theirs[f"{number}.bias"], ours[f"{name}.bias"])


def test_the_snippet_prints_the_network(tmp_path):
    snippet = export_model(random_model(tmp_path, MODELS["cnn"]), "safetensors").snippet
    assert (
        """
network = nn.Sequential(
    nn.Conv2d(1, 3, 3),
    nn.ReLU(),
    nn.MaxPool2d(2, stride=2),
    nn.Dropout(0.4),
    nn.Flatten(),
    nn.Linear(36, 6),
    nn.Tanh(),
    nn.Linear(6, 4),
)
"""
        in snippet
    )
    compile(snippet, "snippet", "exec")


@pytest.mark.parametrize("kind", MODELS)
def test_the_snippet_gives_the_same_outputs_in_pytorch(tmp_path, kind):
    assert_snippet_agrees(random_model(tmp_path, MODELS[kind]), 2e-5)


@pytest.mark.parametrize("normalize", PIXELS)
def test_the_snippet_normalises_as_the_run_did(tmp_path, normalize):
    assert_snippet_agrees(random_model(tmp_path, MODELS["mlp"], normalize=normalize), 2e-5)


def test_a_float64_run_is_float64_in_pytorch(tmp_path):
    model = random_model(tmp_path, MODELS["bias_per_position"], dtype="float64")
    assert_snippet_agrees(model, 1e-13)


def assert_snippet_agrees(model, tolerance):
    torch = pytest.importorskip("torch")
    names: dict = {}
    exec(export_model(model, "safetensors").snippet, names)
    images = random_images(17)
    with torch.no_grad():
        said = names["predict"](torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(said, model.outputs(images), rtol=tolerance, atol=tolerance)


def test_an_npz_has_the_runs_own_names_and_how_pixels_are_scaled(tmp_path):
    model = random_model(tmp_path, {"type": "softmax"}, normalize="standardize")
    images = random_images(5)
    with np.load(export_model(model, "npz").file, allow_pickle=False) as file:
        x = images.reshape(5, -1) * file["pixel_scale"] + file["pixel_offset"]
        logits = x @ file["dense1.weight"] + file["dense1.bias"]
        assert file["class_names"].tolist() == list("abcd")
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, model.outputs(images), rtol=1e-4, atol=1e-6)


def test_a_file_of_a_run_is_never_replaced_but_an_export_is(tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    own = [run / "config.yaml", run / "weights.safetensors", run / "checkpoints/best.safetensors"]
    for file in own:
        file.write_text("its own")
    model = random_model(run, MODELS["softmax"])
    for file in own:
        with pytest.raises(UsageError, match="is a file of a run, and is not overwritten"):
            export_model(model, "safetensors", file)
        assert file.read_text() == "its own"
    first = export_model(model, "safetensors").file
    assert export_model(model, "safetensors", first).file == first
    elsewhere = tmp_path / "elsewhere.safetensors"
    elsewhere.write_text("the user's own")
    with pytest.raises(UsageError, match=r"elsewhere\.safetensors: exists and was not written"):
        export_model(model, "safetensors", elsewhere)
    assert elsewhere.read_text() == "the user's own"
    assert export_model(model, "safetensors", elsewhere, force=True).file == elsewhere
    assert elsewhere.read_bytes() == first.read_bytes()
    for file in own:
        with pytest.raises(UsageError, match="is a file of a run"):
            export_model(model, "safetensors", file, force=True)


def test_an_unwritable_path_is_named(tmp_path):
    model = random_model(tmp_path, MODELS["softmax"])
    with pytest.raises(
        UsageError, match=r"is a folder; name the file to write, such as model\.npz"
    ):
        export_model(model, "npz", tmp_path)
    with pytest.raises(UsageError, match=r"none/a\.npz: cannot be written: No such file"):
        export_model(model, "npz", tmp_path / "none" / "a.npz")
