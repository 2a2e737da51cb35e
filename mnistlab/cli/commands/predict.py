"""`mnistlab predict`: the predictions of a run's network for the user's own pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistlab.cli import options

if TYPE_CHECKING:
    from mnistlab.experiment.predict import Answers

ORDER = 5  # in --help
EXAMPLES = """\b
Examples:
  mnistlab predict runs/latest examples/digit.png
  mnistlab predict runs/latest photos/*.jpg --save seen
  mnistlab predict runs/20261121-150000-my-sweep seven.jpg
"""


def predict(
    run: options.FirstRun,
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE...",
            help="Pictures of a digit each, or folders of such: PNG, JPEG, WebP, TIFF, BMP, "
            "GIF, PPM; or a CSV file with an image in each row.",
            show_default=False,
        ),
    ],
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Skip the preparation; images must have the size of the run's images."
        ),
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Save each prepared image and a figure of its prediction. Only files of an "
            "earlier --save are overwritten.",
        ),
    ] = None,
    weights: options.Weights = "final",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Classify the digits in your own pictures.

    A picture is prepared like the images of MNIST: light ink on black, scaled to 20 pixels in
    height or width, its centre of mass in the middle of 28 x 28 pixels. Ink may be dark or light
    and of any colour. Uneven light, and a frame or table around the paper, are removed. If a file
    cannot be read, it is named, the others are predicted, and the exit code is 2.

    Each row of a CSV file is an image like those of the run's dataset, with or without a label
    before its pixels.

    Several runs before the pictures, or a sweep, predict by the mean of their probabilities.
    """
    options.set_threads(threads)
    from mnistlab.python.commands import predict as command
    from mnistlab.store.browse.found import is_run_or_sweep
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.output import print_json, print_lines, print_note
    from mnistlab.terminal.progress import watch_messages

    members, pictures = [run], list(images)
    while pictures and is_run_or_sweep(pictures[0]):
        members.append(pictures.pop(0))
    if not pictures:
        raise UsageError(f"{members[-1]}: no picture is named behind the runs")
    answers = command.predict(
        members,
        pictures,
        weights=weights,
        raw=raw,
        save=save,
        threads=threads,
        tell=watch_messages(quiet=quiet).on_message,
    )
    errors = [f"{one.image}: {one.why}" for one in answers.unread]
    if json:
        print_json(_document(answers, errors))
    elif answers.predictions:
        print_lines(_table(answers))
    for error in errors:
        print_note(error)
    return 2 if errors else 0


def _table(answers: "Answers") -> str:
    """A line for each picture: the predicted class, its probability, the second-ranked class."""
    import numpy as np

    from mnistlab.terminal.output import table_text

    names = answers.model.class_names
    how = "probability" if answers.are_probabilities else "output"
    rows = [["image", "predicted", how, "then"]]
    for said in answers.predictions:
        order = np.argsort(-said.outputs, kind="stable")
        values = [_value(float(said.outputs[label]), answers) for label in order]
        # Among equal outputs the first is predicted, also if an output is NaN.
        rest = [n for n in range(len(order)) if order[n] != said.predicted][:1]
        then = "".join(f"{names[order[n]]} ({values[n]})" for n in rest)
        of_predicted = _value(float(said.outputs[said.predicted]), answers)
        rows.append([str(said.image), names[said.predicted], of_predicted, then])
    return table_text(rows, right=(2,), first=(0, 1, 2), least={0: 20})


def _value(value: float, answers: "Answers") -> str:
    from mnistlab.support.text_format import probability

    # An output that is not a number is shown as it is.
    return probability(value) if answers.are_probabilities and value == value else f"{value:.3g}"


def _document(answers: "Answers", errors: list[str]) -> dict[str, Any]:
    names = answers.model.class_names
    predictions = [
        {
            "image": said.image,
            "predicted": said.predicted,
            "class": names[said.predicted],
            "probabilities": said.outputs,
            **({"saved": answers.saved[said.image]} if said.image in answers.saved else {}),
        }
        for said in answers.predictions
    ]
    failed = {"status": "error", "exit_code": 2, "errors": errors} if errors else {}
    return {"predictions": predictions, **failed}
