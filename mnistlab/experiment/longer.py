"""A run made longer: `mnistlab resume RUN training.epochs=40`."""

import math
from collections.abc import Sequence
from shlex import quote
from typing import Any

import numpy as np

from mnistlab.blocks.schedules import Steps
from mnistlab.config import RunConfig, dump_yaml, load_run_config, resolved_mapping
from mnistlab.experiment.averaging import first_averaged
from mnistlab.store.browse.values import flattened
from mnistlab.store.checkpoint import Checkpoint
from mnistlab.store.checksums import with_checksum
from mnistlab.store.run_dir import SWEEP_NAME, RunDir
from mnistlab.store.run_record import RunRecord
from mnistlab.store.status import Status
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.paths import as_argument
from mnistlab.training.trainer import Trainer

EPOCHS, STEPS = "training.epochs", "training.steps"


def with_length(run_dir: RunDir, config: RunConfig, values: Sequence[str]) -> RunConfig:
    """A run's configuration with `KEY=VALUE` of its length; `config` is the present one.

    Raises ConfigError for wrong values, and UsageError for a key that is not a length, or for a
    trial of a sweep, which its sweep would not recognise any more.
    """
    if (run_dir.path.parent.parent / SWEEP_NAME).is_file():
        raise UsageError(
            f"{run_dir.path}: is a trial of a sweep, which compares trials of equal length; "
            f"{_train_command(run_dir, quote(values[0]))} trains a run of its own"
        )
    given = {value.partition("=")[0].strip() for value in values}
    # The other key of the length must be unset.
    other = {EPOCHS: f"{STEPS}=null", STEPS: f"{EPOCHS}=null"}
    added = [other[key] for key in given if key in other and not given >= other.keys()]
    longer = load_run_config(run_dir.config, [*_present(config), *values, *added])
    before, now = _flat(config), _flat(longer)
    changed = sorted(k for k in before.keys() | now.keys() if before.get(k) != now.get(k))
    for key in changed:
        if key not in other:
            raise UsageError(
                f"{key}: cannot change in a run that has begun; only {EPOCHS} or {STEPS} can, "
                f"which makes it longer. {_train_command(run_dir)} begins another run"
            )
    return longer


def _train_command(run_dir: RunDir, values: str = "…") -> str:
    """The command that trains another run with a run's configuration, for a message."""
    return f"`mnistlab train {as_argument(run_dir.config)} {values}`"


def _present(config: RunConfig) -> list[str]:
    length = {EPOCHS: config.training.epochs, STEPS: config.training.steps}
    return [f"{key}={'null' if value is None else value}" for key, value in length.items()]


def _flat(config: RunConfig) -> dict[str, Any]:
    return flattened(resolved_mapping(config))


def refuse_without_checkpoint(run_dir: RunDir, history: RunRecord) -> None:
    """Raise UsageError for a run that reached its end and has no checkpoint any more: it would be
    trained again from its first step, and lose what it has.
    """
    if history.status.finished or history.status is Status.DIVERGED:
        raise UsageError(
            f"{run_dir.path}: cannot be made longer: it has no checkpoint, {run_dir.last}; "
            "`mnistlab prune` removes checkpoints of finished runs. "
            f"{_train_command(run_dir)} begins a new run"
        )


def refuse_another_past(run_dir: RunDir, trainer: Trainer, checkpoint: Checkpoint) -> None:
    """Raise UsageError, with the reason, if a run with the trainer's length would have had other
    first steps than this run.
    """
    position, length = checkpoint.position, trainer.length
    done, planned = position["step"], position.get("planned_steps")
    if planned == length.steps:
        return
    if position["ended"] == Status.STOPPED_EARLY:
        raise UsageError(
            f"{run_dir.path}: early stopping ended it after step {done:,}; a longer run would have "
            "stopped there, too"
        )
    if position["ended"] == Status.DIVERGED:
        raise UsageError(f"{run_dir.path}: has diverged; a longer run would have diverged, too")
    if planned is None:
        raise UsageError(
            f"{run_dir.path}: an earlier version of mnistlab wrote its checkpoint, which does not "
            f"tell what a longer run needs; {_train_command(run_dir)} begins a new run"
        )
    if done >= length.steps:
        key, per_unit = (
            (EPOCHS, length.steps_per_epoch) if trainer.config.training.epochs else (STEPS, 1)
        )
        raise UsageError(
            f"{key}: found {length.steps // per_unit:,}, must be at least "
            f"{done // per_unit + 1:,}: the run has trained {done + 1:,} steps"
        )
    _refuse_other_average(trainer, done, planned)
    _refuse_other_rates(run_dir, trainer, done, planned)


def _refuse_other_average(trainer: Trainer, done: int, planned: int) -> None:
    """Raise UsageError if an average has begun that would begin with another epoch."""
    last = trainer.config.training.average_last
    if last is None:
        return
    per_epoch = trainer.length.steps_per_epoch
    before = first_averaged(math.ceil(planned / per_epoch), last)
    now, epochs_done = first_averaged(trainer.length.epochs, last), done // per_epoch
    if now != before and now <= epochs_done:
        raise UsageError(
            f"training.average_last: the mean has begun with the weights after epoch {before:,}, "
            f"and would begin with those after epoch {now:,}; a run with "
            f"{epochs_done + last:,} epochs or more can be resumed"
        )


def _refuse_other_rates(run_dir: RunDir, trainer: Trainer, done: int, planned: int) -> None:
    """Raise UsageError if the schedule depends on the length, and the done steps show it."""
    config = trainer.config
    steps = Steps(np.arange(done), trainer.length.steps_per_epoch, planned)
    had = config.lr_schedule.rates(config.optimizer.lr, steps)
    wanted = trainer.rates(0, done)
    differ = np.flatnonzero(had != wanted)
    if len(differ):
        step = int(differ[0])
        before, now = _told_apart(had[step], wanted[step])
        raise UsageError(
            f"lr_schedule.type {config.lr_schedule.type}: depends on the length of the run: step "
            f"{step + 1:,} had the learning rate {before}, and would have {now} in a run of "
            f"{trainer.length.steps:,} steps; {_train_command(run_dir)} begins a new run"
        )


def _told_apart(first: float, second: float) -> tuple[str, str]:
    """Two different numbers in six digits, or in as many more as it takes to tell them apart."""
    digits = 6
    while f"{first:.{digits}g}" == f"{second:.{digits}g}":
        digits += 1
    return f"{first:.{digits}g}", f"{second:.{digits}g}"


def has_other_length(run_dir: RunDir, config: RunConfig) -> bool:
    """Whether config.yaml has another length than the run's new configuration."""
    return load_run_config(run_dir.config) != config


def write_length(run_dir: RunDir, config: RunConfig) -> None:
    """Write the configuration's length, which run.json already has, into config.yaml. The
    predictions of the shorter run are removed, because they are not those of the final weights any
    more.

    Raises OSError.
    """
    run_dir.predictions.unlink(missing_ok=True)
    durable.write_file(run_dir.config, with_checksum(dump_yaml(config)))
