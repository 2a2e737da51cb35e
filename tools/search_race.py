"""Compare TPE with ASHA and random search at equal training seconds, on MNIST.

`python -m tools.search_race --costs` measures the processor's seconds of an epoch and its
evaluation for every batch size and every pair of widths, on one thread, into costs.json. `python
-m tools.search_race` then runs the searches, counts an epoch with those seconds, however busy the
machine is, and writes race.json and race.png. The dataset is looked for as mnistlab does.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.config import parse_run_config
from mnistlab.config.load_sweep import parse_sweep
from mnistlab.experiment.callbacks import RunCallback
from mnistlab.experiment.run_options import RunOptions
from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.python.commands.train import train
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import read_run_record
from mnistlab.support import paths
from mnistlab.sweeps import sweep_run
from mnistlab.sweeps.results import TrialRow
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepProgress
from mnistlab.sweeps.sweep_options import SweepOptions
from tools.here_executor import trials_in_this_process

EPOCHS = 9
RUN = f"""\
name: race
data: {{source: mnist, train_limit: 2000, validation: 2000}}
model: {{type: mlp, hidden: [64, 32]}}
training: {{epochs: {EPOCHS}, test: never}}
"""
WIDTHS = ([32, 16], [64, 32], [128, 32], [128, 128], [256, 64], [256, 128])
BATCHES = (8, 16, 32, 64, 128)
SPACE = (
    "optimizer.lr={loguniform: [1.0e-3, 1]}",
    "optimizer.momentum={uniform: [0, 0.99]}",
    "model.dropout={uniform: [0, 0.6]}",
    f"training.batch_size={','.join(map(str, BATCHES))}",
    f"model.hidden={','.join(map(str, WIDTHS))}",
    "regularization.l2={loguniform: [1.0e-7, 1.0e-2]}",
)
# An epoch takes as long whatever their values are, unless they are zero.
TYPICAL = (
    *("optimizer.lr=0.01", "optimizer.momentum=0.5", "model.dropout=0.2"),
    *("regularization.l2=1.0e-5", "training.epochs=6"),
)
RANDOM, LEARNING = "random search", "TPE with ASHA"
COLOURS = {RANDOM: style.BLUE, LEARNING: style.VERMILLION}
MORE_TRIALS = 12  # times those of random search, of which ASHA stops most after an epoch


@dataclass
class Course(SweepCallback):
    """The best final validation accuracy so far, and the training seconds until then."""

    costs: dict[str, float]
    limit: float = float("inf")
    seconds: list[float] = field(default_factory=lambda: [0.0])
    best: list[float] = field(default_factory=lambda: [0.0])
    trials: int = 0

    def on_start(self, sweep_dir: Path) -> None:
        self.folder = sweep_dir
        self.trained: dict[int, int] = {}

    def on_trial(self, row: TrialRow, took: float, progress: SweepProgress) -> None:
        epochs = read_run_record(RunDir(self.folder / row.run_dir)).epochs
        more = epochs - self.trained.get(row.trial, 0)
        self.trained[row.trial] = epochs
        cost = more * self.costs[_key(row.parameters)]
        reached = row.metrics["val_accuracy"] if row.status.finished else None
        self.seconds.append(self.seconds[-1] + cost)
        self.best.append(max(self.best[-1], reached or 0.0))
        self.trials = len(self.trained)
        if self.seconds[-1] >= self.limit:
            signal.raise_signal(signal.SIGINT)

    def at(self, seconds: float) -> float:
        """The best of all trials that had ended by then."""
        return self.best[int(np.searchsorted(self.seconds, seconds, side="right")) - 1]


def _key(parameters: dict[str, Any]) -> str:
    return f"{parameters['model.hidden']} {parameters['training.batch_size']}"


class Clock(RunCallback):
    """The processor's seconds of this process when each epoch has ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_row(self, row: MetricsRow) -> None:
        self.ends.append(time.process_time())


def measured_costs() -> dict[str, float]:
    """The seconds of an epoch, the least of those after the first, by widths and batch size."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for hidden in WIDTHS:
            for batch in BATCHES:
                values = {"model.hidden": hidden, "training.batch_size": batch}
                overrides = [f"{key}={value}" for key, value in values.items()]
                config = parse_run_config(RUN, "race", [*TYPICAL, *overrides])
                clock = Clock()
                options = RunOptions(data_dir=paths.data_dir(None), threads=1, callbacks=[clock])
                train(config, Path(scratch), options, plots=False)
                found[_key(values)] = float(np.diff(clock.ends).min())
    return found


def course(method: str, seed: int, trials: int, costs: dict[str, float], limit: float) -> Course:
    """One search, stopped at a number of training seconds."""
    values = [*SPACE, f"seed={seed}"]
    if method == RANDOM:
        values += [f"method={{type: random, trials: {trials}}}"]
    else:
        values += [f"method={{type: tpe, trials: {MORE_TRIALS * trials}}}", "prune=asha"]
    found = Course(costs, limit)
    with tempfile.TemporaryDirectory() as scratch, trials_in_this_process():
        sweep_run.begin(
            parse_sweep(RUN, "race.yaml", values),
            Path(scratch),
            SweepOptions(data_dir=paths.data_dir(None), workers=1, callbacks=[found]),
        )
    return found


def race(repeats: int, trials: int, costs: dict[str, float]) -> dict[str, list[Course]]:
    """Both methods, once for each seed: the second has the training seconds of the first."""
    found: dict[str, list[Course]] = {RANDOM: [], LEARNING: []}
    for seed in range(repeats):
        found[RANDOM].append(course(RANDOM, seed, trials, costs, float("inf")))
        limit = found[RANDOM][-1].seconds[-1]
        found[LEARNING].append(course(LEARNING, seed, trials, costs, limit))
        told = [f"{name} {100 * one[-1].best[-1]:.2f} %" for name, one in found.items()]
        print(f"repeat {seed}: {limit:.1f} s of training: {', '.join(told)}", flush=True)
    return found


def table(found: dict[str, list[Course]], most: float) -> list[str]:
    """The mean of the best accuracy and its deviation, after shares of the seconds."""
    lines = []
    for share in (0.1, 0.25, 0.5, 1.0):
        cells = []
        for name, courses in found.items():
            values = 100 * np.array([one.at(share * most) for one in courses])
            cells.append(f"{name} {values.mean():.2f} ± {values.std(ddof=1):.2f} %")
        lines.append(f"after {share:.0%} of {most:.1f} s: {', '.join(cells)}")
    return lines


def drawn(found: dict[str, list[Course]], most: float, path: Path) -> None:
    """The curves of all repeats, and their means."""
    grid = np.linspace(0.02 * most, most, 400)
    with style.drawing():
        repeats = len(found[RANDOM])
        note = (
            f"Six parameters of a 784-h-h2-10 network, 2,000 training images, {EPOCHS} epochs at "
            f"most. Thin: each of {repeats} repeats; thick: their mean."
        )
        sheet = Sheet(4.4, "Best validation accuracy so far", note, "MNIST, one thread")
        axes = sheet.panel(MARGIN + 0.7, 0.1, style.WIDTH - 2 * MARGIN - 0.8, 3.6)
        for name, courses in found.items():
            lines = 100 * np.array([[one.at(x) for x in grid] for one in courses])
            for line in lines:
                axes.plot(grid, line, color=COLOURS[name], linewidth=0.7, alpha=0.45)
            axes.plot(grid, lines.mean(axis=0), color=COLOURS[name], linewidth=2.4, label=name)
        ends = [one.best[-1] for courses in found.values() for one in courses]
        axes.set_ylim(100 * max(ends) - 12, 100 * max(ends) + 0.6)
        axes.set_xlim(0, most)
        axes.set_xlabel("training time of all trials (s)")
        axes.set_ylabel("validation accuracy (%)")
        axes.legend(loc="lower right", frameon=False)
    path.write_bytes(style.rendered(sheet.figure))


def main(arguments: Sequence[str]) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--costs", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trials", type=int, default=40)
    options = parser.parse_args(arguments)
    known = options.folder / "costs.json"
    if options.costs:
        known.write_text(json.dumps(measured_costs(), indent=1), encoding="utf-8")
        return
    costs = json.loads(known.read_text(encoding="utf-8"))
    found = race(options.repeats, options.trials, costs)
    most = min(one.seconds[-1] for one in found[RANDOM])
    rows = {
        name: [{"seconds": one.seconds, "best": one.best, "trials": one.trials} for one in courses]
        for name, courses in found.items()
    }
    (options.folder / "race.json").write_text(json.dumps(rows), encoding="utf-8")
    drawn(found, most, options.folder / "race.png")
    print("\n".join(table(found, most)))


if __name__ == "__main__":
    main(sys.argv[1:])
