"""The files that a run writes while it trains and when it ends, and how they are restored."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.experiment.averaging import WeightAverage
from mnistlab.experiment.best import BestSoFar
from mnistlab.experiment.divergence import last_steps
from mnistlab.experiment.run_facts import metrics_of
from mnistlab.runtime.params import views
from mnistlab.store.checkpoint import Checkpoint, save_checkpoint, save_tensors
from mnistlab.store.checksums import FileDigest
from mnistlab.store.json_fields import as_json
from mnistlab.store.metrics import (
    LAST_STEPS,
    LAYERS,
    METRICS,
    LayerRow,
    MetricsRow,
    TableWriter,
    read_metrics,
)
from mnistlab.store.predictions import write_predictions
from mnistlab.store.run_dir import (
    LAST_STEPS_NAME,
    LAYERS_NAME,
    METRICS_NAME,
    PREDICTIONS_NAME,
    RunDir,
)
from mnistlab.store.run_record import RunRecord, Seconds, write_run_record
from mnistlab.store.status import Status
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.run_weights import snapshot_name
from mnistlab.training.trainer import Trainer

# Writing a checkpoint waits for the disk, so a run with many short epochs does not write after
# each: it trains that long between two of them. Of a run that trains beside others, only its share
# of the time counts, or all would write as often as one alone.
SECONDS_BETWEEN_CHECKPOINTS = 2.0
# But it waits no longer by the clock, however long it evaluates.
MOST_SECONDS_BETWEEN = 30.0


class RunWriter:
    """A run's state to be saved: the best weights, the last finite state, and all its files."""

    def __init__(self, trainer: Trainer, run_dir: RunDir, record: RunRecord) -> None:
        self.trainer = trainer
        self.run_dir = run_dir
        self.record = record  # as last written
        self.best = BestSoFar.watching(trainer.config, len(trainer.dataset.validation) > 0)
        self.plateau = BestSoFar.for_rate(trainer.config)
        self.best_params = trainer.params.copy()
        self.average = WeightAverage.of(trainer)
        taught = trainer.config.loss.is_taught
        self.soft_targets = FileDigest.of(trainer.memory.outputs.tobytes()) if taught else None
        self.metrics_table: TableWriter[MetricsRow] | None = None
        self.layers_table: TableWriter[LayerRow] | None = None
        self.predictions: FileDigest | None = None
        self.last_steps: FileDigest | None = None
        self.test_seen = False
        self.last_row: MetricsRow | None = None
        self.ended: Status | None = None
        self.reason: str | None = None
        self.saved_step: int | None = None  # of the newest checkpoint on disk
        self.began = self.written = time.perf_counter()
        self.trained = 0.0  # seconds of training at the last write
        self.seconds_before = 0.0  # of the run before it was resumed
        self.checkpoint = self.snapshot()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore the trainer and the run from a checkpoint."""
        trainer, position = self.trainer, checkpoint.position
        if self.soft_targets and position["soft_targets"] != self.soft_targets.sha256:
            raise UsageError("loss.teacher.run: what it says of the images has changed since")
        trainer.params[:] = checkpoint.tensors["params"]
        for name, state in trainer.states.items():
            state[:] = checkpoint.tensors[name]
        trainer.memory.totals[:] = checkpoint.tensors["totals"]
        self.best_params[:] = checkpoint.tensors["best_params"]
        # A run that diverged was beyond the state that it kept.
        trainer.step = position.get("ended_step", position["step"])
        trainer.seconds = self.trained = position["seconds"]
        self.test_seen = position["test_seen"]
        if self.average is not None:
            self.average.restore(checkpoint.tensors["average"], position["averaged"])
        self.ended = Status(position["ended"]) if position["ended"] else None
        self.reason = position["reason"]
        self.seconds_before = position["total_seconds"]
        if self.best is not None:
            self.best.waited = position["waited"]
            self.best.row = MetricsRow(**position["best_row"]) if position["best_row"] else None
        if self.plateau is not None:
            held = position["plateau"]
            self.plateau.waited = held["waited"]
            self.plateau.row = MetricsRow(**held["row"]) if held["row"] else None
            trainer.falls[:] = held["falls"]
        self.last_steps = FileDigest.from_json(position["files"].get(LAST_STEPS_NAME))
        self.checkpoint = checkpoint
        self.saved_step = position["step"]

    def open_tables(self) -> tuple[TableWriter[MetricsRow], TableWriter[LayerRow]]:
        """metrics.csv and layers.csv, truncated to their content at the checkpoint.

        Raises UsageError if one of them does not begin with that content.
        """
        run_dir, held = self.run_dir, self.checkpoint.position["files"]
        metrics = TableWriter(
            METRICS, run_dir.metrics, FileDigest.from_json(held.get(METRICS_NAME))
        )
        layers = TableWriter(LAYERS, run_dir.layers, FileDigest.from_json(held.get(LAYERS_NAME)))
        rows = read_metrics(run_dir.metrics)
        self.last_row = rows[-1] if rows else None
        self.metrics_table, self.layers_table = metrics, layers
        return metrics, layers

    def files(self) -> dict[str, FileDigest]:
        """The digest of each of the run's tables so far."""
        tables = {METRICS_NAME: self.metrics_table, LAYERS_NAME: self.layers_table}
        held = {name: table.written for name, table in tables.items() if table is not None}
        if self.last_steps is not None:
            held[LAST_STEPS_NAME] = self.last_steps
        if self.predictions is not None:
            held[PREDICTIONS_NAME] = self.predictions
        return held

    def snapshot(self) -> Checkpoint:
        """A copy of everything that resuming from here needs."""
        trainer, memory = self.trainer, self.trainer.memory
        tensors = {
            "params": trainer.params.copy(),
            **{name: state.copy() for name, state in trainer.states.items()},
            "totals": memory.totals.copy(),
            "best_params": self.best_params.copy(),
        }
        if self.average is not None:
            tensors["average"] = self.average.total.copy()
        position = {
            "step": trainer.step,
            "planned_steps": trainer.length.steps,
            "seconds": trainer.seconds,
            "total_seconds": self.seconds().total,
            "soft_targets": self.soft_targets.sha256 if self.soft_targets else None,
            "averaged": self.average.count if self.average else 0,
            "test_seen": self.test_seen,
            "best_row": asdict(self.best.row) if self.best and self.best.row else None,
            "waited": self.best.waited if self.best else 0,
            "plateau": self._plateau(),
            "ended": self.ended,
            "reason": self.reason,
            "files": as_json(self.files()),
        }
        return Checkpoint(tensors, position)

    def _plateau(self) -> dict[str, Any] | None:
        """What decides when the learning rate falls next, and when it fell."""
        if self.plateau is None:
            return None
        row = asdict(self.plateau.row) if self.plateau.row else None
        return {"row": row, "waited": self.plateau.waited, "falls": list(self.trainer.falls)}

    def let_rate_fall(self, row: MetricsRow) -> None:
        """Lower the learning rate from the next step on, if the schedule's metric is at rest."""
        if self.plateau is not None and self.plateau.ends_patience(row):
            self.trainer.falls.append(self.trainer.step)

    def take_checkpoint(self) -> None:
        """Remember the state as the last finite one; also write it if the last write is long enough
        ago.
        """
        self.checkpoint = self.snapshot()
        trained = self.trainer.seconds - self.trained
        waited = time.perf_counter() - self.written
        if trained >= SECONDS_BETWEEN_CHECKPOINTS or waited >= MOST_SECONDS_BETWEEN:
            self.write_checkpoint()
            self.trained, self.written = self.trainer.seconds, time.perf_counter()

    def write_checkpoint(self) -> None:
        """Write the last finite state, and the best weights.

        The rows up to this state are fsynced first, because resuming needs them.
        """
        for table in (self.metrics_table, self.layers_table):
            if table is not None:
                table.fsync()
        save_checkpoint(self.run_dir, self.checkpoint)
        self.saved_step = self.checkpoint.position["step"]
        if self.best is not None and self.best.row is not None:
            self._write_weights(self.run_dir.best, self.best_params, self.best.row.step)
        durable.fsync(self.run_dir.checkpoints)

    def write_last_steps(self) -> None:
        """Write how a run diverged: its steps since the last state that was whole, one by one."""
        whole = self.checkpoint
        rows = last_steps(self.trainer, whole.tensors, whole.position["step"])
        content = LAST_STEPS.text(rows).encode()
        durable.write_file(self.run_dir.last_steps, content)
        self.last_steps = FileDigest.of(content)

    def end(self, status: Status, reason: str | None = None) -> None:
        """Save the final weights and predictions; run.json is written last and marks the end.

        A run that diverged keeps the weights of the last finite state. The last checkpoint of a run
        that reached its length is of the state before its last step; a longer run resumes there.
        """
        self.ended, self.reason = status, reason
        if status is Status.DIVERGED:
            whole = self.checkpoint
            self.trainer.params[:] = whole.tensors["params"]
            kept = whole.position["step"]
            ended = {"ended": status, "reason": reason, "ended_step": self.trainer.step}
            position = {**whole.position, **ended, "files": as_json(self.files())}
            self.checkpoint = Checkpoint(whole.tensors, position)
        else:
            if status is Status.STOPPED_EARLY:
                self.checkpoint = self.snapshot()
            self.set_kept()
            kept = self.trainer.step
        self.write_checkpoint()
        self._write_weights(self.run_dir.weights, self.trainer.params, kept)
        self._write_predictions()
        durable.fsync(self.run_dir.path)  # before run.json says that the run has ended
        self.write_run_json(status)

    def set_kept(self) -> None:
        """Set the trainer's weights to those that the run keeps: with early stopping the best, with
        averaging the mean, else its last.
        """
        if self.trainer.config.training.early_stopping is not None:
            self.trainer.params[:] = self.best_params
        elif self.average is not None:
            self.average.set_mean()

    @contextmanager
    def kept_weights(self) -> Iterator[None]:
        """The trainer has the kept weights inside the block, and its own again afterwards."""
        last = self.trainer.params.copy()
        self.set_kept()
        try:
            yield
        finally:
            self.trainer.params[:] = last

    def kept_row(self, last: MetricsRow) -> MetricsRow:
        """The row of the weights that a run keeps; `last` is its last row."""
        if self.average is not None and self.average.row is not None:
            return self.average.row
        early = self.trainer.config.training.early_stopping
        return self.best.row if early and self.best and self.best.row else last

    def write_snapshot(self, epoch: int) -> None:
        """Keep the weights as they are after an epoch, counted from 1."""
        path = self.run_dir.snapshot(snapshot_name(epoch))
        self._write_weights(path, self.trainer.params, self.trainer.step)
        durable.fsync(path.parent)

    def _write_weights(self, path: Path, params: np.ndarray, step: int) -> None:
        path.parent.mkdir(exist_ok=True)
        save_tensors(path, views(self.trainer.program.tensors, params), {"step": str(step)})

    def _write_predictions(self) -> None:
        """Write the predictions of the kept weights for the test set, or, if it was not tested,
        validation.
        """
        dataset = self.trainer.dataset
        split = dataset.test if self.test_seen else dataset.validation
        if len(split) > 0:
            said = self.trainer.evaluate(split)
            of_predicted = said.outputs[np.arange(len(said.labels)), said.predicted]
            self.predictions = write_predictions(
                self.run_dir.predictions, said.labels, said.predicted, of_predicted
            )

    def metrics(self) -> dict[str, float | None]:
        """The metrics of the kept weights; before a run ends, or if it diverged, those of its last
        row.
        """
        last = self.last_row
        if last is None or self.ended is None or not self.ended.finished:
            return metrics_of(last)
        return metrics_of(self.kept_row(last), last)

    def seconds(self) -> Seconds:
        """The duration of the run."""
        total = self.seconds_before + time.perf_counter() - self.began
        return Seconds(total, self.trainer.seconds)

    def write_run_json(self, status: Status, reason: str | None = None) -> None:
        """Write the run's status and facts."""
        running = status is Status.RUNNING
        self.record = replace(
            self.record,
            status=status,
            reason=reason or self.reason,
            finished=None if running else datetime.now(UTC),
            seconds=self.seconds(),
            epochs=self.trainer.epochs_done,
            steps=self.trainer.step,
            steps_per_epoch=self.trainer.length.steps_per_epoch,
            metrics=self.metrics(),
            best=self.best.row if self.best else None,
            test_set_looked_at=self.test_seen,
            # For a run in progress they change with every row.
            files={} if running else self.files(),
        )
        write_run_record(self.run_dir, self.record)
