"""Which evaluation was the best so far, and whether it is time to stop."""

import math
from dataclasses import dataclass, field

from mnistlab.config import RunConfig
from mnistlab.experiment.metrics import MetricsRow


@dataclass
class BestSoFar:
    """Watches one metric: early stopping's, else validation accuracy (the loss parts ties)."""

    monitor: str
    larger_is_better: bool
    patience: int | None  # evaluations without improvement before stopping; None: never stop
    row: MetricsRow | None = field(default=None)
    waited: int = 0

    @classmethod
    def watching(cls, config: RunConfig, has_validation: bool) -> "BestSoFar | None":
        """What a configuration asks to be watched; None where there is nothing to watch."""
        early = config.training.early_stopping
        if early is not None:
            return cls(early.monitor, early.mode == "max", early.patience)
        return cls("val_accuracy", True, None) if has_validation else None

    def _value(self, row: MetricsRow) -> tuple[float, float]:
        value = getattr(row, self.monitor)
        if value is None or not math.isfinite(value):
            return (-math.inf, -math.inf)
        tie = -row.val_loss if self.monitor == "val_accuracy" and row.val_loss is not None else 0.0
        return (value if self.larger_is_better else -value, tie)

    def update(self, row: MetricsRow) -> bool:
        """Take a new row in; whether it is the best so far."""
        if self.row is None or self._value(row) > self._value(self.row):
            self.row, self.waited = row, 0
            return True
        self.waited += 1
        return False

    @property
    def should_stop(self) -> bool:
        return self.patience is not None and self.waited >= self.patience
