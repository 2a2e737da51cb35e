"""How much each parameter mattered."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mnistlab.config.dump import value_as_yaml
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.figures.sweep_data import RankedPoints
from mnistlab.figures.sweep_points import SweepMetric, SweepPoint, finished, is_numeric, varied
from mnistlab.figures.sweep_points import wants_log_axis as spans_decades
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import in_print

LEAST_POINTS = 20  # with fewer, a forest guesses
LEFT, BAR = 2.6, 0.42  # inches
TREES, SHUFFLES = 200, 20
KEY_CHARACTERS = 32  # that fit left of the bars


def draw(stage: RankedPoints) -> Figure:
    return importance_bars(stage.points, stage.metric, stage.title)


FIGURE = FigureDefinition(
    order=47,
    title="Importance of the parameters",
    how_to_read="A short bar: the parameter mattered little within the values that were tried.",
    draw=draw,
)


def importance_bars(points: Sequence[SweepPoint], metric: SweepMetric, run: str) -> Figure:
    """A bar for each parameter that varies. Raises LackingError if there are too few points or
    parameters, or if the metric is the same everywhere.
    """
    shares = importances(points)
    keys = sorted(shares, key=lambda key: -shares[key])
    values = [100 * shares[key] for key in keys]
    note = (
        "A random forest predicts the metric from the parameters. A bar is the share of a "
        "parameter in the error that shuffling its values adds."
    )
    with style.drawing():
        heading = f"What mattered for the {metric.words}"
        sheet = Sheet(0.75 + BAR * len(keys), heading, note, run)
        width = style.WIDTH - 2 * MARGIN - LEFT - 0.6
        axes = sheet.panel(MARGIN + LEFT, 0.1, width, BAR * len(keys))
        colour = style.SPLIT_COLOURS[metric.name.split("_")[0]]
        bars = axes.barh(range(len(keys)), values, height=0.6, color=colour)
        axes.bar_label(bars, [f"{value:.0f} %" for value in values], padding=4)
        names = [
            in_print(key if len(key) <= KEY_CHARACTERS else f"…{key[1 - KEY_CHARACTERS :]}")
            for key in keys
        ]
        axes.set_yticks(range(len(keys)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, max(values) * 1.12)
        axes.set_xlabel("share of the importance (%)")
        told = [f"{key} {value:.0f} %" for key, value in zip(keys, values, strict=True)]
        sheet.describe(f"The importance of the parameters: {', '.join(told)}.")
    return sheet.figure


def importances(points: Sequence[SweepPoint]) -> dict[str, float]:
    """The share of each parameter that varies in the permutation importance of a random forest
    (Breiman 2001), by scikit-learn. Raises LackingError as `importance_bars` does.
    """
    measured = finished(points, LEAST_POINTS)
    keys = varied(measured)
    if len(keys) < 2:
        raise LackingError("needs two parameters")
    from sklearn.ensemble import RandomForestRegressor

    inputs = np.column_stack([_column(key, measured) for key in keys])
    outputs = np.array([point.mean for point in measured])
    forest = RandomForestRegressor(TREES, random_state=0, n_jobs=1).fit(inputs, outputs)
    mattered = np.maximum(added_errors(forest.predict, inputs, outputs), 0.0)
    if not mattered.sum() > 0:
        raise LackingError("the metric does not depend on the parameters")
    return dict(zip(keys, (mattered / mattered.sum()).tolist(), strict=True))


def added_errors(
    predict: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, outputs: np.ndarray
) -> np.ndarray:
    """The mean squared error that shuffling a column of the inputs (points, columns) adds, the mean
    over SHUFFLES; (columns,).

    All shuffles are predicted at once: each call of a forest visits every tree from Python.
    """
    stream, count = np.random.default_rng(0), len(inputs)
    copies = np.broadcast_to(inputs, (inputs.shape[1], SHUFFLES, *inputs.shape)).copy()
    for column, shuffled in enumerate(copies):
        for one in shuffled:
            one[:, column] = one[stream.permutation(count), column]
    predicted = predict(copies.reshape(-1, inputs.shape[1])).reshape(len(copies), -1, count)
    errors = ((predicted - outputs) ** 2).mean(axis=(1, 2))
    return errors - ((predict(inputs) - outputs) ** 2).mean()


def _column(key: str, points: Sequence[SweepPoint]) -> np.ndarray:
    """A parameter as numbers: logarithms of numbers over decades; other values by their place in
    the alphabet. A point that lacks it has a number below all others.
    """
    values = [point.parameters.get(key) for point in points]
    given: list[Any] = [value for value in values if value is not None]
    if is_numeric(given):
        logs = spans_decades(given) and min(given) > 0
        numbers = {repr(value): float(np.log(value) if logs else value) for value in given}
    else:
        names = sorted({value_as_yaml(value) for value in given})
        numbers = {repr(value): float(names.index(value_as_yaml(value))) for value in given}
    lacking = min(numbers.values()) - 1.0
    return np.array([numbers.get(repr(value), lacking) for value in values])
