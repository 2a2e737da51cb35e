"""One picture: the original, the prepared image, and the outputs of the network."""

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from mnistlab.experiment.predict import Answers
from mnistlab.figures import style
from mnistlab.photo.picture import read_picture
from mnistlab.store.written_files import refuse_others, write_own
from mnistlab.support.errors import UsageError

HEIGHT = 3.6  # inches
# Of more classes than this, the likeliest alone are shown.
MOST_BARS = 10
NAME_LENGTH = 14


def prediction(
    picture: np.ndarray,
    seen: np.ndarray,
    outputs: np.ndarray,
    class_names: Sequence[str],
    *,
    probabilities: bool,
    title: str,
) -> Figure:
    """The picture uint8 (height, width, 3), the prepared image uint8 (height, width), and the
    outputs (classes,) as bars; `probabilities`: whether the outputs are probabilities.
    """
    with style.drawing():
        figure = style.new_figure(style.WIDTH, HEIGHT)
        figure.suptitle(title, x=0.02, y=0.97, ha="left", fontsize=style.LARGE)
        given = figure.add_axes((0.02, 0.08, 0.30, 0.68))
        given.imshow(picture, interpolation="antialiased")
        given.set_title("the picture")
        inside = figure.add_axes((0.34, 0.08, 0.24, 0.68))
        inside.imshow(seen, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        inside.set_title(f"prepared image, {seen.shape[0]} × {seen.shape[1]}")
        for axes in (given, inside):
            axes.set_axis_off()
        _bars(figure, outputs, class_names, probabilities)
        return figure


def _bars(
    figure: Figure, outputs: np.ndarray, class_names: Sequence[str], probabilities: bool
) -> None:
    shown = np.sort(np.argsort(-outputs, kind="stable")[:MOST_BARS])
    values = outputs[shown].astype(np.float64)
    names = [_short(class_names[label]) for label in shown]
    longest = max(map(len, names))
    left = 0.61 + 0.009 * longest
    axes = figure.add_axes((left, 0.14, 0.91 - left, 0.62))
    best = int(np.argmax(values))
    colours = [style.BLUE if place == best else style.BAR for place in range(len(shown))]
    rows = np.arange(len(shown))
    axes.barh(rows, values, color=colours, height=0.75)
    axes.set_yticks(rows, names)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_title("probability" if probabilities else "output")
    if probabilities:
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for row, value in zip(rows, values, strict=True):
        text = f"{value:.1%}" if probabilities else f"{value:.3g}"
        axes.annotate(text, (max(value, 0.0), row), (4, 0), textcoords="offset points", va="center")


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def files_of(images: Sequence[Path], folder: Path) -> dict[Path, list[Path]]:
    """What is to be saved of each picture: NAME.png, as the network saw it, and
    NAME-prediction.png, the figure. Pictures of one name get numbers.
    """
    found: dict[Path, list[Path]] = {}
    taken: set[Path] = set()
    for image in dict.fromkeys(images):
        for number in itertools.count(1):
            name = image.stem if number == 1 else f"{image.stem}-{number}"
            files = [folder / f"{name}.png", folder / f"{name}-prediction.png"]
            if taken.isdisjoint(files):
                break
        taken.update(files)
        found[image] = files
    return found


def refuse_to_overwrite(files: Mapping[Path, Sequence[Path]]) -> None:
    """Raise UsageError where one of the files is there, and is not what an earlier call saved."""
    every = (file for of_one in files.values() for file in of_one)
    refuse_others(every, hint="choose another folder for --save")


def save_predictions(
    answers: Answers, files: Mapping[Path, Sequence[Path]]
) -> dict[Path, list[Path]]:
    """Save of each picture what the network saw and a figure, as `files_of` names them.

    Raises UsageError where nothing can be written, or what is there was not saved by this.
    """
    model, saved = answers.model, {}
    try:
        for said in answers.predictions:
            seen, drawn = files[said.image]
            seen.parent.mkdir(parents=True, exist_ok=True)
            content = io.BytesIO()
            Image.fromarray(said.seen).save(content, "PNG")
            write_own(seen, content.getvalue(), "png")
            figure = prediction(
                read_picture(said.image),
                said.seen,
                said.outputs,
                model.class_names,
                probabilities=answers.are_probabilities,
                title=f"{said.image.name}: {model.class_names[said.predicted]}",
            )
            write_own(drawn, style.rendered(figure), "png")
            saved[said.image] = [seen, drawn]
    except OSError as error:
        raise UsageError(f"{seen.parent}: nothing can be saved here: {error.strerror}") from error
    return saved
