"""The folder of a sweep: where each of its artefacts lies."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.folder import Artefact, Folder, Subfolder
from mnistlab.store.run_dir import SWEEP_NAME, RunDir
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import inside

# Before the name of a stage: the trials that train its winner again, on validation images too.
REFIT = "refit:"


@dataclass(frozen=True)
class SweepDir(Folder):
    """The folder of one sweep."""

    config = Artefact(SWEEP_NAME)  # the whole sweep, its run included
    trials = Subfolder("trials")  # the trials' run folders
    claims = Subfolder(".claims")  # trials under way on other machines: see claims.py
    trials_csv = Artefact("trials.csv")  # a row per trial: a summary of the folders
    ranking_csv = Artefact("ranking.csv")  # a row per point, best first
    best = Subfolder("best")  # a link to the best trial
    lock = Artefact(".lock")  # held by the one process that works on the sweep; says which

    def trial(self, run_dir: str) -> RunDir:
        """A trial's folder, by its path in the sweep's; raises UsageError for one elsewhere."""
        folder, _, name = run_dir.partition("/")
        if folder != self.trials.name or Path(name).name != name:
            raise UsageError(f"{self.path}: {run_dir!r} is no folder of a trial")
        return RunDir(inside(self.trials / name))
