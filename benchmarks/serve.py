"""What the three peers' programs share: one training each, led from outside, line by line.

    python -m benchmarks.peer_torch W1 --threads 1

reads `train N`, `evaluate` or `memory` from standard input and answers each with one line of JSON;
`benchmarks.peers` is the other end. A peer that waits sleeps in that read.
"""

import argparse
import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.workloads import config_of
from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.experiment.dataset import load_data
from mnistlab.support.errors import MnistlabError
from mnistlab.support.paths import data_dir


class Peer(Protocol):
    """A training under way."""

    version: str

    def train(self, epochs: int) -> list[float]:
        """Train so many epochs more; the seconds that each one's steps took."""

    def evaluate(self) -> tuple[float, float]:
        """The accuracy on the test images, and the seconds that the forward pass took."""


@dataclass(frozen=True)
class Arrays:
    """Images (n, height, width), scaled, of the configuration's dtype; labels int64 (n,)."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: int


def open_dataset(config: RunConfig) -> Dataset:
    """A configuration's dataset, without mnistlab's engine."""
    return load_data(config, data_dir())


def load_arrays(config: RunConfig) -> Arrays:
    """A configuration's dataset in memory."""
    dataset = open_dataset(config)
    arrays = []
    for part in (dataset.train, dataset.test):
        images, labels = part.gather()
        dtype = np.dtype(config.training.dtype)
        scaled = images.astype(dtype)
        scaled *= dtype.type(dataset.scale)
        scaled += dtype.type(dataset.offset)
        arrays += [scaled, labels.astype(np.int64)]
    return Arrays(*arrays, classes=len(dataset.class_names))


def epoch_order(config: RunConfig, images: int, epoch: int) -> np.ndarray | None:
    """A fresh order of the images, int64 (images,); None where they stay as they are."""
    if config.training.shuffle == "none":
        return None
    return np.random.default_rng([config.seed, epoch]).permutation(images)


def batch_size(config: RunConfig, images: int) -> int:
    """Images per step."""
    wanted = config.training.batch_size
    return images if wanted == "full" else min(wanted, images)


def init_std(config: RunConfig, fan_in: int, fan_out: int) -> float:
    """The standard deviation of the normal distribution that a weight starts from."""
    named = {
        "he_normal": 2 / fan_in,
        "glorot_normal": 2 / (fan_in + fan_out),
        "lecun_normal": 1 / fan_in,
        "zeros": 0.0,
    }
    if config.init.type not in named:
        raise ValueError(f"the peers have no init {config.init.type!r}")
    return float(named[config.init.type] ** 0.5)


def memory_now() -> dict[str, int]:
    """The largest resident size of this process so far, and its own memory now, in bytes.

    Its own memory is without files that it maps; where the system can't tell, it is the peak.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"peak": peak, "own": peak}
    lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
    in_bytes = {name: int(lines[name].split()[0]) * 1024 for name in ("VmHWM", "RssAnon")}
    return {"peak": in_bytes["VmHWM"], "own": in_bytes["RssAnon"]}


def serve(make: Callable[[RunConfig, int], Peer]) -> None:
    """Make the peer that the command line asks for, and answer what is asked of it."""
    parser = argparse.ArgumentParser(description="One training, led from standard input.")
    parser.add_argument("work", help="a row of the table, or a run configuration's YAML or path")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    # Whatever a library prints goes to stderr; the answers keep stdout for themselves.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        peer = make(config_of(arguments.work, arguments.set), arguments.threads)
    except (MnistlabError, ValueError) as error:
        raise SystemExit(f"{arguments.work}: {error}") from error
    _answer(answers, {"version": peer.version, "threads": arguments.threads})
    for line in sys.stdin:
        verb, *numbers = line.split()
        if verb == "train":
            _answer(answers, {"seconds": peer.train(int(numbers[0]))})
        elif verb == "evaluate":
            accuracy, seconds = peer.evaluate()
            _answer(answers, {"accuracy": accuracy, "seconds": seconds})
        elif verb == "memory":
            _answer(answers, memory_now())
        else:
            raise SystemExit(f"{verb}: not one of train N, evaluate, memory")


def _answer(answers: Any, message: dict[str, Any]) -> None:
    print(json.dumps(message), file=answers, flush=True)
