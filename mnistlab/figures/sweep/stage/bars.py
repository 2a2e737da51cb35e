"""The ranking of a stage, or of a sweep without stages, as bars."""

from matplotlib.figure import Figure

from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sweep_bars import bars
from mnistlab.figures.sweep_data import RankedPoints


def draw(stage: RankedPoints) -> Figure:
    return bars(stage.points, stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=40,
    title="Ranking",
    how_to_read="If whiskers overlap, this many seeds cannot separate the points.",
    draw=draw,
)
