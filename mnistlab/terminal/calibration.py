"""The calibration of a network as a table for people, and as a document for programs."""

from dataclasses import asdict
from typing import Any

from mnistlab.experiment.calibration import CalibrationScores
from mnistlab.support.metric_names import part_named
from mnistlab.support.text_format import number, percent
from mnistlab.terminal.output import table_text


def text(scores: CalibrationScores) -> str:
    """The temperature and its effect, for people."""
    images = f"{scores.images:,} {part_named(scores.split).images}"
    before, after = scores.before, scores.after
    rows = [
        ["", "before", "after"],
        ["expected calibration error", percent(before.error), percent(after.error)],
        ["loss", number(before.loss), number(after.loss)],
        ["accuracy", percent(scores.accuracy), percent(scores.accuracy)],
    ]
    return (
        f"{scores.name}: {images} of {scores.dataset}\n"
        f"temperature {scores.temperature:.4f}, fitted on {scores.fitted_on:,} validation images: "
        f"probabilities are softmax(logits / temperature)\n\n{table_text(rows, right=(1, 2))}"
    )


def document(scores: CalibrationScores) -> dict[str, Any]:
    """The temperature and its effect, for programs."""
    return {
        "run_dir": scores.run_dir,
        "split": scores.split,
        "images": scores.images,
        "accuracy": scores.accuracy,
        "temperature": scores.temperature,
        "fitted_on": {"split": "validation", "images": scores.fitted_on},
        **{name: asdict(getattr(scores, name)) for name in ("before", "after")},
    }
