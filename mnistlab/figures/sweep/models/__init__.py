"""Every figure of a sweep's best models side by side: each module of this folder is one.

`{models}` in a title stands for which they are: the winners of the stages, the best of the sweep.
"""

from mnistlab.figures.definition import FigureDefinition, figures_in
from mnistlab.figures.sweep_data import BestModels

MODELS_FIGURES: dict[str, FigureDefinition[BestModels]] = figures_in(__name__)
