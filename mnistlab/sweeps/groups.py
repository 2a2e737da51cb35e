"""Decides which trials one worker trains together."""

from collections.abc import Callable, Sequence
from typing import Any

from mnistlab.sweeps.trials import Datasets, Trial
from mnistlab.training.footprint import LIBRARIES, memory_needed
from mnistlab.training.group import compile_together, joint_key, most_together


class Groups:
    """Trials of a sweep that can train side by side; see training/group.py."""

    def __init__(self, datasets: Datasets) -> None:
        self.datasets = datasets
        self._keys: dict[str, Any] = {}

    def divide(self, trials: Sequence[Trial], workers: int) -> list[list[Trial]]:
        """The trials, divided into groups that a worker trains together, of about equal size per
        worker.
        """
        alike: dict[Any, list[Trial]] = {}
        for trial in trials:
            alike.setdefault(self._key(trial) or trial.id, []).append(trial)
        share = -(-len(trials) // workers)
        found: list[list[Trial]] = []
        for members in alike.values():
            most = self._most(members[0]) if len(members) > 1 else 1
            parts = -(-len(members) // min(share, most))
            size = -(-len(members) // parts)
            found += [members[begin : begin + size] for begin in range(0, len(members), size)]
        return found

    def compile(self, trials: Sequence[Trial], workers: int, tell: Callable[[str], None]) -> None:
        """Compile what groups of these trials need, so that workers need not."""
        counts = {
            self._key(group[0]): group for group in self.divide(trials, workers) if len(group) > 1
        }
        for group in counts.values():
            config = group[0].config
            compile_together(config, self.datasets.of(config), len(group), tell)

    def _key(self, trial: Trial) -> Any:
        if trial.id not in self._keys:
            self._keys[trial.id] = joint_key(trial.config, self.datasets.of(trial.config))
        return self._keys[trial.id]

    def _most(self, trial: Trial) -> int:
        """The fastest group size that needs no more memory than the libraries of a process."""
        dataset = self.datasets.of(trial.config)
        needed = memory_needed(trial.config, dataset) - LIBRARIES
        return max(1, min(most_together(trial.config, dataset), LIBRARIES // needed))
