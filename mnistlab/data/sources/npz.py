"""The `npz` source: one file with the keys of Keras's mnist.npz, as written by numpy.savez.

x_train and x_test are images (n, height, width) or (n, height, width, 1), y_train and y_test labels
(n,): uint8, or any other dtype whose values are integers from 0 to 255. Pickles are never loaded.
"""

import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.files import (
    MAX_DEFLATE_RATIO,
    MalformedError,
    check_memory,
    foreign,
    regular_size,
)
from mnistlab.data.own_files import ADVICE, check_agreement, check_size, list_folder
from mnistlab.data.source import identity
from mnistlab.data.source_kinds import OwnFiles
from mnistlab.support.errors import DataError, data_error
from mnistlab.support.safe_files import open_file

KEYS = {
    "train_images": "x_train",
    "train_labels": "y_train",
    "test_images": "x_test",
    "test_labels": "y_test",
}
USUAL_NAME = "mnist.npz"
MAX_MEMBER_BYTES = 1 << 31
MAX_VALUE = 255
NUMBERS = "buif"  # numpy's kinds: bool, unsigned, signed and floating-point numbers
CHUNK_ITEMS = 1 << 20


class ArrayHeader(NamedTuple):
    """The header of a .npy file."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype

    @property
    def order(self) -> Literal["C", "F"]:
        """The order of the values in the file, by numpy's name."""
        return "F" if self.fortran_order else "C"


def find_file(path: Path) -> Path:
    """The file: `path` itself, or in a folder mnist.npz, or the only .npz there.

    Raises DataError if there is none, or more than one.
    """
    expected = "a file of the keys x_train, y_train, x_test and y_test"
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:
        raise data_error(f"{path}: cannot be read ({error.strerror})", error) from error
    if not is_there:
        raise DataError(f"{path}: expected {expected}, found nothing there")
    if not is_folder:
        return path
    found = [file for file in list_folder(path, expected) if file.suffix.lower() == ".npz"]
    usual = [file for file in found if file.name == USUAL_NAME]
    if not found:
        raise DataError(f"{path}: expected a file named {USUAL_NAME}, found none; add it")
    if len(found) > 1 and not usual:
        names = ", ".join(file.name for file in found)
        raise DataError(f"{path}: expected one .npz file, found {names}; name the one to read")
    return (usual or found)[0]


def read_file(path: Path) -> Arrays:
    """The four arrays: images of one size, a label each, at least two labels.

    Raises DataError that names the file and the key.
    """
    arrays, errors = {}, []
    try:
        size = _zip_size(path)
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            members = _find_members(archive)
            for role, member in members.items():
                try:
                    arrays[role] = _read_member(archive, member, role.endswith("images"), size)
                except MalformedError as error:
                    errors.append(f"{path}: {KEYS[role]}: {error}; {ADVICE}")
    except MalformedError as error:
        raise DataError(f"{path}: {error}; {ADVICE}") from error
    except OSError as error:
        raise data_error(f"{path}: cannot be read ({error.strerror or error})", error) from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise DataError(f"{path}: expected a valid .npz file, {error}; {ADVICE}") from error
    if errors:
        raise DataError(*errors)
    decoded = Arrays(**arrays)
    check_agreement(decoded, {role: f"{path}: {key}" for role, key in KEYS.items()})
    return decoded


def _zip_size(path: Path) -> int:
    """The file's size in bytes, if it begins like a ZIP archive."""
    size = regular_size(path)
    with open_file(path) as file:
        start = file.read(8)
    if not start.startswith(b"PK"):
        found = foreign(start) or (start.hex(" ") if start else "an empty one (0 bytes)")
        raise MalformedError(f"expected an .npz file, found {found}")
    return size


def _find_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    present = {member.filename: member for member in archive.infolist()}
    missing = [key for key in KEYS.values() if f"{key}.npy" not in present]
    if missing:
        found = ", ".join(name.removesuffix(".npy") for name in list(present)[:10]) or "none"
        raise MalformedError(
            f"expected the keys {', '.join(KEYS.values())}, found {found}; "
            f"{', '.join(missing)} missing"
        )
    return {role: present[f"{key}.npy"] for role, key in KEYS.items()}


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, is_images: bool, file_size: int
) -> Bytes:
    """`file_size`: the file's size in bytes, which no compressed member can exceed."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MalformedError("expected a member stored or deflated, as numpy writes it")
    ratio = 1 if member.compress_type == zipfile.ZIP_STORED else MAX_DEFLATE_RATIO
    if not member.file_size <= min(member.compress_size, file_size) * ratio:
        raise MalformedError(
            f"promises {member.file_size:,} bytes, which its {member.compress_size:,} cannot hold"
        )
    try:
        with archive.open(member) as stream:
            header = _read_header(stream)
            shape = _check_header(header, is_images)
            expected = math.prod(header.shape) * header.dtype.itemsize
            if (stated := member.file_size - stream.tell()) != expected:
                raise MalformedError(
                    f"expected {expected:,} bytes after the header, found {stated:,}"
                )
            array = _read_values(stream, header)
            # zipfile compares the checksum when it returns the last byte.
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, RuntimeError) as error:
        # RuntimeError: encrypted.
        raise MalformedError(f"expected a valid member, found a damaged one ({error})") from error
    except MemoryError as error:
        raise MalformedError("needs more memory than there is") from error
    return array.reshape(shape)


def _read_header(stream: IO[bytes]) -> ArrayHeader:
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            return ArrayHeader(*np.lib.format.read_array_header_1_0(stream))
        if version == (2, 0):
            return ArrayHeader(*np.lib.format.read_array_header_2_0(stream))
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise
    except Exception as error:  # numpy's parser can raise any of Python's errors
        reason = str(error).partition("\n")[0]
        raise MalformedError(f"expected an array in NumPy's format ({reason})") from error
    raise MalformedError(f"expected an array of NumPy's format 1.0 or 2.0, found {version}")


def _check_header(header: ArrayHeader, is_images: bool) -> tuple[int, ...]:
    """The array's shape, without a last axis of one channel; checked before memory is allocated."""
    shape, dtype = header.shape, header.dtype
    if dtype.hasobject:
        raise MalformedError("holds pickled Python objects, which are not loaded; save numbers")
    if dtype.kind not in NUMBERS:
        raise MalformedError(f"expected whole numbers of 0 to {MAX_VALUE}, found {dtype}")
    if is_images and len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    if len(shape) != (3 if is_images else 1) or shape[0] < 1:
        allowed = "(n, height, width)" if is_images else "(n,)"
        raise MalformedError(f"expected an array of shape {allowed}, found {header.shape}")
    if is_images:
        check_size(*shape)
    if math.prod(shape) * dtype.itemsize > MAX_MEMBER_BYTES:
        raise MalformedError(
            f"expected at most {MAX_MEMBER_BYTES:,} bytes, found {header.shape} of {dtype}"
        )
    return shape


def _read_values(stream: IO[bytes], header: ArrayHeader) -> Bytes:
    """The array, uint8, in C order; other dtypes are checked and converted a chunk at a time."""
    count = math.prod(header.shape)
    check_memory(count)
    values = np.empty(count, dtype=np.uint8)
    for start in range(0, count, CHUNK_ITEMS):
        wanted = min(CHUNK_ITEMS, count - start) * header.dtype.itemsize
        content = stream.read(wanted)
        if len(content) != wanted:
            raise MalformedError("expected a complete member, found a truncated one")
        chunk = np.frombuffer(content, dtype=header.dtype)
        if header.dtype != np.uint8:
            _check_values(chunk, start, header)
        values[start : start + len(chunk)] = chunk
    return np.ascontiguousarray(values.reshape(header.shape, order=header.order))


def _check_values(chunk: npt.NDArray, start: int, header: ArrayHeader) -> None:
    allowed = (chunk >= 0) & (chunk <= MAX_VALUE)
    if header.dtype.kind == "f":
        allowed &= chunk == np.trunc(chunk)
    if not allowed.all():
        place = int(np.argmin(allowed))
        index = np.unravel_index(start + place, header.shape, order=header.order)
        raise MalformedError(
            f"expected whole numbers of 0 to {MAX_VALUE}, found {chunk[place]} "
            f"at {[int(i) for i in index]}"
        )


SOURCE = OwnFiles(
    name="npz",
    description="a .npz file of your own, with the keys of Keras",
    find=find_file,
    read=read_file,
    identity=lambda file: identity({"file": file}),
)
