"""Calibration: whether a network with a confidence of 90 % is correct in 90 % of the cases.

A temperature T makes softmax(logits / T) more or less confident, and changes no prediction.
Source: Guo et al., On calibration of modern neural networks (2017).
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.experiment.model import Model
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import SplitName

BINS = 10
# The range of temperatures: a network that is always correct would have an infinite one.
COLDEST, HOTTEST = 0.01, 100.0


@dataclass(frozen=True)
class Calibration:
    """Confidence and accuracy in bins of equal width; each array has shape (bins,).

    `confidence` and `accuracy` are means of a bin, NaN for an empty bin. `error` is the expected
    calibration error (ECE): the mean of |accuracy − confidence|, weighted by the bin's images.
    Source: Guo et al., On calibration of modern neural networks (2017), equation 3.
    """

    counts: np.ndarray  # int64
    confidence: np.ndarray
    accuracy: np.ndarray
    error: float


def calibration(probabilities: np.ndarray, is_right: np.ndarray, bins: int = BINS) -> Calibration:
    """`probabilities` of the predicted class, finite, 0 to 1; `is_right` bool; both (images,).

    Bins are open below and closed above, except the first, which includes 0.
    """
    bin_of = np.clip(np.ceil(probabilities * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(bin_of, probabilities, bins) / counts
        accuracy = np.bincount(bin_of, is_right.astype(float), bins) / counts
    error = np.nansum(counts * np.abs(accuracy - confidence)) / counts.sum()
    return Calibration(counts, confidence, accuracy, float(error))


@dataclass(frozen=True)
class Confidence:
    """The loss (the mean of −log p of the labels) and the expected calibration error."""

    loss: float
    error: float


@dataclass(frozen=True)
class CalibrationScores:
    """A network before and after its temperature was fitted on `fitted_on` validation images."""

    run_dir: Path
    name: str
    dataset: str
    split: SplitName
    images: int
    fitted_on: int
    temperature: float
    accuracy: float
    before: Confidence
    after: Confidence


def calibrate(model: Model, split: SplitName) -> CalibrationScores:
    """Fit a network's temperature on its validation images, and evaluate it on another part.

    Raises UsageError if the output is not softmax, or as `Model.split` does.
    """
    output = model.config.model.output_activation.type
    if output != "softmax":
        raise UsageError(
            f"{model.run_dir.path}: its output is {output}; a temperature is for softmax"
        )
    logits, labels = _logits(model, "validation")
    temperature = fitted_temperature(logits, labels)
    fitted_on = len(labels)
    if split != "validation":
        logits, labels = _logits(model, split)
    return CalibrationScores(
        run_dir=model.run_dir.path,
        name=model.config.name,
        dataset=model.dataset.name,
        split=split,
        images=len(labels),
        fitted_on=fitted_on,
        temperature=temperature,
        accuracy=float((logits.argmax(axis=1) == labels).mean()),
        before=_confidence(logits, labels, 1.0),
        after=_confidence(logits, labels, temperature),
    )


def fitted_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the smallest loss; logits float64 (n, classes), labels int64 (n,)."""
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        of_label = log_softmax(logits / math.exp(logarithm))[np.arange(len(labels)), labels]
        return -float(of_label.mean())

    bounds = (math.log(COLDEST), math.log(HOTTEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    return math.exp(found.x)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The logarithms of the softmax of each row, float64 (n, classes)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _logits(model: Model, split: SplitName) -> tuple[np.ndarray, np.ndarray]:
    """The logits, float64 (n, classes), and the labels, int64 (n,), of a part of the dataset."""
    images, labels = model.split(split).gather()
    logits = model.logits(images).astype(np.float64)
    if not np.isfinite(logits).all():
        raise UsageError(f"{model.run_dir.path}: its outputs are not finite")
    return logits, labels.astype(np.int64)


def _confidence(logits: np.ndarray, labels: np.ndarray, temperature: float) -> Confidence:
    logarithms = log_softmax(logits / temperature)
    loss = -float(logarithms[np.arange(len(labels)), labels].mean())
    is_right = logits.argmax(axis=1) == labels
    return Confidence(loss, calibration(np.exp(logarithms.max(axis=1)), is_right).error)
