"""The commands that compute, as Python functions: train, sweep, resume, check and lr_find."""

import os
import signal
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mnistlab.config import RunConfig, load_run_config, resolved_mapping, run_config_from_mapping
from mnistlab.config.dump import value_as_yaml
from mnistlab.config.load import warn_of
from mnistlab.config.load_sweep import SweepSource, sweep_from_mapping
from mnistlab.config.load_sweep import load_sweep as read_sweep_config
from mnistlab.config.overrides import split_key
from mnistlab.config.source_nodes import Position
from mnistlab.config.yaml_nodes import nodes_from_mapping
from mnistlab.experiment.callbacks import RunResult
from mnistlab.experiment.dataset import data_dir_of_file
from mnistlab.python.arguments import overrides_of, refuse_no_count
from mnistlab.python.callbacks import Callback, RunListener, SweepListener, checked
from mnistlab.python.commands.check import CheckResult
from mnistlab.python.commands.check import check as check_config
from mnistlab.python.commands.lr_find import TESTING_RATES, refuse_overrides
from mnistlab.python.commands.lr_find import lr_find as find_rate
from mnistlab.python.commands.resume import resume as resume_run
from mnistlab.python.commands.sweep import resume_sweep
from mnistlab.python.commands.sweep import sweep as new_sweep
from mnistlab.python.commands.train import train as new_run
from mnistlab.python.run import Run
from mnistlab.python.sweep import Sweep
from mnistlab.python.tables import PathLike
from mnistlab.store.browse.found import is_sweep
from mnistlab.store.status import Status
from mnistlab.support import paths
from mnistlab.support.numba_settings import refuse_threads
from mnistlab.sweeps.sweep_callbacks import SweepResult
from mnistlab.terminal.count_progress import watch_count
from mnistlab.terminal.progress import watch_download, watch_messages
from mnistlab.terminal.watched import run_options
from mnistlab.terminal.watched_sweep import sweep_options
from mnistlab.training.suggested_rate import RateRange

Config = PathLike | Mapping[str, Any] | RunConfig


def train(
    config: Config,
    overrides: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    runs_dir: PathLike | None = None,
    data_dir: PathLike | None = None,
    threads: int | None = None,
    plots: bool = True,
    quiet: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Train one configuration into a new run folder: `mnistlab train`.

    `config` is a YAML file, or its content as a mapping, whose relative paths are relative to the
    working folder; `overrides` sets keys by their dotted path, `{"optimizer.lr": 0.01}`. Raises
    ConfigError, DataError, UsageError before there is a folder. A run that diverges is returned
    after a RuntimeWarning with advice. Ctrl-C saves a checkpoint, then raises KeyboardInterrupt.
    """
    named = {} if name is None else {"name": name}
    checked_config = run_config(config, {**overrides_of(overrides), **named})
    warn_of(checked_config)
    datasets = _data_dir(config, data_dir, quiet, checked_config)
    listener = RunListener(checked(callbacks), datasets)
    with run_options(datasets, threads=threads, quiet=quiet, callbacks=[listener]) as options:
        result = new_run(checked_config, paths.runs_dir(runs_dir), options, plots=plots)
    return _ended(result, listener, threads)


def resume(
    path: PathLike,
    overrides: Mapping[str, Any] | None = None,
    *,
    data_dir: PathLike | None = None,
    threads: int | None = None,
    force: bool = False,
    plots: bool = True,
    quiet: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Run | Sweep:
    """Resume a stopped run or sweep, to the same bits: `mnistlab resume`. One that has ended is
    returned unchanged.

    `overrides` make a run longer, `{"training.epochs": 40}`, even one that has ended; or add values
    to the grid of a sweep, `{"optimizer.lr": [0.3, 1.0]}`. `force` resumes it although libraries,
    compiler settings or the processor have changed. Raises UsageError if it cannot be resumed, and
    as `train` does.
    """
    refuse_threads(threads)
    datasets, folder = paths.data_dir(data_dir), Path(path)
    values = [_as_argument(key, value) for key, value in overrides_of(overrides).items()]
    if is_sweep(folder):
        hear = SweepListener(checked(callbacks), datasets)
        with sweep_options(datasets, workers=None, quiet=quiet, callbacks=[hear]) as how:
            swept = resume_sweep(folder, values, how, force=force, plots=plots)
        return _swept(swept, datasets)
    listener = RunListener(checked(callbacks), datasets)
    with run_options(datasets, threads=threads, quiet=quiet, callbacks=[listener]) as options:
        result = resume_run(folder, options, values=values, force=force, plots=plots)
    return _ended(result, listener, threads)


def sweep(
    config: PathLike | Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    seeds: int | None = None,
    runs_dir: PathLike | None = None,
    data_dir: PathLike | None = None,
    workers: int | None = None,
    plots: bool = True,
    quiet: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Sweep:
    """Run every trial of a sweep into a new folder, and choose the best: `mnistlab sweep`.

    `config` is a sweep's file or mapping; or a run's, with the values to try in `parameters`:
    `{"optimizer.lr": [0.1, 0.01]}`, each point repeated with `seeds` seeds. `workers`: None for the
    number of processors. Raises as `train` does, before there is a folder; `sweep.trials` has the
    trials that failed or diverged.
    """
    if workers is not None:
        refuse_no_count("workers", workers, ", or None")
    source = _sweep_source(config, parameters, seeds)
    datasets = _data_dir(config, data_dir, quiet)
    hear = SweepListener(checked(callbacks), datasets)
    with sweep_options(datasets, workers=workers, quiet=quiet, callbacks=[hear]) as options:
        result = new_sweep(source, paths.runs_dir(runs_dir), options, plots=plots)
    return _swept(result, datasets)


def check(
    config: Config,
    overrides: Mapping[str, Any] | None = None,
    *,
    data_dir: PathLike | None = None,
    quiet: bool = False,
) -> CheckResult:
    """Layers, memory, and gradients checked by finite differences: `mnistlab check`.

    `config` and `overrides` as in `train`, with the same errors.
    """
    checked_config = run_config(config, overrides_of(overrides))
    with watch_download(quiet=quiet) as download:
        return check_config(
            checked_config,
            data_dir=_data_dir(config, data_dir, quiet, checked_config),
            callbacks=[watch_messages(quiet=quiet)],
            data_progress=download,
        )


def lr_find(
    config: Config,
    overrides: Mapping[str, Any] | None = None,
    *,
    seeds: int = 3,
    figure: PathLike | None = None,
    write: bool = False,
    data_dir: PathLike | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> RateRange:
    """The learning rate that a range test suggests: `mnistlab lr-find`.

    `config` and `overrides` as in `train`, with the same errors. `figure`: a png, svg or pdf to
    draw. `write` puts the suggested rate into the YAML file that `config` names; overrides are then
    refused.
    """
    refuse_threads(threads)
    refuse_no_count("seeds", seeds)
    write_to = _file_to_change(config, overrides) if write else None
    checked_config = run_config(config, overrides_of(overrides))
    with (
        watch_download(quiet=quiet) as download,
        watch_count(*TESTING_RATES, quiet=quiet) as progress,
    ):
        return find_rate(
            checked_config,
            seeds=seeds,
            data_dir=_data_dir(config, data_dir, quiet, checked_config),
            figure=None if figure is None else Path(figure),
            write_to=write_to,
            threads=threads,
            progress=progress,
            tell=watch_messages(quiet=quiet).on_message,
            data_progress=download,
        )


def _data_dir(
    config: Config, data_dir: PathLike | None, quiet: bool, read: RunConfig | None = None
) -> Path:
    """The folder of datasets for a configuration; see `data_dir_of_file`. `read` is the run's."""
    folder = paths.data_dir(data_dir)
    if not isinstance(config, str | os.PathLike):
        return folder
    return data_dir_of_file(Path(config), folder, watch_messages(quiet=quiet).on_message, read)


def run_config(config: Config, overrides: Mapping[str, Any]) -> RunConfig:
    """The validated and complete configuration; raises ConfigError with all errors."""
    if isinstance(config, RunConfig):
        config = resolved_mapping(config)
    if isinstance(config, Mapping):
        return run_config_from_mapping(config, overrides)
    _refuse_no_config(config)
    return load_run_config(Path(config), overrides)


def _refuse_no_config(config: Any) -> None:
    if not isinstance(config, str | os.PathLike):
        raise TypeError(f"config: found {config!r}, must be a YAML file's path or a mapping")


def _file_to_change(config: Config, overrides: Mapping[str, Any] | None) -> Path:
    if not isinstance(config, str | os.PathLike):
        raise TypeError(f"config: found {config!r}, must be a YAML file's path, to write into it")
    refuse_overrides(overrides_of(overrides))
    return Path(config)


def _as_argument(key: str, value: Any) -> str:
    """A value, or the values of a list, as the command line has them."""
    plain = nodes_from_mapping(value, Position("overrides"), split_key(key)).plain()
    values = plain if isinstance(plain, list) else [plain]
    return f"{key}={','.join(map(value_as_yaml, values))}"


def _sweep_source(
    config: PathLike | Mapping[str, Any], parameters: Mapping[str, Any] | None, seeds: int | None
) -> SweepSource:
    if parameters is None and seeds is None:
        if isinstance(config, Mapping):
            return sweep_from_mapping(config)
        _refuse_no_config(config)
        return read_sweep_config(Path(config))
    if not isinstance(config, Mapping):
        _refuse_no_config(config)
    run = {"run": config} if isinstance(config, Mapping) else {"base": str(Path(config))}
    seed = {} if seeds is None else {"seeds": seeds}
    return sweep_from_mapping({**run, "parameters": parameters or {}, **seed})


def _ended(result: RunResult, listener: RunListener, threads: int | None) -> Run:
    """The run, after its callbacks have been told that it has ended."""
    if result.signal is not None:
        _stopped(result.signal, result.run_dir)
    run = listener.run or Run(result.run_dir, data_dir=listener.data_dir, threads=threads)
    for callback in listener.callbacks:
        callback.on_end(run)
    if result.status is Status.DIVERGED and not result.already_ended:
        warnings.warn(f"{run.path}: diverged: {result.advice}", RuntimeWarning, stacklevel=3)
    return run


def _swept(result: SweepResult, data_dir: Path) -> Sweep:
    if result.signal is not None:
        _stopped(result.signal, result.sweep_dir)
    return Sweep(result.sweep_dir, data_dir=data_dir)


def _stopped(number: int, folder: Path) -> NoReturn:
    """End as the signal would have ended Python, after everything is saved."""
    if number != signal.SIGINT:
        signal.raise_signal(number)
    raise KeyboardInterrupt(
        f"stopped; all finished work is saved: mnistlab.resume({str(folder)!r}) resumes it"
    )
