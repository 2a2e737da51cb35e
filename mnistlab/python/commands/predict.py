"""Predict pictures with a run's network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mnistlab.experiment.ensemble import Ensemble, load_ensemble, members_at
from mnistlab.experiment.model import Model, Weights, load_model
from mnistlab.experiment.predict import Answers, is_table
from mnistlab.experiment.predict import predict as ask
from mnistlab.photo.picture import pictures_at
from mnistlab.store.browse.found import best_of, is_link_to_sweep, is_sweep
from mnistlab.support.errors import UsageError


def predict(
    paths: Sequence[Path],
    images: Sequence[Path],
    *,
    weights: Weights = "final",
    raw: bool = False,
    save: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Answers:
    """Predict the classes of pictures with a run's network; `raw`: images are used unchanged.

    Several runs, and the finished trials of sweeps, predict by the mean of their probabilities; a
    link to a sweep, such as `runs/latest`, is its best trial.

    A folder among `images` stands for the pictures in it, in the order of their names. `save`: a
    folder for each picture's input image and figure. Files that are not pictures of a digit are in
    `unread`. Raises UsageError if there is no such run or weights, if pictures cannot be prepared
    for it, if nothing can be saved, or if a file that no earlier call wrote would be overwritten.
    """
    if save is not None and (tables := [image for image in images if is_table(image)]):
        raise UsageError(f"{tables[0]}: the rows of a table cannot be saved; leave --save out")
    images = [picture for image in images for picture in pictures_at(image)]
    if save is None:
        return ask(_network(paths, weights, threads, tell), images, raw)
    from mnistlab.figures.prediction import files_of, refuse_to_overwrite, save_predictions

    files = files_of(images, save)
    refuse_to_overwrite(files)
    answers = ask(_network(paths, weights, threads, tell), images, raw)
    return replace(answers, saved=save_predictions(answers, files))


def _network(
    paths: Sequence[Path], weights: Weights, threads: int | None, tell: Callable[[str], None]
) -> Model | Ensemble:
    """The network of a run, or those of several runs and sweeps."""
    if len(paths) == 1 and (is_link_to_sweep(paths[0]) or not is_sweep(paths[0])):
        return load_model(best_of(paths[0], tell), weights, threads=threads, tell=tell)
    return load_ensemble(members_at(paths), weights, threads=threads, tell=tell)
