"""`mnistlab evaluate`: loss, accuracy and the metrics of each class."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mnistlab.cli import options
from mnistlab.support.metric_names import part_named

if TYPE_CHECKING:
    import numpy as np

    from mnistlab.experiment.scores import Scores

ORDER = 4  # in --help
EXAMPLES = """\b
Examples:
  mnistlab evaluate runs/latest
  mnistlab evaluate runs/latest --split validation --weights best
"""
# A matrix of more classes is wider than a terminal; their most confused pairs are shown instead.
WIDEST_MATRIX, MOST_PAIRS = 20, 20
CORNER = "true \\ predicted"


def evaluate(
    run: options.Run,
    split: Annotated[
        Literal["test", "validation", "train"], typer.Option(help="The images to evaluate.")
    ] = "test",
    weights: options.Weights = "final",
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Evaluate a run's network, class by class.

    Precision is the share of the images predicted as a class that belong to it. Recall is the
    share of the images of a class that are predicted correctly. F1 is their harmonic mean.
    """
    options.set_threads(threads)
    from mnistlab.python.commands import evaluate as command
    from mnistlab.terminal.output import print_json, print_lines
    from mnistlab.terminal.progress import watch_download, watch_messages

    with watch_download(quiet=quiet) as data_progress:
        scores = command.evaluate(
            run,
            split=split,
            weights=weights,
            data_dir=data_dir,
            threads=threads,
            tell=watch_messages(quiet=quiet).on_message,
            data_progress=data_progress,
        )
    if json:
        print_json(_document(scores))
    else:
        print_lines("\n\n".join([_summary(scores), _classes(scores), _confusion(scores)]))
    return 0


def _summary(scores: "Scores") -> str:
    from mnistlab.support.text_format import number, percent

    model, right = scores.model, round(scores.accuracy * scores.images)
    images = f"{scores.images:,} {part_named(scores.split).images}"
    return (
        f"{model.config.name}: {images} of {model.dataset.name}, "
        f"weights of step {model.step:,}\n"
        f"loss {number(scores.loss)}  accuracy {percent(scores.accuracy)}  "
        f"({right:,} correct, {scores.images - right:,} wrong)"
    )


def _shown(scores: "Scores") -> list[int]:
    """The classes that have images or predictions."""
    seen = scores.confusion.sum(axis=0) + scores.confusion.sum(axis=1)
    return [label for label, count in enumerate(seen.tolist()) if count]


def _classes(scores: "Scores") -> str:
    from mnistlab.terminal.output import table_text

    names, shown = scores.model.class_names, _shown(scores)
    rows = [["class", "precision", "recall", "F1", "images"]]
    for one in (scores.per_class[label] for label in shown):
        shares = [_share(value) for value in (one.precision, one.recall, one.f1)]
        rows.append([_name(names, one.label), *shares, f"{one.images:,}"])
    text = table_text(rows, right=(1, 2, 3, 4))
    absent = len(names) - len(shown)
    return (
        f"{text}\n({absent} classes have no image here and were never predicted)"
        if absent
        else text
    )


def _confusion(scores: "Scores") -> str:
    import sys

    from mnistlab.terminal.tables import natural_width, table
    from mnistlab.terminal.width import terminal_width

    names, shown = scores.model.class_names, _shown(scores)
    rows = [[CORNER, *map(str, shown)]]
    for label in shown:
        counts = scores.confusion[label, shown].tolist()
        rows.append([_name(names, label), *(f"{count:,}" if count else "·" for count in counts)])
    if len(shown) > WIDEST_MATRIX:
        return _pairs(scores.confusion, names)
    at_right, width = range(1, len(shown) + 1), terminal_width(sys.stdout)
    short = [[cell.replace(",", "") for cell in row] for row in rows]
    short[0][0] = ""
    for above, form in (("", rows), (f"{CORNER}\n", short)):
        if width is None or natural_width(form) <= width:
            return above + table(form, at_right)
    return _pairs(scores.confusion, names)


def _pairs(confusion: "np.ndarray", names: Sequence[str]) -> str:
    from mnistlab.terminal.output import table_text

    found = [
        (int(confusion[label, other]), label, other)
        for label in range(len(names))
        for other in range(len(names))
        if label != other and confusion[label, other]
    ]
    rows = [["true", "predicted", "images"]]
    for count, label, other in sorted(found, key=lambda pair: (-pair[0], *pair[1:]))[:MOST_PAIRS]:
        rows.append([_name(names, label), _name(names, other), f"{count:,}"])
    return table_text(rows, right=(2,)) + "\n(--json has the whole matrix)"


def _name(names: Sequence[str], label: int) -> str:
    return names[label] if names[label] == str(label) else f"{label} {names[label]}"


def _share(value: float) -> str:
    from mnistlab.support.text_format import percent

    return "-" if value != value else percent(value)


def _document(scores: "Scores") -> dict[str, Any]:
    names = scores.model.class_names
    return {
        "run_dir": scores.model.run_dir.path,
        "split": scores.split,
        "weights": scores.model.weights,
        "step": scores.model.step,
        "images": scores.images,
        "loss": scores.loss,
        "accuracy": scores.accuracy,
        "per_class": [
            {"label": one.label, "class": names[one.label], **asdict(one)}
            for one in scores.per_class
        ],
        "confusion_matrix": scores.confusion,
    }
