"""Every figure of a sweep's best models side by side: each module of this folder defines one.

`{models}` in a title is replaced by which models they are: the winners of the stages, or the best
of the sweep.
"""

from mnistlab.figures.definition import FigureDefinition, figures_in
from mnistlab.figures.sweep_data import BestModels

MODELS_FIGURES: dict[str, FigureDefinition[BestModels]] = figures_in(__name__)
