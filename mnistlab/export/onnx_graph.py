"""A network as an ONNX graph: from raw pixels to probabilities, the normalisation inside."""

import json
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import mnistlab
from mnistlab.config import (
    ActivationLayer,
    ConvLayer,
    DenseLayer,
    DropoutLayer,
    FlattenLayer,
    LeakyReLU,
    PoolLayer,
    ReLU6,
    Sigmoid,
)
from mnistlab.experiment.model import Model
from mnistlab.export.network import (
    CONV_KEYS,
    DENSE_KEYS,
    POOL_KEYS,
    TrainedLayer,
    Writer,
    activation_writer,
    layer_writer,
    network_of,
)

FORMAT = "onnx"

OPSET = 17
# Of the same release, 1.12: a runtime refuses a file of a newer format than its own.
IR_VERSION = 8
INPUT, PROBABILITIES, LOGITS = "image", "probabilities", "logits"
BATCH = "N"

Pixels = Literal["uint8", "float32"]
PIXEL_TYPES = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}


class Graph:
    """Nodes one after another, each on the output of the one before; `top` is the last output."""

    def __init__(self) -> None:
        self.top = INPUT
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, output: str = "", /, *constants: str, **attributes: Any) -> None:
        """A node of `top` and the constants; `output` names what leaves it, if that matters."""
        output = output or f"{operator.lower()}{len(self.nodes)}"
        node = helper.make_node(operator, [self.top, *constants], [output], output, **attributes)
        self.nodes.append(node)
        self.top = output

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """A constant of the graph; returns its name, for a node to take."""
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name


def onnx_model(model: Model, pixels: Pixels) -> onnx.ModelProto:
    """The network as ONNX, of opset OPSET, in float32 whatever the run's own dtype.

    Input `image`, (N, height, width) of `pixels`: raw, from 0 to 255. Outputs `probabilities`
    (N, classes), what the output activation makes of `logits` (N, classes), the last sums. N is any
    number of images. Runtimes have no convolution in float64, so a float64 run is rounded.
    """
    graph = Graph()
    _add_normalisation(graph, model, pixels)
    for layer in network_of(model):
        _add_layer(graph, layer)
    graph.add("Identity", LOGITS)
    _add_activation(graph, model.config.model.output_activation, PROBABILITIES)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, len(model.class_names)])
        for name in (PROBABILITIES, LOGITS)
    ]
    images = helper.make_tensor_value_info(INPUT, PIXEL_TYPES[pixels], [BATCH, *model.image_shape])
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "network", [images], outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="mnistlab",
        producer_version=mnistlab.__version__,
        doc_string=f"{model.run_dir.name}, weights of step {model.step}",
    )
    helper.set_model_props(proto, {"class_names": json.dumps(model.class_names)})
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _add_normalisation(graph: Graph, model: Model, pixels: Pixels) -> None:
    """From (N, height, width) of bytes to the (N, 1, height, width) that the network sees."""
    scale, offset = model.inference.pixel
    if pixels == "uint8":
        graph.add("Cast", to=TensorProto.FLOAT)
    graph.add("Mul", "", graph.constant("pixel.scale", scale))
    graph.add("Add", "", graph.constant("pixel.offset", offset))
    graph.add("Unsqueeze", "", graph.constant("channel.axis", [1], np.int64))


def _add_layer(graph: Graph, trained: TrainedLayer) -> None:
    layer_writer(_LAYERS, trained.layer, FORMAT)(graph, trained, trained.layer)


def _add_pool(graph: Graph, trained: TrainedLayer, layer: PoolLayer) -> None:
    side, stride = layer.pool.size, layer.pool.stride
    operator = {"max": "MaxPool", "average": "AveragePool"}[layer.pool.type]
    graph.add(operator, kernel_shape=[side, side], strides=[stride, stride])


def _add_dense(graph: Graph, trained: TrainedLayer, layer: DenseLayer) -> None:
    graph.add("Gemm", trained.name, *_tensors(graph, trained))


def _add_flatten(graph: Graph, trained: TrainedLayer, layer: FlattenLayer) -> None:
    graph.add("Flatten", axis=1)


def _add_nothing(graph: Graph, trained: TrainedLayer, layer: DropoutLayer) -> None:
    """Dropout does nothing in a network that has been trained."""


def _add_activation_layer(graph: Graph, trained: TrainedLayer, layer: ActivationLayer) -> None:
    _add_activation(graph, layer.activation)


def _add_convolution(graph: Graph, trained: TrainedLayer, layer: ConvLayer) -> None:
    """A convolution; ONNX's has one bias for each filter, so that one by position is added."""
    conv, tensors = layer.conv, _tensors(graph, trained)
    own = {"shared": tensors, "per_position": tensors[:1], "none": tensors}[conv.bias]
    graph.add(
        "Conv",
        trained.name,
        *own,
        kernel_shape=[conv.kernel, conv.kernel],
        strides=[conv.stride, conv.stride],
        pads=[conv.padding] * 4,
    )
    if conv.bias == "per_position":
        graph.add("Add", "", *tensors[1:])


def _tensors(graph: Graph, trained: TrainedLayer) -> list[str]:
    """The names of a layer's weight, and bias if it has one."""
    tensors = {"weight": trained.weight, "bias": trained.bias}
    return [
        graph.constant(f"{trained.name}.{kind}", tensor)
        for kind, tensor in tensors.items()
        if tensor is not None
    ]


_LAYERS = {
    "conv": Writer(_add_convolution, CONV_KEYS),
    "pool": Writer(_add_pool, POOL_KEYS),
    "dense": Writer(_add_dense, DENSE_KEYS),
    "dropout": Writer(_add_nothing),
    "activation": Writer(_add_activation_layer),
    "flatten": Writer(_add_flatten),
}


def _add_activation(graph: Graph, activation: Any, output: str = "") -> None:
    """An activation of the configuration, its parameters included; `output` names its output."""
    activation_writer(_ACTIVATIONS, activation, FORMAT)(graph, activation, output)


def _operator(name: str, **attributes: Any) -> Writer:
    """An activation that is one operator without the configuration's parameters."""

    def add(graph: Graph, activation: Any, output: str) -> None:
        graph.add(name, output, **attributes)

    return Writer(add)


def _add_relu6(graph: Graph, activation: ReLU6, output: str) -> None:
    bounds = [
        graph.constant(f"relu6.{bound}{len(graph.nodes)}", value)
        for bound, value in {"low": 0, "high": 6}.items()
    ]
    graph.add("Clip", output, *bounds)


def _add_leaky_relu(graph: Graph, activation: LeakyReLU, output: str) -> None:
    graph.add("LeakyRelu", output, alpha=activation.alpha)


def _add_sigmoid(graph: Graph, activation: Sigmoid, output: str) -> None:
    if activation.k != 1:
        graph.add("Mul", "", graph.constant(f"sigmoid.k{len(graph.nodes)}", activation.k))
    graph.add("Sigmoid", output)


_ACTIVATIONS = {
    "identity": _operator("Identity"),
    "relu": _operator("Relu"),
    "relu6": Writer(_add_relu6),
    "leaky_relu": Writer(_add_leaky_relu, frozenset({"alpha"})),
    "sigmoid": Writer(_add_sigmoid, frozenset({"k"})),
    "tanh": _operator("Tanh"),
    "softmax": _operator("Softmax", axis=1),
}
