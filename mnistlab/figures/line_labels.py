"""Values written beside a panel, at the ends of its lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from mnistlab.figures import style

LINE_HEIGHT = 13.0  # points, of one value


@dataclass(frozen=True)
class Label:
    """A value written beside a panel, at the height of `y` or as near to it as the other labels
    allow.
    """

    x: float
    y: float
    text: str
    colour: str


def write_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write the labels right of the panel, as near to their points as they can be
    without overlap.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    to_share = axes.transData + axes.transAxes.inverted()
    height = axes.get_position().height * figure.get_figheight() * 72
    wanted = np.array([to_share.transform((label.x, label.y))[1] for label in labels]) * height
    placed = spread(wanted, LINE_HEIGHT, height)
    for label, y_from, y_to in zip(labels, wanted / height, placed / height, strict=True):
        axes.annotate(
            label.text,
            xy=(1.0, float(np.clip(y_from, 0, 1))),
            xytext=(1.035, y_to),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=label.colour,
            size=style.SMALL,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": label.colour,
                "linewidth": 0.7,
                "alpha": 0.6,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def spread(wanted: np.ndarray, height: float, room: float) -> np.ndarray:
    """Return the heights, shape (labels,), nearest to `wanted` that are at least `height` apart and
    within 0 … `room`.

    They minimise the sum of squared displacements: labels that touch are pooled and centred on
    their mean.
    """
    order = np.argsort(wanted, kind="stable")
    offsets = height * np.arange(len(wanted))
    pools: list[tuple[float, int]] = []
    for free in wanted[order] - offsets:
        mean, count = float(free), 1
        while pools and pools[-1][0] > mean:
            below, many = pools.pop()
            mean, count = (below * many + mean * count) / (many + count), many + count
        pools.append((mean, count))
    starts = np.repeat([mean for mean, _ in pools], [count for _, count in pools])
    highest = max(room - height * len(wanted), 0.0) + height / 2
    placed = np.empty(len(wanted))
    placed[order] = np.clip(starts, height / 2, highest) + offsets
    return placed
