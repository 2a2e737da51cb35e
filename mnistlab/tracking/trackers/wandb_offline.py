"""Weights & Biases: a folder for each run, as its program leaves one without a network."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnistlab.tracking.tracker import Log, Outcome, Point, Store, TrackedRun, Tracker

PROJECT = "mnistlab"
INSIDE = "wandb"  # the program's own name for the folder of its runs


class OfflineRuns(Store):
    """The folders `wandb/offline-run-TIME-ID`, one for each run."""

    def __init__(self, folder: Path) -> None:
        # The program reports its errors to its makers, unless it is told not to.
        os.environ |= {"WANDB_ERROR_REPORTING": "false"}
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.absolute()

    def open(self, run: TrackedRun) -> Log:
        return _Run(self.folder, run)


class _Run:
    """A run, which is written when it ends: an offline run cannot be continued."""

    def __init__(self, folder: Path, run: TrackedRun) -> None:
        self.folder = folder
        self.run = run
        self.points: Sequence[Point] = []

    def add(self, points: Sequence[Point]) -> None:
        self.points = [*self.points, *points]

    def end(self, outcome: Outcome) -> None:
        """Write the whole run in place of what an earlier export wrote."""
        import wandb

        # A slash would be a folder.
        identity = self.run.name.replace("/", ".")
        for one in (self.folder / INSIDE).glob("offline-run-*"):
            if one.name.split("-", 3)[3] == identity:
                shutil.rmtree(one)
        offline = wandb.Settings(
            mode="offline",
            root_dir=str(self.folder),
            console="off",
            silent=True,
            reinit="create_new",  # a run of the program that called us goes on
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_meta=True,
        )
        written = wandb.init(
            project=PROJECT,
            id=identity,
            name=self.run.title,
            group=self.run.name if self.run.is_sweep else self.run.sweep or self.run.group,
            job_type="sweep" if self.run.is_sweep else "trial" if self.run.sweep else "train",
            config={**self.run.settings, **self.run.parameters},
            settings=offline,
        )
        self._write(written, outcome)
        written.finish(exit_code=0 if outcome.status.finished else 1)

    def _write(self, written: Any, outcome: Outcome) -> None:
        import wandb

        for point in self.points:
            written.log({**point.values, "_timestamp": point.time}, step=point.step)
        images = {f"figures/{k}": wandb.Image(str(file)) for k, file in outcome.figures.items()}
        last = max([outcome.step, *(one.step for one in self.points)])
        written.log({**images, "_timestamp": outcome.time}, step=last)
        final = {f"final/{name}": value for name, value in outcome.metrics.items()}
        written.summary.update({**final, "status": outcome.status.words})
        inside = Path(written.dir)
        for file in outcome.files:  # copied: the run's own folder may be removed before it is sent
            copy = Path(shutil.copy(file, inside / file.name))
            written.save(str(copy), base_path=str(inside), policy="end")


TRACKER = Tracker(
    name="wandb-offline",
    description="wandb-offline has a folder for each run, which `wandb sync` sends to a server of "
    "Weights & Biases. No other command needs the network.",
    needs=("wandb",),
    connect=OfflineRuns,
    shows=f"wandb sync {{folder}}/{INSIDE}/offline-run-*",
    verb="uploads",
    install="mnistlab[wandb]",
    follows=False,
)
