"""Numba's cache files with a checksum: a damaged file is compiled again, never loaded.

Numba pickles compiled code, and the code in a file is executed: one flipped bit can do anything. So
each file begins with the SHA-256 of the rest, and is loaded only if that matches. A file that
others can write to is not loaded either, see trust.py.
"""

import hashlib
import logging
import os
import pickle
import secrets
from pathlib import Path
from typing import Any

from numba.core.caching import IndexDataCacheFile

from mnistlab.support.platform import system

logger = logging.getLogger("mnistlab")

DIGEST_BYTES = hashlib.sha256().digest_size


class CheckedCacheFile(IndexDataCacheFile):
    """The files of one function: an index of its signatures, and a file of code for each."""

    def _load_index(self) -> dict[Any, str]:
        content = _read(Path(self._index_path))
        if content is None:
            return {}
        stamp, overloads = pickle.loads(content)
        return overloads if stamp == self._source_stamp else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        _write(Path(self._index_path), self._dump((self._source_stamp, overloads)))

    def _load_data(self, name: str) -> Any:
        content = _read(Path(self._data_path(name)))
        if content is None:
            raise FileNotFoundError(name)  # tells numba to compile it
        return pickle.loads(content)

    def _save_data(self, name: str, data: Any) -> None:
        _write(Path(self._data_path(name)), self._dump(data))


def check_cache_of(function: Any) -> None:
    """Make a compiled function, created with `cache=True`, use checked files."""
    cache = function._cache
    # Before it loads code, numba imports and registers all functions that it can compile, for a
    # fifth of a second. Code that is loaded needs none of them, and compilation asks for them anew.
    cache.load_overload = cache._load_overload
    cache._cache_file = CheckedCacheFile(
        cache_path=cache._cache_path,
        filename_base=cache._impl.filename_base,
        source_stamp=cache._impl.locator.get_source_stamp(),
    )


def _read(path: Path) -> bytes | None:
    """The content of a file; None if it is missing or, with a warning, if it is damaged."""
    try:
        with path.open("rb") as file:
            why, stored = system.distrust(os.fstat(file.fileno())), file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.warning("%s: cannot be read (%s); compiling again", path, error.strerror)
        return None
    if why is not None:
        logger.warning("%s: %s; compiling again", path, why)
        return None
    digest, content = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        logger.warning("%s: damaged cache; compiling again, which takes some seconds", path)
        return None
    return content


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically, with its digest in front; warn if that fails."""
    temporary = path.with_name(f"{path.name}.tmp.{secrets.token_hex(8)}")
    try:
        temporary.touch(mode=0o600)
        temporary.write_bytes(hashlib.sha256(content).digest() + content)
        system.replace(temporary, path)
    except OSError as error:
        logger.warning("%s: cannot keep compiled code here (%s)", path.parent, error.strerror)
        try:
            temporary.unlink(missing_ok=True)
        except OSError as left:
            logger.warning("%s: is left behind (%s)", temporary, left.strerror)
