"""`mnistlab view`: all runs in a browser, while they train."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import completion, options

ORDER = 7.5  # in --help
EXAMPLES = """\b
Examples:
  mnistlab view
  mnistlab view runs/20261121-150000-my-sweep
  mnistlab view --no-browser --port 8500
"""


def view(
    runs: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUNS",
            help="A folder of runs, a sweep, or a run.  [default: the folder where runs are made]",
            show_default=False,
            autocompletion=completion.runs_and_sweeps,
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="The port; 0: any that is free."),
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, and open no browser.")
    ] = False,
    runs_dir: options.RunsDir = None,
    data_dir: options.DataDir = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Show all runs and sweeps in a browser, while they train.

    A table of all runs and sweeps, which can be filtered, sorted and grouped over seeds; learning
    curves as they grow; the pages of runs; and "Try it" for every run and checkpoint, answered by
    mnistlab itself. "Lecture mode" shows one run in large type.

    The view only reads. It is for this machine alone: it listens on the loopback, and its address
    has a secret. Ctrl-C ends it. It needs the extra `view`: pip install 'mnistlab[view]'.
    """
    options.set_threads(threads)
    from mnistlab.support import paths
    from mnistlab.support.errors import UsageError
    from mnistlab.support.signals import exit_code_of
    from mnistlab.terminal.output import print_json, print_note, print_result
    from mnistlab.terminal.progress import watch_messages

    try:
        from mnistlab.view.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "anyio", "h11"):
            raise
        raise UsageError(
            f"view: needs {error.name}, not installed here: pip install 'mnistlab[view]'"
        ) from error

    def tell_address(address: str) -> None:
        print_json({"address": address}) if json else print_result(address)
        sys.stdout.flush()
        if not quiet:
            print_note("Ctrl-C ends the view")

    try:
        serve(
            runs or paths.runs_dir(runs_dir),
            port=port,
            tell_address=tell_address,
            opens_browser=not no_browser,
            data_dir=data_dir,
            threads=threads,
            tell=watch_messages(quiet=quiet).on_message,
        )
    except KeyboardInterrupt as stop:  # its usual end: stdout has the address already
        number = getattr(stop, "number", signal.SIGINT)
        if not quiet:
            print_note(f"stopped by {signal.Signals(number).name}")
        return exit_code_of(number)
    return 0
