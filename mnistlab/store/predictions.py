"""predictions.csv: the predictions of a network for every image of a split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.store.checksums import FileDigest
from mnistlab.store.metrics import CsvTable
from mnistlab.support import durable
from mnistlab.support.errors import UsageError


@dataclass(frozen=True)
class PredictionRow:
    """One image: index in its set, label, predicted class, that class's probability."""

    index: int
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class Predictions:
    """The table of predictions by column, each of shape (images,)."""

    labels: np.ndarray  # int64
    predicted: np.ndarray  # int64
    probabilities: np.ndarray  # float64, of the predicted class


PREDICTIONS = CsvTable(PredictionRow)


def write_predictions(
    path: Path, labels: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray
) -> FileDigest:
    """Write predictions.csv, a row per image; returns the file's digest.

    `labels` and `predicted` are integers of shape (images,); `probabilities` floats of shape
    (images,), of the predicted class, rounded to 9 significant digits. The caller fsyncs the
    folder. Raises ValueError if the shapes differ; OSError.
    """
    if not labels.shape == predicted.shape == probabilities.shape == (len(labels),):
        raise ValueError(
            f"labels {labels.shape}, predicted {predicted.shape} and probabilities "
            f"{probabilities.shape} are to have one shape, (images,)"
        )
    columns = zip(labels.tolist(), predicted.tolist(), _digits(probabilities), strict=True)
    lines = [
        f"{index},{label},{guess},{probability}\n"
        for index, (label, guess, probability) in enumerate(columns)
    ]
    content = f"{PREDICTIONS.header}\n{''.join(lines)}".encode()
    durable.write_file(path, content, on_disk="content")
    return FileDigest.of(content)


def _digits(values: np.ndarray) -> list[str]:
    """Each value rounded to 9 significant digits, as `repr` writes the rounded number."""
    rounded = [f"{value:.9g}" for value in values.tolist()]
    # Without a point, or with an exponent, `repr` may write the same number in another way.
    return [one if "." in one and "e" not in one else repr(float(one)) for one in rounded]


def read_predictions(path: Path, written: FileDigest | None = None) -> Predictions:
    """The columns of a predictions.csv; raises UsageError as `CsvTable.read` does."""
    columns = PREDICTIONS.read_columns(path, written)
    index, label, predicted, probability = columns or ([], [], [], [])
    for expected, found in enumerate(index):
        if found != expected:
            raise UsageError(f"{path}:{expected + 2}: index is {found}, expected {expected}")
    return Predictions(
        np.array(label, dtype=np.int64),
        np.array(predicted, dtype=np.int64),
        np.array(probability, dtype=np.float64),
    )
