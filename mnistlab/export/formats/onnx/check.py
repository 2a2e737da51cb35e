"""Compares an ONNX file with the run's own network, by running it in onnxruntime."""

from dataclasses import dataclass

import numpy as np
import onnxruntime

from mnistlab.data import open_source
from mnistlab.experiment.model import Model
from mnistlab.export.format import Agreement, Pixels
from mnistlab.export.formats.onnx.graph import INPUT, LOGITS, PROBABILITIES
from mnistlab.support.errors import DataError, MnistlabError, UsageError
from mnistlab.support.host import available_cpus

BATCH_ROWS = 500
MOST_IMAGES = 10_000
MADE_UP_IMAGES = 1_000
# Tolerance relative to an image's largest value: float32 sums in another order, and their effect on
# an output activation. A wrong layer differs by far more.
TOLERANCE = 2e-5
# A network may amplify rounding, e.g. with steep sigmoids. A sum in another order equals a sum with
# weights changed by this share of each.
ROUNDING = 16 * float(np.finfo(np.float32).eps)
# The outputs of the network are compared for this many draws of such weights;
DRAWS = 4
# two correct outputs differ by at most this many times the largest difference.
MARGIN = 4.0


def check_onnx(content: bytes, model: Model, pixels: Pixels) -> Agreement:
    """Compare an ONNX model with the run's own network, image by image: logits and outputs.

    Raises MnistlabError, a bug of mnistlab, if they differ by more than float32's rounding can
    cause in this network.
    """
    images, what = _images(model)
    ours = _Answers(model.outputs(images), model.logits(images))
    theirs = _run(content, images.astype(pixels), model.threads)
    size = 1 + np.maximum(_largest(ours.outputs), _largest(theirs.logits))
    wrong = _differ(ours, theirs, _Answers(TOLERANCE * size, TOLERANCE * size))
    if wrong.any():
        told, found = (answers.of(wrong) for answers in (ours, theirs))
        allowed = _allowed(model, images[wrong], told)
        wrong[wrong] = _differ(told, found, allowed)
    largest = float(_difference(ours.outputs, theirs.outputs).max())
    if wrong.any():
        raise MnistlabError(
            "the ONNX model's outputs differ from those of the run's network: "
            f"{int(wrong.sum()):,} of {what} differ, by up to {largest:.2g}; "
            "this is a bug of mnistlab, and nothing was written"
        )
    return Agreement("onnxruntime", len(images), what, largest)


@dataclass(frozen=True)
class _Answers:
    """Outputs and logits, (images, classes), or one number of each per image, (images, 1)."""

    outputs: np.ndarray
    logits: np.ndarray

    def of(self, images: np.ndarray) -> "_Answers":
        return _Answers(self.outputs[images], self.logits[images])


def _differ(ours: _Answers, theirs: _Answers, allowed: _Answers) -> np.ndarray:
    """The images whose outputs or logits differ by more than allowed, bool (images,)."""
    outputs = _difference(ours.outputs, theirs.outputs) > allowed.outputs
    logits_apart = _difference(ours.logits, theirs.logits) > allowed.logits
    return np.asarray((outputs | logits_apart).any(axis=1))


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a − b|; 0 where both are the same infinity or both NaN."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(a.astype(np.float64) - b)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(alike, 0.0, np.where(np.isnan(apart), np.inf, apart))


def _largest(values: np.ndarray) -> np.ndarray:
    """The largest magnitude of each image's values, (images, 1)."""
    return np.abs(values).max(axis=1, keepdims=True)


def _allowed(model: Model, images: np.ndarray, ours: _Answers) -> _Answers:
    """How much float32's rounding can change the outputs and logits, (images, 1) each.

    By backward error analysis, a rounded sum is the exact sum with slightly changed weights. So
    outputs of networks with such weights are as correct as the run's own.
    """
    params, stream = model.inference.params, np.random.default_rng(0)
    kept = params.copy()
    outputs, logits = _largest(ours.outputs) * TOLERANCE, _largest(ours.logits) * TOLERANCE
    try:
        for _ in range(DRAWS):
            with np.errstate(over="ignore"):
                params[:] = kept * (1 + ROUNDING * stream.uniform(-1, 1, params.size))
            for allowed, other, own in (
                (outputs, model.outputs(images), ours.outputs),
                (logits, model.logits(images), ours.logits),
            ):
                np.maximum(allowed, MARGIN * _largest(_difference(other, own)), out=allowed)
    finally:
        params[:] = kept
    return _Answers(outputs, logits)


def _run(content: bytes, images: np.ndarray, threads: int | None) -> _Answers:
    """The results of onnxruntime for images, float32 (n, classes)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cpus()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    batches = [
        session.run([PROBABILITIES, LOGITS], {INPUT: images[first : first + BATCH_ROWS]})
        for first in range(0, len(images), BATCH_ROWS)
    ]
    return _Answers(*(np.concatenate(parts) for parts in zip(*batches, strict=True)))


def _images(model: Model) -> tuple[np.ndarray, str]:
    """The test images of the run's dataset, or generated images if it is not available.

    An export downloads no dataset, and the run may come from another machine.
    """
    data = model.config.data
    try:
        source = open_source(
            data.source, data.path, data_dir=model.found_data_dir, fetch_missing=False
        )
    except (DataError, UsageError):
        return _made_up(model.image_shape)
    images = source.test_images[:MOST_IMAGES]
    if images.shape[1:] != model.image_shape:
        return _made_up(model.image_shape)
    return np.asarray(images), f"the {len(images):,} test images of {source.name}"


def _made_up(shape: tuple[int, int]) -> tuple[np.ndarray, str]:
    """Random images, uint8 (n, *shape): from nearly black ones to ones without a zero pixel."""
    rng = np.random.default_rng(0)
    size = (MADE_UP_IMAGES, *shape)
    lit = rng.random(size) < np.linspace(0.01, 1, MADE_UP_IMAGES)[:, None, None]
    images = np.where(lit, rng.integers(0, 256, size), 0).astype(np.uint8)
    return images, f"{MADE_UP_IMAGES:,} made-up images, as the dataset is not at hand"
