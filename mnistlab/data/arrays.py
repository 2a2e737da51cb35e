"""The four arrays that every source decodes to, and the digest of their content."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Arrays(NamedTuple):
    """Images uint8 (n, height, width) and labels uint8 (n,), of the training and the test set."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


Decode = Callable[[], Arrays]


def digest(arrays: Arrays) -> str:
    """SHA-256, in hex, of the content, independent of the file format.

    The hashed stream is, for train and then for test: the images' shape as three little-endian
    64-bit integers, the images' bytes row by row, the labels' bytes.
    """
    sha256 = hashlib.sha256()
    for images, labels in (arrays[:2], arrays[2:]):
        sha256.update(np.array(images.shape, dtype="<u8").tobytes())
        sha256.update(np.ascontiguousarray(images).data)
        sha256.update(np.ascontiguousarray(labels).data)
    return sha256.hexdigest()


def read_only(arrays: Arrays) -> Arrays:
    """The same arrays, uint8, made read-only in place."""
    for array in arrays:
        array.setflags(write=False)
    return arrays
