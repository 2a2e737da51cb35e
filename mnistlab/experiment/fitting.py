"""A configuration trained in memory: no folder, no checkpoint, the same weights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.engine.inference import Inference
from mnistlab.engine.threads import engine_threads
from mnistlab.engine.trainer import Trainer
from mnistlab.experiment.best import BestSoFar
from mnistlab.experiment.memory_bound import refuse_too_large
from mnistlab.experiment.metrics import MetricsRow
from mnistlab.experiment.record import advice_on_divergence
from mnistlab.experiment.runner import new_trainer


class DivergedError(ValueError):
    """The loss or a weight stopped being a finite number; the message says what to try."""


@dataclass(frozen=True)
class Fitted:
    """A trained network, compiled, and what was measured: a row per epoch."""

    network: Inference
    rows: tuple[MetricsRow, ...]


def fit(
    config: RunConfig,
    dataset: Dataset,
    *,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Fitted:
    """Train a configuration on a dataset; the weights are those that its run would keep.

    It is evaluated after each epoch, whatever `training.evaluate_every` says, and never tested.
    `tell` hears what takes long. Raises DivergedError; UsageError where the two don't go together
    or memory does not hold them.
    """
    refuse_too_large(config, dataset)
    trainer = new_trainer(config, dataset)
    best = BestSoFar.watching(config, len(dataset.validation) > 0)
    best_params = trainer.params.copy()
    rows: list[MetricsRow] = []
    with engine_threads(threads):
        trainer.compile(tell)
        while trainer.step < trainer.plan.steps and not (best and best.should_stop):
            rows.append(_epoch(trainer))
            if best is not None and best.update(rows[-1]):
                best_params[:] = trainer.params
    if config.training.early_stopping is not None:
        trainer.params[:] = best_params
    return Fitted(trainer.inference, tuple(rows))


def _epoch(trainer: Trainer) -> MetricsRow:
    """Train to the end of the epoch, and measure."""
    plan, before = trainer.plan, trainer.step
    end = min(plan.steps, (before // plan.steps_per_epoch + 1) * plan.steps_per_epoch)
    if not trainer.train_to(end) or not trainer.is_finite():
        raise DivergedError(
            advice_on_divergence(trainer.config, trainer.step, trainer.epoch, kept=before)
        )
    loss, accuracy = trainer.running()
    values: dict[str, float] = {"train_loss": loss, "train_accuracy": accuracy}
    if len(trainer.dataset.validation):
        measured = trainer.evaluate(trainer.dataset.validation)
        values |= {"val_loss": measured.loss, "val_accuracy": measured.accuracy}
    trainer.clear_totals()
    return MetricsRow(
        trainer.epoch,
        trainer.step,
        lr=float(trainer.rates(trainer.step - 1, trainer.step)[0]),
        penalty=trainer.penalty(),
        seconds=trainer.seconds,
        **values,
    )


def load(
    config: RunConfig,
    image_shape: tuple[int, int],
    classes: int,
    pixel: tuple[float, float],
    weights: dict[str, np.ndarray],
) -> Inference:
    """The network of a configuration with weights put into it; it sees pixel * scale + offset."""
    network = Inference(config, image_shape, classes, *pixel)
    for name, tensor in network.tensors.items():
        tensor[:] = weights[name]
    network.compile()
    return network
