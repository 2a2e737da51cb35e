"""Whole commands: start-up, training warm and cold, evaluation, loading, memory.

    python -m benchmarks.commands --markdown docs/benchmarks.md \\
        --json benchmarks/results/commands.json
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.commands_table import commands_table
from benchmarks.machine import surroundings
from benchmarks.memory import memory_of_two
from benchmarks.peers import LIBRARIES, ROOT, PeerError, PeerProcess, installed
from benchmarks.run import columns
from benchmarks.workloads import WORKLOADS
from mnistlab.store.provenance import available_cpus

SOFTMAX, MLP = "configs/mnist-softmax.yaml", "configs/mnist-mlp.yaml"
HELP_ROUNDS = 15
EVALUATIONS = 6  # the first is dropped
W3_PENALTIES = ("regularization.l1=1.0e-4", "regularization.l2=1.0e-4")


def mnistlab_command() -> list[str]:
    """The console script beside this Python, or the module where it is not installed."""
    script = shutil.which("mnistlab", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "mnistlab"]


def seconds_of(command: list[str], cache: Path | None = None) -> float:
    """Wall-clock seconds of a command; CalledProcessError where it fails."""
    started = time.perf_counter()
    _output(command, cache)
    return time.perf_counter() - started


def _output(command: list[str], cache: Path | None = None) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if cache is not None:
        environment["MNISTLAB_CACHE_DIR"] = str(cache)
    run = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return run.stdout


def _probe(name: str, *arguments: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(
        _output([sys.executable, "-m", "benchmarks.probes", name, *arguments])
    )
    return found


def _medians(measure: Callable[[], dict[str, float]], rounds: int) -> dict[str, float]:
    found = [measure() for _ in range(rounds)]
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


def start_up(rounds: int) -> dict[str, float]:
    """Seconds of `mnistlab --help` beside those of importing what it cannot do without."""
    commands = {
        "import typer": [sys.executable, "-c", "import typer"],
        "mnistlab --help": [*mnistlab_command(), "--help"],
    }
    return _medians(
        lambda: {name: seconds_of(command) for name, command in commands.items()}, rounds
    )


def training(rounds: int, threads: int) -> dict[str, float]:
    """Seconds of `mnistlab train` of a softmax regression, 10 epochs, figures and all."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*mnistlab_command(), "train", SOFTMAX, "training.epochs=10", "--quiet"]
        command += ["--threads", str(threads), "--runs-dir", f"{folder}/runs"]
        cache = Path(folder) / "cache"
        found = {"everything cold": seconds_of(command, cache)}
        found["warm"] = statistics.median(seconds_of(command, cache) for _ in range(rounds))
        for part, name in (("kernels", "engine cold"), ("datasets", "dataset cold")):
            without = Path(folder) / f"without-{part}"
            shutil.copytree(cache, without, ignore=shutil.ignore_patterns(part))
            found[name] = seconds_of(command, without)
        return found


def evaluation(libraries: list[str], threads: int) -> dict[str, dict[str, float]]:
    """Seconds of a forward pass over the 10,000 test images, by row and library."""
    found: dict[str, dict[str, float]] = {}
    for row in (row for row in WORKLOADS if row.startswith("W")):
        found[row] = {}
        for library, count in columns(libraries, threads):
            with closing(PeerProcess(library, row, count)) as peer:
                seconds = [peer.ask("evaluate")["seconds"] for _ in range(EVALUATIONS)]
            found[row][peer.key] = statistics.median(seconds[1:])
    return found


def penalties(rounds: int, threads: int) -> dict[str, float]:
    """Seconds of an epoch of report A's CNN, plain and with each penalty."""
    found = {}
    for override in (None, *W3_PENALTIES):
        overrides = [override] if override else []
        with closing(PeerProcess("mnistlab", "W3", threads, overrides)) as peer:
            seconds = peer.train(1 + rounds)
        found[override or "plain"] = statistics.median(seconds[1:])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=",".join(LIBRARIES))
    parser.add_argument("--threads", type=int, default=available_cpus())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args()
    libraries = installed(options.peers.split(","))
    result: dict[str, Any] = surroundings(options.threads) | {"rounds": options.rounds}
    rounds, threads = options.rounds, options.threads
    parts: dict[str, Callable[[], Any]] = {
        "start_up": lambda: start_up(max(rounds, HELP_ROUNDS)),
        "training": lambda: training(rounds, threads),
        "first_step": lambda: _medians(lambda: _probe("first-step", SOFTMAX), rounds),
        "load": lambda: _medians(lambda: _probe("load", SOFTMAX), rounds),
        "shares": lambda: {name: _probe("shares", name) for name in (SOFTMAX, MLP)},
        "penalties": lambda: penalties(rounds, threads),
        "evaluation": lambda: evaluation(libraries, threads),
        "memory": lambda: memory_of_two(mnistlab_command(), threads, libraries),
    }
    try:
        for name, measure in parts.items():
            print(name, "...", file=sys.stderr)
            result[name] = measure()
            tables.write_json(options.json, result)
    except (PeerError, subprocess.CalledProcessError) as error:
        raise SystemExit(str(error)) from error
    text = commands_table(result)
    if options.markdown:
        tables.write(options.markdown, "commands", text)
    print(text, end="")


if __name__ == "__main__":
    main()
