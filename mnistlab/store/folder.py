"""Shared by the folders of runs, sweeps and reports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.support.safe_files import inside

PLOTS_NAME = "plots"


class Artefact:
    """The path of a file in a folder, by its name; the file need not exist yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, folder: Any, kind: type) -> Path:
        return folder.path / self.name


class Subfolder(Artefact):
    """The path of a subfolder; raises UsageError if it is a link that points elsewhere."""

    def __get__(self, folder: Any, kind: type) -> Path:
        return inside(super().__get__(folder, kind))


@dataclass(frozen=True)
class Folder:
    """A folder created by mnistlab."""

    path: Path

    plots = Subfolder(PLOTS_NAME)
    report = Artefact("report.html")  # one page with everything

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name
