"""Reads what trackers have, by their own readers."""

from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from mnistlab.tracking.trackers.tensorboard import TAGS

Points = dict[str, list[tuple[int, float]]]


def tensorboard(folder: Path) -> Any:
    """A run, as TensorBoard reads its event files."""
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    return found.Reload()


def tensorboard_points(folder: Path) -> Points:
    run = tensorboard(folder)
    names = {tag: name for name, tag in TAGS.items()}
    return {
        names.get(tag, tag): [(event.step, event.value) for event in run.Scalars(tag)]
        for tag in run.Tags()["scalars"]
    }


def session(folder: Path) -> dict[str, Any]:
    """The hyperparameters of a run, as the page of hyperparameters reads them."""
    run = tensorboard(folder)
    content = run.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    info = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    return {
        key: getattr(value, f"{value.WhichOneof('kind')}") for key, value in info.hparams.items()
    }


def described(folder: Path) -> Any:
    """The description of a sweep's hyperparameters and metrics."""
    content = tensorboard(folder).SummaryMetadata(metadata.EXPERIMENT_TAG).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content).experiment


def mlflow_runs(folder: Path) -> dict[str, Any]:
    """The runs of MLflow's database by their names."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiments = [one.experiment_id for one in client.search_experiments()]
    return {run.data.tags["mnistlab.run"]: run for run in client.search_runs(experiments)}


def mlflow_points(folder: Path, name: str) -> Points:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    run = mlflow_runs(folder)[name]
    return {
        key: [
            (metric.step, metric.value)
            for metric in client.get_metric_history(run.info.run_id, key)
        ]
        for key in run.data.metrics
    }


def points_of(tracker: str, runs_dir: Path, name: str) -> Points:
    """All points of a run in a tracker beside it."""
    if tracker == "tensorboard":
        return tensorboard_points(runs_dir / tracker / name)
    return mlflow_points(runs_dir / tracker, name)
