"""Learning-rate schedules: from the number of a step to its rate, with no state."""

from typing import Any

import numpy as np

# A one-cycle run starts at this share of its peak, as PyTorch's OneCycleLR does.
ONE_CYCLE_START = 1 / 25


def learning_rates(
    schedule: Any, lr: float, steps: np.ndarray, steps_per_epoch: int, total: int
) -> np.ndarray:
    """The learning rates of `steps`, int64 (n,) counted from 0, in a run of `total` steps.

    Returns float64 (n,). `schedule` is one of the configuration's `lr_schedule` types.
    """
    epochs = steps // steps_per_epoch
    kind = schedule.type
    # 1. The same rate throughout.
    if kind == "constant":
        return np.full(len(steps), lr)
    # 2. A factor after every so many epochs, or after each.
    if kind == "step":
        return lr * schedule.factor ** (epochs // schedule.every)
    if kind == "exponential":
        return lr * schedule.gamma**epochs
    # 3. A straight line to a share of lr, held at its end.
    if kind == "linear":
        since = steps % steps_per_epoch if schedule.restart_every_epoch else steps
        done = np.minimum(since / schedule.steps, 1.0)
        return lr * (1 - done * (1 - schedule.final))
    # 4. lr over a line that grows with the steps.
    if kind == "inverse_time":
        return lr / (1 + schedule.decay * steps)
    # 5. Cosine: a straight warmup, then half a cosine per cycle.
    #    Source: Loshchilov and Hutter, SGDR (2017), equation 5.
    if kind == "cosine":
        rising = lr * (steps + 1) / max(schedule.warmup, 1)
        span = max(total - schedule.warmup, 1)
        # In whole numbers: a float's rounding could end a cycle a step late, at the lowest rate.
        within = (steps - schedule.warmup) * schedule.cycles % span / span
        falling = schedule.min + (lr - schedule.min) * (1 + np.cos(np.pi * within)) / 2
        return np.where(steps < schedule.warmup, rising, falling)
    # 6. One cycle: half a cosine up to lr, and half a cosine down to a share of it.
    #    Source: Smith and Topin, Super-Convergence (2018).
    if kind == "one_cycle":
        peak = schedule.warmup * (total - 1)
        up = np.clip(steps / max(peak, 1e-9), 0, 1)
        down = np.clip((steps - peak) / max(total - 1 - peak, 1e-9), 0, 1)
        start, end = lr * ONE_CYCLE_START, lr * schedule.final
        rising = lr + (start - lr) * (1 + np.cos(np.pi * up)) / 2
        falling = end + (lr - end) * (1 + np.cos(np.pi * down)) / 2
        return np.where(steps < peak, rising, falling)
    raise ValueError(f"no schedule {kind!r}")
