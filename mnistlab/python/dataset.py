"""Datasets as arrays."""

from pathlib import Path

from mnistlab.data import Source, open_source
from mnistlab.python.arguments import refuse_no_text
from mnistlab.support import paths
from mnistlab.support.paths import PathLike
from mnistlab.terminal.progress import watch_download


class ShownSource(Source):
    """A dataset that a notebook shows with some of its images."""

    def _repr_html_(self) -> str:
        from mnistlab.pages.notebook.dataset import dataset_html

        return dataset_html(self)


def load_dataset(
    name: str, path: PathLike | None = None, *, data_dir: PathLike | None = None
) -> Source:
    """A dataset by its name in a configuration: `mnist` or `digits`; `idx`, `png`, `csv` or `npz`
    read the user's own files at `path`.

    `train_images` and `test_images` are uint8 (n, height, width), `train_labels` and `test_labels`
    uint8 (n,), read-only and memory-mapped. Missing files are downloaded into `data_dir`. Raises
    UsageError for an unknown name, DataError for missing or damaged data.
    """
    refuse_no_text("name", name)
    own = None if path is None else Path(path)
    with watch_download(quiet=False) as progress:
        source = open_source(name, own, data_dir=paths.data_dir(data_dir), progress=progress)
    return ShownSource(**vars(source))
