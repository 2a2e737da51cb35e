"""Trials that finished but have learned nothing."""

from collections.abc import Iterator

from mnistlab.config.dump import setting_as_yaml
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.findings import Finding, RankedStage
from mnistlab.store.run_dir import RunDir
from mnistlab.support.metric_names import PARTS
from mnistlab.support.text_format import counted, percent, short_keys
from mnistlab.sweeps.results import TrialRow

NEAR = 1.3  # times the accuracy of guessing, because classes differ in size
MOST_NAMED = 3


def find(stage: RankedStage) -> Iterator[str]:
    trials = [row for point in stage.ranked for row in point.trials if row.status.finished]
    measured = [(row, accuracy) for row in trials if (accuracy := _accuracy(row)) is not None]
    if not measured:
        return
    run = Artefacts(RunDir(stage.sweep_dir.path / measured[0][0].run_dir))
    classes = len(run.config.data.classes or run.class_names)
    failed = [(row, accuracy) for row, accuracy in measured if accuracy <= NEAR / classes]
    if classes < 2 or not failed:
        return
    named = [f"trial {row.trial} ({_name(row)}, {percent(a)})" for row, a in failed[:MOST_NAMED]]
    more = f" and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
    text = (
        f"{stage.where}{counted(len(failed), 'trial')} finished at chance level, "
        f"{percent(1 / classes)} for {classes} classes: {', '.join(named)}{more}."
    )
    yield text if len(failed) == len(measured) else f"{text} The others are above it."


def _accuracy(row: TrialRow) -> float | None:
    """The accuracy on images that were not used in training, else on the training images."""
    found = (row.metrics.get(part.accuracy) for part in (*PARTS[1:], PARTS[0]))
    return next((accuracy for accuracy in found if accuracy is not None), None)


def _name(row: TrialRow) -> str:
    short = short_keys(row.parameters)
    return ", ".join(f"{short[key]} {setting_as_yaml(row.parameters, key)}" for key in short)


FINDING = Finding(order=30, find=find)
