"""Elastic distortion's op."""

from typing import Any

from mnistlab.blocks.augmentations._ops import MapOperands, coordinates_of, image_keys
from mnistlab.blocks.augmentations.elastic.maths import (
    displacement_noise,
    elastic_map,
    gaussian_matrix,
    smooth,
)
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.op import Op
from mnistlab.runtime.parts import rows_of, scratch_of

# Images whose fields are smoothed together: BLAS is efficient only for larger products.
TOGETHER = 4


class ElasticOperands(MapOperands):
    """Operands of an elastic distortion."""

    alpha: float
    sigma: float
    scratch: int
    scratch_at: int


@kernel
def move_by_field(op: Any, m: Memory, lane: int, step: int, first: int, rows: int) -> None:
    a, b = rows_of(op, rows, lane)
    height, width = op.height, op.width
    scratch = scratch_of(op, m, lane)
    across = scratch[: height * height].reshape(height, height)
    scratch = scratch[height * height :]
    along = scratch[: width * width].reshape(width, width)
    scratch = scratch[width * width :]
    gaussian_matrix(op.sigma, across)
    gaussian_matrix(op.sigma, along)
    for begin in range(a, b, TOGETHER):
        images = min(TOGETHER, b - begin)
        by_rows = images * 2 * width
        noise, half_done = scratch[: height * by_rows], scratch[height * by_rows :]
        for i in range(images):
            key, other_key = image_keys(op, step, first + begin + i)
            own = noise[i * 2 * width :]
            displacement_noise(key, other_key, height, width, by_rows, own)
        smooth(
            op.alpha,
            across,
            along,
            noise.reshape(height, by_rows),
            half_done[: noise.size].reshape(height, by_rows),
        )
        for i in range(images):
            ys, xs = coordinates_of(op, m, begin + i)
            elastic_map(width, by_rows, noise[i * 2 * width :], ys, xs)


def build_elastic(place: Any, elastic: Any) -> Op:
    """The op of an elastic distortion; `place` is a Place."""
    height, width = place.operands["height"], place.operands["width"]
    scratch = height * height + width * width + TOGETHER * 4 * height * width
    return Op(
        move_by_field,
        ElasticOperands(
            **place.operands,
            **place.builder.take_scratch(scratch),
            alpha=elastic.alpha,
            sigma=elastic.sigma,
        ),
    )
