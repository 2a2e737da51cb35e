"""The kernels that configurations can need: those of networks of every kind."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense.choice import MOST_NONZERO
from mnistlab.blocks.layers.dense.shared_input_lowering import first_layer, side_by_side
from mnistlab.config import RunConfig, run_config_from_mapping
from mnistlab.config.representatives import Representatives
from mnistlab.config.schema import run_json_schema
from mnistlab.runtime.group_loop import loops_of_groups
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.loop import run_batches, run_batches_types
from mnistlab.runtime.op import Op
from mnistlab.runtime.program import Program
from mnistlab.runtime.vectors import REGISTER
from mnistlab.support.errors import ConfigError, UsageError
from mnistlab.training.inference import evaluation_programs
from mnistlab.training.lower import lower

Compiled = tuple[Kernel, tuple[Any, ...]]

IMAGE, CLASSES = (28, 28), 10
SIDE_BY_SIDE = 2  # networks of a group: the kernels do not depend on their number
# The rows of a batch, and the share of the images' pixels that are not zero.
ONE_IMAGE, USUAL, DENSE_IMAGES = (1, MOST_NONZERO), (32, MOST_NONZERO), (512, 1.0)
BATCHES = [*product((1, 16, 32, 128, 512), (MOST_NONZERO, 1.0))]
# Units of a dense layer (tiles are whole registers), maps of a convolution: they determine the
# kernels.
UNITS = (1, 8, 10, *range(16, 129, REGISTER), 256)
MAPS = (1, 8, 32)
CONVOLUTION = {"conv": {"filters": 8, "kernel": 3}}
WIDE = 4096  # a dense layer of this many inputs may divide them

Setting = tuple[dict[str, Any], Sequence[tuple[int, float]]]  # a configuration and its batches


def every_kernel(dtypes: Iterable[np.dtype[Any]]) -> tuple[list[Compiled], list[Compiled]]:
    """The loops that run ops, and the functions of all ops, for these dtypes."""
    alone: dict[Any, Op] = {}
    grouped: dict[Any, Op] = {}
    for mapping, batches in _settings():
        try:
            config = run_config_from_mapping(mapping)
            if mapping.keys() <= {
                "model",
                "loss",
                "training",
            }:  # other keys do not change evaluation
                alone |= _by_kind(_evaluated(config))
            for rows, share in batches:
                program = lower(config, IMAGE, CLASSES, rows, nonzero_share=share)
                alone |= _by_kind(_trained(program))
                grouped |= _by_kind(_in_a_group(program))
        except (ConfigError, UsageError):  # keys or layers do not fit together
            continue
    loops: list[Compiled] = []
    functions: dict[Compiled, None] = {}
    for dtype in dtypes:
        loops.append((run_batches, run_batches_types(dtype)))
        ops = alone
        if dtype == np.float32:  # networks train side by side in float32 only
            loops += loops_of_groups(dtype)
            ops = alone | grouped
        functions |= {one: None for op in ops.values() for one in op.functions(dtype)}
    return loops, list(functions)


def _by_kind(ops: Iterable[Op]) -> dict[Any, Op]:
    """Ops by what is compiled for them."""
    return {op.kind: op for op in ops}


def _trained(program: Program) -> Iterator[Op]:
    """The ops of training and of the gradient check."""
    for ops in (*program.training.values(), program.loss):
        yield from ops


def _in_a_group(program: Program) -> Iterator[Op]:
    """The further ops of networks that train side by side."""
    layer = first_layer(program)
    if layer is not None:
        for numbered in side_by_side([layer] * SIDE_BY_SIDE).lists.values():
            yield from (op for _, op in numbered)


def _evaluated(config: RunConfig) -> Iterator[Op]:
    """The ops of evaluation and saliency."""
    programs = evaluation_programs(config, IMAGE, CLASSES)
    for ops in programs.lists.values():
        yield from ops
    yield from programs.plain.deltas


def _settings() -> Iterator[Setting]:
    values = Representatives(run_json_schema())
    for model in (*values.of("model"), *_stacked(values.layers())):
        yield {"model": _with_layers(model)}, [USUAL, DENSE_IMAGES]
    for model in _convolutions():
        yield {"model": model}, [ONE_IMAGE, USUAL, DENSE_IMAGES]
    for model in _stacked(values.layers()):
        yield {"model": model, "training": {"kernels": "plain"}}, [USUAL]
    for model in _dense():
        yield {"model": model}, BATCHES
    penalties = _penalties(values.of("regularization"))
    for model, optimizer, penalty in product(_usual(), values.of("optimizer"), penalties):
        yield {"model": model, "optimizer": optimizer, "regularization": penalty}, [USUAL]
    for loss, output in product(values.of("loss"), ("softmax", "sigmoid", "identity")):
        yield {"model": {"type": "softmax", "output_activation": output}, "loss": loss}, [USUAL]
    for key in ("data", "regularization", "training"):
        alone = [one for one in values.of(key) if len(one) == 1]
        for model, setting in product(_usual(), alone):
            yield {"model": model, key: setting}, [USUAL]


def _with_layers(model: Any) -> Any:
    """A model of the schema; a CNN has a layer, as one without causes a warning."""
    keys = {"type": model} if isinstance(model, str) else model
    return {"layers": [CONVOLUTION]} | keys if keys["type"] == "cnn" else model


def _usual() -> list[dict[str, Any]]:
    return [{"type": "mlp", "hidden": [64, 20, 8]}, {"type": "cnn", "layers": [CONVOLUTION]}]


def _penalties(alone: Sequence[Any]) -> list[Any]:
    """No penalty, and both penalties with each mode."""
    both = {"l1": 1e-4, "l2": 1e-4}
    choices = [one for one in alone if [type(value) for value in one.values()] == [str]]
    return [{}, *({**both, **choice} for choice in choices)]


def _stacked(layers: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Each layer on images, on maps, and on a dense layer's output."""
    below = [
        [],
        [CONVOLUTION, {"activation": "relu"}],
        [{"dropout": 0.5}, {"dense": {"units": 128}}, {"activation": "relu"}],
    ]
    for start, layer in product(below, layers):
        yield {"type": "cnn", "layers": [*start, layer]}


def _convolutions() -> Iterator[dict[str, Any]]:
    for channels, filters, side, stride, padding in product(MAPS, MAPS, (3, 5), (1, 2), (0, 1)):
        conv = {"filters": filters, "kernel": side, "stride": stride, "padding": padding}
        start = [{"conv": {"filters": channels, "kernel": 3}}] if channels > 1 else []
        yield {"type": "cnn", "layers": [*start, {"conv": conv}]}


def _dense() -> Iterator[dict[str, Any]]:
    for units in UNITS:
        yield {"type": "mlp", "hidden": [units]}
        yield {"type": "mlp", "hidden": [128, units], "dropout": 0.5}
        yield {"type": "mlp", "hidden": [WIDE, units]}
