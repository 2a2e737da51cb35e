"""Every name that a configuration can have is exported correctly, or refused."""

import typing

import numpy as np
import onnxruntime
import pytest
from export_helpers import random_images, random_model

from mnistlab.blocks.activations import ELEMENTWISE, ActivationBlock
from mnistlab.blocks.activations.sigmoid import sigmoid_backward, sigmoid_forward
from mnistlab.blocks.layers import LAYERS as REGISTERED
from mnistlab.blocks.layers import LayerBlock
from mnistlab.blocks.layers.conv2d import Conv
from mnistlab.blocks.layers.pool2d import Pool
from mnistlab.blocks.models.mlp import MLPModel
from mnistlab.export.exporter import export_model
from mnistlab.support.errors import UsageError

FORMATS = ["onnx", "safetensors"]


def choices(section, key):
    return typing.get_args(section.model_fields[key].annotation)


CONV = {"conv": {"filters": 3, "kernel": 3}}
LAYERS = {
    "conv": CONV,
    "activation": {"activation": "relu"},
    "pool": {"pool": {}},
    "pad": {"pad": {"size": 2, "value": -0.7}},
    "dropout": {"dropout": 0.3},
    "dense": {"dense": {"units": 6}},
    "flatten": "flatten",
    "batch_norm": "batch_norm",
}


def cnn(layer):
    return {"type": "cnn", "layers": [CONV, layer]}


NETWORKS = {
    **{f"hidden {name}": {"type": "mlp", "activation": name} for name in ELEMENTWISE.blocks},
    **{
        f"output {name}": {"type": "mlp", "output_activation": name}
        for name in [*ELEMENTWISE.blocks, "softmax"]
    },
    **{f"layer {name}": cnn(LAYERS[name]) for name in REGISTERED.blocks},
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
    assert f"--format {format} cannot represent the " in refusal
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


class Swish(ActivationBlock):
    """An activation with no counterparts."""

    type: typing.Literal["swish"] = "swish"
    beta: float = 1.5

    forward = sigmoid_forward
    backward = sigmoid_backward
    parameter_names = ("beta",)


class Shift(LayerBlock):
    """A layer with no counterparts."""

    type: typing.ClassVar[str] = "shift"


@pytest.mark.parametrize("format", FORMATS)
def test_an_activation_without_a_counterpart_is_refused_with_what_to_do(tmp_path, format):
    def with_swish(config):
        model = config.model.model_copy(update={"activation": Swish()})
        return config.model_copy(update={"model": model})

    model = random_model(tmp_path, {"type": "mlp"}, change=with_swish)
    with pytest.raises(
        UsageError,
        match="cannot represent the activation 'swish'; nothing was written; --format npz has",
    ):
        export_model(model, format)
    assert not list(tmp_path.iterdir())
    assert export_model(model, "npz").file.exists()


@pytest.mark.parametrize("format", FORMATS)
def test_a_layer_without_a_counterpart_is_refused(tmp_path, monkeypatch, format):
    model = random_model(tmp_path, {"type": "mlp"})
    monkeypatch.setattr(MLPModel, "layers_for", lambda *_: (Shift(),))
    with pytest.raises(UsageError, match="cannot represent the layer 'shift'"):
        export_model(model, format)
    assert not list(tmp_path.iterdir())


def test_a_format_that_is_none_is_refused_and_not_taken_for_npz(tmp_path):
    model = random_model(tmp_path, {"type": "softmax"})
    with pytest.raises(
        UsageError, match="format: found 'h5', expected one of npz, onnx, safetensors"
    ):
        export_model(model, "h5")
    with pytest.raises(UsageError, match="pixels: found 'int8', expected uint8 or float32"):
        export_model(model, "onnx", pixels="int8")
    assert not list(tmp_path.iterdir())
