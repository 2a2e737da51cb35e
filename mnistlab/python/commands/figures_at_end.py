"""The figures and the page that a run or a sweep has as soon as it has ended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnistlab.store.browse.found import is_sweep
from mnistlab.support.errors import UsageError

# Draws what a folder has at its end; the arguments are the folder, that of the datasets, and the
# threads. Returns messages.
FiguresAtEnd = Callable[[Path, Path, int | None], list[str]]


def figures_at_end(folder: Path, data_dir: Path, threads: int | None, **options: Any) -> list[str]:
    """Draw the quick figures of a run, or all figures of a sweep, and the page.

    A figure that cannot be drawn is no error. Returns messages. `options` are further ones of
    `visualize`. Raises OSError if nothing can be written.
    """
    from mnistlab.figures.gallery import QUICK
    from mnistlab.python.commands.visualize import visualize

    swept = is_sweep(folder)
    only = None if swept else QUICK
    try:
        drawn = visualize(folder, only=only, data_dir=data_dir, threads=threads, **options)
    except UsageError as error:  # the figures' paths have files that mnistlab did not write
        return list(error.messages)
    if swept:
        return list(drawn.damaged)
    return [
        f"{', '.join(one.name for one in of)}: left out: {why}" for why, of in drawn.missed.items()
    ]
