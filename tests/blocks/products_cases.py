"""Cases of the kernel with sums in registers, for the comparison of interpreted and compiled."""

import numpy as np
import pytest
from kernel_helpers import normal

from mnistlab.blocks.layers.dense import products

# Images, inputs, outputs, the first column, the inputs added at a time.
SIZES = [
    (products.ROWS, 64, products.COLUMNS, 0, 64),
    (7, 70, products.COLUMNS + 5, products.COLUMNS // 2, 32),
]


def products_cases():
    for images, inputs, outputs, column, block in SIZES:

        def make(t, images=images, inputs=inputs, outputs=outputs, column=column, block=block):
            x, W = normal(images * inputs, t), normal(inputs * outputs, t, 1)
            y, sums = normal(images * outputs, t, 3), np.zeros(products.SCRATCH, t)
            return x, images, W, normal(outputs, t, 2), y, inputs, outputs, column, block, sums

        yield pytest.param(products.forward, make, id=f"products {images} {inputs} {outputs}")
