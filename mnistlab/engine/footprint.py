"""How much memory a run takes, before any of it is taken."""

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.engine.inference import EVALUATION_ROWS
from mnistlab.engine.lower import lower
from mnistlab.engine.trainer import lit_share, plan


def memory_estimate(config: RunConfig, dataset: Dataset) -> dict[str, int]:
    """Bytes by part, and their `total`; images are a file that processes share."""
    shape, classes = dataset.image_shape, len(dataset.class_names)
    batch = plan(config, len(dataset.train)).batch
    program = lower(config, shape, classes, batch, lit_share=lit_share(dataset))
    item, rows = program.dtype.itemsize, program.capacity
    words, bytes_ = program.lit
    largest = max(len(split) for split in (dataset.train, dataset.validation, dataset.test))
    sources = {id(s.images): s.images.nbytes for s in (dataset.train, dataset.test)}
    parts = {
        "parameters": program.size * item,
        "gradients": program.size * item,
        "optimizer state": program.states * program.size * item,
        "kept weights": 3 * program.size * item,  # best, last finite, before the last step
        "workspace": (2 * rows * program.row_size + program.scratch + program.lane_grads) * item
        + 4 * program.numbers
        + 8 * words
        + bytes_,
        "evaluation": EVALUATION_ROWS * program.row_size * item + largest * classes * item,
        "images": sum(sources.values()),
    }
    return {**parts, "total": sum(parts.values())}
