"""The accuracy on disturbed images as a table for people, and as a document for programs."""

from typing import Any

from mnistlab.experiment.robustness import RobustnessScores
from mnistlab.support.metric_names import part_named
from mnistlab.support.text_format import number, percent
from mnistlab.terminal.output import table_text


def text(scores: RobustnessScores) -> str:
    """A row for each strength, for people."""
    images = f"{scores.images:,} {part_named(scores.split).images}"
    by = scores.disturbance
    rows = [["strength", "loss", "accuracy"]]
    rows += [
        [f"{one.strength:.4g}", number(one.loss), percent(one.accuracy)] for one in scores.curve
    ]
    return (
        f"{scores.name}: {images} of {scores.dataset}\n{by.name} ({by.unit})\n\n"
        f"{table_text(rows, right=(0, 1, 2))}"
    )


def document(scores: RobustnessScores) -> dict[str, Any]:
    """The curve, for programs."""
    by = scores.disturbance
    return {
        "run_dir": scores.run_dir,
        "split": scores.split,
        "images": scores.images,
        "disturbance": by.name,
        "unit": by.unit,
        "curve": [
            {"strength": one.strength, "loss": one.loss, "accuracy": one.accuracy}
            for one in scores.curve
        ],
    }
