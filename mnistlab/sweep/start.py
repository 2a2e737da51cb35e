"""A sweep begun in a new folder, or carried on in its own."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.config.load_sweep import SweepSource, extended, load_sweep
from mnistlab.data import Progress
from mnistlab.errors import UsageError
from mnistlab.experiment import durable
from mnistlab.experiment.interruption import stop_signals
from mnistlab.experiment.run_dir import SWEEP_NAME, create_folder
from mnistlab.sweep.executors import LocalExecutor
from mnistlab.sweep.ledger import Ledger, only_sweeper
from mnistlab.sweep.results import REFIT, SweepDir
from mnistlab.sweep.space import blocks, checked_points, points
from mnistlab.sweep.sweeper import Sweeper
from mnistlab.sweep.trials import Datasets, check_all
from mnistlab.sweep.watch import SweepCallback, SweepResult


def begin(
    source: SweepSource,
    *,
    runs_dir: Path,
    data_dir: Path,
    workers: int,
    callbacks: Sequence[SweepCallback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> SweepResult:
    """Run a sweep in a new folder.

    Every point is checked before there is a folder: raises ConfigError, DataError, UsageError.
    """
    datasets = Datasets(data_dir, data_progress)
    check(source, datasets)
    started = datetime.now(UTC)
    name, text = source.config.name, source.text()
    sweep_dir = SweepDir(create_folder(runs_dir, name, SWEEP_NAME, text, started))
    with only_sweeper(sweep_dir):
        return _run(source, sweep_dir, datasets, workers, callbacks, argv)


def carry_on(
    path: Path,
    arguments: Sequence[str] = (),
    *,
    data_dir: Path,
    workers: int,
    force: bool = False,
    callbacks: Sequence[SweepCallback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> SweepResult:
    """Run what is left of a sweep; `arguments`, `KEY=V1,V2` each, make its grid larger first.

    Raises UsageError where another process is at work on it, or where what it was begun with has
    changed; ConfigError, DataError.
    """
    sweep_dir = SweepDir(path.resolve())
    with only_sweeper(sweep_dir):
        # Not below: a worker of a process that was killed may still be writing there.
        durable.remove_temporaries(sweep_dir.path, below=False)
        source = load_sweep(sweep_dir.config)
        datasets = Datasets(data_dir, data_progress)
        if arguments:
            source = extended(source, arguments)
        check(source, datasets)
        if arguments:
            durable.write_file(sweep_dir.config, source.text())
        return _run(source, sweep_dir, datasets, workers, callbacks, argv, force)


def is_sweep(path: Path) -> bool:
    """Whether the folder is a sweep's."""
    return (path / SWEEP_NAME).is_file()


def worker_count(wanted: int | None, processors: int) -> int:
    """How many workers: as many as processors, and never more, each has a thread of its own."""
    if wanted is not None and wanted < 1:
        raise UsageError(f"--workers: found {wanted}, must be auto or at least 1")
    return min(wanted or processors, processors)


def plan(source: SweepSource) -> list[dict[str, Any]]:
    """The trials that are known before anything is run, and the winners' that are to follow."""
    checked_points(source)
    seeds = source.config.seeds
    found: list[dict[str, Any]] = []
    for block in blocks(source):
        stage = {} if block.name is None else {"stage": block.name, "from": block.source}
        for point in points(source, block, {}):
            found += [{**stage, "parameters": point.parameters | more} for more in _seeds(seeds)]
    for name in source.config.refit or ():
        stage = {"stage": f"{REFIT}{name}", "from": name}
        found += [{**stage, "parameters": more} for more in _seeds(seeds)]
    return found


def _seeds(count: int) -> list[dict[str, Any]]:
    """What the repeats of a point differ in, told from the run's seed on."""
    return [{}] if count == 1 else [{"seed": f"seed + {n}" if n else "seed"} for n in range(count)]


def check(source: SweepSource, datasets: Datasets) -> None:
    """See that every point of a sweep can be run. Raises ConfigError, DataError."""
    configs = (config for _, _, config in checked_points(source))
    check_all(configs, datasets, source.config.metric.name)


def _run(
    source: SweepSource,
    sweep_dir: SweepDir,
    datasets: Datasets,
    workers: int,
    callbacks: Sequence[SweepCallback],
    argv: Sequence[str],
    force: bool = False,
) -> SweepResult:
    ledger = Ledger(sweep_dir)
    with stop_signals() as stop, LocalExecutor(workers, datasets.data_dir) as executor:
        sweeper = Sweeper(source, ledger, datasets, executor, stop, callbacks, argv, force)
        return sweeper.run()
