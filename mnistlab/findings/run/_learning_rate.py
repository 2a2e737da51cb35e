"""Whether a run shows that its learning rate was too small or too large."""

import itertools
import math
from collections.abc import Sequence
from typing import Literal

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.store.metrics import LayerRow, MetricsRow
from mnistlab.support.errors import LackingError
from mnistlab.support.metric_names import TRAINING, VALIDATION, Part

# A network whose loss is between these shares of the loss of guessing has hardly learned. A higher
# loss is that of wrong answers with confidence, which a rate that is too high gives, too.
HARDLY, CONFIDENT = 0.5, 1.5
# An update of this share of the weights' size is far too large: a thousandth is usual.
FAR = 0.1
# With this share of a layer dead, the rate was too large.
DEAD = 0.5


def judged_by(rows: Sequence[MetricsRow]) -> Part:
    """The images whose loss is judged: those for validation, if there are any."""
    return VALIDATION if rows and rows[-1].val_loss is not None else TRAINING


def direction(run: Artefacts) -> Literal["larger", "smaller"] | None:
    """How to change the learning rate of a network that has hardly learned; None if nothing shows
    it.
    """
    layers = _layers(run)
    dead = max((row.inactive_share or 0.0 for row in layers), default=0.0)
    if dead >= DEAD or max(map(_update, layers), default=0.0) >= FAR:
        return "smaller"
    return "larger" if _falls_from_guessing(run) else None


def _falls_from_guessing(run: Artefacts) -> bool:
    """Whether the loss fell in every interval and is still near that of guessing.

    With label noise a loss stays high, however it is trained.
    """
    data, rows = run.config.data, run.metrics
    guessing = run.config.loss.of_guessing(len(run.class_names))
    if guessing is None or data.label_noise or data.shuffle_labels or not rows:
        return False
    name = judged_by(rows).loss
    # The mean over the steps of the first epoch is above its end, if the loss falls.
    losses = [rows[0].train_loss, *(getattr(row, name) for row in rows)]
    known = [loss for loss in losses if loss is not None]
    falls = all(after < before for before, after in itertools.pairwise(known))
    if len(known) < 2 or not falls:
        return False
    return known[-1] > HARDLY * guessing and known[0] < CONFIDENT * guessing


def _layers(run: Artefacts) -> list[LayerRow]:
    try:
        return run.layers
    except LackingError:  # no epoch was finished
        return []


def _update(row: LayerRow) -> float:
    """The mean change of a weight in a step, as a share of the weights' root mean square."""
    if row.update_mean is None or row.weight_std is None or row.weight_mean is None:
        return 0.0
    size = math.hypot(row.weight_mean, row.weight_std)
    return row.update_mean / size if size > 0 else 0.0
