"""The addresses of the view and what each gives: JSON for its one page, and pages of runs."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from mnistlab.pages.page import rendered_template
from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.json_fields import as_json
from mnistlab.support.errors import LackingError, MnistlabError, UsageError
from mnistlab.support.run_weights import FINAL
from mnistlab.view.answers import Answers
from mnistlab.view.curves import curves_of, ranking_of
from mnistlab.view.documents import page_in, told_of
from mnistlab.view.library import Item, Library
from mnistlab.view.security import ANSWER, FOREIGN_POLICY, PAGES, App, Guard, Secret

MOST_CURVES = 50  # in one answer
MOST_IMAGE_BYTES = 1 << 20
HTML, CSS, SCRIPT = "text/html", "text/css", "text/javascript"
# The files of the page, by their names in an address; the last two are shared with a run's page.
STATIC = {
    "": ("view/static/page.html", HTML),
    **{
        f"{name}.js": (f"view/static/{name}.js", SCRIPT)
        for name in ("words", "chart", "listing", "entry", "view")
    },
    "view.css": ("view/static/view.css", CSS),
    "style.css": ("pages/templates/style.css", CSS),
    "try.css": ("pages/templates/try_it/style.css", CSS),
}


def view_app(library: Library, secret: Secret, port: int, answers: Answers) -> App:
    """The view of a folder of runs at a port of the loopback."""
    view = View(library, secret, answers)
    routes: list[BaseRoute] = [
        *(Route(f"/{name}", _static(*file)) for name, file in STATIC.items()),
        Route("/runs", view.runs),
        Route("/run", view.run),
        Route("/curves", view.curves),
        Route("/try", view.try_page),
        Route("/try.js", view.try_script),
        Route(f"/{ANSWER}", view.answer, methods=["POST"]),
    ]
    pages = Route(f"/{PAGES}/{{id}}/{{key}}/{{name:path}}", view.page)
    app = Starlette(
        routes=[pages, Mount(f"/{secret.token}", routes=routes)],
        exception_handlers={MnistlabError: _told, OSError: _told, HTTPException: _told},
    )
    return Guard(app, secret, port)


def _static(path: str, kind: str) -> Callable[[Request], Response]:
    file = files("mnistlab").joinpath(*path.split("/"))

    def static(request: Request) -> Response:
        return Response(file.read_bytes(), media_type=kind)

    return static


def _told(request: Request, error: Exception) -> Response:
    """An error as JSON: what was asked for cannot be given, and why."""
    if isinstance(error, HTTPException):
        return PlainTextResponse(f"{error.detail}\n", error.status_code)
    if isinstance(error, MnistlabError):
        status = 404 if isinstance(error, LackingError) else 400
        return _json({"errors": error.messages}, status)
    assert isinstance(error, OSError)
    return _json({"errors": [f"{error.filename}: {error.strerror}"]}, 400)


def _json(document: Any, status: int = 200) -> Response:
    # In ASCII, because the name of a folder may be no text.
    text = json.dumps(as_json(document), allow_nan=False)
    return Response(text, status, media_type="application/json")


class View:
    """The functions behind the addresses. Those that are no coroutines run in threads."""

    def __init__(self, library: Library, secret: Secret, answers: Answers) -> None:
        self.library = library
        self.secret = secret
        self.answers = answers
        # The engine answers one after the other; whoever waits for it holds up nobody else.
        self.engine = CapacityLimiter(1)

    def runs(self, request: Request) -> Response:
        """The rows that changed: of the folder of runs, or of the sweep `in`."""
        asked = request.query_params
        library = self.library.inside(asked["in"]) if asked.get("in") else self.library
        keys = None
        if "keys" in asked:
            keys = [key.strip() for key in asked["keys"].split(",") if key.strip()]
        since = _whole(asked.get("since", "0"))
        return _json(
            {"root": library.folder.name, **vars(library.changes(since, asked.get("where"), keys))}
        )

    def run(self, request: Request) -> Response:
        """All of one entry; of a sweep, its ranking, too."""
        id = request.query_params.get("id", "")
        item = self.library.find(id)
        told = told_of(item)
        if told.pop("hasPage"):
            first = id.partition(".")[0]
            inside = item.path.relative_to(self.library.find(first).path).as_posix()
            name = "report.html" if inside == "." else f"{inside}/report.html"
            told["page"] = f"/{PAGES}/{first}/{self.secret.page_key(first)}/{name}"
        if item.row["kind"] == "sweep":
            try:
                told["ranking"] = ranking_of(item.path)
            except UsageError as error:
                told["ranking_fault"] = str(error)
        return _json({"row": item.row, **told})

    def curves(self, request: Request) -> Response:
        """The curves of several runs, by id; of one that cannot be read, why."""
        found: dict[str, Any] = {}
        for id in request.query_params.getlist("id")[:MOST_CURVES]:
            try:
                found[id] = curves_of(self._run(id).path)
            except MnistlabError as error:
                found[id] = {"fault": str(error)}
        return _json(found)

    async def try_page(self, request: Request) -> Response:
        """The section "Try it" of a run with any of its weights."""
        id, weights = _asked(request)
        item = self._run(id)

        def page() -> bytes:
            told = told_of(item)
            values: dict[str, Any] = {"title": item.path.name, "id": id, "weights": weights}
            values |= {"all_weights": told["weights"], "missing": ""}
            try:
                section, step = self.answers.section(item.path, weights)
                values |= {"try_it": section, "step": step}
            except MnistlabError as error:
                values["missing"] = str(error)
            return rendered_template("try_it/served.html", values).encode(errors="backslashreplace")

        return HTMLResponse(await to_thread.run_sync(page, limiter=self.engine))

    async def try_script(self, request: Request) -> Response:
        """The scripts of the network on that page."""
        id, weights = _asked(request)
        path = self._run(id).path
        scripts = await to_thread.run_sync(self.answers.script, path, weights, limiter=self.engine)
        engine = files("mnistlab").joinpath("view", "static", "engine.js").read_text("utf-8")
        script = f'"use strict";\n{scripts}\n{engine}'
        return Response(script, media_type=SCRIPT)

    async def answer(self, request: Request) -> Response:
        """The engine's outputs for the pixels in the body."""
        id, weights = _asked(request)
        pixels = bytearray()
        async for part in request.stream():
            pixels += part
            if len(pixels) > MOST_IMAGE_BYTES:
                raise UsageError(f"the image has more than {MOST_IMAGE_BYTES:,} bytes")
        path = self._run(id).path
        answer = await to_thread.run_sync(
            self.answers.answer, path, weights, bytes(pixels), limiter=self.engine
        )
        return _json(answer)

    def page(self, request: Request) -> Response:
        """A page in the folder of a run or sweep: it may come from a stranger."""
        item = self.library.find(request.path_params["id"])
        content, kind = page_in(item.path, request.path_params["name"])
        return Response(
            content, media_type=kind, headers={"content-security-policy": FOREIGN_POLICY}
        )

    def _run(self, id: str) -> Item:
        item = self.library.find(id)
        if not isinstance(item.entry, RunSummary):
            raise LackingError(f"{item.path}: is no run that can be read")
        return item


def _asked(request: Request) -> tuple[str, str]:
    """The id of a run and the name of its weights."""
    asked = request.query_params
    return asked.get("id", ""), asked.get("weights") or FINAL


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise UsageError(f"since: found {text[:40]!r}, expected a whole number")
    return int(text)
