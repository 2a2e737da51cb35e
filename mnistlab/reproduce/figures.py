"""A report's figures redrawn, each of one of its experiments, or of one of their runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.run_dir import open_run
from mnistlab.plots.gallery import Drawn, LeftOut, run_figures
from mnistlab.reproduce.manifest import FigureSpec, Report
from mnistlab.reproduce.measured import Row, find_row
from mnistlab.reproduce.report_dir import ReportDir
from mnistlab.sweep_figures import sweep_figures


def report_figures(
    report_dir: ReportDir, report: Report, rows: Mapping[str, Sequence[Row]], **options: Any
) -> Iterator[Drawn | LeftOut]:
    """Draw the figures of a report, one after another; `options` are those of Artefacts.

    What a run lacks, or what is damaged, leaves out the figures that need it. Raises UsageError for
    a name that no figure has.
    """
    for number, spec in enumerate(report.figures, 1):
        name = f"{number:02d}-{spec.experiment}-{spec.figure}"
        for one in _draw(report_dir, spec, rows, options):
            if isinstance(one, Drawn):
                yield replace(one, name=name, title=spec.caption)
            else:
                yield replace(one, name=name, title=spec.caption)


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
