"""The curve of a trial, by which a sweep and its worker decide whether the trial stops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnistlab.experiment.callbacks import RunCallback
from mnistlab.search.pruners import Curve, Plan
from mnistlab.store.metrics import MetricsRow, read_metrics
from mnistlab.store.run_dir import RunDir
from mnistlab.support.scale import on_scale


@dataclass(frozen=True)
class Watched:
    """A plan, and the metric that it is about."""

    plan: Plan
    metric: str
    sign: float  # -1 for a metric to minimise

    def curve(self, rows: Sequence[MetricsRow]) -> Curve:
        """The best score up to each epoch."""
        found: dict[int, float] = {}
        best = float("-inf")
        for row in rows:
            value = getattr(row, self.metric)
            if on_scale(value):
                found[row.epoch] = best = max(best, self.sign * value)
        return found

    def told(self) -> dict[str, Any]:
        """As a message to a worker."""
        least = [[epoch, score] for epoch, score in self.plan.least.items()]
        until = None if self.plan.until == float("inf") else self.plan.until
        return {"until": until, "least": least, "metric": self.metric, "sign": self.sign}

    @classmethod
    def from_told(cls, message: Mapping[str, Any]) -> "Watched":
        """From a message."""
        until = float("inf") if message["until"] is None else message["until"]
        plan = Plan(until, {int(epoch): score for epoch, score in message["least"]})
        return cls(plan, message["metric"], message["sign"])


class Watch(RunCallback):
    """Stops a run by a plan."""

    def __init__(self, watched: Watched, run_dir: RunDir) -> None:
        self.watched = watched
        self.run_dir = run_dir

    def pauses(self) -> bool:
        rows = read_metrics(self.run_dir.metrics)
        return self.watched.plan.stops_at(self.watched.curve(rows)) is not None
