"""Joins several networks' programs: their first layers are side by side, all other
ops unchanged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense import shared_input_ops as ops
from mnistlab.blocks.layers.dense.choice import input_plan
from mnistlab.blocks.layers.dense.few_outputs_ops import FewOutputsOperands
from mnistlab.blocks.layers.dense.ops import DenseOperands
from mnistlab.blocks.layers.dense.shared_input_ops import (
    BY_RATE,
    L1,
    L2,
    SCRATCH_VECTORS,
    SETTINGS,
    THRESHOLD,
    SharedInputOperands,
    listed_bits,
)
from mnistlab.blocks.layers.dense.sparse_input import LISTED
from mnistlab.blocks.layers.dense.sparse_input_ops import ListingOperands, SparseInputOperands
from mnistlab.blocks.optimizers._update import UpdateOperands
from mnistlab.blocks.penalties import ops as penalty_ops
from mnistlab.blocks.penalties.ops import DescentOperands, PenaltyOperands
from mnistlab.runtime.actions import MOMENTUM, SGD
from mnistlab.runtime.gather import GatherOperands
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.memory import Memory, zeros
from mnistlab.runtime.op import Op
from mnistlab.runtime.program import Program

# The columns of a tile of the wide matrix: few sizes, because each needs its own kernels. The last
# fills the registers.
TILES = (32, 64, input_plan(LISTED, 8 * LISTED).tile)


@dataclass(frozen=True)
class FirstLayer:
    """A network's first layer, separated from its program.

    `operands` are those for a group of this network alone: they are equal for networks that can
    train side by side. `before` and `after` are the other ops of a step, before and after this
    layer's.
    """

    operands: SharedInputOperands
    settings: tuple[float, ...]  # see Memory.settings
    before: tuple[Op, ...]
    after: tuple[Op, ...]
    pack: tuple[Op, ...]
    unpack: tuple[Op, ...]


def first_layer(program: Program) -> FirstLayer | None:
    """The first layer of a network that can train beside others on the same batches; else None.

    The batches have at most LISTED images. A layer of more than a tile of columns gains nothing. A
    group must have ops for the optimizer's step and for the penalties of its weights.
    """
    step, name = program.training["step"], program.tensors[0].name
    makers = [number for number, op in enumerate(step) if op.tensor == name]
    if len(makers) != 1 or program.dtype != np.float32 or program.capacity > LISTED:
        return None
    (maker,) = makers
    made = step[maker].operands
    if not isinstance(made, SparseInputOperands | FewOutputsOperands) or made.x != 0:
        return None
    if made.gradient_action not in (SGD, MOMENTUM):
        return None
    if isinstance(made, SparseInputOperands) and made.outputs > made.tile:
        return None
    place = _place(made)

    def is_own(op: Op) -> bool:
        own = op.operands
        if isinstance(own, DenseOperands):
            return own.weight == made.weight
        if isinstance(own, UpdateOperands):
            return own.weight == place["element"]
        return isinstance(own, GatherOperands | ListingOperands)

    penalties = [op for op in step if is_own(op) and isinstance(op.operands, UpdateOperands)]
    settings = _settings(penalties)
    if settings is None:
        return None
    operands = SharedInputOperands(
        networks=1,
        units=made.outputs,
        inputs=made.inputs,
        lanes_order=isinstance(made, FewOutputsOperands),
        tile=0,
        tiles=0,
        gradient_action=made.gradient_action,
        lr_scale=made.lr_scale,
        y=made.y,
        weight=made.weight,
        bias=made.bias,
        biases=made.biases,
        **place,
    )
    return FirstLayer(
        operands=operands,
        settings=settings,
        before=_alone(op for op in step[:maker] if not is_own(op)),
        after=_alone(op for op in step[maker:] if not is_own(op)),
        pack=tuple(op for op in program.pack if not is_own(op)),
        unpack=tuple(op for op in program.unpack if not is_own(op)),
    )


def _place(made: Any) -> dict[str, int]:
    """The offsets of the weight's elements in the training loop of a single network."""
    if isinstance(made, FewOutputsOperands):
        return {"element": made.transposed, "by_input": 1, "by_unit": made.row}
    return {"element": made.tiles, "by_input": made.tile, "by_unit": 1}


def _settings(penalties: Sequence[Op]) -> tuple[float, ...] | None:
    """The penalties of a network's first layer; None if a group has no op for one of them."""
    found = [0.0] * SETTINGS
    for op in penalties:
        own = op.operands
        if isinstance(own, DescentOperands):
            found[L1], found[L2], found[BY_RATE] = own.l1, own.l2, float(own.by_rate)
        elif isinstance(own, PenaltyOperands) and op.function is penalty_ops.soft_threshold:
            found[THRESHOLD] = own.l1
        else:
            return None
    return tuple(found)


def _alone(ops: Iterable[Op]) -> tuple[Op, ...]:
    """Ops for a table that runs on one thread: lane after lane, op after op."""
    return tuple(replace(op, joins=False) for op in ops)


@dataclass(frozen=True)
class SharedInput:
    """The program of a group: `lists` named pack, step and unpack, as in a Program.

    Each op has the number of its memory: first the networks' memories, then the group's.
    """

    lists: Mapping[str, tuple[tuple[int, Op], ...]]
    operands: SharedInputOperands
    settings: tuple[float, ...]


def side_by_side(layers: Sequence[FirstLayer]) -> SharedInput:
    """The program of networks whose first layers have equal operands."""
    group, columns = len(layers), len(layers) * layers[0].operands.units
    tile = next((tile for tile in TILES if tile >= columns), TILES[-1])
    tiles = -(-columns // tile)
    own = replace(layers[0].operands, networks=group, tile=tile, tiles=tiles)
    settings = tuple(value for layer in layers for value in layer.settings)

    def one(function: Kernel) -> tuple[int, Op]:
        return group, Op(function, own, lanes=1)

    def each(part: str) -> list[tuple[int, Op]]:
        return [(n, op) for n, layer in enumerate(layers) for op in getattr(layer, part)]

    descends = any(layer.settings[L1] or layer.settings[L2] for layer in layers)
    thresholds = any(layer.settings[THRESHOLD] for layer in layers)
    step = (
        one(ops.list_for_networks),
        one(ops.forward_of(own.tile)),
        *each("before"),
        *([one(ops.descend)] if descends else []),
        one(ops.backward_of(own.tile)),
        *each("after"),
        *([one(ops.threshold)] if thresholds else []),
    )
    pack = (one(ops.pack_networks), *each("pack"))
    unpack = (one(ops.unpack_networks), *each("unpack"))
    return SharedInput({"pack": pack, "step": step, "unpack": unpack}, own, settings)


def memory_of_group(shared: SharedInput, memories: Sequence[Memory]) -> Memory:
    """The memory of a group whose networks have these memories; its order is set later."""
    own, first = shared.operands, memories[0]
    wide, dtype = own.tiles * own.inputs * own.tile, first.params.dtype
    return first._replace(
        params=zeros(wide, dtype),
        states=zeros(wide if own.gradient_action == MOMENTUM else 0, dtype),
        scratch=zeros(SCRATCH_VECTORS * own.tile, dtype),
        tap_offsets=zeros(2 * own.tile, np.uint32),
        listed_bits=zeros(listed_bits(own.inputs, own.lanes_order), np.uint64),
        listed_bytes=zeros(LISTED * own.inputs, np.uint8),
        settings=np.array(shared.settings),
        totals=np.zeros(3),
    )
