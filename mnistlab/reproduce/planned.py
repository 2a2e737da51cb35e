"""The plan in a reproduction's folder, so that it needs no other file."""

from typing import Any

from pydantic import model_validator

from mnistlab.blocks.section import CountOrZero, Section
from mnistlab.config.config_text import mapping_nodes, read_config_text
from mnistlab.config.dump import mapping_as_yaml
from mnistlab.config.load_sweep import refuse
from mnistlab.config.validate import validate
from mnistlab.reproduce.manifest import Report
from mnistlab.store.report_dir import ReportDir
from mnistlab.support.safe_files import open_artefact


class FullLength(Section):
    """The length of an experiment without a budget: epochs, training images in each, and validation
    images, which a refit also trains on.
    """

    epochs: CountOrZero
    images: CountOrZero
    validation: CountOrZero

    def of_refit(self) -> "FullLength":
        """The length of its refit."""
        return FullLength(epochs=self.epochs, images=self.images + self.validation, validation=0)


class PlannedExperiment(Section):
    """An experiment as planned: its complete sweep, and the full length if this is a share."""

    sweep: dict[str, Any]  # its `reference` has stated numbers as they were written
    full_length: FullLength | None = None
    teacher: str | None = None  # the experiment whose first run teaches this one

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, keys: Any) -> Any:
        return _renamed(keys, "whole", "full_length")


class ReportPlan(Section):
    """The content of a reproduction's folder, so that it needs no other file."""

    kind: str = "report"  # report, paper; an earlier version had reports alone
    name: str
    budget: str  # default, full, quick
    earlier_folders: tuple[str, ...]  # of the reports that the command began before this one
    report: Report
    experiments: dict[str, PlannedExperiment]

    def text(self) -> str:
        """The plan as YAML, with stated numbers as they were written."""
        mapping = self.model_dump(mode="json", by_alias=True)
        for name, experiment in self.experiments.items():
            mapping["experiments"][name]["sweep"]["reference"] = experiment.sweep["reference"]
        return mapping_as_yaml(mapping)

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, keys: Any) -> Any:
        return _renamed(keys, "together", "earlier_folders")


def _renamed(keys: Any, before: str, now: str) -> Any:
    """A mapping with the key that an earlier version called `before` under its present name."""
    if not isinstance(keys, dict) or before not in keys:
        return keys
    return {now if key == before else key: value for key, value in keys.items()}


def read_plan(report_dir: ReportDir) -> ReportPlan:
    """The plan of the folder. Raises ConfigError if the file is damaged."""
    open_artefact(report_dir.plan).close()
    root, problems = mapping_nodes(read_config_text(report_dir.plan), str(report_dir.plan), None)
    plan, faults = validate(ReportPlan, root)
    refuse(problems + faults)
    assert plan is not None
    for name, experiment in plan.experiments.items():
        stated = root.at(("experiments", name, "sweep", "reference"))
        if stated is not None:
            experiment.sweep["reference"] = stated.stated()
    return plan
