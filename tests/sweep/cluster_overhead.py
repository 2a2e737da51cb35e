"""What a trial costs in a sweep on a Dask cluster besides its training, in processor time.

`python tests/sweep/cluster_overhead.py [--trials N]` runs the same tiny trials by a worker of this
machine's own and by one of Dask's, and prints how much processor time each trial takes of every
process that all trials go through. Not seconds on the wall: this is what limits how many trials a
second a cluster can be given, and whatever else the machine does changes it little.
"""

import argparse
import os
import statistics
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from dask_processes import DaskProcesses
from sweep_helpers import records, sweep

from mnistlab.sweep.watch import SweepResult


def processor_seconds(pid: int) -> float:
    """What a process has used so far, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pause(result: SweepResult) -> float:
    """Seconds on the wall between a trial's end and the next one's begin, the median."""
    moment = datetime.fromisoformat
    trials = sorted((moment(r["started"]), moment(r["finished"])) for r in records(result).values())
    return statistics.median(
        (begun - ended).total_seconds() for (_, ended), (begun, _) in pairwise(trials)
    )


def measure(trials: int) -> dict[str, list[float]]:
    """Milliseconds for each trial, without a cluster and with one."""
    seeds = f"seeds={trials}"
    with (
        tempfile.TemporaryDirectory() as scratch,
        DaskProcesses(Path(scratch) / "dask", 1) as dask,
    ):
        folder = Path(scratch)
        # What is done once: compiling, importing, waiting for the worker.
        sweep(folder, "seeds=2", workers=1, scheduler=dask.address)
        processes = {
            "the sweep's process": os.getpid(),
            "Dask's scheduler": dask.scheduler.pid,
            "Dask's worker": dask.workers[0].pid,
        }
        used, pauses = [], []
        for scheduler in (None, dask.address):
            before = [processor_seconds(pid) for pid in processes.values()]
            result = sweep(folder, seeds, workers=1, scheduler=scheduler)
            after = [processor_seconds(pid) for pid in processes.values()]
            used.append([(y - x) / trials for x, y in zip(before, after, strict=True)])
            pauses.append(pause(result))
    told = dict(zip(processes, zip(*used, strict=True), strict=True))
    told["from a trial's end to the next one's begin, on the wall"] = tuple(pauses)
    return {name: [1000 * seconds for seconds in pair] for name, pair in told.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    count = parser.parse_args().trials
    began = time.perf_counter()
    print(f"milliseconds for each of {count} trials: without a cluster, with one")
    for name, (without, with_one) in measure(count).items():
        print(f"  {name}: {without:.1f}, {with_one:.1f}")
    print(f"measured in {time.perf_counter() - began:.0f} s")
