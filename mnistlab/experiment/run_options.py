"""The options of a run besides its configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistlab.data import DownloadProgress
from mnistlab.experiment.callbacks import RunCallback
from mnistlab.support.numba_settings import refuse_threads


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The folder of datasets, the number of threads, the callbacks.

    `threads`: None for the number of processors. `argv` is the command line for run.json.
    `data_progress` receives a download's progress. Raises UsageError for what is no number of
    threads, before a folder is made.
    """

    data_dir: Path
    threads: int | None = None
    callbacks: Sequence[RunCallback] = ()
    argv: Sequence[str] = ()
    data_progress: DownloadProgress | None = None

    def __post_init__(self) -> None:
        refuse_threads(self.threads)

    def tell(self, text: str) -> None:
        """Tell every callback a message."""
        for callback in self.callbacks:
            callback.on_message(text)
