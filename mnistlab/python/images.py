"""Converts images from Python to the network's uint8 pixels."""

import math
import warnings
from collections.abc import Iterable
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]

WHITE = 255.0
OUTLIER = 8.0  # standard deviations from the mean
# A difference from a level of at most this share of one is float32's rounding.
EXACT = 1e-3
# With a spread of fewer levels, of 256, an outlier determines the range and hides the images.
LEAST_SPREAD = 4.0


def raw_pixels(images: npt.ArrayLike, image_shape: tuple[int, int]) -> Images:
    """Pixels of 0 to 255 as uint8 (n, height, width).

    `images` is (n, height, width), (n, height * width), or one image (height, width); any numbers,
    which are rounded. Raises ValueError for another shape, for no image, for pixels out of range,
    and for values of 0 to 1 instead of 0 to 255.
    """
    pixels = np.asarray(images)
    if isinstance(images, str | PathLike) or pixels.dtype.kind in "US":
        raise ValueError("images: found a text; predict_files takes the paths of picture files")
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"images of {pixels.dtype}: must be numbers from 0 to 255")
    height, width = image_shape
    if pixels.shape == image_shape:
        pixels = pixels[np.newaxis]
    elif pixels.ndim == 2 and pixels.shape[1] == height * width:
        pixels = pixels.reshape(-1, height, width)
    if pixels.ndim != 3 or pixels.shape[1:] != image_shape:
        raise ValueError(
            f"images of shape {pixels.shape}: the network is for images of {height} × {width} "
            f"pixels, (n, {height}, {width}) or (n, {height * width})"
        )
    if not len(pixels):
        raise ValueError(f"images of shape {pixels.shape}: found no image, needs at least one")
    if pixels.dtype == bool:
        raise ValueError("pixels of False and True: multiply by 255 to have 0 to 255")
    low, high = pixels.min(), pixels.max()
    if not (low >= 0 and high <= 255):  # NaN is refused too
        raise ValueError(f"pixels of {low} to {high}: expected 0 to 255, as in the dataset")
    if 0 < high <= 1:
        raise ValueError(f"pixels of {low} to {high}: multiply by 255 to have 0 to 255")
    levels = pixels if pixels.dtype == np.uint8 else np.rint(pixels)
    return np.ascontiguousarray(levels, dtype=np.uint8)


def as_rows(X: npt.ArrayLike) -> tuple[Any, tuple[int, int] | None]:
    """Images (n, height, width) as rows of pixels, and their (height, width).

    Anything else unchanged, for scikit-learn to check, and None.
    """
    if getattr(X, "ndim", 3) != 3 or hasattr(X, "tocsr"):
        return X, None
    images = np.asarray(X)
    if images.ndim != 3:
        return images, None
    height, width = images.shape[1:]
    return images.reshape(len(images), height * width), (height, width)


def shape_of_rows(
    pixels: int, image_shape: tuple[int, int] | None, given: tuple[int, int] | None = None
) -> tuple[int, int]:
    """The (height, width) of images of this many pixels; ValueError if they do not match.

    `given` is that of images that were no rows. None for both: square if possible, else one row.
    """
    if image_shape is not None:
        _refuse_shape(image_shape)
    if given is not None:
        refuse_other_shape(given, image_shape, "image_shape is")
        return given
    side = math.isqrt(pixels)
    height, width = image_shape or ((side, side) if side * side == pixels else (1, pixels))
    if height * width != pixels:
        raise ValueError(
            f"image_shape: {height} × {width} are {height * width} pixels, X has {pixels}"
        )
    return int(height), int(width)


def refuse_other_shape(
    given: tuple[int, int] | None, expected: tuple[int, int] | None, what: str
) -> None:
    """Raise ValueError if images that are no rows have another (height, width) than expected."""
    if given is None or expected is None or given == tuple(expected):
        return
    raise ValueError(
        f"X: found images of {given[0]} × {given[1]} pixels; {what} {expected[0]} × {expected[1]}"
    )


def _refuse_shape(image_shape: Any) -> None:
    """Raise ValueError for what is no (height, width)."""
    both = tuple(image_shape) if isinstance(image_shape, Iterable) else ()
    if len(both) != 2 or not all(isinstance(one, int | np.integer) and one >= 1 for one in both):
        raise ValueError(
            f"image_shape: found {image_shape!r}, must be (height, width), such as (28, 28)"
        )


def pixel_range(X: npt.NDArray[Any]) -> tuple[float, float]:
    """The numbers for black and white: the smallest and the largest if 256 levels between them
    represent every number exactly, else limited to the distance from the mean at which outliers
    begin.
    """
    if X.dtype == np.uint8:
        return 0.0, WHITE
    numbers = X.astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    if high == low:
        return low, low + 1.0
    levels = (numbers - low) * (WHITE / (high - low))
    if np.abs(levels - np.rint(levels)).max() < EXACT:
        return low, high
    mean, reach = float(numbers.mean()), OUTLIER * float(numbers.std())
    return max(low, mean - reach), min(high, mean + reach)


def grey_levels(X: npt.NDArray[Any], limits: tuple[float, float]) -> Images:
    """Numbers as the nearest of 256 levels from black to white, clipped."""
    low, high = limits
    if X.dtype == np.uint8 and limits == (0.0, WHITE):
        return X
    numbers = np.clip(X.astype(np.float64), low, high)
    return np.rint((numbers - low) * (WHITE / (high - low))).astype(np.uint8)


def warn_if_lost(images: Images) -> None:
    """Warn if an outlier leaves only a few levels for the images' other numbers."""
    spread = float(images.std())
    if 0 < spread < LEAST_SPREAD:
        warnings.warn(
            f"X: its numbers spread over {spread:.1f} of 256 levels between the smallest and the "
            "largest: they are no image, or have an outlier; scale or clip them",
            UserWarning,
            stacklevel=3,
        )
