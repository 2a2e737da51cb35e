"""Statistics of every layer with weights: the columns of layers.csv."""

from dataclasses import dataclass

import numpy as np

from mnistlab.runtime.params import views
from mnistlab.training.trainer import Trainer

# Activations are computed on this many images, always the first of the training set.
SAMPLE_IMAGES = 500


@dataclass(frozen=True)
class LayerStatistics:
    """One layer at the end of an epoch; a statistic is None where it is undefined."""

    layer: str
    weight_mean: float
    weight_std: float
    zero_share: float
    update_mean: float
    gradient_norm: float
    activation_mean: float
    activation_std: float
    inactive_share: float | None


# Statistics of overflowing weights are infinite or NaN; no warning is needed.
@np.errstate(over="ignore", invalid="ignore")
def layer_statistics(trainer: Trainer) -> list[LayerStatistics]:
    """The statistics of every layer with weights, after the last step taken."""
    tensors = trainer.program.tensors
    now = views(tensors, trainer.params)
    before = views(tensors, trainer.params_before_last_step)
    gradients = views(tensors, trainer.last_gradient())
    layers = [spec for spec in trainer.inference.program.layers if f"{spec.name}.weight" in now]
    train = trainer.dataset.train
    sample = trainer.inference.activations(
        train.images[train.indices[:SAMPLE_IMAGES]], [layer.name for layer in layers]
    )
    specs = {tensor.name: tensor for tensor in tensors}
    rows = []
    for layer in layers:
        name = f"{layer.name}.weight"
        values = sample[layer.name].astype(np.float64).reshape(len(sample[layer.name]), -1)
        present = specs[name].present
        weight = now[name].reshape(-1)[present].astype(np.float64)
        old = before[name].reshape(-1)[present]
        rows.append(
            LayerStatistics(
                layer=layer.name,
                weight_mean=float(weight.mean()),
                weight_std=float(weight.std()),
                zero_share=float((weight == 0).mean()),
                update_mean=float(np.abs(weight - old).mean()),
                gradient_norm=float(np.linalg.norm(gradients[name].astype(np.float64))),
                activation_mean=float(values.mean()),
                activation_std=float(values.std()),
                inactive_share=layer.activation.inactive_share(by_unit(values, layer.output_shape))
                if layer.activation
                else None,
            )
        )
    return rows


def by_unit(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The activations of a layer, (images, values), as (answers, units).

    A unit with weights of its own answers once an image. A filter answers at every position of its
    map, with shared weights: it is dead only if it is so at all positions. At the dark border of
    digits, live filters give the same for every image.
    """
    if len(shape) == 1:
        return values
    filters = shape[0]
    return values.reshape(len(values), filters, -1).swapaxes(1, 2).reshape(-1, filters)
