"""A report's figures redrawn, each of one of its experiments, or of one of their runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.run_dir import open_run
from mnistlab.plots.gallery import Drawn, Entry, LeftOut, draw_each, run_figures
from mnistlab.plots.sweep_bars import bars
from mnistlab.plots.sweep_points import SweepMetric, SweepPoint
from mnistlab.reproduce.manifest import FigureSpec, Report
from mnistlab.reproduce.measured import Row, find_row
from mnistlab.reproduce.report_dir import ReportDir
from mnistlab.reproduce.tables import in_words, metrics_of, row_names, rows_of
from mnistlab.sweep_figures import sweep_figures

TABLE = "table"  # the one figure that is neither a run's nor a sweep's


def report_figures(
    report_dir: ReportDir, report: Report, rows: Mapping[str, Sequence[Row]], **options: Any
) -> Iterator[Drawn | LeftOut]:
    """Draw the figures of a report, one after another; `options` are those of Artefacts.

    What a run lacks, or what is damaged, leaves out the figures that need it. Raises UsageError for
    a name that no figure has.
    """
    for number, spec in enumerate(report.figures, 1):
        name = f"{number:02d}-{spec.experiment}-{spec.figure}"
        if spec.figure == TABLE:
            drawn = draw_each([_of_table(report, spec, rows)], None)
        else:
            drawn = _draw(report_dir, spec, rows, options)
        for one in drawn:
            yield replace(one, name=name, title=spec.caption)


def _of_table(report: Report, spec: FigureSpec, rows: Mapping[str, Sequence[Row]]) -> Entry:
    """Bars of what a table measured, the stated beside them: of its first accuracy that is stated,
    or the first that it shows."""
    table = next(one for one in report.tables if one.experiment == spec.experiment)
    here = rows_of(table, rows)
    accuracies = [name for name in metrics_of(table, here) if name.endswith("accuracy")]
    stated = [n for n in accuracies if any(row.metrics[n].stated is not None for row in here)]
    name = (stated or accuracies)[0]
    points = [
        SweepPoint({}, row.metrics[name].values, row.is_finished, row.metrics[name].stated)
        for row in here
    ]
    metric = SweepMetric(name, maximize=True)
    labels = row_names(in_words(table, here, None))
    return Entry(
        TABLE,
        spec.caption,
        "A diamond is what the report states.",
        lambda _: bars(points, metric, table.title, labels),
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
