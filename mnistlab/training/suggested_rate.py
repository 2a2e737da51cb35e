"""The learning rate that a range test suggests: equations in docs/maths.md."""

import math
from dataclasses import dataclass

import numpy as np

from mnistlab.training.range_test import RATES

STEPS_PER_DECADE = (len(RATES) - 1) / np.log10(RATES[-1] / RATES[0])
SMOOTHING = 0.1  # decades: the standard deviation of the weights of the running mean
QUIET = int(STEPS_PER_DECADE)  # the first decade: rates so small that the loss only fluctuates
# The loss falls if it falls by more than so many standard deviations of these fluctuations.
LEAST_FALL = 6.0
# Beyond the edge the loss has risen again by this share of its fall.
RISE = 0.5


@dataclass(frozen=True)
class RateRange:
    """The result of a range test.

    `rates` (steps,) and the `losses` of each seed (seeds, steps), NaN after a seed's test has
    ended; `loss` (steps,), the smoothed median of the seeds, NaN after half of them have ended.
    `steepest` is the rate of its steepest descent, `edge` the edge of stability: None if the loss
    falls nowhere, or has not risen again up to the highest rate. `suggested` is half-way between
    the two in decades, with two digits; None without a fall.
    """

    rates: np.ndarray
    losses: np.ndarray
    loss: np.ndarray
    steepest: float | None
    edge: float | None
    suggested: float | None


def rate_range(losses: np.ndarray) -> RateRange:
    """The rates that the losses (seeds, steps) of range tests at RATES suggest."""
    loss = smoothed_median(losses)
    known = loss[np.isfinite(loss)]
    low = int(np.argmin(known)) if len(known) else 0
    if low == 0 or known[0] - known[low] <= LEAST_FALL * known[:QUIET].std():
        return RateRange(RATES, losses, loss, None, None, None)
    slopes = np.gradient(known)
    steepest = float(RATES[int(np.argmin(slopes[: low + 1]))])
    edge = _edge(known, low, has_ended=len(known) < len(RATES))
    # Without an edge nothing tells how far above the steepest descent is still stable.
    suggested = steepest if edge is None else math.sqrt(steepest * edge)
    return RateRange(RATES, losses, loss, steepest, edge, float(f"{suggested:.2g}"))


def smoothed_median(losses: np.ndarray) -> np.ndarray:
    """The median over the seeds at each rate, as a running mean over rates; (steps,).

    A loss above the first ones counts as these, so that a mean does not carry an explosion over to
    rates before it.
    """
    ended = np.where(np.isfinite(losses), losses, np.inf)
    median = np.median(ended, axis=0)
    count = int(np.isfinite(median).sum())  # a test never goes on after it has ended
    known = np.minimum(median[:count], median[:QUIET].mean())
    reach = int(4 * SMOOTHING * STEPS_PER_DECADE)
    offsets = np.arange(-reach, reach + 1) / (SMOOTHING * STEPS_PER_DECADE)
    weights = np.exp(-(offsets**2) / 2)
    places = np.arange(count)[:, None] + np.arange(-reach, reach + 1)
    inside = (places >= 0) & (places < count)
    parts = weights * inside
    loss = np.full(losses.shape[1], np.nan)
    loss[:count] = (parts * known[places.clip(0, count - 1)]).sum(axis=1) / parts.sum(axis=1)
    return loss


def _edge(loss: np.ndarray, low: int, *, has_ended: bool) -> float | None:
    """The first rate after the lowest loss at which it has risen by RISE of its fall."""
    risen = loss[low:] > loss[low] + RISE * (loss[0] - loss[low])
    if risen.any():
        return float(RATES[low + int(np.argmax(risen))])
    return float(RATES[len(loss) - 1]) if has_ended else None
