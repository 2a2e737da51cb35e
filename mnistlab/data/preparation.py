"""How the images of a source are changed, once and all alike, before a network sees them."""

import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from mnistlab.data import cache
from mnistlab.data.arrays import Arrays, Bytes
from mnistlab.data.source import Source
from mnistlab.runtime.streams import Purpose, random_stream

# Images that are changed at once: their numbers fit in the caches.
TOGETHER = 500
TINY = 1e-9


@dataclass(frozen=True)
class Preparation:
    """The changes of every image, in this order; see the keys of `data` with these names."""

    transpose: bool = False
    invert: bool = False
    deskew: bool = False
    resize: tuple[int, int] | None = None  # (height, width)
    permute_pixels: int | None = None  # a seed

    @property
    def does_nothing(self) -> bool:
        return self == Preparation()

    @property
    def of_pictures(self) -> "Preparation":
        """What is left to do for a picture that is upright, and light on dark."""
        return replace(self, transpose=False, invert=False)

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of an image of this size after the changes."""
        if self.resize is not None:
            return self.resize
        return (width, height) if self.transpose else (height, width)

    def before(self, shape: tuple[int, int]) -> tuple[int, int] | None:
        """(height, width) of the images that have this size after the changes; None: any size."""
        if self.resize is not None:
            return None
        return (shape[1], shape[0]) if self.transpose else shape

    def __call__(self, images: Bytes) -> Bytes:
        """The images, uint8 (n, height, width), after the changes."""
        if self.does_nothing:
            return images
        made = np.empty((len(images), *self.shape(*images.shape[1:])), np.uint8)
        for start in range(0, len(images), TOGETHER):
            some = slice(start, start + TOGETHER)
            made[some] = self._changed(np.asarray(images[some]))
        return made

    def _changed(self, images: Bytes) -> Bytes:
        if self.transpose:
            images = images.transpose(0, 2, 1)
        if self.invert:
            images = 255 - images
        if self.deskew:
            images = deskewed(images)
        if self.resize is not None:
            images = resized(images, *self.resize)
        if self.permute_pixels is not None:
            pixels = images.reshape(len(images), -1)
            order = pixel_order(self.permute_pixels, pixels.shape[1])
            images = pixels[:, order].reshape(images.shape)
        return images

    def prepared(self, source: Source) -> Source:
        """The source with all images changed; kept in the cache, for all processes to share."""
        if self.does_nothing:
            return source
        arrays, _ = cache.load(
            f"{source.name}-prepared",
            json.dumps([source.sha256, asdict(self)]),
            lambda: Arrays(
                self(source.train_images),
                source.train_labels,
                self(source.test_images),
                source.test_labels,
            ),
        )
        return replace(source, train_images=arrays.train_images, test_images=arrays.test_images)


def pixel_order(seed: int, count: int) -> np.ndarray:
    """The pixel that comes to each place, int64 (count,), for `permute_pixels`."""
    return random_stream(seed, Purpose.PIXELS).permutation(count)


def deskewed(images: Bytes) -> Bytes:
    """Images uint8 (n, height, width) whose rows are moved so that the ink stands upright.

    A row moves by its distance from the centre of mass times the covariance of row and column over
    the variance of the row, weighted by the pixels. So that covariance becomes 0, and the centre of
    mass stays. Between two pixels of a row it is interpolated; outside are zeros.
    """
    _, height, width = images.shape
    ink = images.astype(np.float64)
    rows, columns = np.arange(height)[:, None], np.arange(width)

    def mean(values: np.ndarray) -> np.ndarray:
        return (ink * values).sum(axis=(1, 2)) / np.maximum(ink.sum(axis=(1, 2)), 1)

    middle_row, middle_column = mean(rows), mean(columns)
    down = rows - middle_row[:, None, None]
    variance = mean(down**2)
    covariance = mean(down * (columns - middle_column[:, None, None]))
    slope = covariance / np.where(variance > 0, variance, 1)
    places = columns + slope[:, None, None] * down
    left = np.floor(places).astype(np.int64)
    share = places - left

    def at(column: np.ndarray) -> np.ndarray:
        found = np.take_along_axis(ink, np.clip(column, 0, width - 1), axis=2)
        return np.where((column >= 0) & (column < width), found, 0)

    return _rounded((1 - share) * at(left) + share * at(left + 1))


def resized(images: Bytes, height: int, width: int) -> Bytes:
    """Images of another size: each new pixel is the mean of the old ones under it, by area."""
    _, old_height, old_width = images.shape
    across, along = _shares(old_height, height), _shares(old_width, width)
    return _rounded(across @ images.astype(np.float64) @ along.T)


def _shares(old: int, new: int) -> np.ndarray:
    """How much of each new pixel lies on each old one, along one axis: (new, old)."""
    edges = np.arange(new + 1) * old / new
    begin, end = edges[:-1, None], edges[1:, None]
    pixels = np.arange(old)
    shared = np.minimum(end, pixels + 1) - np.maximum(begin, pixels)
    return np.maximum(shared, 0) * new / old


def _rounded(values: np.ndarray) -> Bytes:
    """A half is rounded upwards, whatever the order of a sum has left of it."""
    return np.floor(np.clip(values, 0, 255) + (0.5 + TINY)).astype(np.uint8)
