"""Lets no run fail because of its tracking."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from mnistlab.support.errors import UsageError
from mnistlab.tracking.receivers import Act, Stored
from mnistlab.tracking.tracker import TrackedRun
from mnistlab.tracking.trackers import TRACKERS, connected, store_folder

logger = logging.getLogger(__name__)


class Guarded:
    """Several trackers. One that fails costs a warning, and is told nothing more."""

    def __init__(self, names: Sequence[str], runs_dir: Path) -> None:
        self._folders = {name: store_folder(runs_dir, name) for name in names}
        self._stored: dict[str, Stored] = {}

    def tell(self, run: TrackedRun, act: Act) -> None:
        for name in list(self._folders):
            try:
                if name not in self._stored:
                    self._stored[name] = Stored(connected(name, self._folders[name]))
                self._stored[name].tell(run, act)
            except Exception as error:  # whatever another program raises, the run is worth more
                del self._folders[name]
                self._stored.pop(name, None)
                _warn(name, error)

    def forget(self, run: TrackedRun) -> None:
        for stored in self._stored.values():
            stored.forget(run)


class Attempts:
    """Runs what tracking needs of the run's own folder; after a failure, nothing more."""

    def __init__(self) -> None:
        self.failed = False

    def __call__(self, act: Callable[[], None]) -> None:
        """Run `act`; a file that cannot be read or written costs a warning."""
        if self.failed:
            return
        try:
            act()
        except (OSError, UsageError) as error:
            self.failed = True
            _warn("any tracker", error)


def _warn(name: str, error: Exception) -> None:
    why = " ".join(str(error).split()) or type(error).__name__
    logger.warning("not tracked any more by %s; the training is unaffected: %s", name, why)


def told_where(names: Sequence[str], runs_dir: Path) -> list[str]:
    """How each tracker shows what it has, for people."""
    return [
        f"tracked: {TRACKERS[name].shown_by(store_folder(runs_dir, name))} it"
        for name in names
        if name in TRACKERS
    ]
