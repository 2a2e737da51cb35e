"""A sweep's metric over two of its parameters at once."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistlab.config.dump import value_as_yaml
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import SweepMetric, SweepPoint, is_numeric, varied, write_title
from mnistlab.support.errors import LackingError

CELL_WIDTH, CELL_HEIGHT = 0.85, 0.5  # inches
LEFT, BOTTOM, TOP, BETWEEN = 1.35, 0.75, 0.85, 0.35
MAX_VALUES = 14  # of a parameter, beyond which its cells could not be read
MAX_PARAMETERS = 3
COLOURS = "cividis"


def draw(stage: RankedPoints) -> Figure:
    return heat_map(stage.points, stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=20,
    title="Two parameters at once",
    how_to_read="A diagonal ridge: the effect of one parameter depends on the other.",
    draw=draw,
)


def heat_map(points: Sequence[SweepPoint], metric: SweepMetric, title: str) -> Figure:
    """The metric by two parameters, written into each cell; of three parameters each pair.

    A cell shows the best over the parameters that it does not name; the best cell has a frame.
    Raises LackingError where the points do not vary in two or three parameters of few values each.
    """
    keys = [key for key in varied(points) if all(key in point.parameters for point in points)]
    values = {key: _values(points, key) for key in keys}
    keys = [key for key in keys if len(values[key]) <= MAX_VALUES]
    measured = [point for point in points if math.isfinite(point.mean)]
    if not 2 <= len(keys) <= MAX_PARAMETERS or not measured:
        raise LackingError("needs two or three parameters of few values, and a result")
    pairs = list(itertools.combinations(keys, 2))
    # The parameter of more values goes down the side: labels stand upright there.
    pairs = [(y, x) if len(values[y]) < len(values[x]) else (x, y) for x, y in pairs]
    widths = [LEFT + max(len(values[x]) * CELL_WIDTH, 2.2) for x, _ in pairs]
    height = TOP + BOTTOM + max(len(values[y]) for _, y in pairs) * CELL_HEIGHT
    width = sum(widths) + BETWEEN * len(pairs)
    with style.drawing():
        figure = style.new_figure(max(width, 5.5), height)
        figure_width = figure.get_figwidth()
        write_title(figure, title)
        note = f"{metric.label}; framed: the {'largest' if metric.maximize else 'smallest'}"
        note += "; a cell is the best over the parameter that it leaves open" * (len(keys) > 2)
        figure.text(0.012, 1 - 0.45 / height, note, size=style.SMALL, va="top", color=style.INK)
        left = 0.0
        for (x, y), taken in zip(pairs, widths, strict=True):
            tall = len(values[y]) * CELL_HEIGHT
            place = (
                (left + LEFT) / figure_width,
                (height - TOP - tall) / height,
                (taken - LEFT) / figure_width,
                tall / height,
            )
            _draw_map(figure.add_axes(place), points, metric, x, y, values)
            left += taken + BETWEEN
    return figure


def _values(points: Sequence[SweepPoint], key: str) -> list[Any]:
    distinct = list({value_as_yaml(p.parameters[key]): p.parameters[key] for p in points}.values())
    return sorted(distinct) if is_numeric(distinct) else distinct


def cells(
    points: Sequence[SweepPoint], metric: SweepMetric, x: Sequence[Any], y: Sequence[Any],
    keys: tuple[str, str],
) -> np.ndarray:  # fmt: skip
    """The best mean of each cell as drawn, (len(y), len(x)); NaN where no complete point is."""
    table = np.full((len(y), len(x)), np.nan)
    columns = {value_as_yaml(value): index for index, value in enumerate(x)}
    rows = {value_as_yaml(value): index for index, value in enumerate(y)}
    best = np.fmax if metric.maximize else np.fmin
    for point in points:
        if point.complete and math.isfinite(point.mean):
            column = columns[value_as_yaml(point.parameters[keys[0]])]
            row = rows[value_as_yaml(point.parameters[keys[1]])]
            table[row, column] = best(table[row, column], point.mean * metric.factor)
    return table


def _draw_map(
    axes: Axes, points: Sequence[SweepPoint], metric: SweepMetric, x: str, y: str,
    values: dict[str, list[Any]],
) -> None:  # fmt: skip
    table = cells(points, metric, values[x], values[y], (x, y))
    axes.grid(visible=False)
    axes.set_facecolor(style.GRID)
    # The worst are many and far off: from the middle down to them one colour would be enough.
    low, high = np.nanpercentile(table, [10, 100] if metric.maximize else [0, 90])
    colours = colormaps[COLOURS if metric.maximize else f"{COLOURS}_r"]
    if not np.isfinite(table).any():
        return
    axes.imshow(table, cmap=colours, vmin=low, vmax=high, aspect="auto", origin="lower")
    for (row, column), value in np.ndenumerate(table):
        share = (value - low) / (high - low) if high > low else 1.0
        dark = share < 0.55 if metric.maximize else share > 0.45
        text, colour = ("none", style.FAINT)
        if math.isfinite(value):
            text, colour = metric.written(value), "white" if dark else style.INK
        axes.text(column, row, text, ha="center", va="center", color=colour, size=style.SMALL)
    best = np.nanargmax(table) if metric.maximize else np.nanargmin(table)
    row, column = divmod(int(best), table.shape[1])
    frame: Any = {"fill": False, "edgecolor": style.VERMILLION, "linewidth": 2.5}
    axes.add_patch(_rectangle(column, row, frame))
    _label(axes, x, y, values)


def _rectangle(column: int, row: int, frame: dict[str, Any]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, **frame)


def _label(axes: Axes, x: str, y: str, values: dict[str, list[Any]]) -> None:
    texts = {key: [_short(value_as_yaml(value)) for value in values[key]] for key in (x, y)}
    axes.set_xticks(range(len(texts[x])), texts[x], parse_math=False)
    axes.set_yticks(range(len(texts[y])), texts[y], parse_math=False)
    if max(map(len, texts[x])) > 9:
        axes.tick_params(axis="x", rotation=20)
    axes.set_xlabel(x, parse_math=False)
    axes.set_ylabel(y, parse_math=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)


def _short(text: str) -> str:
    return text if len(text) <= 13 else f"{text[:12]}…"
