"""Runs a Dask scheduler and its workers as local processes that can be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

SECONDS_TO_END = 10.0


class DaskProcesses:
    """A cluster on the loopback interface; `folder` has its logs and its workers' scratch."""

    def __init__(
        self,
        folder: Path,
        workers: int = 3,
        *,
        protocol: str = "tcp",
        threads: int = 1,
        settings: dict[str, str] | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.count = workers
        self.threads = threads
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"{protocol}://127.0.0.1:{free.getsockname()[1]}"
        # No worker is lost because the machine was busy or suspended.
        patience = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "None"}
        self.environment = {**os.environ, **patience, **(settings or {})}
        self.scheduler: subprocess.Popen | None = None
        self.workers: list[subprocess.Popen] = []
        self._log = (folder / "log.txt").open("wb")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()
        self._log.close()

    def start(self) -> None:
        """Start the processes that are not alive. Workers wait for their scheduler, clients for
        both.
        """
        if self.scheduler is None or self.scheduler.poll() is not None:
            self._end_workers()
            port = self.address.rpartition(":")[2]
            self.scheduler = self._run("dask_scheduler", "--port", port)
            self.workers = self._alive()
        while len(self._alive()) < self.count:
            self.add_worker()
        self._wait_for_the_scheduler()

    def _end_workers(self) -> None:
        """End the workers. They end by themselves if their scheduler is gone, unless they wait for
        one.

        A worker that is about to end must not count as alive: it would not be replaced.
        """
        for worker in self._alive():
            try:
                worker.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self.kill(worker)

    def add_worker(self) -> subprocess.Popen:
        more = ("--no-nanny", "--nthreads", str(self.threads), "--memory-limit", "0")
        scratch = ("--local-directory", str(self.folder))
        worker = self._run("dask_worker", self.address, *more, *scratch)
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        """Kill all processes."""
        for process in [self.scheduler, *self.workers]:
            if process is not None:
                process.kill()
                process.wait()

    def kill(self, process: subprocess.Popen) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    def _alive(self) -> list[subprocess.Popen]:
        return [worker for worker in self.workers if worker.poll() is None]

    def _run(self, module: str, *arguments: str) -> subprocess.Popen:
        where = ("--host", self.address.rpartition(":")[0], "--no-dashboard")
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments, *where],
            env=self.environment,
            stdout=self._log,
            stderr=self._log,
        )

    def _wait_for_the_scheduler(self) -> None:
        port = int(self.address.rpartition(":")[2])
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(f"no scheduler at {self.address}: see {self._log.name}")
