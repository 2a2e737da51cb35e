"""Where mnistlab keeps what is not a run: datasets and caches."""

import os
from pathlib import Path

APP_NAME = "mnistlab"


def cache_dir() -> Path:
    """The folder of caches: `MNISTLAB_CACHE_DIR`, or the user's cache folder."""
    if override := os.environ.get("MNISTLAB_CACHE_DIR"):
        return Path(override).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir(APP_NAME))


def data_dir(option: Path | None = None) -> Path:
    """The folder of datasets: the option, `MNISTLAB_DATA_DIR`, or `data` in the cache folder."""
    if option is not None:
        return option.expanduser().absolute()
    if override := os.environ.get("MNISTLAB_DATA_DIR"):
        return Path(override).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir(APP_NAME)) / "data"


def runs_dir(option: Path | None = None) -> Path:
    """The folder of runs: the option, `MNISTLAB_RUNS_DIR`, or `runs` in the working folder."""
    return (option or Path(os.environ.get("MNISTLAB_RUNS_DIR") or "runs")).expanduser().absolute()
