"""Asks the view as a browser does, without a socket, and folders for it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mnistlab.view.answers import Answers
from mnistlab.view.app import view_app
from mnistlab.view.library import Library, id_of
from mnistlab.view.security import Secret

PORT = 8000
HOST = f"127.0.0.1:{PORT}"


@dataclass(frozen=True)
class Told:
    """An answer of the view."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Visitor:
    """A view of a folder, and who asks it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.library = Library(folder)
        self.secret = Secret()
        self.app = view_app(self.library, self.secret, PORT, Answers(**options))

    def get(self, address: str, **asked: Any) -> Told:
        """What an address behind the token gives."""
        return self.ask(f"/{self.secret.token}/{address}", **asked)

    def runs(self, asked: str = "") -> Any:
        """The changed rows, after a new look at the folder."""
        self.library._looked = -10.0
        told = self.get(f"runs?{asked}")
        assert told.status == 200, told.body
        return told.document

    def ask(
        self,
        address: str,
        method: str = "GET",
        headers: tuple[tuple[str, str], ...] = (("host", HOST),),
        body: bytes = b"",
    ) -> Told:
        """What the whole address gives, escaped as it would be in a request."""
        raw, _, query = address.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", PORT),
        }
        return asyncio.run(self._asked(scope, body))

    async def _asked(self, scope: dict[str, Any], body: bytes) -> Told:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Told(sent[0]["status"], headers, content)


def id_in(folder: Path) -> str:
    """The id of a run's folder."""
    return id_of(folder.name)
