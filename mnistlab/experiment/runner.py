"""Trains one configuration to one finished run in its folder; resumes a stopped run."""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from mnistlab.config import RunConfig, config_hash, dump_yaml, resolved_mapping
from mnistlab.data import Dataset
from mnistlab.experiment.callbacks import RunResult
from mnistlab.experiment.disk_space import lacking_disk_space
from mnistlab.experiment.driver import Training, trained
from mnistlab.experiment.fits_data import refuse_unfit
from mnistlab.experiment.interruption import StopSignals, stop_signals
from mnistlab.experiment.longer import (
    refuse_another_past,
    refuse_without_checkpoint,
    write_length,
)
from mnistlab.experiment.memory_check import refuse_too_large
from mnistlab.experiment.run_facts import run_facts
from mnistlab.experiment.run_options import RunOptions
from mnistlab.experiment.run_writer import RunWriter
from mnistlab.experiment.teacher import set_soft_targets
from mnistlab.experiment.training_run import TrainingRun
from mnistlab.runtime.threads import engine_threads
from mnistlab.store.checkpoint import load_checkpoint
from mnistlab.store.drawing import remove_leftovers
from mnistlab.store.locks import only_process
from mnistlab.store.run_dir import RunDir, create_run_dir
from mnistlab.store.run_log import logged
from mnistlab.store.run_record import RunFacts, RunRecord
from mnistlab.store.status import Status
from mnistlab.support.errors import UsageError
from mnistlab.training.initializers import initial_params
from mnistlab.training.trainer import Trainer

AnyTrainer = TypeVar("AnyTrainer", bound=Trainer)


def run(config: RunConfig, dataset: Dataset, runs_dir: Path, options: RunOptions) -> RunResult:
    """Train a configuration on a dataset into a new run folder.

    Raises UsageError before there is a folder if an init file does not fit, or if memory or disk
    space does not suffice.
    """
    began, started = time.perf_counter(), datetime.now(UTC)
    refuse_unfit(config, dataset)
    refuse_too_large(config, dataset)
    trainer = new_trainer(config, dataset)
    if lacking := lacking_disk_space(runs_dir, trainer):
        raise UsageError(f"{runs_dir}: {lacking}")
    run_dir = create_run_dir(runs_dir, config.name, dump_yaml(config), config_hash(config), started)
    with only_process(run_dir), _surroundings(run_dir, options.threads) as (pool, stop):
        record = _new_record(
            trainer, run_facts(trainer, pool, options.argv, options.data_dir), started
        )
        writer = RunWriter(trainer, run_dir, record)
        writer.began = began
        return trained(TrainingRun(writer, options.callbacks, stop).to_the_end())


def resume(
    run_dir: RunDir,
    config: RunConfig,
    dataset: Dataset,
    history: RunRecord | None,
    options: RunOptions,
    new_length: bool = False,
) -> RunResult:
    """Resume a stopped run from its last checkpoint, or from the beginning if it has none.

    `history` is its run.json; without one, the run starts now. `new_length`: `config` has a length
    that config.yaml does not have yet. The result is bit for bit that of an uninterrupted run.
    Raises RunInUseError if another process has the run, UsageError if its checkpoints or tables are
    damaged or memory does not suffice, OSError if disk space does not.
    """
    return trained(resuming(run_dir, config, dataset, history, options, new_length))


def resuming(
    run_dir: RunDir,
    config: RunConfig,
    dataset: Dataset,
    history: RunRecord | None,
    options: RunOptions,
    new_length: bool = False,
) -> Training:
    """`resume` as a generator, for a driver of several runs."""
    refuse_too_large(config, dataset)
    with only_process(run_dir), _surroundings(run_dir, options.threads) as (pool, stop):
        remove_leftovers(run_dir.path)
        checkpoint = load_checkpoint(run_dir)
        if checkpoint is None and history is not None and new_length:
            refuse_without_checkpoint(run_dir, history)
        # A checkpoint has the weights: those that the run started from may be gone.
        trainer = Trainer(config, dataset)
        if checkpoint is None:
            _set_initial_weights(trainer)
        set_soft_targets(trainer)
        if checkpoint is not None and new_length:
            refuse_another_past(run_dir, trainer, checkpoint)
        now = datetime.now(UTC)
        begun_by = history.facts.argv if history is not None and history.facts else options.argv
        record = _new_record(trainer, run_facts(trainer, pool, begun_by, options.data_dir), now)
        if history is not None:
            record = replace(record, started=history.started, resumed=[*history.resumed, now])
        if lacking := lacking_disk_space(run_dir.path, trainer, run_dir):
            raise OSError(errno.ENOSPC, lacking, str(run_dir.path))
        writer = RunWriter(trainer, run_dir, record)
        if checkpoint is not None:
            writer.restore(checkpoint)
        if new_length:
            # run.json first: it decides, where the machine stops in between.
            writer.write_run_json(Status.RUNNING)
            write_length(run_dir, config)
        return (yield from TrainingRun(writer, options.callbacks, stop).to_the_end())


def new_trainer(config: RunConfig, dataset: Dataset) -> Trainer:
    """A trainer with its initial weights."""
    return with_initial_weights(Trainer(config, dataset))


def with_initial_weights(trainer: AnyTrainer) -> AnyTrainer:
    """The trainer, after it has received its initial weights and its teacher's targets."""
    _set_initial_weights(trainer)
    set_soft_targets(trainer)
    return trainer


def _set_initial_weights(trainer: Trainer) -> None:
    config, program = trainer.config, trainer.program
    trainer.params[:] = initial_params(
        config.init, program.tensors, program.sizes.parameters, config.seed, program.dtype
    )


def _new_record(trainer: Trainer, facts: RunFacts, started: datetime) -> RunRecord:
    """The run.json of a new run."""
    config = resolved_mapping(trainer.config)
    return RunRecord(status=Status.RUNNING, started=started, facts=facts, config=config)


@contextmanager
def _surroundings(run_dir: RunDir, threads: int | None) -> Iterator[tuple[int, StopSignals]]:
    """The context of training: the engine's threads, the run's log, signal handlers."""
    with engine_threads(threads) as pool, logged(run_dir.log), stop_signals() as stop:
        yield pool, stop
