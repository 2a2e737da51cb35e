"""Kill a sweep's Dask workers, its client and its scheduler with -9, resume, compare the bits.

`python -m tools.cluster_kill_rounds --kills 12` does it to a sweep of 60 trials on a
scheduler and three workers of this machine; the test in
tests/sweeps/test_cluster.py does it to a small one.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.dask_processes import DaskProcesses
from tools.sweep_kill_rounds import GRID, Report, Sweep, kill_and_compare, main, undisturbed

SECONDS_TO_DIE = 20.0
KINDS = ("worker", "client", "scheduler")


def _kill(sweep: Sweep, dask: DaskProcesses, kind: str, chance: random.Random, report: Report):
    """Kill one of these, check the rest of the cluster, and start a replacement."""
    assert sweep.process is not None
    assert dask.scheduler is not None
    report.kills[kind] = report.kills.get(kind, 0) + 1
    if kind == "worker":
        dask.kill(chance.choice(dask.workers))
    elif kind == "client":
        sweep.process.kill()
        sweep.finish()
    else:
        dask.kill(dask.scheduler)
        code, error = sweep.finish()
        # A trial that had just begun may not have received it.
        gone = (
            code == 1 and "is gone: `mnistlab resume` resumes the trials that were running" in error
        )
        if not gone and not (code == 2 and "no scheduler answers" in error):
            report.faults.append(f"without a scheduler the sweep ended with {code}: {error[-500:]}")
    dask.start()


def rounds(
    kills: int,
    values: Sequence[str] = GRID,
    seed: int = 0,
    spread: float = 0.5,
    workers: int = 3,
) -> Report:
    """Kill parts of a sweep `kills` times over this share of its duration, and let it end.

    The result is compared with the same sweep on this machine's own workers.
    """
    report, chance = Report(), random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        wanted, seconds = undisturbed(Path(scratch), values)
        pauses = [chance.uniform(0, spread * seconds / kills) for _ in range(kills)]
        with DaskProcesses(Path(scratch) / "dask", workers) as dask:
            sweep = Sweep(Path(scratch) / "killed", values, ("--scheduler", dask.address))
            kill_and_compare(
                sweep,
                pauses,
                lambda n: _kill(sweep, dask, KINDS[n % 3], chance, report),
                wanted,
                report,
            )
        if (sweep.path / ".claims").exists():
            report.faults.append("claims were left behind")
        deadline = time.monotonic() + SECONDS_TO_DIE
        while (left := sweep.workers()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if left:
            report.faults.append(f"{len(left)} processes alive {SECONDS_TO_DIE} s after Dask's")
    return report


if __name__ == "__main__":
    main(rounds, __doc__, kills=12, what=("carried_on",))
