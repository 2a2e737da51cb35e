"""The three libraries, each in a process of its own that lives as long as its training."""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# A library's threads spin for some milliseconds after their work; nobody is timed meanwhile.
PAUSE_SECONDS = 0.3


@dataclass(frozen=True)
class Library:
    """A program that trains: `module` is run, if `package` is installed."""

    name: str
    module: str
    package: str
    install: str


LIBRARIES = {
    "torch": Library("PyTorch", "benchmarks.peer_torch", "torch", "pip install torch==2.13.0"),
    "jax": Library("JAX", "benchmarks.peer_jax", "jax", "pip install jax jaxlib"),
    "mnistlab": Library("mnistlab", "benchmarks.peer_mnistlab", "mnistlab", "pip install ."),
}


def installed(names: list[str]) -> list[str]:
    """Those of the libraries that are there; a word on stderr for each that is not."""
    found = []
    for name in names:
        library = LIBRARIES[name]
        if importlib.util.find_spec(library.package) is None:
            print(f"{library.name} skipped: not installed ({library.install})", file=sys.stderr)
        else:
            found.append(name)
    return found


class PeerError(Exception):
    """A peer's process ended before it answered; what it said is on stderr."""


class PeerProcess:
    """One training in a process, led by lines; see `benchmarks.serve`."""

    def __init__(
        self, library: str, work: str, threads: int, overrides: Sequence[str] = ()
    ) -> None:
        self.library, self.threads = library, threads
        command = [sys.executable, "-m", LIBRARIES[library].module, work, "--threads", str(threads)]
        command += [f"--set={override}" for override in overrides]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.started = self._answer()

    @property
    def key(self) -> str:
        """Its name in results: the library and its threads."""
        return f"{self.library}-{self.threads}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, line: str) -> dict[str, Any]:
        """The peer's answer to a line; raises PeerError where it ends instead."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # no answer comes then, and that says it
        return self._answer()

    def train(self, epochs: int) -> list[float]:
        """Seconds of each of so many epochs more, after a pause for the others' threads."""
        time.sleep(PAUSE_SECONDS)
        seconds: list[float] = self.ask(f"train {epochs}")["seconds"]
        return seconds

    def close(self) -> None:
        """End the process, whatever it is at."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.close()
            status = self._process.returncode
            raise PeerError(f"{LIBRARIES[self.library].name} ended with {status}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def running(
    peers: Sequence[tuple[str, int]], work: str, overrides: Sequence[str] = ()
) -> Iterator[list[PeerProcess]]:
    """A process for each (library, threads), all on the same work; ended when it is done."""
    with ExitStack() as stack:
        processes = []
        for library, threads in peers:
            processes.append(PeerProcess(library, work, threads, overrides))
            stack.callback(processes[-1].close)
        yield processes


def in_turns(
    processes: Sequence[PeerProcess], epochs: int, rounds: int, name: str
) -> dict[str, list[float]]:
    """Each one's seconds per epoch in every round: the mean of the `epochs` of its turn.

    The first epoch of each is dropped. `name` stands for the work on stderr.
    """
    turns: dict[str, list[float]] = {peer.key: [] for peer in processes}
    for peer in processes:
        peer.train(1)
    for number in range(rounds):
        for peer in processes:
            turns[peer.key].append(statistics.fmean(peer.train(epochs)))
        told = ", ".join(f"{key} {seconds[-1]:.3f} s" for key, seconds in turns.items())
        print(f"{name}, round {number + 1}: {told}", file=sys.stderr)
    return turns
