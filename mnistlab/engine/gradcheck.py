"""Is the gradient of this very configuration right? Backpropagation against finite differences.

In float64, on a small batch, tensor by tensor: the relative error ‖a − n‖/‖a‖ of the analytic
gradient a and the central difference n, over all coordinates or a seeded sample of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mnistlab.blocks.penalties.maths import penalty
from mnistlab.config import RunConfig
from mnistlab.data import Dataset, Split
from mnistlab.engine.initializers import initial_params
from mnistlab.engine.lower import lower, regularized_tensors
from mnistlab.engine.memory import nonzero_share, workspace
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.params import views
from mnistlab.runtime.program import Program, TensorSpec
from mnistlab.runtime.streams import Purpose, random_stream
from mnistlab.runtime.table import Table, compile_tables

IMAGES = 16
COORDINATES = 200  # of a tensor
STEP = 1e-5
THRESHOLD = 1e-6
# Added noise: a weight of zero sits on L1's kink, a bias of zero under a blank patch on ReLU's.
JITTER = 1e-2
# How far differences with two steps may part, of the tensor's usual gradient, without a kink.
SMOOTH = 3e-7
# A value of the objective is rounded to about this many of its own last digits.
ROUNDING = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class TensorCheck:
    """A tensor's relative error over `checked` coordinates; `left_out` others lie on a kink."""

    name: str
    shape: tuple[int, ...]
    error: float
    checked: int
    left_out: int
    passed: bool


class Differentiable(Protocol):
    """A function of a vector: `value` is of where `params`, float64, stands."""

    params: np.ndarray

    def value(self) -> float:
        """The function's value."""


class Objective:
    """What training makes small, on a small batch, as a function of the parameter vector.

    The scaled sum of losses, plus the penalty where its gradient is part of the gradient. All in
    float64; `params` is the vector, `value` and `gradient` are of where it stands.
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
        share = nonzero_share(dataset.train, dataset.offset)
        self.program: Program = lower(
            config, shape, classes, self.images, np.float64, nonzero_share=share
        )
        tables = compile_tables(
            {"gradient": self.program.gradient, "loss": self.program.loss},
            self.program.dtype,
            tell,
        )
        self._gradient, self._forward = tables["gradient"], tables["loss"]
        pixel = (dataset.scale, dataset.offset)
        self.memory: Memory = workspace(self.program, sample, self.images, pixel)
        self.params = self.memory.params
        penalties = self.program.penalties
        self._penalised = regularized_tensors(config, self.program.tensors) if penalties else []

    def _run(self, table: Table) -> None:
        self.memory.totals[:] = 0
        table.run(self.memory, self.images, self.images, 0, 1, 0)

    def value(self) -> float:
        """The objective."""
        self._run(self._forward)
        total = float(self.memory.losses.sum())
        total /= {"mean": self.images, "sum": 1}[self.config.loss.reduction]
        settings = self.config.regularization
        # In mode `step` the penalty has no part in the gradient: the program has no `penalties`.
        l1 = {"gradient": settings.l1, "proximal": 0.0, "step": 0.0}[settings.mode]
        for t in self._penalised:
            total += penalty(self.params[t.offset : t.offset + t.size], l1, settings.l2)
        return total

    def gradient(self) -> np.ndarray:
        """The gradient by backpropagation, float64 (parameters,)."""
        self._run(self._gradient)
        return self.memory.grads.copy()


def check_gradients(
    config: RunConfig,
    dataset: Dataset,
    tell: Callable[[str], None] = lambda text: None,
) -> list[TensorCheck]:
    """Compare every tensor's gradient with central differences; weights as they start, jittered."""
    objective = Objective(config, dataset, tell)
    program, seed = objective.program, config.seed
    start = initial_params(config.init, program.tensors, program.sizes.parameters, seed, np.float64)
    stream = random_stream(seed, Purpose.GRADIENT_CHECK, 0)
    for tensor, view in zip(program.tensors, views(program.tensors, start).values(), strict=True):
        view += JITTER * stream.standard_normal(tensor.shape)
    objective.params[:] = start
    analytic = objective.gradient()
    return [check_tensor(objective, analytic, tensor, stream) for tensor in program.tensors]


def check_tensor(
    objective: Differentiable,
    analytic: np.ndarray,
    tensor: TensorSpec,
    stream: np.random.Generator,
) -> TensorCheck:
    """Compare a gradient (parameters,) with central differences, by the coordinates of one tensor.

    `stream` draws which of them, where the tensor has more than COORDINATES.
    """
    count = min(COORDINATES, tensor.size)
    places = tensor.offset + np.sort(stream.choice(tensor.size, count, replace=False))
    middle = objective.value()
    slopes = np.array([_differences(objective, place, middle) for place in places])
    numeric = slopes[:, 0]
    noise = ROUNDING * max(1.0, abs(middle)) / STEP
    usual = float(np.sqrt(np.mean(numeric**2)))
    smooth = (np.abs(slopes[:, 1:]) <= SMOOTH * usual + noise).all(axis=1)
    checked = int(smooth.sum())
    difference = float(np.linalg.norm((analytic[places] - numeric)[smooth]))
    # Below the floor, the rounding of the objective is all that a difference shows.
    floor = noise * np.sqrt(max(checked, 1)) / THRESHOLD
    error = difference / max(float(np.linalg.norm(analytic[places][smooth])), floor)
    return TensorCheck(
        name=tensor.name,
        shape=tensor.shape,
        error=error,
        checked=checked,
        left_out=count - checked,
        passed=bool(checked > 0 and error <= THRESHOLD),
    )


def _differences(
    objective: Differentiable, place: int, middle: float
) -> tuple[float, float, float]:
    """The central difference by one coordinate, and two numbers that are zero without a kink.

    A smooth function's central differences with steps h and h/2 agree, and the difference of its
    one-sided slopes, h · f'', halves with the step. A kink within h breaks one or the other.
    """
    central, bend = [], []
    for step in (STEP, STEP / 2):
        above, below = (_value_at(objective, place, sign * step) for sign in (1, -1))
        central.append((above - below) / (2 * step))
        bend.append((above - 2 * middle + below) / step)
    return central[0], central[0] - central[1], bend[0] - 2 * bend[1]


def _value_at(objective: Differentiable, place: int, move: float) -> float:
    kept = objective.params[place]
    objective.params[place] = kept + move
    value = objective.value()
    objective.params[place] = kept
    return value
