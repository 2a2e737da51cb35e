"""`mnistlab warmup`: compile all kernels in advance."""

from typing import Annotated, Literal, get_args

import typer

from mnistlab.cli import options

ORDER = 15  # in --help
EXAMPLES = """\b
Examples:
  mnistlab warmup
  mnistlab warmup --dtype float32 --workers 2
  MNISTLAB_CACHE_DIR=/opt/mnistlab mnistlab warmup --quiet
"""

DType = Literal["float32", "float64"]


def warmup(
    dtype: Annotated[
        Literal["all", DType],
        typer.Option(help="The `training.dtype` to compile for; `check` needs float64, too."),
    ] = "all",
    workers: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="The number of processes that compile at the same time; auto: one for each "
            "processor.",
        ),
    ] = "auto",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Compile all kernels in advance.

    mnistlab compiles a kernel when a run needs it for the first time, and keeps it in a cache.
    This command compiles the kernels of all configurations, so that no run waits: for a class-room
    or a container image. It takes some minutes. Kernels that are in the cache are not compiled
    again; another version of mnistlab, of a library or another processor needs its own.
    """
    count = options.worker_count(workers)
    from mnistlab.python.commands import warmup as command
    from mnistlab.terminal.count_progress import watch_count
    from mnistlab.terminal.output import print_json, print_note, print_path
    from mnistlab.terminal.progress import watch_messages

    told = "compiled {done} of {total} kernels"
    with watch_count("compiling", told, quiet=quiet) as progress:
        done = command.warmup(
            get_args(DType) if dtype == "all" else [dtype],
            workers=count,
            progress=progress,
            tell=watch_messages(quiet=quiet).on_message,
        )
    if not quiet and done.compiled:
        print_note(f"compiled {done.compiled} of {done.kernels} kernels in {done.seconds:.0f} s")
    elif not quiet:
        print_note(f"nothing left to compile: the cache has all {done.kernels} kernels")
    if json:
        print_json(done)
    else:
        print_path(done.cache)
