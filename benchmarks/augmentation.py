"""How much longer an epoch takes with augmentation, in mnistlab; and torchvision's transforms.

    python -m benchmarks.augmentation --threads 2 --json benchmarks/results/augmentation.json

The epochs of 784-800-10, batches of 100, take turns, so that a slower moment of the machine meets
all of them. torchvision's `RandomAffine` and `ElasticTransform` do the same work on the images of
one batch at a time, on one processor.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import tables
from benchmarks.machine import surroundings
from benchmarks.trainers import ready_trainer
from mnistlab.config import run_config_from_mapping
from mnistlab.runtime.threads import engine_threads
from mnistlab.store.provenance import available_cpus
from mnistlab.training.trainer import Trainer

AFFINE = {"affine": {"rotate": 15, "scale": 0.1, "shear": 5, "shift": 2}}
ELASTIC = {"elastic": {"alpha": 34, "sigma": 4}}
CASES: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "shift": [{"shift": 2}],
    "affine": [AFFINE],
    "elastic": [ELASTIC],
    "affine, elastic": [AFFINE, ELASTIC],
}
BATCH = 100
SAMPLE = 2_000  # images that torchvision transforms


def trainer_of(augment: list[dict[str, Any]]) -> Trainer:
    """A compiled trainer of the network, with its initial weights."""
    config = run_config_from_mapping(
        {
            "data": {"source": "mnist", "validation": 10_000, "augment": augment},
            "model": {"type": "mlp", "hidden": [800]},
            "optimizer": {"type": "sgd", "lr": 0.05},
            "training": {"epochs": 1000, "batch_size": BATCH},
        }
    )
    return ready_trainer(config)


def epoch_seconds(trainer: Trainer) -> float:
    """The seconds of the trainer's next epoch."""
    started = time.perf_counter()
    trainer.train_to((trainer.epochs_done + 1) * trainer.length.steps_per_epoch)
    return time.perf_counter() - started


def measured(rounds: int, threads: int) -> dict[str, list[float]]:
    """The seconds of `rounds` epochs of each case."""
    trainers = {name: trainer_of(augment) for name, augment in CASES.items()}
    seconds: dict[str, list[float]] = {name: [] for name in trainers}
    with engine_threads(threads):
        for trainer in trainers.values():
            epoch_seconds(trainer)  # finds the number of threads that suits
        for _ in range(rounds):
            for name, trainer in trainers.items():
                seconds[name].append(epoch_seconds(trainer))
    return seconds


def torchvision_seconds() -> dict[str, float]:
    """Seconds of torchvision's transforms for 50,000 images, from a sample of SAMPLE."""
    import torch
    from torchvision.transforms import v2

    transforms = {
        "affine": v2.RandomAffine(15, (2 / 28, 2 / 28), (0.9, 1.1), (-5, 5)),
        "elastic": v2.ElasticTransform(34.0, 4.0),
    }
    torch.set_num_threads(1)
    images = torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (SAMPLE, 1, 28, 28), dtype=np.uint8)
    )
    seconds = {}
    for name, transform in transforms.items():
        started = time.perf_counter()
        for image in images:  # one at a time, as a data loader does: each has its own numbers
            transform(image)
        seconds[name] = (time.perf_counter() - started) * 50_000 / SAMPLE
    return seconds


def table(result: dict[str, Any]) -> str:
    """A line for each case: the median epoch, and the median of its ratios to the epochs without
    augmentation that were measured beside it.
    """
    alone = result["seconds"]["none"]
    lines = []
    for name, seconds in result["seconds"].items():
        ratios = [one / other for one, other in zip(seconds, alone, strict=True)]
        peer = result["torchvision"].get(name)
        lines.append(
            [
                name,
                f"{statistics.median(seconds):.3f}",
                f"{min(seconds):.3f} to {max(seconds):.3f}",
                f"{statistics.median(ratios):.2f}",
                "" if peer is None else f"{peer:.1f}",
            ]
        )
    head = ["augmentation", "seconds of an epoch, median", "from to", "ratio", "torchvision alone"]
    return tables.markdown(head, lines) + "\n" + tables.measured_on(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=available_cpus())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-torchvision", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result = {
        **surroundings(arguments.threads),
        "threads": arguments.threads,
        "seconds": measured(arguments.rounds, arguments.threads),
        "torchvision": {} if arguments.no_torchvision else torchvision_seconds(),
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(result))


if __name__ == "__main__":
    main()
