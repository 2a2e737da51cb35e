"""The ops of a first dense layer on batches of one image; lanes divide the tiles."""

from functools import cache
from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense import one_image
from mnistlab.blocks.layers.dense.maths import bias_gradient
from mnistlab.blocks.layers.dense.sparse_input import words_of
from mnistlab.blocks.layers.dense.sparse_input_ops import tile_of, units_of
from mnistlab.runtime.actions import ADD, MOMENTUM, SET
from mnistlab.runtime.compiler import generic_kernel
from mnistlab.runtime.gather import AHEAD, prefetch_image, take_labels
from mnistlab.runtime.kernel import kernel, named, view
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.parts import momentum_of, rate_of, state_of


@view
def image_of(m: Memory, first: int) -> np.ndarray:
    """The bytes of the batch's image."""
    return m.images[m.order[first]]


@kernel
def list_one(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The image's label, and its non-zero pixels; it replaces `gather`."""
    take_labels(m, first, 0, 1)
    if first + AHEAD < m.order.size:
        prefetch_image(m, first + AHEAD)
    one_image.list_pixels(image_of(m, first), m.listed_bits[: words_of(op.inputs)])


@generic_kernel
def forward(op: Any, m: Memory, lane: int, first: int, lanes: int) -> None:
    """A lane's tiles of the output."""
    begin, end = units_of(op, lane)
    pixels = m.listed_bits[: words_of(op.inputs)]
    for t in range(begin, end):
        W, column, width = tile_of(op, m.params, t)
        bias = m.params[op.bias + column :][: width if op.biases > 0 else 0]
        y = m.activations[op.y * m.capacity + column :][:width]
        one_image.one_image_forward(image_of(m, first), pixels, m.pixel_values, W, bias, y, lanes)


@generic_kernel
def backward_weights(op: Any, m: Memory, lane: int, step: int, first: int, lanes: int) -> None:
    """The gradient of a lane's tiles, and the action on it."""
    begin, end = units_of(op, lane)
    pixels, fresh = m.listed_bits[: words_of(op.inputs)], m.batch[0] == 0
    of, action = state_of(m, 0) if op.gradient_action == MOMENTUM else m.grads, op.gradient_action
    lr, momentum = rate_of(op, m, step), momentum_of(m, step)
    if action == SET and not fresh:
        action = ADD
    for t in range(begin, end):
        W, column, width = tile_of(op, m.params, t)
        G = tile_of(op, of, t)[0]
        dy = m.deltas[op.y * m.capacity + column :][:width]
        one_image.one_image_backward_weights(
            image_of(m, first), pixels, m.pixel_values, dy, action, W, G, lr, momentum, lanes
        )
        if op.biases > 0:
            db = m.grads[op.bias + column :][:width]
            bias_gradient(dy.reshape(1, width), db, 0.0 if fresh else 1.0)


@cache
def forward_of(lanes: int) -> Any:
    """The op `forward` for tiles of this many columns."""

    def one_image_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
        forward(op, m, lane, first, lanes)

    return kernel(named(one_image_forward, lanes))


@cache
def backward_weights_of(lanes: int) -> Any:
    """The op `backward_weights` for tiles of this many columns."""

    def one_image_backward_weights(
        op: Any, m: Memory, lane: int, step: int, first: int, rows: int
    ) -> None:
        backward_weights(op, m, lane, step, first, lanes)

    return kernel(named(one_image_backward_weights, lanes))
