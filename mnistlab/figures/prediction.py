"""One picture: the original, the prepared image, and the outputs of the network."""

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from PIL import Image

from mnistlab.experiment.predict import Answers
from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.photo.picture import read_picture
from mnistlab.store.written_files import refuse_others, write_own
from mnistlab.support.errors import UsageError
from mnistlab.support.text_format import without_middle

HEIGHT = 2.75  # inches, of the part under the heading
PICTURE_SIDE, SEEN_SIDE = 3.1, 2.45  # inches at most
# If there are more classes than this, only the most probable are shown.
MOST_BARS = 10
NAME_LENGTH = 14
BYTE = (0.0, 255.0)


def prediction(
    picture: np.ndarray,
    seen: np.ndarray,
    outputs: np.ndarray,
    class_names: Sequence[str],
    *,
    probabilities: bool,
    name: str,
    run: str,
) -> Figure:
    """The picture uint8 (height, width, 3), the prepared image uint8 (height, width), and the
    outputs (classes,) as bars; `probabilities`: whether the outputs are probabilities. `name` is
    the picture's file, `run` the network's.
    """
    heading = f"{name}: predicted {class_names[int(np.argmax(outputs))]}"
    what = "probability" if probabilities else "output"
    note = (
        f"Left: the picture. Middle: the prepared image of {seen.shape[0]} × {seen.shape[1]} "
        f"pixels, as the network sees it. Right: the {what} of each class."
    )
    if len(outputs) > MOST_BARS:
        note = note.replace("each class", f"the {MOST_BARS} classes of largest {what}")
    with style.drawing():
        sheet = Sheet(HEIGHT, heading, note, run)
        tall = picture.shape[0] / picture.shape[1]
        width = min(PICTURE_SIDE, SEEN_SIDE / tall)
        given = sheet.panel(MARGIN, 0.05, width, width * tall)
        given.imshow(picture, interpolation="antialiased", aspect="auto")
        given.set_axis_off()
        side = SEEN_SIDE * min(1.0, seen.shape[1] / seen.shape[0])
        x = MARGIN + PICTURE_SIDE + 0.25
        height = sheet.picture(x, 0.05, side, seen, "gray", BYTE)
        sheet.frame((x, 0.05, side, height))
        _bars(sheet, x + SEEN_SIDE + 0.3, outputs, class_names, what)
    return sheet.figure


def _bars(
    sheet: Sheet, x: float, outputs: np.ndarray, class_names: Sequence[str], what: str
) -> None:
    shown = np.sort(np.argsort(-outputs, kind="stable")[:MOST_BARS])
    values = outputs[shown].astype(np.float64)
    names = [without_middle(class_names[label], NAME_LENGTH) for label in shown]
    left = x + 0.15 + 0.085 * max(map(len, names))
    axes = sheet.panel(left, 0.05, style.WIDTH - MARGIN - 0.75 - left, SEEN_SIDE - 0.2)
    best = int(np.argmax(values))
    colours = [style.BLUE if place == best else style.BAR for place in range(len(shown))]
    rows = np.arange(len(shown))
    axes.barh(rows, values, color=colours, height=0.75)
    axes.set_yticks(rows, names, parse_math=False)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    is_share = what == "probability"
    if is_share:
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    for row, value in zip(rows, values, strict=True):
        text = f"{100 * value:.1f} %" if is_share else f"{value:.3g}"
        place = (max(value, 0.0), row)
        axes.annotate(text, place, (4, 0), textcoords="offset points", va="center")


def files_of(images: Sequence[Path], folder: Path) -> dict[Path, list[Path]]:
    """The files to save for each picture: NAME.png, the image as the network received it, and
    NAME-prediction.png, the figure. Pictures with the same name get numbers.
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
    """Raise UsageError if one of the files exists and was not saved by an earlier call."""
    every = (file for of_one in files.values() for file in of_one)
    refuse_others(every, hint="choose another folder for --save")


def save_predictions(
    answers: Answers, files: Mapping[Path, Sequence[Path]]
) -> dict[Path, list[Path]]:
    """Save two files for each picture: the image as the network received it, and the figure;
    `files_of` names them.

    Raises UsageError if a file cannot be written, or exists and was not saved by this command.
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
                name=said.image.name,
                run=model.config.name,
            )
            write_own(drawn, style.rendered(figure), "png")
            saved[said.image] = [seen, drawn]
    except OSError as error:
        raise UsageError(f"{seen.parent}: nothing can be saved here: {error.strerror}") from error
    return saved
