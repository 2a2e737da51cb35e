"""The mean of the weights after each of the last epochs."""

import numpy as np

from mnistlab.store.metrics import MetricsRow
from mnistlab.training.running_statistics import measure_running_statistics
from mnistlab.training.trainer import Trainer


class WeightAverage:
    """A sum of weights, float64 (parameters,), and the number of epochs in it.

    An epoch that the end of the run cuts short counts as one. `row` has the metrics of the mean,
    once they were measured.
    """

    def __init__(self, trainer: Trainer, last: int) -> None:
        self.trainer = trainer
        self.before = first_averaged(trainer.length.epochs, last) - 1
        self.total = np.zeros(trainer.params.size)
        self.count = 0
        self.row: MetricsRow | None = None
        self._kept: np.ndarray | None = None

    @classmethod
    def of(cls, trainer: Trainer) -> "WeightAverage | None":
        """The average that a configuration asks for; None if it asks for none."""
        last = trainer.config.training.average_last
        return None if last is None else cls(trainer, last)

    def add(self) -> None:
        """Add the weights after an epoch, if it is among the last."""
        if self.trainer.epoch > self.before:
            self.total += self.trainer.params
            self.count += 1
            self._kept = None

    def restore(self, total: np.ndarray, count: int) -> None:
        """Continue a sum; it is dropped if a longer run does not use it."""
        if self.trainer.epochs_done > self.before:
            self.total[:] = total
            self.count = count

    def set_mean(self) -> None:
        """Set the trainer's weights to the mean, with the running statistics that it has itself."""
        params = self.trainer.params
        if self._kept is None:
            params[:] = self.total / self.count
            measure_running_statistics(self.trainer)
            self._kept = params.copy()
        params[:] = self._kept


def first_averaged(epochs: int, last: int) -> int:
    """The first of the last epochs of a run, counted from 1; of all, if it has fewer."""
    return max(1, epochs - last + 1)
