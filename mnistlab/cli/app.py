"""The `mnistlab` command with every subcommand; heavy imports wait until a subcommand runs."""

import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mnistlab import __version__
from mnistlab.cli import errors
from mnistlab.support.collector import collect_rarely
from mnistlab.support.modules import modules_of
from mnistlab.support.near_names import same_name
from mnistlab.terminal.output import open_closed_streams

EXAMPLES = """\b
Examples:
  mnistlab init my-experiment
  mnistlab train my-experiment/mnistlab.yaml
  mnistlab train my-experiment/mnistlab.yaml optimizer.lr=0.01 --name slower
  mnistlab sweep my-experiment/mnistlab.yaml optimizer.lr=0.1,0.01,0.001
"""


class Commands(TyperGroup):
    """All commands; an exception in one of them becomes a message and an exit code."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """Parse the command line, run its command, exit."""
        open_closed_streams()
        _print_any_character()
        args = list(sys.argv[1:] if args is None else args)
        if args[:1] == ["help"]:  # as in git: `mnistlab help train`
            args = [*args[1:], "--help"]
        args = [_at_home(one) for one in args]
        options["standalone_mode"] = False  # the group below would print tracebacks and exit
        errors.exit_after(super().main, args, *more, **options)

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Parse the options before the command; typer's own imports for it take a tenth of a
        second.
        """
        with errors.interrupts():
            return super().make_context(*args, **options)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names; the error for another program's name suggests
        ours.
        """
        try:
            return super().resolve_command(ctx, args)
        except errors.CommandLineError as error:
            if meant := same_name(args[0], self.commands):
                error.message = f"No such command {args[0]!r}. Did you mean {meant!r}?"
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the number it returns, if any, is the exit code."""
        with errors.interrupts(), errors.log_on_stderr():
            return super().invoke(ctx)


def _at_home(argument: str) -> str:
    """An argument with the home folder in place of `~`, which no shell replaces in quotes or behind
    `--option=`.
    """
    option, equals, value = argument.rpartition("=")
    if value.startswith("~") and (not equals or option.startswith("--")):
        home = os.path.expanduser(value)  # noqa: PTH111 - pathlib's raises if there is no home
        return f"{option}{equals}{home}"
    return argument


def _print_any_character() -> None:
    """Let stdout take file names that are not UTF-8, and characters that the terminal lacks."""
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
    context_settings={"help_option_names": ["--help", "-h"]},
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
            "-V",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of mnistlab and its libraries, and exit.",
        ),
    ] = False,
) -> None:
    """Options that stand before any command."""


collect_rarely()
# Looking for pydantic's plugins reads the metadata of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# The process ends here: a last garbage collection over all imported modules takes 0.2 s.
atexit.register(gc.freeze)

# Each file of the folder is a command: a function of the file's name, or a group named `app`. A
# class `Command` in it reads a command line that typer alone cannot.
for module in sorted(modules_of("mnistlab.cli.commands"), key=attrgetter("ORDER")):
    if hasattr(module, "app"):
        app.add_typer(module.app)
    else:
        kind = getattr(module, "Command", None)
        name = module.__name__.rpartition(".")[2]
        app.command(cls=kind, epilog=module.EXAMPLES)(getattr(module, name))
