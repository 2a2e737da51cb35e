"""The learning curves of a stage, or of a sweep without stages."""

from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sweep_curves import sweep_curves
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import LearningCurve, told_values, varied
from mnistlab.store.run_dir import RunDir
from mnistlab.store.status import Status


def draw(stage: RankedPoints) -> Figure:
    heading = f"{stage.metric.words.capitalize()} by epoch"
    return sweep_curves(_curves(stage), stage.metric, heading, stage.title)


FIGURE = FigureDefinition(
    order=30,
    title="All learning curves",
    how_to_read="Curves that still improve at the end need more epochs.",
    draw=draw,
)


def _curves(stage: RankedPoints) -> list[LearningCurve]:
    """Every trial that has rows, named by the parameters that differ between points; best first."""
    keys = varied(stage.points)
    curves = []
    for point in stage.ranked:
        label = "  ".join(told_values(point.parameters, keys))
        for row in point.trials:
            run_dir = RunDir(stage.sweep_dir.path / row.run_dir)
            if run_dir.metrics.exists():
                rows = Artefacts(run_dir).metrics
                curves.append(LearningCurve(label, rows, row.status is Status.DIVERGED))
    return curves
