"""Small datasets, and a mirror on loopback that can misbehave."""

import gzip
import hashlib
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from mnistlab.data.arrays import Arrays
from mnistlab.data.idx import header
from mnistlab.data.known_files import KnownFile
from mnistlab.data.source import Source
from mnistlab.data.source_kinds import PublishedFiles

ROLES = Arrays._fields
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def small_arrays(train: int = 12, test: int = 6, side: int = 5, classes: int = 3) -> Arrays:
    """Images of random pixels, with the labels 0, 1, … in turn."""
    rng = np.random.default_rng(7)
    return Arrays(
        rng.integers(0, 256, (train, side, side), dtype=np.uint8),
        np.arange(train, dtype=np.uint8) % classes,
        rng.integers(0, 256, (test, side, side), dtype=np.uint8),
        np.arange(test, dtype=np.uint8) % classes,
    )


def idx_bytes(array: np.ndarray) -> bytes:
    return header(array.shape) + array.tobytes()


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def write_folder(folder: Path, arrays: Arrays, *, gzipped: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(NAMES, arrays, strict=True):
        content = idx_bytes(array)
        path = folder / (f"{name}.gz" if gzipped else name)
        path.write_bytes(packed(content) if gzipped else content)
    return folder


def toy_dataset(
    arrays: Arrays, mirrors: tuple[str, ...] = (), *, checksum: str = "sha256"
) -> PublishedFiles:
    """A dataset named `toy`, with the checksums of the given arrays."""
    files = []
    for role, array in zip(ROLES, arrays, strict=True):
        content = idx_bytes(array)
        if checksum == "sha256":
            value = hashlib.sha256(content).hexdigest()
            files.append(KnownFile(role, array.shape, sha256=value))
        else:
            value = hashlib.md5(packed(content)).hexdigest()
            files.append(KnownFile(role, array.shape, gz_md5=value))
    return PublishedFiles(
        name="toy",
        description="a toy",
        class_names=("a", "b", "c"),
        files=tuple(files),
        mirrors=mirrors,
    )


def source_of(arrays: Arrays, classes: int = 3) -> Source:
    names = tuple("abcdefghij"[:classes])
    return Source("toy", *arrays, class_names=names, sha256="0" * 64)


class Mirror:
    """A server on 127.0.0.1 with the four files, which answers as `behaviour` says."""

    def __init__(self, arrays: Arrays, behaviour: "Behaviour") -> None:
        self.files = {f"{n}.gz": packed(idx_bytes(a)) for n, a in zip(NAMES, arrays, strict=True)}
        self.requests: list[str] = []
        self.released = threading.Event()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                name = self.path.rsplit("/", 1)[-1]
                mirror.requests.append(name)
                self.close_connection = True
                behaviour(self, mirror, mirror.files[name])

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                pass  # the client closed the connection, which is tested

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self.thread.start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


Behaviour = Callable[[BaseHTTPRequestHandler, Mirror, bytes], None]


def _send(handler: BaseHTTPRequestHandler, body: bytes, length: int | None, status: int = 200):
    handler.send_response(status)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()


def good(handler, mirror, content):
    _send(handler, content, len(content))


def slow(handler, mirror, content):
    time.sleep(0.5)
    _send(handler, content, len(content))


def cut(handler, mirror, content):
    _send(handler, content[: len(content) // 2], len(content))


def cut_without_length(handler, mirror, content):
    _send(handler, content[: len(content) // 2], None)


def short_length(handler, mirror, content):
    half = len(content) // 2
    _send(handler, content[:half], half)


def silent(handler, mirror, content):
    mirror.released.wait(20)


def stalled(handler, mirror, content):
    _send(handler, content[:10], len(content))
    mirror.released.wait(20)


def dripping(handler, mirror, content):
    _send(handler, b"", 10_000)
    while not mirror.released.wait(0.02):
        handler.wfile.write(b"\0")
        handler.wfile.flush()


def endless(handler, mirror, content):
    _send(handler, b"", None)
    while not mirror.released.is_set():
        handler.wfile.write(bytes(1 << 16))


def web_page(handler, mirror, content):
    page = b"<!DOCTYPE html><html><body>Log in to the network</body></html>"
    _send(handler, page, len(page))


def not_found(handler, mirror, content):
    _send(handler, b"no", 2, 404)


def broken(handler, mirror, content):
    _send(handler, b"no", 2, 500)


def empty(handler, mirror, content):
    _send(handler, b"", 0)


def other_content(handler, mirror, content):
    plain = bytearray(gzip.decompress(content))
    plain[-1] ^= 1
    _send(handler, packed(bytes(plain)), None)


def other_size(handler, mirror, content):
    other = packed(idx_bytes(np.zeros((2, 2, 2), dtype=np.uint8)))
    _send(handler, other, len(other))


def flipped(handler, mirror, content):
    wrong = bytearray(content)
    wrong[len(wrong) // 2] ^= 0x10
    _send(handler, bytes(wrong), len(wrong))


def trailing(handler, mirror, content):
    _send(handler, packed(gzip.decompress(content) + b"\1"), None)


def gibberish(handler, mirror, content):
    handler.wfile.write(b"\0\1\2 this is no HTTP\r\n\r\n")


def circular(handler, mirror, content):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.send_header("Connection", "close")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


# The behaviours, and a part of the message to the user.
MISBEHAVIOURS: dict[str, tuple[Behaviour, str]] = {
    "cuts": (cut, "ended after"),
    "cuts without stating a length": (cut_without_length, "truncated"),
    "states a length too short": (short_length, "truncated"),
    "never answers": (silent, "silent for"),
    "stalls half-way": (stalled, "silent for"),
    "drips": (dripping, "bytes in"),
    "never ends": (endless, "sent more than"),
    "answers with a web page": (web_page, "a web page"),
    "answers 404": (not_found, "answered 404"),
    "answers 500": (broken, "answered 500"),
    "sends nothing": (empty, "an empty one"),
    "sends other content": (other_content, "SHA-256"),
    "sends another size": (other_size, "expected"),
    "sends a flipped bit": (flipped, "found"),
    "sends a byte too many": (trailing, "found more"),
    "speaks no HTTP": (gibberish, "cannot be reached, or hung up"),
    "redirects for ever": (circular, "redirects"),
}
