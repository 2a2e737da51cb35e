"""Films of a run's snapshots: the weights of a layer as they form, and the last hidden layer."""

from collections.abc import Callable
from functools import partial

import matplotlib
import numpy as np
from PIL import Image

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.snapshots import snapshot_tensors, snapshots_of
from mnistlab.figures import style
from mnistlab.figures.animation import Film, blended, palette_of
from mnistlab.figures.film_tsne import tsne_film
from mnistlab.figures.sheet import around_zero, mosaic
from mnistlab.figures.weight_images import strongest
from mnistlab.store.figure_names import FILM
from mnistlab.support.errors import LackingError

TILES, COLUMNS = 60, 10  # units or filters, the strongest at the end
MOST_SIDE = 64  # units on each side of a picture of the weights between two layers
WIDTH = 860  # pixels of a frame, about
MOST_FRAMES = 60
SIGNED_COLOURS = 120  # of the palette


def film_entries(run: Artefacts) -> dict[str, Callable[[], Film]]:
    """What draws each film of a run, by its name: of every layer with weights, and of the t-SNE.

    Raises LackingError, with the command that keeps snapshots, if the run has none.
    """
    if not snapshots_of(run):
        raise LackingError(
            "the run kept no snapshots; `mnistlab train CONFIG training.snapshots=1` keeps the "
            "weights after every epoch"
        )
    layers = {
        f"{FILM}_{name}": partial(layer_film, run, name, seen) for name, seen in run.weighed_layers
    }
    return {**layers, f"{FILM}_tsne": partial(tsne_film, run)}


def layer_film(
    run: Artefacts,
    layer: str,
    seen: tuple[int, ...],
    *,
    tiles: int = TILES,
    most_frames: int = MOST_FRAMES,
) -> Film:
    """A layer's weights from the initial ones to the last snapshot, on one scale.

    `seen` is the shape of its input, `tiles` the number of units or filters. Raises UsageError that
    names a damaged snapshot.
    """
    snapshots = snapshots_of(run)
    shown = style.spread(list(snapshots), most_frames - 1)

    def at(epoch: int) -> np.ndarray:
        return snapshot_tensors(run, snapshots[epoch])[f"{layer}.weight"]

    chosen = _chosen(_tiles(at(shown[-1]), seen), tiles)
    weights = (run.initial_tensors[f"{layer}.weight"], *map(at, shown))
    pictures = [
        mosaic(one, min(COLUMNS, len(one)), gap=1)
        for one in (_tiles(each, seen)[chosen] for each in weights)
    ]
    (low, high), _ = around_zero(np.stack(pictures))
    accuracies = {row.epoch: row.val_accuracy for row in run.metrics}
    words = [f"{layer}: initial weights"]
    for epoch in shown:
        accuracy = accuracies.get(epoch)
        told = "" if accuracy is None else f", validation accuracy {100 * accuracy:.2f} %"
        words.append(f"{layer}: epoch {epoch}{told}")
    colours = matplotlib.colormaps[style.SIGNED](np.linspace(0, 1, SIGNED_COLOURS), bytes=True)
    palette = palette_of(np.concatenate([colours[:, :3], blended(style.INK)]))
    return Film.of([_drawn(picture, low, high) for picture in pictures], words, palette)


def _tiles(weights: np.ndarray, seen: tuple[int, ...]) -> np.ndarray:
    """A layer's weights as pictures, (tiles, rows, columns): its filters; or of each unit, as the
    images that it sees; or all in one, if it sees no images, with the longer side across.
    """
    if weights.ndim == 4:
        return weights.reshape(-1, *weights.shape[2:])
    if len(seen) == 3 and seen[1] * seen[2] > 1:
        return weights.T.reshape(-1, *seen[1:])
    return (weights.T if weights.shape[0] > weights.shape[1] else weights)[None]


def _chosen(tiles: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """The index of the strongest tiles; of a single picture, of its strongest rows and columns."""
    if len(tiles) > 1:
        return (strongest(tiles, count),)
    sides = (strongest(tiles[0], MOST_SIDE), strongest(tiles[0].T, MOST_SIDE))
    return np.ix_(np.array([0]), *map(np.sort, sides))


def _drawn(picture: np.ndarray, low: float, high: float) -> Image.Image:
    """A mosaic in the colours of all figures, enlarged by a whole factor."""
    share = np.clip((picture - low) / (high - low), 0.0, 1.0)
    colours = matplotlib.colormaps[style.SIGNED](np.ma.masked_invalid(share), bytes=True)[..., :3]
    colours[~np.isfinite(picture)] = 255
    factor = max(1, round(WIDTH / picture.shape[1]))
    return Image.fromarray(colours.repeat(factor, 0).repeat(factor, 1))
