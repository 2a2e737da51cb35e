"""Runs command lines in tests, in this process or in another one."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mnistlab.cli.app import app
from mnistlab.config import dump_yaml, resolved_mapping, run_config_from_mapping
from mnistlab.store.run_dir import point_link

TINY = """\
name: tiny
data: {source: digits, train_limit: 200}
model: {type: mlp, hidden: [8]}
training: {epochs: 2}
"""
IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
PACKAGE_PARENT = str(Path(__file__).parents[2])


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)


class Terminal(io.StringIO):
    """A terminal, as far as programs ask; COLUMNS is its width."""

    def isatty(self) -> bool:
        return True


def mnistlab(*arguments: object, screen: type[io.StringIO] = io.StringIO) -> Outcome:
    """The outcome of a command line, run in this process because starting one takes long.

    `screen` may be Terminal.
    """
    stdout, stderr = screen(), screen()
    arguments = tuple(map(str, arguments))
    with redirect_stdout(stdout), redirect_stderr(stderr), pytest.raises(SystemExit) as end:
        app(arguments, prog_name="mnistlab")
    assert isinstance(end.value.code, int)
    return Outcome(end.value.code, stdout.getvalue(), stderr.getvalue())


def process_arguments(*arguments: object) -> dict[str, Any]:
    """Arguments for subprocess's functions to start `python -m mnistlab`, from any folder."""
    paths = [PACKAGE_PARENT, os.environ.get("PYTHONPATH", "")]
    return {
        "args": [sys.executable, "-m", "mnistlab", *map(str, arguments)],
        "env": {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    }


def mnistlab_process(*arguments: object) -> Outcome:
    done = subprocess.run(**process_arguments(*arguments), capture_output=True, text=True)
    return Outcome(done.returncode, done.stdout, done.stderr)


def make_ended_run(folder: Path, **record: Any) -> Path:
    """A finished run's folder, made without training, to which `latest` beside it points.

    `record` replaces keys of its run.json.
    """
    config = run_config_from_mapping({"training": {"epochs": 3}})
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(dump_yaml(config))
    blank = {
        "status": "finished",
        "started": "2026-11-21T14:00:00+00:00",
        "epochs": 3,
        "metrics": {"val_accuracy": 0.875},
        "config": resolved_mapping(config),
    }
    (folder / "run.json").write_text(json.dumps(blank | record))
    point_link(folder.with_name("latest"), folder)
    return folder
