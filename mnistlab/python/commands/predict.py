"""Predict pictures with a run's network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mnistlab.experiment.model import Weights, load_model
from mnistlab.experiment.predict import Answers
from mnistlab.experiment.predict import predict as ask
from mnistlab.photo.picture import pictures_at


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

    A folder among `images` stands for the pictures in it, in the order of their names. `save`: a
    folder for what the network saw of each, and a figure of it. A file that is no picture of a
    digit is among `unread`. Raises UsageError where there is no such run or weights, where
    pictures can't be prepared for it, nothing can be saved, or a file that an earlier call did not
    write would be overwritten.
    """
    images = [picture for image in images for picture in pictures_at(image)]
    if save is None:
        return ask(load_model(path, weights, threads=threads, tell=tell), images, raw)
    from mnistlab.figures.prediction import files_of, refuse_to_overwrite, save_predictions

    files = files_of(images, save)
    refuse_to_overwrite(files)
    answers = ask(load_model(path, weights, threads=threads, tell=tell), images, raw)
    return replace(answers, saved=save_predictions(answers, files))
