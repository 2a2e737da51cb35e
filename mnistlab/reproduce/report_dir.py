"""A reproduction's folder: what each artefact in it is called, and what was planned in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.blocks.section import CountOrZero, Section
from mnistlab.config.load import mapping_nodes, read_config_text
from mnistlab.config.load_sweep import refuse
from mnistlab.config.validate import validate_as
from mnistlab.reproduce.manifest import MANIFEST_NAME, Report
from mnistlab.store.run_dir import PLOTS_NAME, REPORT_NAME
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import open_artefact, own_folder


@dataclass(frozen=True)
class ReportDir:
    """The folder of one report reproduced; each property is where an artefact lies, or will."""

    path: Path

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
    def plots(self) -> Path:
        """The folder of figures."""
        return own_folder(self.path / PLOTS_NAME)

    @property
    def html(self) -> Path:
        """Everything on one page."""
        return self.path / REPORT_NAME

    @property
    def markdown(self) -> Path:
        """The tables and findings as text."""
        return self.path / "report.md"

    @property
    def json(self) -> Path:
        """The tables for programs."""
        return self.path / "report.json"


class Whole(Section):
    """How long an experiment is without a budget: epochs, the training images in each, and the
    images kept for validation, which a refit trains on too.
    """

    epochs: CountOrZero
    images: CountOrZero
    validation: CountOrZero

    def of_refit(self) -> "Whole":
        """How long a refit of it is."""
        return Whole(epochs=self.epochs, images=self.images + self.validation, validation=0)


class PlannedExperiment(Section):
    """An experiment as it is run: its whole sweep, and, where that is a share, of what."""

    sweep: dict[str, Any]
    whole: Whole | None = None


class Plan(Section):
    """What a reproduction's folder is made with, so that it needs no other file."""

    name: str
    budget: str  # default, full, quick
    together: tuple[str, ...]  # the folders of the reports that one command reproduces, in order
    report: Report
    experiments: dict[str, PlannedExperiment]


def is_plain_name(name: str) -> bool:
    """Whether it names something in a folder, and leads nowhere else."""
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name)


def is_reproduction(path: Path) -> bool:
    """Whether the folder is a report's reproduction."""
    return (path / MANIFEST_NAME).is_file()


def read_plan(report_dir: ReportDir) -> Plan:
    """What is to be done in the folder. Raises ConfigError where the file is damaged."""
    open_artefact(report_dir.plan).close()
    root, problems = mapping_nodes(read_config_text(report_dir.plan), str(report_dir.plan), None)
    plan, faults = validate_as(Plan, root)
    refuse(problems + faults)
    assert plan is not None
    return plan
