"""The format `safetensors`: tensors in PyTorch's layout, and Python code that loads them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.export.format import Format, Pixels

if TYPE_CHECKING:
    from mnistlab.experiment.model import Model


def write(model: "Model", pixels: Pixels) -> bytes:
    """The tensors with PyTorch's names and layout; pixels are not part of the file."""
    from safetensors.numpy import save

    from mnistlab.export.formats.safetensors.torch_layout import torch_tensors
    from mnistlab.store.written_files import BLANK_MARK

    return _with_metadata(save(torch_tensors(model), {"format": "pt"}), "written_by", BLANK_MARK)


def snippet(model: "Model", file: Path) -> str:
    """Python code that builds the network in PyTorch and loads `file` into it."""
    from mnistlab.export.formats.safetensors.torch_layout import torch_snippet

    return torch_snippet(model, file)


def _with_metadata(content: bytes, key: str, value: str) -> bytes:
    """A safetensors file with one more entry in its metadata.

    Not by safetensors' own function, which writes several entries in a different order in each
    process.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"][key] = value
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


FORMAT = Format(
    name="safetensors",
    description="safetensors has PyTorch's names and layout; the Python that loads it is printed.",
    ending="safetensors",
    write=write,
    snippet=snippet,
)
