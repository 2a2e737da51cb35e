"""The gradient check of one configuration: backpropagation against finite differences.

In float64, on a small batch, for each tensor: the relative error of the analytic gradient against
derivatives by finite differences, over all coordinates or a seeded sample of them. The uncertainty
of the finite differences does not count as an error. A coordinate with a large uncertainty is left
out, and a tensor without any remaining coordinate is not compared.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mnistlab.blocks.penalties.maths import penalty
from mnistlab.config import RunConfig
from mnistlab.data import Dataset, Split
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.params import views
from mnistlab.runtime.program import Program, TensorSpec
from mnistlab.runtime.streams import Purpose, random_stream
from mnistlab.runtime.table import Table, compile_tables
from mnistlab.training.finite_differences import (
    FIRST_STEP,
    Coordinate,
    Differentiable,
    rounding_of,
)
from mnistlab.training.initializers import initial_params
from mnistlab.training.lower import lower, regularized_tensors
from mnistlab.training.memory import nonzero_share, with_soft_targets, workspace

IMAGES = 16
COORDINATES = 200  # for each tensor
THRESHOLD = 1e-6
# Added noise: a weight of zero is at L1's kink, a bias of zero under a blank patch at ReLU's.
JITTER = 1e-2
# The search for a better step ends when the uncertainty of a derivative is at most this.
ENOUGH = 1e-8
# A coordinate is left out above this uncertainty, as a share of the tensor's usual derivative.
RESOLUTION = 1e-3
# A difference counts as an error beyond this many uncertainties, because they are estimates.
MARGIN = 8.0
# If a function has exactly one value within 2^FAR, its slope is below 1e-12 of the value.
FAR = -12

Verdict = Literal["right", "wrong", "not compared"]


@dataclass(frozen=True)
class TensorCheck:
    """The result of comparing a tensor's gradient with finite differences.

    `error` is ‖a − n‖ for the gradient a and the differences n over the `checked` coordinates;
    `uncertainty` is ‖u‖, where u is the uncertainty of n. Both are relative to the norm of
    the tensor's derivatives (the larger of |a| and |n| for each coordinate). None if nothing could
    be compared. The `left_out` coordinates are at a kink, or the rounding of the loss hides their
    derivative.
    """

    name: str
    shape: tuple[int, ...]
    verdict: Verdict
    error: float | None
    uncertainty: float | None
    checked: int
    left_out: int

    @property
    def passed(self) -> bool | None:
        """Whether the gradient is right; None if nothing could be compared."""
        return {"right": True, "wrong": False, "not compared": None}[self.verdict]


class Objective:
    """The training objective on a small batch as a function of the parameter vector, in float64.

    The sum of the losses, or their mean, plus the penalty if it is part of the gradient. `value`
    and `gradient` are evaluated at the current `params`.
    """

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.config = config
        train = dataset.train
        sample = Split(train.images, train.labels, train.indices[:IMAGES])
        self.images = len(sample)
        shape, classes = dataset.image_shape, len(dataset.class_names)
        share = nonzero_share(dataset.train)
        self.program: Program = lower(
            config,
            shape,
            classes,
            self.images,
            dtype=np.float64,
            nonzero_share=share,
            smallest_batch=self.images,
            offset=dataset.offset,
        )
        tables = compile_tables(
            {"gradient": self.program.gradient, "loss": self.program.loss},
            self.program.dtype,
            tell,
        )
        self._gradient, self._forward = tables["gradient"], tables["loss"]
        pixel = (dataset.scale, dataset.offset)
        self.memory: Memory = workspace(self.program, sample, self.images, pixel)
        if config.loss.is_taught:
            self.memory = with_soft_targets(self.memory, self.program)
        self.params = self.memory.params
        self._divided_by = {"mean": self.images, "sum": 1}[config.loss.reduction]
        penalties = self.program.penalties
        self._penalised = regularized_tensors(config, self.program.tensors) if penalties else []

    def _run(self, table: Table) -> None:
        self.memory.totals[:] = 0
        table.run(self.memory, self.images, self.images, 0, 1, 0)

    def value(self) -> float:
        """The objective."""
        self._run(self._forward)
        total = float(self.memory.losses.sum())
        total /= self._divided_by
        settings = self.config.regularization
        # In mode `step` the penalty is not part of the gradient: the program has no `penalties`.
        l1 = {"gradient": settings.l1, "proximal": 0.0, "step": 0.0}[settings.mode]
        for t in self._penalised:
            total += penalty(self.params[t.offset : t.offset + t.size], l1, settings.l2)
        return total

    def magnitude(self) -> float:
        """The size of the objective, or of the logits, whose differences are in the losses."""
        # The last layer is the output activation: the slot of the one before has its input.
        start = self.program.layers[-2].slot * self.memory.capacity
        logits = self.memory.activations[start : start + self.images * self.program.classes]
        config = self.config
        magnitudes = config.loss.magnitudes(
            logits.reshape(self.images, -1), config.model.output_activation
        )
        with np.errstate(over="ignore"):
            return max(abs(self.value()), float(magnitudes.sum()) / self._divided_by)

    def gradient(self) -> np.ndarray:
        """The gradient by backpropagation, float64 (parameters,)."""
        self._run(self._gradient)
        return self.memory.grads.copy()


def check_gradients(
    config: RunConfig,
    dataset: Dataset,
    tell: Callable[[str], None] = lambda text: None,
) -> list[TensorCheck]:
    """Compare every tensor's gradient with finite differences, at initial weights plus noise."""
    objective = Objective(config, dataset, tell)
    program, seed = objective.program, config.seed
    start = initial_params(config.init, program.tensors, program.sizes.parameters, seed, np.float64)
    stream = random_stream(seed, Purpose.GRADIENT_CHECK, 0)
    trained = [tensor for tensor in program.tensors if tensor.trained]
    for tensor, view in zip(trained, views(trained, start).values(), strict=True):
        view += JITTER * stream.standard_normal(tensor.shape) * tensor.present.reshape(tensor.shape)
    objective.params[:] = start
    analytic = objective.gradient()
    return [check_tensor(objective, analytic, tensor, stream) for tensor in trained]


def check_tensor(
    objective: Differentiable,
    analytic: np.ndarray,
    tensor: TensorSpec,
    stream: np.random.Generator,
) -> TensorCheck:
    """Compare a gradient (parameters,) with finite differences at the coordinates of one tensor.

    If the tensor has more than COORDINATES, `stream` draws which of them are compared. The gradient
    of a connection that is absent must be 0.
    """
    present = np.flatnonzero(tensor.present)
    count = min(COORDINATES, len(present))
    places = tensor.offset + present[np.sort(stream.choice(len(present), count, replace=False))]
    part = slice(tensor.offset, tensor.offset + tensor.size)
    given = analytic[places]
    slopes = _slopes(objective, places, given, rounding_of(objective, part, stream))
    judged = _judged(tensor, given, *slopes)
    return replace(judged, verdict="wrong") if analytic[part][~tensor.present].any() else judged


def _slopes(
    objective: Differentiable, places: np.ndarray, given: np.ndarray, rounding: float
) -> tuple[np.ndarray, np.ndarray]:
    """The derivatives by finite differences and their uncertainties, both (coordinates,)."""
    middle, usual = objective.value(), _usual(given[np.isfinite(given)])
    found, uncertainty = np.zeros(len(places)), np.full(len(places), np.inf)
    if not math.isfinite(middle) or not math.isfinite(rounding):
        return found, uncertainty
    first = FIRST_STEP
    for index, place in enumerate(places):
        along = Coordinate(objective, int(place), middle, rounding)
        if given[index] == 0 and along.is_flat(FAR):
            uncertainty[index] = 0
            continue
        enough = ENOUGH * max(usual, abs(given[index]) if math.isfinite(given[index]) else 0.0)
        slope = along.slope(enough, first)
        found[index], uncertainty[index] = slope.value, slope.uncertainty
        if slope.uncertainty <= enough:
            first = slope.step  # the next coordinate probably has the same scale
    return found, uncertainty


def _judged(
    tensor: TensorSpec, given: np.ndarray, found: np.ndarray, uncertainty: np.ndarray
) -> TensorCheck:
    """Compare the derivatives `found` by finite differences with the `given` ones."""
    certain = np.maximum(np.abs(found) - uncertainty, 0)
    usual = _usual(np.maximum(np.where(np.isfinite(given), np.abs(given), 0), certain))
    # If the gradient is not finite where the loss is, it is wrong, however small the derivative.
    no_number = ~np.isfinite(given) & np.isfinite(uncertainty)
    compared = (uncertainty <= RESOLUTION * usual) | no_number
    a, n, u = given[compared], found[compared], uncertainty[compared]
    left_out = len(given) - len(a)
    # If a tensor's other slopes are left out, slopes of zero prove nothing.
    if len(a) == 0 or (left_out and not a.any() and not n.any()):
        return TensorCheck(tensor.name, tensor.shape, "not compared", None, None, 0, len(given))
    difference = np.where(np.isfinite(a), np.abs(a - n), np.inf)
    size = usual * math.sqrt(len(a))
    unexplained = _length(np.maximum(difference - MARGIN * u, 0))
    return TensorCheck(
        tensor.name,
        tensor.shape,
        verdict="right" if unexplained <= THRESHOLD * size else "wrong",
        error=_share(_length(difference), size),
        uncertainty=_share(_length(u), size),
        checked=len(a),
        left_out=left_out,
    )


def _share(part: float, whole: float) -> float:
    if part == 0:
        return 0.0
    return part / whole if whole > 0 else math.inf


def _length(values: np.ndarray) -> float:
    """The Euclidean norm, computed without overflow."""
    largest = float(np.abs(values).max(initial=0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(values / largest))


def _usual(values: np.ndarray) -> float:
    """The root mean square; 0 if there are no values."""
    return _length(values) / math.sqrt(max(len(values), 1))
