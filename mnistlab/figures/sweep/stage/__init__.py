"""Every figure of a stage of a sweep, or of a sweep without stages: each module of this folder
defines one.
"""

from mnistlab.figures.definition import FigureDefinition, figures_in
from mnistlab.figures.sweep_data import RankedPoints

STAGE_FIGURES: dict[str, FigureDefinition[RankedPoints]] = figures_in(__name__)
