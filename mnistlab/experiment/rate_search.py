"""Tests a range of learning rates on a configuration, once for each of several seeds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.data import DownloadProgress
from mnistlab.experiment.dataset import load_data, located
from mnistlab.experiment.fits_data import refuse_unfit
from mnistlab.experiment.memory_check import refuse_too_large
from mnistlab.experiment.runner import with_initial_weights
from mnistlab.runtime.threads import engine_threads
from mnistlab.training.range_test import STEPS, RangeTrainer
from mnistlab.training.suggested_rate import RateRange, rate_range


def search_rates(
    config: RunConfig,
    seeds: int,
    *,
    data_dir: Path,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: DownloadProgress | None = None,
) -> RateRange:
    """Test the rates with the seeds seed, seed + 1, …, as those of a sweep.

    `progress` receives the number of steps done and their total; `tell` messages about slow work.
    Raises DataError, UsageError or ConfigError as training does.
    """
    losses = []
    for number in range(seeds):

        def look(step: int, before: int = number * STEPS) -> None:
            progress(before + step, seeds * STEPS)

        of_seed = config.model_copy(update={"seed": config.seed + number})
        dataset = load_data(of_seed, data_dir, data_progress)
        with located(config), engine_threads(threads):
            refuse_unfit(of_seed, dataset)
            refuse_too_large(of_seed, dataset)
            trainer = with_initial_weights(RangeTrainer(of_seed, dataset))
            trainer.compile(tell)
            losses.append(trainer.losses(look))
    progress(seeds * STEPS, seeds * STEPS)
    return rate_range(np.array(losses))
