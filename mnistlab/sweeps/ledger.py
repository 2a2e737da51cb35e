"""The trials' folders as the record of finished and remaining trials.

A trial's folder is `trials/<number>-<id>`, its id the hash of what it is to compute. It has ended
when its run.json says so, which comes by one renaming, after all else is written. There is no
other record: trials.csv is a summary of the folders. Two locks of the kernel, which die with their
holders, keep order: one process works on a sweep, and one on a trial.
"""

import math
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.config import dump_yaml, resolved_mapping
from mnistlab.store.locks import only_process
from mnistlab.store.run_dir import CONFIG_NAME, RunDir, make_complete, point_link
from mnistlab.store.run_record import RunRecord, amend_run_record, write_run_record
from mnistlab.store.status import Status
from mnistlab.store.summary_files import write_summary
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import RUN_METRICS, SPLIT_METRICS
from mnistlab.support.safe_files import inside
from mnistlab.sweeps.results import TrialRow, read_record, trials_text
from mnistlab.sweeps.trials import ID_DIGITS, Trial

FOLDER_NAME = re.compile(rf"(\d{{4,}})-([0-9a-f]{{{ID_DIGITS}}})")
# trials.csv is written again at most this often while trials end.
SECONDS_BETWEEN_VIEWS = 1.0


class Ledger:
    """The trials of a sweep and how each stands. Its one user holds `only_sweeper`."""

    def __init__(self, sweep_dir: SweepDir) -> None:
        self.sweep_dir = sweep_dir
        self.trials: dict[str, Trial] = {}
        # By id: the stages that a trial belongs to, each with what the trial is there.
        self._places: dict[str, dict[str | None, dict[str, Any]]] = {}
        self._folders: dict[str, Path] = {}
        self._records: dict[str, RunRecord | None] = {}
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
                # Made by a process that was killed before the folder got its name.
                shutil.rmtree(inside(path))

    def add(self, trial: Trial, stage: str | None) -> None:
        """Take a trial in; a trial of the same id is the same one."""
        if trial.id not in self.trials:
            self.trials[trial.id] = trial
            self._places[trial.id] = {}
            if trial.id not in self._folders:
                self._folders[trial.id] = self._free_folder(trial.id)
            self._planned += 1
            self.read(trial)
        self._places[trial.id].setdefault(stage, trial.parameters)

    def _free_folder(self, id: str) -> Path:
        """The folder numbered as the trial is planned, or, where that is taken, behind the last."""
        number = self._planned if self._planned not in self._taken else max(self._taken) + 1
        self._taken.add(number)
        return self.sweep_dir.trials / f"{number:04d}-{id}"

    def number_of(self, trial: Trial) -> int:
        """The number that the trial's folder has."""
        return int(self._folders[trial.id].name.partition("-")[0])

    def read(self, trial: Trial) -> Status:
        """Look at the trial's folder again; its status."""
        self._records[trial.id] = read_record(self.run_dir(trial))
        return self.status(trial)

    def status(self, trial: Trial) -> Status:
        """The trial's status when it was last read."""
        record = self._records[trial.id]
        return Status.PENDING if record is None else record.status

    def record(self, trial: Trial) -> RunRecord | None:
        """What its run.json told then."""
        return self._records[trial.id]

    def has_ended(self, trial: Trial) -> bool:
        """Whether there is nothing left to do for it."""
        return self.status(trial).ended

    def run_dir(self, trial: Trial) -> RunDir:
        """The trial's folder, there or not yet."""
        return RunDir(self._folders[trial.id])

    def prepare(self, trial: Trial) -> RunDir:
        """The trial's folder, made with its configuration inside if it is not there."""
        folder = self._folders[trial.id]
        if not folder.exists() and not make_complete(folder, CONFIG_NAME, dump_yaml(trial.config)):
            raise UsageError(f"{folder}: cannot be made, something else of that name is there")
        return RunDir(folder)

    def mark_failed(self, trial: Trial, reason: str) -> None:
        """Let the trial's folder say that it failed, and why. Raises UsageError where a process
        still trains it."""
        run_dir = self.prepare(trial)
        with only_process(run_dir):
            mark_failed(run_dir, resolved_mapping(trial.config), reason)
        self.read(trial)

    def rows(self, stage: str | None = None) -> list[TrialRow]:
        """The trials in the order of their numbers; with `stage`, its trials as it sees them."""
        rows = [
            self.row(trial) if stage is None else self.row(trial, self._places[id][stage])
            for id, trial in self.trials.items()
            if stage is None or stage in self._places[id]
        ]
        return sorted(rows, key=lambda row: row.trial)

    def row(self, trial: Trial, parameters: dict[str, Any] | None = None) -> TrialRow:
        """One trial as it stands, with `parameters` in place of all that it has anywhere."""
        folder, record = self._folders[trial.id], self._records[trial.id]
        places = self._places[trial.id]
        everywhere = {key: value for values in places.values() for key, value in values.items()}
        measured = {} if record is None else record.metrics
        return TrialRow(
            trial=self.number_of(trial),
            status=self.status(trial),
            stages=tuple(stage for stage in places if stage is not None),
            parameters=everywhere if parameters is None else parameters,
            metrics={name: measured.get(name) for name in SPLIT_METRICS},
            run_dir=str(folder.relative_to(self.sweep_dir.path)),
            reason=None if record is None else record.reason,
        )

    def best_position(self, rows: Sequence[TrialRow]) -> tuple[int, int] | None:
        """The epoch and step at which trials were best, of the one in the middle; or None."""
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
        """Write trials.csv as the folders stand; not too often, unless `at_once`."""
        if at_once or time.monotonic() - self._viewed >= SECONDS_BETWEEN_VIEWS:
            write_summary(self.sweep_dir.trials_csv, trials_text(self.rows()))
            self._viewed = time.monotonic()

    def point_best_at(self, folder: Path) -> None:
        """Let `best` lead to a trial's folder."""
        point_link(self.sweep_dir.best, folder)

    def histories(self) -> Iterator[RunRecord]:
        """What is told by the run.json of every folder there is, of whatever trial."""
        for folder in self._folders.values():
            record = read_record(RunDir(folder))
            if record is not None:
                yield record


def mark_failed(run_dir: RunDir, config: dict[str, Any], reason: str) -> None:
    """Let a run's folder, held by this process, say that it failed."""
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
