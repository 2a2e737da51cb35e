"""How seconds per epoch grow with images, width, batch size and threads, as a figure.

    python -m benchmarks.scaling --json benchmarks/results/scaling.json \\
        --figure docs/images/scaling.png
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks import tables
from benchmarks.machine import surroundings
from benchmarks.peers import LIBRARIES, PeerError, in_turns, installed, running
from mnistlab.figures.style import BLUE, GREEN, VERMILLION, drawing, new_figure, rendered
from mnistlab.store.provenance import available_cpus
from mnistlab.support.durable import write_file

# What is not varied: a hidden layer of 256 units, batches of 64, all images.
IMAGES, WIDTH, BATCH = 60_000, 256, 64
VARIED: dict[str, list[int]] = {
    "images": [7_500, 15_000, 30_000, 60_000],
    "width": [32, 64, 128, 256, 512, 1024],
    "batch": [16, 32, 64, 128, 256, 512, 1024],
}
TITLES = {
    "images": "training images",
    "width": "units of the hidden layer",
    "batch": "images per batch",
    "threads": "threads",
}
# At least this long a turn, so that the clock and the pauses don't matter.
TURN_IMAGES = 60_000
COLOURS = {"mnistlab": BLUE, "torch": VERMILLION, "jax": GREEN}


def work(images: int = IMAGES, width: int = WIDTH, batch: int = BATCH) -> str:
    """The configuration of a point: 784→width ReLU→10."""
    config = {
        "data": {"source": "mnist", "validation": 0, "train_limit": images},
        "model": {"type": "mlp", "hidden": [width]},
        "optimizer": {"type": "sgd", "lr": 0.05},
        "training": {"batch_size": batch},
    }
    return json.dumps(config)


def points(threads: int) -> Iterator[tuple[str, int, str, int]]:
    """What is varied, its value, the work and its threads."""
    for what, values in VARIED.items():
        for value in values:
            yield what, value, work(**{what: value}), threads
    for count in range(1, threads + 1):
        yield "threads", count, work(), count


def draw(result: dict[str, Any]) -> Figure:
    """A panel for each thing varied: seconds per epoch of every library, both axes logarithmic."""
    with drawing():
        figure = new_figure(10, 7)
        for axes, (what, found) in zip(
            figure.subplots(2, 2).flat, result["varied"].items(), strict=True
        ):
            _panel(axes, TITLES[what], found)
        figure.suptitle("784 → 256 ReLU → 10 on MNIST: seconds per epoch", x=0.02, ha="left")
        figure.tight_layout()
    return figure


def _panel(axes: Axes, title: str, found: list[dict[str, Any]]) -> None:
    values = [point["value"] for point in found]
    for library in found[0]["seconds"]:
        seconds = [point["seconds"][library] for point in found]
        axes.plot(
            values, seconds, marker="o", color=COLOURS[library], label=LIBRARIES[library].name
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(values, [f"{value:,}" for value in values])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlabel(title)
    axes.set_ylabel("seconds per epoch")
    axes.legend(frameon=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=",".join(LIBRARIES))
    parser.add_argument("--threads", type=int, default=available_cpus())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--figure", type=Path, metavar="FILE", required=True)
    options = parser.parse_args()
    libraries = installed(options.peers.split(","))
    result: dict[str, Any] = surroundings(options.threads) | {"rounds": options.rounds}
    result["varied"] = {what: [] for what in TITLES}
    try:
        for what, value, point, threads in points(options.threads):
            epochs = max(1, TURN_IMAGES // (value if what == "images" else IMAGES))
            peers = [(library, threads) for library in libraries]
            with running(peers, point) as processes:
                turns = in_turns(processes, epochs, options.rounds, f"{value} {TITLES[what]}")
            seconds = {peer.library: statistics.median(turns[peer.key]) for peer in processes}
            result["varied"][what].append({"value": value, "seconds": seconds})
            tables.write_json(options.json, result)
    except PeerError as error:
        raise SystemExit(str(error)) from error
    write_file(options.figure, rendered(draw(result)))


if __name__ == "__main__":
    main()
