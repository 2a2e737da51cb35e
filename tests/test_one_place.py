"""A new piece of any kind is one file, which no list names."""

import json
import os
import re
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
    from mnistlab.store.written_files import BLANK_MARK

    return f"{sorted(model.tensors)} # {BLANK_MARK}".encode()


FORMAT = Format(name="shapes", description="shapes has names.", ending="txt", write=write)
"""
FIGURE = """
from mnistlab.figures import style
from mnistlab.figures.definition import FigureDefinition


def draw(data):
    figure = style.new_figure(3, 2)
    figure.text(0.1, 0.5, "a new figure")
    return figure


FIGURE = FigureDefinition(
    order=15, title="A new figure", how_to_read="Look at it.", draw=draw, is_quick=True
)
"""
FILES = {
    "data/sources/toy.py": SOURCE,
    "cli/commands/hello.py": COMMAND,
    "export/formats/shapes.py": FORMAT,
    "figures/run/new.py": FIGURE,
    "figures/sweep/stage/new.py": FIGURE,
    "figures/sweep/refit/new.py": FIGURE,
    "figures/sweep/models/new.py": FIGURE,
}
# Interpreted, a step takes a thousand times as long; compiling for the copy takes longer.
INTERPRETED = {"NUMBA_DISABLE_JIT": "1"}
CONFIG = (
    "{data: {source: digits, train_limit: 60, validation: 20}, model: softmax, "
    "training: {epochs: 1, kernels: plain}}"
)
SWEEP = f"""
run: {CONFIG}
stages: [{{name: lr, parameters: {{optimizer.lr: [0.1]}}}}]
refit: [lr]
"""


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
    assert (
        Path(file)
        .read_text(encoding="utf-8")
        .startswith("['dense1.bias', 'dense1.weight'] # mnistlab sha256")
    )
    run("export", str(trained.path), "--format", "shapes")  # its own file is renewed


def test_a_figure_of_a_run_is_one_file(run, tmp_path):
    (tmp_path / "run.yaml").write_text(CONFIG)
    folder = Path(run("train", "run.yaml", "--quiet", **INTERPRETED).strip())
    page = (folder / "report.html").read_text()
    assert re.findall(r'<figure id="(\w+)">', page)[:2] == ["learning_curves", "new"]
    assert "<h3>A new figure</h3>\n<p>Look at it.</p>" in page
    assert 'aria-label="A new figure"' in page
    drawn = run("visualize", str(folder), "--only", "new", "--format", "svg", **INTERPRETED)
    assert drawn == f"{folder / 'plots' / 'new.svg'}\n"
    words = {"COMP_WORDS": f"mnistlab\nvisualize\n{folder}\n--only\nn", "COMP_CWORD": "4"}
    assert run(_MNISTLAB_COMPLETE="complete_bash", **words) == "new\n"


@pytest.mark.slow
def test_a_figure_of_a_sweep_is_one_file(run, tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    words = ("sweep", "sweep.yaml", "--quiet", "--workers", "1")
    folder = Path(run(*words, **INTERPRETED).strip())
    page = (folder / "report.html").read_text()
    endings = {"lr-new": ", stage lr", "refit-new": "", "models_new": ""}
    for name, ending in endings.items():
        assert (folder / "plots" / f"{name}.png").is_file()
        figure = page.partition(f'<figure id="{name}">')[2].partition("</figure>")[0]
        assert f"<h3>A new figure{ending}</h3>\n<p>Look at it.</p>" in figure
