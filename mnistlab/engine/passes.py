"""Every op: it cuts its lane's views out of the memory and calls the layer's maths on them.

All have the arguments `(op, m, lane, step, first, rows)` of `program.function_types`. Lanes write
to places that do not meet and sum nothing between them, so the bits do not depend on the threads.
"""

from typing import Any

import numpy as np

from mnistlab.engine.program import Memory
from mnistlab.kernels import dense, losses, optimizers, regularizers
from mnistlab.kernels.jit import call_address, kernel


@kernel
def share(total: int, lanes: int, lane: int) -> tuple[int, int]:
    """The part [from, to) of `total` things that a lane has."""
    return lane * total // lanes, (lane + 1) * total // lanes


@kernel
def slot(values: np.ndarray, m: Memory, start: int, rows: int, width: int) -> np.ndarray:
    """A slot's rows as a matrix (rows, width)."""
    begin = start * m.capacity
    return values[begin : begin + rows * width].reshape(rows, width)


@kernel
def flat(values: np.ndarray, m: Memory, start: int, a: int, b: int, width: int) -> np.ndarray:
    """The rows [a, b) of a slot as one vector."""
    begin = start * m.capacity
    return values[begin + a * width : begin + b * width]


@kernel
def gather(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """The batch's labels, and its images from bytes to values: y = pixel · scale + offset."""
    a, b = share(rows, op.lanes, lane)
    y = slot(m.activations, m, op.y, rows, op.outputs)
    scale, offset = y.dtype.type(m.pixel[0]), y.dtype.type(m.pixel[1])
    for i in range(a, b):
        number = m.order[first + i]
        m.targets[i] = m.labels[number]
        image, row = m.images[number], y[i]
        for j in range(row.size):
            row[j] = image[j] * scale + offset


@kernel
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
        a, b = share(rows, op.lanes, lane)
        dense.dense_forward(x[a:b], W[:, :], bias, y[a:b, :])


@kernel
def dense_backward_weights(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    x = slot(m.activations, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    dW, db = weight_of(op, m.grads), m.grads[op.bias : op.bias + op.biases]
    a, b = share(op.inputs, op.lanes, lane)
    dense.dense_backward_weights(x[:, a:b], dy, dW[a:b], db if lane == 0 else db[:0])


@kernel
def dense_backward_input(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    dx = slot(m.deltas, m, op.x, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.outputs)
    W = weight_of(op, m.params)
    if op.by_column:
        a, b = share(op.inputs, op.lanes, lane)
        dense.dense_backward_input(dy, W[a:b], dx[:, a:b])
    else:
        a, b = share(rows, op.lanes, lane)
        dense.dense_backward_input(dy[a:b], W, dx[a:b, :])


@kernel
def activation_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = share(rows, op.lanes, lane)
    x = flat(m.activations, m, op.x, a, b, op.inputs)
    y = flat(m.activations, m, op.y, a, b, op.inputs)
    call_address(op.kernel, x, op.parameter, y)


@kernel
def activation_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = share(rows, op.lanes, lane)
    x = flat(m.activations, m, op.x, a, b, op.inputs)
    y = flat(m.activations, m, op.y, a, b, op.inputs)
    dy = flat(m.deltas, m, op.y, a, b, op.inputs)
    dx = flat(m.deltas, m, op.x, a, b, op.inputs)
    call_address(op.kernel, x, y, op.parameter, dy, dx)


@kernel
def softmax_forward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = share(rows, op.lanes, lane)
    z = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    losses.softmax_forward(z[a:b], y[a:b])


@kernel
def softmax_backward(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = share(rows, op.lanes, lane)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    dy = slot(m.deltas, m, op.y, rows, op.inputs)
    dz = slot(m.deltas, m, op.x, rows, op.inputs)
    losses.softmax_backward(y[a:b], dy[a:b], dz[a:b])


@kernel
def gradient_scale(op: Any, rows: int) -> float:
    """1/batch for the mean over a batch of its own size, 1 for the sum."""
    return 1.0 / rows if op.mean else 1.0


@kernel
def tally(op: Any, m: Memory, y: np.ndarray, labels: np.ndarray, first: int) -> None:
    """Add the batch to the totals (training), or keep the outputs of each image (evaluation)."""
    if op.training:
        for i in range(y.shape[0]):
            m.totals[0] += m.losses[i]
            m.totals[1] += np.argmax(y[i]) == labels[i]
        m.totals[2] += y.shape[0]
    else:
        width = y.shape[1]
        for i in range(y.shape[0]):
            for j in range(width):
                m.outputs[(first + i) * width + j] = y[i, j]


@kernel
def losses_of(op: Any, m: Memory, first: int, rows: int) -> np.ndarray:
    """Where a batch's losses go: one batch's when training, every image's when evaluating."""
    return m.losses[:rows] if op.training else m.losses[first : first + rows]


@kernel
def cross_entropy_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Softmax and cross-entropy in one: the gradient goes straight to the logits."""
    labels = m.targets[:rows]
    z = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    losses.softmax_forward(z, y)
    losses.cross_entropy_loss(z, labels, losses_of(op, m, first, rows))
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)
        losses.cross_entropy_backward(y, labels, gradient_scale(op, rows), dz)
    tally(op, m, y, labels, first)


@kernel
def binary_cross_entropy_head(
    op: Any, m: Memory, lane: int, step: int, first: int, rows: int
) -> None:
    """Sigmoid and binary cross-entropy in one: the gradient goes straight to the logits."""
    labels = m.targets[:rows]
    z = slot(m.activations, m, op.x, rows, op.inputs)
    y = slot(m.activations, m, op.y, rows, op.inputs)
    k = op.parameter
    call_address(op.kernel, z.reshape(-1), k, y.reshape(-1))
    losses.binary_cross_entropy_loss(z, k, labels, losses_of(op, m, first, rows))
    if op.training:
        dz = slot(m.deltas, m, op.x, rows, op.inputs)
        losses.binary_cross_entropy_backward(y, k, labels, gradient_scale(op, rows), dz)
    tally(op, m, y, labels, first)


@kernel
def squared_error_head(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Mean-squared error of the output slot x, whatever activation made it."""
    labels = m.targets[:rows]
    y = slot(m.activations, m, op.x, rows, op.inputs)
    losses.squared_error_loss(y, labels, losses_of(op, m, first, rows))
    if op.training:
        dy = slot(m.deltas, m, op.x, rows, op.inputs)
        losses.squared_error_backward(y, labels, gradient_scale(op, rows), dy)
    tally(op, m, y, labels, first)


@kernel
def part(op: Any, values: np.ndarray, lane: int) -> np.ndarray:
    """A lane's part of the tensor that an update is for."""
    a, b = share(op.size, op.lanes, lane)
    return values[op.weight + a : op.weight + b]


@kernel
def rate_of(op: Any, m: Memory, step: int) -> float:
    """The step's learning rate for the op's tensor."""
    return m.rates[step - m.rates_from] * op.lr_scale


@kernel
def penalty_gradient(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    regularizers.penalty_gradient(part(op, m.params, lane), op.l1, op.l2, part(op, m.grads, lane))


@kernel
def penalty_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    regularizers.penalty_step(part(op, m.params, lane), op.l1, op.l2, part(op, m.taken, lane))


@kernel
def take_penalty_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    optimizers.sgd_update(part(op, m.params, lane), part(op, m.taken, lane), 1.0)


@kernel
def soft_threshold(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    regularizers.soft_threshold(part(op, m.params, lane), rate_of(op, m, step) * op.l1)


@kernel
def sgd(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    lr = rate_of(op, m, step)
    optimizers.sgd_update(part(op, m.params, lane), part(op, m.grads, lane), lr)


@kernel
def momentum(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    optimizers.momentum_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, m.state1, lane),
        rate_of(op, m, step),
        op.decay1,
        op.mode == 1,
    )


@kernel
def momentum_step(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    optimizers.momentum_step_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, m.state1, lane),
        rate_of(op, m, step),
        op.decay1,
        op.mode == 1,
    )


@kernel
def adam(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    """Adam, and AdamW where the op has a weight decay."""
    W, lr = part(op, m.params, lane), rate_of(op, m, step)
    if op.weight_decay > 0:
        optimizers.weight_decay(W, lr, op.weight_decay)
    optimizers.adam_update(
        W,
        part(op, m.grads, lane),
        part(op, m.state1, lane),
        part(op, m.state2, lane),
        lr,
        op.decay1,
        op.decay2,
        op.epsilon,
        step + 1,
    )


@kernel
def rmsprop(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    optimizers.rmsprop_update(
        part(op, m.params, lane),
        part(op, m.grads, lane),
        part(op, m.state1, lane),
        rate_of(op, m, step),
        op.decay1,
        op.epsilon,
    )
