"""Small sweeps on the bundled digits, and what must be equal in two of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from mnistlab.config.load_sweep import parse_sweep
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.sweeps import sweep_run
from mnistlab.sweeps.results import read_trials
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepResult
from mnistlab.sweeps.sweep_options import SweepOptions
from tools.short_runs import fingerprint

RUN = """\
name: tiny
data: {source: digits, train_limit: 43, validation: 0.1}
model: {type: mlp, hidden: [6]}
training: {epochs: 2, batch_size: 9, test: never}
"""


class Heard(SweepCallback):
    """Collects all events of a sweep."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.warnings: list[str] = []
        self.trials: list = []
        self.progress: list = []

    def on_message(self, text):
        self.messages.append(text)

    def on_warning(self, text):
        self.warnings.append(text)

    def on_trial(self, row, took, progress):
        self.trials.append(row)

    def on_progress(self, progress):
        self.progress.append(progress)


def sweep(
    folder: Path,
    *values: str,
    text: str = RUN,
    workers: int | None = 2,
    **options,
) -> SweepResult:
    """Run the sweep of a configuration and of values to try."""
    return sweep_run.begin(
        parse_sweep(text, "sweep.yaml", values),
        folder / "runs",
        SweepOptions(data_dir=folder / "data", workers=workers, **options),
    )


def resume(
    result: SweepResult,
    *values: str,
    workers: int = 2,
    force: bool = False,
    unprune: Sequence[int] = (),
    **options,
) -> SweepResult:
    path = result.sweep_dir
    how = SweepOptions(data_dir=path.parent.parent / "data", workers=workers, **options)
    return sweep_run.resume(path, values, how, force=force, unprune=unprune)


def rows(result: SweepResult) -> list:
    return read_trials(SweepDir(result.sweep_dir))


def records(result: SweepResult) -> dict[str, dict]:
    """The run.json of every trial, by the folder's name."""
    runs = sorted(result.sweep_dir.glob("trials/[!.]*/run.json"))
    return {run.parent.name: json.loads(run.read_text()) for run in runs}


def fingerprints(result: SweepResult) -> dict[str, dict]:
    """Everything of each trial that does not depend on time."""
    trials = sorted(result.sweep_dir.glob("trials/[!.]*"))
    return {trial.name: fingerprint(trial) for trial in trials}
