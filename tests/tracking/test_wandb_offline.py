"""Offline runs of Weights & Biases, read back from the program's own records."""

import json
import shutil
import struct
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mnistlab.cli.app import app
from mnistlab.python.commands.export_tracked import export_tracked
from mnistlab.store.metrics import read_metrics
from mnistlab.tracking.trackers import FOLLOWING, TRACKERS
from tools.here_executor import trials_in_this_process
from tools.short_runs import train
from tools.short_sweeps import rows, sweep

TRACKER = "wandb-offline"
BLOCK = 32768  # the records are a log of LevelDB: parts, of which none crosses a block's end
HEAD = 7


def records(folder: Path) -> Iterator[Any]:
    """The records of an offline run."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = folder.glob("*.wandb")
    content, at, parts = file.read_bytes(), HEAD, b""
    while at + HEAD <= len(content):
        if BLOCK - at % BLOCK < HEAD:
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = struct.unpack_from("<IHB", content, at)
        parts += content[at + HEAD : at + HEAD + size]
        at += HEAD + size
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""


def described(folder: Path) -> dict[str, Any]:
    """A run's description, the values of its history by step, its summary, its end."""
    found: dict[str, Any] = {"history": [], "summary": {}}
    for record in records(folder):
        if record.HasField("run"):
            found["run"] = record.run
            found["config"] = {
                one.key: json.loads(one.value_json) for one in record.run.config.update
            }
        if record.HasField("history"):
            found["history"].append(values(record.history.item))
        if record.HasField("summary"):
            found["summary"] |= values(record.summary.update)
        if record.HasField("exit"):
            found["exit"] = record.exit.exit_code
    return found


def values(items: Any) -> dict[str, Any]:
    return {"/".join([*one.nested_key]) or one.key: json.loads(one.value_json) for one in items}


def offline_runs(folder: Path) -> dict[str, Path]:
    """The folders of runs by their identities."""
    return {one.name.split("-", 3)[3]: one for one in (folder / "wandb").glob("offline-run-*")}


def export(paths: list[Path], folder: Path | None = None) -> Path:
    """Export runs, as a process does that ends: the program's helper writes until then."""
    wandb = pytest.importorskip("wandb")
    exported = export_tracked(paths, TRACKER, folder)
    wandb.teardown()
    return exported.folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("wandb")).run_dir


@pytest.fixture(scope="module")
def exported(run):
    folder = export([run])
    assert folder == run.parent / TRACKER
    return folder


def test_a_run_has_its_points_configuration_metrics_and_files(run, exported):
    (folder,) = offline_runs(exported).values()
    found = described(folder)
    assert found["run"].run_id == run.name
    assert found["run"].project == "mnistlab"
    assert found["config"]["optimizer.lr"] == 0.1
    assert found["config"]["data.shuffle_once"] is False
    expected = read_metrics(run / "metrics.csv")
    curve = [(one["_step"], one["val_loss"]) for one in found["history"] if "val_loss" in one]
    assert curve == [(row.step, pytest.approx(row.val_loss)) for row in expected]
    record = json.loads((run / "run.json").read_text())
    for name, value in record["metrics"].items():
        assert found["summary"][f"final/{name}"] == pytest.approx(value)
    assert found["summary"]["status"] == "finished"
    assert found["exit"] == 0
    for name in ("config.yaml", "metrics.csv", "run.json", "weights.safetensors"):
        copy = folder / "files" / name
        assert copy.read_bytes() == (run / name).read_bytes()
        assert not copy.is_symlink()  # the run's folder may be removed


def test_times_are_those_of_the_training(run, exported):
    (folder,) = offline_runs(exported).values()
    record = json.loads((run / "run.json").read_text())
    started = datetime.fromisoformat(record["started"]).timestamp()
    rows = read_metrics(run / "metrics.csv")
    expected = [*(row.seconds for row in rows[:-1]), record["seconds"]["total"]]
    found = [one["_timestamp"] for one in described(folder)["history"] if "val_loss" in one]
    assert [time - started for time in found] == pytest.approx(expected, abs=1e-5)


def test_exported_again_a_run_is_one_run(run, tmp_path):
    # The name of the second ends as that of the first does.
    other = run.parent / f"an-{run.name}"
    shutil.copytree(run, other)
    for _ in range(2):
        export([run, other], tmp_path)
    assert set(offline_runs(tmp_path)) == {run.name, other.name}
    (first, _) = sorted(offline_runs(tmp_path).values(), key=lambda one: len(one.name))
    assert len([one for one in described(first)["history"] if "val_loss" in one]) == 3


def test_the_trials_of_a_sweep_are_a_group_with_the_sweep(tmp_path):
    with trials_in_this_process():
        done = sweep(tmp_path, "optimizer.lr=0.5,0.05")
    export([done.sweep_dir])
    found = {
        identity: described(folder)
        for identity, folder in offline_runs(done.sweep_dir.parent / TRACKER).items()
    }
    name = done.sweep_dir.name
    trials = [f"{name}.{Path(row.run_dir).name}" for row in rows(done)]
    assert set(found) == {name, *trials}
    assert {one["run"].run_group for one in found.values()} == {name}
    assert found[name]["run"].job_type == "sweep"
    assert [found[trial]["config"]["optimizer.lr"] for trial in trials] == [0.5, 0.05]
    assert {found[trial]["config"]["training.batch_size"] for trial in trials} == {9}
    assert {found[trial]["run"].job_type for trial in trials} == {"trial"}


def test_the_command_names_what_uploads_the_runs(run, tmp_path):
    arguments = ["export", str(run), "--format", TRACKER, "--output", str(tmp_path / "here")]
    wandb = pytest.importorskip("wandb")
    result = CliRunner().invoke(app, arguments)
    wandb.teardown()
    assert result.exit_code == 0
    assert f"`wandb sync {tmp_path / 'here'}/wandb/offline-run-*` uploads them" in result.stderr


def test_a_run_in_training_is_not_passed_on():
    assert TRACKER in TRACKERS
    assert TRACKER not in FOLLOWING
    result = CliRunner().invoke(app, ["train", "configs/quickstart.yaml", "--track", TRACKER])
    assert result.exit_code == 2
    assert "found 'wandb-offline', must be mlflow or tensorboard" in " ".join(
        result.stderr.replace("│", " ").split()
    )
