"""Pooling built: any patches, or pairs of rows at a time."""

import math
from typing import Any

from mnistlab.blocks.layers.pool2d import ops
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.op import Op

COLUMNS_WORTH_PAIRING = 5


def pools_in_pairs(kind: str, size: int, stride: int, columns: int) -> bool:
    """Whether max pooling goes a row of 2 × 2 patches at a time (maths.py)."""
    return kind == "max" and size == stride == 2 and columns >= COLUMNS_WORTH_PAIRING


def build_pool2d(builder: Builder, pool: Any) -> None:
    """Max or average pooling, see the configuration's `pool`."""
    name = builder.numbered("pool")
    patches = builder.patches(name, pool.size, pool.stride, 0)
    shape = (patches["channels"], patches["rows"], patches["columns"])
    builder.work += math.prod(shape) * pool.size**2
    operands = ops.PoolOperands(**patches, y=builder.take_slot(math.prod(shape)))
    forward, backward = {
        "max": (ops.max_pool_forward, ops.max_pool_backward),
        "average": (ops.average_pool_forward, ops.average_pool_backward),
    }[pool.type]
    if not builder.plain and pools_in_pairs(pool.type, pool.size, pool.stride, shape[2]):
        forward, backward = ops.max_pool_forward_2, ops.max_pool_backward_2
    builder.forward.append(Op(forward, operands))
    builder.deltas.append(Op(backward, operands))
    text = f"{pool.type} {pool.size} × {pool.size}"
    builder.add_layer(name, "pool", text, shape, 0, operands.y)
    builder.set_output(operands.y, shape)
