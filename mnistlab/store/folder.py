"""What the folders of a run, a sweep and a report have in common."""

from dataclasses import dataclass
from pathlib import Path

from mnistlab.support.safe_files import own_folder

PLOTS_NAME = "plots"
REPORT_NAME = "report.html"


@dataclass(frozen=True)
class Folder:
    """A folder that mnistlab makes; each property is where an artefact lies, there or not yet."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name

    @property
    def plots(self) -> Path:
        """The folder of figures; raises UsageError where it leads elsewhere."""
        return own_folder(self.path / PLOTS_NAME)

    @property
    def report(self) -> Path:
        """Everything on one page."""
        return self.path / REPORT_NAME
