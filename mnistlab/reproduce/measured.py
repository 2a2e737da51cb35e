"""The measured and the stated results of a report's experiments, from their folders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from mnistlab.config.sweep import StatedPoint, SweepConfig
from mnistlab.reproduce.planned import FullLength
from mnistlab.statistics.seeds import summary_of
from mnistlab.store.report_dir import ReportDir
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import RunRecord
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import REFIT, SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import PARTS, PENALTY, part_of
from mnistlab.support.scale import mean_and_spread, on_scale
from mnistlab.sweeps.ranking import ranking_of, stated_point
from mnistlab.sweeps.results import TrialRow, read_record, read_trials, sweep_of

# Half of the last digit of an accuracy on 10,000 test images: smaller differences do not count.
ROUNDING = 0.5e-4
METRICS = tuple(name for part in PARTS for name in (part.accuracy, part.loss, part.objective))


@dataclass(frozen=True)
class Measured:
    """One metric of one point: stated, and measured over the seeds that finished."""

    stated: float | None
    mean: float | None
    std: float | None  # sample standard deviation; needs two seeds
    values: tuple[float, ...]  # of the seeds that finished

    @property
    def lowest(self) -> float | None:
        """The smallest value over the seeds."""
        return min(self.values, default=None)

    @property
    def highest(self) -> float | None:
        """The largest value over the seeds."""
        return max(self.values, default=None)

    @property
    def half_interval(self) -> float | None:
        """Half of the 95 % interval of the mean; None for one seed."""
        interval = summary_of(self.values).interval if self.values else None
        return None if interval is None else (interval.high - interval.low) / 2

    @property
    def is_within(self) -> bool | None:
        """Whether the stated value is in the 95 % interval, or nearer to it than half a digit; None
        if there is no interval or nothing is stated.
        """
        if self.difference is None or self.half_interval is None:
            return None
        return abs(self.difference) <= self.half_interval + ROUNDING

    @property
    def difference(self) -> float | None:
        """Measured minus stated."""
        if self.mean is None or self.stated is None:
            return None
        return self.mean - self.stated


@dataclass(frozen=True)
class Row:
    """One point of an experiment, with all its seeds."""

    stage: str | None
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Measured]
    statuses: tuple[Status, ...]  # of its trials
    run_dirs: tuple[Path, ...]  # of its trials
    epochs: int  # of the first trial
    images: int  # in each of them
    seconds: float | None  # of the training steps of one trial, the mean over seeds
    stated_seconds: float | None
    stated_in: str | None  # the table, page or chapter
    full_length: FullLength | None  # the report's own length, if this is a share of it

    @property
    def run_dir(self) -> Path:
        """The folder of its first trial."""
        return self.run_dirs[0]

    @property
    def is_finished(self) -> bool:
        """Whether all its trials finished."""
        return all(status.finished for status in self.statuses)

    @property
    def seconds_per_epoch(self) -> float | None:
        """Measured on the training images."""
        return self.seconds / self.epochs if self.seconds is not None and self.epochs else None

    @property
    def full_length_seconds(self) -> float | None:
        """The estimated training time for the report's own epochs and images."""
        if self.full_length is None or self.seconds_per_epoch is None or not self.images:
            return self.seconds
        return (
            self.seconds_per_epoch * self.full_length.epochs * self.full_length.images / self.images
        )


def read_rows(report_dir: ReportDir, experiment: str, full_length: FullLength | None) -> list[Row]:
    """Every point of an experiment, of every stage and refit, in the planned order.

    Empty if the experiment has not begun. Raises UsageError if its folder is damaged.
    """
    sweep_dir = report_dir.experiment(experiment)
    if not sweep_dir.trials_csv.exists():
        return []
    config, trials = sweep_of(sweep_dir).config, read_trials(sweep_dir)
    stages: list[str | None] = [*dict.fromkeys(s for trial in trials for s in trial.stages)]
    return [
        row
        for stage in stages or [None]
        for row in _of_stage(sweep_dir, config, stage, trials, full_length)
    ]


def find_row(rows: Sequence[Row], parameters: Mapping[str, Any], stage: str | None) -> Row:
    """The first row with these values (and this stage); raises UsageError if there is none."""
    for row in rows:
        values = row.parameters
        if stage in (None, row.stage) and all(
            key in values and values[key] == value for key, value in parameters.items()
        ):
            return row
    raise UsageError(f"no point has {dict(parameters)}{f' in stage {stage}' if stage else ''}")


def _of_stage(
    sweep_dir: SweepDir,
    config: SweepConfig,
    stage: str | None,
    trials: Sequence[TrialRow],
    full_length: FullLength | None,
) -> Iterator[Row]:
    points = ranking_of(config, trials, stage)
    for point in sorted(points, key=lambda point: point.first_trial.trial):
        stated = stated_point(point.parameters, stage, config.reference or ())
        yield _row(sweep_dir, stage, point.parameters, point.trials, stated, full_length)


def _row(
    sweep_dir: SweepDir,
    stage: str | None,
    parameters: Mapping[str, Any],
    trials: Sequence[TrialRow],
    stated: StatedPoint | None,
    full_length: FullLength | None,
) -> Row:
    records = [read_record(RunDir(sweep_dir.path / trial.run_dir)) for trial in trials]
    known = [record.seconds.train for record in records if record is not None]
    first = records[0]
    return Row(
        stage=stage,
        parameters=dict(parameters),
        metrics={name: _metric(name, records, stated) for name in METRICS},
        statuses=tuple(trial.status for trial in trials),
        run_dirs=tuple(sweep_dir.path / trial.run_dir for trial in trials),
        epochs=0 if first is None else first.epochs,
        images=first.facts.dataset.images.train if first and first.facts else 0,
        seconds=fmean(known) if known else None,
        stated_seconds=stated.seconds if stated is not None else None,
        stated_in=stated.source if stated is not None else None,
        full_length=full_length.of_refit()
        if full_length and (stage or "").startswith(REFIT)
        else full_length,
    )


def _metric(name: str, records: Sequence[RunRecord | None], stated: StatedPoint | None) -> Measured:
    values = (_value(name, record) for record in records)
    known = tuple(filter(on_scale, values))
    return Measured(getattr(stated, name, None), *mean_and_spread(known), known)


def _value(name: str, record: RunRecord | None) -> float | None:
    """A metric of a finished run; an objective is the loss plus the penalty."""
    if record is None or not record.status.finished:
        return None
    measured = record.metrics
    part = part_of(name)
    if name != part.objective:
        return measured.get(name)
    loss, penalty = measured.get(part.loss), measured.get(PENALTY)
    return None if loss is None or penalty is None else loss + penalty
