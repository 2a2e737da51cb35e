"""A sweep's metric over its two most important numeric parameters, smoothed between the points."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep.stage.importance import importances
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import (
    SweepMetric,
    SweepPoint,
    colour_limits,
    colours,
    finished,
    is_numeric,
    varied,
    wants_log_axis,
)
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import short_keys

LEAST_POINTS = 20  # that have both parameters
LEAST_VALUES = 8  # of each; a heat map shows fewer
SMOOTHED_OVER = 0.1  # of an axis's length: the standard deviation of the kernel
NEAREST = 0.25  # weight of all points together below which nothing is drawn
CELLS, LEVELS = 120, 14
WIDTH, HEIGHT, LEFT, BELOW = 7.2, 4.2, 0.85, 0.65  # inches


def draw(stage: RankedPoints) -> Figure:
    return contour(stage.points, stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=49,
    title="The two most important numbers",
    how_to_read="A slanted ridge: the best value of one parameter depends on the other.",
    draw=draw,
)


def contour(points: Sequence[SweepPoint], metric: SweepMetric, run: str) -> Figure:
    """The points as dots, and the local mean of their metric as a filled contour. Raises
    LackingError if there are few points, or no two numeric parameters of many values.
    """
    x_key, y_key = _keys(points)
    measured = finished([p for p in points if {x_key, y_key} <= p.parameters.keys()], LEAST_POINTS)
    values = np.array([point.mean for point in measured]) * metric.factor
    limits, extend = colour_limits(values, metric)
    x, y = (np.array([float(p.parameters[key]) for p in measured]) for key in (x_key, y_key))
    note = (
        "A dot is one point. Between them: the mean of the points around, weighted by a Gaussian "
        f"of {SMOOTHED_OVER:.0%} of each axis".replace("%", " %")
        + ". Left empty: no point is near. The other parameters differ, too."
    )
    with style.drawing():
        names = " and ".join(short_keys([x_key, y_key]).values())
        heading = f"{metric.words.capitalize()} by {names}"
        sheet = Sheet(HEIGHT + BELOW + 0.1, heading, note, run)
        axes = sheet.panel(MARGIN + LEFT, 0.1, WIDTH, HEIGHT)
        _draw(axes, x, y, np.clip(values, *limits), limits, metric)
        axes.set_xlabel(x_key, parse_math=False)
        axes.set_ylabel(y_key, parse_math=False)
        sheet.scale(
            MARGIN + LEFT + WIDTH + 0.4, 0.1, HEIGHT, colours(metric), limits, metric.label, extend
        )
        best = int(values.argmax() if metric.maximize else values.argmin())
        reached = metric.written(measured[best].mean)
        sheet.describe(f"The best point, {reached}: {x_key} {x[best]:.4g}, {y_key} {y[best]:.4g}.")
    return sheet.figure


def _keys(points: Sequence[SweepPoint]) -> list[str]:
    """The two most important parameters that are numbers of many values."""
    measured = finished(points, LEAST_POINTS)
    numeric = []
    for key in varied(measured):
        given = [point.parameters[key] for point in measured if key in point.parameters]
        if is_numeric(given) and len(set(given)) >= LEAST_VALUES:
            numeric.append(key)
    if len(numeric) < 2:
        raise LackingError(f"needs two numeric parameters of {LEAST_VALUES} values")
    shares = importances(points)
    return sorted(numeric, key=lambda key: -shares[key])[:2]


def _draw(
    axes: Axes,
    x: np.ndarray,
    y: np.ndarray,
    values: np.ndarray,
    limits: tuple[float, float],
    metric: SweepMetric,
) -> None:
    scales = [bool(one.min() > 0) and wants_log_axis(one.tolist()) for one in (x, y)]
    places = [np.log(one) if log else one for one, log in zip((x, y), scales, strict=True)]
    grid = [np.linspace(one.min(), one.max(), CELLS) for one in places]
    field = local_mean(places, values, grid)
    palette = colormaps[colours(metric)]
    levels = np.linspace(*limits, LEVELS)
    norm = BoundaryNorm(levels, palette.N)
    drawn = [np.exp(one) if log else one for one, log in zip(grid, scales, strict=True)]
    axes.contourf(*drawn, np.clip(field, *limits), levels, cmap=palette, norm=norm)
    dots = {"s": 24, "edgecolor": style.PAPER, "linewidth": 0.7, "zorder": 4, "clip_on": False}
    axes.scatter(x, y, c=values, cmap=palette, norm=norm, **dots)  # type: ignore[arg-type]
    best = int(values.argmax() if metric.maximize else values.argmin())
    ring = {"s": 90, "facecolor": "none", "edgecolor": style.VERMILLION, "linewidth": 2.0}
    axes.scatter(x[best], y[best], zorder=5, clip_on=False, label="best", **ring)  # type: ignore[arg-type]
    for set_scale, log in zip((axes.set_xscale, axes.set_yscale), scales, strict=True):
        if log:
            set_scale("log")
    axes.grid(visible=False)


def local_mean(
    places: Sequence[np.ndarray], values: np.ndarray, grid: Sequence[np.ndarray]
) -> np.ndarray:
    """The mean of values, (points,), around each cell of a grid, (rows, columns), weighted by a
    Gaussian (Nadaraya and Watson 1964); NaN where no point is near. `places` and `grid` have the
    coordinates of the points and of the cells on the x and the y axis.
    """
    weights = []
    for at, cells in zip(places, grid, strict=True):
        width = SMOOTHED_OVER * float(cells[-1] - cells[0])
        weights.append(np.exp(-0.5 * ((cells[:, None] - at) / width) ** 2))
    across, up = weights
    total = up @ across.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total >= NEAREST, (up * values) @ across.T / total, np.nan)
