"""The best evaluation so far, and whether early stopping ends the run."""

import math
from dataclasses import dataclass, field

from mnistlab.config import RunConfig
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.metric_names import VALIDATION, is_accuracy


@dataclass
class BestSoFar:
    """Follows one metric: early stopping's, else validation accuracy (the loss breaks ties)."""

    monitor: str
    larger_is_better: bool
    patience: int | None  # evaluations without improvement before stopping; None: never stop
    min_delta: float = 0.0  # an improvement is larger than this
    row: MetricsRow | None = field(default=None)
    waited: int = 0

    @classmethod
    def watching(cls, config: RunConfig, has_validation: bool) -> "BestSoFar | None":
        """The metric to follow by a configuration; None if there is none."""
        early = config.training.early_stopping
        if early is not None:
            larger_is_better = {"min": False, "max": True}[early.mode]
            return cls(early.monitor, larger_is_better, early.patience, early.min_delta)
        return cls(VALIDATION.accuracy, True, None) if has_validation else None

    @classmethod
    def for_rate(cls, config: RunConfig) -> "BestSoFar | None":
        """Monitors what makes the learning rate fall; None if nothing does."""
        rule = config.lr_schedule.fall_rule()
        if rule is None:
            return None
        return cls(rule.monitor, is_accuracy(rule.monitor), rule.patience, rule.min_delta)

    def update(self, row: MetricsRow) -> bool:
        """Add a new row; returns whether it is the best so far."""
        if self.row is None or self._improves(row, self.row):
            self.row, self.waited = row, 0
            return True
        self.waited += 1
        return False

    def ends_patience(self, row: MetricsRow) -> bool:
        """Update with a new row; whether its patience is at an end, and begins anew."""
        self.update(row)
        ended = self.should_stop
        if ended:
            self.waited = 0
        return ended

    def _improves(self, row: MetricsRow, best: MetricsRow) -> bool:
        value, reference = self._value(row), self._value(best)
        if self.patience is None and value == reference:
            # Early stopping follows its metric alone: ties broken by a falling loss would never let
            # it stop.
            return _loss(row) < _loss(best)
        return value > reference + self.min_delta

    def _value(self, row: MetricsRow) -> float:
        """The followed metric, negated if lower is better; the worst value if it is missing or not
        finite.
        """
        value = getattr(row, self.monitor)
        if value is None or not math.isfinite(value):
            return -math.inf
        return value if self.larger_is_better else -value

    @property
    def should_stop(self) -> bool:
        return self.patience is not None and self.waited >= self.patience


def _loss(row: MetricsRow) -> float:
    return math.inf if row.val_loss is None else row.val_loss
