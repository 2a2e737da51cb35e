"""`mnistlab evaluate`: loss, accuracy and the metrics of each class."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mnistlab.cli import options

ORDER = 4  # in --help
EXAMPLES = """\b
Examples:
  mnistlab evaluate runs/latest
  mnistlab evaluate runs/latest --split validation --weights best
  mnistlab evaluate runs/20261121-142530-mlp-3fa9c1 runs/latest
  mnistlab evaluate runs/20261121-150000-my-sweep
  mnistlab evaluate runs/latest --calibrate
  mnistlab evaluate runs/latest --attack fgsm:0.25 --figure attack.png
"""


def evaluate(
    runs: options.RunsTogether,
    split: Annotated[
        Literal["test", "validation", "train"], typer.Option(help="The images to evaluate.")
    ] = "test",
    weights: options.Weights = "final",
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Fit a temperature on the validation images; show the expected calibration error "
            "before and after.",
        ),
    ] = False,
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="gaussian:STD",
            help="Disturb the images by normal noise, up to this standard deviation (white is 1).",
            show_default=False,
        ),
    ] = None,
    shift: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Shift the images in four directions, up to so many pixels.",
            show_default=False,
        ),
    ] = None,
    rotate: Annotated[
        float | None,
        typer.Option(
            metavar="DEGREES",
            help="Rotate the images both ways, up to an angle.",
            show_default=False,
        ),
    ] = None,
    attack: Annotated[
        str | None,
        typer.Option(
            metavar="fgsm:SIZE",
            help="Attack the network: change every pixel by up to SIZE (white is 1) by the sign of "
            "the loss's gradient.",
            show_default=False,
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the accuracy by the strength of the disturbance: png, svg or pdf.",
            show_default=False,
        ),
    ] = None,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Evaluate a network class by class, or several together.

    Precision is the share of the images predicted as a class that belong to it. Recall is the share
    of the images of a class that are predicted correctly. F1 is their harmonic mean.

    Several runs, or the finished trials of a sweep, are evaluated as an ensemble: by the mean of
    their probabilities, and by their votes. Its gain over its members is printed. `runs/latest`
    after a sweep is its best trial; with --calibrate or disturbed images, so is any sweep.

    With --noise, --shift, --rotate or --attack, loss and accuracy are printed by the strength of
    the disturbance.
    """
    options.set_threads(threads)
    from mnistlab.experiment.robustness import disturbance
    from mnistlab.python.commands import evaluate as command
    from mnistlab.store.browse.found import is_link_to_sweep, is_sweep
    from mnistlab.terminal import calibration, ensemble, robustness, scores
    from mnistlab.terminal.output import print_json, print_lines
    from mnistlab.terminal.progress import watch_download, watch_messages

    with watch_download(quiet=quiet) as data_progress:
        how: dict[str, Any] = {
            "split": split,
            "weights": weights,
            "data_dir": data_dir,
            "threads": threads,
            "tell": watch_messages(quiet=quiet).on_message,
            "data_progress": data_progress,
        }
        by = disturbance(noise, shift, rotate, attack)
        is_for_one = calibrate or by is not None
        _refuse_out_of_place(len(runs) > 1, calibrate, by is not None, figure)
        is_whole_sweep = is_sweep(runs[0]) and not is_link_to_sweep(runs[0]) and not is_for_one
        if by is not None:
            disturbed = command.disturb(runs[0], by, figure=figure, **how)
            document, text = robustness.document(disturbed), robustness.text(disturbed)
        elif calibrate:
            fitted = command.calibrate(runs[0], **how)
            document, text = calibration.document(fitted), calibration.text(fitted)
        elif len(runs) > 1 or is_whole_sweep:
            together = command.evaluate_ensemble(runs, **how)
            document, text = ensemble.document(together), ensemble.text(together)
        else:
            found = command.evaluate(runs[0], **how)
            document, text = scores.document(found), scores.text(found)
    if json:
        print_json(document)
    else:
        print_lines(text)
    return 0


def _refuse_out_of_place(
    are_several: bool, calibrate: bool, is_disturbed: bool, figure: Path | None
) -> None:
    """Raise UsageError for options that do not go together."""
    from mnistlab.support.errors import UsageError

    if are_several and calibrate:
        raise UsageError("--calibrate: is for one run; several are evaluated together")
    if are_several and is_disturbed:
        raise UsageError("disturbed images are for one run; several are evaluated together")
    if calibrate and is_disturbed:
        raise UsageError("--calibrate: is for images that are not disturbed")
    if figure is not None and not is_disturbed:
        raise UsageError("--figure: needs --noise, --shift, --rotate or --attack")
