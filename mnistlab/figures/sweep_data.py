"""The data for the figures of a sweep, from its folder."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.run_data import kept_classes
from mnistlab.figures.sweep_points import SweepMetric, SweepPoint, told_values
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.sweeps.ranking import Ranked
from mnistlab.sweeps.results import TrialRow

NamedRun = tuple[list[str], Artefacts]  # a model in words, a list of lines, and its run


@dataclass(frozen=True)
class RankedPoints:
    """The points of a stage, of a whole sweep without stages, or of the refits; best first.
    `metrics` are those of the sweep; most figures show the first.
    """

    sweep_dir: SweepDir
    title: str
    metrics: Sequence[SweepMetric]
    ranked: Sequence[Ranked]

    @property
    def metric(self) -> SweepMetric:
        """The first metric."""
        return self.metrics[0]

    @property
    def points(self) -> list[SweepPoint]:
        """The points as they are drawn."""
        return [
            SweepPoint(
                point.parameters,
                point.values,
                complete=point.mean is not None,
                stated=point.stated,
                tied=point.tied,
                others=tuple(one.mean or 0.0 for one in point.others),
            )
            for point in self.ranked
        ]

    @cached_property
    def chance(self) -> float | None:
        """The accuracy of guessing among the classes of the trials; None if no trial's folder gives
        them.
        """
        for row in (row for point in self.ranked for row in point.trials):
            run = Artefacts(RunDir(self.sweep_dir.path / row.run_dir))
            # A dashed line is not worth losing a figure: figures that need the damaged run.json
            # report it.
            with suppress(UsageError):
                return 1 / len(kept_classes(run))
        return None


@dataclass(frozen=True)
class BestModels:
    """The winners of a sweep's stages, or the best of a sweep without stages; `who` says which.

    `trials` are their trials, each with the model's name; `options` are those of Artefacts.
    """

    sweep_dir: SweepDir
    title: str
    who: str
    trials: Iterable[tuple[str, TrialRow]]
    options: Mapping[str, Any]

    @cached_property
    def runs(self) -> list[NamedRun]:
        """Opened when a figure needs them, so that a damaged run affects no other figure."""
        return [
            (
                _words(name, row),
                Artefacts(open_run(self.sweep_dir.path / row.run_dir), **self.options),
            )
            for name, row in self.trials
        ]


def _words(name: str, row: TrialRow) -> list[str]:
    """A model's name and the values that were tried in it, a list of lines."""
    tried = [key for key in row.parameters if key != "seed"]
    return [name, *told_values(row.parameters, tried)[:3]]
