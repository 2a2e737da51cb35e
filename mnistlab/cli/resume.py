"""`mnistlab resume`: an interrupted run carried on, to the same bits."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import options

EXAMPLES = """\b
Examples:
  mnistlab resume runs/latest
  mnistlab resume runs/20261121-142530-mlp-3fa9c1 --threads 1
"""


def resume(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder of the run.")],
    force: Annotated[
        bool, typer.Option("--force", help="Carry on although library versions have changed.")
    ] = False,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="Draw no figures.")] = False,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Carry an interrupted run on, exactly."""
    options.set_threads(threads)
    from mnistlab import api, paths
    from mnistlab.cli.progress import watch_download, watch_run
    from mnistlab.cli.result import tell_result

    with watch_download(quiet=quiet) as data_progress, watch_run(quiet=quiet) as callback:
        result = api.resume(
            path,
            data_dir=paths.data_dir(data_dir),
            threads=threads,
            force=force,
            plots=not no_plots,
            callbacks=[callback],
            argv=sys.argv,
            data_progress=data_progress,
        )
    return tell_result(result, quiet=quiet, json=json)
