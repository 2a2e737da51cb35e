"""`mnistlab schema`: the JSON Schema of the configuration."""

from typing import Annotated

import typer

from mnistlab.cli import options

ORDER = 14  # in --help
EXAMPLES = """\b
Examples:
  mnistlab schema run > mnistlab.schema.json
  mnistlab schema sweep > mnistlab.sweep.schema.json
"""


def schema(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="Which configuration: run or sweep.  [default: run]",
            show_default=False,
        ),
    ] = "run",
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Print the JSON Schema of a configuration."""
    from mnistlab.config.schema import run_json_schema, sweep_json_schema
    from mnistlab.support.errors import UsageError
    from mnistlab.terminal.output import print_json

    schemas = {"run": run_json_schema, "sweep": sweep_json_schema}
    if kind not in schemas:
        raise UsageError(f"{kind}: no such kind of configuration; choose run or sweep")
    print_json(schemas[kind]())
