"""Every figure of a run: each module of this folder is one, called as its file."""

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.definition import FigureDefinition, figures_in

RUN_FIGURES: dict[str, FigureDefinition[Artefacts]] = figures_in(__name__)
