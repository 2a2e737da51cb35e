"""Runs a sweep in a new folder, or resumes one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.config.extend_sweep import extended
from mnistlab.config.load_sweep import SweepSource
from mnistlab.experiment.dataset import data_dir_of_runs
from mnistlab.experiment.interruption import stop_signals
from mnistlab.experiment.memory_check import workers_that_fit
from mnistlab.experiment.named_weights import missing_weights
from mnistlab.store.browse.found import trials_of
from mnistlab.store.checksums import with_checksum
from mnistlab.store.drawing import remove_leftovers
from mnistlab.store.locks import only_sweeper
from mnistlab.store.run_dir import SWEEP_NAME, create_folder
from mnistlab.store.sweep_dir import REFIT, SweepDir
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.host import available_cpus
from mnistlab.support.links import resolved
from mnistlab.support.memory import available_to_all
from mnistlab.support.text_format import human_bytes
from mnistlab.sweeps.claims import recover_all
from mnistlab.sweeps.executors import Executor, LocalExecutor
from mnistlab.sweeps.ledger import Ledger
from mnistlab.sweeps.results import sweep_of
from mnistlab.sweeps.scheduler import LOCAL, Cluster, connected
from mnistlab.sweeps.space import checked_points, points, repetitions
from mnistlab.sweeps.stage_plan import stage_plans
from mnistlab.sweeps.sweep_callbacks import SweepCallback, SweepResult
from mnistlab.sweeps.sweep_options import SweepOptions
from mnistlab.sweeps.sweeper import Sweeper
from mnistlab.sweeps.trials import Datasets, check_all
from mnistlab.training.footprint import PROCESS


def begin(source: SweepSource, runs_dir: Path, options: SweepOptions) -> SweepResult:
    """Run a sweep in a new folder.

    Every point is validated before there is a folder: raises ConfigError, DataError, UsageError.
    """
    datasets = Datasets(options.data_dir, options.data_progress)
    options = _checked(source, datasets, options)
    refuse_missing_weights(source)
    with connected(options.scheduler, options.workers) as cluster:
        started = datetime.now(UTC)
        source = source.with_parallel(options.workers or available_cpus())
        name, text = source.config.name, source.text()
        sweep_dir = SweepDir(create_folder(runs_dir, name, SWEEP_NAME, text, started))
        executor = _executor(cluster, sweep_dir, options)
        with only_sweeper(sweep_dir):
            return _run(source, sweep_dir, datasets, executor, options)


def resume(
    path: Path,
    arguments: Sequence[str],
    options: SweepOptions,
    *,
    force: bool = False,
    unprune: Sequence[int] = (),
) -> SweepResult:
    """Run the remaining trials of a sweep; `arguments`, `KEY=V1,V2` each, first enlarge its grid.
    `unprune` are the numbers of pruned trials that are continued to their ends.

    Raises UsageError if another process works on it, or if its data or environment has changed
    since it was begun; ConfigError, DataError.
    """
    sweep_dir = SweepDir(resolved(path))
    with connected(options.scheduler, options.workers) as cluster, only_sweeper(sweep_dir):
        # Not later: a worker of a killed process may still be writing there.
        remove_leftovers(sweep_dir.path)
        source = sweep_of(sweep_dir)
        begun = trials_of(sweep_dir.path)
        options = replace(options, data_dir=data_dir_of_runs(begun, options.data_dir, options.tell))
        datasets = Datasets(options.data_dir, options.data_progress)
        if arguments:
            source = extended(source, arguments)
        options = _checked(source, datasets, options)
        if arguments:
            durable.write_file(sweep_dir.config, with_checksum(source.text()))
        recover_all(sweep_dir.claims, sweep_dir.trials)
        executor = _executor(cluster, sweep_dir, options)
        return _run(source, sweep_dir, datasets, executor, options, force, unprune)


def worker_count(wanted: int | None, processors: int, scheduler: str | None = None) -> int | None:
    """The number of workers: at most the number of processors, because each has one thread.

    On a cluster the wanted number; None: all its workers.
    """
    if wanted is not None and wanted < 1:
        raise UsageError(f"--workers: found {wanted}, must be auto or at least 1")
    if scheduler not in (None, LOCAL):
        return wanted
    return min(wanted or processors, processors)


def plan(source: SweepSource) -> list[dict[str, Any]]:
    """The trials that are known before anything is run, and the winners' refits."""
    checked_points(source)
    seeds = source.config.seeds
    found: list[dict[str, Any]] = []
    for planned in stage_plans(source):
        stage = {} if planned.name is None else {"stage": planned.name, "from": planned.source}
        for point in points(source, planned, {}):
            found += [{**stage, "parameters": point.parameters | more} for more in _seeds(seeds)]
    for name in source.config.refit or ():
        stage = {"stage": f"{REFIT}{name}", "from": name}
        found += [{**stage, "parameters": more} for more in _seeds(seeds)]
    return found


def refuse_missing_weights(source: SweepSource) -> None:
    """Raise UsageError if weights that a point names do not exist: to start from, or as a teacher.

    It is no part of `plan`: a report's earlier experiment may still train them.
    """
    errors = [error for *_, config in checked_points(source) for error in missing_weights(config)]
    if errors:
        raise UsageError(*dict.fromkeys(errors))


def _seeds(count: int) -> list[dict[str, Any]]:
    """The parameters of a point's repetitions: the seeds, from the run's seed on."""
    return [{}] if count == 1 else [{"seed": f"seed + {n}" if n else "seed"} for n in range(count)]


def _executor(cluster: Cluster | None, sweep_dir: SweepDir, options: SweepOptions) -> Executor:
    """The executor of the trials: worker processes on this machine, or those of a cluster."""
    if cluster is None:
        return LocalExecutor(options.workers or available_cpus(), options.data_dir)
    from mnistlab.sweeps.cluster import ClusterExecutor

    return ClusterExecutor(cluster, sweep_dir, options.data_dir)


def check(source: SweepSource, datasets: Datasets) -> list[int]:
    """Validate every trial; returns the bytes that each needs. Raises ConfigError, DataError."""
    configs = (config for _, _, config in checked_points(source))
    return check_all(configs, datasets, source.config.metric_names) * source.config.seeds


def _checked(source: SweepSource, datasets: Datasets, options: SweepOptions) -> SweepOptions:
    """Validate every trial, and warn of repeated points; returns options with the
    workers that fit.
    """
    needed = check(source, datasets)
    for text in repetitions(source):
        for callback in options.callbacks:
            callback.on_warning(text)
    if options.scheduler not in (None, LOCAL):
        return options
    fitting = _workers_that_fit(needed, options.workers, options.callbacks)
    return replace(options, workers=fitting)


def _workers_that_fit(
    needed: Sequence[int], workers: int | None, callbacks: Sequence[SweepCallback]
) -> int:
    """How many of the workers fit into this machine's memory; reports it if not all do."""
    workers = workers or available_cpus()
    available = available_to_all()
    fitting = workers_that_fit(needed, workers, available)
    if available is not None and fitting < workers:
        for callback in callbacks:
            callback.on_warning(
                f"workers: {fitting} instead of {workers}: a trial takes up to "
                f"{human_bytes(max(needed) + PROCESS)}, "
                f"and {human_bytes(available.bytes)} {available.bound}"
            )
    return fitting


def _run(
    source: SweepSource,
    sweep_dir: SweepDir,
    datasets: Datasets,
    executor: Executor,
    options: SweepOptions,
    force: bool = False,
    unprune: Sequence[int] = (),
) -> SweepResult:
    ledger = Ledger(sweep_dir, source.config.costs)
    watchers, argv = options.callbacks, options.argv
    with stop_signals() as stop, executor:
        sweeper = Sweeper(source, ledger, datasets, executor, stop, watchers, argv, force, unprune)
        return sweeper.run()
