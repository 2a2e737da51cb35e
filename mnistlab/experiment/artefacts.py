"""The content of a run's folder, for display: each part is read on first use, and once."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.data import Dataset, DownloadProgress, Split
from mnistlab.experiment.dataset import data_dir_of_run, load_data
from mnistlab.experiment.model import Model, Weights, load_model, why_no_weights
from mnistlab.experiment.resume import config_of, refuse_changed_data
from mnistlab.runtime.params import views
from mnistlab.runtime.threads import engine_threads
from mnistlab.store.checksums import FileDigest
from mnistlab.store.metrics import (
    LayerRow,
    MetricsRow,
    StepRow,
    read_last_steps,
    read_layers,
    read_metrics,
)
from mnistlab.store.predictions import Predictions, read_predictions
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import RunFacts, RunRecord, facts_of, read_run_record
from mnistlab.store.status import Status
from mnistlab.support import paths
from mnistlab.support.errors import LackingError, MnistlabError, UsageError
from mnistlab.support.metric_names import PARTS, SplitName
from mnistlab.support.run_weights import FINAL
from mnistlab.support.scale import LARGEST
from mnistlab.training.initializers import initial_params
from mnistlab.training.windows import augmented

PART_NAMES: dict[SplitName, str] = {part.name: part.images for part in PARTS}
# The layers with a weighted sum: these have weights.
WEIGHED = ("conv", "dense")


Value = TypeVar("Value")
Row = TypeVar("Row", MetricsRow, LayerRow, StepRow)


def to_be_shown(row: Row) -> Row:
    """A row with infinity in place of numbers that are too large for a scale: their sums, squares
    and margins overflow.
    """
    beyond: dict[str, Any] = {
        name: math.copysign(math.inf, value)
        for name, value in vars(row).items()
        if isinstance(value, float) and abs(value) > LARGEST
    }
    return replace(row, **beyond) if beyond else row


class read_once(Generic[Value]):  # noqa: N801 - it is written as a decorator
    """A property that is computed on first use and kept; if it raised an error, that is raised
    again.

    So a damaged file is read once, and an unavailable dataset is requested once.
    """

    def __init__(self, read: Callable[[Any], Value]) -> None:
        self.read = read
        self.__doc__ = read.__doc__

    def __get__(self, instance: Any, owner: type) -> Value:
        kept = instance.__dict__.setdefault("_kept", {})
        name = self.read.__name__
        if name not in kept:
            try:
                kept[name] = (self.read(instance), None)
            except MnistlabError as error:
                kept[name] = (None, error)
        value, fault = kept[name]
        if fault is not None:
            raise fault
        return value


class Artefacts:
    """The artefacts of one run.

    Each raises UsageError that names a damaged file, LackingError if the run does not have it, and
    DataError if the dataset is missing.
    """

    def __init__(
        self,
        run_dir: RunDir,
        *,
        weights: Weights = FINAL,
        data_dir: Path | None = None,
        threads: int | None = None,
        tell: Callable[[str], None] = lambda text: None,
        data_progress: DownloadProgress | None = None,
    ) -> None:
        self.run_dir = run_dir
        self._weights = weights
        self._data_dir = paths.data_dir(data_dir)
        self._data_progress = data_progress
        self._threads = threads
        self._tell = tell

    @read_once
    def config(self) -> RunConfig:
        return config_of(self.run_dir, self.record_if_whole)

    @read_once
    def record(self) -> RunRecord:
        """The content of run.json."""
        return read_run_record(self.run_dir)

    @property
    def facts(self) -> RunFacts:
        """run.json's facts about the network, its data and the machine."""
        return facts_of(self.run_dir, self.record)

    @property
    def record_if_whole(self) -> RunRecord | None:
        """run.json, or None if it is damaged: then only what needs it is missing."""
        try:
            return self.record
        except UsageError:
            return None

    def written(self, path: Path) -> FileDigest | None:
        """The digest of a table when the run ended or stopped; None if it is in progress."""
        record = self.record_if_whole
        return None if record is None else record.written(path)

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, by number."""
        return self.facts.dataset.class_names

    @read_once
    def metrics(self) -> list[MetricsRow]:
        """A row per evaluation."""
        rows = read_metrics(self.run_dir.metrics, self.written(self.run_dir.metrics))
        return [to_be_shown(row) for row in rows]

    @read_once
    def evaluations(self) -> list[MetricsRow]:
        """`metrics`; if early stopping kept earlier weights, their row also gets the test metrics.

        metrics.csv does not have these, because they were measured after that row.
        """
        record = self.record_if_whole
        best = None if record is None else record.best
        if best is None or best.test_loss is None or best.test_accuracy is None:
            return self.metrics
        loss, accuracy = best.test_loss, best.test_accuracy
        return [
            replace(row, test_loss=loss, test_accuracy=accuracy) if row.step == best.step else row
            for row in self.metrics
        ]

    @read_once
    def layers(self) -> list[LayerRow]:
        """A row per layer per epoch, at least one."""
        rows = read_layers(self.run_dir.layers, self.written(self.run_dir.layers))
        rows = [to_be_shown(row) for row in rows]
        if not rows:
            raise LackingError("no epoch was finished")
        return rows

    @read_once
    def last_steps(self) -> list[StepRow]:
        """A row per layer for each of the last steps of a run that diverged; none of another."""
        path = self.run_dir.last_steps
        if not path.exists():
            return []
        return [to_be_shown(row) for row in read_last_steps(path, self.written(path))]

    @read_once
    def model(self) -> Model:
        """The network with its final weights, or those of its last checkpoint; or with the weights
        that were asked for.
        """
        run_dir = self.run_dir
        if self._weights == FINAL and not any(
            path.exists() for path in (run_dir.weights, run_dir.last, run_dir.previous)
        ):
            raise LackingError(f"the run has no weights: {why_no_weights(run_dir)}")
        return load_model(
            run_dir.path,
            self._weights,
            data_dir=self._data_dir,
            threads=self._threads,
            tell=self._tell,
        )

    def refuse_untrained(self) -> None:
        """Raise LackingError if the run diverged before it had any weights but the initial ones."""
        if self.record.status is Status.DIVERGED and self.model.step == 0:
            raise LackingError(
                "the run diverged in its first epoch, before it had trained a network"
            )

    @read_once
    def initial_tensors(self) -> dict[str, np.ndarray]:
        """Every weight and bias before the first step, by its name; drawn again from the seed."""
        program, config = self.model.inference.program, self.config
        start = initial_params(
            config.init, program.tensors, program.sizes.parameters, config.seed, program.dtype
        )
        return views(program.tensors, start)

    @property
    def weighed_layers(self) -> list[tuple[str, tuple[int, ...]]]:
        """Each layer with weights, and its input shape: (channels, rows, columns), even if it is
        flattened, or (units,).
        """
        found = []
        shape: tuple[int, ...] = (1, *self.model.image_shape)
        for spec in self.model.inference.program.layers:
            if spec.kind in WEIGHED:
                found.append((spec.name, shape))
            if spec.kind != "flatten":
                shape = spec.output_shape
        return found

    @property
    def part(self) -> SplitName:
        """The images that the run is evaluated on: the test set if it was tested, else another
        part.
        """
        if self.record.test_set_looked_at:
            return "test"
        return "validation" if self.facts.dataset.images.validation else "train"

    @read_once
    def dataset(self) -> Dataset:
        """The run's dataset; not from the model, whose weights may be damaged."""
        recorded = self.facts.data_dir
        folder = data_dir_of_run(self.config, recorded, self._data_dir, self._tell)
        dataset = load_data(self.config, folder, self._data_progress)
        refuse_changed_data(self.facts.dataset, dataset.sha256)
        return dataset

    def augmented(self, indices: np.ndarray, count: int) -> np.ndarray:
        """`count` augmentations of each training image, uint8 (n, count, height, width).

        `indices` int64 (n,) are those of the source's images.
        """
        with engine_threads(self._threads):
            return augmented(self.config, self.dataset, indices, count, self._tell)

    @read_once
    def split(self) -> Split:
        """The images of `part`."""
        return getattr(self.dataset, self.part)

    @read_once
    def predictions(self) -> Predictions:
        """The network's predictions for the images of `part`: from the file, or computed now.

        A run that has not ended has no file. Outputs that are not finite are kept.
        """
        if self.part == "train":
            raise LackingError("the run evaluated neither test nor validation images")
        if self.run_dir.predictions.exists():
            path = self.run_dir.predictions
            return self._checked(read_predictions(path, self.written(path)))
        if not self.record.status.resumable:
            raise UsageError(f"{self.run_dir.predictions}: is missing")
        said = self.model.evaluate(self.split)
        of_predicted = said.outputs[np.arange(len(said.labels)), said.predicted]
        return Predictions(
            said.labels.astype(np.int64), said.predicted, of_predicted.astype(np.float64)
        )

    def _checked(self, found: Predictions) -> Predictions:
        """The predictions, if they match these images and classes."""
        path, data = self.run_dir.predictions, self.facts.dataset
        expected, classes = getattr(data.images, self.part), len(data.class_names)
        if len(found.labels) != expected:
            raise UsageError(f"{path}: {len(found.labels):,} rows where {expected:,} are expected")
        for name, values in (("label", found.labels), ("predicted", found.predicted)):
            outside = np.flatnonzero((values < 0) | (values >= classes))
            if len(outside):
                row = int(outside[0])
                raise UsageError(f"{path}:{row + 2}: {name} is {values[row]}, of {classes} classes")
        said = found.probabilities
        beyond = np.abs(said) > LARGEST
        return replace(found, probabilities=np.where(beyond, np.copysign(np.inf, said), said))
