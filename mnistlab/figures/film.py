"""A film of the first layer's weights: a frame for the initial weights and for each snapshot."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures import style
from mnistlab.figures.sheet import around_zero, mosaic
from mnistlab.figures.weight_images import strongest
from mnistlab.store.written_files import BLANK_MARK
from mnistlab.support.errors import LackingError
from mnistlab.support.run_weights import find_weights, names_of_weights, snapshot_epoch
from mnistlab.support.tensor_file import load_tensors

NAME = "film"
TILES, COLUMNS = 60, 10  # units or filters, the strongest at the end
WIDTH, HEADING = 560, 34  # pixels of a frame, and of the words above its picture
MOST_FRAMES = 60
FRAME_MS, LAST_MS = 250, 1500
COLOURS = 64  # of a frame's palette


@dataclass(frozen=True)
class Film:
    """The frames, each with the words above it."""

    frames: Sequence[Image.Image]
    words: Sequence[str]

    def gif(self) -> bytes:
        """An animated GIF, with mnistlab's mark as its comment."""
        return self._saved("GIF", comment=BLANK_MARK.encode(), disposal=1)

    def png(self) -> bytes:
        """An animated PNG."""
        return self._saved("PNG")

    def _saved(self, format: str, **options: object) -> bytes:
        file = io.BytesIO()
        first, *rest = self.frames
        durations = [FRAME_MS] * len(rest) + [LAST_MS]
        first.save(
            file, format, save_all=True, append_images=rest, duration=durations, loop=0, **options
        )
        return file.getvalue()


def film(run: Artefacts) -> Film:
    """The first layer's weights from the initial ones to the last snapshot, on one scale.

    Raises LackingError, with the command that keeps snapshots, if the run has none.
    """
    named = {snapshot_epoch(name): name for name in names_of_weights(run.run_dir.path)}
    epochs = [epoch for epoch in named if epoch is not None]
    if not epochs:
        raise LackingError(
            "the run kept no snapshots; `mnistlab train CONFIG training.snapshots=1` keeps the "
            "weights after every epoch"
        )
    shown = style.spread(epochs, MOST_FRAMES - 1)
    tensors = [load_tensors(find_weights(run.run_dir.path, named[epoch]))[0] for epoch in shown]
    tiles = [_tiles(run, one) for one in (run.initial_tensors, *tensors)]
    chosen = strongest(tiles[-1], TILES)
    pictures = [mosaic(one[chosen], min(COLUMNS, len(chosen)), gap=1) for one in tiles]
    (low, high), _ = around_zero(np.stack([one[chosen] for one in tiles]))
    accuracies = {row.epoch: row.val_accuracy for row in run.metrics}
    words = ["initial weights"]
    for epoch in shown:
        accuracy = accuracies.get(epoch)
        told = "" if accuracy is None else f", validation accuracy {100 * accuracy:.2f} %"
        words.append(f"epoch {epoch}{told}")
    return Film([_frame(p, w, low, high) for p, w in zip(pictures, words, strict=True)], words)


def _tiles(run: Artefacts, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """The first layer's filters, or the weights of its units as images: (tiles, rows, columns)."""
    (name, seen), *_ = run.weighed_layers
    weights = tensors[f"{name}.weight"]
    if weights.ndim == 4:
        return weights.reshape(-1, *weights.shape[2:])
    return weights.T.reshape(-1, *seen[-2:])


def _frame(picture: np.ndarray, words: str, low: float, high: float) -> Image.Image:
    """A mosaic in the colours of all figures, enlarged by a whole factor, under its words."""
    share = np.clip((picture - low) / (high - low), 0.0, 1.0)
    colours = matplotlib.colormaps[style.SIGNED](np.ma.masked_invalid(share), bytes=True)[..., :3]
    colours[~np.isfinite(picture)] = 255
    factor = max(1, WIDTH // picture.shape[1])
    drawn = Image.fromarray(colours.repeat(factor, 0).repeat(factor, 1))
    frame = Image.new("RGB", (max(drawn.width, 380), drawn.height + HEADING), style.PAPER)
    frame.paste(drawn, (0, HEADING))
    font = ImageFont.load_default(16)
    ImageDraw.Draw(frame).text((6, HEADING // 2), words, style.INK, font, anchor="lm")
    return frame.quantize(COLOURS, dither=Image.Dither.NONE)
