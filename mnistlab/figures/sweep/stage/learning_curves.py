"""The learning curves of all trials of a stage, or of a sweep without stages."""

from matplotlib.figure import Figure

from mnistlab.config.dump import value_as_yaml
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sweep_curves import sweep_curves
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import LearningCurve, varied
from mnistlab.store.run_dir import RunDir
from mnistlab.store.status import Status


def draw(stage: RankedPoints) -> Figure:
    return sweep_curves(_curves(stage), stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=30,
    title="All learning curves",
    how_to_read="Curves that still improve at the end need more epochs.",
    draw=draw,
)


def _curves(stage: RankedPoints) -> list[LearningCurve]:
    """Every trial that has rows, named by what varies; best first."""
    keys = varied(stage.points)
    curves = []
    for point in stage.ranked:
        for row in point.trials:
            run_dir = RunDir(stage.sweep_dir.path / row.run_dir)
            if not run_dir.metrics.exists():
                continue
            shown = [key for key in [*keys, "seed"] if key in row.parameters]
            label = "  ".join(
                f"{key.rpartition('.')[2]} {value_as_yaml(row.parameters[key])}" for key in shown
            )
            rows = Artefacts(run_dir).metrics
            curves.append(LearningCurve(label, rows, row.status is Status.DIVERGED))
    return curves
