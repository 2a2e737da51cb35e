import json
import subprocess
import sys
from importlib import metadata

import pytest
from cli_helpers import mnistlab, mnistlab_process, process_arguments

import mnistlab as package

COMMANDS = (
    "reproduce",
    "train",
    "sweep",
    "visualize",
    "evaluate",
    "predict",
    "compare",
    "runs",
    "view",
    "export",
    "resume",
    "check",
    "lr-find",
    "data",
    "data list",
    "data fetch",
    "data info",
    "init",
    "examples",
    "schema",
    "warmup",
    "cache list",
    "cache size",
    "cache prune",
    "note",
    "tag",
    "rm",
    "mv",
    "du",
    "prune",
)
HEAVY = {
    *("numpy", "numba", "scipy", "sklearn", "matplotlib", "pandas", "pydantic", "yaml"),
    *("rich", "PIL", "requests", "jinja2", "safetensors", "platformdirs"),
    *("starlette", "uvicorn", "anyio"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_an_example_of_itself(command):
    outcome = mnistlab(*command.split(), "--help")
    assert outcome.exit_code == 0
    _, example = outcome.stdout.split("Example", 1)
    assert f"  mnistlab {command}" in example
    assert max(map(len, example.splitlines())) <= 80  # what is broken cannot be pasted


def test_help_lists_the_commands_that_exist_and_no_others():
    listed = mnistlab("--help").stdout.split("Commands:")[1].split("Examples:")[0]
    names = {line.split()[0] for line in listed.splitlines() if line.strip()}
    assert names == {command.split()[0] for command in COMMANDS}


def test_help_is_plain_text_with_whole_sentences():
    for command in ("", *COMMANDS):
        text = mnistlab(*command.split(), "--help").stdout
        assert "\x1b" not in text
        assert text.isascii()
        commands = text.partition("Commands:")[2].partition("Example")[0]
        assert "..." not in commands  # what typer puts where it cuts a sentence


def imported_by(*arguments: str) -> set[str]:
    """The top-level packages that a command line has imported when it ends."""
    return {name.partition(".")[0] for name in modules_imported_by(*arguments)}


def modules_imported_by(*arguments: str) -> set[str]:
    """All modules that a command line has imported when it ends."""
    code = (
        "import sys, json\n"
        "from mnistlab.cli.app import app\n"
        "try:\n    app(sys.argv[1:])\n"
        "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=process_arguments()["env"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    imported = set(json.loads(done.stderr.splitlines()[-1]))
    assert "mnistlab" in imported
    return imported


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(option):
    assert imported_by(option) & HEAVY == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_imports_nothing_heavy(command):
    # typer itself uses these two, one in older and one in newer versions.
    assert imported_by(*command.split(), "--help") & HEAVY <= {"rich", "pydantic"}


def test_a_run_imports_nothing_of_sweeps_and_statistics(home):
    imported = modules_imported_by("train", str(home / "tiny.yaml"), "--no-plots")
    assert "mnistlab.findings" in imported
    for heavy in (
        "mnistlab.sweeps",
        "mnistlab.statistics",
        "scipy.linalg",
        "scipy.special",
        "matplotlib",
    ):
        assert heavy not in imported


def test_the_module_runs_like_the_script():
    outcome = mnistlab_process("--version")
    assert outcome.exit_code == 0
    assert outcome.stdout == mnistlab("--version").stdout


def test_the_version_comes_with_those_of_pythons_and_the_libraries():
    lines = dict(line.split() for line in mnistlab("--version").stdout.splitlines())
    assert list(lines)[:2] == ["mnistlab", "python"]
    assert lines["mnistlab"] == package.__version__
    assert lines["numpy"] == metadata.version("numpy")
    assert lines["numba"] == metadata.version("numba")


def test_without_a_command_the_help_is_shown():
    outcome = mnistlab()
    assert outcome.exit_code == 2
    assert "Commands:" in outcome.stdout + outcome.stderr
