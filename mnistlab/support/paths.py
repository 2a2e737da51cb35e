"""The folders of datasets, caches and runs."""

import os
import shlex
from pathlib import Path

PathLike = str | os.PathLike[str]


def _users_cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("mnistlab"))


def as_typed(path: Path) -> Path:
    """A path as the user types it: relative to the working folder, if it is inside."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the working folder was removed
        return path
    return path.relative_to(here) if path.is_relative_to(here) else path


def as_argument(path: Path) -> str:
    """A path as a command in a hint names it: as the user types it, quoted for the shell."""
    return shlex.quote(str(as_typed(path)))


def cache_dir() -> Path:
    """The folder of caches: `MNISTLAB_CACHE_DIR`, or the user's cache folder."""
    folder = os.environ.get("MNISTLAB_CACHE_DIR")
    return Path(folder).expanduser().absolute() if folder else _users_cache()


def data_dir(option: PathLike | None = None) -> Path:
    """The folder of datasets: the option, `MNISTLAB_DATA_DIR`, or `data` in the cache folder."""
    folder = option or os.environ.get("MNISTLAB_DATA_DIR")
    return Path(folder).expanduser().absolute() if folder else _users_cache() / "data"


def is_usual_data_dir(folder: Path) -> bool:
    """Whether it is the folder of datasets of a user who has named none."""
    return folder == _users_cache() / "data"


def runs_dir(option: PathLike | None = None) -> Path:
    """The folder of runs: the option, `MNISTLAB_RUNS_DIR`, or `runs` in the working folder."""
    folder = option or os.environ.get("MNISTLAB_RUNS_DIR") or "runs"
    return Path(folder).expanduser().absolute()


def runs_dir_argument(folder: Path) -> str:
    """The option that a command in a hint needs to work on this folder of runs; empty if it is the
    folder of a user who gives no option.
    """
    usual = folder.resolve() == runs_dir().resolve()
    return "" if usual else f" --runs-dir {as_argument(folder)}"
