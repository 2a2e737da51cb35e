"""The findings of a finished run or sweep, in sentences: each finding is a file of this package.

A sentence is true, has numbers, and says what to do. A finding that does not apply gives no
sentence.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.store.browse.found import is_sweep
from mnistlab.store.run_dir import RunDir
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import MnistlabError
from mnistlab.support.modules import modules_of

if TYPE_CHECKING:
    from mnistlab.config.sweep import SweepConfig
    from mnistlab.sweeps.ranking import Ranked
    from mnistlab.sweeps.results import TrialRow

logger = logging.getLogger(__name__)

Data = TypeVar("Data")


@dataclass(frozen=True)
class Finding(Generic[Data]):
    """The value of `FINDING` in a file. `order`: its position, smallest first; `find` returns its
    sentences, usually one or none.
    """

    order: int
    find: Callable[[Data], Iterator[str]]


@dataclass(frozen=True)
class RankedStage:
    """The ranking of a stage, or of a sweep without stages."""

    sweep_dir: SweepDir
    config: "SweepConfig"
    name: str | None
    ranked: "list[Ranked]"
    rows: "list[TrialRow]"

    @property
    def where(self) -> str:
        """The beginning of a sentence about a stage."""
        return "" if self.name is None else f"Stage {self.name}: "


def findings_of(folder: Path) -> list[str]:
    """The findings of a run or a sweep that has ended."""
    return sweep_findings(SweepDir(folder)) if is_sweep(folder) else run_findings(RunDir(folder))


def run_findings(run_dir: RunDir) -> list[str]:
    """The findings of a run."""
    return _found("mnistlab.findings.run", Artefacts(run_dir))


def sweep_findings(sweep_dir: SweepDir) -> list[str]:
    """The findings of every stage of a sweep, then those of its best run.

    Raises UsageError if sweep.yaml or trials.csv is missing or damaged.
    """
    # A run needs nothing of sweeps: their statistics import scipy.special.
    from mnistlab.sweeps.ranking import ranking_of, stages_of
    from mnistlab.sweeps.results import read_trials, sweep_of

    config, rows = sweep_of(sweep_dir).config, read_trials(sweep_dir)
    found = []
    for name in stages_of(config):
        ranked = ranking_of(config, rows, name)
        stage = RankedStage(sweep_dir, config, name, ranked, rows)
        found += _found("mnistlab.findings.sweep", stage)
    if sweep_dir.best.exists():
        best = run_findings(RunDir(sweep_dir.best.resolve()))
        found += [f"The best run: {text[0].lower()}{text[1:]}" for text in best]
    return found


def _found(package: str, data: Any) -> list[str]:
    """The sentences of every finding of a folder, in the findings' order."""
    findings = sorted((module.FINDING for module in modules_of(package)), key=lambda f: f.order)
    sentences: list[str] = []
    for finding in findings:
        try:
            sentences += finding.find(data)
        except MnistlabError as error:  # whatever shows the file reports its damage
            logger.debug("no finding: %s", error)
    return sentences
