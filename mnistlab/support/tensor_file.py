"""Tensors in a file: safetensors, with a checksum inside mnistlab's own files.

mnistlab's files have a single metadata entry, `mnistlab`, a JSON text with the SHA-256 and all
other metadata. It is one entry because safetensors writes several in a different order in each
process. The SHA-256 is that of the whole file with zeros for its own 64 digits.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mnistlab.support.digests import DIGITS, NO_DIGEST, digest_without
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import open_artefact, read_artefact

METADATA_KEY = "mnistlab"
# The digest's key as written in the file: JSON inside a JSON string, before any other metadata.
DIGEST_MARK = rb"{\"sha256\":\""
MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit


def load_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tensors, writable, and the metadata of a safetensors file.

    A file of mnistlab is verified by its SHA-256, any other by its structure. Raises UsageError
    that names the file if it is missing or damaged.
    """
    try:
        with open_artefact(path) as file:
            header = _read_header(file)
        content = read_artefact(path)
        return _decode(content), _checked_metadata(header, content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not a complete safetensors file: {error}") from error


def encode_tensors(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """The content of the file, with its digest."""
    from safetensors.numpy import save

    # safetensors assumes little-endian rows; np.ascontiguousarray would lose 0-d shapes.
    plain = {
        name: np.asarray(tensors[name], dtype=tensors[name].dtype.newbyteorder("<"), order="C")
        for name in sorted(tensors)
    }
    ours = {"sha256": NO_DIGEST.decode(), "metadata": dict(sorted(metadata.items()))}
    content = save(plain, {METADATA_KEY: json.dumps(ours, separators=(",", ":"))})
    start = _digest_start(content)
    return content[:start] + digest_without(content, start) + content[start + DIGITS :]


def _decode(content: bytes) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: np.array(tensor) for name, tensor in load(content).items()}
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    except KeyError as error:
        raise ValueError(f"numpy has no dtype {error}") from error


def _digest_start(content: bytes) -> int:
    """The offset of the 64 digits; raises ValueError if there are none."""
    start = content.find(DIGEST_MARK)
    if start < 0:
        raise ValueError("its header is damaged")
    return start + len(DIGEST_MARK)


def _read_header(file: BinaryIO) -> dict[str, Any]:
    """The JSON header, after checking that the size it states is the file's.

    Reads the header only, so that a wrong file of any size costs nothing. Raises ValueError.
    """
    size = os.fstat(file.fileno()).st_size
    header_bytes = int.from_bytes(file.read(8), "little")
    if size < 8 or header_bytes > min(size - 8, MAX_HEADER_BYTES):
        raise ValueError(f"its {size} bytes are fewer than its header needs")
    header = json.loads(file.read(header_bytes))
    try:
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        data_bytes = max((entry["data_offsets"][1] for entry in tensors), default=0)
        stated = 8 + header_bytes + data_bytes
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError("its header does not describe tensors") from error
    if stated != size:
        raise ValueError(f"it has {size} bytes, its header states {stated}")
    return header


def _checked_metadata(header: dict[str, Any], content: bytes) -> dict[str, str]:
    """mnistlab's metadata if the digest is correct, or the metadata of any other file unchanged."""
    metadata = header.get("__metadata__") or {}
    if METADATA_KEY not in metadata:
        # A flipped bit in the key must not make it look like another program's file.
        if DIGEST_MARK in content[:4096]:
            raise ValueError("its header is damaged")
        return metadata
    start = _digest_start(content)
    if digest_without(content, start) != content[start : start + DIGITS]:
        raise ValueError("its content does not match the SHA-256 inside")
    return json.loads(metadata[METADATA_KEY])["metadata"]
