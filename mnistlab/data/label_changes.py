"""Training labels made wrong on purpose: a share of them, or all in another order."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from mnistlab.data.arrays import Bytes
from mnistlab.runtime.streams import Purpose, random_stream


def changed_labels(
    labels: Bytes,
    trained: np.ndarray,
    classes: Sequence[int],
    *,
    noise: float,
    shuffle: bool,
    seed: int,
) -> Bytes:
    """The labels uint8 (n,), those of the training images changed; others are as they were.

    trained int64 (m,): the training images. `shuffle` gives them each other's labels in a random
    order. Then `noise`, a share of them rounded down, get another of the `classes`, each as likely.
    """
    if not shuffle and noise == 0:
        return labels
    changed = np.array(labels)
    if shuffle:
        stream = random_stream(seed, Purpose.SHUFFLED_LABELS)
        changed[trained] = stream.permutation(changed[trained])
    stream = random_stream(seed, Purpose.LABEL_NOISE)
    # As it was typed: 0.29 of 100 is 29, where the nearest double would give 28.
    count = math.floor(Fraction(repr(noise)) * len(trained)) if len(classes) > 1 else 0
    wrong = trained[stream.permutation(len(trained))[:count]]
    known = np.array(sorted(classes))
    place = np.searchsorted(known, changed[wrong])
    further = stream.integers(1, max(len(known), 2), count)
    changed[wrong] = known[(place + further) % len(known)]
    changed.setflags(write=False)
    return changed
