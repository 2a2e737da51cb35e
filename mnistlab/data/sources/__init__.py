"""Every source of images: each module of this folder is one, opened by the name it has in YAML."""

from pathlib import Path

from mnistlab.data.download import TIMEOUT, DownloadProgress, download
from mnistlab.data.source import DataSource, Request, Source
from mnistlab.data.source_kinds import PublishedSource
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
    """Opens a source by the name it has in a configuration, `data.source`.

    `path` is where the user's own files lie: a folder, or for some formats a file. A published
    dataset that is missing is downloaded into `data_dir`, if `fetch_missing`. Raises UsageError for
    an unknown name or a path that is missing or out of place; DataError for data that are missing
    or damaged.
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
    """As `download`, of a published dataset by its name; raises UsageError for an unknown one."""
    known = published()
    if name not in known:
        raise UsageError(f"{name}: no dataset to fetch; choose from {', '.join(known)}")
    return download(known[name], data_dir, progress, timeout)
