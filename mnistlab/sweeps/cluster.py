"""Trains trials on other machines through Dask, and moves their folders into the sweep's.

Dask is only the transport. The sweep's folder records what is done and what remains: if the
scheduler, a worker or this process is lost, only trials in progress are lost.
"""

import queue
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from mnistlab.store.locks import RunInUseError, only_process
from mnistlab.store.run_dir import RunDir
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support import durable
from mnistlab.support.host import deciding_versions
from mnistlab.sweeps import remote
from mnistlab.sweeps.claims import DamagedError, discard, new_claim, pack, replace_folder, unpack
from mnistlab.sweeps.executors import Advanced, Busy, Died, Ended, Fatal, Report, Task, Warned
from mnistlab.sweeps.scheduler import Cluster, refuse_unsafe

SECONDS_BETWEEN_LOOKS = 0.01
SECONDS_BETWEEN_COUNTS = 1.0  # of the cluster's workers, whose number changes
SECONDS_ALONE = 10.0  # without a worker, before a message
SECONDS_TO_STOP = 15.0
# Progress messages pass through the scheduler, which has other work, so their rate is limited.
SECONDS_BETWEEN_SHARES = 2.0  # of one trial
MOST_SHARES_A_SECOND = 100.0  # of all trials
RESUME = "`mnistlab resume` resumes the trials that were running"


class ClusterExecutor:
    """Gives trials to the workers of a Dask cluster, one to each of their threads.

    Its user holds `only_sweeper`, and so is the only writer in the trials' folders.
    """

    trains_together = False

    def __init__(self, cluster: Cluster, sweep_dir: SweepDir, data_dir: Path) -> None:
        from distributed import as_completed

        self.cluster = cluster
        self.client = cluster.client
        self.data_dir = data_dir
        self.claims = sweep_dir.claims
        self.token = secrets.token_hex(8)
        self.workers = 0
        self._submitted = 0
        # By Dask's key. Dask keeps results only for futures that are referenced here.
        self._running: dict[str, tuple[Task, Any]] = {}
        self._ended = as_completed(loop=self.client.loop, with_results=True, raise_errors=False)
        self._told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._counted = 0.0
        self._alone_since: float | None = None

    def __enter__(self) -> Self:
        discard(self.claims)
        self.claims.mkdir(exist_ok=True)
        # A worker that finds this file sees the sweep's folder, and not another one of the same
        # name.
        durable.write_file(self.claims / self.token, "")
        self.client.subscribe_topic(
            remote.topic(self.token), lambda event: self._told.put(event[1])
        )
        return self

    def __exit__(self, *raised: Any) -> None:
        # Running tasks are not waited for: a worker notices that its result is not wanted.
        self._running.clear()
        self._ended.clear()
        discard(self.claims)

    def start(self, count: int) -> None:
        """Nothing to do: the workers exist, or will come."""

    def has_room(self) -> bool:
        if time.monotonic() - self._counted > SECONDS_BETWEEN_COUNTS:
            self._count_workers()
        return len(self._running) < self.workers

    def _count_workers(self) -> None:
        """The number of trials that the workers can train; raises UsageError for an unsafe
        worker.
        """
        # If there is no scheduler any more, `reports` reports it.
        with suppress(OSError):
            threads = self.client.nthreads()
            for address in threads:
                refuse_unsafe(self.cluster.address, "a worker", address)
            there = sum(threads.values())
            self.workers = min(there, self.cluster.most or there)
        self._counted = time.monotonic()

    def submit(self, *tasks: Task) -> None:
        for task in tasks:
            self._submit(task)

    def _submit(self, task: Task) -> None:
        self._submitted += 1
        sender = remote.Sender(
            token=self.token,
            claims=self.claims,
            data_dir=self.data_dir,
            versions=deciding_versions(),
            seconds_between_shares=max(SECONDS_BETWEEN_SHARES, self.workers / MOST_SHARES_A_SECOND),
        )
        key = f"trial-{task.trial}-{self.token}-{self._submitted}"
        files = pack(task.run_dir)
        future = self.client.submit(remote.run_trial, task, files, sender, key=key, pure=False)
        self._running[key] = (task, future)
        self._ended.add(future)

    def reports(self, timeout: float) -> list[Report]:
        until = time.monotonic() + timeout
        while not self._ended.has_ready() and self._told.empty() and time.monotonic() < until:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        ended = self._ended.next_batch(block=False)
        # After the results, because a lost connection makes all trials look cancelled.
        if self.client.status != "running":
            return [Fatal(f"the scheduler at {self.cluster.address} is gone: {RESUME}", 1)]
        return [*self._news(), *(self._taken_back(*one) for one in ended)]

    def _news(self) -> Iterator[Report]:
        """Workers' messages about trials in progress, and a warning if there is no worker."""
        running = {task.trial for task, _ in self._running.values()}
        while not self._told.empty():
            message = self._told.get()
            if "warning" in message:
                yield Warned(message["warning"])
            elif message["trial"] in running:
                yield Advanced(message["trial"], message["share"])
        if self.workers:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > SECONDS_ALONE:
            self._alone_since = float("inf")
            yield Warned(f"no worker is at {self.cluster.address}; the trials wait for one")

    def _taken_back(self, future: Any, result: Any) -> Report:
        """The report of a trial that Dask has finished."""
        task, _ = self._running.pop(future.key)
        if isinstance(result, CancelledError):
            return Died(task.trial, "with the connection to it")
        if future.status != "finished":
            kind, error, _ = result
            return Died(task.trial, f"with {kind.__name__}: {error}")
        report: Report = result
        if not isinstance(report, remote.Returned):
            return report
        try:
            self._take_in(task, report)
        except RunInUseError:
            return Busy(task.trial)
        except (DamagedError, FileNotFoundError) as error:
            return Died(task.trial, f"after it was done: {error} (on {report.worker})")
        return Ended(task.trial)

    def _take_in(self, task: Task, returned: remote.Returned) -> None:
        """Replace the trial's folder by the one that a worker has returned."""
        name = task.run_dir.name
        with only_process(RunDir(task.run_dir)):
            if returned.files is None:
                claim = self.claims / str(returned.claim)
            else:
                claim = new_claim(self.claims, name)
                unpack(returned.files, claim)
            replace_folder(claim, task.run_dir, self.claims, name)

    def stop(self) -> None:
        if not self._running or self.client.status != "running":
            return
        # A worker that hangs would not answer, and is not waited for.
        threading.Thread(target=self._tell_workers_to_stop, daemon=True).start()
        until = time.monotonic() + SECONDS_TO_STOP
        while self._running and time.monotonic() < until and self.client.status == "running":
            self.reports(0.1)

    def _tell_workers_to_stop(self) -> None:
        # The connection may be closed during the call: workers not reached notice that by
        # themselves.
        with suppress(OSError, CancelledError):
            self.client.run(remote.stop_sweep, self.token, on_error="ignore")
