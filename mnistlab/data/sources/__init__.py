"""The sources of images: each module of this folder is one, selected by its name in YAML."""

from pathlib import Path

from mnistlab.data.retrieve import TIMEOUT, DownloadProgress
from mnistlab.data.source import DataSource, PublishedSource, Request, Source
from mnistlab.support.errors import UsageError
from mnistlab.support.modules import found_in

SOURCES = found_in(__name__, DataSource)  # type: ignore[type-abstract]


def with_path() -> list[str]:
    """The names of the sources that read the user's own files, at `data.path`."""
    return [source.name for source in SOURCES.values() if source.takes_path]


def published() -> dict[str, PublishedSource]:
    """The datasets that can be downloaded, by name."""
    return {name: one for name, one in SOURCES.items() if isinstance(one, PublishedSource)}


def open_source(
    name: str,
    path: Path | str | None = None,
    *,
    data_dir: Path,
    fetch_missing: bool = True,
    progress: DownloadProgress | None = None,
) -> Source:
    """Open a source by its name in a configuration, `data.source`.

    `path` is the path of the user's own files: a folder, or for some formats a file. A missing
    published dataset is downloaded into `data_dir` if `fetch_missing`. Raises UsageError for an
    unknown name or a missing or wrong path; DataError for missing or damaged data.
    """
    if name not in SOURCES:
        raise UsageError(f"data.source: found {name!r}; choose from {', '.join(SOURCES)}")
    source = SOURCES[name]
    if source.takes_path and path is None:
        raise UsageError(f"data.path: {name} needs the path of your files")
    if not source.takes_path and path is not None:
        raise UsageError(f"data.path: {name} takes none; only {', '.join(with_path())} does")
    folder = None if path is None else Path(path).expanduser().absolute()
    return source.open(Request(folder, Path(data_dir).absolute(), fetch_missing, progress))


def fetch(
    name: str, data_dir: Path, progress: DownloadProgress | None = None, *, timeout: float = TIMEOUT
) -> Path:
    """Download a published dataset by its name. Raises UsageError for an unknown one."""
    known = published()
    if name not in known:
        raise UsageError(f"{name}: no dataset to fetch; choose from {', '.join(known)}")
    return known[name].fetch(data_dir, progress, timeout)
