"""Every name that a configuration can have is exported right, or is refused."""

import typing

import numpy as np
import onnxruntime
import pytest
from export_helpers import random_images, random_model

from mnistlab.config import ActivationLayer, Tanh
from mnistlab.config.base import Section
from mnistlab.config.model import _LAYERS, Conv, Pool
from mnistlab.errors import UsageError
from mnistlab.export import export_model
from mnistlab.kernels import activations

FORMATS = ["onnx", "safetensors"]


def choices(section, key):
    return typing.get_args(section.model_fields[key].annotation)


CONV = {"conv": {"filters": 3, "kernel": 3}}
LAYERS = {
    "conv": CONV,
    "activation": {"activation": "relu"},
    "pool": {"pool": {}},
    "dropout": {"dropout": 0.3},
    "dense": {"dense": {"units": 6}},
    "flatten": "flatten",
}


def cnn(layer):
    return {"type": "cnn", "layers": [CONV, layer]}


NETWORKS = {
    **{f"hidden {name}": {"type": "mlp", "activation": name} for name in activations.ACTIVATIONS},
    **{
        f"output {name}": {"type": "mlp", "output_activation": name}
        for name in [*activations.ACTIVATIONS, "softmax"]
    },
    **{f"layer {name}": cnn(LAYERS[name]) for name in _LAYERS},
    **{f"{kind} pool": cnn({"pool": {"type": kind}}) for kind in choices(Pool, "type")},
    **{
        f"bias {kind}": cnn({"conv": {"filters": 2, "kernel": 3, "bias": kind}})
        for kind in choices(Conv, "bias")
    },
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_every_registered_name_is_exported_right_or_refused(tmp_path, network, format):
    model = random_model(tmp_path, network)
    images = random_images(11)
    try:
        exported = export_model(model, format)
    except UsageError as error:
        refusal = str(error)
    else:
        ask = {"onnx": in_onnxruntime, "safetensors": in_pytorch}[format]
        np.testing.assert_allclose(
            ask(exported, images), model.outputs(images), rtol=2e-5, atol=2e-5
        )
        return
    assert f"--format {format} knows no " in refusal
    assert not list(tmp_path.iterdir())


def in_onnxruntime(exported, images):
    session = onnxruntime.InferenceSession(exported.file, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"image": images})[0]


def in_pytorch(exported, images):
    torch = pytest.importorskip("torch")
    names: dict = {}
    exec(exported.snippet, names)
    with torch.no_grad():
        return names["predict"](torch.from_numpy(images)).numpy()


class Swish(Section):
    """An activation that the exporters have not been told of."""

    type: str = "swish"
    beta: float = 1.5


class ScaledTanh(Tanh):
    """An activation that they know, with a key that they do not."""

    scale: float = 1.7


class Shift(Section):
    """A layer that they have not been told of."""

    type: typing.ClassVar[str] = "shift"


def with_(section):
    return lambda config: config.model_copy(
        update={"model": config.model.model_copy(update={"activation": section})}
    )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("section", "told"),
    [
        (Swish(), "no activation 'swish'"),
        (ScaledTanh(), "no key 'scale' of activation 'tanh'"),
    ],
    ids=["name", "key"],
)
def test_an_activation_that_the_format_does_not_know_is_refused_with_what_to_do(
    tmp_path, monkeypatch, section, told, format
):
    rule = activations.ACTIVATIONS["sigmoid"]._replace(parameter="beta")
    monkeypatch.setitem(activations.ACTIVATIONS, "swish", rule)
    model = random_model(tmp_path, {"type": "mlp"}, change=with_(section))
    with pytest.raises(UsageError, match=f"{told}: nothing was written; --format npz has"):
        export_model(model, format)
    assert not list(tmp_path.iterdir())
    assert export_model(model, "npz").file.exists()


@pytest.mark.parametrize("format", FORMATS)
def test_a_layer_that_the_format_does_not_know_is_refused(tmp_path, monkeypatch, format):
    model = random_model(tmp_path, {"type": "mlp"})
    layers = (Shift(), ActivationLayer(activation="relu"))
    monkeypatch.setattr("mnistlab.export.network.layers_of", lambda *_: layers)
    with pytest.raises(UsageError, match="knows no layer 'shift'"):
        export_model(model, format)
    assert not list(tmp_path.iterdir())


def test_a_format_that_is_none_is_refused_and_not_taken_for_npz(tmp_path):
    model = random_model(tmp_path, {"type": "softmax"})
    with pytest.raises(UsageError, match="format: found 'h5', expected one of onnx, safetensors"):
        export_model(model, "h5")
    with pytest.raises(UsageError, match="pixels: found 'int8', expected uint8 or float32"):
        export_model(model, "onnx", pixels="int8")
    assert not list(tmp_path.iterdir())
