"""Opens the dataset of a configuration."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mnistlab.config import RunConfig
from mnistlab.data import Dataset, DownloadProgress, open_source, split
from mnistlab.data.source import named
from mnistlab.data.sources import SOURCES
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import read_run_record
from mnistlab.support import paths
from mnistlab.support.errors import ConfigError, DataError, UsageError


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


def data_dir_of_run(
    config: RunConfig, recorded: str | None, data_dir: Path, tell: Callable[[str], None]
) -> Path:
    """The folder of datasets for a run that exists.

    It is `data_dir`, or the folder `recorded` in its run.json if the user has named none and the
    usual folder lacks the dataset; `tell` then receives a message.
    """
    source = SOURCES[config.data.source]
    if recorded is None or not paths.is_usual_data_dir(data_dir):
        return data_dir
    try:
        if not source.lacks_files(data_dir) or source.lacks_files(Path(recorded)):
            return data_dir
    except DataError:  # what may not be read here is reported when the dataset is opened
        return data_dir
    tell(f"{source.name} is not in {data_dir}; using {recorded}, where the run had it")
    return Path(recorded)


def data_dir_of_file(
    file: Path, config: RunConfig, data_dir: Path, tell: Callable[[str], None]
) -> Path:
    """The folder of datasets for a configuration from a file: that of the run in whose folder the
    file is, see `data_dir_of_run`, else `data_dir`.
    """
    run_dir = RunDir(file.parent)
    if file != run_dir.config:
        return data_dir
    try:
        facts = read_run_record(run_dir).facts
    except UsageError:  # no folder of a run, or a damaged one: its config.yaml can still be trained
        return data_dir
    return data_dir_of_run(config, facts.data_dir if facts else None, data_dir, tell)


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
