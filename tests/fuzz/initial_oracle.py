"""The tensors of a network and their initial values, by the equations of `init` alone."""

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from data_oracle import DoesNotFitError, stream
from numpy_oracle import NoEquationError
from safetensors.numpy import load_file

WEIGHTS, BIASES = 1, 2
# What the tensors of batch normalisation start from.
NORMALISED = {"scale": 1.0, "shift": 0.0, "running_mean": 0.0, "running_variance": 1.0}


@dataclass(frozen=True)
class Tensor:
    """A tensor, in the order of the network; the fans are those of its layer."""

    layer: str
    part: str
    shape: tuple[int, ...]
    fan_in: int
    fan_out: int
    seen: tuple | None = None  # of a convolution: for each filter, the input maps that it sees

    @property
    def connected(self):
        """1 for an element of a connection, 0 for one of none."""
        found = np.ones(self.shape)
        for row, maps in zip(found, self.seen or (), strict=False):
            row[[c for c in range(len(row)) if c not in maps]] = 0
        return found

    @property
    def name(self):
        return f"{self.layer}.{self.part}"


def tensors_of(model, image_shape, classes, smallest_batch=2):
    """Every tensor from the image on."""
    shape, found, counts, last_units = (1, *image_shape), [], defaultdict(int), None

    def dense(units, bias):
        nonlocal shape
        counts["dense"] += 1
        inputs, name = math.prod(shape), f"dense{counts['dense']}"
        found.append(Tensor(name, "weight", (inputs, units), inputs, units))
        if bias:
            found.append(Tensor(name, "bias", (units,), inputs, units))
        shape = (units,)

    def sizes(kernel, stride, padding=0):
        if len(shape) != 3 or kernel > min(shape[1:]) + 2 * padding:
            raise DoesNotFitError("model.layers")
        return tuple((side + 2 * padding - kernel) // stride + 1 for side in shape[1:])

    def batch_norm():
        counts["batch_norm"] += 1
        name = f"batch_norm{counts['batch_norm']}"
        if smallest_batch * math.prod(shape[1:]) < 2:
            raise DoesNotFitError("batch_norm")
        for part in NORMALISED:
            found.append(Tensor(name, part, shape[:1], 1, 1))

    def conv(layer):
        nonlocal shape
        counts["conv"] += 1
        name, channels, area = f"conv{counts['conv']}", shape[0], layer.kernel**2
        fans = channels * area, layer.filters * area
        patch = (layer.filters, channels, layer.kernel, layer.kernel)
        padding = (layer.kernel - 1) // 2 if layer.padding == "same" else layer.padding
        shape = (layer.filters, *sizes(layer.kernel, layer.stride, padding))
        if layer.connections is not None:
            pairs = [(f, c) for f, maps in enumerate(layer.connections) for c in maps]
            if any(c >= channels for _, c in pairs):
                raise DoesNotFitError("model.layers")
            fans = round(len(pairs) * area / layer.filters), round(len(pairs) * area / channels)
        found.append(Tensor(name, "weight", patch, *fans, layer.connections))
        biases = {"shared": shape[:1], "per_position": shape, "none": None}[layer.bias]
        if biases is not None:
            found.append(Tensor(name, "bias", biases, *fans))

    match model.type:
        case "softmax":
            pass
        case "mlp":
            for units in model.hidden:
                dense(units, model.bias)
                if model.batch_norm is not None:
                    batch_norm()
        case "cnn":
            for layer in model.layers:
                match layer.type:
                    case "conv":
                        conv(layer.conv)
                        last_units = None
                    case "pool":
                        shape = (shape[0], *sizes(layer.pool.size, layer.pool.stride))
                    case "dense":
                        dense(layer.dense.units, layer.dense.bias)
                        last_units = layer.dense.units
                    case "pad":
                        height, width = sizes(1, 1, layer.pad.size)
                        shape = (shape[0], height, width)
                    case "flatten":
                        shape = (math.prod(shape),)
                    case "batch_norm":
                        batch_norm()
                    case "activation" | "dropout":
                        pass
                    case other:
                        raise NoEquationError("model.layers:", other)
        case other:
            raise NoEquationError("model.type", other)
    if last_units != classes:
        dense(classes, model.bias)
    return found


def initial_tensors(config, image_shape, classes, smallest_batch):
    """Every tensor before the first step, by name."""
    start = {}
    index = 0
    for tensor in tensors_of(config.model, image_shape, classes, smallest_batch):
        rule = config.init.layers.get(tensor.layer, config.init)
        if rule.type == "file":
            with np.load(rule.path) as archive:
                start[tensor.name] = archive[tensor.name]
        elif rule.type == "run":
            path = rule.path / {"final": "weights.safetensors"}[rule.weights]
            start[tensor.name] = load_file(path)[tensor.name]
        elif tensor.part in NORMALISED:
            start[tensor.name] = np.full(tensor.shape, NORMALISED[tensor.part])
        elif tensor.part == "bias":
            start[tensor.name] = _bias(rule.bias, tensor, stream(config.seed, BIASES, index))
        else:
            drawn = _weight(rule, tensor, stream(config.seed, WEIGHTS, index))
            start[tensor.name] = drawn * tensor.connected
        index += tensor.part not in NORMALISED
    return start


def _bias(rule, tensor, numbers):
    match rule.type:
        case "zeros":
            return np.zeros(tensor.shape)
        case "normal":
            return rule.std * numbers.standard_normal(tensor.shape)
        case other:
            raise NoEquationError("init.bias.type", other)


def _weight(rule, tensor, numbers):
    fan_in, fan_out = tensor.fan_in, tensor.fan_out
    match rule.type:
        case "he_normal" | "he_uniform":
            variance = 2 / fan_in
        case "glorot_normal" | "glorot_uniform":
            variance = 2 / (fan_in + fan_out)
        case "lecun_normal":
            variance = 1 / fan_in
        case "variance_scaling":
            fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_sum": fan_in + fan_out}
            variance = rule.scale / fans[rule.mode]
        case "normal":
            return rule.std * numbers.standard_normal(tensor.shape)
        case "uniform":
            return numbers.uniform(rule.low, rule.high, tensor.shape)
        case "poisson":
            return rule.factor * numbers.poisson(rule.lam, tensor.shape)
        case "zeros":
            return np.zeros(tensor.shape)
        case other:
            raise NoEquationError("init.type", other)
    scaling = rule.type == "variance_scaling"
    match rule.distribution if scaling else rule.type.rsplit("_", 1)[1]:
        case "normal":
            return math.sqrt(variance) * numbers.standard_normal(tensor.shape)
        case "uniform":
            bound = math.sqrt(3 * variance)
            return numbers.uniform(-bound, bound, tensor.shape)
        case other:
            raise NoEquationError("init.distribution", other)
