"""Decoded arrays, stored as .npy and memory-mapped, so that many processes share one copy.

`datasets/<name>-<digest>/` in the cache folder has the four arrays and `meta.json`.
`datasets/lookup/` maps files of a given path, size and time to one of these folders, so that a warm
load decodes nothing. The arrays are checked against their digest at every load.
"""

import hashlib
import io
import json
import logging
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

import numpy as np

from mnistlab.data.arrays import Arrays, Bytes, Decode, digest, read_only
from mnistlab.support import durable
from mnistlab.support.cache_use import hold
from mnistlab.support.locks import file_lock
from mnistlab.support.paths import cache_dir
from mnistlab.support.platform import system
from mnistlab.support.safe_files import open_file, read_file

DATASETS_NAME, LOOKUP_NAME = "datasets", "lookup"
FORMAT = 1
META = "meta.json"
MAX_TEXT_BYTES = 1 << 20
NAME_DIGITS = 16  # of the digest, in the name of an entry
logger = logging.getLogger("mnistlab")


class _DamagedEntryError(Exception):
    """An entry of the cache does not match its meta.json."""


def load(name: str, identity: str, decode: Decode) -> tuple[Arrays, str]:
    """The source's arrays, read-only, and their digest; decoded only if not in the cache.

    `identity` identifies the decoded files; it changes when one of them does. A damaged entry is
    replaced. If the cache folder is unusable, the arrays are not cached. Both are logged as
    warnings. Raises what `decode` raises.
    """
    folder = cache_dir() / DATASETS_NAME
    key = hashlib.sha256(f"{FORMAT}\n{name}\n{identity}".encode()).hexdigest()
    lookup = folder / LOOKUP_NAME / f"{name}-{key[:32]}"
    with suppress(_DamagedEntryError):
        if found := _look_up(folder, lookup):
            return found
    arrays = None
    try:
        with file_lock(folder / f"{name}.lock"):
            # Another process may have decoded it while this one waited.
            try:
                if found := _look_up(folder, lookup):
                    return found
            except _DamagedEntryError as error:
                # Not the error itself: a handler that kept it would keep the arrays mapped.
                logger.warning("%s; decoding the dataset again", str(error))
            arrays = decode()
            sha256 = digest(arrays)
            entry = folder / f"{name}-{sha256[:NAME_DIGITS]}"
            _store(entry, name, arrays, sha256)
            lookup.parent.mkdir(exist_ok=True)
            durable.write_file(lookup, entry.name)
            return _open_entry(entry)
    except (OSError, _DamagedEntryError) as error:
        _warn_not_kept(folder, getattr(error, "strerror", None) or str(error))
    arrays = arrays or decode()
    return read_only(arrays), digest(arrays)


@cache
def _warn_not_kept(folder: Path, why: str) -> None:
    """Warn once in a process, and in the processes that it forks."""
    logger.warning("%s: cannot keep decoded datasets here (%s)", folder, why)


def _look_up(folder: Path, lookup: Path) -> tuple[Arrays, str] | None:
    name = _named_by(lookup)
    entry = folder / (name or "")
    return _open_entry(entry) if name and entry.is_dir() else None


def _named_by(lookup: Path) -> str | None:
    """The name of the entry that a file in `lookup` leads to; None if it cannot be read."""
    try:
        return Path(read_file(lookup, MAX_TEXT_BYTES).decode()).name
    except (OSError, UnicodeDecodeError):
        return None


def lookups(folder: Path, name: str) -> list[Path]:
    """The files in `lookup` of a folder of datasets that lead to the entry of this name."""
    return [path for path in sorted((folder / LOOKUP_NAME).glob("*")) if _named_by(path) == name]


def _open_entry(entry: Path) -> tuple[Arrays, str]:
    """The arrays of an entry, and their digest. No process removes it while they are used."""
    with ExitStack() as stack:
        # A cache that cannot be written to can be read, and nothing is removed from it.
        with suppress(OSError):
            stack.callback(system.close, hold(entry))
        arrays, sha256 = _read_entry(entry)
        weakref.finalize(arrays.train_images.base, stack.pop_all().close)
    return arrays, sha256


def _read_entry(entry: Path) -> tuple[Arrays, str]:
    try:
        meta = json.loads(read_file(entry / META, MAX_TEXT_BYTES))
        arrays = Arrays(*(_open_array(entry, name, meta) for name in Arrays._fields))
        sha256 = str(meta["sha256"])
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise _DamagedEntryError(f"{entry}: damaged cache ({error})") from error
    # For all of MNIST this takes 0.03 s. A bit flipped on the disk changes neither size nor time.
    if digest(arrays) != sha256 or not entry.name.endswith(f"-{sha256[:NAME_DIGITS]}"):
        raise _DamagedEntryError(f"{entry}: damaged cache (its content has changed)")
    return arrays, sha256


def _open_array(entry: Path, name: str, meta: dict) -> Bytes:
    path, stated = entry / f"{name}.npy", meta["arrays"][name]
    if path.stat().st_size != stated["bytes"]:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, not {stated['bytes']}")
    # numpy's reader uses Python's parser for the header, which can raise any error.
    shape, header = tuple(stated["shape"]), _npy_header(stated["shape"])
    with open_file(path) as file:
        if file.read(len(header)) != header:
            raise ValueError(f"{path.name} is not an array of bytes of shape {shape}")
    return np.memmap(path, dtype=np.uint8, mode="r", offset=len(header), shape=shape)


def _npy_header(shape: Sequence[int]) -> bytes:
    """The header of a .npy file of bytes."""
    start = io.BytesIO()
    content = {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(start, content)
    return start.getvalue()


def _store(entry: Path, name: str, arrays: Arrays, sha256: str) -> None:
    """Create the entry under a temporary name and rename it; the caller holds the lock."""
    with suppress(_DamagedEntryError):
        _open_entry(entry)
        return
    prefix = f".{name}-"
    for left_behind in entry.parent.glob(f"{prefix}*"):  # by a killed process
        # `.mnist-prepared-…` is another dataset's, and another process may be writing it.
        if "-" not in left_behind.name.removeprefix(prefix):
            shutil.rmtree(left_behind, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=prefix, dir=entry.parent))
    try:
        fresh = temporary / "fresh"
        fresh.mkdir()
        stated = {field: _write_array(fresh, field, a) for field, a in arrays._asdict().items()}
        meta = {"format": FORMAT, "sha256": sha256, "arrays": stated}
        (fresh / META).write_text(json.dumps(meta, indent=1), encoding="utf-8")
        with suppress(FileNotFoundError):
            # Processes that have mapped the damaged entry keep their mapping.
            system.rename(entry, temporary / "damaged")
        system.rename(fresh, entry)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_array(folder: Path, name: str, array: Bytes) -> dict[str, object]:
    path = folder / f"{name}.npy"
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)
    durable.fsync(path)
    return {"shape": array.shape, "bytes": path.stat().st_size}
