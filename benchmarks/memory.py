"""The memory of a training, and of a second one beside it that shares the dataset with it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.peers import ROOT, PeerProcess
from benchmarks.workloads import WORKLOADS

ROW, EPOCHS = "W2", 3
SAMPLE_SECONDS = 0.05


def _rollup(pid: int) -> dict[str, int]:
    """Bytes of a process's memory as Linux counts them: Rss, Pss, Private_Dirty, ...

    Pss, the proportional set size, divides a page among the processes that share it.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines()[1:])
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _ in lines}


def _largest(processes: list["subprocess.Popen[bytes]"]) -> dict[str, list[int]]:
    """Each process's largest Rss, and its largest Pss while all of them ran."""
    rss, pss = [0] * len(processes), [0] * len(processes)
    while all(process.poll() is None for process in processes):
        for index, process in enumerate(processes):
            try:
                found = _rollup(process.pid)
            except (FileNotFoundError, ProcessLookupError, IndexError, KeyError):
                continue  # it has ended since
            rss[index] = max(rss[index], found["Rss"])
            pss[index] = max(pss[index], found["Pss"])
        time.sleep(SAMPLE_SECONDS)
    for process in processes:
        if process.wait() != 0:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return {"rss": rss, "pss": pss}


def memory_of_two(command: list[str], threads: int, libraries: list[str]) -> dict[str, object]:
    """Largest memory in bytes of `mnistlab train` of W2 alone, of two at once, and of the peers."""
    if sys.platform != "linux":
        print("memory skipped: it is read from Linux's /proc", file=sys.stderr)
        return {}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "w2.yaml"
        config.write_text(json.dumps(WORKLOADS[ROW].config), encoding="utf-8")
        train = [*command, "train", str(config), f"training.epochs={EPOCHS}", "--quiet"]
        train += ["--no-plots", "--threads", str(threads), "--runs-dir", f"{folder}/runs"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}

        def together(count: int) -> dict[str, list[int]]:
            running = [
                subprocess.Popen(train, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
                for _ in range(count)
            ]
            return _largest(running)

        alone, both = together(1), together(2)
    peers = {}
    for library in libraries:
        with closing(PeerProcess(library, ROW, threads)) as peer:
            peer.train(1)
            peers[library] = peer.ask("memory")["peak"]
    return {"alone": alone, "both": both, "peers": peers}
