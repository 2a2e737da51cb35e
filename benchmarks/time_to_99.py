"""Ten seeds of one recipe to 99 % of the test set, in mnistlab and in PyTorch.

    python -m benchmarks.time_to_99 --markdown docs/benchmarks.md \\
        --json benchmarks/results/time_to_99.json

Both read the recipe from the same file, configs/mnist-99.yaml.
"""

import argparse
import statistics
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.machine import surroundings
from benchmarks.peers import PeerError, PeerProcess, installed
from benchmarks.run import columns
from benchmarks.workloads import config_of
from mnistlab.store.provenance import available_cpus

RECIPE = "configs/mnist-99.yaml"


def one_training(library: str, threads: int, seed: int) -> dict[str, float]:
    """The whole recipe with a seed: seconds of its training steps, and test accuracy."""
    epochs = config_of(RECIPE).training.epochs or 0
    with closing(PeerProcess(library, RECIPE, threads, [f"seed={seed}"])) as peer:
        seconds = peer.train(epochs)
        return {"seconds": sum(seconds), "accuracy": peer.ask("evaluate")["accuracy"]}


def table(result: dict[str, Any]) -> str:
    """A line for each library: mean seconds and accuracies over the seeds."""
    lines = []
    for key, trainings in result["trainings"].items():
        seconds = [one["seconds"] for one in trainings]
        accuracies = [100 * one["accuracy"] for one in trainings]
        lines.append(
            [
                tables.peer_title(key),
                f"{statistics.fmean(seconds):.2f}",
                f"{min(seconds):.2f} to {max(seconds):.2f}",
                f"**{statistics.fmean(accuracies):.3f}**",
                f"{min(accuracies):.2f} to {max(accuracies):.2f}",
            ]
        )
    head = [f"{result['seeds']} seeds", "training seconds, mean", "from to"]
    return (
        tables.markdown([*head, "test accuracy, mean", "from to"], lines)
        + "\n"
        + tables.measured_on(result)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default="torch,mnistlab")
    parser.add_argument("--threads", type=int, default=available_cpus())
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args()
    peers = columns(installed(options.peers.split(",")), options.threads)
    result: dict[str, Any] = surroundings(options.threads) | {"seeds": options.seeds}
    trainings: dict[str, list[dict[str, float]]] = {f"{name}-{n}": [] for name, n in peers}
    result["trainings"] = trainings
    try:
        for seed in range(options.seeds):
            for library, threads in peers:
                found = one_training(library, threads, seed)
                trainings[f"{library}-{threads}"].append(found)
                told = f"{found['seconds']:.2f} s, {found['accuracy']:.2%}"
                print(f"seed {seed}, {library}-{threads}: {told}", file=sys.stderr)
                tables.write_json(options.json, result)
    except PeerError as error:
        raise SystemExit(str(error)) from error
    text = table(result)
    if options.markdown:
        tables.write(options.markdown, "time to 99", text)
    print(text, end="")


if __name__ == "__main__":
    main()
