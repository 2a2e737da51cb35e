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
    FlattenLayer,
    PoolLayer,
)
from mnistlab.experiment.model import Model
from mnistlab.export.network import TrainedLayer, network_of

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
    """One layer; dropout does nothing in a network that has been trained."""
    layer = trained.layer
    if isinstance(layer, ConvLayer):
        _add_convolution(graph, trained, layer)
    elif isinstance(layer, PoolLayer):
        side, stride = layer.pool.size, layer.pool.stride
        operator = {"max": "MaxPool", "average": "AveragePool"}[layer.pool.type]
        graph.add(operator, kernel_shape=[side, side], strides=[stride, stride])
    elif isinstance(layer, DenseLayer):
        graph.add("Gemm", trained.name, *_tensors(graph, trained))
    elif isinstance(layer, FlattenLayer):
        graph.add("Flatten", axis=1)
    elif isinstance(layer, ActivationLayer):
        _add_activation(graph, layer.activation)


def _add_convolution(graph: Graph, trained: TrainedLayer, layer: ConvLayer) -> None:
    """A convolution; ONNX's has one bias for each filter, so that one by position is added."""
    conv, tensors = layer.conv, _tensors(graph, trained)
    own = tensors if conv.bias == "shared" else tensors[:1]
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


def _add_activation(graph: Graph, activation: Any, output: str = "") -> None:
    """An activation of the configuration, its parameters included."""
    kind = activation.type
    if kind == "relu6":
        bounds = [
            graph.constant(f"relu6.{bound}{len(graph.nodes)}", value)
            for bound, value in {"low": 0, "high": 6}.items()
        ]
        graph.add("Clip", output, *bounds)
    elif kind == "leaky_relu":
        graph.add("LeakyRelu", output, alpha=activation.alpha)
    elif kind == "softmax":
        graph.add("Softmax", output, axis=1)
    else:
        if kind == "sigmoid" and activation.k != 1:
            steepness = graph.constant(f"sigmoid.k{len(graph.nodes)}", activation.k)
            graph.add("Mul", "", steepness)
        graph.add(_OPERATORS[kind], output)


_OPERATORS = {"identity": "Identity", "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
