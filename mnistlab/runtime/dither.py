"""Steps smaller than the spacing of float32 numbers, taken exactly in the mean.

float32 numbers near W are ulp(W), about 1e-7 · |W|, apart. A smaller step s is rounded: if it is
below half of the spacing, W − s is W again, at every step. Here W ← W − (s + u · ulp(W)), with u
uniform on (−½, ½): W moves by one spacing in a share s / ulp(W) of the steps, and so by s in the
mean. A step of zero changes nothing. float64 is rounded as usual.

u is computed, not drawn: u + ½ is the fractional part of element · φ + step · β, with φ and β
irrational (a Weyl sequence). For one element it covers the interval more evenly over the steps than
random numbers do. So a weight's error stays about one spacing, however many steps there are.
"""

from typing import Any

import numpy as np

from mnistlab.runtime.elementary import fma

MASK, SIGN = 0xFFFFFFFF, 0x80000000
# Fractional parts of irrational numbers, in 2⁻³²: of the golden ratio for an element; of √2, √3, √7
# and √13 for a step. Each kind of step has its own, because a weight may be rounded several times
# in one step. Their lowest byte is 0, and that of a sum is HALF: u is an odd number of 2⁻²⁵, never
# ½, and has mean zero.
BY_ELEMENT, HALF = 0x9E377900, 0x80
PENALTY, DECAY, UPDATE, GRADIENT = 0x6A09E700, 0xBB67AF00, 0xA54FF500, 0x9B056900
# The dither of steps that are rounded as usual; any other is 0 or more.
NONE = -1
# A power of two times this is less than the spacing towards zero; 2⁻³² is u's unit, 2⁻²³ an ulp's.
BELOW = np.float32((1 - 2.0**-24) * 2.0**-55)


def dither_of(W: np.ndarray, step: int, element: int, kind: int) -> int:
    """The `dither` argument of `step_down` for a part W (n,) of a tensor that begins at `element`.

    `kind` is PENALTY, DECAY, UPDATE or GRADIENT. NONE if W is float64.
    """
    if W.dtype != np.float32:
        return NONE
    return (int(element) * BY_ELEMENT + int(step) * kind + HALF) & MASK


def step_down(w: Any, step: Any, dither: int, i: int) -> Any:
    """w − step for element i of a part, dithered unless `dither` is NONE."""
    return w - step if dither == NONE else dithered(w, step, dither, i)


def dithered(w: Any, step: Any, dither: int, i: int) -> Any:
    """w − (step + u · ulp(w))."""
    return w - fma(spread_evenly(dither, i), power_of_two(w * BELOW), step)


def dithered_where(wanted: bool, w: Any, step: Any, dither: int, i: int) -> Any:
    """`dithered` where it is wanted, else w.

    Zero is subtracted from the others: to write w again or not to write it would be a branch, and
    take twice as long.
    """
    taken = fma(spread_evenly(dither, i), power_of_two(w * BELOW), step)
    return w - (taken if wanted else np.float32(0))


def spread_evenly(dither: int, i: int) -> np.float32:
    """u · 2³² of element i."""
    return np.float32((((dither + i * BY_ELEMENT) & MASK) ^ SIGN) - SIGN)


def power_of_two(w: np.float32) -> np.float32:
    """The power of two at or below |w|, or 0: w without its sign and mantissa."""
    return (w.view(np.int32) & np.int32(0x7F800000)).view(np.float32)
