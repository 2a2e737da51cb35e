"""JAX on many small networks at once: `vmap` over networks, an epoch as one compiled `lax.scan`."""

import time
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.networks_per_second import MODELS, STEPS, config_of
from benchmarks.serve import epoch_order, load_arrays

BATCH = 32
# As many as keep JAX busy: more networks were not quicker.
NETWORKS = 27

Params = list[tuple[jax.Array, jax.Array]]


def rates(model: str, way: str, rounds: int) -> list[float]:
    """Network-epochs a second, round by round; `way` is the only one there is."""
    config = config_of(model, 0)
    arrays = load_arrays(config)
    images = jnp.asarray(arrays.train_images.reshape(len(arrays.train_images), -1))
    labels = jnp.asarray(arrays.train_labels, jnp.int32)
    widths = [images.shape[1], *MODELS[model].get("hidden", []), arrays.classes]
    rng = np.random.default_rng(0)
    params = [
        (
            jnp.asarray(rng.normal(0, 0.05, (NETWORKS, inputs, units)), jnp.float32),
            jnp.zeros((NETWORKS, units)),
        )
        for inputs, units in pairwise(widths)
    ]
    steps_per_epoch = -(-len(labels) // BATCH)
    learning_rates = jnp.asarray(0.1 / (1 + np.arange(NETWORKS)), jnp.float32)
    train = jax.jit(partial(_train, learning_rates), donate_argnums=0)
    found = []
    for number in range(rounds + 1):
        order = epoch_order(config, len(labels), number)
        assert order is not None
        batches = jnp.asarray(order[: STEPS * BATCH], jnp.int32).reshape(STEPS, BATCH)
        arguments = jax.block_until_ready((images, labels, batches))
        began = time.perf_counter()
        params = jax.block_until_ready(train(params, *arguments))
        found.append(NETWORKS * STEPS / steps_per_epoch / (time.perf_counter() - began))
    return found[1:]


def _train(
    learning_rates: jax.Array,
    params: Params,
    images: jax.Array,
    labels: jax.Array,
    batches: jax.Array,
) -> Params:
    def step(params: Params, batch: jax.Array) -> tuple[Params, None]:
        # The images are gathered once for all networks.
        x, t = images[batch], labels[batch]
        return jax.vmap(_descend, in_axes=(0, 0, None, None))(params, learning_rates, x, t), None

    return jax.lax.scan(step, params, batches)[0]


def _descend(params: Params, rate: jax.Array, x: jax.Array, labels: jax.Array) -> Params:
    gradient = jax.grad(_loss)(params, x, labels)
    return jax.tree.map(lambda p, g: p - rate * g, params, gradient)


def _loss(params: Params, x: jax.Array, labels: jax.Array) -> jax.Array:
    for W, b in params[:-1]:
        x = jax.nn.relu(x @ W + b)
    W, b = params[-1]
    logits = x @ W + b
    of_label = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - of_label)
