"""The accuracy of a network by the strength of a disturbance of its images."""

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mnistlab.experiment.robustness import RobustnessScores
from mnistlab.figures import style
from mnistlab.figures.sheet import MARGIN, Sheet
from mnistlab.support.metric_names import part_named

HEIGHT = 3.6  # inches, of the panel


def robustness(scores: RobustnessScores) -> Figure:
    """Accuracy by strength, with the accuracy written at each point."""
    by, part = scores.disturbance, part_named(scores.split)
    strengths = [one.strength for one in scores.curve]
    accuracies = [one.accuracy for one in scores.curve]
    note = f"{scores.images:,} {part.images} of {scores.dataset}, disturbed in the same way."
    colour = style.SPLIT_COLOURS[part.prefix]
    with style.drawing():
        sheet = Sheet(HEIGHT + 0.85, f"{by.name}: accuracy by strength", note, scores.name)
        axes = sheet.panel(MARGIN + 0.7, 0.15, style.WIDTH - 2 * MARGIN - 1.2, HEIGHT)
        axes.plot(strengths, accuracies, color=colour, marker="o", clip_on=False, zorder=3)
        for strength, accuracy in zip(strengths, accuracies, strict=True):
            axes.annotate(
                f"{100 * accuracy:.1f}",
                (strength, accuracy),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                color=style.INK,
                annotation_clip=False,
            )
        axes.set_ylim(0, 1)
        axes.set_xlim(0, strengths[-1])
        axes.set_xticks(strengths)
        axes.set_xlabel(by.unit)
        axes.set_ylabel("accuracy")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    return sheet.figure
