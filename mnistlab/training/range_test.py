"""The learning-rate range test: the loss of each step while the learning rate rises.

Source: Smith, Cyclical learning rates for training neural networks (2017), section 3.3.
"""

from collections.abc import Callable

import numpy as np

from mnistlab.blocks.schedules import Steps
from mnistlab.training.trainer import Trainer

LOWEST, HIGHEST = 1e-7, 10.0
STEPS = 400
RATES = np.geomspace(LOWEST, HIGHEST, STEPS)
RATES.setflags(write=False)
# The test ends when the mean loss of so many steps is above so many times that of the first ones.
STEPS_OF_MEAN = 10
DIVERGED = 4.0


class RangeTrainer(Trainer):
    """A trainer whose learning rate rises from LOWEST to HIGHEST, by the same factor every step.

    A momentum that changes during a run has its last value: what is stable with a smaller one may
    not be stable with that.
    """

    def rates(self, first: int, last: int) -> np.ndarray:
        return RATES[first:last]

    def momenta(self, first: int, last: int) -> np.ndarray:
        numbers = np.full(last - first, self.length.steps - 1)
        of_last = Steps(numbers, self.length.steps_per_epoch, self.length.steps)
        return self.config.optimizer.momenta(of_last)

    def losses(self, look: Callable[[int], None] = lambda step: None) -> np.ndarray:
        """The mean loss of each step's batch before the step, float64 (STEPS,).

        NaN after the test has ended: at a loss that is not finite, or far above the first ones.
        `look` receives the number of steps done, after each of them.
        """
        losses = np.full(STEPS, np.nan)
        while self.step < STEPS:
            self.clear_totals()
            if not self.train_to(self.step + 1):
                break
            losses[self.step - 1], _ = self.running()
            look(self.step)
            recent = losses[max(self.step - STEPS_OF_MEAN, 0) : self.step]
            if recent.mean() > DIVERGED * losses[:STEPS_OF_MEAN][: self.step].mean():
                break
        return losses
