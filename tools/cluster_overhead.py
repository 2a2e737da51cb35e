"""Measures a trial's cost in a sweep on a Dask cluster besides its training, in processor time.

`python -m tools.cluster_overhead [--trials N]` runs the same tiny trials with a local worker and
with a Dask worker, and prints the processor time per trial of every process that all trials pass
through. Processor time limits how many trials per second a cluster can handle, and depends little
on the machine's load, unlike wall time.
"""

import argparse
import os
import queue
import statistics
import tempfile
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from distributed import Client, get_worker

from mnistlab.sweeps.sweep_callbacks import SweepResult
from tools.dask_processes import DaskProcesses
from tools.short_sweeps import records, sweep

PROCESSES = ("the sweep's process", "Dask's scheduler", "Dask's worker")


def processor_seconds(pid: int) -> float:
    """The processor seconds of a process so far, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def used_by(dask: DaskProcesses) -> list[float]:
    """The processor seconds of PROCESSES so far."""
    pids = (os.getpid(), dask.scheduler.pid, dask.workers[0].pid)
    return [processor_seconds(pid) for pid in pids]


def pause(result: SweepResult) -> float:
    """The median wall time in seconds from a trial's end to the next one's begin."""
    moment = datetime.fromisoformat
    trials = sorted((moment(r["started"]), moment(r["finished"])) for r in records(result).values())
    return statistics.median(
        (begun - ended).total_seconds() for (_, ended), (begun, _) in pairwise(trials)
    )


def tell(count: int) -> None:
    """Send `count` progress messages of trials, as a worker does."""
    worker = get_worker()
    for _ in range(count):
        worker.log_event("overhead", {"trial": "0123456789ab", "share": 0.5})


def of_trials(dask: DaskProcesses, folder: Path, trials: int) -> dict[str, list[float]]:
    """Seconds per trial, without a cluster and with one."""
    # Warm up: compile, import, and wait for the worker.
    sweep(folder, "seeds=2", workers=1, scheduler=dask.address)
    rows, pauses = [], []
    for scheduler in (None, dask.address):
        before = used_by(dask)
        result = sweep(folder, f"seeds={trials}", workers=1, scheduler=scheduler)
        rows.append([(y - x) / trials for x, y in zip(before, used_by(dask), strict=True)])
        pauses.append(pause(result))
    told = {name: list(pair) for name, pair in zip(PROCESSES, zip(*rows, strict=True), strict=True)}
    return {**told, "from a trial's end to the next one's begin, on the wall": pauses}


def of_reports(dask: DaskProcesses, count: int) -> dict[str, float]:
    """Seconds per report of a trial's progress."""
    heard: queue.SimpleQueue = queue.SimpleQueue()
    with Client(dask.address, set_as_default=False) as client:
        client.subscribe_topic("overhead", heard.put)
        before = used_by(dask)
        client.submit(tell, count).result()
        for _ in range(count):
            heard.get(timeout=600)
        used = zip(before, used_by(dask), strict=True)
        return {n: (y - x) / count for n, (x, y) in zip(PROCESSES, used, strict=True)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--reports", type=int, default=5000)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        DaskProcesses(Path(scratch) / "dask", 1) as processes,
    ):
        print(f"milliseconds for each of {options.trials} trials: without a cluster, with one")
        for name, pair in of_trials(processes, Path(scratch), options.trials).items():
            print(f"  {name}: {1000 * pair[0]:.1f}, {1000 * pair[1]:.1f}")
        print("milliseconds for each report of a trial's progress")
        for name, seconds in of_reports(processes, options.reports).items():
            print(f"  {name}: {1000 * seconds:.2f}")
