"""The folder of a sweep: where each of its artefacts lies."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.folder import Folder
from mnistlab.store.run_dir import SWEEP_NAME, RunDir
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import inside, own_folder

# Before the name of a stage: the trials that train its winner again, on validation images too.
REFIT = "refit:"


@dataclass(frozen=True)
class SweepDir(Folder):
    """The folder of one sweep."""

    @property
    def config(self) -> Path:
        """The whole sweep, its run included."""
        return self.path / SWEEP_NAME

    @property
    def trials(self) -> Path:
        """The folder of the trials' run folders."""
        return own_folder(self.path / "trials")

    def trial(self, run_dir: str) -> RunDir:
        """A trial's folder, by its path in the sweep's; raises UsageError for one elsewhere."""
        folder, _, name = run_dir.partition("/")
        if folder != self.trials.name or Path(name).name != name:
            raise UsageError(f"{self.path}: {run_dir!r} is no folder of a trial")
        return RunDir(own_folder(self.trials / name))

    @property
    def claims(self) -> Path:
        """The folder of trials under way on other machines: see claims.py."""
        return own_folder(self.path / ".claims")

    @property
    def trials_csv(self) -> Path:
        """A row per trial: a view of the folders."""
        return self.path / "trials.csv"

    @property
    def ranking_csv(self) -> Path:
        """A row per point, best first."""
        return self.path / "ranking.csv"

    @property
    def best(self) -> Path:
        """A link to the best trial; raises UsageError where it leads out of the sweep."""
        return inside(self.path / "best")

    @property
    def lock(self) -> Path:
        """Held by the one process that works on the sweep; says which."""
        return self.path / ".lock"
