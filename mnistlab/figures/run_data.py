"""Data that several figures of a run share: classes, mistakes, weights, rows of layers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mnistlab.blocks.schedules import Steps
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.scores import confusion_counts
from mnistlab.figures.pictures import Read
from mnistlab.store.metrics import LayerRow, MetricsRow
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import in_print, probability
from mnistlab.training.run_length import run_length

CONVOLUTIONS = 8  # if there are more, this many are drawn
# At a learning rate below this share of the largest, a step changes too little to compare.
RESTING_RATE = 1e-3
RATE_POINTS = 1000  # steps whose rates are drawn


def run_name(run: Artefacts) -> str:
    """The run's name; with its status if it has not finished."""
    status = run.record.status
    if status.finished:
        return run.config.name
    return f"{run.config.name} ({status}; weights of step {run.model.step:,})"


def layer_weights(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights alone, by their layer."""
    ending = ".weight"
    return {n.removesuffix(ending): values for n, values in tensors.items() if n.endswith(ending)}


def output_layer(run: Artefacts) -> str:
    """The name of the last dense layer."""
    return [s.name for s in run.model.inference.program.layers if s.kind == "dense"][-1]


def refuse_no_numbers(values: Mapping[str, np.ndarray]) -> None:
    """Raise LackingError if weights or activations, by their layer, have no finite range."""
    for layer, array in values.items():
        if not np.isfinite(array).all():
            raise LackingError(f"{layer} has weights or activations that are not finite")


def kept_classes(run: Artefacts) -> list[int]:
    """The classes that the run was trained on, by number."""
    return sorted(run.config.data.classes or range(len(run.class_names)))


def counts_of(run: Artefacts) -> np.ndarray:
    """The confusion matrix, int64: rows are true classes, columns predicted classes."""
    found = run.predictions
    return confusion_counts(found.labels, found.predicted, len(run.class_names))


def most_confident_mistakes(run: Artefacts) -> np.ndarray:
    """Indices of the misclassified images, by decreasing confidence."""
    found = run.predictions
    wrong = np.flatnonzero(found.labels != found.predicted)
    sure = np.nan_to_num(found.probabilities[wrong], nan=-np.inf)
    return wrong[np.argsort(-sure, kind="stable")]


def reads_of(run: Artefacts, places: Sequence[int] | np.ndarray) -> Iterator[Read]:
    """The images at these indices of the predictions, with their predicted classes."""
    split, found, names = run.split, run.predictions, run.class_names
    for place in places:
        image = np.asarray(split.images[split.indices[place]])
        truth, said = names[found.labels[place]], names[found.predicted[place]]
        yield Read(image, truth, said, said_of(run, found.probabilities[place]))


def some_of_each(run: Artefacts, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first image or images of each class, at most `count` in all, and their labels.

    Images uint8 (n, rows, columns), labels int64 (n,), ascending.
    """
    split = run.split
    labels = np.asarray(split.labels[split.indices])
    present = np.unique(labels)[:count]
    each = count // len(present)
    chosen = np.concatenate([np.flatnonzero(labels == k)[:each] for k in present])
    return np.asarray(split.images[split.indices[chosen]]), labels[chosen].astype(np.int64)


def output_activation(run: Artefacts) -> str:
    """The type of activation of the outputs."""
    return run.config.model.output_activation.type


def says_probabilities(run: Artefacts) -> bool:
    """Whether the outputs are probabilities."""
    return output_activation(run) in ("softmax", "sigmoid")


def said_of(run: Artefacts, output: float) -> str:
    """An output as text."""
    if not np.isfinite(output):
        return "no number"
    if not says_probabilities(run):
        return f"output {output:.3g}"
    return in_print(probability(output))


def relative_updates(rows: Sequence[LayerRow]) -> np.ndarray:
    """Mean |change of a weight| in an epoch's last step, divided by the weights' root mean square.

    Shape (rows,), NaN if either was not measured or all weights are zero.
    """
    update = finite_column(rows, "update_mean")
    size = np.hypot(finite_column(rows, "weight_mean"), finite_column(rows, "weight_std"))
    size[size == 0] = np.nan
    return update / size


def epochs_at_rest(rows: Sequence[MetricsRow]) -> frozenset[int]:
    """The epochs whose last learning rate is nearly zero, as the last one of a cosine is."""
    rates = {row.epoch: row.lr for row in rows if row.lr is not None}
    largest = max(rates.values(), default=0.0)
    return frozenset(epoch for epoch, rate in rates.items() if rate < RESTING_RATE * largest)


@dataclass(frozen=True)
class Rates:
    """Learning rates of a run: `steps` int64 (n,), counted from 1, and `values` float64 (n,)."""

    steps: np.ndarray
    values: np.ndarray
    per_epoch: int


def rates_by_step(run: Artefacts) -> Rates | None:
    """The learning rates of the steps that a run has done, evenly spaced, computed from its
    schedule. None if run.json does not give the number of steps, or if the rows have other rates.
    """
    record = run.record_if_whole
    if record is None or record.facts is None or not record.steps:
        return None
    config, length = run.config, run_length(run.config, record.facts.dataset.images.train)

    def rates(numbers: np.ndarray) -> np.ndarray:
        steps = Steps(numbers - 1, length.steps_per_epoch, length.steps, falls)
        return config.lr_schedule.rates(config.optimizer.lr, steps)

    rows = [row for row in run.metrics if row.lr is not None]
    # Only a schedule that follows a metric looks at them: its rate falls right after a row.
    falls = tuple(row.step for row, after in pairwise(rows) if after.lr != row.lr)
    measured = np.array([row.lr for row in rows])
    if not np.allclose(rates(np.array([row.step for row in rows], int)), measured, atol=0):
        return None
    numbers = np.unique(np.linspace(1, record.steps, RATE_POINTS).astype(np.int64))
    return Rates(numbers, rates(numbers), length.steps_per_epoch)


def finite_column(rows: Sequence[LayerRow], name: str) -> np.ndarray:
    """One column of layers.csv, shape (rows,), NaN where it was not measured or is not finite."""
    column = np.array([getattr(row, name) for row in rows], dtype=float)
    column[~np.isfinite(column)] = np.nan
    return column
