"""Folders from strangers: nothing outside of them is read or written, nothing waits."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import mnistlab

ARTEFACTS = {
    "run.json": ("evaluate",),
    "weights.safetensors": ("evaluate",),
    "metrics.csv": ("visualize", "--only", "learning_curves"),
    "layers.csv": ("visualize", "--only", "layer_statistics"),
    "predictions.csv": ("visualize", "--only", "confusion_matrix"),
}
SWEEP = "base: tiny.yaml\nparameters: {optimizer.lr: [0.1, 0.01]}\n"


@pytest.fixture
def run(home) -> Path:
    return Path(mnistlab("train", "tiny.yaml", "--quiet", "--no-plots").stdout.strip())


@pytest.fixture
def sweep(home, trials_here) -> Path:
    (home / "sweep.yaml").write_text(SWEEP)
    outcome = mnistlab("sweep", "sweep.yaml", "--quiet", "--json", "--no-plots")
    return Path(outcome.document["sweep_dir"])


@pytest.fixture
def victim(home) -> Path:
    """A folder of the user's own, and what lies in it."""
    folder = home / "victim"
    folder.mkdir()
    for name in (".notes.1-01234567.tmp", "last.safetensors", "weights.png"):
        (folder / name).write_text("the user's own")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def interrupted(run: Path) -> None:
    """As if the run had been killed before its first record."""
    for name in ("run.json", "metrics.csv", "layers.csv", "predictions.csv", "weights.safetensors"):
        (run / name).unlink()
    shutil.rmtree(run / "checkpoints")


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_a_pipe_in_an_artefacts_place_is_named_at_once(run, artefact):
    (run / artefact).unlink()
    os.mkfifo(run / artefact)
    command, *rest = ARTEFACTS[artefact]
    outcome = mnistlab(command, run, *rest)
    assert outcome.exit_code == 2
    assert f"{run / artefact}: cannot be read: is a named pipe" in outcome.stderr


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_a_link_out_of_the_folder_is_not_followed(run, artefact):
    (run / artefact).unlink()
    (run / artefact).symlink_to("/dev/zero")
    command, *rest = ARTEFACTS[artefact]
    outcome = mnistlab(command, run, *rest)
    assert outcome.exit_code == 2
    assert f"{run / artefact}: points to /dev/zero, outside of {run}" in outcome.stderr


def test_a_link_that_stays_in_the_folder_is_followed(run):
    (run / "weights.safetensors").rename(run / "kept.safetensors")
    (run / "weights.safetensors").symlink_to("kept.safetensors")
    assert mnistlab("evaluate", run).exit_code == 0


def test_one_bad_run_does_not_spoil_the_list_of_all(run, home):
    shutil.copytree(run, home / "runs" / "bad")
    (home / "runs" / "bad" / "run.json").unlink()
    (home / "runs" / "bad" / "run.json").symlink_to("/dev/zero")
    outcome = mnistlab("runs", "runs")
    assert outcome.exit_code == 2
    assert run.name in outcome.stdout
    assert "points to /dev/zero" in outcome.stderr


@pytest.mark.parametrize(
    ("folder", "command"), [("checkpoints", "resume"), ("plots", "resume"), ("plots", "visualize")]
)
def test_a_linked_folder_is_neither_tidied_nor_written_to(run, victim, folder, command):
    if command == "resume":
        interrupted(run)
    (run / folder).symlink_to(victim)
    before = contents(victim)
    outcome = mnistlab(command, run)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"{run / folder}: points to {victim}")
    assert contents(victim) == before


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_log_that_is_no_file_is_not_written_to(run, home, kind):
    interrupted(run)
    (run / "train.log").unlink()
    (home / "mine").write_text("the user's own")
    if kind == "link":
        (run / "train.log").symlink_to(home / "mine")
    else:
        os.mkfifo(run / "train.log")
    outcome = mnistlab("resume", run)
    assert outcome.exit_code == 2
    assert "train.log: is a link or a pipe" in outcome.stderr
    assert (home / "mine").read_text() == "the user's own"


def test_a_sweeps_lock_that_is_a_link_overwrites_nothing(sweep, home):
    (home / "mine").write_text("the user's own")
    (sweep / ".lock").unlink()
    (sweep / ".lock").symlink_to(home / "mine")
    assert mnistlab("resume", sweep).exit_code == 2
    assert (home / "mine").read_text() == "the user's own"


@pytest.mark.parametrize("name", ["trials", "best", ".claims"])
def test_a_sweep_follows_no_link_out_of_its_folder(sweep, victim, name):
    if (sweep / name).exists():
        (sweep / name).rename(sweep / "elsewhere")
    (sweep / name).symlink_to(victim)
    before = contents(victim)
    for command in ("resume", "visualize"):
        outcome = mnistlab(command, sweep)
        assert (outcome.exit_code == 2) or name == ".claims"
        assert contents(victim) == before
    assert mnistlab("resume", sweep).stderr.startswith(f"{sweep / name}: points to {victim}")


def test_a_table_that_names_runs_elsewhere_is_refused(sweep, run):
    table = sweep / "trials.csv"
    (sweep / ".checksums.json").unlink()
    table.write_text(table.read_text().replace("trials/0000", f"../{run.name}/../trials/0000"))
    outcome = mnistlab("visualize", sweep)
    assert outcome.exit_code == 2
    assert "is not the folder of a trial" in outcome.stderr


@pytest.mark.slow
def test_links_that_mnistlab_makes_and_a_linked_runs_folder_go_on_working(home):
    (home / "disk").mkdir()
    (home / "runs").symlink_to("disk")
    assert mnistlab("train", "tiny.yaml", "--quiet").exit_code == 0
    assert mnistlab("evaluate", "runs/latest").exit_code == 0
    assert mnistlab("visualize", "runs/latest", "--only", "weights").exit_code == 0
    assert mnistlab("resume", "runs/latest").exit_code == 0
    (home / "sweep.yaml").write_text(SWEEP)
    assert mnistlab("sweep", "sweep.yaml", "--quiet", "--workers", 1).exit_code == 0
    assert mnistlab("evaluate", "runs/latest/best").exit_code == 0
    assert mnistlab("visualize", "runs/latest").exit_code == 0


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors"])
def test_a_pipe_of_weights_is_refused_at_once(home, name):
    os.mkfifo(home / name)
    outcome = mnistlab("train", "tiny.yaml", "init.type=file", f"init.path={name}")
    assert outcome.exit_code == 2
    assert "is a named pipe, not a regular file" in outcome.stderr


def test_an_array_of_weights_that_the_network_lacks_is_not_read(run, home):
    assert mnistlab("export", run, "--format", "npz").exit_code == 0
    arrays = dict(np.load(run / "model.npz"))
    np.savez(home / "w.npz", **arrays, unused=np.array([object()], dtype=object))
    start = ("init.type=file", "init.path=w.npz", "--no-plots", "--quiet")
    assert mnistlab("train", "tiny.yaml", *start).exit_code == 0  # a pickle could not be read
    np.savez(home / "w.npz", **{**arrays, "dense1.weight": np.zeros((785, 8))})
    outcome = mnistlab("train", "tiny.yaml", *start)
    assert outcome.exit_code == 2
    assert "dense1.weight has shape (785, 8), expected (784, 8)" in outcome.stderr


def test_a_link_latest_of_the_users_own_is_left_alone(home):
    (home / "runs").mkdir()
    (home / "elsewhere").mkdir()
    (home / "runs" / "latest").symlink_to(home / "elsewhere")
    assert mnistlab("train", "tiny.yaml", "--quiet", "--no-plots").exit_code == 0
    assert (home / "runs" / "latest").readlink() == home / "elsewhere"
