"""The weights from the last hidden layer to each class, as images."""

from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import kept_classes, output_layer, run_name
from mnistlab.figures.weight_images import class_weights
from mnistlab.support.errors import LackingError


def draw(run: Artefacts) -> Figure:
    """The output layer's weights, if its inputs can be laid out as a square."""
    layer = output_layer(run)
    weight = run.model.tensors[f"{layer}.weight"]
    if len(run.weighed_layers) < 2:
        raise LackingError("it has no hidden layer")
    side = round(weight.shape[0] ** 0.5)
    if side * side != weight.shape[0]:
        raise LackingError(f"{layer} has {weight.shape[0]:,} inputs, which do not fill a square")
    shown = kept_classes(run)
    images = weight.T.reshape(-1, side, side)[shown]
    heading = "Weights from the last hidden layer to each class"
    note = (
        f"{layer}: one cell for each of its {weight.shape[0]:,} inputs, at the same position in "
        "each class. Red weights are positive, blue weights are negative."
    )
    names = [run.class_names[i] for i in shown]
    return class_weights(images, names, heading, note, run_name(run))


FIGURE = FigureDefinition(
    order=80,
    title="Hidden layer to classes",
    how_to_read="A class with few strong weights depends on few units.",
    draw=draw,
)
