"""The scores of an ensemble as tables for people, and as a document for programs."""

from typing import Any

from mnistlab.experiment.ensemble import EnsembleScores
from mnistlab.support.metric_names import part_named
from mnistlab.support.text_format import number, percent
from mnistlab.terminal.output import table_text
from mnistlab.terminal.scores import accuracy, class_documents, class_table, confusion_table


def text(scores: EnsembleScores) -> str:
    """The results of the networks together, of each alone, and of each class, for people."""
    parts = [_summary(scores), _members(scores), class_table(scores), confusion_table(scores)]
    return "\n\n".join(parts)


def _summary(scores: EnsembleScores) -> str:
    images = f"{scores.images:,} {part_named(scores.split).images}"
    loss = "" if scores.loss is None else f"loss {number(scores.loss)}  "
    return (
        f"{len(scores.members)} networks, mean of their probabilities: {images} of "
        f"{scores.dataset}\n"
        f"{loss}{accuracy(scores.accuracy, scores.images)}\n"
        f"gain {_points(scores.gain_over_mean)} over the mean of its members "
        f"({percent(scores.mean_accuracy)}), {_points(scores.gain_over_best)} over the best "
        f"({percent(scores.best_accuracy)})\n"
        f"by votes: {accuracy(scores.votes, scores.images)}"
    )


def _points(share: float) -> str:
    """A difference of accuracies in percentage points."""
    return f"{100 * share:+.2f} points"


def _members(scores: EnsembleScores) -> str:
    rows = [["member", "step", "loss", "accuracy"]]
    rows += [
        [one.run_dir.name, f"{one.step:,}", number(one.loss), percent(one.accuracy)]
        for one in scores.members
    ]
    return table_text(rows, right=(1, 2, 3))


def document(scores: EnsembleScores) -> dict[str, Any]:
    """The scores for programs."""
    return {
        "split": scores.split,
        "images": scores.images,
        "loss": scores.loss,
        "accuracy": scores.accuracy,
        "votes": {"accuracy": scores.votes},
        "members": [
            {
                "run_dir": one.run_dir,
                "step": one.step,
                "loss": one.loss,
                "accuracy": one.accuracy,
            }
            for one in scores.members
        ],
        "gain": {"over_mean": scores.gain_over_mean, "over_best": scores.gain_over_best},
        **class_documents(scores),
    }
