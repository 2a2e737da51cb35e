"""The options of a run besides its configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistlab.data import DownloadProgress
from mnistlab.experiment.callbacks import RunCallback


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where datasets lie, who computes, who watches.

    `threads`: None for as many as there are processors. `argv` is the command line that run.json
    names. `data_progress` is told of a download.
    """

    data_dir: Path
    threads: int | None = None
    callbacks: Sequence[RunCallback] = ()
    argv: Sequence[str] = ()
    data_progress: DownloadProgress | None = None
