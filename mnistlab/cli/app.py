"""The `mnistlab` command: every subcommand, and nothing heavy until one of them runs."""

import io
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mnistlab import __version__
from mnistlab.cli import (
    check,
    compare,
    data,
    errors,
    evaluate,
    export,
    init,
    predict,
    reproduce,
    resume,
    runs,
    schema,
    sweep,
    train,
    visualize,
)
from mnistlab.terminal.output import open_closed_streams

EXAMPLES = """\b
Examples:
  mnistlab init my-experiment
  mnistlab train my-experiment/mnistlab.yaml
  mnistlab train my-experiment/mnistlab.yaml optimizer.lr=0.01 --name slower
  mnistlab sweep my-experiment/mnistlab.yaml optimizer.lr=0.1,0.01,0.001
"""


class Commands(TyperGroup):
    """All commands; whatever one of them raises ends in a message and an exit code."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """Parse the command line, run its command, exit."""
        open_closed_streams()
        _print_any_character()
        options["standalone_mode"] = False  # the group below would print tracebacks and exit
        errors.exit_after(super().main, args, *more, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the number it returns, if any, is the exit code."""
        with errors.interrupts(), errors.log_on_stderr():
            return super().invoke(ctx)


def _print_any_character() -> None:
    """Let stdout take a file's name that is no UTF-8, and other letters than the terminal's."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


app = typer.Typer(
    cls=Commands,
    help="Experiments with neural networks written from scratch: one YAML file, one command, one "
    "folder that holds everything about the run.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from mnistlab.support.host import library_versions
        from mnistlab.terminal.output import print_line

        versions = {"mnistlab": __version__, **library_versions()}
        for name, version in versions.items():
            print_line(f"{name} {version or 'not installed'}")
        raise typer.Exit


@app.callback()
def mnistlab(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of mnistlab and its libraries, and exit.",
        ),
    ] = False,
) -> None:
    """Options that stand before any command."""


app.command(epilog=train.EXAMPLES)(train.train)
app.command(epilog=sweep.EXAMPLES)(sweep.sweep)
app.command(epilog=visualize.EXAMPLES)(visualize.visualize)
app.command(epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command(epilog=predict.EXAMPLES)(predict.predict)
app.command(epilog=compare.EXAMPLES)(compare.compare)
app.command(epilog=runs.EXAMPLES)(runs.runs)
app.command(epilog=export.EXAMPLES)(export.export)
app.command(epilog=resume.EXAMPLES)(resume.resume)
app.command(epilog=check.EXAMPLES)(check.check)
app.command(epilog=reproduce.EXAMPLES)(reproduce.reproduce)
app.add_typer(data.app)
app.command(epilog=init.EXAMPLES)(init.init)
app.command(epilog=schema.EXAMPLES)(schema.schema)
