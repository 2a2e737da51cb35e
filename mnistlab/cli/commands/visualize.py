"""`mnistlab visualize`: every figure of a run or sweep."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mnistlab.cli import completion, options

if TYPE_CHECKING:
    from mnistlab.figures.gallery import SavedFigures

ORDER = 3  # in --help
EXAMPLES = """\b
Examples:
  mnistlab visualize runs/latest
  mnistlab visualize runs/latest --only confusion_matrix,mistakes
  mnistlab visualize runs/20261121-142530-softmax-stages --format pdf
"""


def visualize(
    path: options.RunOrSweep,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Draw only this figure, or several: calibration,tsne; can be repeated.",
            autocompletion=completion.figures,
        ),
    ] = None,
    format: Annotated[Literal["png", "svg", "pdf"], typer.Option(help="The file format.")] = "png",
    force: options.Force = False,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Draw every figure of a run, sweep or report.

    The figures are written to the folder `plots`. report.html is one self-contained file with all
    figures; a reproduced report has its tables there, too. --only draws single figures and does not
    change report.html.

    --only film writes films of a run with training.snapshots, each as GIF and animated PNG: the
    weights of every layer from the initial ones to the last epoch, film_LAYER, and film_tsne, one
    t-SNE of the last hidden layer at all epochs.

    Figures that mnistlab drew before are overwritten. If a file there was edited or was not written
    by mnistlab, the command fails before it draws anything, unless --force is given.

    Figures whose data are missing or damaged are left out and named; the others are drawn. For
    damaged data the exit code is 2, or 4 for the dataset.
    """
    names = [name.strip() for listed in only or () for name in listed.split(",")]
    options.set_threads(threads)
    from mnistlab.python.commands import visualize as command
    from mnistlab.store.browse.found import is_sweep
    from mnistlab.store.report_dir import is_reproduction
    from mnistlab.support.beside import Beside
    from mnistlab.terminal.progress import watch_download, watch_messages

    with watch_download(quiet=quiet) as data_progress:
        done = command.visualize(
            path,
            only=names,
            format=format,
            report=not names,
            force=force,
            data_dir=data_dir,
            threads=threads,
            tell=watch_messages(quiet=quiet).on_message,
            data_progress=data_progress,
            starter=Beside(),  # which writes files and needs no thread of the engine
        )
    folder = "sweep_dir" if is_sweep(path) else "run_dir"
    if is_reproduction(path):
        folder = "report_dir"
    return _report(done, folder, quiet=quiet, json=json)


def _report(done: "SavedFigures", folder: str, *, quiet: bool, json: bool) -> int:
    """Print what was drawn and left out; damage also with --quiet. Returns the exit code."""
    from mnistlab.terminal.output import print_json, print_lines, print_note, print_path

    is_in_vain = not done.figures
    for left_out in done.left_out:
        is_told = is_in_vain or (left_out.applies and not quiet)
        if left_out.error is None and is_told:
            print_note(f"{left_out.name}: left out: {left_out.why}")
    for damage, lost in done.damaged.items():
        print_lines(damage, on_stderr=True)
        names = ", ".join(one.name for one in lost)
        print_note(f"left out because of it: {names}")
    if json:
        print_json(
            {
                folder: done.folder,
                "report": done.report,
                "figures": done.figures,
                "left_out": {
                    one.name: one.why for one in done.left_out if one.applies or is_in_vain
                },
            }
        )
    else:
        for path in [*done.figures.values(), *([done.report] if done.report else [])]:
            print_path(path)
    return done.exit_code or (2 if is_in_vain else 0)
