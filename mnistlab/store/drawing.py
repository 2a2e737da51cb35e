"""The figures and pages of a folder, which several processes may draw at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mnistlab.store.folder import Folder
from mnistlab.store.run_dir import RunDir
from mnistlab.support import durable
from mnistlab.support.platform import system

PAGES = ("report.html", "report.md", "report.json")


@contextmanager
def drawing_in(folder: Path) -> Iterator[None]:
    """Draw in the folder of a run, sweep or report; its folder `plots` exists inside the block.

    A process that draws alone first removes what killed processes left. Raises UsageError if
    `plots` points elsewhere, OSError if it cannot be created.
    """
    plots = Folder(folder).plots
    plots.mkdir(exist_ok=True)
    with system.folder_to_lock(plots) as descriptor:
        with suppress(OSError):  # file systems without locks
            if system.lock(descriptor):
                durable.remove_temporaries(plots)
                durable.remove_temporaries(folder, PAGES.__contains__)
            system.lock(descriptor, shared=True, wait=True)
        try:
            yield
        finally:
            with suppress(OSError):
                if system.lock(descriptor):
                    plots.rmdir()  # if alone again; fails if something was drawn


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left in a run's or sweep's folder and its subfolders.

    Only the holder of the run's or sweep's lock may call this.
    """
    durable.remove_temporaries(folder, lambda name: name not in PAGES)
    durable.remove_temporaries(RunDir(folder).checkpoints)
    with drawing_in(folder):
        pass
