"""`mnistlab view` in a process of its own."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

PACKAGE_PARENT = str(Path(__file__).parents[2])
SECONDS = 1200  # of patience, also with a machine that stands still for a while


@dataclass(frozen=True)
class Running:
    """The process and the address that it printed."""

    process: subprocess.Popen[str]
    address: str

    def get(self, address: str, host: str | None = None) -> tuple[int, bytes]:
        """The status and the body of an address behind the token."""
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
        try:
            connection.request("GET", parts.path + address, headers={"Host": host or parts.netloc})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def viewing(runs: Path, *options: str) -> Iterator[Running]:
    """The view of a folder; it is ended at the end, if it has not ended before."""
    paths = [PACKAGE_PARENT, os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "mnistlab", "view", str(runs), "--no-browser", *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # The tests may run where it is ignored, as behind nohup; the view would ignore it, too.
        preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        assert line.startswith("http://127.0.0.1:"), process.communicate()
        yield Running(process, line)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
