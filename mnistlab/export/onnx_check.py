"""Whether an ONNX file says what the run's own network says, asked of onnxruntime."""

from dataclasses import dataclass

import numpy as np
import onnxruntime

from mnistlab.data import open_source
from mnistlab.errors import DataError, MnistlabError, UsageError
from mnistlab.experiment.model import Model
from mnistlab.export.onnx_graph import INPUT, LOGITS, PROBABILITIES, Pixels
from mnistlab.machine import available_cpus

BATCH_ROWS = 500
MOST_IMAGES = 10_000
MADE_UP_IMAGES = 1_000
# Of the largest value that an image leads to: sums in another order, in float32, and what an
# output activation makes of that. A layer that is wrong is off by far more.
TOLERANCE = 2e-5


@dataclass(frozen=True)
class Agreement:
    """On how many images, and which, the two were compared, and the largest difference."""

    images: int
    what: str
    largest_difference: float


def check_onnx(content: bytes, model: Model, pixels: Pixels) -> Agreement:
    """Compare an ONNX model with the run's own network, image by image.

    Raises MnistlabError, a fault of ours, where they differ by more than rounding.
    """
    images, what = _images(model)
    ours = model.outputs(images)
    probabilities, logits = _run(content, images.astype(pixels), model.threads)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        difference = np.abs(probabilities - ours)
    size = 1 + np.maximum(np.abs(ours), np.abs(logits)).max(axis=1, keepdims=True)
    same = (probabilities == ours) | (np.isnan(probabilities) & np.isnan(ours))
    wrong = ~(same | (difference <= TOLERANCE * size))
    largest = float(difference[~same].max(initial=0))
    if wrong.any():
        raise MnistlabError(
            "the ONNX model does not say what the run's network says: "
            f"{int(wrong.any(axis=1).sum()):,} of {what} differ, by up to {largest:.2g}; "
            "this is a fault of mnistlab, and nothing was written"
        )
    return Agreement(len(images), what, largest)


def _run(content: bytes, images: np.ndarray, threads: int | None) -> tuple[np.ndarray, np.ndarray]:
    """What onnxruntime makes of images: probabilities and logits, float32 (n, classes)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cpus()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    batches = [
        session.run([PROBABILITIES, LOGITS], {INPUT: images[first : first + BATCH_ROWS]})
        for first in range(0, len(images), BATCH_ROWS)
    ]
    probabilities, logits = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return probabilities, logits


def _images(model: Model) -> tuple[np.ndarray, str]:
    """The test images of the run's dataset, or images made up where that is not at hand.

    An export is no reason to download a dataset, and the run may have come from elsewhere.
    """
    data = model.config.data
    try:
        source = open_source(data.source, data.path, data_dir=model.data_dir, fetch_missing=False)
    except (DataError, UsageError):
        return _made_up(model.image_shape)
    images = source.test_images[:MOST_IMAGES]
    if images.shape[1:] != model.image_shape:
        return _made_up(model.image_shape)
    return np.asarray(images), f"the {len(images):,} test images of {source.name}"


def _made_up(shape: tuple[int, int]) -> tuple[np.ndarray, str]:
    """Random images, uint8 (n, *shape): from nearly black ones to ones that are lit all over."""
    rng = np.random.default_rng(0)
    size = (MADE_UP_IMAGES, *shape)
    lit = rng.random(size) < np.linspace(0.01, 1, MADE_UP_IMAGES)[:, None, None]
    images = np.where(lit, rng.integers(0, 256, size), 0).astype(np.uint8)
    return images, f"{MADE_UP_IMAGES:,} made-up images, as the dataset is not at hand"
