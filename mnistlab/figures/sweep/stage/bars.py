"""The ranking of a stage, or of a sweep without stages."""

from matplotlib.figure import Figure

from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_ranking import ranking_dots
from mnistlab.support.errors import LackingError


def draw(stage: RankedPoints) -> Figure:
    if len(stage.metrics) > 1:
        raise LackingError("several metrics give no one order; see the Pareto front")
    heading = f"Ranking by {stage.metric.words}"
    return ranking_dots(stage.points, stage.metric, heading, stage.title, chance=stage.chance)


FIGURE = FigureDefinition(
    order=40,
    title="Ranking",
    how_to_read="A half-filled point may be as good as the best one: the seeds cannot tell.",
    draw=draw,
)
