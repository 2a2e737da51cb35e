"""Cases of the kernels with sums in registers, for the comparison of interpreted and compiled."""

import numpy as np
import pytest
from kernel_helpers import normal

from mnistlab.blocks.layers.dense import input_gradient, products
from mnistlab.runtime.params import rounded_up

# Images, inputs, outputs, the first column, the inputs added at a time.
SIZES = [
    (products.ROWS, 64, products.COLUMNS, 0, 64),
    (7, 70, products.COLUMNS + 5, products.COLUMNS // 2, 32),
]


def products_cases():
    for images, inputs, outputs, column, block in SIZES:

        def make(t, images=images, inputs=inputs, outputs=outputs, column=column, block=block):
            x, W = normal(images * inputs, t), normal(inputs * outputs, t, 1)
            y, room = normal(images * outputs, t, 3), np.zeros(products.SCRATCH, t)
            return x, images, W, normal(outputs, t, 2), y, inputs, outputs, column, block, room

        def copied(t, make=make):
            *before, block, room = make(t)
            return *before, 2, block, True, room

        def direct(t, make=make):
            *before, block, room = make(t)
            return *before, 1, block, False, room

        name = f"{images} {inputs} {outputs}"
        yield pytest.param(products.forward, direct, id=f"products {name}")
        yield pytest.param(products.forward, copied, id=f"products {name} copied")

        def laid_out(t, images=images, outputs=outputs):
            width = rounded_up(outputs, products.COLUMNS)
            return (
                normal(images * outputs, t),
                1,
                images,
                images,
                outputs,
                normal(images * width, t),
            )

        def of_inputs(t, images=images, inputs=inputs, outputs=outputs):
            dy, W = normal(images * outputs, t), normal(inputs * outputs, t, 1)
            return dy, images, W, 3, inputs - 2, inputs, outputs, normal(images * inputs, t, 2)

        yield pytest.param(
            input_gradient.backward_input, of_inputs, id=f"gradient of the inputs {name}"
        )
        yield pytest.param(products.lay_out, laid_out, id=f"columns laid out {name}")
        for action in range(5):

            def gradient(t, images=images, inputs=inputs, outputs=outputs, action=action):
                width = rounded_up(outputs, products.COLUMNS)
                x, columns = normal(images * inputs, t), normal(images * width, t, 1)
                W, G = normal(inputs * outputs, t, 2), normal(inputs * outputs, t, 3)
                room = np.zeros(products.scratch_for(images), t)
                return (
                    x,
                    images,
                    inputs,
                    outputs,
                    2,
                    inputs - 1,
                    columns,
                    action,
                    W,
                    G,
                    0.1,
                    0.9,
                    room,
                )

            yield pytest.param(
                products.backward_weights, gradient, id=f"products' gradient {name} {action}"
            )
