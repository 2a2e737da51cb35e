"""From configurations to trials: their data, their ids, and whether they can run."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.config import (
    RunConfig,
    config_hash,
    resolved_mapping,
    run_config_from_mapping,
)
from mnistlab.data import Dataset, DownloadProgress
from mnistlab.experiment.dataset import load_data, located
from mnistlab.experiment.fits_data import refuse_unfit
from mnistlab.experiment.memory_check import refuse_too_large
from mnistlab.experiment.resume import refuse_changed_surroundings
from mnistlab.runtime.op import Op
from mnistlab.runtime.table import keep_compiled, loops_of_one
from mnistlab.store.run_record import RunRecord
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.training.inference import evaluation_programs
from mnistlab.training.lower import lower
from mnistlab.training.trainer import training_program

ID_DIGITS = 12


@dataclass(frozen=True)
class Trial:
    """One run of a sweep. `id` is the hash of its resolved configuration and its data."""

    id: str
    config: RunConfig
    parameters: dict[str, Any]  # by dotted path; with `seed` where a sweep repeats its points


class Datasets:
    """The datasets of configurations, each opened and split once."""

    def __init__(self, data_dir: Path, progress: DownloadProgress | None = None) -> None:
        self.data_dir = data_dir
        self.progress = progress
        self._opened: dict[str, Dataset] = {}

    def of(self, config: RunConfig) -> Dataset:
        """The dataset of a configuration. Raises as `load_data` does."""
        data = resolved_mapping(config)["data"]
        seed = config.seed if config.data.depends_on_seed else None
        key = json.dumps([data, seed], sort_keys=True)
        if key not in self._opened:
            self._opened[key] = load_data(config, self.data_dir, self.progress)
        return self._opened[key]


def identify(config: RunConfig, parameters: dict[str, Any], datasets: Datasets) -> Trial:
    """The trial of a configuration on its current data."""
    content = f"{config_hash(config)}{datasets.of(config).sha256}"
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Trial(digest[:ID_DIGITS], config, parameters)


def check_all(
    configs: Iterable[RunConfig], datasets: Datasets, metrics: Sequence[str]
) -> list[int]:
    """Check that every configuration fits its data and memory, and that its metrics are measured.

    Returns the bytes that each needs. Raises ConfigError with all errors; DataError.
    """
    messages: dict[str, None] = {}
    needed: list[int] = []
    for config in configs:
        try:
            with located(config):
                dataset = datasets.of(config)
                lower(config, dataset.image_shape, len(dataset.class_names), 1)
                refuse_unfit(config, dataset)
                for metric in metrics:
                    _refuse_unmeasured(config, dataset, metric)
                needed.append(refuse_too_large(config, dataset))
        except UsageError as error:
            messages |= dict.fromkeys(error.messages)
    if messages:
        raise ConfigError(*messages)
    return needed


def refuse_changed(
    histories: Iterable[RunRecord], datasets: Datasets, force: bool, *, here: bool
) -> None:
    """Raise UsageError if the data, or (unless `force`) a library or a compiler setting, have
    changed since trials were run: their results would not be comparable. `histories` are the
    trials' run.json. The processor must be the same if a trial is to be resumed `here`.
    """
    seen: set[str] = set()
    for history in histories:
        facts = history.facts
        if facts is None:
            continue
        resumed_here = here and not history.status.ended
        parts = [history.config["data"], facts.dataset.sha256, resumed_here]
        key = json.dumps([*parts, facts.mnistlab, facts.versions, facts.arithmetic], sort_keys=True)
        if key not in seen:
            seen.add(key)
            config = run_config_from_mapping(history.config, source="run.json")
            sha256 = datasets.of(config).sha256
            refuse_changed_surroundings(facts, sha256, force, processor=resumed_here)


def compile_all(
    configs: Iterable[RunConfig], datasets: Datasets, tell: Callable[[str], None]
) -> None:
    """Compile everything that these trials need, so that workers need not."""
    needed: dict[np.dtype[Any], dict[Any, Op]] = {}
    for config in configs:
        dataset = datasets.of(config)
        program = training_program(config, dataset)
        evaluation = evaluation_programs(config, dataset.image_shape, program.classes)
        ops = needed.setdefault(program.dtype, {})
        for each in (*program.training.values(), *evaluation.lists.values()):
            ops |= {op.kind: op for op in each}
    for dtype, kinds in needed.items():
        keep_compiled(kinds.values(), dtype, tell, loops_of_one(dtype))


def _refuse_unmeasured(config: RunConfig, dataset: Dataset, metric: str) -> None:
    if metric.startswith("val_") and not len(dataset.validation):
        raise UsageError(f"data.validation: leaves no image to measure {metric} on")
    if metric.startswith("test_") and config.training.test == "never":
        raise UsageError(f"training.test: is never, so {metric} is never measured")
