"""How the figures of a run or a sweep are chosen, drawn and saved."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import Data, FigureDefinition
from mnistlab.figures.run import RUN_FIGURES
from mnistlab.store.figure_names import names_of_run, names_of_sweep
from mnistlab.store.folder import Folder
from mnistlab.store.written_files import refuse_others, write_own
from mnistlab.support.beside import Starter, in_turn
from mnistlab.support.errors import DoesNotApplyError, LackingError, MnistlabError, UsageError
from mnistlab.support.near_names import nearest


@dataclass(frozen=True)
class Entry:
    """A figure that can be drawn for a run or sweep. `name` is the name of its file; `title` and
    `how_to_read` are written above it on the page.
    """

    name: str
    title: str
    how_to_read: str
    draw: Callable[[], Figure]

    @classmethod
    def of(
        cls, name: str, figure: FigureDefinition[Data], data: Data, *, title: str | None = None
    ) -> "Entry":
        """A figure of these data, under its own title or another."""
        return cls(name, title or figure.title, figure.how_to_read, lambda: figure.draw(data))


@dataclass(frozen=True)
class Drawn:
    """A figure that was drawn."""

    name: str
    title: str
    how_to_read: str
    figure: Figure


@dataclass(frozen=True)
class LeftOut:
    """A figure that was not drawn. `error` is set if the reason is damage.

    A figure that does not apply is not reported, unless it was asked for.
    """

    name: str
    title: str
    why: str
    error: MnistlabError | None = None
    applies: bool = True


@dataclass(frozen=True)
class SavedFigures:
    """The result of saving figures: those drawn, their files by name, and those left out.

    `folder` is the run's or the sweep's; `report` is its page, if one was written. `pictures` is
    what `save_each` made of each drawn figure for that page.
    """

    folder: Path
    drawn: list[Drawn]
    figures: dict[str, Path]
    left_out: list[LeftOut]
    pictures: list[Any] = field(default_factory=list)
    report: Path | None = None

    @property
    def missed(self) -> dict[str, list[LeftOut]]:
        """The figures that apply and were left out, by the reason in words."""
        found: dict[str, list[LeftOut]] = {}
        for left_out in self.left_out:
            if left_out.applies:
                found.setdefault(left_out.why, []).append(left_out)
        return found

    @property
    def damaged(self) -> dict[str, list[LeftOut]]:
        """The figures left out because of damage, by what is damaged, in words."""
        found: dict[str, list[LeftOut]] = {}
        for left_out in self.left_out:
            if left_out.error is not None:
                found.setdefault(left_out.why, []).append(left_out)
        return found

    @property
    def exit_code(self) -> int:
        """The exit code of the most serious damage; 0 if the run only lacks something."""
        return max((one.error.exit_code for one in self.left_out if one.error), default=0)


# What `train` draws at its end.
QUICK = [name for name, figure in RUN_FIGURES.items() if figure.is_quick]


def run_entries(artefacts: Artefacts) -> list[Entry]:
    """The figures that can be drawn for a run."""
    return [_run_entry(name, figure, artefacts) for name, figure in RUN_FIGURES.items()]


def _run_entry(name: str, figure: FigureDefinition[Artefacts], run: Artefacts) -> Entry:
    def draw() -> Figure:
        if figure.of_network:
            run.refuse_untrained()
        return figure.draw(run)

    return Entry(name, figure.title, figure.how_to_read, draw)


def run_figures(
    artefacts: Artefacts, only: Collection[str] | None = None
) -> Iterator[Drawn | LeftOut]:
    """Draw the figures of a run one after another: all, or those named in `only`.

    If the run lacks a file, or a file is damaged, only the figures that need it are left out.
    Raises UsageError for an unknown figure name.
    """
    return draw_each(chosen(run_entries(artefacts), only))


def chosen(entries: Sequence[Entry], only: Collection[str] | None) -> list[Entry]:
    """The entries named in `only`, or all; raises UsageError for an unknown name."""
    names = [entry.name for entry in entries]
    for name in only or ():
        if name not in names:
            near = nearest(name, names)
            hint = _elsewhere(name) or (f"; did you mean {near}?" if near else "")
            raise UsageError(f"no figure is called {name!r}; there are {', '.join(names)}{hint}")
    return [entry for entry in entries if not only or entry.name in only]


def _elsewhere(name: str) -> str:
    """What else has a figure of this name, a run or a sweep; or an empty text."""
    if name in names_of_run():
        return "; it is a figure of a run, such as best/ in the folder of a sweep"
    if name in names_of_sweep([None], has_refits=True):
        return "; it is a figure of a sweep"
    return ""


def draw_each(entries: Iterable[Entry]) -> Iterator[Drawn | LeftOut]:
    """Yield each figure drawn, or left out with its reason."""
    for entry in entries:
        try:
            with style.drawing():
                figure = entry.draw()
        except LackingError as lacking:
            applies = not isinstance(lacking, DoesNotApplyError)
            yield LeftOut(entry.name, entry.title, str(lacking), applies=applies)
        except MnistlabError as error:
            yield LeftOut(entry.name, entry.title, str(error), error)
        else:
            yield Drawn(entry.name, entry.title, entry.how_to_read, figure)


def figure_file(folder: Path, name: str, format: str = "png") -> Path:
    """The path at which a figure of a run, sweep or report is saved.

    Raises UsageError if the folder `plots` is a link to somewhere else.
    """
    return Folder(folder).plots / f"{name}.{format}"


def refuse_foreign(
    entries: Iterable[Entry], folder: Path, format: str, *, report: bool, force: bool
) -> None:
    """Raise UsageError if a figure, or report.html if it is to be written, would overwrite a file
    that mnistlab did not write. `force` allows it.
    """
    files = [figure_file(folder, entry.name, format) for entry in entries]
    pages = [Folder(folder).report] if report else []
    hint = "move it away, or let it be overwritten with --force"
    refuse_others([*files, *pages], force=force, hint=hint)


def save_each(
    found: Iterable[Drawn | LeftOut],
    folder: Path,
    format: str = "png",
    *,
    force: bool = False,
    starter: Starter = in_turn,
    picture_of: Callable[[Drawn], Any] | None = None,
) -> SavedFigures:
    """Save the figures in the folder `plots` of a run or sweep, each in a file of its name.

    `starter` decides which process saves a figure, and makes what `picture_of` makes of it for a
    page. Raises UsageError for a file that mnistlab did not write, unless `force`; OSError if a
    file cannot be written.
    """
    saved = SavedFigures(folder, [], {}, [])
    saving = []
    for one in found:
        if isinstance(one, LeftOut):
            saved.left_out.append(one)
        else:
            path = figure_file(folder, one.name, format)
            path.parent.mkdir(exist_ok=True)
            saving.append(starter(partial(_save, one, path, format, force, picture_of)))
            saved.figures[one.name] = path
            saved.drawn.append(one)
    saved.pictures.extend(wait() for wait in saving)
    return saved


def _save(
    drawn: Drawn,
    path: Path,
    format: str,
    force: bool,
    picture_of: Callable[[Drawn], Any] | None,
) -> Any:
    write_own(path, style.rendered(drawn.figure, format), format, force=force)
    return picture_of and picture_of(drawn)
