"""Follows a folder while it is written: a run's or a sweep's."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from mnistlab.store.tracked import write_tracked
from mnistlab.tracking.guard import Attempts, Guarded, told_where

# A run of short epochs does not wait for its tracker after each.
SECONDS_BETWEEN_LOOKS = 2.0


class Follower(Protocol):
    def look(self) -> None: ...

    def end(self) -> None: ...


F = TypeVar("F", bound=Follower)


class Live(Generic[F]):
    """A folder that is passed on to trackers. No call does anything before `begin`, or raises."""

    def __init__(
        self,
        trackers: Sequence[str],
        tell: Callable[[str], None],
        follow: Callable[[Path, Guarded], F],
    ) -> None:
        self._trackers = trackers
        self._tell = tell
        self._follow = follow
        self._attempt = Attempts()
        self._follower: F | None = None
        self._looked = time.monotonic()

    def begin(self, folder: Path) -> None:
        """Keep the trackers' names in the folder, and follow it."""
        self._attempt(lambda: self._begin(folder))

    def _begin(self, folder: Path) -> None:
        trackers = write_tracked(folder, self._trackers).trackers
        self._follower = self._follow(folder, Guarded(trackers, folder.parent))
        for text in told_where(trackers, folder.parent):
            self._tell(text)

    def look(self) -> None:
        """Pass on what is new, unless that was done just now."""
        if time.monotonic() - self._looked >= SECONDS_BETWEEN_LOOKS:
            self.pass_on(lambda follower: follower.look())
            self._looked = time.monotonic()

    def pass_on(self, act: Callable[[F], None]) -> None:
        follower = self._follower
        if follower is not None:
            self._attempt(lambda: act(follower))

    def end(self) -> None:
        """Pass on what is left, and how it ended."""
        self.pass_on(lambda follower: follower.end())
