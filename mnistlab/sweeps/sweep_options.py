"""The options of a sweep besides its configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistlab.data import DownloadProgress
from mnistlab.sweeps.sweep_callbacks import SweepCallback


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """The folder of datasets, the workers, the callbacks.

    `workers`: None for the number of processors. `scheduler`: the address of a Dask scheduler whose
    workers train the trials (`workers` of them at a time, None: all), or local. `argv` is the
    command line for every run.json. `data_progress` receives a download's progress.
    """

    data_dir: Path
    workers: int | None = None
    scheduler: str | None = None
    callbacks: Sequence[SweepCallback] = ()
    argv: Sequence[str] = ()
    data_progress: DownloadProgress | None = None

    def tell(self, text: str) -> None:
        """Pass a message to every callback."""
        for callback in self.callbacks:
            callback.on_message(text)
