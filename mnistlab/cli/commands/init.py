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
"""


def init(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="PATH",
            help="A folder, or the .yaml file to write; no file is overwritten.  "
            "[default: mnistlab.yaml here]",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="TYPE",
            help="The type of network: softmax, mlp or cnn.",
            autocompletion=completion.models,
        ),
    ] = "mlp",
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write a commented configuration to start from.

    It has every key, most with its default, and trains a network on digits that are installed with
    mnistlab. The file beside it lets editors complete and check it.
    """
    from mnistlab.config.starter import SCHEMA_NAME, STARTER_NAME, starter_files
    from mnistlab.terminal.output import print_json, print_line

    config = _config_path(path or Path(), STARTER_NAME)
    _refuse_unknown(model, completion.models(""))
    texts = starter_files(model)
    starter = texts[STARTER_NAME].replace(STARTER_NAME, config.name)
    schema = config.with_name(SCHEMA_NAME)
    _write_new({config: starter, schema: texts[SCHEMA_NAME]})
    if json:
        print_json({"config": config, "schema": schema})
        return
    shown = shlex.quote(str(config))
    print_line(f"wrote {config}")
    print_line(f"wrote {schema}, which lets editors complete and check it")
    print_line("next:")
    for command, what in (
        (f"train {shown}", "one run"),
        (f"train {shown} optimizer.lr=0.01", "one run with one value changed"),
        (f"check {shown}", "layers, memory, gradients; does not train"),
    ):
        print_line(f"  # {what}")
        print_line(f"  mnistlab {command}")


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


def _write_new(texts: dict[Path, str]) -> None:
    """Write the files. Raises UsageError and writes none if one exists and differs."""
    from mnistlab.support.errors import UsageError

    try:
        # A second configuration in a folder finds the same schema there.
        missing = [path for path, text in texts.items() if not _holds(path, text)]
        taken = [path for path in missing if os.path.lexists(path)]
        if taken:
            raise UsageError(*(f"{path}: exists and is not overwritten" for path in taken))
        for path in missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(texts[path])
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from error


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
