"""The second implementation's augmentations: numpy, SciPy's filters and
interpolation, in float64.
"""

import math

import numpy as np
from random_oracle import WORD, NoEquationError, keys_of, numbers_of
from scipy.ndimage import gaussian_filter, map_coordinates

FIRST_STREAM = int.from_bytes(b"AUG\0", "big")


def keys_of_image(seed, number, epoch, position):
    """The two keys for the augmentation with this number in the list, and one image."""
    keys = keys_of(seed, FIRST_STREAM + number, epoch)
    return [int(numbers_of(two, position)) for two in (keys, keys[::-1])]


def _uniform(keys, number, bound):
    return bound * (2 * int(numbers_of(keys, number)) / WORD - 1)


def _linear(angle, scale, shear):
    """The matrix on (right, up) of a slant, then a turn to the left, then a scale."""
    slant = np.array([[1, -math.tan(shear)], [0, 1]])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return scale * turn @ slant


def moved(block, keys, rows, columns):
    """The coordinates before an augmentation, from those after it; all (height, width)."""
    height, width = rows.shape
    match block.type:
        case "shift":
            most = block.shift.pixels
            down, right = (int(n) * (2 * most + 1) // WORD - most for n in numbers_of(keys, [0, 1]))
            return rows - down, columns - right
        case "flip":
            mirrored = int(numbers_of(keys, 0)) / WORD < block.flip
            return rows, width - 1 - columns if mirrored else columns
        case "affine":
            own = block.affine
            matrix = _linear(
                math.radians(_uniform(keys, 0, own.rotate)),
                1 + _uniform(keys, 1, own.scale),
                math.radians(_uniform(keys, 2, own.shear)),
            )
            middle = (height - 1) / 2, (width - 1) / 2
            down, right = (_uniform(keys, number, own.shift) for number in (3, 4))
            up, across = middle[0] + down - rows, columns - middle[1] - right
            before = np.linalg.inv(matrix) @ np.stack([across.ravel(), up.ravel()])
            return middle[0] - before[1].reshape(rows.shape), middle[1] + before[0].reshape(
                rows.shape
            )
        case "elastic":
            own = block.elastic
            bits = numbers_of(keys, np.arange(height * width)).reshape(height, width)
            halves = bits % np.uint64(2**16), bits // np.uint64(2**16)
            fields = [
                own.alpha * gaussian_filter((half + 0.5) / 2**15 - 1, own.sigma, mode="constant")
                for half in halves
            ]
            return rows + fields[0], columns + fields[1]
        case other:
            raise NoEquationError("data.augment", other)


def augmented(images, augment, seed, epoch, first):
    """uint8 (n, height, width): what the images at the positions from `first` on become."""
    found = np.empty_like(images)
    grid = np.indices(images.shape[1:]).astype(np.float64)
    for i, image in enumerate(images):
        rows, columns = grid
        for number, block in reversed(list(enumerate(augment))):
            keys = keys_of_image(seed, number, epoch, first + i)
            rows, columns = moved(block, keys, rows, columns)
        values = map_coordinates(
            image.astype(np.float64), [rows, columns], order=1, mode="grid-constant"
        )
        found[i] = np.floor(values + 0.5)
    return found
