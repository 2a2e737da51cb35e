"""Every figure of a run: what it is called, what it shows, how it is read. And how such lists of
figures, a run's or a sweep's, are drawn and saved.
"""

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import run_figures as figures
from mnistlab.figures import style
from mnistlab.store.folder import Folder
from mnistlab.store.written_files import refuse_others, write_own
from mnistlab.support.errors import LackingError, MnistlabError, UsageError


@dataclass(frozen=True)
class Entry:
    """A figure that can be drawn of a run (of a sweep): `name` is its file's, `how_to_read` one
    line; `draw` takes the run's artefacts (the sweep's).
    """

    name: str
    title: str
    how_to_read: str
    draw: Callable[[Any], Figure]


@dataclass(frozen=True)
class Drawn:
    """A figure that was drawn."""

    name: str
    title: str
    how_to_read: str
    figure: Figure


@dataclass(frozen=True)
class LeftOut:
    """A figure that was not drawn; `error` is set where that is because something is damaged."""

    name: str
    title: str
    why: str
    error: MnistlabError | None = None


RUN_FIGURES = (
    Entry(
        "learning_curves",
        "Learning curves",
        "Training falling while validation rises is overfitting; a loss that jumps asks for a "
        "smaller learning rate.",
        figures.draw_learning_curves,
    ),
    Entry(
        "confusion_matrix",
        "Confusion matrix",
        "A row is a true class: what stands beside its diagonal was read as something else.",
        figures.draw_confusion_matrix,
    ),
    Entry(
        "confused_pairs",
        "Most confused pairs",
        "Are these mistakes that a person would make?",
        figures.draw_confused_pairs,
    ),
    Entry(
        "mistakes",
        "Most confident mistakes",
        "The mistakes that no threshold on the probability would catch; some labels are doubtful.",
        figures.draw_mistakes,
    ),
    Entry(
        "samples",
        "Images at random",
        "What the network does on an ordinary day, where the mistakes show its worst.",
        figures.draw_samples,
    ),
    Entry(
        "calibration",
        "Calibration",
        "Bars below the dashed line: the network is surer than it is right.",
        figures.draw_calibration,
    ),
    Entry(
        "weights",
        "Weights as images",
        "Shapes are what was learnt; noise is what was left of the start.",
        figures.draw_weights,
    ),
    Entry(
        "output_weights",
        "Hidden layer to classes",
        "Few strong fields in a class: it leans on few units.",
        figures.draw_output_weights,
    ),
    Entry(
        "feature_maps",
        "Feature maps",
        "A filter that is light along one kind of stroke has learnt that stroke; one that is dark "
        "everywhere does nothing.",
        figures.draw_feature_maps,
    ),
    Entry(
        "saliency",
        "What each pixel does",
        "Red where more ink would speak for the class, blue where it would speak against it.",
        figures.draw_saliency,
    ),
    Entry(
        "tsne",
        "t-SNE of the last hidden layer",
        "Islands of one class are told apart well; look where two of them touch.",
        figures.draw_tsne,
    ),
    Entry(
        "layer_statistics",
        "Layer statistics",
        "Updates of about a thousandth of the weights are usual; dead units never come back.",
        figures.draw_layer_statistics,
    ),
    Entry(
        "layer_sheet",
        "Layer by layer",
        "Inputs whose weights never changed carry nothing; activations that all look alike mean "
        "that the layer passes little on.",
        figures.draw_layer_sheet,
    ),
    Entry(
        "weight_distributions",
        "Weight distributions",
        "L1 drives weights to zero, a spike in the middle; L2 draws all of them closer to it.",
        figures.draw_weight_distributions,
    ),
)


@dataclass(frozen=True)
class SavedFigures:
    """What became of the figures: those drawn, their files by name, and what was left out.

    `folder` is the run's or the sweep's, `report` its page, where one was written.
    """

    folder: Path
    drawn: list[Drawn]
    figures: dict[str, Path]
    left_out: list[LeftOut]
    report: Path | None = None

    @property
    def damaged(self) -> dict[str, list[LeftOut]]:
        """What was left out because of damage, by what is damaged, in words."""
        found: dict[str, list[LeftOut]] = {}
        for left_out in self.left_out:
            if left_out.error is not None:
                found.setdefault(left_out.why, []).append(left_out)
        return found

    @property
    def exit_code(self) -> int:
        """That of the gravest damage; 0 where the run merely lacks something."""
        return max((one.error.exit_code for one in self.left_out if one.error), default=0)


# What `train` draws at its end, in under two seconds.
CHEAP = ("learning_curves", "confusion_matrix", "mistakes", "weights")


def run_figures(
    artefacts: Artefacts, only: Collection[str] | None = None
) -> Iterator[Drawn | LeftOut]:
    """Draw the figures of a run, one after another: all, or those named in `only`.

    What the run lacks, or what is damaged of it, leaves the figures out that need it, and no
    other. Raises UsageError for a name that no figure has.
    """
    return draw_each(chosen(RUN_FIGURES, only), artefacts)


def chosen(entries: Sequence[Entry], only: Collection[str] | None) -> list[Entry]:
    """The entries named in `only`, or all; raises UsageError for a name that none has."""
    names = [entry.name for entry in entries]
    for name in only or ():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"no figure is called {name!r}; there are {', '.join(names)}{hint}")
    return [entry for entry in entries if not only or entry.name in only]


def draw_each(entries: Iterable[Entry], artefacts: Any) -> Iterator[Drawn | LeftOut]:
    """Each figure drawn, or left out with its reason."""
    for entry in entries:
        try:
            with style.drawing():
                figure = entry.draw(artefacts)
        except LackingError as lacking:
            yield LeftOut(entry.name, entry.title, str(lacking))
        except MnistlabError as error:
            yield LeftOut(entry.name, entry.title, str(error), error)
        else:
            yield Drawn(entry.name, entry.title, entry.how_to_read, figure)


def figure_file(folder: Path, name: str, format: str = "png") -> Path:
    """Where a figure of a run, sweep or report is saved.

    Raises UsageError where the folder `plots` leads elsewhere.
    """
    return Folder(folder).plots / f"{name}.{format}"


def refuse_foreign(
    entries: Iterable[Entry], folder: Path, format: str, *, report: bool, force: bool
) -> None:
    """Raise UsageError where a figure, or report.html if it is to be written, would overwrite
    what mnistlab did not write; `force` lets that happen.
    """
    files = [figure_file(folder, entry.name, format) for entry in entries]
    pages = [Folder(folder).report] if report else []
    hint = "move it away, or let it be overwritten with --force"
    refuse_others([*files, *pages], force=force, hint=hint)


def save_each(
    found: Iterable[Drawn | LeftOut], folder: Path, format: str = "png", *, force: bool = False
) -> SavedFigures:
    """Save what is drawn into the folder `plots` of a run or sweep, each a file of its name.

    Raises UsageError for a file that mnistlab did not write, unless `force`; OSError where nothing
    can be written.
    """
    saved = SavedFigures(folder, [], {}, [])
    for one in found:
        if isinstance(one, LeftOut):
            saved.left_out.append(one)
        else:
            path = figure_file(folder, one.name, format)
            path.parent.mkdir(exist_ok=True)
            write_own(path, style.rendered(one.figure, format), format, force=force)
            saved.figures[one.name] = path
            saved.drawn.append(one)
    return saved
