"""A network as an ONNX graph: from raw pixels to probabilities, with the normalisation inside."""

import json
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import mnistlab
from mnistlab.experiment.model import Model
from mnistlab.export.format import Pixels
from mnistlab.export.formats.onnx import OPSET
from mnistlab.export.network import network_of

# Of the same release as OPSET, 1.12: a runtime refuses a newer file format than its own.
IR_VERSION = 8
INPUT, PROBABILITIES, LOGITS = "image", "probabilities", "logits"
BATCH = "N"

PIXEL_TYPES: dict[Pixels, int] = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}


class Graph:
    """A chain of nodes, each on the output of the one before; `top` is the last output."""

    def __init__(self) -> None:
        self.top = INPUT
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, output: str = "", /, *constants: str, **attributes: Any) -> None:
        """Add a node on `top` and the constants; `output` names its output, if the name matters."""
        output = output or f"{operator.lower()}{len(self.nodes)}"
        node = helper.make_node(operator, [self.top, *constants], [output], output, **attributes)
        self.nodes.append(node)
        self.top = output

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant to the graph; returns its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def new_constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant of one node; its name gets the node's number as a suffix."""
        return self.constant(f"{name}{len(self.nodes)}", value, dtype)


def onnx_model(model: Model, pixels: Pixels) -> onnx.ModelProto:
    """The network as ONNX, of opset OPSET, in float32 whatever the run's own dtype.

    Input `image`, (N, height, width) of `pixels`: raw, from 0 to 255. Outputs `logits` (N,
    classes), the last layer's, and `probabilities` (N, classes), after the output activation. N is
    any number of images. Runtimes have no convolution in float64, so a float64 run is rounded.
    """
    graph = Graph()
    _add_normalisation(graph, model, pixels)
    for trained in network_of(model):
        trained.layer.onnx(graph, trained)
    graph.add("Identity", LOGITS)
    model.config.model.output_activation.onnx(graph, PROBABILITIES)
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
    """From bytes (N, height, width) to the network's input (N, 1, height, width)."""
    scale, offset = model.inference.pixel
    if pixels == "uint8":
        graph.add("Cast", to=TensorProto.FLOAT)
    graph.add("Mul", "", graph.constant("pixel.scale", scale))
    graph.add("Add", "", graph.constant("pixel.offset", offset))
    graph.add("Unsqueeze", "", graph.constant("channel.axis", [1], np.int64))
