"""Every run gets its own folder, and an error describes what a wrong path is."""

import errno
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mnistlab.store.checksums import with_checksum
from mnistlab.store.run_dir import RunDir, create_run_dir, open_run
from mnistlab.support import durable
from mnistlab.support.errors import UsageError

STARTED = datetime(2026, 11, 21, 14, 25, 30, tzinfo=UTC)
HASH = "3fa9c1" + "0" * 58
BASE = "20261121-142530-mlp-3fa9c1"


def create(runs: Path, text: str = "seed: 0\n") -> RunDir:
    return create_run_dir(runs, "mlp", text, HASH, STARTED)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_run_folder_is_named_by_utc_time_name_and_hash_and_holds_its_config(tmp_path):
    started = STARTED.astimezone(timezone(timedelta(hours=9)))
    run_dir = create_run_dir(tmp_path / "new" / "runs", "mlp", "seed: 0\n", HASH, started)
    assert run_dir.path == tmp_path / "new" / "runs" / BASE
    assert run_dir.config.read_text() == with_checksum("seed: 0\n")
    assert names(tmp_path / "new" / "runs") == [BASE, "latest"]


def test_a_collision_gets_a_suffix(tmp_path):
    created = [create(tmp_path, f"seed: {i}\n") for i in range(3)]
    assert [run_dir.name for run_dir in created] == [BASE, f"{BASE}-2", f"{BASE}-3"]
    assert [run_dir.config.read_text() for run_dir in created] == [
        with_checksum(f"seed: {i}\n") for i in range(3)
    ]


@pytest.mark.parametrize("what", ["empty folder", "full folder", "file", "link to an empty folder"])
def test_whatever_has_the_name_already_is_left_as_it_is(tmp_path, what):
    taken = tmp_path / BASE
    if what == "file":
        taken.write_text("mine")
    elif what.startswith("link"):
        (tmp_path / "elsewhere").mkdir()
        taken.symlink_to("elsewhere")
    else:
        taken.mkdir()
        if what == "full folder":
            (taken / "mine").write_text("mine")
    before = os.lstat(taken)
    assert create(tmp_path).name == f"{BASE}-2"
    assert os.lstat(taken).st_ino == before.st_ino
    if taken.is_dir():
        assert names(taken) == (["mine"] if what == "full folder" else [])


def test_fifty_processes_in_one_second_get_fifty_folders(tmp_path):
    program = (
        "import sys, pathlib, datetime\n"
        "from mnistlab.store.run_dir import create_run_dir\n"
        "sys.stdin.read()\n"  # all start together, when their input is closed
        "started = datetime.datetime(2026, 11, 21, 14, 25, 30, tzinfo=datetime.UTC)\n"
        "runs, text = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        "print(create_run_dir(runs, 'mlp', text, '3fa9c1', started).path)"
    )
    runs = tmp_path / "runs"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(runs), f"seed: {i}\n"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(50)
    ]
    for process in started:
        process.stdin.close()
        process.stdin = None
    paths = [Path(process.communicate()[0].strip()) for process in started]
    assert [process.returncode for process in started] == [0] * 50
    assert len(set(paths)) == 50
    assert [path.joinpath("config.yaml").read_text() for path in paths] == [
        with_checksum(f"seed: {i}\n") for i in range(50)
    ]
    suffixes = [BASE, *(f"{BASE}-{i}" for i in range(2, 51))]
    assert sorted(names(runs)) == sorted([*suffixes, "latest"])
    assert [entry for path in paths for entry in names(path)] == ["config.yaml"] * 50
    assert (runs / "latest").resolve() in {path.resolve() for path in paths}


def test_latest_is_a_relative_link_to_the_newest_run(tmp_path):
    create(tmp_path)
    newest = create(tmp_path)
    assert (tmp_path / "latest").readlink() == Path(newest.name)
    assert open_run(tmp_path / "latest").path == newest.path.resolve()


def test_a_dangling_latest_is_replaced(tmp_path):
    (tmp_path / "latest").symlink_to("gone")
    assert create(tmp_path).name == (tmp_path / "latest").readlink().name


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_latest_of_the_users_own_is_left_alone_with_a_warning(tmp_path, caplog, kind):
    latest = tmp_path / "latest"
    latest.write_text("mine") if kind == "file" else latest.mkdir()
    with caplog.at_level(logging.WARNING):
        create(tmp_path)
    assert not latest.is_symlink()
    assert str(latest) in caplog.text


def test_a_full_disk_leaves_no_folder_and_is_named(tmp_path, monkeypatch):
    def no_space(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable.os, "fsync", no_space)
    with pytest.raises(UsageError, match="No space left") as caught:
        create(tmp_path / "runs")
    assert str(tmp_path / "runs") in str(caught.value)
    assert names(tmp_path / "runs") == []


def test_a_runs_folder_that_is_a_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(UsageError, match="runs: cannot create a run folder here"):
        create(tmp_path / "runs")


def test_a_runs_folder_that_is_a_link_to_nothing_is_an_error_that_says_so(tmp_path):
    (tmp_path / "runs").symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"runs: cannot create .* leads to .*gone, which is not"):
        create(tmp_path / "runs")


def test_artefacts_have_the_contracts_names():
    run_dir = RunDir(Path("r"))
    found = [
        run_dir.config, run_dir.run_json, run_dir.metrics, run_dir.layers, run_dir.weights,
        run_dir.best, run_dir.last, run_dir.previous, run_dir.predictions, run_dir.plots,
        run_dir.report, run_dir.log, run_dir.exported("onnx"),
    ]  # fmt: skip
    assert [path.relative_to("r").as_posix() for path in found] == [
        "config.yaml", "run.json", "metrics.csv", "layers.csv", "weights.safetensors",
        "checkpoints/best.safetensors", "checkpoints/last.safetensors",
        "checkpoints/last.previous.safetensors", "predictions.csv", "plots",
        "report.html", "train.log", "model.onnx",
    ]  # fmt: skip


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        open_run(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_misspelt_run_is_answered_with_similar_names(tmp_path):
    create(tmp_path)
    message = refusal(tmp_path / BASE.replace("mlp", "mpl"))
    assert "no such run folder" in message
    assert BASE in message


def test_a_run_in_a_missing_folder_is_reported(tmp_path):
    assert f"no folder {tmp_path / 'nowhere'}" in refusal(tmp_path / "nowhere" / "run")


def test_a_file_is_answered_with_the_run_that_contains_it(tmp_path):
    run_dir = create(tmp_path)
    message = refusal(run_dir.config)
    assert "is a file" in message
    assert message.endswith(str(run_dir.path))


def test_a_sweep_an_empty_folder_and_a_folder_of_runs_are_distinguished(tmp_path):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "sweep.yaml").write_text("name: s\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    run_dir = create(tmp_path / "runs")
    assert "is a sweep" in refusal(tmp_path / "sweep")
    assert "is an empty folder" in refusal(tmp_path / "empty")
    assert "has no config.yaml" in refusal(tmp_path / "other")
    message = refusal(tmp_path / "runs")
    assert "is a folder of runs" in message
    assert message.endswith(str(run_dir.path))


def test_a_latest_whose_run_is_gone_names_its_target(tmp_path):
    (tmp_path / "latest").symlink_to(BASE)
    assert f"leads to {BASE}" in refusal(tmp_path / "latest")
