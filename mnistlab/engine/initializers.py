"""How weights and biases start. Every tensor draws from its own stream, whatever the others do."""

import math
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, assert_never

import numpy as np

from mnistlab.config import (
    FileInit,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    InitConfig,
    LayerInit,
    LecunNormal,
    NormalBias,
    NormalInit,
    PoissonInit,
    UniformInit,
    VarianceScaling,
    ZeroBias,
    Zeros,
)
from mnistlab.engine.params import views
from mnistlab.engine.program import TensorSpec
from mnistlab.errors import UsageError


class Purpose(IntEnum):
    """What random numbers are for: each purpose has streams of its own under one seed."""

    WEIGHTS = 1
    BIASES = 2
    ORDER = 3
    GRADIENT_CHECK = 4


def random_stream(seed: int, purpose: Purpose, index: int) -> np.random.Generator:
    """Philox keyed by (seed, purpose), counting from (0, 0, index, 0): no state to be kept.

    Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
    """
    key = np.array([seed, purpose], np.uint64)
    counter = np.array([0, 0, index, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def initial_params(
    init: InitConfig, tensors: Sequence[TensorSpec], size: int, seed: int, dtype: Any
) -> np.ndarray:
    """The parameter vector before the first step, `dtype` (size,).

    Drawn in float64 and rounded once, so that float32 and float64 runs start alike. Raises
    UsageError for an init file that is unusable or does not fit.
    """
    vector = np.zeros(size)
    files: dict[Path, dict[str, np.ndarray]] = {}
    for index, (tensor, view) in enumerate(
        zip(tensors, views(tensors, vector).values(), strict=True)
    ):
        rule: LayerInit | InitConfig = init.layers.get(tensor.layer, init)
        if isinstance(rule, FileInit):
            if rule.path not in files:
                files[rule.path] = _read(rule.path)
            view[...] = _from_file(rule.path, files[rule.path], tensor, dtype)
        elif tensor.is_bias:
            view[...] = _biases(rule.bias, tensor, random_stream(seed, Purpose.BIASES, index))
        else:
            view[...] = _weights(rule, tensor, random_stream(seed, Purpose.WEIGHTS, index))
    return vector.astype(dtype)


Scaled = HeNormal | HeUniform | GlorotNormal | GlorotUniform | LecunNormal | VarianceScaling


def variance(rule: Scaled, fan_in: int, fan_out: int) -> tuple[float, Literal["normal", "uniform"]]:
    """The variance and distribution of an init that scales by its fans.

    Sources: He et al. (2015), 2/fan_in; Glorot and Bengio (2010), 2/(fan_in + fan_out);
    LeCun et al., Efficient BackProp (1998), 1/fan_in.
    """
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_sum": fan_in + fan_out}
    match rule:
        case VarianceScaling():
            return rule.scale / fans[rule.mode], rule.distribution
        case HeNormal():
            return 2 / fan_in, "normal"
        case HeUniform():
            return 2 / fan_in, "uniform"
        case GlorotNormal():
            return 2 / (fan_in + fan_out), "normal"
        case GlorotUniform():
            return 2 / (fan_in + fan_out), "uniform"
        case LecunNormal():
            return 1 / fan_in, "normal"
        case _:
            assert_never(rule)


def _weights(
    rule: LayerInit | InitConfig, tensor: TensorSpec, stream: np.random.Generator
) -> np.ndarray:
    match rule:
        case NormalInit():
            return rule.std * stream.standard_normal(tensor.shape)
        case UniformInit():
            return stream.uniform(rule.low, rule.high, tensor.shape)
        case PoissonInit():
            return rule.factor * stream.poisson(rule.lam, tensor.shape)
        case Zeros():
            return np.zeros(tensor.shape)
        case FileInit():
            raise ValueError("weights of a file are read, not drawn")
        case _:
            spread, distribution = variance(rule, tensor.fan_in, tensor.fan_out)
    match distribution:
        case "uniform":
            bound = math.sqrt(3 * spread)
            return stream.uniform(-bound, bound, tensor.shape)
        case "normal":
            return math.sqrt(spread) * stream.standard_normal(tensor.shape)
        case _:
            assert_never(distribution)


def _biases(
    rule: ZeroBias | NormalBias, tensor: TensorSpec, stream: np.random.Generator
) -> np.ndarray:
    match rule:
        case ZeroBias():
            return np.zeros(tensor.shape)
        case NormalBias():
            return rule.std * stream.standard_normal(tensor.shape)
        case _:
            assert_never(rule)


def _read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a .safetensors or .npz file, by name."""
    try:
        if path.suffix == ".npz":
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        from safetensors.numpy import load_file

        return load_file(path)
    except Exception as error:  # each reader has errors of its own, and all mean one thing
        raise UsageError(f"init.path: {path}: unusable as weights: {error}") from error


def _from_file(
    path: Path, tensors: dict[str, np.ndarray], tensor: TensorSpec, dtype: Any
) -> np.ndarray:
    if tensor.name not in tensors:
        there = ", ".join(sorted(tensors)) or "nothing"
        raise UsageError(f"init.path: {path}: no tensor {tensor.name}; it holds {there}")
    found = tensors[tensor.name]
    if found.shape != tensor.shape:
        raise UsageError(
            f"init.path: {path}: {tensor.name} has shape {found.shape}, expected {tensor.shape}"
        )
    if found.dtype.kind not in "fiu":
        raise UsageError(f"init.path: {path}: {tensor.name} holds {found.dtype}, expected numbers")
    if not (np.abs(found.astype(np.float64)) <= np.finfo(dtype).max).all():
        raise UsageError(
            f"init.path: {path}: {tensor.name} holds values that are not finite {np.dtype(dtype)}"
        )
    return found
