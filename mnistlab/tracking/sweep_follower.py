"""Follows the folder of a sweep, and passes on what is new in its trials."""

from mnistlab.store.browse.sweep_summary import folder_started
from mnistlab.store.run_dir import SWEEP_NAME
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.store.tracked import read_tracked
from mnistlab.support.safe_files import inside
from mnistlab.sweeps.results import TrialRow, parameter_keys, read_trials, sweep_of
from mnistlab.tracking.receivers import Receiver
from mnistlab.tracking.run_follower import RunFollower, TrialOf, figures, plain
from mnistlab.tracking.tracker import Outcome, TrackedRun


class SweepFollower:
    """Follows the trials of a sweep; each is a run of its own in a tracker."""

    def __init__(self, sweep_dir: SweepDir, receiver: Receiver) -> None:
        self.sweep_dir = sweep_dir
        self.receiver = receiver
        self.name = read_tracked(sweep_dir.path).name
        self.group = sweep_of(sweep_dir).config.name
        self._trials: dict[str, RunFollower] = {}
        self._ended: set[str] = set()
        self.receiver.tell(self._described(), lambda log: log.add([]))

    def begin(self, row: TrialRow) -> None:
        """Follow a trial from now on."""
        run_dir = self.sweep_dir.trial(row.run_dir)
        trial = TrialOf(self.name, self.group, row)
        self._trials[row.run_dir] = RunFollower(run_dir, self.receiver, trial)

    def look(self) -> None:
        """Pass on the new rows of the trials in training."""
        for follower in self._trials.values():
            follower.look()

    def end_trial(self, row: TrialRow) -> None:
        """Pass on what is left of a trial, and its end."""
        if row.run_dir not in self._trials:
            self.begin(row)
        self._trials.pop(row.run_dir).end()
        self._ended.add(row.run_dir)

    def end(self) -> None:
        """Pass on the ends of all other trials, and the figures and files of the sweep."""
        path = self.sweep_dir.trials_csv
        rows = read_trials(self.sweep_dir) if path.exists() else []
        for row in rows:
            if row.run_dir not in self._ended:
                self.end_trial(row)
        complete = bool(rows) and all(row.status.ended for row in rows)
        files = [self.sweep_dir.config, path, self.sweep_dir.ranking_csv, self.sweep_dir.report]
        outcome = Outcome(
            Status.FINISHED if complete else Status.INTERRUPTED,
            len(rows),
            max(file.stat().st_mtime for file in files if file.exists()),
            {},
            figures(self.sweep_dir),
            [inside(file) for file in files if file.exists()],
            {
                key: [plain(row.parameters, key) for row in rows if key in row.parameters]
                for key in parameter_keys(rows)
            },
        )
        self.receiver.tell(self._described(), lambda log: log.end(outcome))

    def _described(self) -> TrackedRun:
        started = folder_started(self.sweep_dir.path, SWEEP_NAME)
        return TrackedRun(
            name=self.name, title=self.name, group=self.group, started=started, is_sweep=True
        )
