"""Arguments for the kernels of augmentation."""

import numpy as np
import pytest
from kernel_helpers import normal

from mnistlab.blocks.augmentations import _coordinates, affine, flip, shift
from mnistlab.blocks.augmentations.elastic import maths as elastic

HEIGHT, WIDTH = 7, 9
PIXELS = HEIGHT * WIDTH
FRAMED = (HEIGHT + _coordinates.FRAME) * (WIDTH + _coordinates.FRAME) + 1
FOURS = (HEIGHT + 2) * (WIDTH + _coordinates.FRAME)
HIGHEST = 2**32 - 1


def bytes_of(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _coordinates_in_and_out(dtype, seed):
    """Some coordinates within the image, some on a pixel, some far outside."""
    found = 2 + 5 * normal(PIXELS, dtype, seed)
    found[::5] = np.round(found[::5])
    found[:4] = [-1e9, -1.0, HEIGHT, 1e9]
    return found


def augmentation_cases():
    def case(kernel, make, name=""):
        return pytest.param(kernel, make, id=f"{kernel.__name__} {name}".strip())

    def fields(t, seed=0):
        return normal(HEIGHT * 4 * WIDTH, t, seed)

    yield case(_coordinates.uniform, lambda t: (7, HIGHEST, 3, -0.5, 2.0))
    yield case(_coordinates.identity_map, lambda t: (WIDTH, normal(PIXELS, t), normal(PIXELS, t)))
    yield case(
        _coordinates.neighbours,
        lambda t: (
            bytes_of(PIXELS),
            WIDTH,
            np.zeros(FRAMED, np.uint8),
            bytes_of(4 * FOURS).view(np.uint32),
        ),
    )
    yield case(
        _coordinates.read_at,
        lambda t: (
            HEIGHT,
            WIDTH,
            bytes_of(4 * FOURS).view(np.uint32),
            _coordinates_in_and_out(t, 1),
            _coordinates_in_and_out(t, 2),
            np.zeros(PIXELS, np.uint32),
            np.zeros(PIXELS, np.uint8),
        ),
    )
    for pixels in (0, 3, 1024):
        yield case(shift.whole_shift, lambda t, n=pixels: (5, 9, 1, n), str(pixels))
    yield case(shift.shift_map, lambda t: (2, -3, normal(PIXELS, t), normal(PIXELS, t, 1)))
    yield case(flip.flip_map, lambda t: (WIDTH, normal(PIXELS, t)))
    yield case(
        affine.affine_map,
        lambda t: (HEIGHT, WIDTH, 0.3, 1.2, -0.2, 1.5, -0.5, normal(PIXELS, t), normal(PIXELS, t)),
    )
    for sigma in (1e-3, 0.7, 4.0):
        yield case(
            elastic.gaussian_matrix, lambda t, s=sigma: (s, normal((WIDTH, WIDTH), t)), str(sigma)
        )
    yield case(
        elastic.displacement_noise,
        lambda t: (HIGHEST, 12, HEIGHT, WIDTH, 4 * WIDTH, fields(t)[WIDTH:]),
    )
    yield case(
        elastic.smooth,
        lambda t: (
            3.0,
            normal((HEIGHT, HEIGHT), t),
            normal((WIDTH, WIDTH), t),
            normal((HEIGHT, 4 * WIDTH), t, 1),
            normal((HEIGHT, 4 * WIDTH), t, 2),
        ),
    )
    yield case(
        elastic.elastic_map,
        lambda t: (
            WIDTH,
            4 * WIDTH,
            fields(t)[2 * WIDTH :],
            normal(PIXELS, t, 1),
            normal(PIXELS, t, 2),
        ),
    )
