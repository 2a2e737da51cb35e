"""The background of a picture: paper, screen or table, under uneven light."""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Light changes slowly: the background is estimated with this many pixels on the longer side.
COARSE_SIDE = 96
# Degrees of the polynomial: linear over the picture, then quadratic.
DEGREES = (1, 2)
ROUNDS = 6
# A difference of this many times the usual one is not background; the usual one is at least one
# grey level.
OUTLYING = 2.5
# Strokes are removed from a copy of this many pixels, which averages the paper's grain.
STROKES_SIDE, STROKES_WINDOW = 240, 13
# The distance over which local light is averaged, as a share of the longer side.
NEARBY = 0.12


def even_ground(colours: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    """The picture, float32 (height, width, 3) of 0 to 255, as it would be without its ink.

    `inside`, bool (height, width), not all False, marks possible background. A robust fit ignores
    outliers. The residuals of nearby background are then averaged with the fit's weights and added
    (normalised convolution: Knutsson and Westin 1993).
    """
    from scipy import ndimage

    height, width = colours.shape[:2]
    share = min(1.0, COARSE_SIDE / max(height, width))
    shape = (math.ceil(height * share), math.ceil(width * share))
    coarse = _resized(colours, shape)
    # A coarse pixel counts if all of it is inside.
    part_inside = _resized(inside[..., None].astype(np.float32), shape)[..., 0]
    fit, certain = _fit(coarse, part_inside >= min(0.99, float(part_inside.max())))
    sigma = NEARBY * max(coarse.shape[:2])
    over = [
        ndimage.gaussian_filter(certain * (coarse - fit)[..., channel], sigma, mode="nearest")
        for channel in range(3)
    ]
    weight = ndimage.gaussian_filter(certain, sigma, mode="nearest")
    ground = fit + np.stack(over, axis=-1) / (weight + 0.02)[..., None]
    return _resized(ground, (height, width))


def ground_under_strokes(colours: Floats, is_dark: bool) -> Floats:
    """The background under narrow strokes, dark or light, with the edges of shadows preserved.

    A morphological closing (for dark strokes; an opening for light ones) of a coarse copy. Strokes
    wider than `stroke_limit` remain.
    """
    from scipy import ndimage

    share = min(1.0, STROKES_SIDE / max(colours.shape))
    height, width = (math.ceil(side * share) for side in colours.shape[:2])
    method = ndimage.grey_closing if is_dark else ndimage.grey_opening
    window = (STROKES_WINDOW, STROKES_WINDOW, 1)
    return _resized(method(_resized(colours, (height, width)), size=window), colours.shape[:2])


def stroke_limit(shape: tuple[int, ...]) -> float:
    """The width in pixels of the widest stroke that `ground_under_strokes` removes."""
    return STROKES_WINDOW / STROKES_SIDE * max(shape)


def _resized(colours: Floats, shape: tuple[int, int]) -> Floats:
    """Each channel resized, antialiased; (height, width, channels)."""
    from PIL import Image

    if colours.shape[:2] == shape:
        return colours
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(colours[..., channel])).resize(
                (shape[1], shape[0]), Image.Resampling.BILINEAR
            )
        )
        for channel in range(colours.shape[2])
    ]
    return np.stack(channels, axis=-1)


def _fit(colours: Floats, meant: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """A quadratic fit to the colours, and the certainty that each pixel is background, 0 to 1.

    Only for the pixels `meant`, bool (height, width). By reweighted least squares, one degree after
    another, so that a dark margin on all sides is not mistaken for falling light.
    """
    height, width = colours.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].reshape(2, -1)
    pixels = colours.reshape(-1, 3).astype(np.float64)
    fit = np.broadcast_to(np.median(pixels[meant.ravel()], axis=0), pixels.shape)
    certain = _certainty(pixels - fit, meant)
    for degree in DEGREES:
        terms = [x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)]
        basis = np.stack(terms, axis=1)
        for _ in range(ROUNDS):
            root = np.sqrt(certain)[:, None]
            coefficients, *_ = np.linalg.lstsq(basis * root, pixels * root, rcond=None)
            fit = basis @ coefficients
            certain = _certainty(pixels - fit, meant)
    shape = (height, width)
    return fit.reshape(*shape, 3).astype(np.float32), certain.reshape(shape).astype(np.float32)


def _certainty(difference: np.ndarray, meant: npt.NDArray[np.bool_]) -> np.ndarray:
    """Geman and McClure's weights of differences (pixels, 3), scaled by the median over `meant`."""
    size = np.linalg.norm(difference, axis=1)
    scale = OUTLYING * (np.median(size[meant.ravel()]) + 1.0)
    return meant.ravel() / (1 + (size / scale) ** 2) ** 2
