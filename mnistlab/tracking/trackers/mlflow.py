"""MLflow: its database in a local file, with metrics, parameters, figures and files of each run."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnistlab.store.status import Status
from mnistlab.tracking.tracker import Log, Outcome, Point, Store, TrackedRun, Tracker

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"
NAME_TAG, PARENT_TAG = "mnistlab.run", "mlflow.parentRunId"
RUN_STATUS = {
    Status.PENDING: "SCHEDULED",
    Status.RUNNING: "RUNNING",
    Status.INTERRUPTED: "KILLED",
    Status.FINISHED: "FINISHED",
    Status.STOPPED_EARLY: "FINISHED",
    Status.DIVERGED: "FAILED",
    Status.PRUNED: "KILLED",
    Status.FAILED: "FAILED",
}
MOST_METRICS, MOST_OTHERS = 1000, 100  # that MLflow takes at once


class Database(Store):
    """One database for all runs of a folder; an experiment for each name of a configuration."""

    def __init__(self, folder: Path) -> None:
        # MLflow reports what it is used for to its makers, unless it is told not to.
        os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        from mlflow.tracking import MlflowClient

        for library in ("mlflow", "alembic"):  # they tell of every table that they create
            logging.getLogger(library).setLevel(logging.WARNING)
        folder.mkdir(parents=True, exist_ok=True)
        self.artifacts = folder.absolute() / ARTIFACTS
        self.client = MlflowClient(tracking_uri=f"sqlite:///{folder.absolute() / DATABASE}")
        self._experiments: dict[str, str] = {}

    def open(self, run: TrackedRun) -> Log:
        experiment = self._experiment(run.group)
        found = self._find(experiment, run.name)
        if found is None:
            tags = {NAME_TAG: run.name}
            if run.sweep is not None and (parent := self._find(experiment, run.sweep)) is not None:
                tags[PARENT_TAG] = parent.info.run_id
            start = int(run.started.timestamp() * 1000)
            found = self.client.create_run(experiment, start, tags, run.title)
        return _Run(self.client, found, run)

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            known = self.client.get_experiment_by_name(name)
            self._experiments[name] = (
                known.experiment_id
                if known is not None
                else self.client.create_experiment(name, (self.artifacts / name).as_uri())
            )
        return self._experiments[name]

    def _find(self, experiment: str, name: str) -> Any:
        """The run of this name; None if there is none yet."""
        asked = f"tags.`{NAME_TAG}` = '{name}'"
        found = self.client.search_runs([experiment], asked, max_results=1)
        return found[0] if found else None


class _Run:
    """A run in the database, or the run of a sweep, which is the parent of its trials' runs."""

    def __init__(self, client: Any, found: Any, run: TrackedRun) -> None:
        self.client = client
        self.id = found.info.run_id
        self.is_marked_running = found.info.status == "RUNNING"
        self.last = {key: self._last_step(key) for key in found.data.metrics}
        self._describe(found.data.params, {**run.settings, **run.parameters})

    def _last_step(self, key: str) -> int:
        return max(metric.step for metric in self.client.get_metric_history(self.id, key))

    def _describe(self, before: dict[str, str], settings: dict[str, Any]) -> None:
        """Write the parameters. MLflow never changes one: a new value becomes a tag."""
        from mlflow.entities import Param, RunTag

        new = [Param(k, str(v)) for k, v in settings.items() if k not in before]
        for begin in range(0, len(new), MOST_OTHERS):
            self.client.log_batch(self.id, params=new[begin : begin + MOST_OTHERS])
        changed = [
            RunTag(f"now.{k}", str(v))
            for k, v in settings.items()
            if before.get(k, str(v)) != str(v)
        ]
        self.client.log_batch(self.id, tags=changed)

    def add(self, points: Sequence[Point]) -> None:
        if points and not self.is_marked_running:
            self.client.update_run(self.id, status="RUNNING")
            self.is_marked_running = True
        self._write(points)

    def end(self, outcome: Outcome) -> None:
        final = {f"final/{name}": value for name, value in outcome.metrics.items()}
        self._write([Point(outcome.step, outcome.time, final)])
        for file in outcome.files:
            self.client.log_artifact(self.id, str(file))
        for file in outcome.figures.values():
            self.client.log_artifact(self.id, str(file), "figures")
        self.client.set_tag(self.id, "mnistlab.status", outcome.status.words)
        end = int(outcome.time * 1000)
        self.client.set_terminated(self.id, RUN_STATUS[outcome.status], end)
        self.is_marked_running = False

    def _write(self, points: Sequence[Point]) -> None:
        from mlflow.entities import Metric

        new = [
            Metric(name, value, int(point.time * 1000), point.step)
            for point in points
            for name, value in point.values.items()
            if point.step > self.last.get(name, -1)
        ]
        for begin in range(0, len(new), MOST_METRICS):
            self.client.log_batch(self.id, metrics=new[begin : begin + MOST_METRICS])
        self.last |= {metric.key: metric.step for metric in new}


TRACKER = Tracker(
    name="mlflow",
    description="mlflow has a database for all runs of a folder.",
    needs=("mlflow", "sqlalchemy", "alembic"),
    connect=Database,
    shows=f"mlflow ui --backend-store-uri sqlite:///{{folder}}/{DATABASE}",
)
