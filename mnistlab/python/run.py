"""A run as a Python object that reads its folder on access."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mnistlab.config import resolved_mapping
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.model import Model, Weights, load_model
from mnistlab.experiment.predict import Answers
from mnistlab.experiment.predict import predict as ask
from mnistlab.experiment.resume import config_of, history_of
from mnistlab.experiment.scores import Scores, score
from mnistlab.python.arguments import refuse_no_text, texts_of
from mnistlab.python.images import raw_pixels
from mnistlab.python.tables import PathLike, frame
from mnistlab.store.checksums import FileDigest
from mnistlab.store.figure_file import FIGURE_FORMATS
from mnistlab.store.locks import is_trained
from mnistlab.store.metrics import LayerRow, MetricsRow, read_layers
from mnistlab.store.notes import change_tags, read_notes, set_note
from mnistlab.store.predictions import PredictionRow, read_predictions
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.run_json import read_run_json
from mnistlab.store.run_record import RunRecord
from mnistlab.store.status import Status
from mnistlab.support import paths
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import SPLIT_NAMES, SplitName, is_accuracy
from mnistlab.support.numba_settings import refuse_threads
from mnistlab.support.run_weights import ALLOWED, weights_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mnistlab.figures.gallery import Drawn, LeftOut


class OnDisk:
    """A run or a sweep in its folder; usable wherever a path is expected."""

    path: Path
    _data_dir: Path
    _threads: int | None = None

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def note(self) -> str | None:
        """The user's note, or None. `run.note = "text"` stores one, None removes it."""
        return read_notes(self.path).note

    @note.setter
    def note(self, text: str | None) -> None:
        if text is not None:
            refuse_no_text("note", text)
        set_note(self.path, text)

    @property
    def tags(self) -> tuple[str, ...]:
        """The user's tags. `run.tags = ["good"]` replaces them."""
        return read_notes(self.path).tags

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        wanted = texts_of("tags", tags)
        change_tags(self.path, wanted, set(self.tags).difference(wanted))

    def visualize(
        self,
        only: str | Collection[str] | None = None,
        *,
        format: str = "png",
        force: bool = False,
    ) -> dict[str, Path]:
        """Draw every figure, or the one or those named, into the folder, with report.html if all
        are drawn; returns their files by name. Figures without data are left out.

        `format` is png, svg or pdf; ValueError for another. Raises UsageError if `only` is empty,
        or a file that mnistlab did not write would be overwritten, unless `force`; for damaged
        files, after the other figures are drawn.
        """
        from mnistlab.python.commands.visualize import visualize

        _refuse_unknown("format", format, FIGURE_FORMATS)
        only = None if only is None else texts_of("only", only)
        if only == []:
            raise UsageError("only: names no figure; without it, all are drawn")
        saved = visualize(
            self.path,
            only=only,
            format=format,
            report=only is None,
            force=force,
            data_dir=self._data_dir,
            threads=self._threads,
        )
        if damage := [one.error for one in saved.left_out if one.error]:
            raise damage[0]
        return {**saved.figures, **({"report": saved.report} if saved.report else {})}


class ShownScores(Scores):
    """Scores that a notebook shows as tables."""

    def _repr_html_(self) -> str:
        from mnistlab.pages.notebook.scores import scores_html

        return scores_html(self)


class Run(OnDisk):
    """A run: its configuration, its metrics, and the trained network.

    Everything is read from its folder on access, so a run in progress can be followed. A Run is
    usable wherever a path is expected. Damaged files raise UsageError that names the file; whatever
    needs the dataset raises DataError if that is missing.
    """

    def __init__(
        self, path: PathLike, *, data_dir: PathLike | None = None, threads: int | None = None
    ) -> None:
        """The run at `path`. `data_dir` is the folder of datasets, `threads` the number of threads.

        Raises UsageError, saying what is there, if there is no run; and for what is no number of
        threads.
        """
        refuse_threads(threads)
        self._run_dir: RunDir = open_run(Path(path))
        self.path = self._run_dir.path
        self._data_dir = paths.data_dir(data_dir)
        self._threads = threads
        self._models: dict[Weights, Model] = {}

    def __repr__(self) -> str:
        found = {name: value for name, value in self.final_metrics.items() if value is not None}
        told = [f"{name} {found[name]:.4f}" for name in found if is_accuracy(name)]
        return f"<Run {self.path}: {', '.join([self.status, *told])}>"

    def _repr_html_(self) -> str:
        """The run in a notebook: its metrics, its learning curves, a link to its page."""
        from mnistlab.pages.notebook.run import run_html

        return run_html(self.path)

    @property
    def record(self) -> dict[str, Any]:
        """The content of run.json: status, versions, dataset, layers, metrics; empty before it is
        written.
        """
        return read_run_json(self._run_dir) if self._run_dir.run_json.exists() else {}

    @property
    def _history(self) -> RunRecord | None:
        return history_of(self._run_dir)

    @property
    def status(self) -> str:
        """running, finished, stopped_early, interrupted, pruned, diverged or failed."""
        return self._status.value

    @property
    def _status(self) -> Status:
        history = self._history
        status = Status.RUNNING if history is None else history.status
        died = status is Status.RUNNING and is_trained(self.path) is False
        return Status.INTERRUPTED if died else status

    @property
    def config(self) -> dict[str, Any]:
        """The complete configuration; `mnistlab.train(run.config)` repeats the run."""
        return resolved_mapping(config_of(self._run_dir, self._history))

    @property
    def final_metrics(self) -> dict[str, float | None]:
        """The metrics of the kept weights; None if not measured."""
        history = self._history
        return {} if history is None else dict(history.metrics)

    @property
    def metrics(self) -> pd.DataFrame:
        """metrics.csv: a row per evaluation; NaN if not measured."""
        return frame(Artefacts(self._run_dir).metrics, MetricsRow)

    @property
    def layers(self) -> pd.DataFrame:
        """layers.csv: a row per layer per epoch."""
        return frame(
            read_layers(self._run_dir.layers, self._written(self._run_dir.layers)), LayerRow
        )

    @property
    def predictions(self) -> pd.DataFrame:
        """predictions.csv: a row per test image, or per validation image if the run was
        not tested.
        """
        if not self._run_dir.predictions.exists():
            raise UsageError(f"{self.path}: has no predictions.csv; the run is {self.status}")
        path = self._run_dir.predictions
        found = read_predictions(path, self._written(path))
        columns = (found.labels, found.predicted, found.probabilities)
        _, *names = (name for name in PredictionRow.__dataclass_fields__)
        return pd.DataFrame(dict(zip(names, columns, strict=True))).rename_axis("index")

    def _written(self, path: Path) -> FileDigest | None:
        return Artefacts(self._run_dir).written(path)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The final weights by tensor name, `dense1.weight` (fan_in, fan_out) and so on; if the run
        has not ended, those of its last checkpoint.
        """
        return {name: tensor.copy() for name, tensor in self.model().tensors.items()}

    @property
    def best_weights(self) -> dict[str, np.ndarray]:
        """The best weights by validation."""
        return {name: tensor.copy() for name, tensor in self.model("best").tensors.items()}

    def model(self, weights: Weights = "final") -> Model:
        """The network itself: outputs, activations of each layer, gradients by pixel.

        Raises UsageError if the run has no such weights, ValueError if `weights` is not final,
        best or epoch-N.
        """
        if not isinstance(weights, str) or weights_file(weights) is None:
            raise ValueError(f"weights: found {weights!r}, must be {ALLOWED}")
        if weights not in self._models:
            model = load_model(self.path, weights, data_dir=self._data_dir, threads=self._threads)
            if self._status.resumable:
                return model  # the next checkpoint has other weights
            self._models[weights] = model
        return self._models[weights]

    def predict_proba(
        self, images: npt.ArrayLike, *, weights: Weights = "final"
    ) -> npt.NDArray[np.floating]:
        """The network's outputs (n, classes): probabilities if the output is softmax.

        `images` as in `predict`.
        """
        model = self.model(weights)
        preparation = model.config.data.preparation
        shape = preparation.before(model.image_shape) or np.asarray(images).shape[-2:]
        return model.outputs(preparation(raw_pixels(images, shape)))

    def predict(
        self, images: npt.ArrayLike, *, weights: Weights = "final"
    ) -> npt.NDArray[np.int64]:
        """The label of each image, int64 (n,).

        `images`: (n, height, width) or (n, height * width), or one image, of the dataset's pixels 0
        to 255. Raises ValueError for others.
        """
        return np.argmax(self.predict_proba(images, weights=weights), axis=1)

    def predict_files(
        self, *images: PathLike, raw: bool = False, weights: Weights = "final"
    ) -> Answers:
        """The digits in picture files, prepared as MNIST's were, or used unchanged if `raw`.

        Files that are not pictures of a digit are in the result's `unread`.
        """
        return ask(self.model(weights), [Path(image) for image in images], raw)

    def evaluate(self, split: SplitName = "test", *, weights: Weights = "final") -> Scores:
        """Loss, accuracy, each class's precision and recall, and the confusion matrix, on a part of
        the run's dataset: test, validation or train.
        """
        _refuse_unknown("split", split, SPLIT_NAMES)
        return ShownScores(**vars(score(self.model(weights), split)))

    @property
    def findings(self) -> list[str]:
        """What the run says, in sentences: that it overfits, is at chance level, and the like."""
        from mnistlab.findings import run_findings

        return run_findings(self._run_dir)

    @property
    def figure_names(self) -> list[str]:
        """The names for `figure`, if the run has the data."""
        from mnistlab.figures.run import RUN_FIGURES

        return list(RUN_FIGURES)

    def figure(self, name: str) -> "Figure":
        """One figure, drawn now: `run.figure("confusion_matrix")`.

        Raises UsageError for an unknown name, LackingError if the run lacks its data.
        """
        from mnistlab.figures.gallery import run_figures

        refuse_no_text("name", name)
        artefacts = Artefacts(self._run_dir, data_dir=self._data_dir, threads=self._threads)
        return only_figure(self.path, run_figures(artefacts, [name]))


def only_figure(path: Path, found: "Iterable[Drawn | LeftOut]") -> "Figure":
    """The one figure that was drawn; raises the error, or LackingError, if it was left out."""
    from mnistlab.figures.gallery import LeftOut
    from mnistlab.support.errors import LackingError

    (drawn,) = found
    if not isinstance(drawn, LeftOut):
        return drawn.figure
    raise drawn.error or LackingError(f"{path}: {drawn.name}: {drawn.why}")


def _refuse_unknown(what: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise ValueError(f"{what}: found {word!r}, must be one of {', '.join(known)}")


def load_run(
    path: PathLike, *, data_dir: PathLike | None = None, threads: int | None = None
) -> Run:
    """The run at `path`, e.g. `runs/latest`. Raises UsageError if there is none."""
    return Run(path, data_dir=data_dir, threads=threads)
