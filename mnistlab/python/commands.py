"""What mnistlab does, as plain functions: the commands call these, and so can Python."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.config import RunConfig, SweepSource
from mnistlab.data import Progress
from mnistlab.experiment.callbacks import Callback, RunResult
from mnistlab.experiment.class_coverage import class_warnings
from mnistlab.experiment.dataset import load_data, located
from mnistlab.experiment.fits_data import refuse_unfit
from mnistlab.experiment.memory_bound import refuse_too_large
from mnistlab.experiment.model import Weights, load_model
from mnistlab.experiment.predict import Answers
from mnistlab.experiment.predict import predict as ask
from mnistlab.experiment.resume import (
    config_of,
    ended_result,
    history_of,
    refuse_changed_surroundings,
)
from mnistlab.experiment.runner import carry_on, only_process, run
from mnistlab.experiment.scores import Scores, score
from mnistlab.runtime.program import LayerSpec
from mnistlab.runtime.threads import engine_threads
from mnistlab.store.drawing import remove_leftovers
from mnistlab.store.run_dir import open_run
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError
from mnistlab.support.host import available_cpus
from mnistlab.support.metric_names import SplitName
from mnistlab.sweeps import start
from mnistlab.sweeps.watch import SweepCallback, SweepResult
from mnistlab.training.footprint import memory_estimate
from mnistlab.training.gradcheck import IMAGES, THRESHOLD, TensorCheck, check_gradients
from mnistlab.training.lower import lower

if TYPE_CHECKING:
    from mnistlab.export import Exported
    from mnistlab.export.exporter import Format
    from mnistlab.export.onnx_graph import Pixels
    from mnistlab.figures.gallery import SavedFigures
    from mnistlab.reproduce.reproduction import ReproduceOptions
    from mnistlab.reproduce.together import Reproduction

logger = logging.getLogger(__name__)
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
    the configuration, the data, or (unless `force`) a library, a setting of the compiler or the
    processor has changed since, or where another process is training the run.
    """
    run_dir = open_run(path)
    history = history_of(run_dir, force)
    result = ended_result(run_dir, history)
    if result is None:
        config = config_of(run_dir, history)
        dataset = load_data(config, data_dir, data_progress)
        refuse_changed_surroundings(history, dataset.sha256, force)
        result = carry_on(
            run_dir, config, dataset, history, threads=threads, callbacks=callbacks, argv=argv
        )
    else:
        with only_process(run_dir):
            remove_leftovers(run_dir.path)
    if plots and not (result.already_ended and (run_dir.plots / LEARNING_CURVES).exists()):
        _draw(result, callbacks, data_dir, threads)
    return result


def _draw(
    result: RunResult, callbacks: Sequence[Callback], data_dir: Path, threads: int | None
) -> None:
    """Draw what is quickly drawn of a run that has ended; what can't be is no failure of it."""
    from mnistlab.figures.gallery import CHEAP

    if result.status is Status.INTERRUPTED:
        return
    try:
        drawn = visualize(result.run_dir, only=CHEAP, data_dir=data_dir, threads=threads)
        told = [f"{left_out.name}: left out: {left_out.why}" for left_out in drawn.left_out]
    except UsageError as error:  # what stands in the figures' places is not ours
        told = list(error.messages)
    for text in told:
        for callback in callbacks:
            callback.on_message(text)


def visualize(
    path: Path,
    *,
    only: Collection[str] | None = None,
    format: str = "png",
    report: bool = True,
    force: bool = False,
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: Progress | None = None,
) -> "SavedFigures":
    """Draw the figures of a run or sweep into its folder: all, or those named in `only`; and
    report.html with these figures on it, if `report`.

    `format` is png, svg or pdf. What the run lacks, or what of it is damaged, leaves out the
    figures that need it, and the result says why. Raises UsageError where `path` is neither, where
    no figure has a name that is in `only`, or where a file that mnistlab did not write would be
    overwritten, unless `force`.
    """
    from mnistlab.python.visualization import Wanted, visualize_run, visualize_sweep

    options = {
        "data_dir": data_dir,
        "threads": threads,
        "tell": tell,
        "data_progress": data_progress,
    }
    draw = visualize_sweep if is_sweep(path) else visualize_run
    return draw(path, Wanted(only, format, report, force, options))


def evaluate(
    path: Path,
    *,
    split: SplitName = "test",
    weights: Weights = "final",
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: Progress | None = None,
) -> Scores:
    """Measure a run's network on a part of its dataset, which must be the one it was trained on.

    Raises UsageError where there is no such run, no such weights or no such images; DataError where
    the dataset is missing.
    """
    model = load_model(
        path, weights, data_dir=data_dir, threads=threads, tell=tell, data_progress=data_progress
    )
    return score(model, split)


def predict(
    path: Path,
    images: Sequence[Path],
    *,
    weights: Weights = "final",
    raw: bool = False,
    save: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Answers:
    """Ask a run's network about pictures; `raw`: images that are to be taken as they are.

    `save`: a folder for what the network saw of each, and a figure of it. A file that is no picture
    of a digit is among `unread`. Raises UsageError where there is no such run or weights, where
    pictures can't be prepared for it, nothing can be saved, or a file that an earlier call did not
    write would be overwritten.
    """
    if save is None:
        return ask(load_model(path, weights, threads=threads, tell=tell), images, raw)
    from mnistlab.figures.prediction import files_of, refuse_to_overwrite, save_predictions

    files = files_of(images, save)
    refuse_to_overwrite(files)
    answers = ask(load_model(path, weights, threads=threads, tell=tell), images, raw)
    return replace(answers, saved=save_predictions(answers, files))


def export(
    path: Path,
    format: "Format",
    *,
    output: Path | None = None,
    weights: Weights = "final",
    pixels: "Pixels" = "uint8",
    force: bool = False,
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> "Exported":
    """Write a run's network for other tools: `onnx`, `safetensors` (PyTorch's layout) or `npz`.

    To `output`, or `model.<format>` in the run's folder. An ONNX model takes raw images of `pixels`
    and is compared with our own predictions before it is written. Raises UsageError where there is
    no such run or weights, where a library is missing, or the file can't be written: one that no
    export wrote is overwritten only by `force`.
    """
    from mnistlab.export import export_model, refuse_to_overwrite, require

    require(format)
    refuse_to_overwrite(open_run(path), format, output, force=force)
    model = load_model(path, weights, data_dir=data_dir, threads=threads, tell=tell)
    return export_model(model, format, output, pixels, force=force)


def sweep(
    source: SweepSource,
    *,
    runs_dir: Path,
    data_dir: Path,
    workers: int | None = None,
    scheduler: str | None = None,
    plots: bool = True,
    callbacks: Sequence[SweepCallback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> SweepResult:
    """Run every trial of a sweep into a new folder, and choose the best.

    `workers`: None for as many as there are processors; never more. `scheduler`: the address of a
    scheduler of Dask whose workers train the trials (`workers` of them at a time, None: all), or
    local. Raises ConfigError with all that is wrong with any trial, DataError, UsageError before
    there is a folder.
    """
    result = start.begin(
        source,
        runs_dir=runs_dir,
        data_dir=data_dir,
        workers=start.worker_count(workers, available_cpus(), scheduler),
        scheduler=scheduler,
        callbacks=callbacks,
        argv=argv,
        data_progress=data_progress,
    )
    if plots:
        _draw_sweep(result, callbacks, data_dir)
    return result


def resume_sweep(
    path: Path,
    arguments: Sequence[str] = (),
    *,
    data_dir: Path,
    workers: int | None = None,
    scheduler: str | None = None,
    force: bool = False,
    plots: bool = True,
    callbacks: Sequence[SweepCallback] = (),
    argv: Sequence[str] = (),
    data_progress: Progress | None = None,
) -> SweepResult:
    """Run what is left of a sweep: `arguments`, `KEY=V1,V2` each, make its grid larger first.

    Raises as `resume` does.
    """
    result = start.carry_on(
        path,
        arguments,
        data_dir=data_dir,
        workers=start.worker_count(workers, available_cpus(), scheduler),
        scheduler=scheduler,
        force=force,
        callbacks=callbacks,
        argv=argv,
        data_progress=data_progress,
    )
    if plots and not (result.already_ended and SweepDir(result.sweep_dir).plots.exists()):
        _draw_sweep(result, callbacks, data_dir)
    return result


def is_sweep(path: Path) -> bool:
    """Whether the folder is a sweep's."""
    return start.is_sweep(path)


def plan_sweep(source: SweepSource) -> list[dict[str, Any]]:
    """The trials of a sweep, every point checked, nothing run: `parameters` of each, and `stage`
    and `from` where it has stages.

    What a later stage takes over from a winner is not known yet. Raises ConfigError.
    """
    return start.plan(source)


def _draw_sweep(result: SweepResult, callbacks: Sequence[SweepCallback], data_dir: Path) -> None:
    """Draw what there is of a sweep that has ended."""
    if result.status is Status.INTERRUPTED:
        return
    for callback in callbacks:
        callback.on_message("drawing the figures …")
    try:
        told = list(visualize(result.sweep_dir, data_dir=data_dir).damaged)
    except UsageError as error:  # what stands in the figures' places is not ours
        told = list(error.messages)
    for text in told:
        for callback in callbacks:
            callback.on_message(text)


@dataclass(frozen=True)
class CheckResult:
    """What `check` found: the network, its memory in bytes, and each tensor's gradient error.

    `passed` is False where a gradient is wrong. A tensor that could not be compared is neither
    right nor wrong; where no tensor could, `passed` is None.
    """

    layers: tuple[LayerSpec, ...]
    parameters: int
    memory: dict[str, int]
    tensors: tuple[TensorCheck, ...]
    threshold: float
    passed: bool | None
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
    for text in class_warnings(config, dataset):
        logger.warning("%s", text)
    with located(config), engine_threads(1):
        refuse_unfit(config, dataset)
        refuse_too_large(config, dataset)
        program = lower(config, dataset.image_shape, len(dataset.class_names), 1)
        tensors = check_gradients(config, dataset, tell)
    return CheckResult(
        layers=program.layers,
        parameters=program.parameters,
        memory=memory_estimate(config, dataset),
        tensors=tuple(tensors),
        threshold=THRESHOLD,
        passed=_all_right(tensors),
        images=min(IMAGES, len(dataset.train)),
    )


def _all_right(tensors: Sequence[TensorCheck]) -> bool | None:
    """Whether no gradient is wrong; None where none could be compared."""
    verdicts = {tensor.verdict for tensor in tensors}
    if "wrong" in verdicts:
        return False
    return True if "right" in verdicts else None


def reproduce(
    names: Sequence[str],
    *,
    budget: str = "default",
    arguments: Sequence[str] = (),
    runs_dir: Path,
    options: "ReproduceOptions",
) -> "Reproduction":
    """Run the experiments of reports, each report in a new folder, and write what each stated
    beside what was measured.

    `names`: of reports that mnistlab brings, or folders with a report.yaml. `budget`: default,
    full or quick. `arguments`: `KEY=VALUE`, set in every experiment. Raises ConfigError, DataError,
    UsageError before there is a folder.
    """
    from mnistlab.reproduce.together import reproduce_together

    return reproduce_together(names, budget, arguments, runs_dir, options)


def resume_reproduction(path: Path, options: "ReproduceOptions") -> "Reproduction":
    """Carry on what one `reproduce` has begun, and write its pages again. Raises as it does."""
    from mnistlab.reproduce.together import carry_on_together

    return carry_on_together(path, options)


def is_reproduction(path: Path) -> bool:
    """Whether the folder is a report's reproduction."""
    from mnistlab.reproduce.report_dir import is_reproduction

    return is_reproduction(path)
