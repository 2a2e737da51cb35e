"""Who may ask the view, and what a page that it serves may do.

The address has a random token, so that no other user of this machine and no other page can ask. The
header Host must be this machine's, so that no name of a stranger's leads here (DNS rebinding).
Pages of run folders may come from a stranger: they have a key of their own, which opens the pages
of their own folder alone, and their policy lets them neither ask nor send anything.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mnistlab.support.errors import UsageError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ANSWER = "answer"  # the only address that takes POST; it changes nothing
PAGES = "pages"
OWN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Of a page in a run's folder: scripts run, but without an origin, and nothing can be asked.
FOREIGN_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": OWN_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Secret:
    """The token of one view, and the keys that are made of it."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)

    def page_key(self, entry: str) -> str:
        """The key to the pages of one run or sweep, by its id."""
        return hmac.new(self.token.encode(), entry.encode(), hashlib.sha256).hexdigest()[:32]

    def allows(self, path: str) -> bool:
        """Whether an address begins with the token, or with the key to a folder's pages."""
        first, *rest = path.removeprefix("/").split("/")
        if first != PAGES:
            return hmac.compare_digest(first.encode(), self.token.encode())
        if len(rest) < 2:
            return False
        return hmac.compare_digest(rest[1].encode(), self.page_key(rest[0]).encode())


class Guard:
    """Passes the allowed requests to an app, and adds HEADERS to every answer."""

    def __init__(self, app: App, secret: Secret, port: int) -> None:
        self.app = app
        self.secret = secret
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise UsageError(f"view: found a request of type {scope['type']!r}, expected http")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                missing = [(name, value) for name, value in added if name not in given]
                message = {**message, "headers": [*message["headers"], *missing]}
            await send(message)

        refused = self.refusal(scope)
        if refused is None:
            await self.app(scope, receive, send_with_headers)
            return
        status, why = refused
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send_with_headers(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        await send({"type": "http.response.body", "body": f"{why}\n".encode()})

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the reason, if a request is refused."""
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value.decode("latin-1"))
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return 421, "This is the view of mnistlab on the machine itself: the host is wrong."
        if not self.secret.allows(scope["path"]):
            return 403, "Open the whole address that `mnistlab view` printed: it has a token."
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST" or scope["path"] != f"/{self.secret.token}/{ANSWER}":
            return 405, "The view only reads."
        origins = headers.get(b"origin", [])
        if any(origin != f"http://{hosts[0]}" for origin in origins):
            return 403, "Only the view's own pages may ask the network."
        return None
