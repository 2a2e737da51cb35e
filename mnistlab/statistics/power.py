"""The number of seeds that would tell two groups apart."""

import math

import scipy

from mnistlab.statistics.seeds import ALPHA

POWER = 0.8  # the chance that a difference of the measured size is found
MOST_SEEDS = 1_000  # more are not worth counting
# scipy's probability of a far tail can be NaN. From this shift on, that of the wrong sign is below
# the normal distribution's at -5, 3e-7.
FAR = 5.0
# Where the critical value is a smaller share of the shift than this, the power is 1 to 14 digits.
CERTAIN = 1 / 8


def power_of(effect_size: float, seeds: int, *, paired: bool, alpha: float = ALPHA) -> float:
    """The chance that a two-sided t-test finds a difference of `effect_size` standard deviations,
    with `seeds` runs on each side, at least 2.

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), chapter 2.
    """
    freedom = seeds - 1 if paired else 2 * (seeds - 1)
    shift = abs(effect_size) * math.sqrt(seeds if paired else seeds / 2)
    critical = float(scipy.special.stdtrit(freedom, 1 - alpha / 2))
    if critical < CERTAIN * shift:
        return 1.0
    far_tail = float(scipy.special.nctdtr(freedom, shift, -critical)) if shift < FAR else 0.0
    return 1 - float(scipy.special.nctdtr(freedom, shift, critical)) + far_tail


def seeds_to_tell(effect_size: float, *, paired: bool, alpha: float = ALPHA) -> int | None:
    """The smallest number of seeds on each side whose power is POWER; None if it is more than
    MOST_SEEDS.
    """
    few, enough = 1, MOST_SEEDS
    if power_of(effect_size, enough, paired=paired, alpha=alpha) < POWER:
        return None
    while enough - few > 1:
        middle = (few + enough) // 2
        if power_of(effect_size, middle, paired=paired, alpha=alpha) < POWER:
            few = middle
        else:
            enough = middle
    return enough
