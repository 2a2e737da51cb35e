"""The JSON Schemas of the configurations, for editors."""

from typing import Any

from mnistlab.blocks.section import Section
from mnistlab.config.run import RunConfig
from mnistlab.config.sweep import SweepConfig


def run_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a run configuration, including short forms."""
    return _schema(RunConfig, "mnistlab run configuration")


def sweep_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a sweep, including the run that it varies."""
    return _schema(SweepConfig, "mnistlab sweep configuration")


def _schema(section: type[Section], title: str) -> dict[str, Any]:
    schema = section.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
