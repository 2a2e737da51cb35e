"""A sweep's metric over two of its parameters at once."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mnistlab.config.dump import value_as_yaml
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import (
    SweepMetric,
    SweepPoint,
    colour_limits,
    colours,
    finished,
    ordered,
    varied,
)
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import number, without_middle

CELL_WIDTH, CELL_HEIGHT = 0.9, 0.5  # inches, of a cell if there is space
LEFT, BELOW, BETWEEN = 1.15, 0.75, 0.35  # inches: left of a panel, below it, between two
SCALE_WIDTH, SCALE_HEIGHT = 1.1, 2.6  # inches, of the scale right of all panels, at least
CHARACTER_WIDTH = 0.105  # inches, of the name of a parameter
VALUE_CHARACTERS = 13  # that fit beside a row
SINGLE_HEIGHT = 3.2  # inches, of a map alone
MAX_VALUES = 14  # of a parameter; with more, cells would be unreadable
MAX_PARAMETERS = 3
LEAST_TRIED = 0.5  # of the cells; points drawn at random leave most of them empty


def draw(stage: RankedPoints) -> Figure:
    return heat_map(stage.points, stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=20,
    title="Two parameters at once",
    how_to_read="A diagonal ridge: the effect of one parameter depends on the other.",
    draw=draw,
)


@dataclass(frozen=True)
class Cells:
    """The best point of each cell as drawn: `mean` and `std` (rows, columns), NaN if
    there is none.
    """

    x: str
    y: str
    mean: np.ndarray
    std: np.ndarray


def heat_map(points: Sequence[SweepPoint], metric: SweepMetric, run: str) -> Figure:
    """The metric by two parameters, written into each cell. Of three parameters each pair is drawn,
    all on one scale and with the parameters in one order.

    A cell shows the best value over the parameters that it does not name; the best cell has a
    frame. Raises LackingError if the points do not vary in two or three parameters of few values
    each.
    """
    keys = [key for key in varied(points) if all(key in point.parameters for point in points)]
    values = {key: ordered([point.parameters[key] for point in points]) for key in keys}
    # The parameter with more values is on the vertical axis: its labels are upright there.
    keys = sorted((k for k in keys if len(values[k]) <= MAX_VALUES), key=lambda k: len(values[k]))
    if not 2 <= len(keys) <= MAX_PARAMETERS:
        raise LackingError("needs two or three parameters of few values")
    measured = finished(points)
    if any(_tried(points, pair) < LEAST_TRIED for pair in itertools.combinations(keys, 2)):
        raise LackingError("most combinations of values were not tried")
    maps = [cells(measured, metric, values, x, y) for x, y in itertools.combinations(keys, 2)]
    drawn = np.concatenate([one.mean[np.isfinite(one.mean)] for one in maps])
    limits, extend = colour_limits(drawn, metric)
    with style.drawing():
        places, height = _places(maps)
        heading = f"{metric.words.capitalize()} by two parameters"
        sheet = Sheet(height, heading, _note(metric, maps, len(varied(points))), run)
        for found, (left, top, width, tall) in zip(maps, places, strict=True):
            _draw_map(sheet.panel(left, top, width, tall), found, metric, values, limits)
        sheet.describe(_seen(maps, metric, values))
        end = max(left + width for left, _, width, _ in places)
        tall = max(places[0][3], SCALE_HEIGHT)
        sheet.scale(end + 0.3, places[0][1], tall, colours(metric), limits, metric.label, extend)
    return sheet.figure


def _tried(points: Sequence[SweepPoint], keys: Sequence[str]) -> float:
    """The share of the combinations of two parameters' values that some point has."""
    columns = [[value_as_yaml(point.parameters[key]) for point in points] for key in keys]
    all_of_them = math.prod(len(set(column)) for column in columns)
    return len(set(zip(*columns, strict=True))) / all_of_them


def cells(
    points: Sequence[SweepPoint],
    metric: SweepMetric,
    values: Mapping[str, Sequence[Any]],
    x: str,
    y: str,
) -> Cells:
    """The best of finished points for each cell; `values` are those of each parameter, in order."""
    shape = len(values[y]), len(values[x])
    mean, std = np.full(shape, np.nan), np.full(shape, np.nan)
    places = {key: {value_as_yaml(v): i for i, v in enumerate(values[key])} for key in (x, y)}
    sign = 1 if metric.maximize else -1
    for point in points:
        column, row = (places[key][value_as_yaml(point.parameters[key])] for key in (x, y))
        drawn = point.mean * metric.factor
        if not sign * drawn <= sign * mean[row, column]:
            mean[row, column], std[row, column] = drawn, point.std * metric.factor
    return Cells(x, y, mean, std)


def _seen(maps: Sequence[Cells], metric: SweepMetric, values: Mapping[str, Sequence[Any]]) -> str:
    """The best cell of each map, in words."""
    told = []
    for one in maps:
        best = np.nanargmax(one.mean) if metric.maximize else np.nanargmin(one.mean)
        row, column = divmod(int(best), one.mean.shape[1])
        x, y = (value_as_yaml(v) for v in (values[one.x][column], values[one.y][row]))
        told.append(f"{one.mean[row, column]:.4g} at {one.x} {x} and {one.y} {y}")
    return f"The best {metric.label}: {'; '.join(told)}."


def _places(maps: Sequence[Cells]) -> tuple[list[tuple[float, float, float, float]], float]:
    """The position of each panel, (left, top, width, height), row by row, and the height of them
    all.
    """
    room = style.WIDTH - 2 * MARGIN - SCALE_WIDTH
    lines: list[list[tuple[float, float]]] = [[]]  # of panels: the width and height of each
    for one in maps:
        rows, columns = one.mean.shape
        width = min(max(columns * CELL_WIDTH, 2.2), room - LEFT)
        if lines[-1] and _width([*lines[-1], (width, 0.0)]) > room:
            lines.append([])
        height = rows * (_tall_cell(rows) if len(maps) == 1 else CELL_HEIGHT)
        # The label of the vertical axis is never longer than the axis: it would cover the caption.
        lines[-1].append((width, max(height, CHARACTER_WIDTH * len(one.y))))
    # All panels are stretched alike, until the fullest line fills the figure.
    stretch = min(1 + (room - _width(line)) / sum(w for w, _ in line) for line in lines)
    places, top = [], 0.1
    for line in lines:
        left = MARGIN
        for width, height in line:
            places.append((left + LEFT, top, width * stretch, height))
            left += LEFT + width * stretch + BETWEEN
        top += max(height for _, height in line) + BELOW
    return places, max(top - BELOW, SCALE_HEIGHT) + BELOW


def _width(line: Sequence[tuple[float, float]]) -> float:
    """The width of panels side by side."""
    return sum(width for width, _ in line) + LEFT * len(line) + BETWEEN * (len(line) - 1)


def _tall_cell(rows: int) -> float:
    """The height of a cell of a map alone: in proportion to its width, if the rows are few."""
    return min(max(SINGLE_HEIGHT / rows, CELL_HEIGHT), 2 * CELL_HEIGHT)


def _note(metric: SweepMetric, maps: Sequence[Cells], parameters: int) -> str:
    told = [f"Framed: the {'highest' if metric.maximize else 'lowest'} mean."]
    if any(np.isfinite(one.std).any() for one in maps):
        told.append("±: the standard deviation over seeds.")
    if parameters > 2:
        left_out = "parameter that its panel leaves" if parameters == 3 else "parameters left"
        told.append(f"A cell shows the best value of the {left_out} out.")
    return " ".join(told)


def _draw_map(
    axes: Axes,
    found: Cells,
    metric: SweepMetric,
    values: Mapping[str, Sequence[Any]],
    limits: tuple[float, float],
) -> None:
    table = found.mean
    axes.grid(visible=False)
    axes.set_facecolor(style.GRID)
    palette = colormaps[colours(metric)]
    low, high = limits
    axes.imshow(table, cmap=palette, vmin=low, vmax=high, aspect="auto", origin="lower")
    for (row, column), value in np.ndenumerate(table):
        text, colour = "none", style.INK
        if math.isfinite(value):
            text = _written(value, float(found.std[row, column]), metric)
            share = min(max((value - low) / (high - low), 0.0), 1.0)
            red, green, blue, _ = palette(share)
            is_dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
            colour = style.ON_DARK if is_dark else style.ON_LIGHT
        words: Any = {"ha": "center", "va": "center", "size": 8.5, "linespacing": 1.1}
        axes.text(column, row, text, color=colour, **words)
    best = np.nanargmax(table) if metric.maximize else np.nanargmin(table)
    row, column = divmod(int(best), table.shape[1])
    frame: Any = {"fill": False, "edgecolor": style.VERMILLION, "linewidth": 2.5}
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **frame))
    _label(axes, found, values)


def _written(mean: float, std: float, metric: SweepMetric) -> str:
    """A cell's mean above its standard deviation; the scale beside the map gives the unit."""
    if metric.is_share:
        text, deviation = f"{mean:.2f}", f"{std:.2f}"
    else:
        text, deviation = number(mean), number(std, mean)
    return text + (f"\n± {deviation}" if math.isfinite(std) else "")


def _label(axes: Axes, found: Cells, values: Mapping[str, Sequence[Any]]) -> None:
    texts = {
        k: [without_middle(value_as_yaml(value), VALUE_CHARACTERS) for value in values[k]]
        for k in (found.x, found.y)
    }
    axes.set_xticks(range(len(texts[found.x])), texts[found.x], parse_math=False)
    axes.set_yticks(range(len(texts[found.y])), texts[found.y], parse_math=False)
    if max(map(len, texts[found.x])) > 9:
        axes.tick_params(axis="x", rotation=20)
    axes.set_xlabel(found.x, parse_math=False)
    axes.set_ylabel(found.y, parse_math=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
