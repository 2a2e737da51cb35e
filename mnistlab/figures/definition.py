"""What the file of a figure says of it, and how a folder of such files is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from matplotlib.figure import Figure

from mnistlab.support.modules import modules_of

Data = TypeVar("Data")


@dataclass(frozen=True)
class FigureDefinition(Generic[Data]):
    """A figure. Its file has it as `FIGURE`; the file's name is the figure's.

    `order`: its place on the page, smallest first. `title` and `how_to_read`, one line, stand over
    it there. `draw` takes what all figures of the folder are drawn of. It raises LackingError where
    there is nothing to draw: the figure is then left out, with this reason. `is_quick`: it is drawn
    at the end of `mnistlab train`, too; all quick figures together take less than two seconds.
    `of_network`: it shows the trained network, and is left out where none was trained.
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
