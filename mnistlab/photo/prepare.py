"""Converts a user's picture of a digit to an image like MNIST's.

MNIST's digits are light on black, scaled so that the longer side has 20 pixels, and shifted by
whole pixels so that their centre of mass is in the middle of 28 × 28 (LeCun, Bottou, Bengio and
Haffner 1998, section III.A). A picture may be dark on light or light on dark, in any colours, under
uneven light, with a frame or a table around the paper: ink is what differs from its background.
"""

import math
from typing import Any

import numpy as np

from mnistlab.data.arrays import Bytes
from mnistlab.photo.ground import Floats
from mnistlab.photo.ink import find_ink

SIDE, DIGIT_SIDE = 28, 20
# A larger picture is first reduced to this size; a digit in it still has several times 20 pixels.
WORKING_SIDE = 1000
# Strokes are measured and adjusted on a digit this many times larger than the result.
ENLARGED = 8
# The strokes of MNIST's test set are 1.5 to 3.7 pixels wide (5th and 95th percentile; median 2.3).
THIN, THICK = 1.9, 3.3
# Ink fainter than this share of full ink is ignored in measuring a digit.
FAINT = 0.15


def prepare(colours: Bytes) -> Bytes:
    """A picture, uint8 (height, width, 3), as uint8 (28, 28), prepared as MNIST's images were.

    Raises MalformedError if there is no ink.
    """
    ink = find_ink(_shrunk(colours))
    return _centred(_scaled(_evened(ink)))


def _shrunk(colours: Bytes) -> Floats:
    """The picture at its working size, float32 (height, width, 3)."""
    from PIL import Image

    factor = math.ceil(max(colours.shape) / WORKING_SIDE)
    if factor > 1:
        colours = np.asarray(Image.fromarray(colours).reduce(factor))
    return colours.astype(np.float32)


def _evened(ink: Floats) -> Floats:
    """The enlarged digit, with its strokes adjusted to the widths of MNIST's if outside their
    range.
    """
    from scipy import ndimage

    ink = _resized(ink, DIGIT_SIDE * ENLARGED)
    width = _stroke_width(ink > 0.5) / ENLARGED
    wanted = min(max(width, THIN), THICK)
    radius = round(abs(wanted - width) * ENLARGED / 2)
    if radius == 0:
        return ink
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = x**2 + y**2 <= radius**2
    if wanted > width:
        return ndimage.grey_dilation(np.pad(ink, radius), footprint=disk)
    return ndimage.grey_erosion(ink, footprint=disk, mode="constant")


def _stroke_width(ink: np.ndarray) -> float:
    """The mean width of the strokes of a bool image, in pixels.

    In a stroke of width w the mean distance to the background is nearly (w + 2.3) / 4.
    """
    from scipy import ndimage

    if not ink.any():
        return 0.0
    distance = ndimage.distance_transform_edt(np.pad(ink, 1))
    return max(4 * float(distance[distance > 0].mean()) - 2.3, 1.0)


def _scaled(ink: Floats) -> Bytes:
    """The ink's box scaled so that its longer side has 20 pixels, uint8, full ink at 255."""
    rows = np.flatnonzero((ink > FAINT).any(axis=1))
    columns = np.flatnonzero((ink > FAINT).any(axis=0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = _resized(box, DIGIT_SIDE)
    full = max(float(np.percentile(small[small > 0.5 * small.max()], 75)), 1e-6)
    return np.rint(np.clip(small / full, 0, 1) * 255).astype(np.uint8)


def _resized(ink: Floats, longer: int) -> Floats:
    """The image scaled so that its longer side has `longer` pixels, antialiased."""
    from PIL import Image

    height, width = (max(1, round(side * longer / max(ink.shape))) for side in ink.shape)
    method: Any = Image.Resampling.BICUBIC if longer > max(ink.shape) else Image.Resampling.BOX
    image = Image.fromarray(np.ascontiguousarray(ink)).resize((width, height), method)
    return np.clip(np.asarray(image), 0, 1)


def _centred(digit: Bytes) -> Bytes:
    """The digit on black, 28 × 28, with its centre of mass as central as whole pixels allow."""
    image = np.zeros((SIDE, SIDE), np.uint8)
    weights = digit.astype(np.float64)
    places = []
    for axis, size in enumerate(digit.shape):
        centre = float((weights.sum(axis=1 - axis) * np.arange(size)).sum() / weights.sum())
        places.append(min(max(round(SIDE / 2 - centre), 0), SIDE - size))
    top, left = places
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return image
