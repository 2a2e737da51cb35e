"""The options of a sweep besides its configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistlab.data import DownloadProgress
from mnistlab.sweeps.sweep_callbacks import SweepCallback


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """Where datasets lie, who computes, who watches.

    `workers`: None for as many as there are processors. `scheduler`: the address of a scheduler of
    Dask whose workers train the trials (`workers` of them at a time, None: all), or local. `argv`
    is the command line that every run.json names. `data_progress` is told of a download.
    """

    data_dir: Path
    workers: int | None = None
    scheduler: str | None = None
    callbacks: Sequence[SweepCallback] = ()
    argv: Sequence[str] = ()
    data_progress: DownloadProgress | None = None
