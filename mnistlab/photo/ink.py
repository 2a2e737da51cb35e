"""The ink of a picture: the position of a digit on its background, and its strength."""

import numpy as np

from mnistlab.data.files import MalformedError
from mnistlab.photo.ground import (
    STROKES_SIDE,
    Floats,
    even_ground,
    ground_under_strokes,
    stroke_limit,
)
from mnistlab.photo.pieces import Labels, Mask, Piece, digit_of, frame_of, pieces_of, sheet_of

# Ink differs from the background by this many of 255 levels, and by this many times the noise.
LEAST_CONTRAST, LEAST_SIGNAL = 20.0, 6.0
# Pixels above this share of the strongest ink are ink; every stroke has a pixel above SURE.
INK, SURE = 0.3, 0.55
# If this many times more pixels are inked as strongly, narrow strokes are not all the ink.
MISSED, MISSED_SHARE = 0.7, 0.15
# A stroke up to this share of `stroke_limit` wide is removed from the background at any angle.
NARROW = 0.7

# Ink has one colour if the norm of its mean difference is this share of the mean norm.
ONE_COLOUR = 0.5


def find_ink(colours: Floats, inside: Mask | None = None) -> Floats:
    """The digit's ink only, 0 (background) to 1 (full ink), float32, cropped to it.

    `colours`: float32 (height, width, 3) of 0 to 255; `inside`, bool (height, width): where to
    look. Raises MalformedError if there is no ink.
    """
    from scipy import ndimage

    inside = np.ones(colours.shape[:2], bool) if inside is None else inside.copy()
    has_frame = not inside.all()
    while inside.any():
        difference, contrast = _difference(colours, inside)
        least = max(LEAST_CONTRAST, LEAST_SIGNAL * float(np.median(contrast[inside])))
        peak = _peak(np.where(inside, contrast, 0))
        if peak < least:
            break
        ink = inside & (contrast > max(INK * peak, least / 2))
        frame = frame_of(ink, has_frame)
        if not frame.any():
            return _of_digit(colours, difference, *pieces_of(ink, contrast > SURE * peak))
        # Include the blurred edge of the frame: otherwise its rest would be another frame.
        has_frame = True
        inside &= ~ndimage.binary_dilation(frame, iterations=1 + max(ink.shape) // 100)
    raise MalformedError(
        "expected a digit, found no ink: nothing differs enough from its background"
    )


def _of_digit(colours: Floats, difference: Floats, labels: Labels, pieces: list[Piece]) -> Floats:
    """The ink of the pieces of the digit; if one piece is a sheet of paper, the ink on it."""
    sheet = sheet_of(labels, pieces)
    if sheet is not None:
        rows, columns, inside = sheet
        try:
            return find_ink(colours[rows, columns], inside)
        except MalformedError:
            pass  # a filled shape with nothing on it is the digit itself
    digit = [piece.label for piece in digit_of(labels, pieces)]
    return _strength(difference, np.isin(labels, digit))


def _difference(colours: Floats, inside: Mask) -> tuple[Floats, Floats]:
    """The picture's difference from the background, (height, width, 3), and its norm (height,
    width).

    First with a smooth background, which handles strokes of any width but mistakes a shadow's sharp
    edge for ink. If narrow strokes are all the ink, with the background under those strokes.
    """
    difference = colours - even_ground(colours, inside)
    contrast = _size(difference)
    peak = _peak(np.where(inside, contrast, 0))
    if max(contrast.shape) < STROKES_SIDE or peak < LEAST_CONTRAST:
        return difference, contrast
    sure = inside & (contrast >= SURE * peak)
    sign = np.sign(difference[sure].mean())
    of_strokes = colours - ground_under_strokes(colours, is_dark=bool(sign < 0))
    size = _size(of_strokes)
    strokes = inside & (size > INK * _peak(np.where(inside, size, 0)))
    if not strokes.any() or _widest(strokes) > NARROW * stroke_limit(contrast.shape):
        return difference, contrast
    # Broad strokes would be as strong as the narrow ones; a shadow is weaker.
    towards = sign * difference.mean(axis=2)
    missed = inside & ~strokes & (towards > MISSED * np.median(towards[strokes]))
    if missed.sum() > MISSED_SHARE * strokes.sum():
        return difference, contrast
    return of_strokes, size


def _widest(strokes: Mask) -> float:
    """The width of the broadest stroke, in pixels."""
    from scipy import ndimage

    return 2 * float(ndimage.distance_transform_edt(np.pad(strokes, 1)).max())


def _size(difference: Floats) -> Floats:
    """The norm of the difference in grey levels, smoothed: (height, width)."""
    from scipy import ndimage

    size = np.linalg.norm(difference, axis=2) / np.sqrt(3)
    return ndimage.gaussian_filter(size, max(size.shape) / 800)


def _peak(contrast: Floats) -> float:
    """The contrast of the strongest ink: of several pixels of a stroke, not of one noisy pixel."""
    count = max(4, int((max(contrast.shape) / 200) ** 2))
    count = min(count, contrast.size)
    return float(np.partition(contrast.ravel(), -count)[-count])


def _strength(difference: Floats, digit: Mask) -> Floats:
    """The strength of ink at each pixel, 0 to 1, cropped to the digit plus a margin of one pixel.

    The difference is projected on the ink's direction in colour space. So a pen of any colour on
    paper of any colour gives grey levels, and noise of the paper has little effect.
    """
    from scipy import ndimage

    towards = difference[digit].mean(axis=0)
    size = np.linalg.norm(difference, axis=2)
    # Ink of several colours has no single direction: the norm is used instead.
    is_one_colour = np.linalg.norm(towards) > ONE_COLOUR * size[digit].mean()
    along = difference @ (towards / np.linalg.norm(towards)) if is_one_colour else size
    rows, columns = ndimage.find_objects(digit.astype(np.int8))[0]
    rows = slice(max(rows.start - 1, 0), rows.stop + 1)
    columns = slice(max(columns.start - 1, 0), columns.stop + 1)
    strength, digit = along[rows, columns], digit[rows, columns]
    full = max(float(np.percentile(strength[digit], 75)), 1.0)
    near = ndimage.binary_dilation(digit, np.ones((3, 3)))
    return np.where(near, np.clip(strength / full, 0, 1), 0).astype(np.float32)
