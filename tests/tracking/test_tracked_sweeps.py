"""A sweep whose trials are passed on to trackers."""

import pytest
from tracking_helpers import described, mlflow_runs, points_of, session, tensorboard

from mnistlab.config.load_sweep import parse_sweep
from mnistlab.python.commands import sweep as commands
from mnistlab.python.commands.export_tracked import export_tracked
from mnistlab.store.metrics import read_metrics
from mnistlab.sweeps.sweep_options import SweepOptions
from mnistlab.tracking import live
from mnistlab.tracking.trackers import FOLLOWING
from tools.here_executor import trials_in_this_process
from tools.short_sweeps import RUN, fingerprints, rows, sweep

# MLflow uses what SQLAlchemy will remove.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
BOTH = tuple(FOLLOWING)
GRID = ("optimizer.lr=0.5,0.05", "model.hidden=[6],[4,3]")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A sweep with both trackers, by real workers."""
    folder = tmp_path_factory.mktemp("tracked")
    source = parse_sweep(RUN, "sweep.yaml", GRID)
    options = SweepOptions(data_dir=folder / "data", workers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "SECONDS_BETWEEN_LOOKS", 0.0)
        return commands.sweep(source, folder / "runs", options, plots=True, track=BOTH)


@pytest.mark.parametrize("tracker", BOTH)
def test_every_trial_is_a_run_with_its_points(tracked, tracker):
    folder = tracked.sweep_dir
    for row in rows(tracked):
        trial = folder / row.run_dir
        points = points_of(tracker, folder.parent, f"{folder.name}/{trial.name}")
        expected = [(one.step, one.val_loss) for one in read_metrics(trial / "metrics.csv")]
        assert [step for step, _ in points["val_loss"]] == [step for step, _ in expected]
        assert [v for _, v in points["val_loss"]] == pytest.approx([v for _, v in expected])
        assert len(points["final/val_accuracy"]) == 1


def test_tensorboard_knows_the_hyperparameters_of_every_trial(tracked):
    folder = tracked.sweep_dir.parent / "tensorboard" / tracked.sweep_dir.name
    found = [session(folder / row.run_dir.split("/")[1]) for row in rows(tracked)]
    assert [one["optimizer.lr"] for one in found] == [0.5, 0.5, 0.05, 0.05]
    assert [one["model.hidden"] for one in found] == ["[6]", "[4, 3]"] * 2
    assert all(set(one) == {"optimizer.lr", "model.hidden"} for one in found)
    experiment = described(folder)
    assert {info.name for info in experiment.hparam_infos} == {"optimizer.lr", "model.hidden"}
    assert "val_accuracy" in {info.display_name for info in experiment.metric_infos}
    figures = {f"figures/{file.stem}" for file in (tracked.sweep_dir / "plots").glob("*.png")}
    assert set(tensorboard(folder).Tags()["images"]) == figures != set()


def test_mlflow_has_the_trials_beneath_their_sweep(tracked):
    name = tracked.sweep_dir.name
    runs = mlflow_runs(tracked.sweep_dir.parent / "mlflow")
    assert len(runs) == 5
    parent = runs.pop(name)
    assert parent.info.status == "FINISHED"
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    titles = sorted(run.info.run_name for run in runs.values())
    assert titles[1] == "0001 lr=0.5 hidden=[4, 3]"
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_a_tracked_sweep_has_the_bits_of_one_that_is_not(tracked, tmp_path):
    with trials_in_this_process():
        assert fingerprints(tracked) == fingerprints(sweep(tmp_path, *GRID))


def test_a_tracker_that_fails_costs_one_warning_and_no_sweep(tmp_path, monkeypatch, caplog):
    def fails(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mnistlab.tracking.trackers.tensorboard._Run.add", fails)
    options = SweepOptions(data_dir=tmp_path / "data", workers=1)
    source = parse_sweep(RUN, "sweep.yaml", GRID)
    with trials_in_this_process():
        result = commands.sweep(
            source, tmp_path / "runs", options, plots=False, track=["tensorboard"]
        )
    assert result.trials["finished"] == 4
    assert [one.message for one in caplog.records if "not tracked" in one.message] == [
        "not tracked any more by tensorboard; the training is unaffected: "
        "[Errno 28] No space left on device"
    ]


@pytest.mark.parametrize("tracker", BOTH)
def test_a_sweep_that_is_exported_has_what_a_tracked_one_has(tracked, tmp_path, tracker):
    exported = export_tracked([tracked.sweep_dir], tracker, tmp_path / tracker)
    assert exported.runs == 4
    name = tracked.sweep_dir.name
    for row in rows(tracked):
        trial = f"{name}/{row.run_dir.split('/')[1]}"
        expected = points_of(tracker, tracked.sweep_dir.parent, trial)
        assert points_of(tracker, tmp_path, trial) == expected


def test_a_sweep_that_grows_tracks_its_new_trials_too(tmp_path):
    options = SweepOptions(data_dir=tmp_path / "data", workers=1)
    source = parse_sweep(RUN, "sweep.yaml", GRID[:1])
    with trials_in_this_process():
        begun = commands.sweep(
            source, tmp_path / "runs", options, plots=False, track=["tensorboard"]
        )
        commands.resume_sweep(begun.sweep_dir, ["optimizer.lr=0.005"], options, plots=False)
    folder = tmp_path / "runs" / "tensorboard" / begun.sweep_dir.name
    assert len(list(folder.glob("0*"))) == 3
    (rate,) = described(folder).hparam_infos
    assert sorted(value.number_value for value in rate.domain_discrete.values) == [0.005, 0.05, 0.5]
