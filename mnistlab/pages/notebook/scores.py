"""An evaluation in a notebook: each class, and the confusion matrix."""

import math

from mnistlab.experiment.scores import Scores
from mnistlab.pages.notebook import Cell, Fragment, Table, cells, html_of, link_to
from mnistlab.pages.page import measured
from mnistlab.support.text_format import counted, in_print, percent

MOST_CLASSES = 20  # of which the confusion matrix is shown


def scores_html(scores: Scores) -> str:
    """An evaluation as HTML."""
    run_dir = scores.model.run_dir
    tables = [_classes(scores)]
    if len(scores.class_names) <= MOST_CLASSES:
        tables.append(_confusion(scores))
    accuracy, loss = measured(scores.accuracy, "accuracy"), measured(scores.loss, "loss")
    images = counted(scores.images, f"{scores.split} image")
    return html_of(
        Fragment(
            title=f"{accuracy} of {images} correct",
            kind="evaluation",
            told=[f"Loss {loss}."],
            tables=tables,
            links=link_to(run_dir.report, "report.html"),
            where=str(run_dir.path),
        )
    )


def _classes(scores: Scores) -> Table:
    rows = [
        cells(
            scores.class_names[one.label],
            *map(_share, (one.precision, one.recall, one.f1)),
            f"{one.images:,}",
        )
        for one in scores.per_class
        if one.images or scores.confusion[:, one.label].any()
    ]
    return Table(("class", "precision", "recall", "F1", "images"), rows)


def _share(value: float) -> str:
    return "–" if math.isnan(value) else in_print(percent(value))


def _confusion(scores: Scores) -> Table:
    """Counts; the colour is the share of the class's images, errors three times as strong."""
    rows = []
    for label, counts in enumerate(scores.confusion):
        if not counts.any():
            continue
        row = [Cell(scores.class_names[label])]
        for predicted, count in enumerate(counts):
            strength = 40 if predicted == label else 120
            heat = min(100, round(strength * count / counts.sum()))
            row.append(Cell(f"{count:,}" if count else "", heat=heat))
        rows.append(row)
    heads = ("", *scores.class_names)
    return Table(heads, rows, caption="Images by true class (rows) and predicted class (columns)")
