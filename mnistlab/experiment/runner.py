"""One configuration → one finished run, in its folder."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.config import RunConfig, config_hash, dump_yaml
from mnistlab.data import Dataset
from mnistlab.engine.initializers import initial_params
from mnistlab.engine.params import views
from mnistlab.engine.statistics import layer_statistics
from mnistlab.engine.threads import engine_threads
from mnistlab.engine.trainer import Evaluation, Trainer
from mnistlab.experiment.best import BestSoFar
from mnistlab.experiment.callbacks import Callback, Progress, RunResult, Start
from mnistlab.experiment.checkpoint import Checkpoint, save_checkpoint, save_tensors
from mnistlab.experiment.interruption import StopRequested, StopSignals, stop_signals
from mnistlab.experiment.metrics import (
    LayerRow,
    LayersWriter,
    MetricsRow,
    MetricsWriter,
    write_predictions,
)
from mnistlab.experiment.provenance import collect, write_run_json
from mnistlab.experiment.record import advice_on_divergence, final_metrics, network_and_data
from mnistlab.experiment.run_dir import RunDir, create_run_dir

logger = logging.getLogger(__name__)

# Writing a checkpoint waits for the disk, so a run of many short epochs does not write each.
SECONDS_BETWEEN_CHECKPOINTS = 2.0


def run(
    config: RunConfig,
    dataset: Dataset,
    *,
    runs_dir: Path,
    threads: int | None = None,
    callbacks: Sequence[Callback] = (),
    argv: Sequence[str] = (),
) -> RunResult:
    """Train a configuration on a dataset and leave a run folder.

    Raises UsageError, before there is a folder, for an init file that does not fit.
    """
    began = time.perf_counter()
    started = datetime.now(UTC)
    trainer = Trainer(config, dataset)
    program = trainer.program
    trainer.params[:] = initial_params(
        config.init, program.tensors, program.size, config.seed, program.dtype
    )
    run_dir = create_run_dir(runs_dir, config.name, dump_yaml(config), config_hash(config), started)
    with engine_threads(threads) as pool, _logged(run_dir), stop_signals() as stop:
        facts = {
            "started": started.isoformat(),
            **collect(pool, argv),
            **network_and_data(trainer),
        }
        return _Run(trainer, run_dir, callbacks, facts, stop, began).to_the_end()


@contextmanager
def _logged(run_dir: RunDir) -> Iterator[None]:
    """Keep what mnistlab logs in the run's own train.log."""
    handler = logging.FileHandler(run_dir.log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    package = logging.getLogger("mnistlab")
    level = package.level
    package.addHandler(handler)
    package.setLevel(min(level or logging.INFO, logging.INFO))
    try:
        yield
    finally:
        package.setLevel(level)
        package.removeHandler(handler)
        handler.close()


class _Run:
    """A run under way: the trainer, its folder, and what was best so far."""

    def __init__(
        self,
        trainer: Trainer,
        run_dir: RunDir,
        callbacks: Sequence[Callback],
        facts: dict[str, Any],
        stop: StopSignals,
        began: float,
    ) -> None:
        self.trainer = trainer
        self.config = trainer.config
        self.run_dir = run_dir
        self.callbacks = callbacks
        self.facts = facts
        self.stop = stop
        self.began = began
        self.metrics = MetricsWriter(run_dir.metrics)
        self.layers = LayersWriter(run_dir.layers)
        self.best = BestSoFar.watching(self.config, len(trainer.dataset.validation) > 0)
        self.best_params = trainer.params.copy()
        self.test_seen = False
        self.last_row: MetricsRow | None = None
        self.predictions: Evaluation | None = None
        self.checkpoint = self._snapshot()
        self.written = began

    # The run from its start to its end.

    def to_the_end(self) -> RunResult:
        """Train, and leave the folder telling how it ended, whatever happens."""
        plan = self.trainer.plan
        self._write_run_json("running")
        try:
            self.trainer.compile(self._tell)
            start = Start(
                self.run_dir.path, plan.epochs, plan.steps, plan.steps_per_epoch, plan.images
            )
            for callback in self.callbacks:
                callback.on_start(start)
            self.written = time.perf_counter()
            status = self._train()
        except StopRequested as request:
            save_checkpoint(self.run_dir, self._snapshot())
            logger.info("stopped by %s at step %d", request, self.trainer.step)
            self._write_best()
            self._write_run_json("interrupted")
            return self._result("interrupted", signal=request.number)
        except BaseException as error:
            logger.info("failed: %s: %s", type(error).__name__, error)
            self._write_run_json("failed", reason=f"{type(error).__name__}: {error}")
            raise
        return self._finish(status)

    def _train(self) -> str:
        """Step after step to the end; returns the status."""
        while self.trainer.step < self.trainer.plan.steps:
            self.stop.check()
            target = self._next_stop()
            if not self.trainer.train_to(target, self._look) or not self.trainer.is_finite():
                self._record(MetricsRow(self.trainer.epoch, self.trainer.step, **self._measured()))
                return "diverged"
            if self._ends_epoch(target):
                self._write_layers()
            last = target == self.trainer.plan.steps
            if (last or self._is_due("evaluate_every", target)) and self._evaluate():
                return "stopped_early"
            if self._is_due("checkpoint_every", target):
                self.checkpoint = self._snapshot()
                self._write_checkpoint_now_and_then()
        return "finished"

    def _next_stop(self) -> int:
        """The next step after which there is something to do."""
        plan, step = self.trainer.plan, self.trainer.step
        lengths = [plan.steps_per_epoch]
        for key in ("evaluate_every", "checkpoint_every"):
            value = getattr(self.config.training, key)
            if value != "epoch":
                lengths.append(value)
        return min(plan.steps, *((step // length + 1) * length for length in lengths))

    def _is_due(self, key: str, step: int) -> bool:
        every = getattr(self.config.training, key)
        return step % (self.trainer.plan.steps_per_epoch if every == "epoch" else every) == 0

    def _ends_epoch(self, step: int) -> bool:
        plan = self.trainer.plan
        return step % plan.steps_per_epoch == 0 or step == plan.steps

    # Looking at the network.

    def _evaluate(self) -> bool:
        """Measure, write a row, keep the best; whether early stopping says that it is enough."""
        trainer, training = self.trainer, self.config.training
        values = self._measured()
        if training.train_metrics == "full":
            measured = trainer.evaluate(trainer.dataset.train)
            values |= {"train_loss": measured.loss, "train_accuracy": measured.accuracy}
        if len(trainer.dataset.validation):
            measured = trainer.evaluate(trainer.dataset.validation)
            values |= {"val_loss": measured.loss, "val_accuracy": measured.accuracy}
        row = MetricsRow(trainer.epoch, trainer.step, **values)
        stop = False
        if self.best is not None:
            if self.best.update(row):
                self.best_params[:] = trainer.params
            stop = self.best.should_stop
        at_end = stop or trainer.step == trainer.plan.steps
        if training.test == "every" or (training.test == "end" and at_end):
            row = self._tested(row, at_end)
        self._record(row)
        trainer.clear_totals()
        return stop

    def _measured(self) -> dict[str, float | None]:
        """What a row has without another look at the images."""
        trainer = self.trainer
        loss, accuracy = trainer.running()
        return {
            "lr": float(trainer.rates(trainer.step - 1, trainer.step)[0]),
            "train_loss": loss,
            "train_accuracy": accuracy,
            "penalty": trainer.penalty(),
            "seconds": trainer.seconds,
        }

    def _tested(self, row: MetricsRow, at_end: bool) -> MetricsRow:
        """The row with the test set's figures: at the end, of the weights that are kept."""
        if at_end:
            self._keep_best()
        self.test_seen = True
        measured = self.trainer.evaluate(self.trainer.dataset.test)
        self.predictions = measured
        return replace(row, test_loss=measured.loss, test_accuracy=measured.accuracy)

    def _keep_best(self) -> None:
        """With early stopping, the best weights are the ones that are tested and kept."""
        if self.config.training.early_stopping is not None:
            self.trainer.params[:] = self.best_params

    def _record(self, row: MetricsRow) -> None:
        self.metrics.append(row)
        self.last_row = row
        logger.info("%s", row)
        for callback in self.callbacks:
            callback.on_row(row)

    def _write_layers(self) -> None:
        rows = layer_statistics(self.trainer)
        self.layers.append(*(LayerRow(epoch=self.trainer.epoch, **asdict(row)) for row in rows))

    def _look(self) -> None:
        """Between steps: tell who watches, and heed a signal."""
        trainer = self.trainer
        loss, accuracy = trainer.running()
        images = trainer.step * trainer.plan.batch
        epoch = trainer.step // trainer.plan.steps_per_epoch + 1
        progress = Progress(epoch, trainer.step, images, trainer.seconds, loss, accuracy)
        for callback in self.callbacks:
            callback.on_progress(progress)
        self.stop.check()

    def _tell(self, text: str) -> None:
        logger.info("%s", text)
        for callback in self.callbacks:
            callback.on_message(text)

    # What is kept.

    def _snapshot(self) -> Checkpoint:
        """All that going on from here needs, copied."""
        trainer, memory = self.trainer, self.trainer.memory
        tensors = {
            "params": trainer.params.copy(),
            "state1": memory.state1.copy(),
            "state2": memory.state2.copy(),
            "totals": memory.totals.copy(),
            "best_params": self.best_params.copy(),
        }
        position = {
            "step": trainer.step,
            "seconds": trainer.seconds,
            "test_seen": self.test_seen,
            "best_row": asdict(self.best.row) if self.best and self.best.row else None,
            "waited": self.best.waited if self.best else 0,
        }
        return Checkpoint(tensors, position)

    def _write_checkpoint_now_and_then(self) -> None:
        if time.perf_counter() - self.written >= SECONDS_BETWEEN_CHECKPOINTS:
            save_checkpoint(self.run_dir, self.checkpoint)
            self._write_best()
            self.written = time.perf_counter()

    def _write_best(self) -> None:
        if self.best is not None and self.best.row is not None:
            self._write_weights(self.run_dir.best, self.best_params, self.best.row.step)

    def _write_weights(self, path: Path, params: np.ndarray, step: int) -> None:
        path.parent.mkdir(exist_ok=True)
        save_tensors(path, views(self.trainer.program.tensors, params), {"step": str(step)})

    def _finish(self, status: str) -> RunResult:
        """Write the final weights, predictions and run.json, in this order: run.json is the end."""
        trainer, advice = self.trainer, None
        if status == "diverged":
            kept = self.checkpoint.position["step"]
            advice = advice_on_divergence(self.config, trainer.step, trainer.epoch, kept)
            trainer.params[:] = self.checkpoint.tensors["params"]
            self.predictions = None
        else:
            self.checkpoint = self._snapshot()
            self._keep_best()
            kept = trainer.step
        save_checkpoint(self.run_dir, self.checkpoint)
        self._write_best()
        self._write_weights(self.run_dir.weights, trainer.params, kept)
        self._write_predictions()
        self._write_run_json(status, reason=advice)
        return self._result(status, advice=advice)

    def _write_predictions(self) -> None:
        """What the kept weights say of the test set, or, where it was not seen, of validation."""
        said, validation = self.predictions, self.trainer.dataset.validation
        if said is None and len(validation) > 0:
            said = self.trainer.evaluate(validation)
        if said is not None:
            of_predicted = said.outputs[np.arange(len(said.labels)), said.predicted]
            write_predictions(self.run_dir.predictions, said.labels, said.predicted, of_predicted)

    def _final_metrics(self) -> dict[str, float | None]:
        return final_metrics(self.config, self.last_row, self.best)

    def _seconds(self) -> dict[str, float]:
        return {"total": time.perf_counter() - self.began, "train": self.trainer.seconds}

    def _write_run_json(self, status: str, reason: str | None = None) -> None:
        write_run_json(
            self.run_dir,
            {
                "status": status,
                "reason": reason,
                "finished": None if status == "running" else datetime.now(UTC).isoformat(),
                "seconds": self._seconds(),
                "epochs": self._epochs(),
                "steps": self.trainer.step,
                "metrics": self._final_metrics(),
                "best": asdict(self.best.row) if self.best and self.best.row else None,
                "test_set_looked_at": self.test_seen,
                **self.facts,
            },
        )

    def _epochs(self) -> int:
        return self.trainer.epoch if self.trainer.step else 0

    def _result(
        self, status: str, advice: str | None = None, signal: int | None = None
    ) -> RunResult:
        return RunResult(
            run_dir=self.run_dir.path,
            status=status,
            epochs=self._epochs(),
            metrics={k: v for k, v in self._final_metrics().items() if k != "penalty"},
            seconds=self._seconds(),
            advice=advice,
            signal=signal,
        )
