"""Epochs of small networks that are trained in a second, one by one, side by side, and by JAX.

    python -m benchmarks.networks_per_second --json benchmarks/results/networks.json

Networks that differ in their learning rates alone, batches of 32, all images of MNIST, as a sweep
trains them: on each processor one process of one thread. "One by one": a Trainer after the other.
"Side by side": groups of as many as `sweep` puts together; networks that it trains alone are
trained alone here. JAX: `vmap` over the networks, an epoch compiled as one `lax.scan`, on all
processors.
"""

import argparse
import importlib.util
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.machine import surroundings
from benchmarks.serve import open_dataset
from mnistlab.config import RunConfig, run_config_from_mapping
from mnistlab.store.provenance import available_cpus

MODELS: dict[str, dict[str, Any]] = {
    "784-10": {"type": "softmax"},
    "784-32-10": {"type": "mlp", "hidden": [32], "activation": "relu"},
    "784-128-10": {"type": "mlp", "hidden": [128], "activation": "relu"},
}
WAYS = {"one by one": "mnistlab", "side by side": "mnistlab", "vmap": "jax"}
STEPS = 200  # that a measurement takes at most, of a network


def config_of(model: str, number: int) -> RunConfig:
    """The configuration of one of the networks."""
    config = {
        "data": {"source": "mnist", "validation": 0},
        "model": MODELS[model],
        "optimizer": {"type": "sgd", "lr": 0.1 / (1 + number)},
        "training": {"batch_size": 32},
    }
    return run_config_from_mapping(config, [])


def mnistlab_rates(model: str, way: str, rounds: int) -> list[float]:
    """Network-epochs a second of this process, round by round."""
    from mnistlab.experiment.runner import new_trainer
    from mnistlab.runtime.threads import engine_threads
    from mnistlab.training.group import Group, joint_key, most_together

    dataset = open_dataset(config_of(model, 0))
    count = most_together(config_of(model, 0), dataset)
    rates = []
    with engine_threads(1):
        trainers = [new_trainer(config_of(model, number), dataset) for number in range(count)]
        for trainer in trainers:
            trainer.compile()
        together = way == "side by side" and joint_key(config_of(model, 0), dataset) is not None
        group = Group()
        steps_per_epoch = trainers[0].length.steps_per_epoch
        steps = min(STEPS, steps_per_epoch // (rounds + 2))  # all in one epoch
        for stop in range(steps, (rounds + 2) * steps, steps):
            began = time.perf_counter()
            if together:
                group.train_to(trainers, stop)
            else:
                for trainer in trainers:
                    trainer.train_to(stop)
            seconds = time.perf_counter() - began
            rates.append(count * steps / steps_per_epoch / seconds)
    return rates[1:]


def measured(model: str, way: str, rounds: int, processes: int) -> float:
    """Network-epochs a second of all processes together: the median of the rounds."""
    command = [sys.executable, "-m", __spec__.name, "--worker", model, way]
    started = [
        subprocess.Popen([*command, "--rounds", str(rounds)], stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    told = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise SystemExit(f"{model}, {way}: a process failed")
    return sum(statistics.median(map(float, text.split())) for text in told)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS), help="such as 784-10,784-32-10")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--processes", type=int, default=available_cpus())
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="a page with marks, or new")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        model, way = options.worker
        if way == "vmap":
            from benchmarks.networks_jax import rates
        else:
            rates = mnistlab_rates
        print(*rates(model, way, options.rounds))
        return
    ways = [w for w in options.ways.split(",") if importlib.util.find_spec(WAYS[w]) is not None]
    rows: dict[str, dict[str, float]] = {}
    for model in options.models.split(","):
        rows[model] = {}
        for way in ways:
            processes = 1 if way == "vmap" else options.processes
            rows[model][way] = measured(model, way, options.rounds, processes)
            print(f"{model}, {way}: {rows[model][way]:.3g}", file=sys.stderr)
    result = {**surroundings(options.processes), "network_epochs_per_second": rows}
    tables.write_json(options.json, result)
    body = [[model, *(f"{row[way]:.3g}" for way in ways)] for model, row in rows.items()]
    table = tables.markdown(["network-epochs a second", *ways], body)
    table += f"\n{tables.measured_on(result)}"
    if options.markdown:
        tables.write(options.markdown, "networks", table)
    print(table, end="")


if __name__ == "__main__":
    main()
