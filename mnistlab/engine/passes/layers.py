"""The layers, forward and backward; and the images on their way in."""

from typing import Any

import numpy as np

from mnistlab.engine.passes.updates import rate_of
from mnistlab.engine.passes.views import flat, rows_of, share, slot
from mnistlab.engine.program import Memory
from mnistlab.kernels import conv2d, dense, losses, optimizers, pool2d
from mnistlab.kernels.blas import gemm
from mnistlab.kernels.dropout import dropout
from mnistlab.kernels.gradient_use import SGD
from mnistlab.kernels.jit import call_address, kernel, view
from mnistlab.kernels.random import stream_key
from mnistlab.kernels.vectors import prefetch

# Images are fetched this long before they are gathered: they lie all over the memory.
AHEAD = 32
CACHE_LINE = 64  # bytes


@kernel
def take_labels(m: Memory, first: int, a: int, b: int) -> None:
    """The labels of the batch's rows [a, b)."""
    for i in range(a, b):
        m.targets[i] = m.labels[m.order[first + i]]


@kernel
def gather(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The batch's labels, and its images from bytes to values: y = pixel · scale + offset."""
    a, b = rows_of(op, rows, lane)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    scale, offset = y.dtype.type(m.pixel[0]), y.dtype.type(m.pixel[1])
    take_labels(m, first, a, b)
    for i in range(a, b):
        if first + i + AHEAD < m.order.size:
            coming = m.images[m.order[first + i + AHEAD]]
            for j in range(0, coming.size, CACHE_LINE):
                prefetch(coming, j)
        image, row = m.images[m.order[first + i]], y[i]
        for j in range(row.size):
            row[j] = image[j] * scale + offset


@view
def weight_of(op: Any, values: np.ndarray) -> np.ndarray:
    """The weight (inputs, outputs) of a dense op, or its gradient, in a flat vector."""
    size = op.inputs * op.outputs
    return values[op.weight : op.weight + size].reshape(op.inputs, op.outputs)


@kernel
def dense_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    x = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    W, bias = weight_of(op, m.params), m.params[op.bias : op.bias + op.biases]
    if op.by_column:
        a, b = share(op.outputs, op.lanes, lane)
        dense.dense_forward(x, W[:, a:b], bias[a:b], y[:, a:b])
    else:
        a, b = rows_of(op, rows, lane)
        dense.dense_forward(x[a:b], W[:, :], bias, y[a:b, :])


@kernel
def dense_backward_weights(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    x = slot(m.activations, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    dW, db = weight_of(op, m.grads), m.grads[op.bias : op.bias + op.biases]
    a, b = share(op.inputs, op.lanes, lane)
    keep = 0.0 if m.batch[0] == 0 else 1.0
    dense.dense_backward_weights(x[:, a:b], dy, dW[a:b], db if lane == 0 else db[:0], keep)


@kernel
def dense_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """`dense_backward_weights`, and SGD's or momentum's step in BLAS's own sum."""
    x = slot(m.activations, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    a, b = share(op.inputs, op.lanes, lane)
    W, lr = weight_of(op, m.params)[a:b], rate_of(op, m, step)
    if op.use == SGD:
        gemm(-lr, x[:, a:b], True, dy, False, 1.0, W)
    else:
        velocity = weight_of(op, m.state1)[a:b]
        gemm(1.0, x[:, a:b], True, dy, False, op.decay1, velocity)
        optimizers.sgd_update(W.reshape(-1), velocity.reshape(-1), lr)
    if lane == 0:
        dense.bias_gradient(dy, m.grads[op.bias : op.bias + op.biases], 0.0)


@kernel
def dense_backward_input(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    dx = slot(m.deltas, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    W = weight_of(op, m.params)
    if op.by_column:
        a, b = share(op.inputs, op.lanes, lane)
        dense.dense_backward_input(dy, W[a:b], dx[:, a:b])
    else:
        a, b = rows_of(op, rows, lane)
        dense.dense_backward_input(dy[a:b], W, dx[a:b, :])


@kernel
def activation_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = flat(m.activations, m, op.x, a, b, op.inputs)
    y = flat(m.activations, m, op.y, a, b, op.inputs)
    call_address(op.kernel, x, op.parameter, y)


@kernel
def activation_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = flat(m.activations, m, op.x, a, b, op.inputs)
    y = flat(m.activations, m, op.y, a, b, op.inputs)
    dy = flat(m.deltas, m, op.y, a, b, op.inputs)
    dx = flat(m.deltas, m, op.x, a, b, op.inputs)
    call_address(op.kernel, x, y, op.parameter, dy, dx)


@view
def images_of(
    values: np.ndarray, m: Memory, start: int, rows: int, channels: int, height: int, width: int
) -> np.ndarray:
    """A slot's rows as images (rows, channels, height, width)."""
    begin = start * m.capacity
    size = rows * channels * height * width
    return values[begin : begin + size].reshape(rows, channels, height, width)


@view
def filters_of(op: Any, values: np.ndarray) -> np.ndarray:
    """The weight (filters, channels, side, side) of a convolution, or its gradient."""
    size = op.filters * op.channels * op.side * op.side
    shape = (op.filters, op.channels, op.side, op.side)
    return values[op.weight : op.weight + size].reshape(shape)


@view
def filter_biases_of(op: Any, values: np.ndarray) -> np.ndarray:
    """The bias (filters, 1 or positions or 0) of a convolution, or its gradient."""
    return values[op.bias : op.bias + op.biases].reshape(op.filters, op.biases // op.filters)


@view
def scratch_of(op: Any, m: Memory, lane: int) -> np.ndarray:
    """A lane's own scratch."""
    return m.scratch[op.scratch_at + lane * op.scratch :][: op.scratch]


@view
def lane_grads_of(op: Any, m: Memory, lane: int) -> np.ndarray:
    """A lane's own gradient of a convolution."""
    return m.lane_grads[op.lane_grads_at + lane * op.lane_grads :][: op.lane_grads]


@kernel
def conv2d_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.filters, op.rows, op.columns)
    W, bias, scratch = (
        filters_of(op, m.params),
        filter_biases_of(op, m.params),
        scratch_of(op, m, lane),
    )
    conv2d.conv2d_forward(x[a:b], W, bias, y[a:b], scratch, op.stride, op.padding)


@kernel
def conv2d_backward_input(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    W, scratch = filters_of(op, m.params), scratch_of(op, m, lane)
    conv2d.conv2d_backward_input(dy[a:b], W, dx[a:b], scratch, op.stride, op.padding)


@kernel
def conv2d_backward_weights(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """The gradient of a lane's images, into the lane's own part of the memory."""
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.filters, op.rows, op.columns)
    weights = op.filters * op.channels * op.side * op.side
    own = lane_grads_of(op, m, lane)
    dW = own[:weights].reshape(op.filters, op.channels, op.side, op.side)
    db = own[weights : weights + op.biases].reshape(op.filters, op.biases // op.filters)
    scratch = scratch_of(op, m, lane)
    conv2d.conv2d_backward_weights(x[a:b], dy[a:b], dW, db, scratch, op.stride, op.padding)


@kernel
def sum_lane_grads(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The lanes' gradients of a convolution added up, in the order of the lanes."""
    weights = op.filters * op.channels * op.side * op.side
    dW = m.grads[op.weight : op.weight + weights]
    db = m.grads[op.bias : op.bias + op.biases]
    fresh = m.batch[0] == 0
    for other in range(op.shares):
        own = lane_grads_of(op, m, other)
        replace = fresh and other == 0
        for j in range(weights):
            dW[j] = own[j] if replace else dW[j] + own[j]
        for j in range(op.biases):
            db[j] = own[weights + j] if replace else db[j] + own[weights + j]


@kernel
def max_pool_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.channels, op.rows, op.columns)
    pool2d.max_pool_forward(x[a:b], y[a:b], op.side, op.stride)


@kernel
def max_pool_forward_2(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.channels, op.rows, op.columns)
    pool2d.max_pool_forward_2(x[a:b], y[a:b])


@kernel
def max_pool_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.channels, op.rows, op.columns)
    pool2d.max_pool_backward(x[a:b], dy[a:b], dx[a:b], op.side, op.stride)


@kernel
def max_pool_backward_2(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.channels, op.rows, op.columns)
    pool2d.max_pool_backward_2(x[a:b], dy[a:b], dx[a:b])


@kernel
def average_pool_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    x = images_of(m.activations, m, op.x, rows, op.channels, op.height, op.width)
    y = images_of(m.activations, m, op.y, rows, op.channels, op.rows, op.columns)
    pool2d.average_pool_forward(x[a:b], y[a:b], op.side, op.stride)


@kernel
def average_pool_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    dx = images_of(m.deltas, m, op.x, rows, op.channels, op.height, op.width)
    dy = images_of(m.deltas, m, op.y, rows, op.channels, op.rows, op.columns)
    pool2d.average_pool_backward(dy[a:b], dx[a:b], op.side, op.stride)


@kernel
def dropout_pass(op: Any, m: Memory, lane: int, step: int, rows: int, forward: bool) -> None:
    """Dropout of a lane's rows: of the values on the way up, of the same elements' deltas down."""
    a, b = rows_of(op, rows, lane)
    values = m.activations if forward else m.deltas
    below = flat(values, m, op.x, a, b, op.inputs)
    above = flat(values, m, op.y, a, b, op.inputs)
    source, target = (below, above) if forward else (above, below)
    key = stream_key(op.seed, op.stream, step, 0)
    other_key = stream_key(op.seed, op.stream, step, 1)
    dropout(source, op.parameter, key, other_key, (m.batch[0] + a) * op.inputs, target)


@kernel
def dropout_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    dropout_pass(op, m, lane, step, rows, True)


@kernel
def dropout_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    dropout_pass(op, m, lane, step, rows, False)


@kernel
def softmax_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    z = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    losses.softmax_forward(z[a:b], y[a:b])


@kernel
def softmax_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.inputs)
    dz = slot(m.deltas, m, op.x, rows, op.inputs)
    losses.softmax_backward(y[a:b], dy[a:b], dz[a:b])
