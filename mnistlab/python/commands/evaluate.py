"""Evaluate a run's network, or several together."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mnistlab.data import DownloadProgress
from mnistlab.experiment.calibration import CalibrationScores
from mnistlab.experiment.calibration import calibrate as fit_and_score
from mnistlab.experiment.ensemble import EnsembleScores, load_ensemble, members_at
from mnistlab.experiment.ensemble import evaluate_ensemble as score_ensemble
from mnistlab.experiment.model import Weights, load_model
from mnistlab.experiment.robustness import (
    Disturbance,
    RobustnessScores,
    evaluate_robustness,
)
from mnistlab.experiment.scores import Scores, score
from mnistlab.store.browse.found import best_of
from mnistlab.store.figure_file import figure_format, refuse_figure_file, write_figure_file
from mnistlab.support.metric_names import SplitName


def evaluate(
    path: Path,
    *,
    split: SplitName = "test",
    weights: Weights = "final",
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: DownloadProgress | None = None,
) -> Scores:
    """Evaluate the network of a run, or of a sweep's best trial, on a part of its dataset.

    The dataset must be unchanged since training.

    Raises UsageError if there is no such run, no such weights or no such images; DataError if the
    dataset is missing.
    """
    model = load_model(
        best_of(path, tell),
        weights,
        data_dir=data_dir,
        threads=threads,
        tell=tell,
        data_progress=data_progress,
    )
    return score(model, split)


def evaluate_ensemble(
    paths: Sequence[Path],
    *,
    split: SplitName = "test",
    weights: Weights = "final",
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: DownloadProgress | None = None,
) -> EnsembleScores:
    """Evaluate several networks together: those of runs, and of the finished trials of sweeps.

    Raises as `evaluate` does, and UsageError if there are fewer than two, or if they have other
    images, classes or outputs.
    """
    ensemble = load_ensemble(
        members_at(paths),
        weights,
        data_dir=data_dir,
        threads=threads,
        tell=tell,
        data_progress=data_progress,
    )
    return score_ensemble(ensemble, split)


def calibrate(
    path: Path,
    *,
    split: SplitName = "test",
    weights: Weights = "final",
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: DownloadProgress | None = None,
) -> CalibrationScores:
    """Fit a network's temperature on its validation images; tell its calibration before and after.

    Raises as `evaluate` does, and UsageError if the run has no validation images or no softmax.
    """
    model = load_model(
        best_of(path, tell),
        weights,
        data_dir=data_dir,
        threads=threads,
        tell=tell,
        data_progress=data_progress,
    )
    return fit_and_score(model, split)


def disturb(
    path: Path,
    by: Disturbance,
    *,
    figure: Path | None = None,
    split: SplitName = "test",
    weights: Weights = "final",
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: DownloadProgress | None = None,
) -> RobustnessScores:
    """Evaluate the network of a run, or of a sweep's best trial, on disturbed images.

    `figure` is a png, svg or pdf to draw.

    Raises as `evaluate` does, and UsageError for a figure that would overwrite a file that mnistlab
    did not write.
    """
    if figure is not None:
        refuse_figure_file(figure)
    model = load_model(
        best_of(path, tell),
        weights,
        data_dir=data_dir,
        threads=threads,
        tell=tell,
        data_progress=data_progress,
    )
    scores = evaluate_robustness(model, split, by)
    if figure is not None:
        from mnistlab.figures import style
        from mnistlab.figures.robustness import robustness

        drawn = style.rendered(robustness(scores), figure_format(figure))
        write_figure_file(figure, drawn)
    return scores
