"""Lowers pooling: of any patches, or of 2 × 2 (pairs.py)."""

import math
from typing import Any

from mnistlab.blocks.layers.pool2d import ops
from mnistlab.runtime.builder import Builder
from mnistlab.runtime.op import Op


def build_pool2d(builder: Builder, pool: Any) -> None:
    """Build max or average pooling, see the configuration's `pool`."""
    name = builder.numbered("pool")
    patches = builder.patches(name, pool.size, pool.stride, 0)
    shape = (patches["channels"], patches["rows"], patches["columns"])
    builder.work += math.prod(shape) * pool.size**2
    operands = ops.PoolOperands(**patches, y=builder.take_slot(math.prod(shape)))
    plain = {
        "max": (ops.max_pool_forward, ops.max_pool_backward),
        "average": (ops.average_pool_forward, ops.average_pool_backward),
    }
    of_pairs = {
        "max": (ops.max_pool_forward_2, ops.max_pool_backward_2),
        "average": (ops.average_pool_forward_2, ops.average_pool_backward_2),
    }
    in_pairs = pool.size == pool.stride == 2 and not builder.plain
    forward, backward = (of_pairs if in_pairs else plain)[pool.type]
    builder.forward.append(Op(forward, operands))
    builder.deltas.append(Op(backward, operands))
    text = f"{pool.type} {pool.size} × {pool.size}"
    builder.add_layer(name, "pool", text, shape, 0, operands.y)
    builder.set_output(operands.y, shape)
