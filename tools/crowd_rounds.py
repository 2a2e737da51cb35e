"""Many `mnistlab train` at once: with cold caches, and fifty in one second.

`python -m tools.crowd_rounds --rounds 20` starts 16 processes on caches that are empty, 20
times, then fifty on warm ones, and prints the counts;
tests/reliability/test_crowd.py does a little of it.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONFIG = """\
name: crowd
data: {source: digits, train_limit: 100}
model: {type: mlp, hidden: [32, 16], dropout: 0.3}
optimizer: {type: adam, lr: 0.001}
training: {epochs: 2, batch_size: 8}
"""
QUIETLY = ("--json", "--no-plots", "--threads=1")
# Every fifth round trains half of them in float64: two kinds of code for the same functions.
MIXED_EVERY = 5
# Prints on stderr, at the command's end, the numbers of datasets decoded, functions compiled, and
# functions loaded.
LAUNCH = """
import atexit, gc, sys
from mnistlab.data import cache
load, made = cache.load, {"decoded": 0}
def counting(name, identity, decode):
    def counted():
        made["decoded"] += 1
        return decode()
    return load(name, identity, counted)
cache.load = counting
def tell():
    from numba.core.dispatcher import Dispatcher
    stats = [
        found.stats
        for found in gc.get_objects()
        if isinstance(found, Dispatcher) and found.py_func.__module__.startswith("mnistlab.")
    ]
    compiled = sum(sum(one.cache_misses.values()) for one in stats)
    loaded = sum(sum(one.cache_hits.values()) for one in stats)
    print(f"COUNTS {made['decoded']} {compiled} {loaded}", file=sys.stderr)
from mnistlab.cli.app import app
atexit.register(tell)  # before what the command itself does at exit
app(sys.argv[1:])
"""


@dataclass
class Crowd:
    """The results of many processes together."""

    processes: int
    compiled: int = 0  # processes that compiled the engine
    decoded: int = 0  # processes that decoded the dataset
    spread: float = 0.0  # seconds from the first start to the last
    faults: list[str] = field(default_factory=list)


def gather(folder: Path, dtypes: Sequence[str], values: Sequence[str] = ()) -> Crowd:
    """Start a process for each of `dtypes`, all with the caches and the runs of `folder`.

    `values` are set in CONFIG, as `key=value`. Each process must succeed with its own run folder,
    and report it if it compiles. Runs of one dtype must have the same weights, whichever process
    compiled: two copies of a kernel, inlined and not, once differed.
    """
    folder.mkdir(exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    environment = {**os.environ, "MNISTLAB_CACHE_DIR": str(folder / "cache")}
    crowd, runs, started = Crowd(len(dtypes)), folder / "runs", time.monotonic()
    processes = []
    for dtype in dtypes:
        words = [*values, f"training.dtype={dtype}", "--runs-dir", str(runs)]
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", LAUNCH, "train", str(config), *words, *QUIETLY],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    crowd.spread = time.monotonic() - started
    weights: dict[str, set[str]] = {}
    folders = set()
    for dtype, process in zip(dtypes, processes, strict=True):
        out, error = process.communicate()
        if process.returncode != 0:
            crowd.faults.append(f"exit code {process.returncode}: {out}{error}"[-800:])
            continue
        *_, counts = [line for line in error.splitlines() if line.startswith("COUNTS")]
        decoded, compiled, loaded = map(int, counts.split()[1:])
        crowd.decoded += decoded > 0
        crowd.compiled += compiled > 0
        was_said = re.search(r"^compiling \d+", error, re.MULTILINE) is not None
        if was_said != (compiled > 0):
            crowd.faults.append(f"{compiled} functions compiled, of which was said: {error[-300:]}")
        if not compiled and not loaded:
            crowd.faults.append("neither compiled nor loaded")
        if warnings := [line for line in error.splitlines() if line.startswith("warning")]:
            crowd.faults.append(warnings[0])
        run = Path(json.loads(out)["run_dir"])
        folders.add(run)
        content = (run / "weights.safetensors").read_bytes()
        weights.setdefault(dtype, set()).add(hashlib.sha256(content).hexdigest())
    if len(folders) != len(dtypes) - len(crowd.faults):
        crowd.faults.append(f"{len(folders)} run folders")
    crowd.faults += [f"{dtype}: other weights" for dtype, all_ in weights.items() if len(all_) > 1]
    return crowd


def left_over(folder: Path) -> list[str]:
    """Files that should have been removed, and links that do not point to a run."""
    names = [str(path) for path in folder.rglob("*") if ".tmp." in path.name]
    names += [str(path) for path in folder.rglob(".*")]
    latest = folder / "runs" / "latest"
    return names if (latest / "weights.safetensors").exists() else [*names, str(latest)]


def cold_round(folder: Path, processes: int, mixed: bool, values: Sequence[str] = ()) -> Crowd:
    """All at once on empty caches: one process compiles for each dtype, one decodes."""
    dtypes = ["float32", "float64"] if mixed else ["float32"]
    crowd = gather(folder, [dtypes[number % len(dtypes)] for number in range(processes)], values)
    if crowd.compiled != len(dtypes):
        crowd.faults.append(f"{crowd.compiled} compiled, not {len(dtypes)}")
    if crowd.decoded != 1:
        crowd.faults.append(f"{crowd.decoded} decoded, not 1")
    crowd.faults += [f"left over: {path}" for path in left_over(folder)]
    return crowd


def round_after(folder: Path, mixed: bool) -> list[str]:
    """The faults of one more process of each dtype, which must find everything in the caches."""
    after = gather(folder, ["float32", "float64"] if mixed else ["float32"])
    lacking = ["the caches lack something afterwards"] if after.compiled or after.decoded else []
    return after.faults + lacking


def warm_round(folder: Path, processes: int, values: Sequence[str] = ()) -> Crowd:
    """All within a second on the warm caches of `folder`: no process compiles or decodes."""
    crowd = gather(folder, ["float32"] * processes, values)
    if crowd.compiled or crowd.decoded:
        crowd.faults.append(f"{crowd.compiled} compiled, {crowd.decoded} decoded")
    crowd.faults += [f"left over: {path}" for path in left_over(folder)]
    return crowd


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="with cold caches")
    parser.add_argument("--processes", type=int, default=16, help="of such a round")
    parser.add_argument("--at-once", type=int, default=50, help="on warm caches; 0 for none")
    options = parser.parse_args()
    failed = 0
    for number in range(options.rounds):
        mixed = number % MIXED_EVERY == MIXED_EVERY - 1
        with tempfile.TemporaryDirectory() as scratch:
            crowd = cold_round(Path(scratch), options.processes, mixed)
            crowd.faults += round_after(Path(scratch), mixed)
        kinds = "float32 and float64" if mixed else "float32"
        print(
            f"round {number + 1}: {crowd.processes} cold, {kinds}: {crowd.compiled} compiled, "
            f"{crowd.decoded} decoded, {len(crowd.faults)} faults",
            *crowd.faults,
            sep="\n  ",
            flush=True,
        )
        failed += bool(crowd.faults)
    if options.at_once:
        with tempfile.TemporaryDirectory() as scratch:
            gather(Path(scratch), ["float32"])
            crowd = warm_round(Path(scratch), options.at_once)
        print(
            f"{crowd.processes} started in {crowd.spread:.2f} s: {len(crowd.faults)} faults",
            *crowd.faults,
            sep="\n  ",
        )
        failed += bool(crowd.faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
