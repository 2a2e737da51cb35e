"""The declaration of a tracker. Imports nothing heavy: `--help` and completion read it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mnistlab.store.status import Status

Plain = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A run, or a sweep, as a tracker shows it.

    `name` is unique in a folder of runs; a trial's begins with its `sweep`. `group` is the name in
    the configuration. `parameters` are those that tell the run from others, `settings` the whole
    configuration by dotted path.
    """

    name: str
    title: str
    group: str
    started: datetime
    parameters: Mapping[str, Plain] = field(default_factory=dict)
    settings: Mapping[str, Plain] = field(default_factory=dict)
    sweep: str | None = None
    is_sweep: bool = False


@dataclass(frozen=True)
class Point:
    """The values of one step; `time` is in seconds since 1970: the run's start and its training."""

    step: int
    time: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """How a run ended or stopped: the metrics of its final weights, if there are any, the figures
    by name, and the files to keep. `swept` are the values of a sweep's trials, by key.
    """

    status: Status
    step: int
    time: float
    metrics: Mapping[str, float]
    figures: Mapping[str, Path]
    files: Sequence[Path]
    swept: Mapping[str, Sequence[Plain]] = field(default_factory=dict)


class Log(Protocol):
    """A run in a tracker."""

    def add(self, points: Sequence[Point]) -> None:
        """Write points, in the order of their steps. A value that is there already, for the same
        step or a later one, is not written again.
        """

    def end(self, outcome: Outcome) -> None:
        """Write how the run ended. Repeated, it changes nothing."""


class Store(Protocol):
    """A tracker's files in one folder."""

    def open(self, run: TrackedRun) -> Log:
        """Begin a run, or continue the one of this name."""


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """A tracker of `--track` and of `export`. Each is a file of `tracking/trackers/`.

    `description` is a paragraph of `export --help`. `needs` are modules that it imports and
    mnistlab does not require; `install` is what pip installs to get them. `connect` opens its files
    in a folder, and may raise anything. `shows` is the command that shows them, with `{folder}`;
    `verb` is what it does with them. One that `follows` receives a run while it trains; the others
    receive it when it has ended, by `export` alone.
    """

    name: str
    description: str
    needs: tuple[str, ...]
    connect: Callable[[Path], Store]
    shows: str
    verb: str = "shows"
    install: str = "mnistlab[tracking]"
    follows: bool = True

    def shown_by(self, folder: Path) -> str:
        """The command for the files in a folder, and what it does, for people: "`...` shows"."""
        return f"`{self.shows.format(folder=folder)}` {self.verb}"
