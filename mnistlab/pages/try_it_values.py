"""Arrays for a page: in as few bytes as it has for them, packed into one text."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

# From exact to small. Of int8, each unit's or filter's weights are multiples of one step.
KINDS = ("float32", "float16", "int8")
BYTES = {"float32": 4, "float16": 2, "int8": 1}
# In words: "the weights are rounded to …".
ROUNDED_TO = {"float16": "16 bits", "int8": "8 bits"}
ALIGNMENT = 4
TEXT_PER_BYTE = 4 / 3  # of base64


class PackedValues:
    """Arrays one after another. `add` returns what the page needs to find and read one."""

    def __init__(self) -> None:
        self._content = bytearray()

    def add(self, values: np.ndarray) -> dict[str, Any]:
        """Add an array of float32, float16, int32, int8 or uint8 as it is."""
        self._content += bytes(-len(self._content) % ALIGNMENT)
        found = {
            "kind": str(values.dtype),
            "at": len(self._content),
            "shape": list(values.shape),
        }
        little = values.dtype.newbyteorder("<")
        self._content += np.ascontiguousarray(values, little).tobytes()
        return found

    def add_tensor(self, tensor: np.ndarray, kind: str) -> dict[str, Any]:
        """Add a tensor of a layer; its weights are rounded to `kind`, one of KINDS.

        Biases and statistics, of few bytes, keep float32.
        """
        if kind == "float32" or tensor.ndim not in WEIGHTS:
            return self.add(tensor.astype(np.float32))
        if kind == "float16":
            return self.add(tensor.astype(np.float16))
        whole, step = in_steps(tensor)
        return {**self.add(whole), "step": self.add(step), "unitsLast": tensor.ndim == 2}

    @property
    def text(self) -> str:
        """All arrays, deflated, in base64."""
        return base64.b64encode(zlib.compress(bytes(self._content), 6)).decode()


# The numbers of dimensions of a dense layer's weight and a convolution's.
WEIGHTS = (2, 4)


def in_steps(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A weight as int8 of its shape, and the step of each unit or filter, float32 (units,).

    The units of a dense layer are the last axis of its weight, filters the first.
    """
    axes = (0,) if weight.ndim == 2 else tuple(range(1, weight.ndim))
    step = np.abs(weight).max(axis=axes, keepdims=True).astype(np.float32) / np.float32(127)
    whole = np.rint(weight / np.where(step > 0, step, 1))
    return whole.astype(np.int8), step.ravel()


def rounded(tensor: np.ndarray, kind: str) -> np.ndarray:
    """A tensor with the values that the page has of it, in the tensor's dtype."""
    if kind == "float32" or tensor.ndim not in WEIGHTS:
        return tensor.astype(np.float32).astype(tensor.dtype)
    if kind == "float16":
        return tensor.astype(np.float16).astype(tensor.dtype)
    whole, step = in_steps(tensor)
    shape = (1, -1) if tensor.ndim == 2 else (-1, *[1] * (tensor.ndim - 1))
    return (whole * step.reshape(shape)).astype(tensor.dtype)


def text_size(tensors: Mapping[str, np.ndarray], kind: str) -> int:
    """The characters on the page that the tensors need at most."""
    sizes = (
        tensor.size * (BYTES[kind] if tensor.ndim in WEIGHTS else BYTES["float32"])
        for tensor in tensors.values()
    )
    return int(sum(sizes) * TEXT_PER_BYTE)
