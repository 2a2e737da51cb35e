"""The generated pages are up to date."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.models import OptionInfo

from docs.commands_reference import commands, option_names, parameters
from docs.configuration_reference import configuration_markdown
from docs.make_reference import PAGES
from mnistlab.cli.app import app
from mnistlab.config.schema import run_json_schema, sweep_json_schema

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"docs/{name}: run `python -m docs.make_reference`"


@pytest.mark.parametrize("name", PAGES)
def test_page_leaves_nothing_to_fill_in(name: str) -> None:
    assert "{{" not in PAGES[name]()


def test_every_key_of_the_schema_has_a_line() -> None:
    page = configuration_markdown()
    for schema in (run_json_schema(), sweep_json_schema()):
        for section in (schema, *schema["$defs"].values()):
            for key, value in section.get("properties", {}).items():
                is_an_item = section.get("title", "").endswith(("Layer", "Augmentation"))
                chooses = key == "type" and "const" in value
                line = f"| `- {key}:` |" if is_an_item else f"| `{key}` |"
                assert chooses or line in page, f"{section.get('title')}: {key}"


def test_every_type_of_the_schema_has_a_line() -> None:
    page = configuration_markdown()
    for section in run_json_schema()["$defs"].values():
        kind = section.get("properties", {}).get("type", {}).get("const")
        assert kind is None or re.search(rf"^\| `{kind}`", page, re.MULTILINE), kind


def test_every_command_that_help_lists_has_a_section() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    shown = subprocess.run(
        [sys.executable, "-m", "mnistlab", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    ).stdout
    listed = re.findall(r"^  ([a-z][a-z-]*)  +\S", shown.split("Commands:")[1], re.MULTILINE)
    assert len(listed) > 8
    for name in listed:
        assert f"\n## mnistlab {name}" in page, name
    assert len(list(commands())) >= len(listed)


@pytest.mark.parametrize("command", list(commands()), ids=lambda command: command.name)
def test_options_are_named_as_they_are_typed(command) -> None:
    typed = typer.main.get_command(app)
    for word in command.name.split()[1:]:
        typed = typed.commands[word]
    accepted = {
        name for one in typed.params if one.param_type_name == "option" for name in one.opts
    }
    told = {
        name
        for parameter, _, info in parameters(command.function)
        if isinstance(info, OptionInfo)
        for name in option_names(parameter, info)
    }
    assert told == accepted


def test_every_environment_variable_of_the_program_is_documented() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in REPOSITORY.glob("mnistlab/**/*.py")]
    read = {name for text in sources for name in re.findall(r"\bMNISTLAB_[A-Z_]+\b", text)}
    assert {"MNISTLAB_RUNS_DIR", "MNISTLAB_DATA_DIR", "MNISTLAB_CACHE_DIR"} <= read
    for name in read:
        assert f"| `{name}` |" in page, name
