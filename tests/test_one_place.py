"""The test of the house: a new piece of a kind is one file, which nothing else lists."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mnistlab

SOURCE = """
from mnistlab.data.source_kinds import BundledSource
from mnistlab.data.sources.digits import decode

SOURCE = BundledSource(
    name="toy", description="a toy", class_names=tuple("abcdefghij"), decode=decode
)
"""
COMMAND = '''
ORDER = 20
EXAMPLES = "Example: mnistlab hello"


def hello() -> None:
    """Say hello."""
    print("hello")
'''
FORMAT = """
from mnistlab.export.format import Format


def write(model, pixels):
    from mnistlab.store.written_files import PLACE

    return f"{sorted(model.tensors)} # {PLACE}".encode()


FORMAT = Format(name="shapes", description="shapes has names.", ending="txt", write=write)
"""
FILES = {
    "data/sources/toy.py": SOURCE,
    "cli/commands/hello.py": COMMAND,
    "export/formats/shapes.py": FORMAT,
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package with the new files in it, and nothing else changed."""
    root = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(mnistlab.__file__).parent, root / "mnistlab", ignore=ignored)
    for name, code in FILES.items():
        (root / "mnistlab" / name).write_text(code, encoding="utf-8")
    return root


@pytest.fixture
def run(copy, tmp_path):
    """Runs `mnistlab` of the copy in an empty folder; returns what it printed."""

    def run(*words: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mnistlab", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(copy), "MNISTLAB_DATA_DIR": str(tmp_path)}
            | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_dataset_is_one_file(run):
    listed = json.loads(run("data", "list", "--json"))["datasets"]
    assert {"name": "toy", "status": "bundled"}.items() <= listed[-1].items()
    assert json.loads(run("data", "info", "toy", "--json"))["class_names"][0] == "a"
    schema = json.loads(run("schema", "run"))
    assert "toy" in schema["$defs"]["DataConfig"]["properties"]["source"]["enum"]


def test_a_command_is_one_file(run):
    assert run("--help").splitlines().count("  hello      Say hello.") == 1
    assert run("hello") == "hello\n"


def test_an_export_format_is_one_file(run, tmp_path):
    config = {"data": {"source": "digits"}, "model": "softmax", "training": {"steps": 1}}
    trained = mnistlab.train(config, runs_dir=tmp_path, plots=False)
    assert "  shapes has names." in run("export", "--help").splitlines()
    words = {"COMP_WORDS": "mnistlab\nexport\n--format\nsh", "COMP_CWORD": "3"}
    assert run(_MNISTLAB_COMPLETE="complete_bash", **words).split() == ["shapes"]
    file = run("export", str(trained.path), "--format", "shapes").rstrip("\n")
    assert file == str(trained.path / "model.txt")
    assert Path(file).read_text().startswith("['dense1.bias', 'dense1.weight'] # mnistlab sha256")
    run("export", str(trained.path), "--format", "shapes")  # its own file is renewed
