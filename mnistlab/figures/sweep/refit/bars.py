"""The winners of the stages on the test set, as bars."""

from matplotlib.figure import Figure

from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sweep_bars import bars
from mnistlab.figures.sweep_data import RankedPoints


def draw(winners: RankedPoints) -> Figure:
    return bars(winners.points, winners.metric, winners.title)


FIGURE = FigureDefinition(
    order=10,
    title="Winners on the test set",
    how_to_read="Each winner, trained on all training images and tested once.",
    draw=draw,
)
