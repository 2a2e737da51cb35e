"""Messages between a sweep and its workers: JSON, one per line, over a socket."""

import json
import socket
from contextlib import suppress
from typing import Any


class Channel:
    """One end of a socket. The process at the other end may be gone at any time."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._rest = b""

    def send(self, **message: Any) -> None:
        """Send a message. If the other end is closed, the message is lost: `receive` reports the
        closed end, and no trial should fail because of it.
        """
        with suppress(ConnectionError):
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """The complete messages that have come; waits for data. None if the other end is closed."""
        try:
            received = self.socket.recv(1 << 16)
        except ConnectionError:
            return None
        if not received:
            return None
        *lines, self._rest = (self._rest + received).split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        """Close the socket: the other end notices at once."""
        self.socket.close()
