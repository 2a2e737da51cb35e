"""Statistics of every layer by epoch: its updates, gradients, weights and activations."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import epochs_at_rest, finite_column, relative_updates
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.store.metrics import LayerRow
from mnistlab.support.errors import LackingError

COLUMNS = 3
PANEL_HEIGHT = 2.05  # inches
LEGEND_ROW = 0.24
MOST_LAYERS = 24  # if there are more, this many are drawn
MANY_POINTS = 30  # above this a line's points are no longer marked
# The axis is logarithmic if values span more than the first factor; it shows at most the second.
LOG_SPAN, MOST_DECADES = 10.0, 1e6
# The usual change of a weight in one step, relative to its size, in a network that learns well.
USUAL_UPDATE = 1e-3


def draw(run: Artefacts) -> Figure:
    return layer_statistics(run.layers, run.config.name, epochs_at_rest(run.metrics))


FIGURE = FigureDefinition(
    order=120,
    title="Layer statistics",
    how_to_read=("Updates of about a thousandth of the weights are usual; dead units stay dead."),
    draw=draw,
    of_network=False,
)


@dataclass(frozen=True)
class Statistic:
    """What one panel shows, and how: `values` by layer, each of shape (epochs,), NaN where not
    measured.
    """

    title: str
    values: dict[str, np.ndarray]
    is_log: bool = False
    is_share: bool = False
    usual: float | None = None


def layer_statistics(
    rows: Sequence[LayerRow], run: str, at_rest: Collection[int] = frozenset()
) -> Figure:
    """The statistics of each layer by epoch; a panel for each that was measured.

    The updates of the epochs `at_rest` are left out: they are nearly zero and would stretch the
    axis. Raises LackingError if nothing finite was measured.
    """
    names = list(dict.fromkeys(row.layer for row in rows))
    layers = style.spread(names, MOST_LAYERS)
    if len(layers) < len(names):
        drawn = set(layers)
        rows = [row for row in rows if row.layer in drawn]
    panels = [s for s in _statistics(rows, at_rest) if _is_measured(s)]
    if not panels:
        raise LackingError("no finite value was measured")
    colours = dict(zip(layers, style.layer_colours(len(layers)), strict=True))
    epochs = {layer: _epochs(rows, layer) for layer in layers}
    lines = -(-len(panels) // COLUMNS)
    step = PANEL_HEIGHT + 0.95
    note = (
        "A line for each layer with weights, from the image (dark) to the output (light), at the "
        "end of every epoch."
    )
    if any(row.epoch in at_rest for row in rows):
        note += " Updates at a learning rate of zero are left out."
    if len(layers) < len(names):
        note += f" Of {len(names):,} layers, {len(layers)} are drawn."
    top = 0.29 + _legend_places(layers)[-1][1]
    sheet = Sheet(top + lines * step, "Layer statistics", note, run)
    _write_legend(sheet, colours)
    width = (style.WIDTH - 2 * MARGIN) / COLUMNS
    for number, statistic in enumerate(panels):
        row, column = divmod(number, COLUMNS)
        x, y = MARGIN + column * width + 0.6, top + 0.2 + row * step
        axes = sheet.panel(x, y, width - 0.75, PANEL_HEIGHT)
        _draw_panel(axes, statistic, epochs, colours)
    return sheet.figure


def _statistics(rows: Sequence[LayerRow], at_rest: Collection[int]) -> list[Statistic]:
    updates = relative_updates(rows)
    updates[[row.epoch in at_rest for row in rows]] = np.nan
    return [
        Statistic(
            "update / weight, in the last step",
            _by_layer(rows, updates),
            is_log=True,
            usual=USUAL_UPDATE,
        ),
        Statistic("norm of the gradient", _by_layer(rows, "gradient_norm"), is_log=True),
        Statistic("weights: standard deviation", _by_layer(rows, "weight_std")),
        Statistic("activations: mean", _by_layer(rows, "activation_mean")),
        Statistic("activations: standard deviation", _by_layer(rows, "activation_std")),
        Statistic("dead or saturated", _by_layer(rows, "inactive_share"), is_share=True),
    ]


def _by_layer(rows: Sequence[LayerRow], values: np.ndarray | str) -> dict[str, np.ndarray]:
    column = finite_column(rows, values) if isinstance(values, str) else values
    names = np.array([row.layer for row in rows])
    return {str(name): column[names == name] for name in dict.fromkeys(names.tolist())}


def _epochs(rows: Sequence[LayerRow], layer: str) -> np.ndarray:
    return np.array([row.epoch for row in rows if row.layer == layer], dtype=float)


def _is_measured(statistic: Statistic) -> bool:
    return any(np.isfinite(values).any() for values in statistic.values.values())


def _draw_panel(
    axes: Axes, statistic: Statistic, epochs: dict[str, np.ndarray], colours: dict[str, str]
) -> None:
    is_log, _, _ = _limits(statistic)
    for layer, values in statistic.values.items():
        # A log axis cannot show zero, and a line cannot show what was not measured.
        drawn = np.isfinite(values) & ((values > 0) | (not is_log))
        marker = "o" if drawn.sum() <= MANY_POINTS else ""
        place = epochs[layer][drawn]
        line: Any = {"color": colours[layer], "marker": marker, "markersize": 3.5, "label": layer}
        axes.plot(place, values[drawn], **line)
    axes.set_title(statistic.title, loc="left")
    _scale(axes, statistic)
    if statistic.usual is not None and is_log:
        axes.axhline(statistic.usual, color=style.FAINT, linestyle=(0, (4, 3)), linewidth=1.1)
        place = axes.get_yaxis_transform()
        words: Any = {"size": 8, "color": style.FAINT, "ha": "right", "va": "bottom"}
        axes.text(1.0, statistic.usual, "usual: 1/1000", transform=place, **words)
    last = max(float(place[-1]) for place in epochs.values())
    margin = 0.04 * (last - 1) or 0.5
    axes.set_xlim(1 - margin, last + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")


def _limits(statistic: Statistic) -> tuple[bool, float, float]:
    """Whether the axis is a log one, and the lowest and highest value that it shows."""
    found = np.concatenate(list(statistic.values.values()))
    found = found[np.isfinite(found)]
    low, high = float(found.min()), float(found.max())
    if statistic.is_log and high > 0:
        lowest = float(found[found > 0].min())
        if high > LOG_SPAN * lowest:
            return True, max(lowest, high / MOST_DECADES), high
    return False, low, high


def _scale(axes: Axes, statistic: Statistic) -> None:
    """Set a range in which changes are larger than noise, on a log axis if values vary much."""
    is_log, low, high = _limits(statistic)
    if is_log:
        axes.set_yscale("log")
        axes.set_ylim(low / 2, high * 2)
        axes.yaxis.set_minor_locator(NullLocator())
    elif statistic.is_share:
        top = max(high, 0.01)
        axes.set_ylim(-0.03 * top, 1.12 * top)
        decimals = 0 if top > 0.05 else 1
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=decimals, symbol=" %"))
    else:
        least = 0.1 * max(abs(low), abs(high)) or 1.0
        if high - low < least:
            middle = (low + high) / 2
            axes.set_ylim(middle - least, middle + least)
        axes.ticklabel_format(axis="y", useOffset=False, scilimits=(-3, 4))


def _legend_places(layers: Sequence[str]) -> list[tuple[float, float]]:
    """The positions at which each layer's line and name begin, in as many rows as needed."""
    places, x, y = [], MARGIN, 0.16
    for layer in layers:
        width = 0.65 + 0.09 * len(layer)
        if x + width > style.WIDTH - MARGIN and x > MARGIN:
            x, y = MARGIN, y + LEGEND_ROW
        places.append((x, y))
        x += width
    return places


def _write_legend(sheet: Sheet, colours: dict[str, str]) -> None:
    places = _legend_places(list(colours))
    for (x, y), (layer, colour) in zip(places, colours.items(), strict=True):
        sheet.canvas.plot([x, x + 0.28], [y, y], color=colour, linewidth=2.5)
        sheet.write(x + 0.36, y, layer, size=style.MEDIUM, va="center")
