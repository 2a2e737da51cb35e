"""Checks a report's findings and figures against the plan, before any training.

Errors would otherwise appear hours later, when the pages are written.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mnistlab.config.load_sweep import SweepSource
from mnistlab.config.source_nodes import Node, Problem
from mnistlab.reproduce.figures import CURVES, TABLE
from mnistlab.reproduce.findings import PlannedPoints, filled, functions_of
from mnistlab.reproduce.manifest import FigureSpec, Report
from mnistlab.store.figure_names import names_of_run, names_of_sweep
from mnistlab.support.errors import UsageError
from mnistlab.sweeps.ranking import stages_of
from mnistlab.sweeps.sweep_run import plan

KeyPath = tuple[str | int, ...]


def problems_of(
    report: Report, root: Node, sources: Mapping[str, SweepSource]
) -> Iterator[Problem]:
    """The findings and figures that cannot be written, because the experiments, `sources` by name,
    do not have their data. `root` has the position of each key.
    """
    points = PlannedPoints({name: plan(source) for name, source in sources.items()})
    functions = functions_of(points)
    for index, table in enumerate(report.tables):
        if table.finding is not None:
            path: KeyPath = ("tables", index, "finding")
            try:
                filled(table.finding, functions)
            except UsageError as error:
                yield Problem(root.nearest(path).position, path, str(error))
    for index, spec in enumerate(report.figures):
        try:
            _check_figure(report, spec, points, sources)
        except UsageError as error:
            path = ("figures", index)
            yield Problem(root.nearest((*path, "figure")).position, path, str(error))


def _check_figure(
    report: Report, spec: FigureSpec, points: PlannedPoints, sources: Mapping[str, SweepSource]
) -> None:
    """Raise UsageError if the figure cannot be drawn from what is planned."""
    if spec.figure in (TABLE, CURVES):
        if not any(table.experiment == spec.experiment for table in report.tables):
            raise UsageError(f"no table is of the experiment {spec.experiment}, nothing to draw")
        return
    if spec.parameters is None and spec.stage is None:
        config = sources[spec.experiment].config
        names = names_of_sweep(stages_of(config), has_refits=bool(config.refit))
        _refuse_unknown(spec.figure, names)
        return
    points.find(spec.experiment, spec.parameters, spec.stage)
    _refuse_unknown(spec.figure, names_of_run())


def _refuse_unknown(figure: str, names: Sequence[Any]) -> None:
    if figure not in names:
        raise UsageError(f"no figure is called {figure!r}; there are {', '.join(names)}")
