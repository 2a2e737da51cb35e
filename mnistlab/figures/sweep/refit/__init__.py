"""Every figure of a sweep's winners, trained again: each module of this folder defines one."""

from mnistlab.figures.definition import FigureDefinition, figures_in
from mnistlab.figures.sweep_data import RankedPoints

REFIT_FIGURES: dict[str, FigureDefinition[RankedPoints]] = figures_in(__name__)
