"""The view as a process: its socket, its address, the browser, its end."""

import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from mnistlab.store.browse.found import is_run_or_sweep, is_sweep
from mnistlab.store.report_dir import is_reproduction
from mnistlab.support.errors import UsageError
from mnistlab.support.links import resolved
from mnistlab.support.platform import system
from mnistlab.support.signals import stopping_signals
from mnistlab.view.answers import Answers
from mnistlab.view.app import view_app
from mnistlab.view.library import Library, id_of
from mnistlab.view.security import App, Secret

LOOPBACK = "127.0.0.1"
WAITING = 512  # connections that wait to be accepted
PATIENCE = 2  # seconds for answers that are under way at the end


def serve(
    runs: Path,
    *,
    port: int,
    tell_address: Callable[[str], None],
    opens_browser: bool,
    **options: Any,
) -> None:
    """Serve the view of a folder of runs until a signal stops the process, which then has its usual
    effect. `port` 0 is any free one. Of a single run, the folder around it is shown, and the run is
    chosen. `options` are those of Answers.

    Raises UsageError if there is no such folder, or if the port is in use.
    """
    folder, chosen = _folder_of(runs)
    listening = _listening(port)
    port = listening.getsockname()[1]
    secret = Secret()
    app = view_app(Library(folder), secret, port, Answers(**options))
    address = f"http://{LOOPBACK}:{port}/{secret.token}/"
    if chosen is not None:
        address += f"#run={chosen}"
    tell_address(address)
    if opens_browser:
        # The socket listens already: the browser waits until its request is answered.
        threading.Thread(target=_open, args=(address,), daemon=True).start()
    Server(settings(app)).run(sockets=[listening])


def settings(app: App) -> uvicorn.Config:
    """The server's settings: as little as the view needs, and quiet."""
    return uvicorn.Config(
        app,
        interface="asgi3",
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=PATIENCE,
    )


class Server(uvicorn.Server):
    """The library's server, which a closed terminal ends, too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Any stopping signal ends the serving, and has its usual effect after it.

        An exception that a signal's handler raises would not do: if it is raised while the server
        answers a request, the server takes it for that request's failure, and goes on.
        """
        received: list[signal.Signals] = []

        def stop(number: int, _: Any) -> None:
            received.append(signal.Signals(number))
            self.should_exit = True

        others = [number for number in stopping_signals() if number not in HANDLED_SIGNALS]
        before = {number: signal.signal(number, stop) for number in others}
        try:
            with super().capture_signals():
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        for number in received:
            signal.raise_signal(number)


def _folder_of(runs: Path) -> tuple[Path, str | None]:
    """The folder to show, and the id of the run that was named, if it is a single one."""
    folder = resolved(runs)
    if not folder.is_dir():
        raise UsageError(f"{runs}: there is no such folder")
    if is_run_or_sweep(folder) and not is_sweep(folder) and not is_reproduction(folder):
        return folder.parent, id_of(folder.name)
    return folder, None


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if system.PORTS_WAIT:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen(WAITING)
    except OSError as error:
        listening.close()
        raise UsageError(f"--port {port}: cannot be used: {error.strerror}") from error
    return listening


def _open(address: str) -> None:
    if system.has_screen():  # else a browser for terminals would take this one
        webbrowser.open(address)
