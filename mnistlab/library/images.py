"""Images as Python has them, as the uint8 pixels that networks here are given."""

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]


def raw_pixels(images: npt.ArrayLike, image_shape: tuple[int, int]) -> Images:
    """Pixels of 0 to 255 as uint8 (n, height, width).

    `images` is (n, height, width), (n, height * width), or one image (height, width); of any
    numbers, which are rounded. Raises ValueError for another shape, for pixels out of range, and
    for fractions of 1 where 0 to 255 is meant.
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
    if pixels.dtype == np.uint8 or not pixels.size:
        return np.ascontiguousarray(pixels, dtype=np.uint8)
    low, high = pixels.min(), pixels.max()
    if not (low >= 0 and high <= 255):  # NaN is refused too
        raise ValueError(f"pixels of {low} to {high}: expected 0 to 255, as in the dataset")
    if pixels.dtype.kind == "f" and 0 < high <= 1:
        raise ValueError(f"pixels of {low} to {high}: multiply by 255 to have 0 to 255")
    return np.ascontiguousarray(np.rint(pixels), dtype=np.uint8)
