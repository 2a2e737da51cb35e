"""A loss that still falls at the end, although the learning rate has not decreased to its end."""

import itertools
import math
from collections.abc import Iterator, Sequence

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.findings import Finding
from mnistlab.support.text_format import counted, number

# Reported if the loss fell by this share in each of the last intervals between evaluations.
INTERVALS = 2
FALL = 0.02
# A smaller fall is reported if the loss still falls at its mean speed: the rate is far too low.
LEAST_FALL, STEADY = 0.005, 0.5  # of the loss; of the mean fall between two evaluations
# Below this share of its largest value, a rate has been decreased by its schedule, and a falling
# loss is expected.
RUN_OUT = 0.5


def find(run: Artefacts) -> Iterator[str]:
    if not run.record.status.finished:
        return
    rows = run.metrics
    name = "validation" if rows and rows[-1].val_loss is not None else "training"
    losses = [row.val_loss if name == "validation" else row.train_loss for row in rows]
    tail = losses[-INTERVALS - 1 :]
    rates = [row.lr for row in rows if row.lr is not None]
    if len(tail) <= INTERVALS or not rates or rates[-1] < RUN_OUT * max(rates):
        return
    values = [math.nan if loss is None else loss for loss in tail]
    falls = [1 - after / before for before, after in itertools.pairwise(values)]
    if not all(fall >= FALL for fall in falls) and not _is_steady(losses, falls):
        return
    length = run.config.training.epochs
    more = "training.epochs" if length is not None else "training.steps"
    steps = rows[-1].step - rows[-1 - INTERVALS].step
    yield (
        f"The {name} loss still falls at the end: in the last {counted(steps, 'step')} from "
        f"{number(values[0])} to {number(values[-1])}. Try a larger optimizer.lr (now "
        f"{run.config.optimizer.lr:g}), or more {more}."
    )


def _is_steady(losses: Sequence[float | None], falls: Sequence[float]) -> bool:
    """Whether the last falls are hardly smaller than the mean one since the first evaluation."""
    values = [math.nan if loss is None else loss for loss in losses]
    mean = (values[0] - values[-1]) / (len(values) - 1)
    last = [before - after for before, after in itertools.pairwise(values[-INTERVALS - 1 :])]
    return min(falls) >= LEAST_FALL and min(last) >= STEADY * mean


FINDING = Finding(order=30, find=find)
