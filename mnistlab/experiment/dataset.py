"""Opens the dataset of a configuration."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnistlab.config import RunConfig
from mnistlab.data import Dataset, DownloadProgress, open_source, split
from mnistlab.data.source import named
from mnistlab.support.errors import ConfigError, UsageError


@contextmanager
def located(config: RunConfig) -> Iterator[None]:
    """Add the position of a configuration's key to errors that name it."""
    try:
        yield
    except UsageError as error:
        messages = [config.located(message) for message in error.messages]
        if messages == list(error.messages):
            raise
        raise ConfigError(*messages) from error


def load_data(
    config: RunConfig, data_dir: Path, progress: DownloadProgress | None = None
) -> Dataset:
    """The dataset of a configuration, downloaded if missing, split and scaled.

    Raises DataError if it is missing or damaged, UsageError if the split leaves no images.
    """
    data = config.data
    with located(config):
        source = open_source(data.source, data.path, data_dir=data_dir, progress=progress)
        return split(
            data.preparation.prepared(named(source, data.class_names)),
            validation=data.validation_images,
            choose=data.validation_choice,
            per_class_limit=data.per_class_limit,
            train_limit=data.train_limit,
            classes=data.classes,
            shuffle_once=data.shuffle_once,
            normalize=data.normalize,
            label_noise=data.label_noise,
            shuffle_labels=data.shuffle_labels,
            seed=config.seed,
        )
