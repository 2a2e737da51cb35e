"""A film of the last hidden layer: one t-SNE of some images at all snapshots together."""

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.experiment.snapshots import other_weights, snapshot_tensors, snapshots_of
from mnistlab.figures import style
from mnistlab.figures.animation import Film, blended, palette_of
from mnistlab.figures.run.tsne import MOST_RINGED, last_hidden_layer
from mnistlab.store.embedding import IMAGES, embedding

SIDE, MARGIN = 760, 24  # pixels of a frame
MOST_FRAMES = 12
LETTERS, DOT, RING = 18, 5, 12  # pixels: of a class's name, and radii


def tsne_film(run: Artefacts) -> Film:
    """How the images of each class part: a frame for the initial weights and for each snapshot.

    The positions are those of one t-SNE of the activations at all frames. So the points move only
    as far as the activations change. Raises LackingError if the network has no hidden layer,
    UsageError that names a damaged snapshot, DataError without the dataset.
    """
    layer, snapshots = last_hidden_layer(run), snapshots_of(run)
    shown = style.spread(list(snapshots), MOST_FRAMES - 1)
    split = run.split
    count = min(IMAGES // (len(shown) + 1), len(split))
    places = np.linspace(0, len(split) - 1, count).astype(int)
    indices = split.indices[places]
    images, labels = np.asarray(split.images[indices]), np.asarray(split.labels[indices])
    weights = [run.initial_tensors, *(snapshot_tensors(run, snapshots[epoch]) for epoch in shown)]
    found = [_seen(run, layer, one, images) for one in weights]
    points = embedding(np.concatenate([features for features, _ in found]))
    low, high = points.min(axis=0), points.max(axis=0)
    pixels = MARGIN + (points - low) / (high - low).clip(1e-9) * (SIDE - 2 * MARGIN)
    frames = pixels.reshape(len(weights), len(images), 2)
    pictures = [
        _drawn(one, labels, _ringed(predicted != labels), run.class_names)
        for one, (_, predicted) in zip(frames, found, strict=True)
    ]
    of = f"{len(images)} {PART_NAMES[run.part]} in {layer}"
    words = [
        f"{of}: {when}; {_in_words(predicted != labels)}"
        for when, (_, predicted) in zip(
            ["initial weights", *(f"epoch {epoch}" for epoch in shown)], found, strict=True
        )
    ]
    palette = palette_of(blended(style.INK, style.WRONG, *style.CLASS_COLOURS))
    return Film.of(pictures, words, palette)


def _ringed(is_wrong: np.ndarray) -> np.ndarray:
    """The misclassified images, unless they are so many that rings would hide the others."""
    return is_wrong & (is_wrong.mean() <= MOST_RINGED)


def _in_words(is_wrong: np.ndarray) -> str:
    rings = " (rings)" if _ringed(is_wrong).any() else ""
    return f"{is_wrong.sum()} misclassified{rings}"


def _seen(
    run: Artefacts, layer: str, tensors: Mapping[str, np.ndarray], images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The activations of a layer with other weights, (n, units), and the predicted classes."""
    with other_weights(run.model, tensors):
        features = run.model.activations(images, [layer])[layer].reshape(len(images), -1)
        return features.copy(), run.model.outputs(images).argmax(axis=1)


def _drawn(
    points: np.ndarray, labels: np.ndarray, ringed: np.ndarray, names: list[str]
) -> Image.Image:
    """The class of each image at its point, (n, 2) pixels, some with a ring."""
    picture = Image.new("RGB", (SIDE, SIDE), style.PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(LETTERS)
    for (x, y), label, has_ring in zip(points.tolist(), labels.tolist(), ringed, strict=True):
        colour = style.CLASS_COLOURS[label % len(style.CLASS_COLOURS)]
        if len(names[label]) == 1:
            draw.text((x, y), names[label], colour, font, anchor="mm")
        else:
            draw.ellipse((x - DOT, y - DOT, x + DOT, y + DOT), fill=colour)
        if has_ring:
            draw.ellipse((x - RING, y - RING, x + RING, y + RING), outline=style.WRONG, width=2)
    return picture
