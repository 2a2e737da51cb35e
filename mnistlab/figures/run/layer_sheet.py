"""One sheet for all layers: activations, weights, and the change of the weights during training.

After the figure of report E: mean activations, mean weights and summed updates as images, the
histogram of activations, the accuracy curve, the sizes of updates by epoch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import epochs_at_rest, refuse_no_numbers, relative_updates, run_name
from mnistlab.figures.sheet import MARGIN, Sheet, around_zero
from mnistlab.store.metrics import LayerRow, MetricsRow

LAYERS = 4  # at most: the first ones, and the output
CURVES = 3.1  # inches, of the curves beside them
BINS = 60
# A picture whose values differ by less than this share of the layer's own range is drawn in one
# colour. Example: the mean over classes of softmax regression's weights is only rounding error.
LEAST_SPREAD = 1e-3
LEGEND: Any = {"frameon": False, "fontsize": 8, "borderaxespad": 0.3}
SHEET_IMAGES = 500


def draw(run: Artefacts) -> Figure:
    chosen = run.weighed_layers
    if len(chosen) > LAYERS:
        chosen = [*chosen[: LAYERS - 1], chosen[-1]]
    images = run.split.images[run.split.indices[:SHEET_IMAGES]]
    said = run.model.activations(images, [name for name, _ in chosen])
    shown = [
        LayerImages(
            name=name,
            input_shape=seen,
            activations=said[name],
            weights=run.model.tensors[f"{name}.weight"],
            start=run.initial_tensors[f"{name}.weight"],
        )
        for name, seen in chosen
    ]
    refuse_no_numbers({layer.name: layer.activations for layer in shown})
    refuse_no_numbers({layer.name: layer.weights for layer in shown})
    of = PART_NAMES[run.part]
    return layer_sheet(shown, run.metrics, run.layers, of, run_name(run))


FIGURE = FigureDefinition(
    order=130,
    title="Layer by layer",
    how_to_read=(
        "Inputs whose weights did not change carry no information. If all activations look alike, "
        "the layer passes little information on."
    ),
    draw=draw,
)


@dataclass(frozen=True)
class LayerImages:
    """One layer: `activations` (images, *output shape), `weights` in the tensor's own shape,
    `start` (the initial weights), and `input_shape`.
    """

    name: str
    input_shape: tuple[int, ...]
    activations: np.ndarray
    weights: np.ndarray
    start: np.ndarray


def as_image(values: np.ndarray) -> np.ndarray:
    """A layer's values as an image (rows, columns). Channels are averaged; units are laid out row
    by row in the rectangle nearest to a square, and unused cells are NaN.
    """
    if values.ndim >= 2:
        return values.mean(axis=tuple(range(values.ndim - 2)))
    rows = max(1, math.isqrt(len(values)))
    exact = [r for r in range(rows, 0, -1) if len(values) % r == 0 and len(values) / r <= 2.5 * r]
    rows = exact[0] if exact else rows
    columns = -(-len(values) // rows)
    filled = np.full(rows * columns, np.nan)
    filled[: len(values)] = values
    return filled.reshape(rows, columns)


def by_input(weights: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
    """The mean weight from each input: for a dense layer in the shape of its input, for a filter
    (k, k).

    `weights` is (fan_in, fan_out), or (filters, channels, k, k).
    """
    if weights.ndim == 4:
        return weights.mean(axis=(0, 1))
    return as_image(weights.mean(axis=1).reshape(input_shape))


def layer_sheet(
    layers: Sequence[LayerImages],
    metrics: Sequence[MetricsRow],
    rows: Sequence[LayerRow],
    of: str,
    run: str,
) -> Figure:
    """Three rows of images, with a column for each layer, and three curves beside them."""
    images = len(layers[0].activations)
    note = (
        f"Top: activations of the layer, mean over {images} {of}. Middle: mean weight of each "
        "input. Bottom: change by training, mean |w − w₀|."
    )
    step = min((style.WIDTH - 2 * MARGIN - CURVES) / max(len(layers), 3), 2.5)
    side = min(step - 0.75, 1.75)
    row = max(side + 0.75, 2.2)
    sheet = Sheet(3 * row + 0.3, "Layer by layer", note, run)
    for column, layer in enumerate(layers):
        _draw_column(sheet, MARGIN + column * step, side, row, layer)
    left = MARGIN + len(layers) * step + 0.75
    width, height = style.WIDTH - MARGIN - left, row - 0.95
    _draw_histogram(sheet.panel(left, 0.5, width, height), layers)
    _draw_accuracy(sheet.panel(left, 0.5 + row, width, height), metrics)
    names = [layer.name for layer in layers]
    at_rest = epochs_at_rest(metrics)
    moving = [one for one in rows if one.epoch not in at_rest]
    _draw_updates(sheet.panel(left, 0.5 + 2 * row, width, height), moving, names)
    return sheet.figure


def _draw_column(sheet: Sheet, x: float, side: float, row: float, layer: LayerImages) -> None:
    activations = layer.activations.astype(np.float64)
    weights, start = layer.weights.astype(np.float64), layer.start.astype(np.float64)
    change = np.abs(weights - start)
    sheet.write(x, 0.1, layer.name, size=11, weight="bold", va="center")
    mean = as_image(activations.mean(axis=0))
    words = f"activations\nμ {_short(activations.mean())}, σ {_short(activations.std())}"
    limits = at_least((float(np.nanmin(mean)), float(np.nanmax(mean))), activations.std())
    _draw_image(sheet, x, 0.25, side, words, mean, style.SIZE, limits)
    mean = by_input(weights, layer.input_shape)
    words = f"weights\nμ {_short(weights.mean())}, σ {_short(weights.std())}"
    limits = at_least(around_zero(mean, share=1.0)[0], weights.std())
    _draw_image(sheet, x, 0.25 + row, side, words, mean, style.SIGNED, limits)
    mean = by_input(change, layer.input_shape)
    words = f"change by training\nmean {_short(change.mean())}"
    limits = at_least((0.0, float(np.nanmax(mean))), weights.std())
    _draw_image(sheet, x, 0.25 + 2 * row, side, words, mean, style.SIZE, limits)


def at_least(limits: tuple[float, float], spread: float) -> tuple[float, float]:
    """The limits of a colour scale, widened if they hold only rounding error; `spread` is the range
    of the layer's values.
    """
    low, high = limits
    least = LEAST_SPREAD * spread or 1.0
    if high - low >= least:
        return limits
    if low == 0:
        return 0.0, float(least)
    middle = (low + high) / 2
    return middle - least / 2, middle + least / 2


def _draw_image(
    sheet: Sheet,
    x: float,
    y: float,
    side: float,
    words: str,
    values: np.ndarray,
    colours: str,
    limits: tuple[float, float],
) -> None:
    sheet.write(x, y, words, size=8.5, va="top", linespacing=1.25)
    rows, columns = values.shape
    width = side * min(1.0, columns / rows)
    height = sheet.picture(x, y + 0.38, width, values, colours, limits)
    sheet.frame((x, y + 0.38, width, height))
    sheet.scale(x + width + 0.06, y + 0.38, max(height, 0.8), colours, limits, "")


def _short(value: float) -> str:
    return f"{value:.2g}"


def _draw_histogram(axes: Axes, layers: Sequence[LayerImages]) -> None:
    colours = style.layer_colours(len(layers))
    for layer, colour in zip(layers, colours, strict=True):
        values = layer.activations.ravel().astype(np.float64)
        limit = np.quantile(np.abs(values), 0.999) or 1.0
        edges = np.linspace(min(0.0, -limit if values.min() < 0 else 0.0), limit, BINS + 1)
        shares = np.histogram(values, edges)[0] / values.size
        axes.stairs(shares, edges, color=colour, linewidth=1.4, label=layer.name, baseline=None)
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title("activations: share by size (log)", loc="left")
    axes.legend(loc="upper right", **LEGEND)


def _draw_accuracy(axes: Axes, metrics: Sequence[MetricsRow]) -> None:
    for split, name in style.SPLIT_NAMES.items():
        points = [
            (row.step, 100 * value)
            for row in metrics
            if (value := getattr(row, f"{split}_accuracy")) is not None and math.isfinite(value)
        ]
        if points:
            marker = "o" if len(points) <= 30 else ""
            line: Any = {"color": style.SPLIT_COLOURS[split], "marker": marker, "markersize": 3.5}
            axes.plot(*zip(*points, strict=True), label=name, **line)
    axes.set_title("accuracy (%)", loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True, min_n_ticks=1))
    axes.set_xlabel("step")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", **LEGEND)


def _draw_updates(axes: Axes, rows: Sequence[LayerRow], names: Sequence[str]) -> None:
    updates = relative_updates(rows)
    for name, colour in zip(names, style.layer_colours(len(names)), strict=True):
        mine = np.array([row.layer == name for row in rows], bool) & (np.nan_to_num(updates) > 0)
        epochs = np.array([row.epoch for row in rows])[mine]
        marker = "o" if mine.sum() <= 30 else ""
        axes.plot(epochs, updates[mine], color=colour, marker=marker, markersize=3.5)
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(NullLocator())
    drawn = updates[np.nan_to_num(updates) > 0]
    if len(drawn):
        axes.set_ylim(max(drawn.min() / 2, drawn.max() * 1e-6), 2 * drawn.max())
    axes.set_title("update / weight, by epoch (log)", loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
