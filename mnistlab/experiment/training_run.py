"""A training in progress: trains steps; evaluates, saves and reports after some of them."""

import logging
from collections.abc import Generator, Sequence
from dataclasses import asdict, replace
from typing import Any

from mnistlab.experiment.callbacks import RunCallback, RunProgress, RunResult, Start
from mnistlab.experiment.data_warnings import data_warnings
from mnistlab.experiment.driver import Stretch, Training
from mnistlab.experiment.interruption import StopRequested, StopSignals
from mnistlab.experiment.run_facts import advice_on_divergence
from mnistlab.experiment.run_writer import RunWriter
from mnistlab.store.metrics import LayerRow, MetricsRow
from mnistlab.store.status import Status
from mnistlab.support.paths import as_argument
from mnistlab.training.statistics import layer_statistics

logger = logging.getLogger(__name__)


class TrainingRun:
    """Trains step after step; decides after which step to evaluate, save and report."""

    def __init__(
        self, writer: RunWriter, callbacks: Sequence[RunCallback], stop: StopSignals
    ) -> None:
        self.writer = writer
        self.trainer = writer.trainer
        self.config = writer.trainer.config
        self.callbacks = callbacks
        self.stop = stop
        self.metrics, self.layers = writer.open_tables()

    def to_the_end(self) -> Training:
        """Train, and record in the folder how it ended, whatever happens."""
        try:
            self.writer.write_run_json(Status.RUNNING)
            for text in data_warnings(self.config, self.trainer.dataset):
                logger.warning("%s", text)
            return (yield from self._to_the_end())
        except BaseException as error:
            self._tell_failure(error)
            raise

    def _to_the_end(self) -> Training:
        writer, trainer = self.writer, self.trainer
        try:
            with self.stop.at_once():
                trainer.compile(self._tell)
            self._start()
            status = writer.ended or (yield from self._train())
            if status is Status.PRUNED:
                self._pause()
                return RunResult.of(writer.run_dir.path, writer.record)
            if status is Status.DIVERGED and writer.ended is None:
                writer.write_last_steps()
            writer.end(status, writer.reason or self._advice(status))
        except StopRequested as request:
            writer.checkpoint = writer.snapshot()
            writer.write_checkpoint()
            logger.info("stopped by %s at step %d", request, trainer.step)
            writer.write_run_json(Status.INTERRUPTED)
            return RunResult.of(writer.run_dir.path, writer.record, signal=request.number)
        return RunResult.of(writer.run_dir.path, writer.record)

    def _pause(self) -> None:
        """Keep all that continuing needs; there are no final weights yet."""
        self.writer.checkpoint = self.writer.snapshot()
        self.writer.write_checkpoint()
        logger.info("pruned at step %d", self.trainer.step)
        self.writer.write_run_json(Status.PRUNED)

    def _pauses(self) -> bool:
        """Whether a callback stops the run after the evaluation that was just done."""
        row = self.writer.last_row
        done = row is not None and row.step == self.trainer.step < self.trainer.length.steps
        return done and any(callback.pauses() for callback in self.callbacks)

    def _tell_failure(self, error: BaseException) -> None:
        """Record in run.json why the run stopped, if possible, and what is kept."""
        # A second Ctrl-C ends at once: the last checkpoint remains.
        status = Status.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Status.FAILED
        reason = f"{type(error).__name__}: {error}"
        logger.info("%s: %s", status, reason)
        try:
            self.writer.write_run_json(status, reason=reason)
        except OSError as again:
            logger.warning(
                "%s: cannot record how the run ended: %s", again.filename, again.strerror
            )
        path, step = self.writer.run_dir.path, self.writer.saved_step
        if isinstance(error, OSError) and path.exists():
            kept = "nothing" if step is None else f"the run up to step {step}"
            command = f"mnistlab resume {as_argument(path)}"
            error.add_note(f"saved: {kept}; `{command}` resumes from there")

    def _start(self) -> None:
        run, path = self.trainer.length, self.writer.run_dir.path
        by_step = self.config.training.evaluate_every != "epoch"
        start = Start(path, run.epochs, run.steps, run.steps_per_epoch, by_step)
        for callback in self.callbacks:
            callback.on_start(start)

    def _train(self) -> Generator[Stretch, bool, Status]:
        """Train step after step to the end; returns the status."""
        trainer, steps = self.trainer, self.trainer.length.steps
        # The run may have died between an evaluation and the answer of the callbacks.
        if self._pauses():
            return Status.PRUNED
        while trainer.step < steps:
            self.stop.check()
            target = self._next_stop()
            finite = yield Stretch(trainer, target, self._look)
            if not finite or not trainer.is_finite():
                self._record(MetricsRow(trainer.epoch, trainer.step, **self._measured()))
                return Status.DIVERGED
            at_end = target == steps
            if at_end or target % trainer.length.steps_per_epoch == 0:
                self._write_layers()
                if self.writer.average is not None:
                    self.writer.average.add()
            self._keep_snapshot(target)
            due = at_end or self._is_due("evaluate_every", target)
            if due and (ended := self._evaluate()) is not None:
                return ended
            # The end is not checkpointed: what a longer run goes on from is the state before the
            # last step, where nothing has been done yet that only the end asks for.
            if target == steps - 1 or (not at_end and self._is_due("checkpoint_every", target)):
                self.writer.take_checkpoint()
            if due and self._pauses():
                return Status.PRUNED
            if target == steps - 1:
                self._look()
        return Status.FINISHED

    def _next_stop(self) -> int:
        """The next step after which there is something to do."""
        run, step = self.trainer.length, self.trainer.step
        last = run.steps - 1 if step < run.steps - 1 else run.steps
        lengths = [run.steps_per_epoch]
        for key in ("evaluate_every", "checkpoint_every"):
            value = getattr(self.config.training, key)
            if value != "epoch":
                lengths.append(value)
        return min(last, *((step // length + 1) * length for length in lengths))

    def _keep_snapshot(self, step: int) -> None:
        """Keep the weights, if the step is the last of an epoch whose weights are asked for."""
        every, per_epoch = self.config.training.snapshots, self.trainer.length.steps_per_epoch
        if every is not None and step % (every * per_epoch) == 0:
            self.writer.write_snapshot(step // per_epoch)

    def _is_due(self, key: str, step: int) -> bool:
        every = getattr(self.config.training, key)
        return step % (self.trainer.length.steps_per_epoch if every == "epoch" else every) == 0

    def _evaluate(self) -> Status | None:
        """Evaluate, write a row, keep the best; returns a status if that ends the run."""
        trainer, writer, training = self.trainer, self.writer, self.config.training
        values = self._measured()
        if training.train_metrics == "full":
            measured = trainer.evaluate(trainer.dataset.train)
            values |= {"train_loss": measured.loss, "train_accuracy": measured.accuracy}
        if len(trainer.dataset.validation):
            measured = trainer.evaluate(trainer.dataset.validation)
            values |= {"val_loss": measured.loss, "val_accuracy": measured.accuracy}
        row = MetricsRow(trainer.epoch, trainer.step, **values)
        if training.test == "every":
            row = self._tested(row)
        if not row.is_finite:
            self._record(row)
            return Status.DIVERGED
        stop = False
        if writer.best is not None:
            if writer.best.update(row):
                writer.best_params[:] = trainer.params
            stop = writer.best.should_stop
        writer.let_rate_fall(row)
        at_end = trainer.step == trainer.length.steps
        if at_end and writer.average is not None:
            writer.average.row = self._averaged(row)
        elif training.test != "never" and (stop or at_end):
            row = self._test_kept(row)
        self._record(row)
        trainer.clear_totals()
        if not writer.kept_row(row).is_finite:
            return Status.DIVERGED
        return Status.STOPPED_EARLY if stop else None

    def _averaged(self, last: MetricsRow) -> MetricsRow:
        """The metrics of the mean of the last epochs' weights, at the end of the run."""
        trainer = self.trainer
        values: dict[str, Any] = {}
        parts = {"train": trainer.dataset.train, "val": trainer.dataset.validation}
        with self.writer.kept_weights():
            for name, split in parts.items():
                if len(split):
                    measured = trainer.evaluate(split)
                    values |= {
                        f"{name}_loss": measured.loss,
                        f"{name}_accuracy": measured.accuracy,
                    }
            row = replace(last, **values, penalty=trainer.penalty())
            return row if self.config.training.test == "never" else self._tested(row)

    def _measured(self) -> dict[str, Any]:
        """The columns of a row that need no evaluation."""
        trainer = self.trainer
        loss, accuracy = trainer.running()
        return {
            "lr": float(trainer.rates(trainer.step - 1, trainer.step)[0]),
            "train_loss": loss,
            "train_accuracy": accuracy,
            "penalty": trainer.penalty(),
            "seconds": trainer.seconds,
        }

    def _test_kept(self, last: MetricsRow) -> MetricsRow:
        """Test the kept weights; returns the last row, with test metrics if the weights are its
        own.
        """
        writer = self.writer
        kept = writer.kept_row(last)
        if kept.test_loss is not None:
            return last
        with writer.kept_weights():
            tested = self._tested(kept)
        if writer.best is not None and writer.best.row is kept:
            writer.best.row = tested
        return tested if kept is last else last

    def _tested(self, row: MetricsRow) -> MetricsRow:
        """The row with the test metrics of the current weights."""
        self.writer.test_seen = True
        measured = self.trainer.evaluate(self.trainer.dataset.test)
        return replace(row, test_loss=measured.loss, test_accuracy=measured.accuracy)

    def _record(self, row: MetricsRow) -> None:
        self.metrics.append(row)
        self.writer.last_row = row
        logger.info("%s", row)
        for callback in self.callbacks:
            callback.on_row(row)

    def _write_layers(self) -> None:
        rows = layer_statistics(self.trainer)
        self.layers.append(*(LayerRow(epoch=self.trainer.epoch, **asdict(row)) for row in rows))

    def _look(self) -> None:
        """Between steps: report progress, and handle a signal."""
        trainer = self.trainer
        loss, accuracy = trainer.running()
        images = trainer.step * trainer.length.batch
        epoch = trainer.step // trainer.length.steps_per_epoch + 1
        progress = RunProgress(epoch, trainer.step, images, trainer.seconds, loss, accuracy)
        for callback in self.callbacks:
            callback.on_progress(progress)
        self.stop.check()

    def _tell(self, text: str) -> None:
        logger.info("%s", text)
        for callback in self.callbacks:
            callback.on_message(text)

    def _advice(self, status: Status) -> str | None:
        trainer = self.trainer
        if status is not Status.DIVERGED:
            return None
        kept = self.writer.checkpoint.position["step"]
        return advice_on_divergence(self.config, trainer.step, trainer.epoch, kept)
