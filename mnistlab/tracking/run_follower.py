"""Follows the folder of a run, and passes on what is new in it."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.config.dump import setting_as_yaml
from mnistlab.store.browse.values import flattened
from mnistlab.store.folder import Folder
from mnistlab.store.metrics import LAYERS, METRICS, LayerRow, MetricsRow
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import RunRecord, read_run_record
from mnistlab.store.status import Status
from mnistlab.store.tracked import read_tracked
from mnistlab.support.safe_files import inside
from mnistlab.support.text_format import short_keys
from mnistlab.tracking.receivers import Receiver
from mnistlab.tracking.tracker import Outcome, Plain, Point, TrackedRun

if TYPE_CHECKING:
    from mnistlab.sweeps.results import TrialRow

# The columns that say where a row belongs.
POSITION = {"epoch", "step", "layer", "seconds"}


@dataclass(frozen=True)
class TrialOf:
    """A trial's row in its sweep, with the sweep's name in trackers and in its configuration."""

    sweep: str
    group: str
    row: "TrialRow"


class RunFollower:
    """Passes on the new rows of a run's tables, and how it ended."""

    def __init__(self, run_dir: RunDir, receiver: Receiver, trial: TrialOf | None = None) -> None:
        self.run_dir = run_dir
        self.receiver = receiver
        self.trial = trial
        self._seen: tuple[int, int] | None = None  # when metrics.csv was last written, and its size

    def look(self) -> None:
        """Pass on the rows that are new, if there are any."""
        if not (self.run_dir.run_json.exists() and self.run_dir.metrics.exists()):
            return
        state = self.run_dir.metrics.stat()
        if (state.st_mtime_ns, state.st_size) != self._seen:
            self._pass_rows(read_run_record(self.run_dir))
            self._seen = state.st_mtime_ns, state.st_size

    def end(self) -> None:
        """Pass on what is left, and how the run ended, with its figures and files."""
        if not self.run_dir.run_json.exists():
            return
        record = read_run_record(self.run_dir)
        self._pass_rows(record)
        if record.status is Status.RUNNING:
            return
        ended = record.status.ended
        metrics = record.metrics if ended else {}
        outcome = Outcome(
            record.status,
            record.steps,
            record.started.timestamp() + record.seconds.total,
            {name: value for name, value in metrics.items() if value is not None},
            figures(self.run_dir) if ended else {},
            _files(self.run_dir),
        )
        run = self._described(record)
        self.receiver.tell(run, lambda log: log.end(outcome))
        self.receiver.forget(run)

    def _pass_rows(self, record: RunRecord) -> None:
        if self.run_dir.metrics.exists():
            points = _points(self.run_dir, record)
            self.receiver.tell(self._described(record), lambda log: log.add(points))

    def _described(self, record: RunRecord) -> TrackedRun:
        """The run as a tracker shows it: a trial by its parameters, a run by its configuration."""
        settings = {
            key: value for key, value in flattened(record.config).items() if value is not None
        }
        typed = {key: plain(settings, key) for key in settings}
        if self.trial is None:
            name = read_tracked(self.run_dir.path).name
            return TrackedRun(
                name=name,
                title=name,
                group=str(settings.get("name", name)),
                started=record.started,
                parameters=typed,
                settings=typed,
            )
        trial, parameters = self.trial, self.trial.row.parameters
        short = short_keys(parameters)
        told = (f"{short[key]}={setting_as_yaml(parameters, key)}" for key in short)
        return TrackedRun(
            name=f"{trial.sweep}/{self.run_dir.name}",
            title=" ".join([f"{trial.row.trial:04d}", *told]),
            group=trial.group,
            started=record.started,
            parameters={key: plain(parameters, key) for key in parameters},
            settings=typed,
            sweep=trial.sweep,
        )


def _points(run_dir: RunDir, record: RunRecord) -> list[Point]:
    """The rows of metrics.csv and layers.csv by step, up to the last row of metrics.csv."""
    rows = METRICS.read_so_far(run_dir.metrics)
    steps = [row.step for row in rows]
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for row in rows:
        found[row.step] |= _values(row)
    if run_dir.layers.exists() and record.steps_per_epoch is not None:
        for layer in LAYERS.read_so_far(run_dir.layers):
            step = layer.epoch * record.steps_per_epoch
            if rows and step <= steps[-1]:
                named = {f"layers/{layer.layer}/{k}": v for k, v in _values(layer).items()}
                found[step] |= named
    began = record.started.timestamp()
    return [
        Point(step, began + (rows[bisect_left(steps, step)].seconds or 0.0), found[step])
        for step in sorted(found)
    ]


def _values(row: MetricsRow | LayerRow) -> dict[str, float]:
    """The measured values of a row by name."""
    named = ((one.name, getattr(row, one.name)) for one in fields(row) if one.name not in POSITION)
    return {name: value for name, value in named if value is not None}


def plain(settings: Mapping[str, Any], key: str) -> Plain:
    """A setting as a tracker can compare it: a list or mapping as YAML."""
    value = settings[key]
    return value if isinstance(value, bool | int | float | str) else setting_as_yaml(settings, key)


def figures(folder: Folder) -> dict[str, Path]:
    """The figures in a folder by name."""
    return {file.stem: inside(file) for file in sorted(folder.plots.glob("*.png"))}


def _files(run_dir: RunDir) -> list[Path]:
    """The files of a run, without its checkpoints."""
    named = (
        run_dir.config,
        run_dir.run_json,
        run_dir.metrics,
        run_dir.layers,
        run_dir.last_steps,
        run_dir.predictions,
        run_dir.weights,
        run_dir.log,
        run_dir.report,
    )
    return [inside(file) for file in named if file.exists()]
