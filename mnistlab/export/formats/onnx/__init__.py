"""The format `onnx`: from raw images to probabilities, checked by onnxruntime."""

from typing import TYPE_CHECKING

from mnistlab.export.format import Agreement, Format, Pixels

if TYPE_CHECKING:
    from mnistlab.experiment.model import Model

OPSET = 17


def write(model: "Model", pixels: Pixels) -> bytes:
    """The network in float32; its input is raw images of type `pixels`."""
    from mnistlab.export.formats.onnx.graph import onnx_model
    from mnistlab.store.written_files import BLANK_MARK

    proto = onnx_model(model, pixels)
    proto.metadata_props.add(key="written_by", value=BLANK_MARK)
    return proto.SerializeToString()


def check(content: bytes, model: "Model", pixels: Pixels) -> Agreement:
    """Compare onnxruntime's outputs and logits with the run's own."""
    from mnistlab.export.formats.onnx.check import check_onnx

    return check_onnx(content, model, pixels)


FORMAT = Format(
    name="onnx",
    description="onnx takes raw images (N, height, width), normalises them itself, and gives "
    "probabilities (N, classes), then logits. onnxruntime must say what mnistlab says before it is "
    "written: on the test images, or on random ones where these are not on this machine.",
    ending="onnx",
    write=write,
    check=check,
    facts={"opset": OPSET},
    needs=("onnx", "onnxruntime"),
)
