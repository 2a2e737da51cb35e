"""The last steps of a run that diverged, one by one: its loss, and the update of each layer."""

import math
from collections.abc import Mapping

import numpy as np

from mnistlab.runtime.params import views
from mnistlab.store.metrics import StepRow
from mnistlab.training.trainer import Trainer

MOST_STEPS = 300  # kept of the last steps


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def last_steps(trainer: Trainer, whole: Mapping[str, np.ndarray], step: int) -> list[StepRow]:
    """The steps up to the one that the trainer has reached, trained once more from `step` on, whose
    state was `whole`; a row for each step and layer.

    Training leaves its loss as a sum over many steps. That is too coarse to tell which step broke
    the run; the same steps, taken one by one, have the same bits. The trainer is left as it was.
    """
    ended, seconds = trainer.step, trainer.seconds
    state = {"params": trainer.params, "totals": trainer.memory.totals, **trainer.states}
    reached = {name: values.copy() for name, values in state.items()}
    for name, values in state.items():
        values[:] = whole[name]
    trainer.step = step
    rows = []
    per_epoch = trainer.length.steps_per_epoch
    while trainer.step < ended:
        if trainer.step < ended - MOST_STEPS:
            end_of_epoch = (trainer.step // per_epoch + 1) * per_epoch
            trainer.train_to(min(end_of_epoch, ended - MOST_STEPS))
        else:
            trainer.clear_totals()
            trainer.train_to(trainer.step + 1)
            rows += _rows(trainer)
    for name, values in state.items():
        values[:] = reached[name]
    trainer.seconds = seconds
    return rows


def _rows(trainer: Trainer) -> list[StepRow]:
    """The last step, a row for each layer with weights."""
    loss, _ = trainer.running()
    before = views(trainer.program.tensors, trainer.params_before_last_step)
    now = views(trainer.program.tensors, trainer.params)
    sizes: dict[str, float] = {}
    changes: dict[str, float] = {}
    for name, values in before.items():
        # Of a layer whose units are dead, the biases alone may grow without bound.
        layer, was = name.rpartition(".")[0], values.astype(np.float64)
        sizes[layer] = math.hypot(sizes.get(layer, 0.0), float(np.linalg.norm(was)))
        change = float(np.linalg.norm(now[name] - was))
        changes[layer] = math.hypot(changes.get(layer, 0.0), change)
    return [
        StepRow(trainer.step, layer, loss, changes[layer] / size if size else math.nan)
        for layer, size in sizes.items()
    ]
