"""Messages between a sweep and its workers: JSON, a line each, over a socket."""

import json
import socket
from contextlib import suppress
from typing import Any


class Channel:
    """One end of a socket. Whoever is at the other may be gone at any time."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._rest = b""

    def send(self, **message: Any) -> None:
        """Send a message. It is lost where nobody is there any more to read it: whoever reads at
        this end finds that out, and no trial is to fail for it.
        """
        with suppress(ConnectionError):
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """The messages that have come whole, waiting for some bytes; None at the other's end."""
        try:
            received = self.socket.recv(1 << 16)
        except ConnectionError:
            return None
        if not received:
            return None
        *lines, self._rest = (self._rest + received).split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        """Hang up: the other end finds out at once."""
        self.socket.close()
