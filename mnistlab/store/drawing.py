"""Figures and pages of one folder, which several processes may draw at the same time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mnistlab.store.folder import Folder
from mnistlab.store.run_dir import RunDir
from mnistlab.support import durable
from mnistlab.support.locks import opened, try_to_lock, wait_for_lock

PAGES = ("report.html", "report.md", "report.json")


@contextmanager
def drawing_in(folder: Path) -> Iterator[None]:
    """Draw in a run's, sweep's or report's folder; the folder `plots` is there meanwhile.

    Who draws alone first removes what killed processes left. Raises UsageError where `plots` leads
    elsewhere, OSError where it cannot be made.
    """
    plots = Folder(folder).plots
    plots.mkdir(exist_ok=True)
    with opened(plots, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        with suppress(OSError):  # where the file system has no locks
            if try_to_lock(descriptor):
                durable.remove_temporaries(plots)
                durable.remove_temporaries(folder, PAGES.__contains__)
            wait_for_lock(descriptor, shared=True)
        try:
            yield
        finally:
            with suppress(OSError):
                if try_to_lock(descriptor):
                    plots.rmdir()  # alone again; fails where something was drawn


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left in a run's or sweep's own folder and those in it.

    Only who holds the run or sweep may call this.
    """
    durable.remove_temporaries(folder, lambda name: name not in PAGES)
    durable.remove_temporaries(RunDir(folder).checkpoints)
    with drawing_in(folder):
        pass
