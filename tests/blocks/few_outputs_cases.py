"""Cases of the kernels of few outputs, for the comparison of interpreted and compiled."""

import functools

import pytest
from kernel_helpers import normal

from mnistlab.blocks.layers.dense import few_outputs
from mnistlab.blocks.layers.dense.few_outputs import WIDE

SIZES = [(3, WIDE + 5, 7), (4, 2 * WIDE, 10)]  # images, inputs, outputs


def turned(t, inputs, outputs, seed=1):
    """Transposed weights: rows of whole vectors, zero beyond the inputs."""
    rows = normal((outputs, -(-inputs // WIDE) * WIDE), t, seed)
    rows[:, inputs:] = 0
    return rows


def few_outputs_cases():
    for images, inputs, outputs in SIZES:
        name = f"{images} {inputs} {outputs}"
        stride = -(-inputs // WIDE) * WIDE

        def up(t, images=images, inputs=inputs, outputs=outputs, stride=stride):
            W = turned(t, inputs, outputs).ravel()
            x, y = normal((images, inputs), t), normal((images, outputs), t, 3)
            return x, W, stride, normal(outputs, t, 2), y

        def down(t, images=images, inputs=inputs, outputs=outputs, stride=stride):
            W = turned(t, inputs, outputs).ravel()
            return normal((images, outputs), t), W, stride, normal((images, inputs), t, 2)

        def weights(t, use, images=images, inputs=inputs, outputs=outputs, stride=stride):
            W, G = (turned(t, inputs, outputs, seed).ravel() for seed in (1, 2))
            x, dy = normal((images, inputs), t), normal((images, outputs), t, 3)
            return x, dy, 0, inputs, use, W, G, stride, 0.1, 0.9

        yield pytest.param(few_outputs.few_outputs_forward, up, id=f"few_outputs_forward {name}")
        yield pytest.param(
            few_outputs.few_outputs_backward_input, down, id=f"few_outputs_backward_input {name}"
        )
        for use in range(5):
            make = functools.partial(weights, use=use)
            yield pytest.param(
                few_outputs.few_outputs_backward_weights,
                make,
                id=f"few_outputs_backward_weights {use} {name}",
            )
