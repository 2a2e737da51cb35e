"""The winners of the stages on the test set."""

from matplotlib.figure import Figure

from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_ranking import ranking_dots


def draw(winners: RankedPoints) -> Figure:
    """No point is marked as the best: the test set is not used to choose among the winners."""
    points, metric = winners.points, winners.metric
    heading = f"Winners of the stages: {metric.words}"
    chance = winners.chance
    return ranking_dots(points, metric, heading, winners.title, chance=chance, is_ranking=False)


FIGURE = FigureDefinition(
    order=10,
    title="Winners on the test set",
    how_to_read="Each winner, trained on all training images and tested once.",
    draw=draw,
)
