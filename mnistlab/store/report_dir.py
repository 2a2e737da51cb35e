"""The folder of a reproduction and its files."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.folder import Artefact, Folder, Subfolder
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.links import follow
from mnistlab.support.safe_files import inside

MANIFEST_NAME = "report.yaml"


@dataclass(frozen=True)
class ReportDir(Folder):
    """The folder of a reproduced report."""

    plan = Artefact(MANIFEST_NAME)  # the complete plan: the report and its experiments
    experiments = Subfolder("experiments")  # the experiments' sweep folders
    times = Artefact("times.csv")  # a row for each time an experiment was run: its seconds
    markdown = Artefact("report.md")  # the tables and findings as text
    json = Artefact("report.json")  # the tables for programs

    def experiment(self, name: str) -> SweepDir:
        """The sweep folder of one experiment."""
        if not is_plain_name(name):
            raise UsageError(f"{self.plan}: {name!r} cannot be the name of an experiment")
        return SweepDir(inside(self.experiments / name))


def is_plain_name(name: str) -> bool:
    """Whether it is a name inside a folder, and points nowhere else."""
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name)


def is_reproduction(path: Path) -> bool:
    """Whether the folder is a report's reproduction."""
    return (follow(path) / MANIFEST_NAME).is_file()
