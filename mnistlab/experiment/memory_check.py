"""Refuses a run that does not fit into memory before any memory is allocated.

Otherwise the system would end a process when memory is full, and not always the right one.
"""

from collections.abc import Sequence

from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.support.errors import UsageError
from mnistlab.support.memory import AvailableMemory, available_to_process, lacking
from mnistlab.support.text_format import human_bytes
from mnistlab.training.footprint import LIBRARIES, PROCESS, memory_estimate, memory_needed

WIDTHS = {"softmax": "model.type", "mlp": "model.hidden", "cnn": "model.layers"}


def refuse_too_large(config: RunConfig, dataset: Dataset) -> int:
    """Raise UsageError, with the estimate and the key that needs most, if a run does not fit.

    Returns the bytes that it needs.
    """
    needed = memory_needed(config, dataset)
    words = lacking(needed, available_to_process())
    if words is None:
        return needed
    estimate = memory_estimate(config, dataset)
    parts = {name: size for name, size in estimate.items() if name not in ("images", "total")}
    key = WIDTHS[config.model.type]
    if max(parts, key=parts.__getitem__) == "workspace":
        key = "training.batch_size"
    parts["libraries"] = LIBRARIES
    largest = sorted(parts, key=parts.__getitem__, reverse=True)[:3]
    named = ", ".join(f"{name} {human_bytes(parts[name])}" for name in largest)
    raise UsageError(f"{key}: training takes {words} (the most: {named})")


def workers_that_fit(needed: Sequence[int], workers: int, available: AvailableMemory | None) -> int:
    """How many of `workers`, at least one, can train at once, whichever trials coincide.

    `needed`: the bytes of each trial.
    """
    left = available.bytes if available else sum(needed) + workers * PROCESS
    for count, size in enumerate(sorted(needed, reverse=True)[:workers]):
        left -= size + PROCESS
        if left < 0:
            return max(1, count)
    return workers
