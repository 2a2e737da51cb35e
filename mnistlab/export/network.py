"""A trained network as a list of layers with their weights, for other tools."""

from collections import Counter

from mnistlab.blocks.exporting import TrainedLayer
from mnistlab.blocks.layers.flatten import FlattenLayer
from mnistlab.experiment.model import Model


def network_of(model: Model) -> list[TrainedLayer]:
    """The network from the image to the logits, the input of the output activation.

    A `flatten` is added before a dense layer that takes an image, and a `flatten` without effect is
    left out; so is dropout with a rate of 0.
    """
    network: list[TrainedLayer] = []
    is_image, counts = True, Counter[str]()
    for layer in model.config.model.layers_for(len(model.class_names)):
        if layer.takes_vector and is_image:
            network.append(TrainedLayer(FlattenLayer(), on_image=True))
            is_image = False
        if layer.named:
            counts[layer.type] += 1
            name = f"{layer.type}{counts[layer.type]}"
            network.append(TrainedLayer(layer, is_image, name, model.layer_tensors(name)))
        elif not layer.does_nothing:
            network.append(TrainedLayer(layer, is_image))
    return network
