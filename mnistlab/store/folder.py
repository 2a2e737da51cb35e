"""What the folders of a run, a sweep and a report have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.support.safe_files import inside


class Artefact:
    """Where a file lies in a folder of ours, by its name: there or not yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, folder: Any, kind: type) -> Path:
        return folder.path / self.name


class Subfolder(Artefact):
    """The same of a folder in it; raises UsageError where it is a link that leads elsewhere."""

    def __get__(self, folder: Any, kind: type) -> Path:
        return inside(super().__get__(folder, kind))


@dataclass(frozen=True)
class Folder:
    """A folder that mnistlab makes."""

    path: Path

    plots = Subfolder("plots")
    report = Artefact("report.html")  # everything on one page

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name
