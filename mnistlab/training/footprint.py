"""How much memory a run needs, estimated before any is allocated."""

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.training.inference import EVALUATION_ROWS
from mnistlab.training.run_length import run_length
from mnistlab.training.trainer import training_program
from mnistlab.training.windows import window_rows

# Libraries and compilation after the data is loaded: measured, 160 MB with all kernels cached.
LIBRARIES = 256 << 20
# A process that has not started yet needs this much before it loads its data: measured, 112 MB.
PROCESS = 128 << 20


def memory_estimate(config: RunConfig, dataset: Dataset) -> dict[str, int]:
    """Bytes by part, and their `total`; images are a memory-mapped file that processes share."""
    program = training_program(config, dataset)
    item, rows, sizes = program.dtype.itemsize, program.capacity, program.sizes
    size = sizes.parameters
    largest = max(len(split) for split in (dataset.train, dataset.validation, dataset.test))
    sources = {id(s.images): s.images.nbytes for s in (dataset.train, dataset.test)}
    parts = {
        "parameters": size * item,
        "gradients": size * item,
        "optimizer state": sizes.states * size * item,
        # The best ones, those before the last step, and those last evaluated.
        "kept weights": 3 * size * item,
        # Parameters, state and best weights: the newest checkpoint and the one before it, and up to
        # four copies while the newest is written and the one before it is read again.
        "checkpoints": 6 * (2 + sizes.states) * size * item,
        "workspace": (2 * rows * sizes.row + sizes.scratch + sizes.lane_grads) * item
        + 4 * sizes.tap_offsets
        + 8 * sizes.listed_bits
        + sizes.listed_bytes,
        # Its workspace and outputs, and a copy of the weights in another order.
        "evaluation": (EVALUATION_ROWS * sizes.row + largest * program.classes + size) * item,
        "images": sum(sources.values()),
    }
    if program.augment:
        length = run_length(config, len(dataset.train))
        parts["augmented images"] = window_rows(length.batch, length.images) * program.pixels
    return {**parts, "total": sum(parts.values())}


def memory_needed(config: RunConfig, dataset: Dataset) -> int:
    """Bytes that a process needs for training, in addition to those for the opened dataset."""
    parts = memory_estimate(config, dataset)
    return parts["total"] - parts["images"] + LIBRARIES
