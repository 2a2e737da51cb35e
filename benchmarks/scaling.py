"""How seconds per epoch and memory grow with images, width, batch size and threads, as a figure.

    python -m benchmarks.scaling --json benchmarks/results/scaling.json \\
        --figure docs/images/scaling.png

Beyond MNIST's 60,000, the images are MNIST's again, each time shifted by another number of pixels.
They are written to a temporary folder: 784 MB for a million.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks import tables
from benchmarks.machine import surroundings
from benchmarks.peers import LIBRARIES, PeerError, in_turns, installed, running
from benchmarks.serve import open_dataset
from benchmarks.workloads import config_of
from mnistlab.figures.style import BLUE, GREEN, VERMILLION, drawing, new_figure, rendered
from mnistlab.store.provenance import available_cpus
from mnistlab.support.durable import write_file

# What is not varied: a hidden layer of 256 units, batches of 64, all images.
IMAGES, WIDTH, BATCH = 60_000, 256, 64
VARIED: dict[str, list[int]] = {
    "images": [7_500, 15_000, 30_000, 60_000, 240_000, 1_000_000],
    "width": [16, 32, 64, 128, 256, 512, 1024, 2048, 4096],
    "batch": [1, 4, 16, 64, 256, 1024, 4096, 16_384, 60_000],
}
TITLES = {
    "images": "training images",
    "width": "units of the hidden layer",
    "batch": "images per batch",
    "threads": "threads",
}
# At least this long a turn, so that the clock and the pauses don't matter.
TURN_IMAGES = 60_000
MB = 1e6
COLOURS = {"mnistlab": BLUE, "torch": VERMILLION, "jax": GREEN}


def work(images: int, width: int, batch: int, many: Path) -> str:
    """The configuration of a point: 784→width ReLU→10. `many` is a folder of `many_images`."""
    source = {"source": "mnist"} if images <= IMAGES else {"source": "idx", "path": str(many)}
    config = {
        "data": source | {"validation": 0, "train_limit": images},
        "model": {"type": "mlp", "hidden": [width]},
        "optimizer": {"type": "sgd", "lr": 0.05},
        "training": {"batch_size": batch},
    }
    return json.dumps(config)


def points(threads: int, many: Path) -> Iterator[tuple[str, int, str, int]]:
    """What is varied, its value, the work and its threads."""
    usual = {"images": IMAGES, "width": WIDTH, "batch": BATCH}
    for what, values in VARIED.items():
        for value in values:
            yield what, value, work(**usual | {what: value}, many=many), threads
    for count in range(1, threads + 1):
        yield "threads", count, work(**usual, many=many), count


def many_images(folder: Path, count: int) -> None:
    """Write `count` training images made of MNIST's, and its test images, as IDX files."""
    own = open_dataset(config_of(work(IMAGES, WIDTH, BATCH, folder)))
    files = {"train": own.train, "t10k": own.test}
    for name, split in files.items():
        images, labels = split.gather()
        wanted = count if name == "train" else len(images)
        with (folder / f"{name}-images-idx3-ubyte").open("wb") as file:
            file.write(idx_header((wanted, *images.shape[1:])))
            for turn, first in enumerate(range(0, wanted, len(images))):
                shifted = np.roll(images[: wanted - first], turn % 5 - 2 if turn else 0, axis=2)
                file.write(shifted.tobytes())
        with (folder / f"{name}-labels-idx1-ubyte").open("wb") as file:
            file.write(idx_header((wanted,)) + np.resize(labels, wanted).astype(np.uint8).tobytes())


def idx_header(shape: tuple[int, ...]) -> bytes:
    """The header of an IDX file of bytes: its type, its number of dimensions, their lengths."""
    return bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()


def draw(result: dict[str, Any]) -> Figure:
    """A panel for each thing varied: seconds per epoch of every library, both axes logarithmic.

    The last panel has the memory of its own that each process has, without files that it maps.
    """
    with drawing():
        figure = new_figure(10, 10)
        varied = result["varied"]
        panels = [(what, "seconds", "seconds per epoch") for what in varied]
        panels.append(("images", "megabytes", "memory at the end, MB"))
        grid = figure.subplots(3, 2).flat
        for axes, (what, quantity, label) in zip(grid, panels, strict=False):
            _panel(axes, TITLES[what], varied[what], quantity)
            axes.set_ylabel(label)
        grid[len(panels)].set_axis_off()
        figure.suptitle("784 → 256 ReLU → 10 on MNIST: seconds and memory", x=0.02, ha="left")
        figure.tight_layout()
    return figure


def _panel(axes: Axes, title: str, found: list[dict[str, Any]], quantity: str) -> None:
    values = [point["value"] for point in found]
    for library in found[0][quantity]:
        measured = [point[quantity][library] for point in found]
        axes.plot(
            values, measured, marker="o", color=COLOURS[library], label=LIBRARIES[library].name
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(values, [f"{value:,}" for value in values], rotation=30, ha="right")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlabel(title)
    axes.legend(frameon=False)


def measure(
    point: str, peers: list[tuple[str, int]], epochs: int, rounds: int, name: str
) -> dict[str, Any]:
    """Median seconds per epoch and megabytes of every library at a point."""
    with running(peers, point) as processes:
        turns = in_turns(processes, epochs, rounds, name)
        memory = {peer.library: peer.ask("memory")["own"] / MB for peer in processes}
    seconds = {peer.library: statistics.median(turns[peer.key]) for peer in processes}
    return {"seconds": seconds, "megabytes": memory}


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
    with tempfile.TemporaryDirectory() as folder:
        many_images(Path(folder), max(VARIED["images"]))
        try:
            for what, value, point, threads in points(options.threads, Path(folder)):
                epochs = max(1, TURN_IMAGES // (value if what == "images" else IMAGES))
                peers = [(library, threads) for library in libraries]
                found = measure(point, peers, epochs, options.rounds, f"{value} {TITLES[what]}")
                result["varied"][what].append({"value": value} | found)
                tables.write_json(options.json, result)
        except PeerError as error:
            raise SystemExit(str(error)) from error
    write_file(options.figure, rendered(draw(result)))


if __name__ == "__main__":
    main()
