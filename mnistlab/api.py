"""What mnistlab does, as plain functions: the commands call these, and so can Python."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.config import RunConfig, load_run_config
from mnistlab.data import Progress
from mnistlab.engine.footprint import memory_estimate
from mnistlab.engine.gradcheck import IMAGES, THRESHOLD, TensorCheck, check_gradients
from mnistlab.engine.lower import lower
from mnistlab.engine.program import LayerSpec
from mnistlab.engine.threads import engine_threads
from mnistlab.experiment.callbacks import Callback, RunResult
from mnistlab.experiment.dataset import load_data, located
from mnistlab.experiment.durable import remove_temporaries
from mnistlab.experiment.resume import (
    ended_result,
    history_of,
    refuse_changed_config,
    refuse_changed_surroundings,
)
from mnistlab.experiment.run_dir import open_run
from mnistlab.experiment.runner import carry_on, only_process, run

if TYPE_CHECKING:
    from mnistlab.plots.gallery import SavedFigures

LEARNING_CURVES = "learning_curves.png"


def train(
    config: RunConfig,
    *,
    runs_dir: Path,
    data_dir: Path,
    threads: int | None = None,
    plots: bool = True,
    callbacks: Sequence[Callback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> RunResult:
    """Train one configuration into a new run folder.

    `threads`: None for as many as there are processors. Raises DataError, UsageError, ConfigError
    before there is a folder; a run that diverges returns, with advice.
    """
    dataset = load_data(config, data_dir, data_progress)
    with located(config):
        result = run(
            config, dataset, runs_dir=runs_dir, threads=threads, callbacks=callbacks, argv=argv
        )
    if plots:
        _draw(result, callbacks, data_dir, threads)
    return result


def resume(
    path: Path,
    *,
    data_dir: Path,
    threads: int | None = None,
    force: bool = False,
    plots: bool = True,
    callbacks: Sequence[Callback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> RunResult:
    """Carry a stopped run on, to the same bits as if it had never been stopped.

    A run that has ended is left as it is, but for a figure that it lacks. Raises UsageError where
    the configuration, the data, or (unless `force`) a library has changed since, or where another
    process is training the run.
    """
    run_dir = open_run(path)
    history = history_of(run_dir)
    result = ended_result(run_dir, history)
    if result is None:
        config = load_run_config(run_dir.config)
        refuse_changed_config(history, config)
        dataset = load_data(config, data_dir, data_progress)
        refuse_changed_surroundings(history, dataset.sha256, force)
        result = carry_on(
            run_dir, config, dataset, history, threads=threads, callbacks=callbacks, argv=argv
        )
    else:
        with only_process(run_dir):
            remove_temporaries(run_dir.path)
    if plots and not (result.already_ended and (run_dir.plots / LEARNING_CURVES).exists()):
        _draw(result, callbacks, data_dir, threads)
    return result


def _draw(
    result: RunResult, callbacks: Sequence[Callback], data_dir: Path, threads: int | None
) -> None:
    """Draw what is quickly drawn of a run that has ended; what can't be is no failure of it."""
    from mnistlab.plots.gallery import CHEAP

    if result.status == "interrupted":
        return
    drawn = visualize(result.run_dir, only=CHEAP, data_dir=data_dir, threads=threads)
    for left_out in drawn.left_out:
        for callback in callbacks:
            callback.on_message(f"{left_out.name}: left out: {left_out.why}")


def visualize(
    path: Path,
    *,
    only: Collection[str] | None = None,
    format: str = "png",
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: Progress | None = None,
) -> "SavedFigures":
    """Draw a run's figures into its folder: all, or those named in `only`; png, svg or pdf.

    What the run lacks, or what of it is damaged, leaves out the figures that need it, and the
    result says why. Raises UsageError where `path` is no run, or where no figure has a name that
    is in `only`.
    """
    from mnistlab.experiment.artefacts import Artefacts
    from mnistlab.plots.gallery import save_run_figures

    artefacts = Artefacts(
        open_run(path), data_dir=data_dir, threads=threads, tell=tell, data_progress=data_progress
    )
    return save_run_figures(artefacts, only, format)


@dataclass(frozen=True)
class CheckResult:
    """What `check` found: the network, its memory in bytes, and each tensor's gradient error."""

    layers: tuple[LayerSpec, ...]
    parameters: int
    memory: dict[str, int]
    tensors: tuple[TensorCheck, ...]
    threshold: float
    passed: bool
    images: int


def check(
    config: RunConfig,
    *,
    data_dir: Path,
    callbacks: Sequence[Callback] = (),
    data_progress: Progress | None = None,
) -> CheckResult:
    """Check a configuration: its layers, its memory, and its gradients by finite differences.

    In float64, on the first images of the training set. Raises as `train` does.
    """

    def tell(text: str) -> None:
        for callback in callbacks:
            callback.on_message(text)

    dataset = load_data(config, data_dir, data_progress)
    with located(config), engine_threads(1):
        program = lower(config, dataset.image_shape, len(dataset.class_names), 1)
        tensors = check_gradients(config, dataset, tell)
    return CheckResult(
        layers=program.layers,
        parameters=program.parameters,
        memory=memory_estimate(config, dataset),
        tensors=tuple(tensors),
        threshold=THRESHOLD,
        passed=all(tensor.passed for tensor in tensors),
        images=min(IMAGES, len(dataset.train)),
    )
