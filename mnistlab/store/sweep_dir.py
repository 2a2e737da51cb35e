"""The folder of a sweep and its files."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.folder import Artefact, Folder, Subfolder
from mnistlab.store.run_dir import SWEEP_NAME, RunDir
from mnistlab.support.errors import UsageError
from mnistlab.support.links import follow
from mnistlab.support.safe_files import inside

# The prefix of a refit's stage: its trials train a stage's winner again, with the validation
# images.
REFIT = "refit:"


@dataclass(frozen=True)
class SweepDir(Folder):
    """The folder of one sweep."""

    config = Artefact(SWEEP_NAME)  # the complete sweep, with its run
    trials = Subfolder("trials")  # the trials' run folders
    claims = Subfolder(".claims")  # trials in progress on other machines: see claims.py
    trials_csv = Artefact("trials.csv")  # a row per trial: a summary of the folders
    ranking_csv = Artefact("ranking.csv")  # a row per point, best first
    best_link = Subfolder("best")  # to the best trial
    lock = Artefact(".lock")  # held by the one process that works on the sweep, whose id is in it

    @property
    def best(self) -> Path:
        """The folder of the best trial, which may not exist yet."""
        return follow(self.best_link)

    def trial(self, run_dir: str) -> RunDir:
        """A trial's folder, by its path relative to the sweep; raises UsageError for a path
        outside.
        """
        folder, _, name = run_dir.partition("/")
        if folder != self.trials.name or Path(name).name != name:
            raise UsageError(f"{self.path}: {run_dir!r} is not the folder of a trial")
        return RunDir(inside(self.trials / name))
