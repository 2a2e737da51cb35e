"""t-SNE of the activations of the last hidden layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.figure import Figure

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition
from mnistlab.figures.run_data import run_name
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.store.embedding import IMAGES, kept_embedding
from mnistlab.support.errors import LackingError

SIDE = 7.2  # inches
# Above this share of mistakes, rings would show no more than the accuracy does.
MOST_RINGED = 0.25
# Places of a name that are looked at together.
TOGETHER = 256
LOOKED_INTO = ("conv", "pool", "dense")  # kinds of layers


def last_hidden_layer(run: Artefacts) -> str:
    """The name of the network's last hidden layer; raises LackingError if it has none."""
    hidden = [spec for spec in run.model.inference.program.layers if spec.kind in LOOKED_INTO][:-1]
    if not hidden:
        raise LackingError("it has no hidden layer")
    return hidden[-1].name


def draw(run: Artefacts) -> Figure:
    layer, split = last_hidden_layer(run), run.split
    places = np.linspace(0, len(split) - 1, min(IMAGES, len(split))).astype(int)
    chosen = split.indices[places]
    images, labels = np.asarray(split.images[chosen]), np.asarray(split.labels[chosen])
    features = run.model.activations(images, [layer])[layer].reshape(len(images), -1)
    points = kept_embedding(run.run_dir.plots / "tsne.safetensors", features)
    predicted = run.model.outputs(images).argmax(axis=1)
    names = run.class_names
    of = PART_NAMES[run.part]
    return embedding_map(
        points, labels.astype(np.int64), predicted, names, layer, of, run_name(run)
    )


FIGURE = FigureDefinition(
    order=110,
    title="t-SNE of the last hidden layer",
    how_to_read="The layer separates clusters of one class well; look where two clusters touch.",
    draw=draw,
)


def embedding_map(
    points: np.ndarray,
    labels: np.ndarray,
    predicted: np.ndarray,
    names: Sequence[str],
    layer: str,
    of: str,
    run: str,
) -> Figure:
    """Points (n, 2) coloured and marked by their class; `labels` and `predicted` int64 (n,)."""
    wrong = labels != predicted
    note = (
        f"Activations of layer {layer} for {len(points):,} {of}. Images with similar activations "
        "lie close together; distances between clusters have no meaning."
    )
    rings = 0 < wrong.mean() <= MOST_RINGED
    if rings:
        note += f" Rings: the {wrong.sum():,} misclassified images."
    sheet = Sheet(SIDE + 0.25, "t-SNE of the last hidden layer", note, run)
    width = style.WIDTH - 2 * MARGIN
    axes = sheet.panel(MARGIN, 0.05, width, SIDE)
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    present = np.unique(labels)
    glyphs = all(len(names[label]) == 1 and names[label].isalnum() for label in present)
    size = float(np.clip(30_000 / len(points), 34, 90))
    for label in present:
        mine = labels == label
        colour = style.CLASS_COLOURS[label % len(style.CLASS_COLOURS)]
        marker = rf"$\mathrm{{{names[label]}}}$" if glyphs else "o"
        mark: Any = {"marker": marker, "s": size if glyphs else size / 2, "linewidths": 0.2}
        axes.scatter(*points[mine].T, color=colour, label=names[label], zorder=2, **mark)
    if rings:
        ring: Any = {
            "s": 2.8 * size,
            "facecolors": "none",
            "edgecolors": style.WRONG,
            "linewidths": 1.1,
        }
        axes.scatter(*points[wrong].T, label="misclassified", zorder=3, **ring)
    halo: list[Any] = [patheffects.withStroke(linewidth=4, foreground="white")]
    axes.margins(0.03)
    size_in_inches = np.array([width, SIDE]) / np.ptp(points, axis=0).clip(1e-9)
    longest = max(len(names[label]) for label in present)
    room = np.array([max(0.35, 0.15 * longest), 0.35]) / size_in_inches
    low, high = points.min(axis=0), points.max(axis=0)
    for label, middle in label_places(points, labels, room).items():
        if (middle < low).any() or (middle > high).any():
            continue  # of hundreds of classes, some have no room within the frame
        colour = style.CLASS_COLOURS[label % len(style.CLASS_COLOURS)]
        words: Any = {
            "size": 22 if glyphs else 13,
            "weight": "bold",
            "ha": "center",
            "va": "center",
        }
        text = axes.text(
            middle[0], middle[1], names[label], color=colour, parse_math=False, zorder=4, **words
        )
        text.set_path_effects(halo)
    return sheet.figure


def label_places(points: np.ndarray, labels: np.ndarray, room: np.ndarray) -> dict[int, np.ndarray]:
    """The position of each class's name: the median of its points. If another name is closer than
    `room` (2,), it is the nearest point of the class that is far enough; if there is none, the
    nearest such place of a grid around the median.
    """
    places: dict[int, np.ndarray] = {}
    classes = np.unique(labels).tolist()
    steps = np.stack(np.meshgrid(*[np.arange(-len(classes), len(classes) + 1)] * 2), -1)
    steps = steps.reshape(-1, 2)
    grid = steps[np.argsort((steps**2).sum(axis=1), kind="stable")] * room
    for label in classes:
        mine = points[labels == label]
        middle = np.median(mine, axis=0)
        order = np.argsort(((mine - middle) ** 2).sum(axis=1), kind="stable")
        candidates = np.concatenate([middle[None], mine[order], middle + grid])
        taken = np.array(list(places.values())).reshape(-1, 2)
        places[label] = _first_apart(candidates, taken, room)
    return places


def _first_apart(candidates: np.ndarray, taken: np.ndarray, room: np.ndarray) -> np.ndarray:
    """The first of the candidates (n, 2) that has `room` (2,) to all taken places (m, 2).

    Some at a time: the grid of 256 classes has 263,000 places, and one of the first has room.
    """
    for start in range(0, len(candidates), TOGETHER):
        some = candidates[start : start + TOGETHER]
        apart = (np.abs(some[:, None] - taken) / room).max(axis=2).min(axis=1, initial=np.inf)
        if (apart >= 1).any():
            return some[np.argmax(apart >= 1)]
    raise AssertionError("the grid has more places than there are names")
