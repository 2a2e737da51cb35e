"""`mnistlab init`: a commented configuration to start from."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from mnistlab.cli import completion, options

ORDER = 13  # in --help
EXAMPLES = """\b
Examples:
  mnistlab init
  mnistlab init my-experiment
  mnistlab init my-experiment/wide.yaml
  mnistlab init convolutions --model cnn
  mnistlab init --example mnist-cnn
"""
# By the kind of the configuration: what to type next, and what it does.
NEXT = {
    "run": (
        ("train {}", "one run"),
        ("train {} optimizer.lr=0.01", "one run with one value changed"),
        ("check {}", "layers, memory, gradients; does not train"),
    ),
    "sweep": (
        ("sweep {} --dry-run", "the runs it trains; does not train"),
        ("sweep {}", "all of them"),
    ),
}


def init(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="PATH",
            help="A folder, or the .yaml file to write; no file is overwritten.  "
            "[default: mnistlab.yaml here, or NAME.yaml of an example]",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="The type of network: softmax, mlp or cnn.  [default: mlp]",
            autocompletion=completion.models,
            show_default=False,
        ),
    ] = None,
    example: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Write this example of `mnistlab examples` instead.",
            autocompletion=completion.examples,
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write a commented configuration to start from.

    It has every key, most with its default, and trains a network on digits that are installed with
    mnistlab. The file beside it lets editors complete and check it.
    """
    from mnistlab.support.new_files import write_new
    from mnistlab.support.safe_text import as_unicode
    from mnistlab.terminal.output import print_json

    texts, kind = _starter(path, model) if example is None else _example(path, model, example)
    write_new({file: as_unicode(text).encode() for file, text in texts.items()})
    config, schema, *bases = texts
    if json:
        print_json({"config": config, "schema": schema, "bases": bases})
    else:
        _print_next(config, schema, bases, kind)


def _starter(path: Path | None, model: str | None) -> tuple[dict[Path, str], str]:
    """The files to write, the configuration first and its schema second, and what it is for."""
    from mnistlab.config.starter import SCHEMA_NAME, STARTER_NAME, starter_files

    model = model or "mlp"
    config = _config_path(path or Path(), STARTER_NAME)
    _refuse_unknown(model, completion.models(""))
    texts = starter_files(model)
    starter = texts[STARTER_NAME].replace(STARTER_NAME, config.name)
    return {config: starter, config.with_name(SCHEMA_NAME): texts[SCHEMA_NAME]}, "run"


def _example(path: Path | None, model: str | None, name: str) -> tuple[dict[Path, str], str]:
    """As `_starter`, of an example; the file that its `base` names comes last."""
    from mnistlab.config.examples import example, example_texts
    from mnistlab.support.errors import UsageError

    if model is not None:
        raise UsageError("--model: an example has its own network; give --model or --example")
    chosen = example(name)
    config = _config_path(path or Path(), chosen.path.name)
    return example_texts(chosen, config), chosen.kind


def _print_next(config: Path, schema: Path, bases: list[Path], kind: str) -> None:
    from mnistlab.terminal.output import print_line

    print_line(f"wrote {config}")
    print_line(f"wrote {schema}, which lets editors complete and check it")
    for base in bases:
        print_line(f"wrote {base}, which it varies")
    print_line("next:")
    for command, what in NEXT[kind]:
        print_line(f"  # {what}")
        print_line(f"  mnistlab {command.format(shlex.quote(str(config)))}")


def _refuse_unknown(model: str, known: list[str]) -> None:
    from mnistlab.support.errors import UsageError
    from mnistlab.support.near_names import did_you_mean

    if model not in known:
        hint = did_you_mean(model, known)
        raise UsageError(f"--model: found {model!r}, must be one of {', '.join(known)}{hint}")


def _config_path(path: Path, starter_name: str) -> Path:
    from mnistlab.support.errors import UsageError

    path = path.expanduser()
    if path.suffix in (".yaml", ".yml") and not path.is_dir():
        return path
    if os.path.lexists(path) and not path.is_dir():
        raise UsageError(f"{path}: is a file; name a folder, or a .yaml file to write")
    return path / starter_name
