"""The trials' folders as the record of finished and remaining trials.

A trial's folder is `trials/<number>-<id>`; its id is the hash of its configuration and data. It has
ended when its run.json says so, which is renamed into place after everything else is written. There
is no other record: trials.csv is a summary of the folders. The kernel's locks, which end with their
holders, allow one process per sweep and one per trial.
"""

import math
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.config import dump_yaml, resolved_mapping
from mnistlab.store.locks import only_process
from mnistlab.store.metrics import MetricsRow, read_metrics
from mnistlab.store.run_dir import CONFIG_NAME, RunDir, make_complete, point_link
from mnistlab.store.run_record import RunRecord, amend_run_record, write_run_record
from mnistlab.store.status import Status
from mnistlab.store.summary_files import write_summary
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import RUN_METRICS, SPLIT_METRICS
from mnistlab.support.safe_files import inside
from mnistlab.sweeps.pruned import Watched
from mnistlab.sweeps.results import TrialRow, read_record, trials_text
from mnistlab.sweeps.trials import ID_DIGITS, Trial

FOLDER_NAME = re.compile(rf"(\d{{4,}})-([0-9a-f]{{{ID_DIGITS}}})")
# trials.csv is rewritten at most this often while trials end.
SECONDS_BETWEEN_VIEWS = 1.0


class Ledger:
    """The trials of a sweep and their states. Its user holds `only_sweeper`."""

    def __init__(self, sweep_dir: SweepDir, costs: Sequence[str] = ()) -> None:
        """`costs`: those costs that a trial's row has beside its metrics."""
        self.sweep_dir = sweep_dir
        self.metrics_of_a_row = (*SPLIT_METRICS, *costs)
        self.trials: dict[str, Trial] = {}
        # By id: the stages of a trial, each with the trial's parameters there.
        self._places: dict[str, dict[str | None, dict[str, Any]]] = {}
        self._folders: dict[str, Path] = {}
        self._records: dict[str, RunRecord | None] = {}
        self._watched: dict[str, Watched] = {}  # by id, where trials are pruned
        self._stopped: dict[str, bool] = {}  # of pruned trials: whether their plan stops them there
        self._taken: set[int] = set()
        self._planned = 0
        self._viewed = -math.inf
        self._find_folders()

    def _find_folders(self) -> None:
        self.sweep_dir.trials.mkdir(exist_ok=True)
        for path in sorted(self.sweep_dir.trials.iterdir()):
            named = FOLDER_NAME.fullmatch(path.name)
            if named and (path / CONFIG_NAME).is_file():
                self._folders[named[2]] = inside(path)
                self._taken.add(int(named[1]))
            elif path.name.startswith(".") and FOLDER_NAME.fullmatch(path.name[1:]):
                # Left by a process that was killed before the folder got its name.
                shutil.rmtree(inside(path))

    def add(self, trial: Trial, stage: str | None) -> None:
        """Add a trial; a trial of the same id is the same one."""
        if trial.id not in self.trials:
            self.trials[trial.id] = trial
            self._places[trial.id] = {}
            if trial.id not in self._folders:
                self._folders[trial.id] = self._free_folder(trial.id)
            self._planned += 1
            self.read(trial)
        self._places[trial.id].setdefault(stage, trial.parameters)

    def only_begun(self, trials: Iterable[Trial]) -> list[Trial]:
        """The trials that had begun when the sweep stopped: no other will be run. Those that have
        no folder are removed; a pruned trial has ended its part, and is not continued.
        """
        begun = []
        for trial in trials:
            if not self._folders[trial.id].exists():
                del self.trials[trial.id]
            elif self.status(trial) is not Status.PRUNED:
                begun.append(trial)
        return begun

    def _free_folder(self, id: str) -> Path:
        """The folder with the trial's planned number or, if that is taken, the next free one."""
        number = self._planned if self._planned not in self._taken else max(self._taken) + 1
        self._taken.add(number)
        return self.sweep_dir.trials / f"{number:04d}-{id}"

    def number_of(self, trial: Trial) -> int:
        """The number of the trial's folder."""
        return int(self._folders[trial.id].name.partition("-")[0])

    @property
    def numbers(self) -> set[int]:
        """The numbers of all folders of trials."""
        return set(self._taken)

    def read(self, trial: Trial) -> Status:
        """Read the trial's folder again; returns its status."""
        self._records[trial.id] = read_record(self.run_dir(trial))
        self._stopped.pop(trial.id, None)
        return self.status(trial)

    def status(self, trial: Trial) -> Status:
        """The trial's status when it was last read."""
        record = self._records[trial.id]
        return Status.PENDING if record is None else record.status

    def record(self, trial: Trial) -> RunRecord | None:
        """Its run.json when it was last read."""
        return self._records[trial.id]

    def has_ended(self, trial: Trial) -> bool:
        """Whether nothing is left to do for it: a pruned trial has to be where its plan stops."""
        if self.status(trial) is not Status.PRUNED or trial.id not in self._watched:
            return self.status(trial).ended
        if trial.id not in self._stopped:
            watched = self._watched[trial.id]
            stop = watched.plan.stops_at(watched.curve(self.metrics(trial)))
            self._stopped[trial.id] = stop is not None
        return self._stopped[trial.id]

    def watch(self, trial: Trial, watched: Watched) -> None:
        """Stop a trial by a plan, in place of an earlier one."""
        self._watched[trial.id] = watched
        self._stopped.pop(trial.id, None)

    def watched(self, trial: Trial) -> Watched | None:
        """The plan of a trial; None if no trial is pruned."""
        return self._watched.get(trial.id)

    def metrics(self, trial: Trial) -> list[MetricsRow]:
        """The rows of a trial's metrics.csv."""
        path = self.run_dir(trial).metrics
        return read_metrics(path) if path.exists() else []

    def run_dir(self, trial: Trial) -> RunDir:
        """The trial's folder, which need not exist yet."""
        return RunDir(self._folders[trial.id])

    def prepare(self, trial: Trial) -> RunDir:
        """The trial's folder, created with its configuration if missing."""
        folder = self._folders[trial.id]
        if not folder.exists() and not make_complete(folder, CONFIG_NAME, dump_yaml(trial.config)):
            raise UsageError(f"{folder}: cannot be created: this name is already taken")
        return RunDir(folder)

    def mark_failed(self, trial: Trial, reason: str) -> None:
        """Record in the trial's folder that it failed, and why. Raises UsageError if a process is
        still training it.
        """
        run_dir = self.prepare(trial)
        with only_process(run_dir):
            mark_failed(run_dir, resolved_mapping(trial.config), reason)
        self.read(trial)

    def rows(self, stage: str | None = None) -> list[TrialRow]:
        """The trials in the order of their numbers; with `stage`, its trials with their parameters
        there.
        """
        rows = [
            self.row(trial) if stage is None else self.row(trial, self._places[id][stage])
            for id, trial in self.trials.items()
            if stage is None or stage in self._places[id]
        ]
        return sorted(rows, key=lambda row: row.trial)

    def row(self, trial: Trial, parameters: dict[str, Any] | None = None) -> TrialRow:
        """The current row of a trial, with `parameters` instead of those of all its stages."""
        folder, record = self._folders[trial.id], self._records[trial.id]
        places = self._places[trial.id]
        everywhere = {key: value for values in places.values() for key, value in values.items()}
        return TrialRow(
            trial=self.number_of(trial),
            status=self.status(trial),
            stages=tuple(stage for stage in places if stage is not None),
            parameters=everywhere if parameters is None else parameters,
            metrics={
                name: None if record is None else record.value(name)
                for name in self.metrics_of_a_row
            },
            run_dir=folder.relative_to(self.sweep_dir.path).as_posix(),
            reason=None if record is None else record.reason,
        )

    def best_position(self, rows: Sequence[TrialRow]) -> tuple[int, int] | None:
        """The epoch and step at which the median trial was best; or None."""
        numbers = {row.trial for row in rows}
        known = sorted(
            (record.best.step, record.best.epoch)
            for id, trial in self.trials.items()
            if self.number_of(trial) in numbers
            and (record := self._records[id]) is not None
            and record.best is not None
        )
        if not known:
            return None
        step, epoch = known[(len(known) - 1) // 2]
        return epoch, step

    def write_summary(self, *, at_once: bool = False) -> None:
        """Write trials.csv from the folders; not too often, unless `at_once`."""
        if at_once or time.monotonic() - self._viewed >= SECONDS_BETWEEN_VIEWS:
            write_summary(self.sweep_dir.trials_csv, trials_text(self.rows()))
            self._viewed = time.monotonic()

    def point_best_at(self, folder: Path) -> None:
        """Make `best` a link to a trial's folder."""
        point_link(self.sweep_dir.best_link, folder)

    def histories(self) -> Iterator[RunRecord]:
        """The run.json of every existing folder, of any trial."""
        for folder in self._folders.values():
            record = read_record(RunDir(folder))
            if record is not None:
                yield record


def mark_failed(run_dir: RunDir, config: dict[str, Any], reason: str) -> None:
    """Record in a run's folder, held by this process, that it failed."""
    now = datetime.now(UTC)
    if read_record(run_dir) is None:
        failed = RunRecord(
            status=Status.FAILED,
            reason=reason,
            finished=now,
            metrics=dict.fromkeys(RUN_METRICS),
            started=now,
            config=config,
        )
        write_run_record(run_dir, failed)
    else:
        amend_run_record(run_dir, status=Status.FAILED, reason=reason, finished=now.isoformat())
