"""Redraws a report's figures, each from one of its experiments or from one run."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.gallery import Drawn, Entry, LeftOut, draw_each, run_figures
from mnistlab.figures.sweep_curves import sweep_curves
from mnistlab.figures.sweep_figures import sweep_figures
from mnistlab.figures.sweep_points import LearningCurve, SweepMetric, SweepPoint
from mnistlab.figures.sweep_ranking import ranking_dots
from mnistlab.reproduce.manifest import FigureSpec, Report, Table
from mnistlab.reproduce.measured import Row, find_row
from mnistlab.reproduce.tables import metrics_of, rendered_table, row_names, rows_of
from mnistlab.store.report_dir import ReportDir
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.status import Status
from mnistlab.support.metric_names import is_accuracy
from mnistlab.sweeps.results import sweep_of

TABLE, CURVES = "table", "curves"  # the figures that are neither a run's nor a sweep's


def figure_name(number: int, spec: FigureSpec) -> str:
    """The name of a report's figure file, by the figure's number in the report, from 1."""
    return f"{number:02d}-{spec.experiment}-{spec.figure}"


def report_figures(
    report_dir: ReportDir, report: Report, rows: Mapping[str, Sequence[Row]], **options: Any
) -> Iterator[Drawn | LeftOut]:
    """Draw the figures of a report, one after another; `options` are those of Artefacts.

    If data are missing or damaged, the figures that need them are left out. Raises UsageError for
    an unknown name.
    """
    for number, spec in enumerate(report.figures, 1):
        name = figure_name(number, spec)
        if spec.figure in (TABLE, CURVES):
            table = next(one for one in report.tables if one.experiment == spec.experiment)
            here = rows_of(table, rows)
            if spec.figure == TABLE:
                entry = _of_table(table, spec, here)
            else:
                entry = _of_curves(report_dir, table, spec, here)
            drawn = draw_each([entry])
        else:
            drawn = _draw(report_dir, spec, rows, options)
        for one in drawn:
            yield replace(one, name=name, title=spec.caption)


def _of_table(table: Table, spec: FigureSpec, rows: Sequence[Row]) -> Entry:
    """A table's measured and stated values as dots: of the figure's metric, or else of the first
    accuracy that is stated, or else of the first that the table has.
    """
    accuracies = [name for name in metrics_of(table, rows) if is_accuracy(name)]
    stated = [n for n in accuracies if any(row.metrics[n].stated is not None for row in rows)]
    name = spec.metric or (stated or accuracies)[0]
    points = [
        SweepPoint({}, row.metrics[name].values, row.is_finished, row.metrics[name].stated)
        for row in rows
    ]
    metric = SweepMetric(name, maximize=is_accuracy(name))
    labels = row_names(rendered_table(table, rows, None))
    return Entry(
        TABLE,
        spec.caption,
        "A dot for each row of the table.",
        lambda: ranking_dots(
            points, metric, table.title, metric.words, labels=labels, is_ranking=False
        ),
    )


def _of_curves(report_dir: ReportDir, table: Table, spec: FigureSpec, rows: Sequence[Row]) -> Entry:
    """The curves of a table's rows, best first, one line for all seeds of a row: of the figure's
    metric, or else of the one that the experiment is ranked by.
    """
    judged = sweep_of(report_dir.experiment(spec.experiment)).config.metric
    name = spec.metric or judged.name
    metric = SweepMetric(name, is_accuracy(name))

    def place(named: tuple[str, Row]) -> float:
        mean = named[1].metrics[metric.name].mean
        return math.inf if mean is None else -mean if metric.maximize else mean

    named = zip(row_names(rendered_table(table, rows, None)), rows, strict=True)
    curves = [
        LearningCurve(label, Artefacts(RunDir(run_dir)).metrics, status is Status.DIVERGED)
        for label, row in sorted(named, key=place)
        for run_dir, status in zip(row.run_dirs, row.statuses, strict=True)
        if RunDir(run_dir).metrics.exists()
    ]
    return Entry(
        CURVES,
        spec.caption,
        "A line is a row of the table; its band holds the row's seeds.",
        lambda: sweep_curves(curves, metric, table.title, metric.words, log_epochs=spec.log_epochs),
    )


def _draw(
    report_dir: ReportDir,
    spec: FigureSpec,
    rows: Mapping[str, Sequence[Row]],
    options: dict[str, Any],
) -> Iterator[Drawn | LeftOut]:
    if spec.parameters is None and spec.stage is None:
        yield from sweep_figures(report_dir.experiment(spec.experiment), [spec.figure], **options)
        return
    row = find_row(rows[spec.experiment], spec.parameters or {}, spec.stage)
    yield from run_figures(Artefacts(open_run(row.run_dir), **options), [spec.figure])
