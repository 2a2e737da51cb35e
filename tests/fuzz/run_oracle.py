"""A whole run by the equations: which images each step uses, which rows are written, which weights
are kept. Each step is the second implementation's, tests/training/layered_oracle.py.
"""

import math
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

import layered_oracle
import numpy as np
import numpy_oracle
from data_oracle import DoesNotFitError, prepared, stream
from initial_oracle import initial_tensors
from layered_oracle import LayeredOracle
from numpy_oracle import NoEquationError, activate

ORDER = 3
# Noise of the size of rounding: relative to a weight, and to a tensor's largest gradient.
ROUNDING = 1e-15
# Products of larger numbers overflow, depending on the order of the factors.
LARGEST = 1e100
TESTED = ("test_loss", "test_accuracy")


@dataclass
class Outcome:
    """How a run ended: its rows in order, its kept tensors and metrics, the best's step.

    `bits` is empty, or what two runs must agree in to the last bit. If a run's numbers overflow
    float64, `certain_rows` are the rows before that.
    """

    status: str
    rows: list
    tensors: dict
    metrics: dict
    best_step: int | None
    bits: dict = field(default_factory=dict)
    certain_rows: int | None = None


class NoisyOracle(LayeredOracle):
    """The same with noise of the size of rounding in each step: it shows the effect of rounding."""

    def __init__(self, config, dataset, tensors, noise):
        super().__init__(config, dataset, tensors)
        self.noise = noise

    def _loss_gradient(self, z, y, t):
        # A difference of nearly equal outputs, or a sum over images, may be rounding only.
        dz = super()._loss_gradient(z, y + self._noise(np.maximum(np.abs(y), np.abs(t))), t)
        return dz + self._noise(dz)

    def _activate(self, activation, z):
        y = activate(activation, z)
        return y + self._noise(y)

    @contextmanager
    def _noisy_activations(self):
        """Outputs that are equal up to rounding may be in any order."""
        with ExitStack() as stack:
            for module in (numpy_oracle, layered_oracle):
                stack.enter_context(patch.object(module, "activate", self._activate))
            yield

    def evaluate(self, split):
        with self._noisy_activations():
            return super().evaluate(split)

    def _noise(self, size):
        return ROUNDING * size * self.noise.standard_normal(size.shape)

    def gradients(self, x, t):
        for name, W in self.tensors.items():
            self.tensors[name] = W + self._noise(W)
        with self._noisy_activations():
            found, losses, y = super().gradients(x, t)
        for name, g in found.items():
            found[name] = g + np.where(g == 0, 0, self._noise(np.full(g.shape, np.abs(g).max())))
        return found, losses, y


class Run:
    """The state of a run in progress."""

    def __init__(self, config, images, noise=None):
        self.config, self.training = config, config.training
        self.dataset = prepared(config, images)
        self.per_epoch = len(self._batches(0))
        if self.per_epoch == 0:
            raise DoesNotFitError("training.drop_last")
        early = self.training.early_stopping
        watched = early is not None and early.monitor.startswith("val")
        if watched and not len(self.dataset.validation.indices):
            raise DoesNotFitError("training.early_stopping.monitor")
        smallest = min(map(len, self._batches(0)))
        start = initial_tensors(config, self.dataset.image_shape, images.classes, smallest)
        if noise is None:
            self.oracle = LayeredOracle(config, self.dataset, start)
        else:
            self.oracle = NoisyOracle(config, self.dataset, start, noise)
        steps = self.training.steps
        self.steps = self.training.epochs * self.per_epoch if steps is None else steps
        self.rows, self.best, self.waited = [], None, 0
        self.at_rest = None  # the best value that the schedule has seen, and the rows since
        self.certain_rows = None
        self.checkpoint = self.oracle.tensors
        self.best_tensors = self.oracle.tensors
        self.last_epochs, self.average, self.average_row = [], None, None

    def _batches(self, epoch):
        """The images of each step of an epoch."""
        indices = self.dataset.train.indices
        n, size = len(indices), self.training.batch_size
        # A batch drawn with replacement is always full.
        whole = self.training.drop_last and self.training.shuffle != "replacement"
        least = size if whole and size != "full" else 1
        size = n if size == "full" else min(size, n)
        numbers = stream(self.config.seed, ORDER, epoch)
        match self.training.shuffle:
            case "none":
                order = indices
            case "epoch":
                order = numbers.permutation(indices)
            case "replacement":
                order = indices[numbers.integers(0, n, math.ceil(n / size) * size)]
            case other:
                raise NoEquationError("training.shuffle", other)
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        return [one for one in batches if len(one) >= least]

    def to_the_end(self):
        return self._kept(self._train())

    def _train(self):
        """The status of the run at its end."""
        oracle = self.oracle
        while oracle.step < self.steps:
            epoch, place = divmod(oracle.step, self.per_epoch)
            if self.training.train_metrics == "batch":
                oracle.clear()
            oracle.take_step(self._batches(epoch)[place], self.per_epoch, self.steps)
            self._note_size()
            step, last = oracle.step, oracle.step == self.steps
            measured = last or self._due(self.training.evaluate_every, step)
            before_last = step == self.steps - 1
            kept = before_last or self._due(self.training.checkpoint_every, step)
            boundary = measured or kept or step % self.per_epoch == 0
            finite = all(np.isfinite(W).all() for W in oracle.tensors.values())
            if not np.isfinite(oracle.losses) or (boundary and not finite):
                self.rows.append(self._measured())
                return "diverged"
            if last or step % self.per_epoch == 0:
                self.last_epochs.append(dict(oracle.tensors))
            if measured and (ended := self._evaluate(last)) is not None:
                return ended
            if kept:
                self.checkpoint = dict(oracle.tensors)
        return "finished"

    def _note_size(self):
        oracle = self.oracle
        moments = (moment for tensor in oracle.memory.values() for moment in tensor)
        sizes = [*oracle.tensors.values(), *moments, np.array(oracle.losses)]
        small = all((np.abs(size) <= LARGEST).all() for size in sizes)
        if self.certain_rows is None and not small:
            self.certain_rows = len(self.rows)

    def _due(self, every, step):
        return step % (self.per_epoch if every == "epoch" else every) == 0

    def _measured(self):
        """The columns of a row that need no evaluation."""
        oracle = self.oracle
        loss, accuracy = oracle.running()
        return {
            "epoch": math.ceil(oracle.step / self.per_epoch),
            "step": oracle.step,
            "lr": oracle.rate(oracle.step - 1, self.per_epoch, self.steps),
            "train_loss": loss,
            "train_accuracy": accuracy,
            "penalty": oracle.penalty(),
        }

    def _scores(self, name):
        part = {"train": "train", "val": "validation", "test": "test"}[name]
        loss, accuracy, _ = self.oracle.evaluate(getattr(self.dataset, part))
        return {f"{name}_loss": loss, f"{name}_accuracy": accuracy}

    def _evaluate(self, last):
        """Write a row; returns a status if that ends the run."""
        row = self._measured()
        match self.training.train_metrics:
            case "running" | "batch":
                pass
            case "full":
                row |= self._scores("train")
            case other:
                raise NoEquationError("training.train_metrics", other)
        if len(self.dataset.validation.indices):
            row |= self._scores("val")
        if self.training.test == "every":
            row |= self._scores("test")
        if not _is_finite(row):
            self.rows.append(row)
            return "diverged"
        stop = self._watch(row)
        self._let_rate_fall(row)
        if last and self.training.average_last is not None:
            self._measure_average(row)
        elif self.training.test == "end" and (stop or last):
            self._test_kept(row)
        self.rows.append(row)
        self.oracle.clear()
        if not _is_finite(self._kept_row(row)):
            return "diverged"
        return "stopped_early" if stop else None

    def _watch(self, row):
        """Keep the best weights; returns whether they have been the best for too long."""
        early = self.training.early_stopping
        if early is None and not len(self.dataset.validation.indices):
            return False
        if self.best is None or self._improves(row, early):
            self.best, self.waited = row, 0
            self.best_tensors = dict(self.oracle.tensors)
        else:
            self.waited += 1
        return early is not None and self.waited >= early.patience

    def _let_rate_fall(self, row):
        """After `patience` rows that are no better than the best, the next steps are smaller."""
        schedule = self.config.lr_schedule
        if schedule.type != "plateau":
            return
        sign = 1 if schedule.monitor.endswith("accuracy") else -1
        value = sign * row[schedule.monitor]
        if self.at_rest is None or value > self.at_rest[0] + schedule.min_delta:
            self.at_rest = (value, 0)
        else:
            self.at_rest = (self.at_rest[0], self.at_rest[1] + 1)
        if self.at_rest[1] >= schedule.patience:
            self.at_rest = (self.at_rest[0], 0)
            self.oracle.falls.append(self.oracle.step)

    def _improves(self, row, early):
        if early is None:
            new, old = ((one["val_accuracy"], -one["val_loss"]) for one in (row, self.best))
            return new > old
        sign = {"min": -1, "max": 1}[early.mode]
        new, old = (sign * one[early.monitor] for one in (row, self.best))
        return new > old + early.min_delta

    def _test_kept(self, last):
        """Test the kept weights: the metrics are in the row of those weights."""
        kept = last if self.training.early_stopping is None else self.best
        now, self.oracle.tensors = self.oracle.tensors, self._kept_tensors()
        scores = self._scores("test")
        self.oracle.tensors = now
        if kept is last:
            last |= scores
        else:
            self.best = {**kept, **scores}

    def _measure_average(self, last):
        """The figures of the mean weights."""
        kept = self.last_epochs[-self.training.average_last :]
        self.average = {name: np.mean([one[name] for one in kept], axis=0) for name in kept[0]}
        now, self.oracle.tensors = self.oracle.tensors, self.average
        self._measure_statistics()
        self.average_row = {**last, **self._scores("train"), "penalty": self.oracle.penalty()}
        if len(self.dataset.validation.indices):
            self.average_row |= self._scores("val")
        if self.training.test != "never":
            self.average_row |= self._scores("test")
        self.oracle.tensors = now

    def _measure_statistics(self):
        """Set the running statistics to their means over the batches of one more epoch."""
        oracle = self.oracle
        step, epoch = oracle.step, math.ceil(oracle.step / self.per_epoch)
        found = []
        for place, batch in enumerate(self._batches(epoch)):
            oracle.step = epoch * self.per_epoch + place
            found.append(oracle.statistics(batch, self.per_epoch))
        oracle.step = step
        self.average |= {name: np.mean([one[name] for one in found], axis=0) for name in found[0]}

    def _kept_row(self, last):
        if self.average_row is not None:
            return self.average_row
        return last if self.training.early_stopping is None else self.best

    def _kept_tensors(self):
        if self.training.average_last is not None:
            return self.average
        early = self.training.early_stopping
        return self.oracle.tensors if early is None else self.best_tensors

    def _kept(self, status):
        last = self.rows[-1]
        diverged = status == "diverged"
        row = last if diverged else self._kept_row(last)
        return Outcome(
            status=status,
            rows=self.rows,
            tensors=self.checkpoint if diverged else self._kept_tensors(),
            metrics={
                name: value for name, value in row.items() if "_" in name or name == "penalty"
            },
            best_step=self.best["step"] if self.best else None,
            certain_rows=self.certain_rows,
        )


def _is_finite(row):
    return all(math.isfinite(value) for name, value in row.items() if name.endswith("_loss"))


def run_by_equations(config, images, noise=None):
    """The outcome of a run; `noise`, a generator of numpy, simulates the largest
    possible rounding.
    """
    with np.errstate(all="ignore"):
        return Run(config, images, noise).to_the_end()
