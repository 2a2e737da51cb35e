"""The callbacks of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_record import RunRecord, Seconds
from mnistlab.store.status import Status
from mnistlab.support.metric_names import SPLIT_METRICS


@dataclass(frozen=True)
class Start:
    """A run about to train: its folder, and its length."""

    run_dir: Path
    epochs: int
    steps: int
    steps_per_epoch: int
    evaluates_by_step: bool  # instead of once an epoch


@dataclass(frozen=True)
class RunProgress:
    """A run in progress. The loss and accuracy are means over the steps since the last row."""

    epoch: int
    step: int
    images: int  # trained on so far, with repetitions
    seconds: float  # of training steps only
    loss: float
    accuracy: float


class RunCallback:
    """Receives a run's events; every method is optional."""

    def on_message(self, text: str) -> None:
        """A message for people: slow steps, errors."""

    def on_start(self, start: Start) -> None:
        """Training is about to begin."""

    def on_progress(self, progress: RunProgress) -> None:
        """Some steps are done; called several times a second."""

    def on_row(self, row: MetricsRow) -> None:
        """An evaluation is done, and its row is written."""

    def pauses(self) -> bool:
        """Whether the run stops here with a checkpoint, as pruned; asked after an evaluation."""
        return False


@dataclass(frozen=True)
class RunResult:
    """A run that has ended or stopped: its folder, its status, its final metrics."""

    run_dir: Path
    status: Status  # finished, stopped_early, diverged, pruned, interrupted
    epochs: int  # complete ones
    steps: int
    metrics: dict[str, float | None]
    seconds: Seconds
    advice: str | None = None  # what to try, if it diverged
    signal: int | None = None  # the signal that stopped it, if it was interrupted
    already_ended: bool = False  # of a resumed run: nothing was left to do

    @classmethod
    def of(cls, run_dir: Path, record: RunRecord, **more: Any) -> Self:
        """The result from a run.json, and fields that it does not have."""
        return cls(
            run_dir=run_dir,
            status=record.status,
            epochs=record.epochs,
            steps=record.steps,
            metrics={name: record.metrics.get(name) for name in SPLIT_METRICS},
            seconds=record.seconds,
            advice=record.reason,
            **more,
        )
