"""`mnistlab evaluate`: loss, accuracy and the metrics of each class."""

from typing import Annotated, Any, Literal

import typer

from mnistlab.cli import options

ORDER = 4  # in --help
EXAMPLES = """\b
Examples:
  mnistlab evaluate runs/latest
  mnistlab evaluate runs/latest --split validation --weights best
  mnistlab evaluate runs/20261121-142530-mlp-3fa9c1 runs/20261121-143002-mlp-91c0de
  mnistlab evaluate runs/20261121-150000-my-sweep
  mnistlab evaluate runs/latest --calibrate
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
    after a sweep is its best trial.
    """
    options.set_threads(threads)
    from mnistlab.python.commands import evaluate as command
    from mnistlab.store.browse.found import is_link_to_sweep, is_sweep
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal import calibration, ensemble, scores
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
        is_ensemble = len(runs) > 1 or (is_sweep(runs[0]) and not is_link_to_sweep(runs[0]))
        if is_ensemble and calibrate:
            raise UsageError("--calibrate: is for one run; several are evaluated together")
        if calibrate:
            fitted = command.calibrate(runs[0], **how)
            document, text = calibration.document(fitted), calibration.text(fitted)
        elif is_ensemble:
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
