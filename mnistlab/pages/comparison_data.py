"""What the page of a comparison draws: curves of groups, confusions, images in dispute."""

import base64
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.style import spread
from mnistlab.store.browse.agreement import predictions_of
from mnistlab.store.browse.groups import Group
from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.metrics import MetricsRow, read_metrics
from mnistlab.store.predictions import Predictions
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import MnistlabError, UsageError
from mnistlab.support.metric_names import SPLIT_METRICS

CURVE_POINTS = 80
CURVE_RUNS = 50  # of each group
PREDICTING_RUNS = 5  # of each group, whose predictions are read
MOST_IMAGES = 40


@dataclass(frozen=True)
class GroupPredictions:
    """The predictions of some runs of a group, (runs, images) int64, for images with these labels,
    (images,).
    """

    labels: np.ndarray
    predicted: np.ndarray

    def confusion(self, classes: int) -> np.ndarray:
        """How many images of each true class (rows) get each predicted class, the mean over
        the runs.
        """
        pairs = self.labels * classes + self.predicted
        counts = np.bincount(pairs.ravel(), minlength=classes * classes)
        return counts.reshape(classes, classes) / len(self.predicted)


def curves_of(
    groups: Sequence[Group], tell: Callable[[str], None]
) -> dict[str, list[dict[str, list[float]] | None]]:
    """By metric, the curve of each group: mean and standard deviation over its runs at each
    evaluation; None for a group without any. Of a table that cannot be read, `tell` is told.
    """
    rows = [_rows_of(group, tell) for group in groups]
    curves = {name: [_curve(name, runs) for runs in rows] for name in SPLIT_METRICS}
    return {name: found for name, found in curves.items() if any(found)}


def _rows_of(group: Group, tell: Callable[[str], None]) -> list[list[MetricsRow]]:
    """The rows of metrics.csv of each run whose table can be read."""
    found = []
    for one in group.runs[:CURVE_RUNS]:
        path = RunDir(one.run.path).metrics
        try:
            found.append(read_metrics(path, one.run.record.written(path)))
        except UsageError as error:
            tell(str(error))
        except OSError as error:
            tell(f"{path}: cannot be read: {error.strerror}")
    return found


def _curve(name: str, runs: Sequence[Sequence[MetricsRow]]) -> dict[str, list[float]] | None:
    by_step: dict[int, list[float]] = {}
    epochs: dict[int, int] = {}
    for rows in runs:
        for row in rows:
            value = getattr(row, name)
            if value is not None and math.isfinite(value):
                by_step.setdefault(row.step, []).append(value)
                epochs[row.step] = row.epoch
    if not by_step:
        return None
    steps = spread(sorted(by_step), CURVE_POINTS)
    return {
        "steps": list(steps),
        "epochs": [epochs[step] for step in steps],
        "means": [short(float(np.mean(by_step[step]))) for step in steps],
        "deviations": [
            short(float(np.std(by_step[step], ddof=1)) if len(by_step[step]) > 1 else 0.0)
            for step in steps
        ],
    }


def short(value: float) -> float:
    """A number with the digits that a page can show."""
    return float(f"{value:.6g}")


def predictions_of_groups(
    groups: Sequence[Group], tell: Callable[[str], None]
) -> list[GroupPredictions | None]:
    """The predictions of some runs of each group, for the images of the first run that has any;
    None for a group without predictions of these images. Of a table that cannot be read, `tell` is
    told.
    """
    labels: np.ndarray | None = None
    found: list[GroupPredictions | None] = []
    for group in groups:
        predicted = []
        for one in group.runs[:PREDICTING_RUNS]:
            try:
                told = _checked(one.run)
            except UsageError as error:
                tell(str(error))
                continue
            if told is None:
                continue
            labels = told.labels if labels is None else labels
            if np.array_equal(labels, told.labels):
                predicted.append(told.predicted)
        if labels is None or not predicted:
            found.append(None)
        else:
            found.append(GroupPredictions(labels, np.stack(predicted)))
    return found


def _checked(run: RunSummary) -> Predictions | None:
    """The predictions of a run; raises UsageError if a class is none of its dataset."""
    found, facts = predictions_of(run), run.record.facts
    if found is None or facts is None or not len(found.labels):
        return None
    classes = len(facts.dataset.class_names)
    for values in (found.labels, found.predicted):
        if values.min() < 0 or values.max() >= classes:
            path = RunDir(run.path).predictions
            raise UsageError(f"{path}: has a class that is none of its {classes} classes")
    return found


def disputed(predictions: Sequence[GroupPredictions]) -> np.ndarray:
    """The indices of the images on which the runs disagree most: of which the share of correct runs
    is nearest to a half.
    """
    labels = predictions[0].labels
    correct = np.concatenate([one.predicted for one in predictions]) == labels
    share = correct.mean(axis=0)
    order = np.lexsort((np.arange(len(labels)), np.abs(share - 0.5)))
    return order[(share[order] > 0) & (share[order] < 1)][:MOST_IMAGES]


def pictures_of(
    run: Path, labels: np.ndarray, indices: np.ndarray, data_dir: Path | None
) -> list[str] | str:
    """The images as data URLs; a sentence that says why, if the run's dataset is not at hand."""
    artefacts = Artefacts(RunDir(run), data_dir=data_dir)
    try:
        split = artefacts.split
    except MnistlabError as error:
        return f"The images are not shown: {error.messages[0]}"
    images, found = split.gather()
    if not np.array_equal(found, labels):
        return "The images are not shown: predictions.csv is of another part of the dataset."
    return [_png(images[index]) for index in indices]


def _png(image: np.ndarray) -> str:
    content = io.BytesIO()
    # Ink is dark on light, as figures show it.
    Image.fromarray(255 - image).save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def read_as(group: GroupPredictions | None, index: int, names: Sequence[str]) -> str:
    """What the runs of a group predict for an image: `7`, or `7 ×3, 1 ×2`."""
    if group is None:
        return "–"
    classes, counts = np.unique(group.predicted[:, index], return_counts=True)
    order: Any = np.argsort(-counts, kind="stable")
    if len(order) == 1:
        return names[classes[0]]
    return ", ".join(f"{names[classes[i]]} ×{counts[i]}" for i in order)
