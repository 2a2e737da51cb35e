"""The second implementation with dropout, convolutions and pooling: a list of
layers, plain numpy.
"""

from collections import defaultdict

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy_oracle import NoEquationError, Oracle, activate, pull_back
from random_oracle import WORD, keys_of, numbers_of


def dropout_factor(rate, seed, stream, step, shape):
    """0 or 1/(1 − rate) for each value, by mnistlab's counter-based random numbers."""
    numbers = numbers_of(keys_of(seed, stream, step), np.arange(np.prod(shape)))
    return (numbers >= int(rate * WORD)).reshape(shape) / (1 - rate)


def windows(x, side, stride):
    """(images, channels, rows, columns, side, side)."""
    return sliding_window_view(x, (side, side), axis=(2, 3))[:, :, ::stride, ::stride]


def places(n, offset, stride):
    """The pixels at `offset` in each of n windows."""
    return slice(offset, offset + (n - 1) * stride + 1, stride)


class Layer:
    """up: the output; down: the gradients of the input and, by name, of the layer's tensors."""

    def __init__(self, name):
        self.name = name

    def up(self, x, tensors, step, training):
        raise NotImplementedError

    def down(self, x, dy, tensors, step):
        raise NotImplementedError

    def keep(self, x, tensors):
        """What a training step keeps of its batch, beside the weights."""


class Dense(Layer):
    def up(self, x, tensors, step, training):
        return x.reshape(len(x), -1) @ tensors[f"{self.name}.weight"] + tensors.get(
            f"{self.name}.bias", 0.0
        )

    def down(self, x, dy, tensors, step):
        W = tensors[f"{self.name}.weight"]
        found = {
            f"{self.name}.weight": np.einsum("ni,no->io", x.reshape(len(x), -1), dy),
            f"{self.name}.bias": dy.sum(axis=0),
        }
        return (dy @ W.T).reshape(x.shape), found


class Conv(Layer):
    def __init__(self, name, conv):
        super().__init__(name)
        self.conv = conv
        same = conv.padding == "same"
        self.padding = (conv.kernel - 1) // 2 if same else conv.padding

    def _connected(self, dW):
        """The gradient, 0 where the table of connections has no connection."""
        seen = np.ones(dW.shape)
        for row, maps in zip(seen, self.conv.connections or (), strict=False):
            row[[c for c in range(len(row)) if c not in maps]] = 0
        return dW * seen

    def _windows(self, x):
        p = self.padding
        return windows(
            np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)]), self.conv.kernel, self.conv.stride
        )

    def up(self, x, tensors, step, training):
        y = np.einsum("ncrquv,fcuv->nfrq", self._windows(x), tensors[f"{self.name}.weight"])
        if self.conv.bias == "none":
            return y
        bias = tensors[f"{self.name}.bias"]
        return y + (bias[:, None, None] if self.conv.bias == "shared" else bias)

    def down(self, x, dy, tensors, step):
        W = tensors[f"{self.name}.weight"]
        dW = np.einsum("ncrquv,nfrq->fcuv", self._windows(x), dy)
        found = {f"{self.name}.weight": self._connected(dW)}
        by_position = dy.sum(axis=0)
        shared = self.conv.bias == "shared"
        found[f"{self.name}.bias"] = by_position.sum(axis=(1, 2)) if shared else by_position
        p, s = self.padding, self.conv.stride
        n, channels, height, width = x.shape
        dx = np.zeros((n, channels, height + 2 * p, width + 2 * p))
        rows, columns = dy.shape[2:]
        for u, v in np.ndindex(self.conv.kernel, self.conv.kernel):
            share = np.einsum("nfrq,fc->ncrq", dy, W[:, :, u, v])
            dx[:, :, places(rows, u, s), places(columns, v, s)] += share
        return dx[:, :, p : p + height, p : p + width], found


class Pool(Layer):
    def __init__(self, name, pool):
        super().__init__(name)
        self.pool = pool

    def up(self, x, tensors, step, training):
        found = windows(x, self.pool.size, self.pool.stride)
        return found.max(axis=(4, 5)) if self.pool.type == "max" else found.mean(axis=(4, 5))

    def down(self, x, dy, tensors, step):
        size, stride = self.pool.size, self.pool.stride
        found = windows(x, size, stride)
        # The position of the maximum in its window: the first of equal ones.
        first = found.reshape(*dy.shape, -1).argmax(axis=-1)
        dx = np.zeros(x.shape)
        rows, columns = dy.shape[2:]
        for u, v in np.ndindex(size, size):
            share = (first == u * size + v) if self.pool.type == "max" else 1 / size**2
            dx[:, :, places(rows, u, stride), places(columns, v, stride)] += dy * share
        return dx, {}


class Pad(Layer):
    def __init__(self, name, pad):
        super().__init__(name)
        self.pad = pad

    def up(self, x, tensors, step, training):
        size = (self.pad.size, self.pad.size)
        return np.pad(x, [(0, 0), (0, 0), size, size], constant_values=self.pad.value)

    def down(self, x, dy, tensors, step):
        size = self.pad.size
        return dy[:, :, size:-size, size:-size], {}


class Dropout(Layer):
    def __init__(self, stream, rate, seed):
        super().__init__(f"dropout{stream}")
        self.stream, self.rate, self.seed = stream, rate, seed

    def _factor(self, shape, step):
        return dropout_factor(self.rate, self.seed, self.stream, step, shape)

    def up(self, x, tensors, step, training):
        return x * self._factor(x.shape, step) if training else x

    def down(self, x, dy, tensors, step):
        return dy * self._factor(x.shape, step), {}


class BatchNorm(Layer):
    """Of every unit, or of every map over its positions: axis 1 stays."""

    def __init__(self, name, settings):
        super().__init__(name)
        self.settings = settings

    def _named(self, tensors, kind, x):
        return tensors[f"{self.name}.{kind}"].reshape(1, -1, *[1] * (x.ndim - 2))

    def _normalised(self, x):
        axes = (0, *range(2, x.ndim))
        deviation = np.sqrt(x.var(axis=axes, keepdims=True) + self.settings.epsilon)
        return (x - x.mean(axis=axes, keepdims=True)) / deviation, deviation, axes

    def up(self, x, tensors, step, training):
        if training:
            normalised = self._normalised(x)[0]
        else:
            variance = self._named(tensors, "running_variance", x)
            centred = x - self._named(tensors, "running_mean", x)
            normalised = centred / np.sqrt(variance + self.settings.epsilon)
        return self._named(tensors, "scale", x) * normalised + self._named(tensors, "shift", x)

    def down(self, x, dy, tensors, step):
        normalised, deviation, axes = self._normalised(x)
        found = {
            f"{self.name}.scale": (dy * normalised).sum(axis=axes),
            f"{self.name}.shift": dy.sum(axis=axes),
        }
        dn = dy * self._named(tensors, "scale", x)
        mean = dn.mean(axis=axes, keepdims=True)
        along = (dn * normalised).mean(axis=axes, keepdims=True)
        return (dn - mean - normalised * along) / deviation, found

    def statistics(self, x):
        axes = (0, *range(2, x.ndim))
        return {
            f"{self.name}.running_mean": x.mean(axis=axes),
            f"{self.name}.running_variance": x.var(axis=axes, ddof=1),
        }

    def keep(self, x, tensors):
        kept = self.settings.momentum
        for name, value in self.statistics(x).items():
            tensors[name] = kept * tensors[name] + (1 - kept) * value


class Activation(Layer):
    def __init__(self, activation):
        super().__init__(activation.type)
        self.activation = activation

    def up(self, x, tensors, step, training):
        return activate(self.activation, x)

    def down(self, x, dy, tensors, step):
        return pull_back(self.activation, x, dy), {}


class Flatten(Layer):
    def up(self, x, tensors, step, training):
        return x.reshape(len(x), -1)

    def down(self, x, dy, tensors, step):
        return dy.reshape(x.shape), {}


class LayeredOracle(Oracle):
    """Softmax regression, an MLP with dropout, or a CNN."""

    def _weighted_layers(self):
        self.stack = self._stack()
        return [layer.name for layer in self.stack if isinstance(layer, Dense | Conv)]

    def _stack(self):
        model, counts, stack = self.config.model, defaultdict(int), []
        classes = len(self.dataset.class_names)
        last_units = None  # of the last layer with weights, if it is dense

        def number(kind):
            counts[kind] += 1
            return counts[kind]

        def batch_norm(settings):
            stack.append(BatchNorm(f"batch_norm{number('batch_norm')}", settings))

        def dropout(rate):
            if rate > 0:
                stack.append(Dropout(number("dropout"), rate, self.config.seed))

        match model.type:
            case "softmax":
                pass
            case "mlp":
                dropout(model.input_dropout)
                for _ in model.hidden:
                    stack.append(Dense(f"dense{number('dense')}"))
                    if model.batch_norm is not None:
                        batch_norm(model.batch_norm)
                    stack.append(Activation(model.activation))
                    dropout(model.dropout)
            case "cnn":
                for layer in model.layers:
                    match layer.type:
                        case "dense":
                            stack.append(Dense(f"dense{number('dense')}"))
                            last_units = layer.dense.units
                        case "conv":
                            stack.append(Conv(f"conv{number('conv')}", layer.conv))
                            last_units = None
                        case "pad":
                            stack.append(Pad("pad", layer.pad))
                        case "pool":
                            stack.append(Pool("pool", layer.pool))
                        case "activation":
                            stack.append(Activation(layer.activation))
                        case "batch_norm":
                            batch_norm(layer.batch_norm)
                        case "dropout":
                            dropout(layer.dropout)
                        case "flatten":
                            stack.append(Flatten("flatten"))
                        case other:
                            raise NoEquationError("model.layers:", other)
            case other:
                raise NoEquationError("model.type", other)
        if last_units != classes:
            stack.append(Dense(f"dense{number('dense')}"))
        return [*stack, Activation(model.output_activation)]

    def _values(self, x, training):
        """The input of every layer, and the output of the last."""
        values = [x.reshape(len(x), 1, *self.dataset.image_shape)]
        for layer in self.stack:
            values.append(layer.up(values[-1], self.tensors, self.step, training))
        return values

    def _forward(self, x):
        values = self._values(x, training=False)
        return values[:-1], values[-2:-1], values[-1]

    def gradients(self, x, t):
        values = self._values(x, training=True)
        losses = self._loss(values[-2], values[-1], t)
        dy = self._loss_gradient(values[-2], values[-1], t)
        gradients = {}
        # The loss's gradient is by the last sums: the output activation is behind it.
        for layer, below in zip(self.stack[-2::-1], values[-3::-1], strict=True):
            dy, found = layer.down(below, dy, self.tensors, self.step)
            gradients |= {name: g for name, g in found.items() if name in self.tensors}
        for layer, below in zip(self.stack, values[:-1], strict=True):
            layer.keep(below, self.tensors)
        return gradients, losses, values[-1]

    def statistics(self, places, steps_per_epoch):
        """Those of each normalisation for the images at `places`, as the next step reads them."""
        values = self._values(self._training_batch(places, steps_per_epoch)[0], training=True)
        norms = [
            p for p in zip(self.stack, values[:-1], strict=True) if isinstance(p[0], BatchNorm)
        ]
        return {name: one for layer, x in norms for name, one in layer.statistics(x).items()}
