"""`mnistlab schema`: the JSON Schema of the configuration."""

from typing import Annotated

import typer

from mnistlab.cli import options

EXAMPLES = """\b
Example:
  mnistlab schema run > mnistlab.schema.json
"""


def schema(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="Which configuration: run.  [default: run]", show_default=False
        ),
    ] = "run",
    json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Print the JSON Schema of a configuration."""
    from mnistlab.cli.output import print_json
    from mnistlab.config import run_json_schema
    from mnistlab.errors import UsageError

    if kind == "sweep":
        raise UsageError("sweep: sweeps are not available in this version of mnistlab; choose run")
    if kind != "run":
        raise UsageError(f"{kind}: there is no such configuration; choose run")
    print_json(run_json_schema())
