"""The derivative of a function with respect to one coordinate, from its values, with its
uncertainty.

Central differences with several steps, extrapolated to step 0 (Richardson). The step adapts to the
coordinate: smaller where the function is curved or has a kink, larger where rounding dominates.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)
# Steps are powers of two: the first is 2^-16, and each try changes it by a factor of 4.
FIRST_STEP, LARGEST_STEP = -16, 0
BETWEEN_TRIES = 2
TRIES = 12
LEVELS = 3  # steps of one try, each half of the one before
# The rounding error of a derivative, in units of the function's rounding / smallest step.
ROUNDING_SHOWN = 6.0
# Rounding is measured at this many points; their distance is this share of the coordinates.
NOISE_POINTS = 16
NOISE_STEP = 2.0**-36
NOISE_ORDER = 4


class Differentiable(Protocol):
    """A function of the float64 vector `params`; methods evaluate it at the current `params`."""

    params: np.ndarray

    def value(self) -> float:
        """The function's value."""

    def magnitude(self) -> float:
        """The size of the largest numbers that are summed in the value: their rounding is in it."""


@dataclass(frozen=True)
class Slope:
    """A derivative, its uncertainty, and the step that gave it, as 2^step."""

    value: float
    uncertainty: float
    rounding: float  # the part of the uncertainty due to the function's rounding
    step: int


def rounding_of(function: Differentiable, part: slice, stream: np.random.Generator) -> float:
    """The standard deviation of the rounding in the function's value, measured by moving `part`.

    Over so small a distance a smooth function is linear. Its fourth differences are then rounding
    alone, enlarged √70 times. The result is at least the rounding of the numbers that are summed in
    the value, because over so small a distance all values may be rounded in the same way. Source:
    Moré and Wild, Estimating computational noise (2011).
    """
    kept = function.params[part].copy()
    size = np.abs(kept) + np.abs(kept).mean()
    direction = NOISE_STEP * size * stream.choice([-1.0, 1.0], kept.size)
    values = []
    for point in range(NOISE_POINTS):
        function.params[part] = kept + point * direction
        values.append(function.value())
    function.params[part] = kept
    if not np.isfinite(values).all():
        return math.inf
    differences = np.diff(values, NOISE_ORDER)
    measured = math.sqrt(np.mean(differences**2) / math.comb(2 * NOISE_ORDER, NOISE_ORDER))
    return max(measured, EPSILON * max(1.0, function.magnitude()))


class Coordinate:
    """The function along one coordinate, through the current parameters."""

    def __init__(
        self, function: Differentiable, place: int, middle: float, rounding: float
    ) -> None:
        self.function = function
        self.place = place
        self.middle = middle  # the function's value at the current parameters
        self.rounding = rounding  # of the function's value, see `rounding_of`
        self._known: dict[int, tuple[float, float]] = {}

    def slope(self, enough: float, first: int = FIRST_STEP) -> Slope:
        """The derivative. The first step is 2^first. The search ends when the uncertainty is at
        most `enough`, or when no step gives a smaller one.
        """
        tried: dict[int, Slope] = {}
        step = first
        while len(tried) < TRIES and step not in tried and step <= LARGEST_STEP:
            for levels in range(2, LEVELS + 1):
                found = self._with_steps(step, levels)
                if step not in tried or found.uncertainty < tried[step].uncertainty:
                    tried[step] = found
                if found.uncertainty <= enough:
                    break
            if tried[step].uncertainty <= enough:
                break
            by_rounding = tried[step].rounding > tried[step].uncertainty / 2
            step += BETWEEN_TRIES if by_rounding else -BETWEEN_TRIES
        return _most_exact(list(tried.values()))

    def is_flat(self, step: int) -> bool:
        """Whether the function has exactly one value within ±2^step."""
        return self._differences(step) == (0.0, 0.0)

    def _with_steps(self, step: int, levels: int) -> Slope:
        """The derivative extrapolated from central differences with steps 2^step, 2^(step − 1), …

        The uncertainty adds two estimates to the rounding. First, the last two differences without
        their h² term: they agree where the function is smooth over the step. Second, the
        extrapolated (f(x+h) − 2 f(x) + f(x−h)) / h = h f'' + O(h³): it goes to 0 with h, unless x
        itself is a kink.
        """
        steps = range(step, step - levels, -1)
        central, bend = zip(*map(self._differences, steps), strict=True)
        columns = _richardson(central, 2)
        smooth = abs(columns[-2][-1] - columns[-2][-2])
        kink = abs(_richardson(bend, 1)[-1][0])
        rounding = ROUNDING_SHOWN * self.rounding / 2.0 ** steps[-1]
        uncertainty = smooth + kink + rounding
        if not math.isfinite(uncertainty):
            return Slope(0.0, math.inf, 0.0, step)
        return Slope(columns[-1][0], uncertainty, rounding, step)

    def _differences(self, step: int) -> tuple[float, float]:
        """The central difference with step 2^step, and the difference of the one-sided slopes."""
        if step not in self._known:
            params, place, h = self.function.params, self.place, 2.0**step
            kept = params[place]
            sides, moved = [], []
            for side in (kept + h, kept - h):
                params[place] = side
                sides.append(self.function.value())
                moved.append(float(side - kept))
            params[place] = kept
            above, below = sides
            # The steps actually taken, after rounding.
            central = (above - below) / (moved[0] - moved[1]) if moved[0] > moved[1] else math.nan
            self._known[step] = central, (above - 2 * self.middle + below) / h
        return self._known[step]


def _richardson(values: Sequence[float], order: int) -> list[list[float]]:
    """Extrapolate values at h, h/2, h/4, … with the error c h^order + d h^(order + 2) + ….

    Each column eliminates one more term of the error; the last column has one value.
    """
    columns = [list(values)]
    while len(columns[-1]) > 1:
        factor = 2.0 ** (order + 2 * (len(columns) - 1))
        pairs = itertools.pairwise(columns[-1])
        columns.append([(factor * half - whole) / (factor - 1) for whole, half in pairs])
    return columns


def _most_exact(tried: Sequence[Slope]) -> Slope:
    """The slope with the smallest uncertainty, enlarged so that it covers those of smaller steps.

    Two kinks on either side of a coordinate can cancel for one step, but not for a step between
    them.
    """
    best = min(tried, key=lambda slope: slope.uncertainty)
    closer = [s for s in tried if s.step < best.step and math.isfinite(s.uncertainty)]
    apart = max((abs(s.value - best.value) - s.uncertainty for s in closer), default=0.0)
    return replace(best, uncertainty=max(best.uncertainty, apart))
