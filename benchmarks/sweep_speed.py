"""How fast a sweep is: with 2 workers, with 1, and beside two processes that know of no sweep.

`python benchmarks/sweep_speed.py [SWEEP] [KEY=VALUE ...]` on a machine that does nothing else.
Default: the 27 runs of configs/sweeps/softmax-lr-lambda.yaml on real MNIST.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEFAULT = Path(__file__).parents[1] / "configs" / "sweeps" / "softmax-lr-lambda.yaml"
# What a worker is, without the sweep: a process of one thread that trains one run after the other.
ALONE = """
import sys
from pathlib import Path
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.train import train
from mnistlab.support import paths
from mnistlab.config import load_run_config
for config in sys.argv[2:]:
    options = RunOptions(data_dir=paths.data_dir(), threads=1)
    train(load_run_config(config), Path(sys.argv[1]), options, plots=False)
"""


def swept(arguments: list[str], runs: Path, workers: int) -> tuple[float, Path]:
    """Wall seconds of the whole command, and the sweep's folder."""
    command = [sys.executable, "-m", "mnistlab", "sweep", *arguments]
    options = ["--workers", str(workers), "--no-plots", "--quiet", "--runs-dir", str(runs)]
    began = time.perf_counter()
    done = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    return time.perf_counter() - began, Path(done.stdout.strip())


def independent(sweep: Path, runs: Path, processes: int) -> float:
    """Wall seconds of processes that train the same configurations, each its share of them."""
    configs = sorted(str(path) for path in sweep.glob("trials/*/config.yaml"))
    environment = {**os.environ, "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ALONE, str(runs), *configs[part::processes]], env=environment
        )
        for part in range(processes)
    ]
    if any(process.wait() for process in started):
        raise RuntimeError("an independent process failed")
    return time.perf_counter() - began


def main() -> None:
    arguments = sys.argv[1:] or [str(DEFAULT)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        swept(arguments, folder / "warm", 2)  # compiles, and reads the data into memory
        two, sweep = swept(arguments, folder / "two", 2)
        one, _ = swept(arguments, folder / "one", 1)
        apart = independent(sweep, folder / "apart", 2)
        records = [json.loads(path.read_text()) for path in sweep.glob("trials/*/run.json")]
    training = sum(record["seconds"]["train"] for record in records)
    inside = sum(record["seconds"]["total"] for record in records)
    count = len(records)
    print(f"{count} trials, 2 workers        {two:6.2f} s")
    print(f"{count} trials, 1 worker         {one:6.2f} s  ({one / two:.2f} times as long)")
    print(f"two processes without a sweep {apart:6.2f} s  ({apart / two:.2f} of its speed reached)")
    print(f"a trial: {1e3 * training / count:.0f} ms of training steps, and within its run")
    print(f"  {1e3 * (inside - training) / count:.0f} ms of evaluation, statistics and files;")
    outside = 2 * two - inside
    print(f"  outside of runs {1e3 * outside / count:.0f} ms a trial, start and end included")


if __name__ == "__main__":
    main()
