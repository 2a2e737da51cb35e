"""A loss that still falls at the end: a learning rate that is too low, or too few epochs."""

import itertools
import math
from collections.abc import Iterator, Sequence

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.findings import Finding
from mnistlab.findings.run._learning_rate import direction, judged_by
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
    rows = run.metrics
    if not run.record.status.finished or not rows:
        return
    part = judged_by(rows)
    losses = [getattr(row, part.loss) for row in rows]
    advice = f"Try a larger optimizer.lr (now {run.config.optimizer.lr:g})"
    length = run.config.training.epochs
    more = "training.epochs" if length is not None else "training.steps"
    if direction(run) == "larger":
        yield (
            "The learning rate is too low, or the run too short: "
            f"the {part.word} loss still falls, but is {number(losses[-1])} after "
            f"{counted(rows[-1].step, 'step')}; guessing gives {_guessing(run)}. {advice}, ten or "
            f"a hundred times as large, or more {more}."
        )
        return
    tail = losses[-INTERVALS - 1 :]
    rates = [row.lr for row in rows if row.lr is not None]
    if len(tail) <= INTERVALS or not rates or rates[-1] < RUN_OUT * max(rates):
        return
    values = [math.nan if loss is None else loss for loss in tail]
    falls = [1 - after / before for before, after in itertools.pairwise(values)]
    if not all(fall >= FALL for fall in falls) and not _is_steady(losses, falls):
        return
    steps = rows[-1].step - rows[-1 - INTERVALS].step
    yield (
        f"The {part.word} loss still falls at the end: in the last {counted(steps, 'step')} from "
        f"{number(values[0])} to {number(values[-1])}. {advice}, or more {more}."
    )


def _guessing(run: Artefacts) -> str:
    loss = run.config.loss.of_guessing(len(run.class_names))
    assert loss is not None  # the direction was found by it
    return number(loss)


def _is_steady(losses: Sequence[float | None], falls: Sequence[float]) -> bool:
    """Whether the last falls are hardly smaller than the mean one since the first evaluation."""
    values = [math.nan if loss is None else loss for loss in losses]
    mean = (values[0] - values[-1]) / (len(values) - 1)
    last = [before - after for before, after in itertools.pairwise(values[-INTERVALS - 1 :])]
    return min(falls) >= LEAST_FALL and min(last) >= STEADY * mean


FINDING = Finding(order=30, find=find)
