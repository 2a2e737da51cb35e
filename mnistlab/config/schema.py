"""The JSON Schema of a run configuration, for editors."""

from typing import Any

from mnistlab.config.run import RunConfig


def run_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a run configuration, short forms included."""
    schema = RunConfig.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "mnistlab run configuration",
    }
