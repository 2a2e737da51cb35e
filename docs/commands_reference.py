"""docs/commands.md, made from the command line's own declarations."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from docs.markdown import NEEDED, anchor, cell, filled
from mnistlab.cli.app import app

DEFAULT = re.compile(r"\s*\[default: (?P<default>[^\]]*)\]")
VARIABLE = re.compile(r"\$([A-Z_]+)")


class Command(NamedTuple):
    """A command: what is typed, the function behind it, its examples."""

    name: str
    function: Callable[..., Any]
    epilog: str


class Row(NamedTuple):
    """A line of a command's table: `--option VALUE`, what it means, what it is when left out."""

    usage: str
    meaning: str
    default: str


def commands(group: typer.Typer = app, before: str = "mnistlab") -> Iterator[Command]:
    """Every command in its order, those of groups last."""
    for info in group.registered_commands:
        assert info.callback is not None
        name = info.name or info.callback.__name__.rstrip("_").replace("_", "-")
        yield Command(f"{before} {name}", info.callback, info.epilog or "")
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{before} {inner.typer_instance.info.name}")


def parameters(function: Callable[..., Any]) -> Iterator[tuple[inspect.Parameter, Any, Any]]:
    """A command's parameters, each with its type and what typer is told of it."""
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if get_origin(hint) is Annotated:
            kind, *told = get_args(hint)
            info = next(one for one in told if isinstance(one, ArgumentInfo | OptionInfo))
            yield parameter, kind, info


def option_names(parameter: inspect.Parameter, info: Any) -> list[str]:
    """The ways an option is written: `--data-dir`."""
    # Beside a type, what typer's own arguments call the default is the first of the names.
    names = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]
    return names or [f"--{parameter.name.replace('_', '-')}"]


def commands_markdown() -> str:
    """The text of docs/commands.md."""
    known = list(commands())
    table = ["| command | does |", "| --- | --- |"]
    for command in known:
        summary = _paragraphs(command)[0]
        table.append(f"| [`{command.name}`](#{anchor(command.name)}) | {cell(_prose(summary))} |")
    sections = [line for command in known for line in _section(command)]
    return filled("commands.md", table="\n".join(table), commands="\n".join(sections))


def _section(command: Command) -> list[str]:
    arguments, options = [], []
    words = [command.name, "[OPTIONS]"]
    for parameter, kind, info in parameters(command.function):
        row = _row(parameter, kind, info)
        if isinstance(info, ArgumentInfo):
            arguments.append(row)
            repeated = "list" in str(kind)
            name = row.usage.removesuffix("...") + (" ..." if repeated else "")
            words.append(name if parameter.default is inspect.Parameter.empty else f"[{name}]")
        elif not info.hidden:
            options.append(row)
    lines = [f"## {command.name}", ""]
    for paragraph in _paragraphs(command):
        lines += [_prose(paragraph), ""]
    lines += ["```text", " ".join(words), "```", ""]
    for title, rows in (("argument", arguments), ("option", options)):
        if rows:
            lines += [f"| {title} | means | default |", "| --- | --- | --- |"]
            lines += [
                f"| `{cell(row.usage)}` | {cell(_prose(row.meaning))} | "
                f"{cell(_prose(row.default))} |"
                for row in rows
            ]
            lines.append("")
    examples = [line.strip() for line in command.epilog.splitlines() if "mnistlab" in line]
    return [*lines, "```bash", *examples, "```", ""] if examples else lines


def _row(parameter: inspect.Parameter, kind: Any, info: Any) -> Row:
    meaning = " ".join((info.help or "").split())
    found = DEFAULT.search(meaning)
    meaning = DEFAULT.sub("", meaning)
    value = parameter.default
    if found:
        default = found["default"]
    elif value is inspect.Parameter.empty and isinstance(info, OptionInfo):
        default = NEEDED
    elif value in (None, False, inspect.Parameter.empty) or value == []:
        default = ""
    else:
        default = f"`{value}`"
    if isinstance(info, ArgumentInfo):
        usage = info.metavar or parameter.name.upper()
    else:
        usage = ", ".join(option_names(parameter, info))
        if kind is not bool:
            usage += f" {info.metavar or _choices(kind) or parameter.name.upper()}"
    return Row(usage, meaning, default)


def _choices(kind: Any) -> str:
    return "|".join(get_args(kind)) if get_origin(kind) is Literal else ""


def _paragraphs(command: Command) -> list[str]:
    text = inspect.getdoc(command.function) or ""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _prose(text: str) -> str:
    """Options and variables of the help as code, which GitHub would not take for a formula."""
    text = VARIABLE.sub(r"`\1`", text)
    return re.sub(r"(?<![`\w-])(--[a-z][a-z-]+)", r"`\1`", text)
