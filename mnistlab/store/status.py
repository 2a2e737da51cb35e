"""The statuses of a run, a trial or a sweep, and their meanings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum


class Status(StrEnum):
    """A status, spelt as in run.json and trials.csv."""

    PENDING = "pending"  # a trial that has no run.json yet; never in run.json
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    STOPPED_EARLY = "stopped_early"
    DIVERGED = "diverged"
    PRUNED = "pruned"  # a trial that its sweep stopped, with a checkpoint
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Trained to the planned end, or until early stopping."""
        return self in (Status.FINISHED, Status.STOPPED_EARLY)

    @property
    def ended(self) -> bool:
        """It will not continue by itself: it finished, diverged, failed or was pruned."""
        return self.finished or self in (Status.DIVERGED, Status.FAILED, Status.PRUNED)

    @property
    def resumable(self) -> bool:
        """Whether `mnistlab resume` can continue it: it has no final weights, or it failed."""
        return not self.ended or self in (Status.FAILED, Status.PRUNED)

    @property
    def outcome(self) -> "Status":
        """The counts of a sweep: finished, diverged, failed, pruned, or still to come."""
        if self.finished:
            return Status.FINISHED
        return self if self.ended else Status.PENDING

    @property
    def words(self) -> str:
        """For display: `stopped early`."""
        return self.replace("_", " ")


def tally(statuses: Sequence[Status]) -> dict[Status, str]:
    """The statuses of trials as text: `failed`, and for several trials `2 failed`."""
    counts = Counter(statuses)
    return {s: f"{n} {s}" if len(statuses) > 1 else s.value for s, n in counts.items()}


# The counts of a sweep's trials in `--json`.
OUTCOMES = (Status.FINISHED, Status.DIVERGED, Status.FAILED)


def count_outcomes(statuses: Iterable[Status]) -> dict[str, int]:
    """The numbers of finished, diverged and failed trials; of pruned ones if there are any."""
    counts = Counter(status.outcome for status in statuses)
    outcomes = (*OUTCOMES, Status.PRUNED) if counts[Status.PRUNED] else OUTCOMES
    return {outcome.value: counts[outcome] for outcome in outcomes}
