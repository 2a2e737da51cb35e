"""`mnistlab view` as a process: its address, many clients, its end; and what it refuses."""

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from browse_helpers import make_run, make_sweep
from view_helpers import id_in
from view_process import SECONDS, viewing

from mnistlab.cli.app import app
from mnistlab.cli.errors import StoppedError, interrupts
from mnistlab.view import server

CLIENTS = 50


@pytest.fixture
def runs(tmp_path):
    for number in range(5):
        make_run(tmp_path / "runs" / f"r{number}")
    make_sweep(tmp_path / "runs" / "s", ["finished"])
    return tmp_path / "runs"


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        app(["view", "--no-browser", *map(str, arguments)], prog_name="mnistlab")
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_view_cleanly(runs, number, code):
    with viewing(runs) as view:
        assert view.get("runs")[0] == 200
        view.process.send_signal(number)
        _, stderr = view.process.communicate(timeout=SECONDS)
        assert view.process.returncode == code
        assert "Traceback" not in stderr
        assert "stopped by" in stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_server_though_it_answers_a_request(number):
    async def app(scope, receive, send):
        signal.raise_signal(number)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"whole"})

    def ask():
        try:
            with suppress(HTTPError):
                bodies.append(urlopen(address).read())
        finally:
            running.should_exit = True  # a server that ignores the signal fails the test

    bodies, running = [], server.Server(server.settings(app))
    listening = server._listening(0)
    address = f"http://{server.LOOPBACK}:{listening.getsockname()[1]}/"
    client = Thread(target=ask)
    # The tests may run where it is ignored, as behind nohup.
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    client.start()
    try:
        with pytest.raises(StoppedError, match="stopped by"), interrupts():
            running.run(sockets=[listening])
    finally:
        signal.signal(number, before)
        client.join()
    assert bodies == [b"whole"]


def test_fifty_clients_are_all_answered(runs):
    with viewing(runs) as view, ThreadPoolExecutor(CLIENTS) as clients:
        asked = ["runs", "", f"run?id={id_in(runs / 'r1')}", f"curves?id={id_in(runs / 'r2')}"] * 3
        told = list(clients.map(lambda _: [view.get(address) for address in asked], range(CLIENTS)))
        assert all(status == 200 for each in told for status, _ in each)
        tables = {body for each in told for status, body in each[::4]}
        assert len(tables) == 1
        assert len(json.loads(tables.pop())["rows"]) == 6


def test_a_request_without_the_token_or_with_another_host_is_refused(runs):
    with viewing(runs) as view:
        assert view.get("runs")[0] == 200
        assert view.get("runs", host="evil.example")[0] == 421
        for outside in ("../runs", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd"):
            assert view.get(outside)[0] == 404


def test_the_view_listens_on_the_loopback_alone(runs, monkeypatch):
    listening = server._listening(0)
    try:
        assert listening.getsockname()[0] == "127.0.0.1"
    finally:
        listening.close()


def test_a_run_is_shown_with_the_others_around_it(runs):
    (runs / "latest").symlink_to("r3")
    with viewing(runs / "latest") as view:
        assert view.address.endswith(f"/#run={id_in(runs / 'r3')}")
        assert len(json.loads(view.get("runs")[1])["rows"]) == 6


def test_the_address_is_one_json_document(runs):
    script = "import sys; from mnistlab.cli.app import app; app(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "view", str(runs), "--no-browser", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        text = "".join(iter(process.stdout.readline, "}\n")) + "}"
        assert json.loads(text)["address"].startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=SECONDS)
        assert stdout == ""
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


def test_a_folder_that_is_not_there_is_named(capsys, tmp_path):
    assert f"{tmp_path / 'nope'}: there is no such folder" in refused(capsys, tmp_path / "nope")


def test_a_port_in_use_is_named(capsys, runs):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"--port {port}: cannot be used" in refused(capsys, runs, "--port", port)


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "anyio"])
def test_without_the_extra_the_command_says_how_to_install_it(capsys, runs, missing, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("mnistlab.view.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    said = refused(capsys, runs)
    assert "pip install 'mnistlab[view]'" in said
    assert missing in said


def test_no_browser_for_terminals_is_opened(monkeypatch):
    opened = []
    monkeypatch.setattr(server.webbrowser, "open", opened.append)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    server._open("http://127.0.0.1/")
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    server._open("http://127.0.0.1/")
    assert opened == ["http://127.0.0.1/"]
