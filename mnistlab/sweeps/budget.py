"""The budget of a sweep, and whether it is spent."""

import time
from collections.abc import Sequence

from mnistlab.config.sweep import SweepConfig
from mnistlab.support.text_format import counted, metric
from mnistlab.sweeps.results import TrialRow


class Budget:
    """The key `stop` of a sweep. The time begins when this is made."""

    def __init__(self, config: SweepConfig) -> None:
        self.stop = config.stop
        self.metric = config.metric
        self._began = time.monotonic()

    def room(self, planned: int) -> int | None:
        """The number of further trials that may be planned; None: any number."""
        most = self.stop.trials if self.stop else None
        return None if most is None else max(0, most - planned)

    def spent(self, rows: Sequence[TrialRow]) -> str | None:
        """Why no further trial begins; None if one may begin.

        `rows` are the trials in the order of their numbers, the ended ones before the first other
        one: so the answer does not depend on which of several trials in training ends first.
        """
        stop = self.stop
        if stop is None:
            return None
        name = self.metric.name
        minutes = (time.monotonic() - self._began) / 60
        if stop.minutes is not None and minutes >= stop.minutes:
            return f"{stop.minutes:g} minutes have passed"
        if stop.trials is not None and len(rows) >= stop.trials:
            return f"{counted(stop.trials, 'trial')} have ended"
        sign = 1.0 if self.metric.larger_is_better else -1.0
        best, since = None, 0  # the number of trials since the best one
        for row in rows:
            value = row.metrics.get(name) if row.status.finished else None
            wanted = stop.reached
            if value is not None and wanted is not None and sign * (value - wanted) >= 0:
                return f"trial {row.trial} has reached {name} {metric(name, value)}"
            least = stop.plateau.min_delta if stop.plateau else 0.0
            since += 1
            if value is not None and (best is None or sign * (value - best) > least):
                best, since = value, 0
            if stop.plateau is not None and best is not None and since >= stop.plateau.trials:
                trials = counted(since, "trial")
                return f"no better {name} than {metric(name, best)} in {trials}"
        return None
