"""A reproduction's folder: where each of its artefacts lies."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.folder import Folder
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import own_folder

MANIFEST_NAME = "report.yaml"


@dataclass(frozen=True)
class ReportDir(Folder):
    """The folder of one report reproduced."""

    @property
    def plan(self) -> Path:
        """All that was planned: the report and its experiments, whole."""
        return self.path / MANIFEST_NAME

    @property
    def experiments(self) -> Path:
        """The folder of the experiments' sweep folders."""
        return own_folder(self.path / "experiments")

    def experiment(self, name: str) -> SweepDir:
        """The sweep folder of one experiment."""
        if not is_plain_name(name):
            raise UsageError(f"{self.plan}: {name!r} cannot be the name of an experiment")
        return SweepDir(own_folder(self.experiments / name))

    @property
    def times(self) -> Path:
        """A row for each time that an experiment was worked on: how many seconds it took."""
        return self.path / "times.csv"

    @property
    def markdown(self) -> Path:
        """The tables and findings as text."""
        return self.path / "report.md"

    @property
    def json(self) -> Path:
        """The tables for programs."""
        return self.path / "report.json"


def is_plain_name(name: str) -> bool:
    """Whether it names something in a folder, and leads nowhere else."""
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name)


def is_reproduction(path: Path) -> bool:
    """Whether the folder is a report's reproduction."""
    return (path / MANIFEST_NAME).is_file()
