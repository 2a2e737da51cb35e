"""Trains a configuration in memory: no folder, no checkpoint, the same weights."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.experiment.best import BestSoFar
from mnistlab.experiment.fits_data import refuse_unfit
from mnistlab.experiment.memory_check import refuse_too_large
from mnistlab.experiment.run_facts import advice_on_divergence
from mnistlab.experiment.runner import new_trainer
from mnistlab.runtime.threads import engine_threads
from mnistlab.store.metrics import MetricsRow
from mnistlab.training.inference import Inference
from mnistlab.training.trainer import Trainer


class DivergedError(ValueError):
    """The loss or a weight is no longer finite; the message says what to try."""


@dataclass(frozen=True)
class TrainingState:
    """The progress of a training: the steps done, and the optimizer's state vectors."""

    step: int
    states: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """A compiled trained network, a row of metrics per epoch, and the state of training.

    `epochs` are complete ones; the last may have been incomplete.
    """

    network: Inference
    rows: tuple[MetricsRow, ...]
    epochs: int
    state: TrainingState


def fit(
    config: RunConfig,
    dataset: Dataset,
    *,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Fitted:
    """Train a configuration on a dataset; the weights are those that its run would keep.

    It is evaluated after each epoch, whatever `training.evaluate_every` is, and never tested.
    `tell` receives messages about slow steps. Raises DivergedError; UsageError if configuration and
    dataset do not match, or if memory does not suffice.
    """
    refuse_unfit(config, dataset)
    refuse_too_large(config, dataset)
    trainer = new_trainer(config, dataset)
    best = BestSoFar.watching(config, len(dataset.validation) > 0)
    plateau, best_params = BestSoFar.for_rate(config), trainer.params.copy()
    rows: list[MetricsRow] = []
    with engine_threads(threads):
        trainer.compile(tell)
        while trainer.step < trainer.length.steps and not (best and best.should_stop):
            rows.append(_train_to(trainer, min(trainer.length.steps, _next_boundary(trainer))))
            if best is not None and best.update(rows[-1]):
                best_params[:] = trainer.params
            if plateau is not None and plateau.ends_patience(rows[-1]):
                trainer.falls.append(trainer.step)
        state = _state_of(trainer)
    if config.training.early_stopping is not None:
        trainer.params[:] = best_params
    return Fitted(trainer.inference, tuple(rows), trainer.epochs_done, state)


def fit_epoch(
    config: RunConfig,
    dataset: Dataset,
    before: tuple[Mapping[str, np.ndarray], TrainingState] | None,
    *,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Fitted:
    """Train one epoch on a dataset, from another training's weights and state.

    None: from the configuration's initial weights. Raises as `fit` does.
    """
    refuse_too_large(config, dataset)
    trainer = new_trainer(config, dataset)
    with engine_threads(threads):
        trainer.compile(tell)
        if before is not None:
            weights, state = before
            for name, tensor in trainer.inference.tensors.items():
                tensor[:] = weights[name]
            trainer.memory.states[:] = state.states
            # Steps are counted in whole epochs of these images; their number may have changed.
            per_epoch = trainer.length.steps_per_epoch
            trainer.step = math.ceil(state.step / per_epoch) * per_epoch
        row = _train_to(trainer, _next_boundary(trainer))
        state = _state_of(trainer)
    return Fitted(trainer.inference, (row,), 1, state)


def _state_of(trainer: Trainer) -> TrainingState:
    return TrainingState(trainer.step, trainer.memory.states.copy())


def _next_boundary(trainer: Trainer) -> int:
    """The step at which the current epoch ends."""
    per_epoch = trainer.length.steps_per_epoch
    return (trainer.step // per_epoch + 1) * per_epoch


def _train_to(trainer: Trainer, end: int) -> MetricsRow:
    """Train up to step `end`, within one epoch, and evaluate."""
    before = trainer.step
    if not trainer.train_to(end) or not trainer.is_finite():
        raise _diverged(trainer, before)
    loss, accuracy = trainer.running()
    values: dict[str, float] = {"train_loss": loss, "train_accuracy": accuracy}
    if len(trainer.dataset.validation):
        measured = trainer.evaluate(trainer.dataset.validation)
        values |= {"val_loss": measured.loss, "val_accuracy": measured.accuracy}
        if not math.isfinite(measured.loss):
            raise _diverged(trainer, before)
    trainer.clear_totals()
    return MetricsRow(
        trainer.epoch,
        trainer.step,
        lr=float(trainer.rates(trainer.step - 1, trainer.step)[0]),
        penalty=trainer.penalty(),
        seconds=trainer.seconds,
        **values,
    )


def _diverged(trainer: Trainer, kept: int) -> DivergedError:
    return DivergedError(advice_on_divergence(trainer.config, trainer.step, trainer.epoch, kept))


def load(
    config: RunConfig,
    image_shape: tuple[int, int],
    classes: int,
    pixel: tuple[float, float],
    weights: dict[str, np.ndarray],
) -> Inference:
    """The network of a configuration with these weights; its input is pixel * scale + offset."""
    network = Inference(config, image_shape, classes, *pixel)
    for name, tensor in network.tensors.items():
        tensor[:] = weights[name]
    return network
