"""How much faster than the plain kernels training is, across the borders between fast kernels.

    python -m benchmarks.borders --figure docs/images/borders.png

The shapes of a network choose its kernels. Each panel varies one number of a shape. A vertical line
is where the choice changes: were a kernel chosen outside of the shapes that it is good for, the
curve would fall there.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import tables
from benchmarks.machine import surroundings
from benchmarks.trainers import ready_trainer
from mnistlab.config import run_config_from_mapping
from mnistlab.figures.style import BLUE, FAINT, drawing, new_figure, rendered
from mnistlab.runtime.threads import engine_threads
from mnistlab.store.provenance import available_cpus
from mnistlab.support.durable import write_file
from mnistlab.training.trainer import Trainer

IMAGES = 10_000  # of an epoch
TURN_SECONDS = 0.1  # at least so long a turn

Section = dict[str, Any]


@dataclass(frozen=True)
class Border:
    """What a panel varies: `config` of a value has the sections that differ from the usual."""

    title: str
    values: Sequence[int]
    config: Callable[[int], Section]


def mlp(*hidden: int, **others: Section) -> Section:
    """The sections of an MLP."""
    return {"model": {"type": "mlp", "hidden": list(hidden)}, **others}


def cnn(*blocks: list[Section]) -> Section:
    """The sections of a CNN with an output layer alone behind these layers."""
    layers = [layer for block in blocks for layer in block]
    return {"model": {"type": "cnn", "layers": [*layers, "flatten"]}}


def conv(filters: int, size: int = 3) -> list[Section]:
    """A convolution with ReLU."""
    return [{"conv": {"filters": filters, "kernel": size}}, {"activation": "relu"}]


POOL: list[Section] = [{"pool": {"type": "max", "size": 2}}]
BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 511, 512, 1024, 2048)
UNITS = (4, 8, 10, 12, 16, 20, 24, 30, 32, 48, 64, 100, 128, 200, 256, 300, 512, 784, 1024)
FILTERS = (1, 2, 4, 6, 8, 10, 12, 15, 16, 17, 20, 24, 32, 48, 64)
BORDERS = (
    Border("images per batch, 784-256-10", BATCHES, lambda n: mlp(256, training={"batch_size": n})),
    Border("units, 784-units-10", UNITS, mlp),
    Border(
        "units, 784-units-10, standardised pixels",
        UNITS,
        lambda n: mlp(n, data={"normalize": "standardize"}),
    ),
    Border("units of the second layer, 784-256-units-10", UNITS, lambda n: mlp(256, n)),
    Border(
        "images per batch, conv 16 of 3×3, 10",
        BATCHES,
        lambda n: cnn(conv(16)) | {"training": {"batch_size": n}},
    ),
    Border("filters of 3×3, on the images", FILTERS, lambda n: cnn(conv(n), POOL)),
    Border("filters of 3×3, on 16 maps of 13×13", FILTERS, lambda n: cnn(conv(16), POOL, conv(n))),
    Border(
        "size of 8 filters, on 16 maps of 13×13",
        range(1, 10),
        lambda n: cnn(conv(16), POOL, conv(8, n)),
    ),
)


def trainer_of(sections: Section, kernels: str) -> Trainer:
    """A training that is ready to begin."""
    usual: dict[str, Section] = {
        "data": {"source": "mnist", "validation": 0, "train_limit": IMAGES},
        "optimizer": {"type": "sgd", "lr": 0.01},
        "training": {"batch_size": 50, "kernels": kernels},
    }
    merged = {key: usual.get(key, {}) | sections.get(key, {}) for key in usual | sections}
    config = run_config_from_mapping(merged)
    return ready_trainer(config)


def seconds_of(trainer: Trainer) -> float:
    """Seconds per epoch, of as many epochs as a turn takes."""
    before, epochs = trainer.seconds, 0
    while trainer.seconds - before < TURN_SECONDS:
        if not trainer.train_to(trainer.step + trainer.length.steps_per_epoch):
            raise SystemExit("a training diverged")
        epochs += 1
    return (trainer.seconds - before) / epochs


def kernels_of(trainer: Trainer) -> list[str]:
    """The names of the functions that a step runs."""
    program = trainer.program
    functions = [op.functions(program.dtype) for op in program.training["step"]]
    return [function.__name__ for listed in functions for function, _ in listed]


def measure(border: Border, rounds: int) -> list[dict[str, Any]]:
    """Seconds per epoch by both kinds of kernels at each value, and the fast kernels' names."""
    points = []
    for value in border.values:
        pair = {kind: trainer_of(border.config(value), kind) for kind in ("fast", "plain")}
        turns = [
            {kind: seconds_of(trainer) for kind, trainer in pair.items()} for _ in range(1 + rounds)
        ]
        point: dict[str, Any] = {
            kind: statistics.median(turn[kind] for turn in turns[1:]) for kind in pair
        }
        point["kernels"] = kernels_of(pair["fast"])
        points.append({"value": value} | point)
        print(f"{border.title}: {value}, {point['plain'] / point['fast']:.2f}", flush=True)
    return points


def draw(measured: dict[str, list[dict[str, Any]]]) -> Figure:
    """A panel for each border."""
    with drawing():
        figure = new_figure(11, 2.6 * (len(measured) + 1) // 2)
        grid = figure.subplots((len(measured) + 1) // 2, 2).flat
        for axes, (title, points) in zip(grid, measured.items(), strict=False):
            _panel(axes, title, points)
        figure.suptitle("Times as fast as the plain kernels", x=0.02, ha="left")
        figure.tight_layout()
    return figure


def _panel(axes: Axes, title: str, points: list[dict[str, Any]]) -> None:
    places = range(len(points))
    for place in places[1:]:
        if points[place]["kernels"] != points[place - 1]["kernels"]:
            axes.axvline(place - 0.5, color=FAINT, linewidth=0.8)
    axes.plot(places, [one["plain"] / one["fast"] for one in points], marker="o", color=BLUE)
    axes.axhline(1, color=FAINT, linestyle=":")
    axes.set_xticks(places, [f"{one['value']:,}" for one in points], rotation=45, ha="right")
    axes.set_xlabel(title)
    axes.set_ylim(bottom=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=available_cpus())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--figure", type=Path, metavar="FILE", required=True)
    options = parser.parse_args()
    result: dict[str, Any] = surroundings(options.threads) | {"rounds": options.rounds}
    result["borders"] = {}
    with engine_threads(options.threads):
        for border in BORDERS:
            result["borders"][border.title] = measure(border, options.rounds)
            tables.write_json(options.json, result)
    write_file(options.figure, rendered(draw(result["borders"])))


if __name__ == "__main__":
    main()
