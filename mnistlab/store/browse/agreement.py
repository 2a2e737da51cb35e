"""Single runs beside a baseline: on which images of their predictions.csv they disagree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnistlab.statistics.hypothesis_tests import McNemar, holm, mcnemar
from mnistlab.store.browse.summary import RunSummary
from mnistlab.store.predictions import Predictions, read_predictions
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import UsageError


@dataclass(frozen=True)
class Disagreement:
    """A run beside the baseline. `p_value` is McNemar's, corrected by Holm for the number
    of runs.
    """

    mcnemar: McNemar
    p_value: float


def predictions_of(run: RunSummary) -> Predictions | None:
    """The predictions of a run; None if it has none. Raises UsageError if they are damaged."""
    path = RunDir(run.path).predictions
    return read_predictions(path, run.record.written(path)) if path.exists() else None


def disagreements(
    runs: Sequence[RunSummary], baseline: RunSummary
) -> tuple[list[Disagreement | None], list[str]]:
    """Each run beside the baseline, None of the baseline itself and of runs that predicted other
    images; and notes on what cannot be compared.

    Raises UsageError if the baseline has no predictions.
    """
    own = predictions_of(baseline)
    if own is None:
        raise UsageError(f"--against: {baseline.path} has no predictions.csv")
    correct = own.predicted == own.labels
    found: list[McNemar | None] = []
    faults: list[str] = []
    other_images = 0
    for run in runs:
        if run.path == baseline.path:
            found.append(None)
            continue
        try:
            theirs = predictions_of(run)
        except UsageError as error:
            faults += error.messages
            theirs = None
        if theirs is None or not np.array_equal(theirs.labels, own.labels):
            other_images += 1
            found.append(None)
        else:
            found.append(mcnemar(theirs.predicted == theirs.labels, correct))
    corrected = iter(holm([one.p_value for one in found if one is not None]))
    told = [None if one is None else Disagreement(one, next(corrected)) for one in found]
    if other_images:
        faults.append(
            f"{other_images:,} of {len(runs):,} runs predicted other images: not compared"
        )
    return told, faults
