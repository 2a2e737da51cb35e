"""A network in PyTorch's layout: its tensors, and the nn.Sequential that uses them."""

from pathlib import Path

import numpy as np

from mnistlab.blocks.exporting import TorchModule, described
from mnistlab.experiment.model import Model
from mnistlab.export.network import network_of

IMPORTS = """\
import torch
from safetensors.torch import load_file
from torch import nn
"""
SNIPPET = '''\
network = nn.Sequential(
{modules}){double}
network.load_state_dict(load_file({file!r}))
network.eval()


def predict(images: torch.Tensor) -> torch.Tensor:
    """{outputs} of images {images}, raw pixels from 0 to 255."""
    logits = network({normalised})
    return {output}
'''


def torch_tensors(model: Model) -> dict[str, np.ndarray]:
    """The tensors by their names in the nn.Sequential's state: `1.weight` and so on.

    A dense weight is (fan_out, fan_in) in PyTorch; a convolution's has the same layout as here.
    """
    return {
        f"{number}.{kind}": np.ascontiguousarray(tensor)
        for number, module in enumerate(_modules(model))
        for kind, tensor in module.tensors.items()
    }


def torch_snippet(model: Model, file: Path) -> str:
    """Python code that builds the network in PyTorch, loads `file` into it, and applies it."""
    height, width = model.image_shape
    scale, offset = model.inference.pixel
    dtype = model.config.training.dtype
    body = SNIPPET.format(
        modules="".join(f"    {module.text},\n" for module in _modules(model)),
        double=".double()" if dtype == "float64" else "",
        file=str(file),
        outputs=f"{_outputs(model)} {described(('N', len(model.class_names)))}",
        images=described(("N", height, width)),
        normalised=f"images.to(torch.{dtype}).unsqueeze(1)" + _times_plus(scale, offset),
        output=model.config.model.output_activation.torch_output(),
    )
    output = model.config.model.output_activation.torch_definition()
    definitions = [module.definition for module in _modules(model)] + [output]
    classes = list(dict.fromkeys(text for text in definitions if text))
    return "\n\n".join([IMPORTS, *classes, body] if classes else [IMPORTS + "\n" + body])


def _times_plus(scale: float, offset: float) -> str:
    """` * scale + offset`, without factors of 1 and terms of 0."""
    times = "" if scale == 1 else f" * {scale!r}"
    return times if offset == 0 else f"{times} {'+-'[offset < 0]} {abs(offset)!r}"


def _outputs(model: Model) -> str:
    kind = model.config.model.output_activation.type
    return "Probabilities" if kind in ("softmax", "sigmoid") else "Outputs"


def _modules(model: Model) -> list[TorchModule]:
    return [module for one in network_of(model) for module in one.layer.torch(one)]
