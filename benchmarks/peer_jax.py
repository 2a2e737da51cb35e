"""JAX on a row, as fast as its user could reasonably make it.

A whole epoch is one compiled call, a `lax.scan` over its batches, on donated parameters. Small
kernels convolve as a product with the image's patches, which on XLA's CPU backend was measured to
be 1.4 to 2.5 times as fast as `lax.conv_general_dilated` in either layout.
"""

import os
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import network
from benchmarks.serve import batch_size, epoch_order, init_std, load_arrays, serve
from mnistlab.config import RunConfig

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}

Params = list[dict[str, jax.Array]]
# Parameters, and what the optimizer keeps: velocities, or Adam's means and its steps so far.
State = tuple[Params, Any]


class JaxPeer:
    """Parameters, velocities, and the images on JAX's CPU device; images (n, height, width, 1)."""

    version = jax.__version__

    def __init__(self, config: RunConfig, threads: int) -> None:
        _limit_threads(threads)
        if config.lr_schedule.type != "constant":
            raise ValueError("this peer has a constant rate alone")
        jax.config.update("jax_enable_x64", config.training.dtype == "float64")
        self.config = config
        arrays = load_arrays(config)
        self.images = jnp.asarray(arrays.train_images[..., None])
        self.labels = jnp.asarray(arrays.train_labels, jnp.int32)
        self.test_images = jnp.asarray(arrays.test_images[..., None])
        self.test_labels = arrays.test_labels
        self.batch = batch_size(config, len(self.images))
        layers = network.layers(config, arrays.train_images.shape[1:], arrays.classes)
        self.evaluation_rows = network.evaluation_rows(layers)
        rng = np.random.default_rng(config.seed)
        params = [_params(layer, config, rng) for layer in layers]
        self.state: State = (params, _start(config.optimizer, params))
        step = partial(_step, layers, config.optimizer)
        self._train_epoch = jax.jit(partial(_epoch, step), donate_argnums=0)
        self._logits = jax.jit(partial(_logits, layers))
        self.epoch = 0

    def train(self, epochs: int) -> list[float]:
        return [self._epoch() for _ in range(epochs)]

    def _epoch(self) -> float:
        whole, rest = self._batches()
        key = jax.random.fold_in(jax.random.key(self.config.seed), self.epoch)
        arguments = jax.block_until_ready((self.images, self.labels, whole, rest, key))
        started = time.perf_counter()
        self.state = jax.block_until_ready(self._train_epoch(self.state, *arguments))
        seconds = time.perf_counter() - started
        self.epoch += 1
        return seconds

    def _batches(self) -> tuple[jax.Array | None, jax.Array | None]:
        """An epoch's whole batches, int32 (steps, batch), and what is left, int32 (rest,)."""
        order = epoch_order(self.config, len(self.images), self.epoch)
        if order is None:
            return None, None
        border = len(order) // self.batch * self.batch
        whole, rest = jnp.split(jnp.asarray(order, jnp.int32), [border])
        return whole.reshape(-1, self.batch), rest if len(rest) else None

    def evaluate(self) -> tuple[float, float]:
        count = max(1, len(self.test_images) // self.evaluation_rows)
        parts = jnp.array_split(self.test_images, count)
        for part in (parts[0], parts[-1]):  # both sizes are compiled before anything is timed
            jax.block_until_ready(self._logits(self.state[0], part))
        started = time.perf_counter()
        logits = jax.block_until_ready([self._logits(self.state[0], part) for part in parts])
        seconds = time.perf_counter() - started
        predicted = np.concatenate(logits).argmax(1)
        return float((predicted == self.test_labels).mean()), seconds


def _limit_threads(threads: int) -> None:
    """XLA's pool is as large as the processors that its process may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _epoch(
    step: Any,
    state: State,
    images: jax.Array,
    labels: jax.Array,
    whole: jax.Array | None,
    rest: jax.Array | None,
    key: jax.Array,
) -> State:
    """The state after an epoch; without batches, after one step on all images as they lie."""

    def batch_step(carry: tuple[State, jax.Array], batch: jax.Array) -> Any:
        state, key = carry
        key, dropout_key = jax.random.split(key)
        gathered = images.at[batch].get(mode="promise_in_bounds")
        return (step(state, gathered, labels[batch], dropout_key), key), None

    if whole is None:
        return step(state, images, labels, key)
    carry, _ = jax.lax.scan(batch_step, (state, key), whole)
    if rest is not None:
        carry, _ = batch_step(carry, rest)
    return carry[0]


def _start(optimizer: Any, params: Params) -> Any:
    """What the optimizer keeps, before the first step."""
    zeros = partial(jax.tree.map, jnp.zeros_like)
    if optimizer.type == "adam":
        return zeros(params), zeros(params), jnp.zeros((), jnp.int32)
    if optimizer.type == "sgd" and not optimizer.nesterov:
        return zeros(params) if optimizer.momentum else None
    raise ValueError("this peer has Adam, and SGD with momentum")


def _step(
    layers: list[network.Layer],
    optimizer: Any,
    state: State,
    images: jax.Array,
    labels: jax.Array,
    key: jax.Array,
) -> State:
    params, kept = state
    gradient = jax.grad(partial(_loss, layers))(params, images, labels, key)
    if optimizer.type == "adam":
        return _adam(optimizer, params, gradient, *kept)
    if kept is not None:
        gradient = jax.tree.map(lambda v, g: optimizer.momentum * v + g, kept, gradient)
        kept = gradient
    return jax.tree.map(lambda p, d: p - optimizer.lr * d, params, gradient), kept


def _adam(
    optimizer: Any, params: Params, gradient: Params, mean: Params, square: Params, steps: jax.Array
) -> State:
    beta1, beta2, steps = optimizer.beta1, optimizer.beta2, steps + 1
    mean = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, mean, gradient)
    square = jax.tree.map(lambda s, g: beta2 * s + (1 - beta2) * g * g, square, gradient)
    rate, scale = optimizer.lr / (1 - beta1**steps), 1 / (1 - beta2**steps)

    def updated(p: jax.Array, m: jax.Array, s: jax.Array) -> jax.Array:
        return (p - rate * m / (jnp.sqrt(scale * s) + optimizer.epsilon)).astype(p.dtype)

    return jax.tree.map(updated, params, mean, square), (mean, square, steps)


def _loss(
    layers: list[network.Layer],
    params: Params,
    images: jax.Array,
    labels: jax.Array,
    key: jax.Array,
) -> jax.Array:
    """The mean cross-entropy of a batch, from the logits."""
    logits = _logits(layers, params, images, key)
    of_label = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - of_label)


def _logits(
    layers: list[network.Layer], params: Params, x: jax.Array, key: jax.Array | None = None
) -> jax.Array:
    """The network's last sums, (batch, classes); dropout where there is a key."""
    for layer, tensors in zip(layers, params, strict=True):
        match layer:
            case network.Dense():
                x = x @ tensors["weight"] + tensors["bias"]
            case network.Conv():
                x = _patches(layer, x) @ tensors["weight"] + tensors["bias"]
            case network.Pool() if layer.size == layer.stride:
                x = _pooled(layer, x)
            case network.Activation():
                x = ACTIVATIONS[layer.type](x)
            case network.Flatten():
                x = x.reshape(len(x), -1)
            case network.Dropout() if key is not None:
                key, own = jax.random.split(key)
                kept = jax.random.bernoulli(own, 1 - layer.rate, x.shape)
                x = jnp.where(kept, x / (1 - layer.rate), 0)
            case network.Dropout():
                pass
            case _:
                raise ValueError(f"this peer has no {layer}")
    return x


def _pooled(pool: network.Pool, x: jax.Array) -> jax.Array:
    """Patches that touch are an axis of their own; quicker on the CPU than `lax.reduce_window`."""
    size, (batch, height, width, channels) = pool.size, x.shape
    rows, columns = height // size, width // size
    apart = x[:, : rows * size, : columns * size].reshape(
        batch, rows, size, columns, size, channels
    )
    return apart.max((2, 4)) if pool.type == "max" else apart.mean((2, 4))


def _patches(conv: network.Conv, x: jax.Array) -> jax.Array:
    """(batch, height, width, channels) to (batch, rows, columns, kernel·kernel·channels)."""
    edge = (conv.padding, conv.padding)
    x = jnp.pad(x, ((0, 0), edge, edge, (0, 0)))
    rows, columns = (conv.stride * (count - 1) + 1 for count in (conv.rows, conv.columns))
    shifted = [
        x[:, row : row + rows : conv.stride, column : column + columns : conv.stride]
        for row in range(conv.kernel)
        for column in range(conv.kernel)
    ]
    return jnp.concatenate(shifted, axis=-1)


def _params(
    layer: network.Layer, config: RunConfig, rng: np.random.Generator
) -> dict[str, jax.Array]:
    """A layer's tensors as they start: weights (fan_in, outputs), biases (outputs,)."""
    if isinstance(layer, network.Dense):
        fan_in, outputs, fan_out = layer.inputs, layer.units, layer.units
    elif isinstance(layer, network.Conv):
        fan_in, outputs = layer.channels * layer.kernel**2, layer.filters
        fan_out = outputs * layer.kernel**2
    else:
        return {}
    if not layer.bias:
        raise ValueError("this peer has no layers without biases")
    weight = rng.normal(0, init_std(config, fan_in, fan_out), (fan_in, outputs))
    dtype = jnp.dtype(config.training.dtype)
    return {"weight": jnp.asarray(weight, dtype), "bias": jnp.zeros(outputs, dtype)}


if __name__ == "__main__":
    serve(JaxPeer)
