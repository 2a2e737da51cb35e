"""What was planned in a reproduction's folder, so that it needs no other file."""

from typing import Any

from mnistlab.blocks.section import CountOrZero, Section
from mnistlab.config.config_text import mapping_nodes, read_config_text
from mnistlab.config.load_sweep import refuse
from mnistlab.config.validate import validate
from mnistlab.reproduce.manifest import Report
from mnistlab.store.report_dir import ReportDir
from mnistlab.support.safe_files import open_artefact


class FullLength(Section):
    """How long an experiment is without a budget: epochs, the training images in each, and the
    images kept for validation, which a refit trains on too.
    """

    epochs: CountOrZero
    images: CountOrZero
    validation: CountOrZero

    def of_refit(self) -> "FullLength":
        """How long a refit of it is."""
        return FullLength(epochs=self.epochs, images=self.images + self.validation, validation=0)


class PlannedExperiment(Section):
    """An experiment as it is run: its whole sweep, and, where that is a share, of what."""

    sweep: dict[str, Any]
    whole: FullLength | None = None


class ReportPlan(Section):
    """What a reproduction's folder is made with, so that it needs no other file."""

    name: str
    budget: str  # default, full, quick
    together: tuple[str, ...]  # the folders of the reports that one command reproduces, in order
    report: Report
    experiments: dict[str, PlannedExperiment]


def read_plan(report_dir: ReportDir) -> ReportPlan:
    """What is to be done in the folder. Raises ConfigError where the file is damaged."""
    open_artefact(report_dir.plan).close()
    root, problems = mapping_nodes(read_config_text(report_dir.plan), str(report_dir.plan), None)
    plan, faults = validate(ReportPlan, root)
    refuse(problems + faults)
    assert plan is not None
    return plan
