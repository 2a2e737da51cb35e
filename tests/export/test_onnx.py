"""An ONNX model gives the outputs of the run's network, whatever its layers."""

import importlib.util
import json

import numpy as np
import onnx
import onnxruntime
import pytest
from export_helpers import IMAGE_SHAPE, MODELS, PIXELS, random_images, random_model

from mnistlab.export.exporter import export_model
from mnistlab.export.formats.onnx.check import check_onnx
from mnistlab.export.formats.onnx.graph import onnx_model
from mnistlab.support.errors import MnistlabError, UsageError


def ask(file, images):
    """Probabilities and logits of a file's model."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.run(["probabilities", "logits"], {"image": images})


def assert_says_the_same(model, file, images):
    said, _ = ask(file, images)
    ours = model.outputs(images.astype(np.uint8))
    assert said.shape == ours.shape
    np.testing.assert_allclose(said, ours, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_network_has_the_same_outputs_in_onnxruntime(tmp_path, kind):
    model = random_model(tmp_path, MODELS[kind])
    exported = export_model(model, "onnx")
    assert exported.file == tmp_path / "model.onnx"
    assert_says_the_same(model, exported.file, random_images(37))


@pytest.mark.parametrize("normalize", PIXELS)
@pytest.mark.parametrize("pixels", ["uint8", "float32"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_raw_pixels_go_in_however_they_are_normalised(tmp_path, normalize, pixels, dtype):
    model = random_model(tmp_path, MODELS["cnn"], normalize=normalize, dtype=dtype)
    exported = export_model(model, "onnx", pixels=pixels)
    assert_says_the_same(model, exported.file, random_images(9).astype(pixels))


@pytest.mark.parametrize("count", [1, 2, 600])
def test_any_number_of_images_goes_in_at_once(tmp_path, count):
    model = random_model(tmp_path, MODELS["bias_per_position"])
    assert_says_the_same(model, export_model(model, "onnx").file, random_images(count))


def test_the_file_names_inputs_and_outputs(tmp_path):
    exported = export_model(random_model(tmp_path, MODELS["mlp"]), "onnx")
    session = onnxruntime.InferenceSession(exported.file, providers=["CPUExecutionProvider"])
    (image,), (probabilities, logits) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["N", *IMAGE_SHAPE])
    assert (probabilities.name, probabilities.shape) == ("probabilities", ["N", 4])
    assert (logits.name, logits.shape) == ("logits", ["N", 4])
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["class_names"]) == list("abcd")
    (opset,) = onnx.load(exported.file).opset_import
    assert opset.version == exported.facts["opset"] == 17


def test_logits_are_what_the_output_activation_takes(tmp_path):
    model = random_model(tmp_path, {"type": "mlp", "hidden": [30], "output_activation": "sigmoid"})
    probabilities, logits = ask(export_model(model, "onnx").file, random_images(5))
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), rtol=1e-5)
    assert logits.min() < 0 < logits.max()


@pytest.mark.parametrize("kind", ["softmax", "cnn", "output_leaky_relu", "output_identity"])
def test_a_model_with_other_outputs_is_refused_and_not_written(tmp_path, kind, monkeypatch):
    model = random_model(tmp_path, MODELS[kind])
    content = onnx_model(model, "uint8").SerializeToString()
    check_onnx(content, model, "uint8")
    model.tensors[next(iter(model.tensors))].flat[:9] += 0.01
    with pytest.raises(MnistlabError, match=r"of 1,000 made-up images.* differ, by up to"):
        check_onnx(content, model, "uint8")
    wrong = onnx.load_from_string(content)
    monkeypatch.setattr("mnistlab.export.formats.onnx.graph.onnx_model", lambda *_: wrong)
    with pytest.raises(MnistlabError, match="nothing was written"):
        export_model(model, "onnx")
    assert not (tmp_path / "model.onnx").exists()


STEEP = {"type": "sigmoid", "k": 1e4}
ILL_CONDITIONED = {
    "steep output": {"type": "softmax", "output_activation": STEEP},
    "steeper output": {"type": "softmax", "output_activation": {"type": "sigmoid", "k": 1e6}},
    "steep hidden layer": {"type": "mlp", "hidden": [12], "activation": STEEP},
    "both": {"type": "mlp", "hidden": [12], "activation": STEEP, "output_activation": STEEP},
    "sums that cancel": {"type": "mlp", "hidden": [30, 30], "output_activation": "identity"},
}


@pytest.mark.parametrize("normalize", PIXELS)
@pytest.mark.parametrize("spread", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("network", ILL_CONDITIONED.values(), ids=ILL_CONDITIONED)
def test_a_network_that_enlarges_rounding_is_no_fault(tmp_path, network, spread, normalize):
    model = random_model(tmp_path, network, normalize=normalize)
    stream = np.random.default_rng(3)
    for tensor in model.tensors.values():
        tensor[...] = spread * stream.standard_normal(tensor.shape)
    before = model.inference.params.copy()
    assert export_model(model, "onnx").file.exists()
    np.testing.assert_array_equal(model.inference.params, before)


@pytest.mark.parametrize("network", ILL_CONDITIONED.values(), ids=ILL_CONDITIONED)
def test_a_fault_is_found_in_a_network_that_enlarges_rounding(tmp_path, network):
    model = random_model(tmp_path, network)
    content = onnx_model(model, "uint8").SerializeToString()
    check_onnx(content, model, "uint8")
    for tensor in model.tensors.values():
        kept = tensor.copy()
        tensor.flat[0] += 0.2
        with pytest.raises(MnistlabError, match="outputs differ from those of the run's network"):
            check_onnx(content, model, "uint8")
        tensor[...] = kept


def test_a_missing_steepness_is_found_though_the_logits_are_right(tmp_path):
    model = random_model(tmp_path, ILL_CONDITIONED["steep output"])
    flat = random_model(tmp_path, {"type": "softmax", "output_activation": "sigmoid"})
    with pytest.raises(MnistlabError, match="differ, by up to"):
        check_onnx(onnx_model(flat, "uint8").SerializeToString(), model, "uint8")


def test_weights_that_are_no_numbers_any_more_say_so_in_both(tmp_path):
    model = random_model(tmp_path, MODELS["mlp"])
    model.tensors["dense2.weight"][:] = np.nan
    exported = export_model(model, "onnx")
    assert np.isnan(ask(exported.file, random_images(3))[0]).all()


def test_it_is_compared_on_the_datasets_own_test_images(tmp_path):
    model = random_model(tmp_path, {"type": "softmax"}, data={"source": "digits"})
    agreement = export_model(model, "onnx").agreement
    assert (agreement.images, agreement.what) == (360, "the 360 test images of digits")
    assert agreement.largest_difference < 1e-5


def test_without_the_dataset_it_is_compared_on_random_images_and_nothing_is_fetched(tmp_path):
    model = random_model(tmp_path, {"type": "softmax"}, data={"source": "mnist"})
    agreement = export_model(model, "onnx").agreement
    assert agreement.what == "1,000 made-up images, as the dataset is not at hand"
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["onnx"], "onnx"),
        (["onnxruntime"], "onnxruntime"),
        (["onnx", "onnxruntime"], "onnx and onnxruntime"),
    ],
)
def test_what_is_not_installed_is_named_with_how_to_install_it(
    tmp_path, monkeypatch, missing, said
):
    model = random_model(tmp_path, MODELS["softmax"])
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name in missing else found(name),
    )
    told = rf"needs {said}, not installed here: pip install 'mnistlab\[export\]'"
    with pytest.raises(UsageError, match=told):
        export_model(model, "onnx")
    assert export_model(model, "npz").file.exists()


@pytest.mark.mnist
@pytest.mark.long
@pytest.mark.parametrize("kind", ["softmax", "mlp", "cnn", "bias_per_position"])
def test_it_agrees_on_all_test_images_of_mnist(tmp_path, mnist_data_dir, kind):
    model = random_model(tmp_path, MODELS[kind], data={"source": "mnist"})
    object.__setattr__(model, "data_dir", mnist_data_dir)
    agreement = export_model(model, "onnx").agreement
    assert agreement.what == "the 10,000 test images of mnist"
    assert agreement.largest_difference < 1e-4
