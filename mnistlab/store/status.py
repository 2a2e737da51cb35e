"""The statuses of a run, a trial or a sweep, and their meanings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

# For people: a run that says `running`, and nobody trains it.
PROCESS_DIED = "process died"


class Status(StrEnum):
    """A status, spelt as in run.json and trials.csv."""

    PENDING = "pending"  # a trial that has no run.json yet; never in run.json
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    STOPPED_EARLY = "stopped_early"
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Trained to the planned end, or to the one that early stopping chose."""
        return self in (Status.FINISHED, Status.STOPPED_EARLY)

    @property
    def ended(self) -> bool:
        """Nothing more is to come: it finished, diverged or failed."""
        return self.finished or self in (Status.DIVERGED, Status.FAILED)

    @property
    def resumable(self) -> bool:
        """Whether `mnistlab resume` can continue it: final weights are missing, or it failed."""
        return not self.ended or self is Status.FAILED

    @property
    def outcome(self) -> "Status":
        """As a sweep counts its trials: finished, diverged, failed, or still to come."""
        if self.finished:
            return Status.FINISHED
        return self if self.ended else Status.PENDING

    @property
    def words(self) -> str:
        """For people: `stopped early`."""
        return self.replace("_", " ")


def tally(statuses: Sequence[Status]) -> dict[Status, str]:
    """Each status that trials have, in words: `failed`, and of several trials `2 failed`."""
    counts = Counter(statuses)
    return {s: f"{n} {s}" if len(statuses) > 1 else s.value for s, n in counts.items()}


# What `--json` counts the trials of a sweep by.
OUTCOMES = (Status.FINISHED, Status.DIVERGED, Status.FAILED)


def count_outcomes(statuses: Iterable[Status]) -> dict[str, int]:
    """How many trials finished, diverged and failed."""
    counts = Counter(status.outcome for status in statuses)
    return {outcome.value: counts[outcome] for outcome in OUTCOMES}
