"""A run that is passed on to trackers while it trains."""

import json
import logging
import socket
from pathlib import Path

import pytest
from tracking_helpers import mlflow_runs, points_of, tensorboard

from mnistlab.config import run_config_from_mapping
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.export_tracked import export_tracked
from mnistlab.python.commands.train import train as train_command
from mnistlab.store.metrics import read_layers, read_metrics
from mnistlab.support.errors import UsageError
from mnistlab.tracking import live
from mnistlab.tracking.trackers import FOLLOWING
from tools.short_runs import SHORT, StopAt, fingerprint, resume, train

# MLflow uses what SQLAlchemy will remove.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
BOTH = tuple(FOLLOWING)
METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "lr", "penalty")


@pytest.fixture(autouse=True)
def passed_on_at_once(monkeypatch):
    monkeypatch.setattr(live, "SECONDS_BETWEEN_LOOKS", 0.0)


def tracked(folder: Path, *callbacks, track=BOTH, plots=False):
    options = RunOptions(data_dir=folder / "data", callbacks=callbacks)
    config = run_config_from_mapping(SHORT)
    return train_command(config, folder / "runs", options, plots=plots, track=track)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with both trackers, and its figures."""
    return tracked(tmp_path_factory.mktemp("tracked"), plots=True).run_dir


def rows_of(run_dir: Path) -> dict[str, list[tuple[int, float]]]:
    """What a tracker should have of metrics.csv."""
    rows = read_metrics(run_dir / "metrics.csv")
    return {
        name: [(row.step, getattr(row, name)) for row in rows if getattr(row, name) is not None]
        for name in METRICS
    }


@pytest.mark.parametrize("tracker", BOTH)
def test_a_tracker_has_each_value_of_the_tables_once(run, tracker):
    points = points_of(tracker, run.parent, run.name)
    for name, expected in rows_of(run).items():
        assert [step for step, _ in points[name]] == [step for step, _ in expected]
        # TensorBoard's scalars are float32.
        assert [v for _, v in points[name]] == pytest.approx([v for _, v in expected], rel=1e-6)
    per_epoch = json.loads((run / "run.json").read_text())["steps_per_epoch"]
    for layer in read_layers(run / "layers.csv"):
        found = dict(points[f"layers/{layer.layer}/weight_std"])
        assert found[layer.epoch * per_epoch] == pytest.approx(layer.weight_std, rel=1e-6)


@pytest.mark.parametrize("tracker", BOTH)
def test_a_tracker_has_the_metrics_of_the_final_weights(run, tracker):
    recorded = json.loads((run / "run.json").read_text())
    points = points_of(tracker, run.parent, run.name)
    for name, value in recorded["metrics"].items():
        (point,) = points[f"final/{name}"]
        assert point == (recorded["steps"], pytest.approx(value, rel=1e-6))


def test_tensorboard_has_the_figures_and_the_configuration(run):
    found = tensorboard(run.parent / "tensorboard" / run.name)
    figures = {f"figures/{file.stem}" for file in (run / "plots").glob("*.png")}
    assert "figures/learning_curves" in figures
    assert set(found.Tags()["images"]) == figures
    for tag in figures:
        (image,) = found.Images(tag)
        assert image.encoded_image_string == (run / "plots" / f"{Path(tag).name}.png").read_bytes()
    (text,) = found.Tensors("configuration")
    assert b"| optimizer.lr | 0.1 |" in text.tensor_proto.string_val[0]


def test_mlflow_has_the_parameters_the_figures_and_the_files(run):
    from mlflow.tracking import MlflowClient

    found = mlflow_runs(run.parent / "mlflow")[run.name]
    assert found.info.status == "FINISHED"
    assert found.data.params["optimizer.lr"] == "0.1"
    assert found.data.params["model.hidden"] == "[6]"
    client = MlflowClient(f"sqlite:///{run.parent / 'mlflow' / 'mlflow.db'}")
    artifacts = Path(client.download_artifacts(found.info.run_id, ""))
    for name in ("config.yaml", "metrics.csv", "weights.safetensors", "report.html"):
        assert (artifacts / name).read_bytes() == (run / name).read_bytes()
    assert {file.name for file in (artifacts / "figures").iterdir()} == {
        file.name for file in (run / "plots").glob("*.png")
    }


def test_a_tracked_run_has_the_bits_of_one_that_is_not(run, tmp_path):
    assert fingerprint(run) == fingerprint(train(tmp_path).run_dir)


def test_a_resumed_run_continues_the_same_tracked_run_without_doubled_points(run, tmp_path):
    stopped = tracked(tmp_path, StopAt(7))
    runs_dir, name = stopped.run_dir.parent, stopped.run_dir.name
    before = {tracker: points_of(tracker, runs_dir, name) for tracker in BOTH}
    assert not any("final/val_loss" in points for points in before.values())
    assert mlflow_runs(runs_dir / "mlflow")[name].info.status == "KILLED"
    resume(stopped.run_dir)
    for tracker in BOTH:
        assert points_of(tracker, runs_dir, name) == points_of(tracker, run.parent, run.name)
    assert [run.info.status for run in mlflow_runs(runs_dir / "mlflow").values()] == ["FINISHED"]


def test_points_beyond_the_checkpoint_of_a_killed_run_are_not_doubled(run, tmp_path):
    # The trackers have all points of a run whose folder is resumed from an early checkpoint.
    stopped = train(tmp_path, None, StopAt(7)).run_dir
    moved = run.parent / "killed"
    stopped.rename(moved)
    (moved / "tracking.json").write_bytes((run / "tracking.json").read_bytes())
    before = {tracker: points_of(tracker, run.parent, run.name) for tracker in BOTH}
    resume(moved)
    assert {tracker: points_of(tracker, run.parent, run.name) for tracker in BOTH} == before


def test_a_longer_run_adds_its_steps(tmp_path):
    first = tracked(tmp_path, track=["tensorboard", "mlflow"]).run_dir
    resume(first, "training.epochs=5")
    for tracker in BOTH:
        points = points_of(tracker, first.parent, first.name)
        assert [step for step, _ in points["val_loss"]] == [5, 10, 15, 20, 25]
        assert [step for step, _ in points["final/test_loss"]] == [15, 25]
    tags = mlflow_runs(first.parent / "mlflow")[first.name].data.tags
    assert tags["now.training.epochs"] == "5"  # MLflow changes no parameter


@pytest.mark.parametrize("tracker", BOTH)
def test_an_export_has_what_a_tracked_run_has_and_repeated_changes_nothing(run, tmp_path, tracker):
    exported = export_tracked([run], tracker, tmp_path / tracker)
    assert exported.runs == 1
    expected = points_of(tracker, run.parent, run.name)
    assert points_of(tracker, tmp_path, run.name) == expected
    export_tracked([run], tracker, tmp_path / tracker)
    assert points_of(tracker, tmp_path, run.name) == expected


def _no_disk(*arguments, **keywords):
    raise OSError(28, "No space left on device")


def _breaks(*arguments, **keywords):
    raise ZeroDivisionError


@pytest.mark.parametrize("fails", [_no_disk, _breaks])
@pytest.mark.parametrize("where", ["Events.open", "_Run.add", "_Run.end"])
def test_a_tracker_that_fails_costs_one_warning_and_no_run(
    run, tmp_path, monkeypatch, caplog, where, fails
):
    monkeypatch.setattr(f"mnistlab.tracking.trackers.tensorboard.{where}", fails)
    ended = tracked(tmp_path, track=["tensorboard"])
    assert fingerprint(ended.run_dir) == fingerprint(run)
    (warning,) = [one.message for one in caplog.records if one.levelno >= logging.WARNING]
    assert warning.startswith("not tracked any more by tensorboard; the training is unaffected: ")


def test_a_tracker_that_is_not_installed_costs_one_warning_with_how_to_install_it(
    run, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ended = tracked(tmp_path, track=["mlflow"])
    assert fingerprint(ended.run_dir) == fingerprint(run)
    (warning,) = [one.message for one in caplog.records if one.levelno >= logging.WARNING]
    assert warning.endswith("not installed here: pip install 'mnistlab[tracking]'")
    with pytest.raises(UsageError, match="not installed here"):
        export_tracked([run], "mlflow")


def test_one_tracker_that_fails_does_not_stop_the_other(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("mnistlab.tracking.trackers.mlflow.Database.__init__", _breaks)
    ended = tracked(tmp_path).run_dir
    assert len(points_of("tensorboard", ended.parent, ended.name)["val_loss"]) == 3
    (warning,) = [one.message for one in caplog.records if one.levelno >= logging.WARNING]
    assert "mlflow" in warning
    assert "ZeroDivisionError" in warning


def test_tracking_uses_no_network(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda *where: asked.append(where))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **more: asked.append(where))
    tracked(tmp_path)
    assert asked == []


@pytest.mark.parametrize("name", ["../elsewhere", "", "..", "a/b"])
def test_a_strangers_folder_is_tracked_nowhere_else(tmp_path, caplog, name):
    stopped = train(tmp_path, None, StopAt(7)).run_dir
    content = json.dumps({"name": name, "trackers": ["tensorboard"]})
    (stopped / "tracking.json").write_text(content)
    resume(stopped)
    assert not list(tmp_path.rglob("*tfevents*"))
    assert "must be the name of a folder" in caplog.text
