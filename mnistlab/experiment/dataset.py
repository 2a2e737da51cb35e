"""Opens the dataset of a configuration."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mnistlab.config import RunConfig, run_config_from_mapping
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


def data_dir_of_runs(
    run_dirs: Iterable[Path],
    data_dir: Path,
    tell: Callable[[str], None],
    config: RunConfig | None = None,
) -> Path:
    """The folder of datasets for runs that exist, or for `config`, which was made from theirs: see
    `data_dir_of_run`.

    Runs that were begun together have the same folder, so the first that recorded it decides.
    """
    for path in run_dirs:
        try:
            record = read_run_record(RunDir(path))
        except UsageError:  # not begun, or damaged: whoever opens the run reports that
            continue
        if record.facts is not None:
            wanted = config or run_config_from_mapping(record.config, source="run.json")
            return data_dir_of_run(wanted, record.facts.data_dir, data_dir, tell)
    return data_dir


def data_dir_of_file(
    file: Path,
    data_dir: Path,
    tell: Callable[[str], None],
    config: RunConfig | None = None,
) -> Path:
    """The folder of datasets for a configuration that was read from a file: that of the run in
    whose folder the file is, see `data_dir_of_runs`, else `data_dir`.
    """
    of_run = file == RunDir(file.parent).config
    return data_dir_of_runs([file.parent] if of_run else [], data_dir, tell, config)


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
