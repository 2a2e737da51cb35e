"""The content of a report: report.yaml, read and validated."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from mnistlab.blocks.section import Count, Section, Text
from mnistlab.config.config_text import mapping_nodes, read_config_text
from mnistlab.config.load_sweep import refuse
from mnistlab.config.run import NAME_PATTERN
from mnistlab.config.source_nodes import Node, Problem
from mnistlab.config.validate import validate
from mnistlab.store.report_dir import MANIFEST_NAME
from mnistlab.support.metric_names import MetricName, StatedMetric


class Minutes(Section):
    """The time that an experiment takes on two processors, as measured or estimated."""

    default: Annotated[float, Field(gt=0)] = Field(description="Within the budget.")
    full: Annotated[float, Field(gt=0)] = Field(description="With --full, at full length.")


class Experiment(Section):
    """One run or sweep file of the report."""

    file: Text | None = Field(
        default=None, description="The file, beside report.yaml (its name and .yaml if not given)."
    )
    seeds: Annotated[Count, Field(le=1000)] = Field(
        default=1, description="Repeats of every point."
    )
    budget: dict[str, Any] = Field(
        default={}, description="What is set, by dotted path, so that it ends in time."
    )
    quick: dict[str, Any] | None = Field(
        default=None, description="What --quick sets, in place of the report's own `quick`."
    )
    teacher: Text | None = Field(
        default=None,
        description="An earlier experiment; its first run is `loss.teacher.run` of this one.",
    )


class Column(Section):
    """A parameter that distinguishes the rows of a table."""

    head: Text = Field(description="What the column is called.")
    values: tuple[Text, ...] = Field(
        default=(), description="What the values are called, in the order of the file."
    )


class Table(Section):
    """A table of stated and measured values: a row for each point of an experiment."""

    title: Text = Field(description="What it shows.")
    experiment: Text = Field(description="Whose points are the rows.")
    stages: tuple[Text, ...] = Field(
        default=(), description="Of a sweep in stages: which; refit:NAME for a refit."
    )
    columns: dict[str, Column] = Field(
        default={},
        description="The parameters shown, by dotted path; those that vary if not given.",
    )
    metrics: tuple[StatedMetric, ...] = Field(
        default=(), description="The metrics shown; those that are stated if not given."
    )
    finding: Text | None = Field(
        default=None, description="Why measured and stated differ; {{ }} is replaced by a number."
    )


class FigureSpec(Section):
    """A figure: of an experiment's sweep, or, with `parameters` or `stage`, of one of its runs."""

    experiment: Text = Field(description="Whose.")
    figure: Text = Field(
        description="Its name, as `mnistlab visualize` has it; or, of the rows of the experiment's "
        "first table, `table`: dots, or `curves`: learning curves."
    )
    stage: Text | None = Field(default=None, description="The stage of the run.")
    parameters: dict[str, Any] | None = Field(
        default=None, description="The values that the run has, by dotted path."
    )
    metric: MetricName | None = Field(
        default=None, description="Of `table` and `curves`: what is drawn."
    )
    log_epochs: bool = Field(default=False, description="Of `curves`: epochs on a log axis.")
    caption: Text = Field(description="What it shows.")


class Report(Section):
    """A report: its source, its experiments, its tables and its figures."""

    title: Text = Field(description="What it is about.")
    source: Text = Field(description="Where it comes from.")
    setting: Text = Field(description="Data, order, batches, initialisation.")
    minutes: Minutes | None = Field(
        default=None, description="How long it takes, for `reproduce --list`."
    )
    optional: bool = Field(
        default=False, description="Left out of `papers` and `all` if its dataset is missing."
    )
    quick: dict[str, Any] = Field(
        default={}, description="What --quick sets in every experiment, by dotted path."
    )
    experiments: dict[str, Experiment] = Field(description="In the order that they are run in.")
    tables: tuple[Table, ...] = Field(description="In the order on the page.")
    figures: tuple[FigureSpec, ...] = Field(default=(), description="Likewise.")


@dataclass(frozen=True)
class LoadedReport:
    """A report or paper, its name, and the folder of its files."""

    kind: str  # report, paper
    name: str
    folder: Path
    report: Report
    root: Node  # the position of each key


def load_folder(folder: Path, kind: str) -> LoadedReport:
    """The report or paper of a folder. Raises ConfigError with all its errors."""
    path = folder / MANIFEST_NAME
    root, problems = mapping_nodes(read_config_text(path), str(path), folder)
    report, faults = validate(Report, root)
    if report is not None:
        faults += _unusable_names(report, root)
        faults += _unknown_experiments(report, root)
        faults += _unknown_teachers(report, root)
    refuse(problems + faults)
    assert report is not None
    return LoadedReport(kind, folder.resolve().name, folder, report, root)


def _unusable_names(report: Report, root: Node) -> Iterator[Problem]:
    """Experiments whose names cannot be names of folders."""
    for name in report.experiments:
        if not re.fullmatch(NAME_PATTERN, name):
            path = ("experiments", name)
            message = "the name of an experiment must be of letters from a to z, digits, . _ -"
            node = root.nearest(path)
            yield Problem(node.key_position or node.position, path, message)


def _unknown_experiments(report: Report, root: Node) -> Iterator[Problem]:
    """Tables and figures of experiments that the report does not have."""
    named = [("tables", index, one.experiment) for index, one in enumerate(report.tables)]
    named += [("figures", index, one.experiment) for index, one in enumerate(report.figures)]
    there = ", ".join(report.experiments)
    for kind, index, experiment in named:
        if experiment not in report.experiments:
            path = (kind, index, "experiment")
            message = f"found {experiment!r}, must be an experiment: {there}"
            yield Problem(root.nearest(path).position, path, message)


def _unknown_teachers(report: Report, root: Node) -> Iterator[Problem]:
    """Experiments whose teacher is no earlier experiment."""
    earlier: list[str] = []
    for name, experiment in report.experiments.items():
        if experiment.teacher is not None and experiment.teacher not in earlier:
            path = ("experiments", name, "teacher")
            there = ", ".join(earlier) or "none"
            message = f"found {experiment.teacher!r}, must be an earlier experiment: {there}"
            yield Problem(root.nearest(path).position, path, message)
        earlier.append(name)
