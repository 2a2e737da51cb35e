"""Claims: who may write where, and what is recovered from lost workers."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mnistlab.store.checkpoint import Checkpoint, save_checkpoint
from mnistlab.store.run_dir import RunDir
from mnistlab.sweeps.claims import (
    DamagedError,
    new_claim,
    pack,
    recover,
    recover_all,
    replace_folder,
    unpack,
)

TRIAL = "0003-0123456789ab"

BEGUN = {"started": "2026-11-21T14:00:00+00:00", "config": {}}


@pytest.fixture
def claims(tmp_path):
    path = tmp_path / ".claims"
    path.mkdir()
    return path


@pytest.fixture
def trial(tmp_path):
    path = tmp_path / "trials" / TRIAL
    path.mkdir(parents=True)
    (path / "config.yaml").write_text("name: x\n")
    return path


def train(folder, step: int, status: str | None = None) -> None:
    """Leave in a folder the files of a run that reached this step."""
    save_checkpoint(RunDir(folder), Checkpoint({"params": np.ones(2)}, {"step": step, "files": {}}))
    (folder / "metrics.csv").write_text(f"up to {step}\n")
    if status is not None:
        (folder / "run.json").write_text(json.dumps({"status": status, **BEGUN}))


def test_a_folder_comes_out_as_it_was_packed_without_what_a_killed_writer_left(tmp_path, trial):
    train(trial, 5)
    (trial / ".run.json.17-ab.tmp").write_text("half of a")
    target = tmp_path / "target"
    target.mkdir()
    unpack(pack(trial), target)
    found = {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*.*")}
    assert set(found) == {"config.yaml", "metrics.csv", "checkpoints/last.safetensors"}
    assert all(content == (trial / name).read_bytes() for name, content in found.items())


@pytest.mark.parametrize(
    "damage", [{"config.yaml": b"name: y\n"}, {}, {"config.yaml": b"name: x\n", "more": b""}]
)
def test_damaged_files_are_refused_and_nothing_is_written(tmp_path, trial, damage):
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(DamagedError):
        unpack(replace(pack(trial), files=damage), target)
    assert list(target.iterdir()) == []


def test_the_claim_that_came_furthest_is_recovered_and_all_are_gone(claims, trial):
    train(trial, 2)
    for step in (3, 9, 4):
        train(new_claim(claims, TRIAL), step)
    train(new_claim(claims, "0004-0123456789ab"), 100)
    assert recover(claims, TRIAL, trial)
    assert (trial / "metrics.csv").read_text() == "up to 9\n"
    (other,) = claims.iterdir()
    assert other.name.startswith("0004-")


def test_a_claim_that_came_no_further_changes_nothing(claims, trial):
    train(trial, 5, "finished")
    train(new_claim(claims, TRIAL), 7)
    assert not recover(claims, TRIAL, trial)
    assert (trial / "metrics.csv").read_text() == "up to 5\n"


def test_the_former_holder_of_a_recovered_claim_cannot_write_into_the_trial(claims, trial):
    held = new_claim(claims, TRIAL)
    train(held, 3)
    with (held / "train.log").open("w") as open_file:
        recover(claims, TRIAL, trial)
        open_file.write("late")
    with pytest.raises(FileNotFoundError):
        train(held, 4)
    assert not held.exists()
    assert (trial / "train.log").read_text() == ""


def test_a_process_killed_between_the_renamings_of_a_swap_loses_nothing(claims, trial, monkeypatch):
    train(trial, 2)
    done = new_claim(claims, TRIAL)
    train(done, 8, "finished")
    real = type(done).rename

    def killed_at_the_second(path, target):
        if path == done:
            raise KeyboardInterrupt
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(type(done), "rename", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            replace_folder(done, trial, claims, TRIAL)
    assert not trial.exists()
    recover_all(claims, trial.parent)
    assert json.loads((trial / "run.json").read_text()) == {"status": "finished", **BEGUN}
    assert [path.name for path in trial.parent.parent.iterdir()] == ["trials"]
    assert [path.name for path in trial.parent.iterdir()] == [TRIAL]


def test_nothing_but_claims_of_trials_is_recovered(claims, trial):
    """A mark of the sweep's, or what was discarded and could not be removed."""
    (claims / "b62f71d5e54bca0d").write_text("")
    leftover = claims / ".gone-01234567"
    leftover.mkdir()
    train(leftover, 100)
    recover_all(claims, trial.parent)
    assert [path.name for path in trial.parent.iterdir()] == [TRIAL]
    assert not claims.exists()
