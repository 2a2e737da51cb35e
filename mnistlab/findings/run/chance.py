"""A network that has learned nothing, though its run finished."""

from collections.abc import Iterator

import numpy as np

from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.findings import Finding
from mnistlab.findings.run._learning_rate import direction
from mnistlab.support.text_format import percent

# A rate that is too low has its own finding.
CHANGES = {"smaller": "a smaller", None: "another"}
DEVIATIONS = 3.0  # above guessing, which chance explains


def find(run: Artefacts) -> Iterator[str]:
    if not run.record.status.finished:
        return
    found = run.predictions
    images = len(found.labels)
    guessing = float(np.bincount(found.labels).max() / images)
    accuracy = float((found.labels == found.predicted).mean())
    luck = DEVIATIONS * (guessing * (1 - guessing) / images) ** 0.5
    if guessing == 1 or accuracy > guessing + luck:
        return
    most = int(np.bincount(found.predicted).argmax())
    share = float((found.predicted == most).mean())
    wanted = direction(run)
    advice = (
        ""
        if wanted == "larger"
        else f" Try {CHANGES[wanted]} optimizer.lr (now {run.config.optimizer.lr:g})."
    )
    yield (
        f"The network is at chance level: it classifies {percent(accuracy)} of the "
        f"{PART_NAMES[run.part]} correctly; always answering with the most frequent class gives "
        f"{percent(guessing)}. It predicts {run.class_names[most]} for {percent(share)} of them."
        f"{advice}"
    )


FINDING = Finding(order=10, find=find)
