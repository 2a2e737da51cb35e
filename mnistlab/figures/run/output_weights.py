"""What each class makes of the last hidden layer, as images of its weights."""

from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import kept_classes, output_layer, run_name
from mnistlab.figures.weight_images import class_weights
from mnistlab.support.errors import LackingError


def draw(run: Artefacts) -> Figure:
    """Of the output layer, where what it sees can be laid out as a square."""
    layer = output_layer(run)
    weight = run.model.tensors[f"{layer}.weight"]
    if len(run.weighed_layers) < 2:
        raise LackingError("it has no hidden layer")
    side = round(weight.shape[0] ** 0.5)
    if side * side != weight.shape[0]:
        raise LackingError(f"{layer} sees {weight.shape[0]:,} values, which make no square")
    shown = kept_classes(run)
    images = weight.T.reshape(-1, side, side)[shown]
    heading = "What each class makes of the last hidden layer"
    note = (
        f"{layer}: a field for each of the {weight.shape[0]:,} values that it sees, at the same "
        "place in each class. Red speaks for the class, blue against it."
    )
    names = [run.class_names[i] for i in shown]
    return class_weights(images, names, heading, note, run_name(run))


FIGURE = FigureDefinition(
    order=80,
    title="Hidden layer to classes",
    how_to_read="Few strong fields in a class: it leans on few units.",
    draw=draw,
)
