"""The files that `mnistlab init` writes: a commented configuration, and its schema for editors."""

import json
from importlib.resources import files

from mnistlab.config.schema import run_json_schema

STARTER_NAME = "mnistlab.yaml"
SCHEMA_NAME = "mnistlab.schema.json"


def starter_files() -> dict[str, str]:
    """The text of each file by its name; the configuration names the schema beside it."""
    starter = files("mnistlab.config").joinpath("starter.yaml").read_text(encoding="utf-8")
    schema = json.dumps(run_json_schema(), indent=2, ensure_ascii=False) + "\n"
    return {STARTER_NAME: starter, SCHEMA_NAME: schema}
