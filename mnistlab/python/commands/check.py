"""Check a configuration and its gradients."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistlab.config import RunConfig
from mnistlab.data import DownloadProgress
from mnistlab.experiment.callbacks import RunCallback
from mnistlab.experiment.data_warnings import data_warnings
from mnistlab.experiment.dataset import load_data, located
from mnistlab.experiment.fits_data import refuse_unfit
from mnistlab.experiment.memory_check import refuse_too_large
from mnistlab.experiment.teacher import load_teacher
from mnistlab.runtime.program import LayerSpec
from mnistlab.runtime.threads import engine_threads
from mnistlab.training.footprint import memory_estimate
from mnistlab.training.gradcheck import IMAGES, THRESHOLD, TensorCheck, check_gradients
from mnistlab.training.lower import lower

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckResult:
    """The result of `check`: the network, its memory in bytes, and each tensor's gradient error.

    `passed` is False if a gradient is wrong. A tensor that could not be compared is neither right
    nor wrong; if no tensor could be compared, `passed` is None.
    """

    layers: tuple[LayerSpec, ...]
    parameters: int
    memory: dict[str, int]
    tensors: tuple[TensorCheck, ...]
    threshold: float
    passed: bool | None
    images: int


def check(
    config: RunConfig,
    *,
    data_dir: Path,
    callbacks: Sequence[RunCallback] = (),
    data_progress: DownloadProgress | None = None,
) -> CheckResult:
    """Check a configuration: its layers, its memory, and its gradients by finite differences.

    In float64, on the first images of the training set. Raises as `train` does.
    """

    def tell(text: str) -> None:
        for callback in callbacks:
            callback.on_message(text)

    dataset = load_data(config, data_dir, data_progress)
    for text in data_warnings(config, dataset):
        logger.warning("%s", text)
    with located(config), engine_threads(1):
        refuse_unfit(config, dataset)
        refuse_too_large(config, dataset)
        load_teacher(config, dataset)
        program = lower(config, dataset.image_shape, len(dataset.class_names), 1)
        tensors = check_gradients(config, dataset, tell)
    verdicts = {tensor.verdict for tensor in tensors}
    return CheckResult(
        layers=program.layers,
        parameters=program.parameters,
        memory=memory_estimate(config, dataset),
        tensors=tuple(tensors),
        threshold=THRESHOLD,
        passed=False if "wrong" in verdicts else True if "right" in verdicts else None,
        images=min(IMAGES, len(dataset.train)),
    )
