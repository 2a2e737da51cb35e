"""Paths that this user may not read or write: exit code 2, the path by name, nothing half done."""

import shlex
import shutil
from pathlib import Path

import pytest
from cli_helpers import TINY, Outcome, mnistlab
from permissions import CAN_BE_BOUND, bound_by_permissions
from PIL import Image

pytestmark = pytest.mark.skipif(not CAN_BE_BOUND, reason="root may read and write everything")

SWEEP = "base: tiny.yaml\nparameters: {optimizer.lr: [0.1, 0.01]}\n"
# What is forbidden, with the mode that it has; the command line.
FORBIDDEN = [
    ("secret.yaml", 0, "train secret.yaml"),
    ("locked", 0, "check locked/deep/run.yaml"),
    ("locked", 0, "sweep locked/deep/sweep.yaml"),
    ("locked", 0, "train tiny.yaml --no-plots --runs-dir locked/runs"),
    ("read-only", 0o555, "train tiny.yaml --no-plots --runs-dir read-only"),
    ("read-only", 0o555, "sweep sweep.yaml --runs-dir read-only/runs"),
    ("w.npz", 0, "train tiny.yaml init.type=file init.path=w.npz"),
    ("w.safetensors", 0, "train tiny.yaml init.type=file init.path=w.safetensors"),
    ("own", 0, "train tiny.yaml data.source=csv data.path=own"),
    ("own/train.csv", 0, "train tiny.yaml data.source=csv data.path=own"),
    ("own/train.csv", 0, "data info csv --path own"),
    ("locked", 0, "data info npz --path locked/deep/mnist.npz"),
    ("locked", 0, "data info png --path locked/deep"),
    ("locked", 0, "data info idx --path locked/deep"),
    ("read-only", 0o555, "data fetch mnist --data-dir read-only"),
    ("locked", 0, "init locked/new.yaml"),
    ("read-only", 0o555, "init read-only/new.yaml"),
    ("locked", 0, "reproduce locked/deep"),
    *[
        ("locked", 0, f"{command.replace('RUN', 'locked/deep')}")
        for command in (
            "evaluate RUN",
            "predict RUN picture.png",
            "visualize RUN",
            "resume RUN",
            "runs RUN",
            "compare RUN",
            "export RUN --format npz",
        )
    ],
]
OF_A_RUN = [
    ("run.json", 0, "evaluate RUN"),
    ("run.json", 0, "compare RUN"),
    ("weights.safetensors", 0, "export RUN --format npz"),
    ("checkpoints", 0, "evaluate RUN --weights best"),
    ("metrics.csv", 0, "visualize RUN --only learning_curves"),
    ("plots", 0o555, "visualize RUN --only learning_curves"),
    (".", 0o555, "visualize RUN"),
    (".", 0o555, "export RUN --format npz"),
    (".", 0, "evaluate RUN"),
    ("../../locked", 0, "export RUN --format npz --output locked/model.npz"),
    ("../../read-only", 0o555, "export RUN --format safetensors --output read-only/model"),
    ("../../picture.png", 0, "predict RUN picture.png"),
    ("../../read-only", 0o555, "predict RUN picture.png --save read-only"),
    ("../../read-only", 0o555, "predict RUN picture.png --save read-only/pictures"),
]
OF_A_SWEEP = [
    ("sweep.yaml", 0, "resume SWEEP"),
    ("trials.csv", 0, "visualize SWEEP"),
    ("trials", 0, "compare SWEEP"),
    ("trials", 0, "resume SWEEP"),
    (".lock", 0, "resume SWEEP"),
    (".", 0o555, "resume SWEEP optimizer.lr=0.1,0.01,0.2"),
]


def forbidden(path: Path, mode: int, line: str) -> Outcome:
    """What a command line does while a path has a mode that forbids it something."""
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        with bound_by_permissions():
            return mnistlab(*shlex.split(line))
    finally:
        path.chmod(before)


def expect_refusal(outcome: Outcome, name: str) -> None:
    assert outcome.exit_code == 2, outcome.stderr
    assert name in outcome.stderr
    assert "internal error" not in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.fixture
def place(home: Path) -> Path:
    (home / "sweep.yaml").write_text(SWEEP)
    for name in ("secret.yaml", "w.npz", "w.safetensors"):
        (home / name).write_text(TINY)
    for folder in ("own", "read-only", "locked/deep"):
        (home / folder).mkdir(parents=True)
    for part in ("train", "test"):
        (home / "own" / f"{part}.csv").write_text("0,1,2,3,4\n1,5,6,7,8\n")
    ink = Image.new("L", (28, 28))
    ink.paste(255, (10, 4, 18, 24))
    ink.save(home / "picture.png")
    return home


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with a run and a sweep in it, `run` and `sweep`."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.yaml").write_text(TINY)
    (folder / "sweep.yaml").write_text(SWEEP)
    runs = folder / "runs"
    quiet = ("--quiet", "--no-plots", "--runs-dir", runs)
    mnistlab("train", folder / "tiny.yaml", *quiet, "--name", "run")
    mnistlab("sweep", folder / "sweep.yaml", *quiet, "--workers", 1)
    for name, pattern in (("run", "*-run-*"), ("sweep", "*-tiny-sweep")):
        next(runs.glob(pattern)).rename(runs / name)
    mnistlab("visualize", runs / "run", "--only", "learning_curves")
    return folder


@pytest.mark.parametrize(("path", "mode", "line"), FORBIDDEN)
def test_a_path_without_permission_is_named(place, path, mode, line):
    expect_refusal(forbidden(place / path, mode, line), path)


@pytest.mark.parametrize(("path", "mode", "line"), OF_A_RUN)
def test_an_artefact_without_permission_is_named(place, trained, path, mode, line):
    shutil.copytree(trained / "runs" / "run", place / "runs" / "run")
    line = line.replace("RUN", "runs/run")
    name = Path(path).name or "runs/run"
    expect_refusal(forbidden(place / "runs" / "run" / path, mode, line), name)


@pytest.mark.parametrize(("path", "mode", "line"), OF_A_SWEEP)
def test_a_part_of_a_sweep_without_permission_is_named(place, trained, path, mode, line):
    shutil.copytree(trained / "runs" / "sweep", place / "runs" / "sweep", symlinks=True)
    line = line.replace("SWEEP", "runs/sweep")
    name = Path(path).name or "runs/sweep"
    expect_refusal(forbidden(place / "runs" / "sweep" / path, mode, line), name)


def test_a_run_without_permission_does_not_spoil_the_list_of_all(place, trained):
    for name in ("run", "secret"):
        shutil.copytree(trained / "runs" / "run", place / "runs" / name)
    outcome = forbidden(place / "runs" / "secret", 0, "runs runs")
    expect_refusal(outcome, "runs/secret")
    assert "run " in outcome.stdout
