"""Every figure of a run: each module of this folder defines one, with the name of its file."""

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.definition import FigureDefinition, figures_in

RUN_FIGURES: dict[str, FigureDefinition[Artefacts]] = figures_in(__name__)
