"""The definition of a figure in its file, and the figures of a folder."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from matplotlib.figure import Figure

from mnistlab.support.modules import modules_of

Data = TypeVar("Data")


@dataclass(frozen=True)
class FigureDefinition(Generic[Data]):
    """A figure. Its file defines it as `FIGURE`; the file's name is the figure's name.

    `order`: its position on the page, smallest first. `title` and `how_to_read`, one line, are
    written above it there. `draw` takes the data that all figures of the folder share. It raises
    LackingError if there is nothing to draw: the figure is then left out, with this reason.
    `is_quick`: it is also drawn at the end of `mnistlab train`; all quick figures together take
    less than two seconds. `of_network`: it shows the trained network, and is left out if none was
    trained.
    """

    order: int
    title: str
    how_to_read: str
    draw: Callable[[Data], Figure]
    is_quick: bool = False
    of_network: bool = True


def figures_in(package: str) -> dict[str, FigureDefinition[Any]]:
    """The figures of a folder by name, in their order: each module of the folder is one."""
    found = {module.__name__.rpartition(".")[2]: module.FIGURE for module in modules_of(package)}
    return dict(sorted(found.items(), key=lambda item: item[1].order))
