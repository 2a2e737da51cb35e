"""Converts images from Python to the network's uint8 pixels."""

import math
import warnings
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


def as_rows(X: npt.ArrayLike) -> Any:
    """Images (n, height, width) as rows of pixels; anything else unchanged, for scikit-learn to
    check.
    """
    if getattr(X, "ndim", 3) == 3 and not hasattr(X, "tocsr"):
        X = np.asarray(X)
        return X.reshape(len(X), math.prod(X.shape[1:])) if X.ndim == 3 else X
    return X


def shape_of_rows(pixels: int, image_shape: tuple[int, int] | None) -> tuple[int, int]:
    """The (height, width) of images in rows of this many pixels; ValueError if they do not match.

    None: square if possible, else one row.
    """
    side = math.isqrt(pixels)
    height, width = image_shape or ((side, side) if side * side == pixels else (1, pixels))
    if height * width != pixels:
        raise ValueError(
            f"image_shape: {height} × {width} are {height * width} pixels, X has {pixels}"
        )
    return height, width


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
